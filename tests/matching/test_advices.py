from decimal import Decimal

import pytest
from django.urls import reverse

from marketplace.models import Listing, ListingCertificate
from matching import runs, services
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    user = UserFactory()
    OrganisationFactory(members=[user], region="331000")
    return user


@pytest.fixture
def supply(seller):
    return ListingFactory(
        organisation=seller.memberships.get().organisation,
        category=CategoryFactory(code="rod", family="rod"),
        unit="t",
        quantity=100,
        minimum_order=25,
        price_min=Decimal(100),
    )


def demand(supply, **said):
    values = {"side": "demand", "category": supply.category, "unit": "t", "quantity": 30}
    return ListingFactory(**values | said)


def advice_of(supply, user, now) -> list[tuple]:
    runs.index_listings()
    found = services.suggest_changes(listing=supply, user=user, now=now)
    return [
        ([text["en"] for text in one.texts], sorted(each.listing.pk for each in one.found), one.quantity)
        for one in found
    ]


def test_suggest_changes_counts_only_what_the_search_then_finds(supply, seller, now):
    first, second = demand(supply, quantity=20), demand(supply, quantity=10)
    strict = demand(supply, required_certificates=["ce"])
    cheap = demand(supply, price_max=Decimal("98.2"))
    demand(supply)

    assert advice_of(supply, seller, now) == [
        (["Lowest price −1.8% (100 → 98.2 CNY/t)"], [cheap.pk], 30.0),
        (["Minimum order 25 t → 20 t"], [first.pk], 20.0),
        (["Minimum order 25 t → 10 t"], [first.pk, second.pk], 30.0),
        (["Hold a valid certificate: CE marking"], [strict.pk], 30.0),
    ]


def test_suggest_changes_never_looks_at_what_the_user_may_not_see(supply, seller, now):
    demand(supply, quantity=20, visibility=Listing.Visibility.NAMED)

    assert advice_of(supply, seller, now) == []


def test_suggest_changes_has_nothing_to_say_without_a_category(seller, now):
    organisation = seller.memberships.get().organisation

    assert advice_of(ListingFactory(organisation=organisation, category=None), seller, now) == []


def test_apply_suggestion_edits_the_listing_and_the_match_is_found(supply, seller, now):
    wanted = demand(supply, quantity=20)
    runs.index_listings()
    (one,) = services.suggest_changes(listing=supply, user=seller, now=now)

    services.apply_suggestion(listing=supply, key=one.key, by=seller, now=now)

    runs.index_listings()
    supply.refresh_from_db()
    assert supply.minimum_order == 20
    answer = services.look_from(listing=supply, user=seller, now=now)
    assert [found.listing.pk for found in answer.found] == [wanted.pk]


def test_apply_suggestion_refuses_what_is_no_longer_suggested(supply, seller, now):
    runs.index_listings()

    with pytest.raises(services.SuggestionOutOfDate):
        services.apply_suggestion(listing=supply, key="minimum_order=20.0", by=seller, now=now)


def test_a_certificate_is_suggested_but_not_claimed_by_a_click(supply, seller, now):
    demand(supply, required_certificates=["ce"])
    runs.index_listings()
    (one,) = services.suggest_changes(listing=supply, user=seller, now=now)

    assert not one.is_applicable
    with pytest.raises(services.SuggestionOutOfDate):
        services.apply_suggestion(listing=supply, key=one.key, by=seller, now=now)
    assert not ListingCertificate.objects.exists()


def test_listing_advice_shows_what_would_bring_matches(client, supply, seller, now):
    wanted = demand(supply, quantity=20)
    runs.index_listings()
    client.force_login(seller)

    page = client.get(reverse("matching:listing_advice", args=[supply.pk])).content.decode()

    assert "+1" in page
    assert wanted.title in page


def test_advice_apply_changes_the_listing_and_goes_to_its_matches(client, supply, seller, now):
    demand(supply, quantity=20)
    runs.index_listings()
    client.force_login(seller)

    answer = client.post(reverse("matching:advice_apply", args=[supply.pk]), {"suggestion": "minimum_order=20.0"})

    supply.refresh_from_db()
    assert answer.headers["Location"] == reverse("matching:listing_matches", args=[supply.pk])
    assert supply.minimum_order == 20


@pytest.mark.parametrize("name", ["listing_advice", "advice_apply", "api_listing_advice"])
def test_a_stranger_finds_no_advice(client, supply, name):
    client.force_login(UserFactory())
    address = reverse(f"matching:{name}", args=[supply.pk])

    answer = client.post(address) if name == "advice_apply" else client.get(address)

    assert answer.status_code == 404


def test_api_listing_advice_tells_and_makes_the_change(client, supply, seller, now):
    wanted = demand(supply, quantity=20)
    runs.index_listings()
    client.force_login(seller)
    address = reverse("matching:api_listing_advice", args=[supply.pk])

    (told,) = client.get(address).json()["results"]
    done = client.post(address, {"suggestion": told["key"]}, content_type="application/json")

    assert told == {
        "key": "minimum_order=20.0",
        "changes": [
            {"field": "minimum_order", "now": 25.0, "then": 20.0,
             "zh": "起订量 25 吨 → 20 吨", "en": "Minimum order 25 t → 20 t"},
        ],
        "matches": 1,
        "listings": [wanted.pk],
        "quantity": 20.0,
        "unit": "t",
        "is_applicable": True,
    }  # fmt: skip
    assert done.json() == {"listing": supply.pk, "revision": supply.revision + 1}
