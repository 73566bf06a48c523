import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.utils import translation

from config.errors import InputRefused
from marketplace.models import Listing, Organisation
from marketplace.services import listings, organisations
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.races import race

pytestmark = pytest.mark.django_db
SENTENCE = "求购 304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"
Status = Listing.Status


@pytest.fixture
def trader():
    return UserFactory()


@pytest.fixture
def organisation(trader):
    CategoryFactory()
    return OrganisationFactory(members__trader=trader)


@pytest.fixture
def post(organisation, trader, now):
    def post(options=None, **fields):
        call = {"organisation": organisation, "by": trader, "now": now} | (options or {})
        return listings.post_listing(fields=fields, **call)

    return post


def heard(action) -> list[str]:
    """Return what a listener hears while the action runs and commits."""
    with connection.cursor() as cursor:
        cursor.execute("LISTEN listing_changed")
    action()
    return [note.payload for note in connection.connection.notifies(timeout=0.2)]


def test_post_listing_reads_a_whole_sentence(post, now):
    listing = post(text=SENTENCE)

    assert (listing.side, listing.kind, listing.category.code) == ("demand", "product", "valve.ball")
    assert listing.attributes == {"DN": 50, "PN": 16, "material": "ss304"}
    assert (listing.quantity, listing.unit, listing.region) == (500, "piece", "331000")
    assert listing.window_end == dt.date(2026, 4, 1)
    assert (listing.status, listing.published_at) == (Status.OPEN, now)
    assert (listing.title_zh, listing.text_zh, listing.text_en) == (SENTENCE, SENTENCE, "")
    assert {reading["field"] for reading in listing.readings} >= {"side", "category", "quantity", "attributes.DN"}


def test_post_listing_reads_english(post):
    listing = post(
        side="demand",
        text="500 pcs 304 stainless steel flanged ball valve DN50 PN16, delivered to Taizhou, Zhejiang within 30 days",
    )

    assert listing.category.code == "valve.ball"
    assert listing.attributes == {"DN": 50, "PN": 16, "material": "ss304"}
    assert (listing.quantity, listing.unit, listing.region) == (500, "piece", "331000")
    assert listing.text_en
    assert listing.text_zh == ""


def test_post_listing_lets_fields_win_over_the_text(post):
    listing = post(text=SENTENCE, side="supply", quantity=350, attributes={"DN": 80}, region="玉环市")

    assert (listing.side, listing.quantity, listing.unit, listing.region) == ("supply", 350, "piece", "331083")
    assert listing.attributes["DN"] == 80
    assert not {"side", "quantity", "attributes.DN", "region"} & {reading["field"] for reading in listing.readings}


def test_post_listing_leaves_empty_what_is_given_as_none(post):
    listing = post(text=SENTENCE, quantity=None, attributes={"PN": None})

    assert listing.quantity is None
    assert "PN" not in listing.attributes


def test_post_listing_converts_attributes_to_the_units_of_the_category(post):
    listing = post(
        side="supply",
        category="Ball valve",
        title="x",
        attributes={"DN": {"value": 5, "unit": "cm"}, "material": "SUS304"},
    )

    assert listing.attributes == {"DN": 50, "material": "ss304"}


def test_post_listing_names_every_field_it_refuses_in_the_readers_language(post):
    with translation.override("en"), pytest.raises(InputRefused) as refusal:
        post(
            side="barter", category="valve.ball", title="x", attributes={"DN": "wide", "colour": "red"}, quantity=-1,
            currency="XXX", region="Atlantis", window_start="2026-05-02", window_end="2026-05-01", weight=3,
        )  # fmt: skip

    assert sorted(refusal.value.errors) == [
        "attributes.DN", "attributes.colour", "currency", "quantity", "region", "side", "weight", "window_start",
    ]  # fmt: skip
    assert refusal.value.errors["quantity"] == ["Must be greater than zero."]


def test_post_listing_needs_a_side_and_some_words(post):
    with pytest.raises(InputRefused) as refusal:
        post(category="valve.ball")

    assert sorted(refusal.value.errors) == ["side", "text"]


def test_post_listing_keeps_a_draft_that_does_not_say_enough(post, trader, now):
    listing = post({"publish": False}, text="球阀")

    assert (listing.status, listing.side, listing.published_at) == (Status.DRAFT, "", None)
    with pytest.raises(InputRefused):
        listings.publish_listing(listing=listing, by=trader, now=now)
    listings.edit_listing(listing=listing, by=trader, changes={"side": "supply"}, now=now)
    assert listings.publish_listing(listing=listing, by=trader, now=now).status == Status.OPEN


def test_post_listing_of_a_waiting_organisation_is_seen_by_nobody_else(post, organisation, trader, now):
    Organisation.objects.filter(pk=organisation.pk).update(state="pending", reviewed_at=None)

    listing = post(text=SENTENCE)

    assert listing.status == Status.OPEN
    assert list(Listing.objects.visible_to(trader, now)) == [listing]
    assert not Listing.objects.visible_to(UserFactory(), now).exists()


