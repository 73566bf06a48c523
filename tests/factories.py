"""Real rows for tests, valid by default."""

import datetime as dt

import factory

from marketplace.models import (
    Category,
    Channel,
    Listing,
    Membership,
    Notification,
    Organisation,
    User,
    WebhookEndpoint,
)

NOON = dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc(number: int) -> str:
    """Return the valid USCC of the nth made-up firm."""
    body = f"91331021{number:09d}"
    total = sum(USCC_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(body))
    return body + USCC_ALPHABET[-total % 31]


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user-{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")


class OrganisationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organisation
        skip_postgeneration_save = True

    name_zh = factory.Sequence(lambda n: f"第{n}阀门厂")
    name_en = factory.Sequence(lambda n: f"Valve Works {n}")
    uscc = factory.Sequence(uscc)
    region = "331083"
    state = Organisation.State.APPROVED
    reviewed_at = NOON
    created_at = NOON

    @factory.post_generation
    def members(self, create, users, **roles):
        """``OrganisationFactory(members=[owner])`` makes owners, ``members__trader=user`` a trader."""
        for user in users or []:
            MembershipFactory(organisation=self, user=user, role=Membership.Role.OWNER)
        for role, user in roles.items():
            MembershipFactory(organisation=self, user=user, role=role)


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    role = Membership.Role.OWNER
    created_at = NOON


class CategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Category
        django_get_or_create = ("code",)

    code = "valve.ball"
    name_zh = "球阀"
    name_en = "Ball valve"
    family = "valve"
    unit = "piece"
    schema = factory.LazyFunction(
        lambda: {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "DN": {
                    "type": "number",
                    "unit": "mm",
                    "codes": "dn",
                    "title_zh": "公称直径",
                    "title_en": "Nominal diameter",
                    "match": "equal",
                },
                "PN": {
                    "type": "number",
                    "codes": "pn",
                    "title_zh": "公称压力",
                    "title_en": "Nominal pressure",
                    "match": "at_least",
                },
                "material": {
                    "type": "string",
                    "enum": ["ss304", "ss316l", "wcb"],
                    "labels": {
                        "ss304": {"zh": "304 不锈钢", "en": "Stainless steel 304"},
                        "ss316l": {"zh": "316L 不锈钢", "en": "Stainless steel 316L"},
                        "wcb": {"zh": "碳钢 WCB", "en": "Carbon steel WCB"},
                    },
                    "title_zh": "材质",
                    "title_en": "Material",
                    "match": "equal",
                },
            },
        }
    )


class ListingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Listing

    organisation = factory.SubFactory(OrganisationFactory)
    side = Listing.Side.SUPPLY
    category = factory.SubFactory(CategoryFactory)
    title_zh = "304 不锈钢法兰球阀 DN50 PN16"
    title_en = "Stainless steel 304 flanged ball valve DN50 PN16"
    attributes = factory.LazyFunction(lambda: {"DN": 50, "PN": 16, "material": "ss304"})
    quantity = 1000
    unit = "piece"
    region = "331083"
    status = Listing.Status.OPEN
    created_by = factory.SubFactory(UserFactory)
    created_at = NOON
    updated_at = NOON
    published_at = NOON


class WebhookEndpointFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = WebhookEndpoint

    organisation = factory.SubFactory(OrganisationFactory)
    url = factory.Sequence(lambda n: f"http://127.0.0.1:9/hook/{n}")
    secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    created_at = NOON


class NotificationFactory(factory.django.DjangoModelFactory):
    """A mail to a user that waits to be sent; ``user=None, endpoint=…, channel="webhook"`` for an endpoint's."""

    class Meta:
        model = Notification

    event = "match.created"
    deduplication_key = factory.Sequence(lambda n: f"match:{n}")
    channel = Channel.EMAIL
    user = factory.SubFactory(UserFactory)
    title_zh = "有新的匹配"
    title_en = "A new match"
    url = "/listings/1/"
    requested_at = NOON
    due_at = NOON
