import math

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from rest_framework.test import APIClient

from marketplace.models import Listing
from matching import runs, tasks
from matching.models import BalanceRun, ListingBalance, Match, MatchRun
from matching.models.listing_balance import families_to_balance
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_market import DemandFactory, match_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


def balance(now, family="valve") -> BalanceRun:
    (run_id,) = BalanceRun.objects.request([family], now=now)
    runs.balance_family(BalanceRun.objects.claim(run_id, now=now), clock=lambda: now)
    return BalanceRun.objects.get(pk=run_id)


def ranked(listing: Listing) -> list[Match]:
    return list(Match.objects.for_listing(listing).by_mutual_success())


def test_balance_family_without_competition_orders_by_the_chances(now):
    demand = DemandFactory()
    chances = {0.2: 95.0, 0.9: 60.0, 0.5: 80.0}
    found = {
        chance: match_of(ListingFactory(), demand, score=score, chance=chance) for chance, score in chances.items()
    }

    balance(now)

    assert ranked(demand) == [found[0.9], found[0.5], found[0.2]]


def test_balance_family_puts_the_free_before_the_crowded_of_the_same_chance(now):
    crowded, free = ListingFactory(quantity=100), ListingFactory(quantity=100)
    demand = DemandFactory(quantity=100)
    both = [match_of(each, demand, chance=0.6) for each in (crowded, free)]
    for _each in range(5):
        match_of(crowded, DemandFactory(quantity=100), chance=0.6)

    run = balance(now)

    assert ranked(demand) == [both[1], both[0]]
    assert (run.status, run.matches) == ("done", 7)
    factors = dict(ListingBalance.objects.values_list("listing", "factor"))
    assert 0 < factors[crowded.pk] < factors[free.pk] <= 1


def test_balance_family_counts_how_many_orders_a_supply_can_serve(now):
    small, large = ListingFactory(quantity=100), ListingFactory(quantity=5000)
    demands = DemandFactory.create_batch(5, quantity=100)
    for demand in demands:
        match_of(small, demand, chance=0.6)
        match_of(large, demand, chance=0.6)

    balance(now)

    assert [match.supply for match in ranked(demands[0])] == [large, small]


def test_balance_family_takes_the_score_where_no_model_told_the_chances(now):
    demand = DemandFactory()
    low, high = (match_of(ListingFactory(), demand, score=score) for score in (40.0, 70.0))

    balance(now)

    assert ranked(demand) == [high, low]


def test_balance_family_heard_twice_works_once(now):
    match_of(ListingFactory(), DemandFactory())
    (run_id,) = BalanceRun.objects.request(["valve"], now=now)

    tasks.balance_family(run_id)
    tasks.balance_family(run_id)

    assert BalanceRun.objects.get().attempt == 1


