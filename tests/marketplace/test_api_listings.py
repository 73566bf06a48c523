import datetime as dt
import json

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.models import Listing, Organisation
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.races import race

pytestmark = pytest.mark.django_db
SENTENCE = "304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"
LISTINGS = "/api/v1/listings/"


@pytest.fixture
def trader():
    return UserFactory(username="buyer", language="en")


@pytest.fixture
def organisation(trader):
    CategoryFactory()
    return OrganisationFactory(members__trader=trader)


@pytest.fixture
def api(trader, organisation):
    """Return a client of the organisation's trader that reads English."""
    return client(trader)


def client(user=None) -> APIClient:
    cache.clear()
    made = APIClient(headers={"Accept-Language": "en"})
    if user:
        made.force_authenticate(user)
    return made


def test_post_reads_the_main_story_and_echoes_it(api, organisation):
    answer = api.post(LISTINGS, {"side": "demand", "text": SENTENCE})

    assert answer.status_code == 201, answer.data
    listing = answer.json()
    assert listing["organisation"]["id"] == organisation.pk
    assert (listing["category"], listing["category_en"]) == ("valve.ball", "Ball valve")
    assert listing["attributes"] == {"DN": 50, "PN": 16, "material": "ss304"}
    assert (listing["quantity"], listing["unit"], listing["region"]) == (500, "piece", "331000")
    assert listing["window_end"] == (timezone.localdate() + dt.timedelta(days=30)).isoformat()
    assert (listing["status"], listing["revision"]) == ("open", 1)
    dn = next(reading for reading in listing["readings"] if reading["field"] == "attributes.DN")
    assert SENTENCE[dn["start"] : dn["end"]] == "DN50"
    assert dn["zh"]
    assert dn["en"]


def test_post_says_what_is_wrong_by_field(api):
    answer = api.post(
        LISTINGS, {"side": "barter", "text": "x", "category": "valve.ball", "attributes": {"DN": "wide"}, "weight": 3}
    )

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid"
    assert sorted(answer.json()["errors"]) == ["attributes.DN", "side", "weight"]
    assert answer.json()["errors"]["side"] == ["Must be one of: supply, demand."]


@pytest.mark.parametrize("body", ["[1]", "7", '"text"', "{", "null"])
def test_post_refuses_what_is_no_object(api, body):
    answer = api.post(LISTINGS, body, content_type="application/json")

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attributes", [1]), ("attributes", "DN50"), ("quantity", {"a": 1}), ("text", 5.5), ("text", ["a"]), ("region", {}),
        ("delivery_regions", 5), ("certificates", [5, {}]), ("certificates", [{"code": "CE", "colour": "red"}]),
        ("external_id", {}), ("expires_at", "soon"), ("audience", 5), ("audience", [{}]), ("category", []), ("unit", 5),
        ("title", "\ud800\x00"), ("attributes", {"DN": 10**400}), ("attributes", {"colour": "\x00\udfff"}),
        ("attributes", {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}), ("quantity", 10**400), ("external_id", "\x00"),
        ("category", "\ud800"), ("unit", "\ud800"), ("audience", ["\ud800"]), ("region", "\ud800"), ("\ud800", 1),
        ("text", [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]), ("window_end", 5), ("visibility", None), ("publish", "maybe"), ("organisation", {}), ("lead_days", "x"),
    ],
)  # fmt: skip
def test_post_never_breaks_on_strange_values(api, name, value):
    body = json.dumps({"side": "supply", "title": "ball valve", name: value})

    answer = api.post(LISTINGS, body, content_type="application/json")

    assert answer.status_code in {201, 400}, (name, value, answer.data)


def test_post_finds_the_organisation_by_id_or_uscc(api, trader, organisation):
    other = OrganisationFactory(members__trader=trader)

    unsaid = api.post(LISTINGS, {"side": "supply", "text": "ball valve"})
    by_id = api.post(LISTINGS, {"side": "supply", "text": "ball valve", "organisation": other.pk})
    by_code = api.post(LISTINGS, {"side": "supply", "text": "ball valve", "organisation": organisation.uscc})
    foreign = api.post(LISTINGS, {"side": "supply", "text": "x", "organisation": OrganisationFactory().pk})

    assert unsaid.json()["errors"] == {"organisation": ["Say for which organisation."]}
    assert by_id.json()["organisation"]["id"] == other.pk
    assert by_code.json()["organisation"]["id"] == organisation.pk
    assert list(foreign.json()["errors"]) == ["organisation"]