def test_post_listing_is_for_traders(post):
    with pytest.raises(organisations.OnlyMembersMay):
        post({"by": UserFactory()}, text=SENTENCE)


def test_post_listing_keeps_certificates(post):
    listing = post(
        text="供应球阀",
        certificates=["ISO 9001", {"code": "CE", "issuer": "TÜV", "number": "7", "expires_on": "2028-05-31"}],
    )

    kept = listing.certificates.order_by("code").values_list("code", "issuer", "number", "expires_on")
    assert list(kept) == [("ce", "TÜV", "7", dt.date(2028, 5, 31)), ("iso9001", "", "", None)]


def test_post_listing_shows_a_named_listing_to_its_audience_only(post, now):
    friend, stranger = UserFactory(), UserFactory()
    named = OrganisationFactory(members=[friend])
    OrganisationFactory(members=[stranger])

    listing = post(text="供应球阀", visibility="named", audience=[named.uscc])

    assert list(Listing.objects.visible_to(friend, now)) == [listing]
    assert not Listing.objects.visible_to(stranger, now).exists()


def test_post_listing_refuses_a_named_listing_without_audience_or_with_an_unknown_one(post):
    for audience in ([], ["91330000000000000X"]):
        with pytest.raises(InputRefused) as refusal:
            post(text="供应球阀", visibility="named", audience=audience)
        assert list(refusal.value.errors) == ["audience"]


def test_post_listing_again_with_the_same_key_or_external_id_posts_nothing(post):
    first = post({"idempotency_key": "k1"}, text=SENTENCE)
    second = post(text=SENTENCE, external_id="BV-1")

    with pytest.raises(listings.ListingAlreadyPosted) as by_key:
        post({"idempotency_key": "k1"}, text=SENTENCE)
    with pytest.raises(listings.ListingAlreadyPosted) as by_id:
        post(text=SENTENCE, external_id="BV-1")
    with pytest.raises(listings.KeyUsedForAnotherListing):
        post(text="供应别的球阀", external_id="BV-1")

    assert (by_key.value.listing, by_id.value.listing) == (first, second)
    assert Listing.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_post_listing_with_one_external_id_posts_one_of_four(post):
    outcomes = race(*[lambda: post(text=SENTENCE, external_id="BV-1")] * 4)

    assert Listing.objects.count() == 1
    assert sum(isinstance(outcome, listings.ListingAlreadyPosted) for outcome in outcomes) == 3


@pytest.mark.django_db(transaction=True)
def test_listing_changes_are_announced_after_commit(post, trader, now):
    listing = post(text=SENTENCE)
    posts = heard(lambda: post(text="供应球阀"))
    pauses = heard(lambda: listings.pause_listing(listing=listing, by=trader, now=now))

    assert posts == [str(Listing.objects.latest("pk").pk)]
    assert pauses == [str(listing.pk)]


def test_draft_from_text_keeps_nothing(organisation, now):
    draft = listings.draft_from_text(text=SENTENCE, organisation=organisation, now=now)

    assert draft.values["quantity"] == 500
    assert draft.problems == {}
    assert not Listing.objects.exists()


def test_edit_listing_changes_what_is_given_and_bumps_the_revision(post, trader, now):
    listing = post(text=SENTENCE, certificates=["CE"])

    edited = listings.edit_listing(listing=listing, by=trader, changes={"quantity": 350, "region": None}, now=now)

    edited.refresh_from_db()
    assert (edited.quantity, edited.revision) == (350, 2)
    assert (edited.attributes["DN"], edited.unit, edited.window_end) == (50, "piece", dt.date(2026, 4, 1))
    assert "quantity" not in {reading["field"] for reading in edited.readings}
    assert [certificate.code for certificate in edited.certificates.all()] == ["ce"]


def test_edit_listing_with_another_text_reads_it_anew(post, trader, now):
    listing = post(text=SENTENCE, price_max=120)

    edited = listings.edit_listing(
        listing=listing, by=trader, changes={"text": "求购 304 不锈钢法兰球阀 DN80 PN16, 200 只"}, now=now
    )

    assert (edited.attributes["DN"], edited.quantity, edited.price_max) == (80, 200, Decimal(120))
    assert edited.title_zh == "求购 304 不锈钢法兰球阀 DN80 PN16, 200 只"
    assert edited.window_end is None


def test_edit_listing_asks_for_required_attributes_once_the_category_is_said(post, trader, now):
    category = CategoryFactory()
    category.schema["required"] = ["DN"]
    category.changed_at = now
    category.save()
    listing = post(text="供应 304 不锈钢球阀，现货")

    edited = listings.edit_listing(listing=listing, by=trader, changes={"quantity": 5}, now=now)

    assert (edited.category.code, edited.quantity) == ("valve.ball", 5)
    with pytest.raises(InputRefused) as refusal:
        listings.edit_listing(listing=listing, by=trader, changes={"category": "valve.ball"}, now=now)
    assert list(refusal.value.errors) == ["attributes.DN"]


