import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from marketplace.models import Category
from matching.models import Allotment, MarketPoint, MarketProposal
from matching.services import market_pages, markets
from tests.factories import CategoryFactory, ListingFactory, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_market import (
    DemandFactory,
    MarketPointFactory,
    MarketProposalFactory,
    compute,
    match_of,
    two_sided,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "hasty")]


def page(client, user, name, *args, **query) -> str:
    client.force_login(user)
    answer = client.get(reverse(name, args=args), query, headers={"accept-language": "en"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_market_list_offers_what_matches(client, now, operator):
    match_of(ListingFactory(), DemandFactory())
    Category.objects.create(code="valve", name_zh="阀门", name_en="Valves", family="valve")
    MarketProposalFactory()

    html = page(client, operator, "matching:market_list")

    assert "Valves (1)" in html
    assert html.count("Valves") == 2


def test_market_list_needs_the_same_queries_for_one_and_three(
    client, now, operator, django_assert_num_queries, django_assert_max_num_queries
):
    MarketProposalFactory()
    client.force_login(operator)
    here = reverse("matching:market_list")
    client.get(here)
    with django_assert_max_num_queries(20) as first:
        client.get(here)
    MarketProposalFactory.create_batch(2)

    with django_assert_num_queries(len(first)):
        client.get(here)


def test_market_create_asks_for_a_market(client, operator):
    CategoryFactory()
    client.force_login(operator)

    answer = client.post(reverse("matching:market_create"), {"family": "valve"})

    proposal = MarketProposal.objects.get()
    assert answer.url == reverse("matching:market_detail", args=[proposal.pk])
    assert proposal.requested_by == operator


def test_market_create_says_what_it_cannot_take(client, operator):
    client.force_login(operator)

    answer = client.post(reverse("matching:market_create"), {"region": "Atlantis"})

    assert answer.status_code == 422


def test_market_detail_asks_again_until_it_is_computed(client, operator):
    html = page(client, operator, "matching:market_detail", MarketProposalFactory().pk)

    assert 'hx-trigger="every 1s"' in html


def test_market_detail_shows_figures_and_shares(client, now, operator):
    proposal, demand, *_supplies = two_sided(now)

    html = page(client, operator, "matching:market_detail", proposal.pk, dial=3)

    assert "Stop 3 of the dial" in html
    assert "split over 2 suppliers" in html
    assert demand.organisation.name_en in html


def test_market_approve_and_discard_from_the_page(client, now, operator):
    proposal, *_listings = two_sided(now)
    other = compute(now)
    client.force_login(operator)

    client.post(reverse("matching:market_approve", args=[proposal.pk]), {"dial": "5"})
    client.post(reverse("matching:market_discard", args=[other.pk]))

    assert [each.decision for each in MarketProposal.objects.order_by("pk")] == ["approved", "discarded"]
    html = page(client, operator, "matching:market_detail", proposal.pk)
    assert "Who got what" in html


def test_market_approve_without_a_stop_says_so(client, now, operator):
    proposal, *_listings = two_sided(now)
    client.force_login(operator)

    answer = client.post(reverse("matching:market_approve", args=[proposal.pk]), {"dial": "x"}, follow=True)

    assert "0" in str(next(iter(answer.context["messages"])))
    assert not Allotment.objects.exists()


@pytest.mark.parametrize("name", ["market_list", "exposure"])
def test_desk_pages_are_the_operators_alone(client, name):
    client.force_login(UserFactory())

    assert client.get(reverse(f"matching:{name}")).status_code == 302


def test_listing_matches_shows_what_was_allotted(client, now, operator):
    proposal, demand, *_supplies = two_sided(now)
    markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)
    buyer = MembershipFactory(organisation=demand.organisation, user=UserFactory(language="en")).user

    html = page(client, buyer, "matching:listing_matches", demand.pk)

    assert "The platform proposes 60 piece between you two." in html.replace("pieces", "piece")
    assert "2 suppliers together cover 100" in html


def test_market_page_shows_the_approved_stop_or_the_middle():
    proposal = MarketProposalFactory(status="done", finished_at=dt.datetime(2026, 3, 2, tzinfo=dt.UTC))
    for dial in range(11):
        MarketPointFactory(proposal=proposal, dial=dial)

    assert market_pages.read_page(proposal=proposal, dial=None).point.dial == 5
    assert market_pages.read_page(proposal=proposal, dial=99).point.dial == 10
    assert len(market_pages.read_page(proposal=proposal, dial=0).lines[0].dots) == 11
    assert MarketPoint.objects.first().reached == pytest.approx(0.9)
    assert Decimal(0) == proposal.demanded


def test_markets_by_api(now, operator):
    proposal, demand, first, _second = two_sided(now)
    api = APIClient()
    api.force_authenticate(operator)
    here = f"/api/v1/markets/{proposal.pk}/"

    shown = api.get(here, {"dial": 5}).json()
    listed = api.get("/api/v1/markets/").json()
    approved = api.post(f"{here}approve/", {"dial": 5})
    again = api.post(f"{here}approve/", {"dial": 5})

    assert [point["dial"] for point in shown["points"]] == list(range(11))
    assert {(share["supply"], share["quantity"]) for share in shown["shares"]} == {(first.pk, 60.0), (_second.pk, 40.0)}
    assert [each["id"] for each in listed["results"]] == [proposal.pk]
    assert (approved.status_code, len(approved.json()["allotments"])) == (200, 2)
    assert (again.status_code, again.json()["code"]) == (409, "market_already_decided")
    assert approved.json()["allotments"][0]["demand"] == demand.pk


def test_markets_are_made_by_api_once_per_key(operator):
    CategoryFactory()
    api = APIClient()
    api.force_authenticate(operator)
    key = {"Idempotency-Key": "once"}

    first = api.post("/api/v1/markets/", {"family": "valve"}, headers=key)
    again = api.post("/api/v1/markets/", {"family": "valve"}, headers=key)
    wrong = api.post("/api/v1/markets/", {"family": "unicorns"})
    discarded = api.post(f"/api/v1/markets/{first.json()['id']}/discard/")

    assert (first.status_code, again.json()) == (201, first.json())
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["family"])
    assert discarded.json()["code"] == "market_not_ready"
    assert api.get(f"/api/v1/markets/{first.json()['id']}/").json()["points"] == []


def test_markets_of_the_api_are_the_operators_alone():
    proposal, api = MarketProposalFactory(), APIClient()
    api.force_authenticate(UserFactory())

    for url in ("/api/v1/markets/", f"/api/v1/markets/{proposal.pk}/", "/api/v1/exposure/"):
        assert api.get(url).status_code == 404
    assert api.post(f"/api/v1/markets/{proposal.pk}/approve/", {"dial": 5}).status_code == 404


def test_exposure_by_api(operator):
    match_of(ListingFactory(), DemandFactory())
    api = APIClient()
    api.force_authenticate(operator)

    assert api.get("/api/v1/exposure/").json()["under_floor"] == 1


def test_match_detail_says_what_both_may_expect(client, now):
    buyer = UserFactory()
    demand = DemandFactory(organisation=OrganisationFactory(members=[buyer]))
    match = match_of(ListingFactory(), demand, chance=0.23)
    match_of(match.supply, DemandFactory())

    html = page(client, buyer, "matching:match_detail", match.pk)

    assert "Expected success for both: 23%." in html
    assert "1 other listing matches the counterpart too" in html