def test_balance_family_that_breaks_says_why(now, monkeypatch):
    match_of(ListingFactory(), DemandFactory())
    monkeypatch.setattr("matching.runs.balancing.weigh", lambda _pairs: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        balance(now)

    assert BalanceRun.objects.get().failure == "ZeroDivisionError: division by zero"


def test_families_to_balance_are_those_with_newer_matches(now):
    match = match_of(ListingFactory(), DemandFactory())
    assert families_to_balance(now) == ["valve"]

    balance(now)
    BalanceRun.objects.update(started_at=now.replace(hour=6))
    assert families_to_balance(now) == []

    Match.objects.filter(pk=match.pk).update(updated_at=now.replace(hour=7))
    assert families_to_balance(now) == ["valve"]


def test_weigh_markets_rings_and_ring_markets_again_wakes_the_dead(now, worker):
    match_of(ListingFactory(), DemandFactory())

    tasks.weigh_markets()

    assert BalanceRun.objects.get().status == "done"
    BalanceRun.objects.update(status="running", finished_at=None, started_at=now.replace(year=2025))
    BalanceRun.objects.update(requested_at=now.replace(year=2025))
    tasks.ring_markets_again()
    assert BalanceRun.objects.get().status == "done"


def test_find_matches_places_new_matches_in_the_market_at_once(now):
    crowded, free = ListingFactory(quantity=100), ListingFactory(quantity=100)
    for _each in range(5):
        match_of(crowded, DemandFactory(quantity=100), chance=0.6)
    match_of(free, DemandFactory(quantity=100), chance=0.6)
    balance(now)
    demand = DemandFactory(quantity=100)
    runs.index_listings()

    (run_id,) = MatchRun.objects.request([demand.pk], now=now)
    runs.find_matches(MatchRun.objects.claim(run_id, now=now), clock=lambda: now)

    matches = {match.supply_id: match for match in Match.objects.filter(demand=demand)}
    factors = dict(ListingBalance.objects.values_list("listing", "factor"))
    assert matches[crowded.pk].mutual < matches[free.pk].mutual
    scale = ListingBalance.objects.get(listing=demand).scale
    match = matches[free.pk]
    told = (match.buyer_chance, match.seller_chance, match.fulfilment_chance)
    joint = math.prod(told) if None not in told else match.score / 100
    expected = math.exp(joint / scale) * factors[demand.pk] * factors[free.pk]
    assert match.mutual == pytest.approx(expected)


@pytest.mark.parametrize(("factor", "scale"), [(0.0, 0.1), (1.5, 0.1), (0.5, 0.0)])
def test_listing_balance_is_a_share(now, factor, scale):
    with pytest.raises(IntegrityError, match="listing_balance_is_a_share"), transaction.atomic():
        ListingBalance.objects.create(listing=ListingFactory(), factor=factor, scale=scale, at=now)


def test_balance_run_stands_unfinished_once_per_family(now):
    BalanceRun.objects.create(family="valve", requested_at=now)

    with pytest.raises(IntegrityError, match="balance_run_one_unfinished_per_family"), transaction.atomic():
        BalanceRun.objects.create(family="valve", requested_at=now)


def test_match_mutual_success_is_not_negative():
    with pytest.raises(IntegrityError, match="match_mutual_success_is_not_negative"), transaction.atomic():
        match_of(ListingFactory(), DemandFactory(), mutual=-1.0)


def test_listing_matches_are_by_mutual_success_or_by_score(client, now):
    user = UserFactory(language="en")
    demand = DemandFactory(organisation=OrganisationFactory(members=[user]))
    crowded, free = ListingFactory(title_en="Crowded valve"), ListingFactory(title_en="Free valve")
    match_of(crowded, demand, score=90.0, mutual=0.1)
    match_of(free, demand, score=80.0, mutual=0.5)
    client.force_login(user)
    here = reverse("matching:listing_matches", args=[demand.pk])

    page = client.get(here, headers={"accept-language": "en"}).content.decode()
    by_score = client.get(here, {"order": "score"}, headers={"accept-language": "en"}).content.decode()

    assert page.index("Free valve") < page.index("Crowded valve")
    assert by_score.index("Crowded valve") < by_score.index("Free valve")
    assert "?order=score" in page


def test_listing_matches_of_the_api_are_by_mutual_success_or_by_score(now):
    user = UserFactory()
    demand = DemandFactory(organisation=OrganisationFactory(members=[user]))
    first = match_of(ListingFactory(), demand, score=80.0, mutual=0.5)
    second = match_of(ListingFactory(), demand, score=90.0, mutual=0.1)
    api = APIClient()
    api.force_authenticate(user)
    url = f"/api/v1/listings/{demand.pk}/matches/"

    by_mutual = api.get(url).json()["results"]
    by_score = api.get(url, {"order": "score"}).json()["results"]

    assert [(each["id"], each["rank"], each["mutual"]) for each in by_mutual] == [
        (first.pk, 1, 0.5),
        (second.pk, 2, 0.1),
    ]
    assert [each["id"] for each in by_score] == [second.pk, first.pk]
    assert list(api.get(url, {"order": "luck"}).json()["errors"]) == ["order"]