def test_edit_listing_refuses_a_stale_revision_and_a_closed_listing(post, trader, now):
    listing = post(text=SENTENCE)
    listings.edit_listing(listing=listing, by=trader, changes={"quantity": 1}, now=now, revision=1)

    with pytest.raises(listings.ListingChangedMeanwhile):
        listings.edit_listing(listing=listing, by=trader, changes={"quantity": 2}, now=now, revision=1)
    listings.close_listing(listing=listing, by=trader, now=now)
    with pytest.raises(listings.ListingAlreadyClosed):
        listings.edit_listing(listing=listing, by=trader, changes={"quantity": 3}, now=now)


def test_edit_listing_does_not_mind_that_its_window_has_passed(post, trader, now):
    listing = post(text=SENTENCE)
    later = now + dt.timedelta(days=90)

    edited = listings.edit_listing(listing=listing, by=trader, changes={"price_max": 120}, now=later)

    assert edited.price_max == 120
    with pytest.raises(InputRefused):
        listings.edit_listing(listing=listing, by=trader, changes={"window_end": "2026-04-02"}, now=later)


def test_edit_listing_is_for_traders(post, organisation, now):
    listing, viewer = post(text=SENTENCE), UserFactory()
    organisation.memberships.create(user=viewer, role="viewer", created_at=now)

    with pytest.raises(organisations.OnlyMembersMay):
        listings.edit_listing(listing=listing, by=viewer, changes={"quantity": 1}, now=now)


@pytest.mark.django_db(transaction=True)
def test_edit_and_close_at_once_leave_a_closed_listing(post, trader, now):
    listing = post(text=SENTENCE)

    outcomes = race(
        lambda: listings.close_listing(listing=listing, by=trader, now=now),
        lambda: listings.edit_listing(listing=listing, by=trader, changes={"quantity": 1}, now=now),
    )

    listing.refresh_from_db()
    was_edited = isinstance(outcomes[1], Listing)
    assert listing.status == Status.CLOSED
    assert (listing.quantity == 1) == was_edited
    assert was_edited or isinstance(outcomes[1], listings.ListingAlreadyClosed)


def test_statuses_follow_the_transitions(post, trader, now):
    listing = post(text=SENTENCE)
    move = {"listing": listing, "by": trader, "now": now}

    assert listings.pause_listing(**move).status == Status.PAUSED
    with pytest.raises(listings.StatusNotReachable):
        listings.pause_listing(**move)
    assert listings.resume_listing(**move).status == Status.OPEN
    assert listings.close_listing(**move).status == Status.CLOSED
    for service in (listings.resume_listing, listings.pause_listing, listings.close_listing, listings.renew_listing):
        with pytest.raises(listings.StatusNotReachable):
            service(**move)


def test_renew_listing_brings_an_expired_one_back(post, trader, now):
    listing = post(text=SENTENCE, expires_at=now + dt.timedelta(days=1))
    later = now + dt.timedelta(days=2)
    Listing.objects.expire(later)
    listing.refresh_from_db()

    renewed = listings.renew_listing(listing=listing, by=trader, now=later)

    assert listing.status == Status.EXPIRED
    assert (renewed.status, renewed.expires_at) == (Status.OPEN, later + dt.timedelta(days=90))
    with pytest.raises(InputRefused):
        listings.renew_listing(listing=listing, by=trader, now=later, until=later)


def test_set_audience_names_who_may_see(post, trader, now):
    friend = OrganisationFactory()
    listing = post(text=SENTENCE)

    changed = listings.set_audience(listing=listing, organisations=[friend.pk], by=trader, now=now)

    assert (changed.visibility, list(changed.audience.all())) == ("named", [friend])


def test_post_listings_in_bulk_posts_all_and_names_the_row_that_is_wrong(organisation, trader, now):
    good = {"side": "supply", "category": "valve.ball", "title": "球阀", "attributes": {"DN": 50}, "quantity": 9}
    other = OrganisationFactory()

    count = listings.post_listings_in_bulk(
        listings=[(organisation, good), (other, good | {"certificates": ["CE"]})], by=trader, now=now
    )

    assert count == 2
    assert [listing.organisation for listing in Listing.objects.order_by("pk")] == [organisation, other]
    assert Listing.objects.get(organisation=other).certificates.get().code == "ce"
    with pytest.raises(InputRefused) as refusal:
        listings.post_listings_in_bulk(
            listings=[(organisation, good), (organisation, good | {"attributes": {"DN": "x"}})], by=trader, now=now
        )
    assert list(refusal.value.errors) == ["2.attributes.DN"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": 0},
        {"quantity": 5, "unit": ""},
        {"minimum_order": 2000},
        {"price_min": 5, "price_max": 4},
        {"window_start": dt.date(2026, 5, 2), "window_end": dt.date(2026, 5, 1)},
        {"title_zh": "", "title_en": ""},
        {"currency": "cny"},
        {"published_at": None},
        {"external_id": ""},
    ],
)
def test_the_database_refuses_impossible_listings(wrong):
    with pytest.raises(IntegrityError):
        ListingFactory(**wrong)
