import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from config.celery import app
from config.errors import InputRefused
from marketplace.models import Listing, Notification
from matching import runs, tasks
from matching.models import Allotment, MarketProposal, Match
from matching.services import markets
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory
from tests.factories_market import (
    DemandFactory,
    MarketPointFactory,
    MarketProposalFactory,
    compute,
    match_of,
    two_sided,
)
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "hasty")]


def given(proposal: MarketProposal, dial: int = 5) -> dict[tuple[int, int], float]:
    rows = proposal.points.get(dial=dial).allotments
    return {(demand, supply): float(quantity) for demand, supply, quantity, _value in rows}


def test_clear_market_splits_a_demand_over_two_suppliers(now):
    demand = DemandFactory(quantity=100)
    first, second = ListingFactory(quantity=60), ListingFactory(quantity=60)
    match_of(first, demand, score=90)
    match_of(second, demand, score=80)

    proposal = compute(now)

    assert given(proposal) == {(demand.pk, first.pk): 60, (demand.pk, second.pk): 40}
    point = proposal.points.get(dial=5)
    assert (point.fill, point.shown, point.served) == (1.0, 1.0, 1)
    assert proposal.points.count() == 11
    assert (proposal.status, proposal.demand_count, proposal.supply_count, proposal.pair_count) == ("done", 1, 2, 2)
    assert proposal.listings["demands"] == [[demand.pk, 1]]


def test_clear_market_counts_what_is_left_in_one_unit(now):
    resin = CategoryFactory(code="resin", family="resin", name_en="Resin", unit="t", schema={})
    demand = DemandFactory(category=resin, quantity=10, unit="t", attributes={})
    supply = ListingFactory(category=resin, quantity=8000, held=2000, unit="kg", attributes={})
    match_of(supply, demand)

    proposal = compute(now, family="resin")

    assert proposal.unit == "t"
    assert given(proposal) == {(demand.pk, supply.pk): 6}


def test_clear_market_serves_whole_what_cannot_be_split(now):
    whole = DemandFactory(quantity=100, minimum_order=100)
    for _each in range(2):
        match_of(ListingFactory(quantity=60), whole)

    assert given(compute(now)) == {}


def test_clear_market_gives_no_part_smaller_than_the_demand_takes(now):
    demand = DemandFactory(quantity=100, minimum_order=50)
    first, second = ListingFactory(quantity=80), ListingFactory(quantity=30)
    match_of(first, demand, score=80)
    match_of(second, demand, score=90)

    assert given(compute(now)) == {(demand.pk, first.pk): 80}


def test_clear_market_pools_demands_below_a_minimum_order(now, operator):
    supply = ListingFactory(quantity=500, minimum_order=100)
    demands = DemandFactory.create_batch(2, quantity=60)
    runs.index_listings()
    (run_id,) = runs.matching.MatchRun.objects.request([supply.pk], now=now)
    runs.find_matches(runs.matching.MatchRun.objects.claim(run_id, now=now), clock=lambda: now)
    assert Match.objects.count() == 0

    proposal = compute(now)
    published = markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)

    assert given(proposal) == {(demand.pk, supply.pk): 60 for demand in demands}
    assert [one.pooled_count for one in published] == [2, 2]
    match = Match.objects.get(demand=demands[0])
    assert sum(reason["points"] for reason in match.reasons) == pytest.approx(match.score, abs=1e-6)
    assert match.standing_allotment.quantity == 60


def test_clear_market_leaves_out_and_says_so(now):
    DemandFactory(quantity=None)
    ListingFactory(quantity=10, unit="t")
    demand = DemandFactory(quantity=100)
    match_of(ListingFactory(quantity=100), demand)

    proposal = compute(now)

    assert proposal.left_out == {"demand_without_quantity": 1, "supply_in_another_unit": 1}


def test_clear_market_is_of_where_the_goods_are_wanted(now):
    here, there = DemandFactory(region="331083"), DemandFactory(region="440100")
    supply = ListingFactory(quantity=1000, region="440100")
    match_of(supply, here)
    match_of(supply, there)

    assert set(given(compute(now, region="330000"))) == {(here.pk, supply.pk)}


def test_clear_market_of_nothing_is_empty(now):
    CategoryFactory()

    proposal = compute(now)

    assert (proposal.status, proposal.points.get(dial=0).fill) == ("done", 0.0)