def test_post_again_with_the_same_key_answers_200_with_the_same_listing(api):
    body, headers = {"side": "demand", "text": SENTENCE}, {"Idempotency-Key": "k-1"}

    first = api.post(LISTINGS, body, headers=headers)
    second = api.post(LISTINGS, body, headers=headers)
    other = api.post(LISTINGS, body | {"quantity": 7}, headers=headers)

    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 409)
    assert first.json()["id"] == second.json()["id"]
    assert other.json()["code"] == "key_used_for_another_listing"


@pytest.mark.django_db(transaction=True)
def test_post_with_one_external_id_from_four_at_once_posts_one(api, trader):
    body = {"side": "demand", "text": SENTENCE, "external_id": "E-1"}

    answers = race(*[lambda: client(trader).post(LISTINGS, body)] * 4)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert Listing.objects.count() == 1


def test_parse_echoes_without_keeping(api):
    answer = api.post(f"{LISTINGS}parse/", {"text": SENTENCE, "quantity": "many"})

    assert answer.status_code == 200
    assert answer.json()["values"]["attributes"] == {"DN": 50, "PN": 16, "material": "ss304"}
    assert answer.json()["errors"] == {"quantity": ["Must be a number."]}
    assert not Listing.objects.exists()


def test_list_shows_what_the_reader_may_see(api, organisation):
    own = ListingFactory(organisation=organisation, status=Listing.Status.PAUSED)
    public = ListingFactory()
    ListingFactory(visibility="named")
    ListingFactory(status=Listing.Status.PAUSED)
    ListingFactory(organisation__state=Organisation.State.PENDING, organisation__reviewed_at=None)

    mine = api.get(LISTINGS).json()
    strangers = client().get(LISTINGS).json()

    assert [listing["id"] for listing in mine["results"]] == [public.pk, own.pk]
    assert [listing["id"] for listing in strangers["results"]] == [public.pk]


def test_list_keeps_private_fields_from_others(api, organisation):
    own, other = ListingFactory(organisation=organisation, external_id="A"), ListingFactory(external_id="B")

    shown = {listing["id"]: listing for listing in api.get(LISTINGS).json()["results"]}

    assert shown[own.pk]["external_id"] == "A"
    assert {"external_id", "readings", "audience", "created_by"}.isdisjoint(shown[other.pk])


def test_list_asks_the_same_for_one_and_for_three(api, django_assert_num_queries):
    ListingFactory().certificates.create(code="ce")
    with django_assert_num_queries(9):
        api.get(LISTINGS)
    ListingFactory().certificates.create(code="ce")
    ListingFactory().certificates.create(code="ce")

    with django_assert_num_queries(9):
        assert len(api.get(LISTINGS).json()["results"]) == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("side=supply", {"ball"}), ("side=demand", {"gate"}), ("kind=product", {"ball", "gate"}),
        ("category=valve", {"ball", "gate"}), ("category=valve.ball", {"ball"}), ("category=球阀", {"ball"}),
        ("category=nothing", set()), ("q=flanged 50", {"ball"}), ("q=闸阀", {"gate"}),
        ("region=33", {"ball", "gate"}), ("region=台州", {"ball"}), ("region=330000", {"ball", "gate"}), ("region=Atlantis", set()),
        ("attr_DN=50", {"ball"}), ("attr_DN_min=60", {"gate"}), ("attr_DN_max=60", {"ball"}), ("attr_material=SUS304", {"ball"}),
        ("attr_DN=abc", set()), ("attr_DN_min=abc", set()), ("attr_contains_min=1", set()), ("attr_DN__x=1", set()),
        ("attr_DN=1e999999", set()), ("attr_DN=%00", {"ball", "gate"}), ("attr_x=%ff", set()),
        ("price_max=100", {"ball"}), ("price_min=100", {"gate"}), ("mine=true", {"ball"}), ("mine=false", {"gate"}),
        ("status=open", {"ball", "gate"}), ("status=closed", set()), ("cluster=pumps_valves", set()),
    ],
)  # fmt: skip
def test_list_is_filtered(api, organisation, query, found):
    valve = CategoryFactory(code="valve", name_zh="阀门", name_en="Valve")
    ball = CategoryFactory(code="valve.ball")
    ball.parent = valve
    ball.save()
    gate = CategoryFactory(code="valve.gate", name_zh="闸阀", name_en="Gate valve", parent=valve)
    made = {
        "ball": ListingFactory(
            organisation=organisation, category=ball, price_min=80, price_max=95,
            title_en="flanged ball valve DN50", title_zh="法兰球阀",
        ),
        "gate": ListingFactory(
            side="demand", category=gate, price_min=200, region="330100", title_en="gate", title_zh="闸阀",
            attributes={"DN": 80, "material": "wcb"},
        ),
    }  # fmt: skip

    answer = api.get(f"{LISTINGS}?{query}")

    assert answer.status_code == 200, answer.data
    ids = {listing["id"] for listing in answer.json()["results"]}
    assert ids == {made[name].pk for name in found}


