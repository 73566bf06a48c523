import datetime as dt

import pytest
from django.core.paginator import Paginator
from django.urls import reverse

from matching.models import MatchEvent
from matching.services import exposures
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_market import DemandFactory, match_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def buyer():
    return UserFactory(language="en")


@pytest.fixture
def demand(buyer):
    return DemandFactory(organisation=OrganisationFactory(members=[buyer]))


def old(now) -> dict:
    return {"published_at": now - dt.timedelta(days=60)}


def market(demand, now, *, count: int = 12, best: float = 90.0):
    """Give a demand so many matches with established firms, one point apart."""
    return [match_of(ListingFactory(**old(now)), demand, score=best - place) for place in range(count)]


def listed(demand, buyer, now, order="score"):
    return exposures.match_list(listing=demand, user=buyer, now=now, order=order)[:20]


def test_match_list_gives_new_firms_the_third_and_the_eighth_place(demand, buyer, now):
    known = market(demand, now)
    newcomers = [match_of(ListingFactory(), demand, score=score) for score in (79.0, 78.5, 78.4)]

    found = listed(demand, buyer, now)

    assert found[2] == newcomers[0]
    assert found[7] == newcomers[1]
    assert [match.placed for match in found[:4]] == ["", "", "new_firm", ""]
    assert [match for match in found if match in known] == known
    assert len(found) == 15


def test_match_list_takes_no_new_firm_that_fits_much_worse(demand, buyer, now):
    known = market(demand, now)
    worse = match_of(ListingFactory(), demand, score=60.0)

    assert listed(demand, buyer, now) == [*known, worse]


def test_match_list_leaves_a_new_firm_that_stands_higher_where_it_is(demand, buyer, now):
    best = match_of(ListingFactory(), demand, score=99.0)
    known = market(demand, now)

    assert listed(demand, buyer, now) == [best, *known]


def test_match_list_forgets_who_was_shown_often_enough(demand, buyer, now):
    known = market(demand, now)
    newcomer = match_of(ListingFactory(), demand, score=78.5)
    others = [match_of(newcomer.supply, DemandFactory()) for _each in range(10)]
    MatchEvent.objects.record_shown(others, "demand", 1, now)

    assert listed(demand, buyer, now)[:12] == known


def test_match_list_places_only_as_the_setting_says(demand, buyer, now, settings):
    settings.NEW_FIRM_FLOOR = False
    known = market(demand, now)
    match_of(ListingFactory(), demand, score=78.5)

    assert listed(demand, buyer, now)[:12] == known


def test_match_list_goes_on_over_pages_without_a_gap_or_a_double(demand, buyer, now):
    market(demand, now, count=9)
    match_of(ListingFactory(), demand, score=80.5)
    match_of(ListingFactory(), demand, score=80.4)
    matches = exposures.match_list(listing=demand, user=buyer, now=now, order="score")
    whole = matches[:20]

    pages = Paginator(matches, 4)

    assert [match for number in pages.page_range for match in pages.page(number)] == whole
    assert len(whole) == len(set(whole)) == matches.count() == 11


def test_match_list_works_for_supplies_too(now):
    seller = UserFactory()
    supply = ListingFactory(organisation=OrganisationFactory(members=[seller]), **old(now))
    for place in range(5):
        match_of(supply, DemandFactory(**old(now)), score=90.0 - place)
    newcomer = match_of(supply, DemandFactory(), score=84.5)

    assert listed(supply, seller, now)[2] == newcomer


def test_listing_matches_says_why_a_new_firm_stands_there(client, demand, buyer, now):
    market(demand, now)
    match_of(ListingFactory(), demand, score=78.5)
    client.force_login(buyer)

    url = reverse("matching:listing_matches", args=[demand.pk])
    html = client.get(url, {"order": "score"}, headers={"accept-language": "en"}).content.decode()

    assert html.count("new on the market") == 1


def test_read_exposure_counts_suppliers_by_group(demand, now):
    shown = match_of(ListingFactory(organisation=OrganisationFactory(deliveries=3, **_long_ago(now))), demand)
    match_of(ListingFactory(), demand)
    MatchEvent.objects.record_shown([shown], "demand", 1, now)

    found = exposures.read_exposure(now=now)

    assert (found.suppliers, found.shown, found.impressions, found.share) == (2, 1, 1, 0.5)
    assert {group.name: (group.firms, group.share) for group in found.groups} == {
        "new": (1, 0.0), "not_new": (1, 1.0), "small": (2, 1.0), "not_small": (0, 0.0),
    }  # fmt: skip
    assert found.under_floor == 2
    assert found.gini == 0.5
    assert found.most_shown == [(shown.supply.organisation, 1)]


def _long_ago(now) -> dict:
    return {"created_at": now - dt.timedelta(days=400)}


def test_exposure_shows_the_operator_who_was_shown(client, demand, now):
    match_of(ListingFactory(), demand)
    client.force_login(UserFactory(is_staff=True, language="en"))

    html = client.get(reverse("matching:exposure"), headers={"accept-language": "en"}).content.decode()

    assert "below 10" in html


def test_exposure_needs_the_same_queries_for_one_and_three(
    client, demand, now, django_assert_num_queries, django_assert_max_num_queries
):
    match_of(ListingFactory(), demand)
    client.force_login(UserFactory(is_staff=True))
    client.get(reverse("matching:exposure"))
    with django_assert_max_num_queries(20) as first:
        client.get(reverse("matching:exposure"))
    for _each in range(2):
        match_of(ListingFactory(), demand)

    with django_assert_num_queries(len(first)):
        client.get(reverse("matching:exposure"))