def test_clear_market_shows_more_suppliers_as_the_dial_turns(now, monkeypatch):
    monkeypatch.setattr("matching.runs.clearing.LENGTH", 1)
    best, other = ListingFactory(quantity=100), ListingFactory(quantity=100)
    for second in (80, 60):
        demand = DemandFactory(quantity=100)
        match_of(best, demand, score=90)
        match_of(other, demand, score=second)

    proposal = compute(now)

    first, fullest = proposal.points.get(dial=0), proposal.points.get(dial=5)
    assert (first.fill, fullest.fill) == (0.5, 1.0)
    assert (first.shown, fullest.shown) == (0.5, 1.0)
    assert first.relevance > fullest.relevance


def test_clear_market_shows_new_firms_more_as_the_dial_turns_to_fairness(now, monkeypatch):
    monkeypatch.setattr("matching.runs.clearing.LENGTH", 1)
    long_ago = now - dt.timedelta(days=400)
    known = OrganisationFactory(created_at=long_ago, deliveries=9)
    best = ListingFactory(quantity=1000, organisation=known)
    ListingFactory.create_batch(3, organisation=known, status="open")
    newcomer = ListingFactory(quantity=1000)
    for _each in range(3):
        demand = DemandFactory(quantity=10)
        match_of(best, demand, score=90)
        match_of(newcomer, demand, score=85)

    proposal = compute(now)

    exposures = dict(proposal.points.values_list("dial", "new_exposure"))
    assert exposures[5] == 0.0
    assert exposures[10] > 0.0


def test_clear_market_heard_twice_works_once(now):
    proposal = MarketProposalFactory()

    tasks.clear_market(proposal.pk)
    tasks.clear_market(proposal.pk)

    proposal.refresh_from_db()
    assert (proposal.status, proposal.attempt) == ("done", 1)


def test_clear_market_that_breaks_says_why(now, monkeypatch):
    monkeypatch.setattr("matching.runs.clearing.clear_points", lambda *_args, **_options: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        compute(now)

    assert MarketProposal.objects.get().failure == "ZeroDivisionError: division by zero"


def test_request_market_makes_a_run_and_rings(now, operator, worker, django_capture_on_commit_callbacks):
    CategoryFactory()

    with django_capture_on_commit_callbacks(execute=True):
        proposal = markets.request_market(by=operator, now=now, family="valve", region="台州")

    proposal.refresh_from_db()
    assert (proposal.region, proposal.status) == ("331000", "done")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "family"),
        ({"family": "valve", "category": "valve.ball"}, "family"),
        ({"family": "unicorns"}, "family"),
        ({"category": "unicorn"}, "category"),
        ({"family": "valve", "region": "Atlantis"}, "region"),
    ],
)
def test_request_market_names_what_it_cannot_take(now, operator, said, field):
    CategoryFactory()

    with pytest.raises(InputRefused) as refused:
        markets.request_market(by=operator, now=now, **said)

    assert list(refused.value.errors) == [field]
    assert not MarketProposal.objects.exists()


def test_market_choices_count_demands_that_match(now):
    match_of(ListingFactory(), DemandFactory())
    DemandFactory()

    assert [(one.code, one.demands) for one in markets.family_choices(now=now)] == [("valve", 1)]
    assert [(one.code, one.demands) for one in markets.category_choices(now=now)] == [("valve.ball", 1)]


def test_approve_market_publishes_and_tells_both_sides(now, operator):
    proposal, demand, first, second = two_sided(now)

    published = markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)

    assert {(one.supply_id, one.quantity, one.supplier_count, one.covered) for one in published} == {
        (first.pk, 60, 2, 100),
        (second.pk, 40, 2, 100),
    }
    assert Match.objects.get(supply=first).standing_allotment.quantity == 60
    told = Notification.objects.filter(event="match.proposed", channel="in_app")
    assert {each.organisation_id for each in told} == {demand.organisation_id, first.organisation_id}
    assert "2 suppliers together cover your 100 pieces" in told.get(organisation=demand.organisation).title_en
    proposal.refresh_from_db()
    assert (proposal.decision, proposal.dial, proposal.decided_by) == ("approved", 5, operator)


def test_approve_market_drops_what_no_longer_holds(now, operator):
    proposal, _demand, first, second = two_sided(now)
    Listing.objects.filter(pk=first.pk).update(status="closed", revision=2)

    found = markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)

    assert {(one.supply_id, one.fate, one.dropped_because) for one in found} == {
        (first.pk, "dropped", "supply_changed"),
        (second.pk, "published", ""),
    }
    assert Allotment.objects.published().get().supply == second