def test_list_is_ordered_and_paged(api, organisation):
    cheap, dear = (ListingFactory(price_min=price) for price in (10, 20))

    answer = api.get(f"{LISTINGS}?ordering=-price_min&limit=1").json()

    assert (answer["count"], [listing["id"] for listing in answer["results"]]) == (2, [dear.pk])
    assert [listing["id"] for listing in api.get(answer["next"]).json()["results"]] == [cheap.pk]


def test_list_refuses_filters_that_make_no_sense(api):
    assert api.get(f"{LISTINGS}?side=barter").status_code == 400
    assert api.get(f"{LISTINGS}?organisation=0").status_code == 400


def test_detail_is_not_found_by_a_stranger(api):
    hidden = ListingFactory(visibility="named")

    for answer in (
        api.get(f"{LISTINGS}{hidden.pk}/"),
        api.patch(f"{LISTINGS}{hidden.pk}/", {}),
        api.get(f"{LISTINGS}0/"),
    ):
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"


def test_patch_changes_and_guards_the_revision(api, organisation):
    listing = ListingFactory(organisation=organisation)

    changed = api.patch(f"{LISTINGS}{listing.pk}/", {"quantity": 350, "revision": 1})
    stale = api.patch(f"{LISTINGS}{listing.pk}/", {"quantity": 1, "revision": 1})
    wrong = api.patch(f"{LISTINGS}{listing.pk}/", {"quantity": 1, "revision": "one"})

    assert (changed.json()["quantity"], changed.json()["revision"]) == (350, 2)
    assert (stale.status_code, stale.json()["code"]) == (409, "listing_changed_meanwhile")
    assert list(wrong.json()["errors"]) == ["revision"]


def test_patch_of_anothers_listing_is_not_found(api):
    assert api.patch(f"{LISTINGS}{ListingFactory().pk}/", {"quantity": 1}).status_code == 404


def test_actions_change_the_status_or_say_why_not(api, organisation):
    listing = ListingFactory(organisation=organisation)
    url = f"{LISTINGS}{listing.pk}/"

    statuses = [api.post(f"{url}{action}/").json().get("status") for action in ("pause", "resume", "renew", "close")]
    again = api.post(f"{url}close/")

    assert statuses == ["paused", "open", "open", "closed"]
    assert (again.status_code, again.json()["code"]) == (409, "status_not_reachable")
    assert api.post(f"{LISTINGS}{ListingFactory().pk}/pause/").status_code == 404


def test_draft_is_published(api):
    draft = api.post(LISTINGS, {"side": "supply", "text": "ball valve", "publish": False}).json()

    assert draft["status"] == "draft"
    assert api.post(f"{LISTINGS}{draft['id']}/publish/").json()["status"] == "open"


def test_posting_needs_a_token():
    answer = client().post(LISTINGS, {"text": SENTENCE})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"
