import pytest
from rest_framework.test import APIClient

from marketplace.models import Listing
from matching import runs
from matching.models import Match, MatchRun
from tests.factories import ListingFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def buyer():
    return UserFactory()


@pytest.fixture
def demand(buyer):
    return ListingFactory(organisation=OrganisationFactory(members=[buyer]), side="demand", quantity=10)


@pytest.fixture
def api(buyer):
    client = APIClient()
    client.force_authenticate(buyer)
    return client


def match(listing: Listing, now) -> None:
    runs.index_listings()
    (run_id,) = MatchRun.objects.request([listing.pk], now=now)
    runs.find_matches(MatchRun.objects.claim(run_id, now=now), clock=lambda: now)


def url(listing: Listing) -> str:
    return f"/api/v1/listings/{listing.pk}/matches/"


def test_listing_matches_wait_until_a_worker_looked(api, demand):
    answer = api.get(url(demand)).json()

    assert answer == {"status": "waiting", "run": None, "count": 0, "next": None, "previous": None, "results": []}


def test_listing_matches_are_ranked_with_reasons(api, demand, now):
    supply = ListingFactory()
    match(demand, now)

    answer = api.get(url(demand)).json()

    (result,) = answer["results"]
    assert (answer["status"], answer["count"], answer["run"]["status"]) == ("done", 1, "done")
    assert (result["listing"]["id"], result["listing"]["title_zh"]) == (supply.pk, supply.title_zh)
    assert (result["organisation"]["id"], result["rank"]) == (supply.organisation_id, 1)
    assert sum(reason["points"] for reason in result["reasons"]) == pytest.approx(result["score"], abs=1e-6)
    assert {tuple(reason) for reason in result["reasons"]} == {("feature", "points", "zh", "en")}


def test_listing_matches_come_in_pages_whose_ranks_go_on(api, demand, now):
    ListingFactory.create_batch(3)
    match(demand, now)

    first = api.get(url(demand), {"limit": 2}).json()
    second = api.get(first["next"]).json()

    assert [result["rank"] for result in first["results"] + second["results"]] == [1, 2, 3]
    assert second["next"] is None


def test_listing_matches_need_the_same_queries_for_one_and_three(
    api, demand, now, django_assert_num_queries, django_assert_max_num_queries
):
    ListingFactory()
    match(demand, now)
    with django_assert_max_num_queries(20) as first:
        api.get(url(demand))
    ListingFactory.create_batch(2)
    match(demand, now)

    with django_assert_num_queries(len(first)):
        assert api.get(url(demand)).json()["count"] == 3


def test_listing_matches_of_the_counterpart_stay_its_own(api, demand, now):
    supply = ListingFactory()
    ListingFactory(side="demand")
    match(supply, now)

    assert Match.objects.count() == 2
    assert api.get(url(demand)).json()["count"] == 1
    assert api.get(url(supply)).status_code == 404
    assert api.post(url(supply)).status_code == 404


def test_listing_matches_need_a_token(demand):
    assert APIClient().get(url(demand)).status_code == 401


def test_listing_matches_request_asks_for_a_run(api, demand):
    answer = api.post(url(demand))

    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    assert answer.json()["run"]["id"] == MatchRun.objects.get().pk


def test_listing_matches_request_of_a_closed_listing_is_refused(api, demand):
    Listing.objects.filter(pk=demand.pk).update(status="closed")

    answer = api.post(url(demand))

    assert (answer.status_code, answer.json()["code"]) == (409, "listing_not_open")


def test_search_answers_a_sentence(api):
    supply = ListingFactory()
    runs.index_listings()

    answer = api.get("/api/v1/search/", {"q": "求购 304 不锈钢球阀 DN50"}).json()

    assert (answer["side"], answer["count"]) == ("supply", 1)
    assert [result["listing"]["id"] for result in answer["results"]] == [supply.pk]
    assert "DN" in str(answer["readings"])


def test_search_takes_a_draft(api):
    ListingFactory(attributes={"DN": 40})
    fits = ListingFactory()
    runs.index_listings()
    draft = {"q": "球阀", "fields": {"side": "demand", "category": "valve.ball", "attributes": {"DN": 50}}}

    answer = api.post("/api/v1/search/", draft).json()

    assert [result["listing"]["id"] for result in answer["results"]] == [fits.pk]


@pytest.mark.parametrize(
    ("question", "field"), [({}, "q"), ({"q": "阀", "side": "both"}, "side"), ({"q": "阀", "limit": 1000}, "limit")]
)
def test_search_names_the_field_it_cannot_take(api, question, field):
    answer = api.get("/api/v1/search/", question)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