def test_approve_market_drops_what_others_hold_by_now(now, operator):
    proposal, _demand, first, _second = two_sided(now)
    Listing.objects.filter(pk=first.pk).update(held=10)

    found = markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)

    assert {one.dropped_because for one in found if one.supply_id == first.pk} == {"supply_held"}


def test_approve_market_when_nothing_holds_publishes_nothing(now, operator):
    proposal, demand, _first, _second = two_sided(now)
    Listing.objects.filter(pk=demand.pk).update(revision=2)

    with pytest.raises(markets.NothingToPublish):
        markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)

    proposal.refresh_from_db()
    assert (proposal.decision, Allotment.objects.count()) == ("open", 0)


def test_approve_market_is_decided_once(now, operator):
    proposal, *_listings = two_sided(now)
    markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)

    with pytest.raises(markets.MarketAlreadyDecided):
        markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)
    with pytest.raises(markets.MarketAlreadyDecided):
        markets.discard_market(proposal=proposal, by=operator, at=now)

    assert Allotment.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_approve_market_by_two_at_once_publishes_once(now, operator, monkeypatch):
    monkeypatch.setattr(app.conf, "broker_url", "memory://")
    proposal, *_listings = two_sided(now)

    def approve():
        return markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)

    outcomes = race(approve, approve)

    assert sorted(type(one).__name__ for one in outcomes) == ["MarketAlreadyDecided", "list"]
    assert Allotment.objects.count() == 2


def test_approve_market_refuses_what_is_not_computed_or_no_stop(now, operator):
    proposal = MarketProposalFactory()

    with pytest.raises(markets.MarketNotReady):
        markets.approve_market(proposal=proposal, dial=5, by=operator, at=now)
    with pytest.raises(InputRefused):
        markets.approve_market(proposal=proposal, dial=11, by=operator, at=now)


def test_approve_market_again_replaces_what_was_allotted_before(now, operator):
    first, *_listings = two_sided(now)
    markets.approve_market(proposal=first, dial=5, by=operator, at=now)
    second = compute(now)

    markets.approve_market(proposal=second, dial=5, by=operator, at=now)

    standing = {match.allotment.proposal_id for match in Match.objects.exclude(allotment=None)}
    assert standing == {second.pk}


def test_discard_market_publishes_nothing(now, operator):
    proposal, *_listings = two_sided(now)

    markets.discard_market(proposal=proposal, by=operator, at=now)

    proposal.refresh_from_db()
    assert (proposal.decision, Allotment.objects.count()) == ("discarded", 0)


def test_allotted_matches_come_first_until_a_listing_changes(now, operator):
    demand = DemandFactory(quantity=50)
    allotted, better = ListingFactory(quantity=100), ListingFactory(quantity=100)
    match_of(allotted, demand, score=90, chance=0.9)
    proposal = compute(now)
    markets.approve_market(proposal=proposal, dial=0, by=operator, at=now)
    match_of(better, demand, score=99, mutual=9.0)
    rows = Match.objects.for_listing(demand).with_allotments()

    assert [match.supply for match in rows.by_mutual_success()] == [allotted, better]

    Match.objects.filter(supply=allotted).update(supply_revision=2)
    assert [match.supply for match in rows.by_mutual_success()] == [better, allotted]
    assert rows.get(supply=allotted).standing_allotment is None


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"family": ""}, "market_proposal_is_of_a_family_or_a_category"),
        ({"dial": 5}, "market_proposal_approved_at_a_stop_of_the_dial"),
        ({"decision": "discarded"}, "market_proposal_decided_says_by_whom_and_when"),
    ],
)
def test_market_proposal_is_refused(facts, name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        MarketProposalFactory(**facts)


@pytest.mark.parametrize(
    ("facts", "name"),
    [({"dial": 11}, "market_point_dial_has_eleven_stops"), ({"fill": 1.5}, "market_point_shares_are_shares")],
)
def test_market_point_is_refused(facts, name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        MarketPointFactory(**facts)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"quantity": 0}, "allotment_quantity_is_positive"),
        ({"covered": 5}, "allotment_covers_its_own"),
        ({"pooled_count": 0}, "allotment_counts_itself"),
        ({"fate": "dropped"}, "allotment_dropped_says_why"),
    ],
)
def test_allotment_is_refused(facts, name):
    values = {
        "proposal": MarketProposalFactory(), "demand": DemandFactory(), "supply": ListingFactory(), "fate": "published",
        "demand_revision": 1, "supply_revision": 1, "quantity": 10, "covered": 10, "unit": "piece", "value": 1.0,
    }  # fmt: skip

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Allotment.objects.create(**values | facts)
