import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from rest_framework.test import APIClient

from marketplace.models import Dispute, OrderRecord
from matching import runs, tasks
from matching.models import Match, MatchEvent, MatchRun
from matching.models.match import ScoredPair
from matching.models.match_event import Happening
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_order import NegotiationFactory, OfferFactory, OrderFactory, OrderLineFactory

pytestmark = pytest.mark.django_db
SHOWN = MatchEvent.Kind.SHOWN


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def buyer():
    return UserFactory(language="en")


@pytest.fixture
def demand(buyer):
    return ListingFactory(organisation=OrganisationFactory(members=[buyer]), side="demand", quantity=10)


def matches_of(demand, *supplies, at, **facts) -> list[Match]:
    run = MatchRun.objects.create(listing=demand, requested_at=at, ranker_version="r1")
    pairs = [
        ScoredPair(
            supply=supply.pk,
            demand=demand.pk,
            supply_organisation=supply.organisation_id,
            demand_organisation=demand.organisation_id,
            supply_revision=supply.revision,
            demand_revision=demand.revision,
            score=90.0 - rank,
            rank=rank,
            reasons=[],
            **facts,
        )
        for rank, supply in enumerate(supplies, start=1)
    ]
    Match.objects.record(pairs, run=run, now=at)
    return list(Match.objects.filter(demand=demand).order_by("-score", "pk"))


def test_match_event_shown_twice_in_a_day_counts_once_and_next_day_again(demand, now):
    found = matches_of(demand, *ListingFactory.create_batch(2), at=now)

    assert MatchEvent.objects.record_shown(found, "demand", 21, now) == 2
    assert MatchEvent.objects.record_shown(found, "demand", 1, now) == 0
    assert MatchEvent.objects.record_shown(found[:1], "demand", 1, now + dt.timedelta(days=1)) == 1

    first = MatchEvent.objects.filter(match=found[0]).order_by("day")
    assert [(event.position, event.model_version) for event in first] == [(21, "r1"), (1, "r1")]


def test_match_event_that_was_told_takes_its_first_place_in_a_list(demand, now):
    (found,) = matches_of(demand, ListingFactory(), at=now)
    MatchEvent.objects.record([Happening(found.pk, "demand", SHOWN, now)])

    assert MatchEvent.objects.record_shown([found], "demand", 7, now) == 0

    assert MatchEvent.objects.get().position == 7


def test_match_event_of_two_of_one_row_keeps_the_higher_place(demand, now):
    (found,) = matches_of(demand, ListingFactory(), at=now)

    MatchEvent.objects.record(
        [Happening(found.pk, "demand", SHOWN, now, place) for place in (None, 4, 2)],
    )

    assert MatchEvent.objects.get().position == 2


def test_match_event_of_a_deleted_match_is_not_written(demand, now):
    (found,) = matches_of(demand, ListingFactory(), at=now)
    Match.objects.all().delete()

    assert MatchEvent.objects.record_shown([found], "demand", 1, now) == 0


def test_match_event_shown_since_leaves_out_what_is_older_or_another_kind(demand, now):
    (found,) = matches_of(demand, ListingFactory(), at=now)
    MatchEvent.objects.record(
        [
            Happening(found.pk, "demand", SHOWN, now - dt.timedelta(days=2), 1),
            Happening(found.pk, "demand", SHOWN, now, 1),
            Happening(found.pk, "demand", MatchEvent.Kind.OPENED, now, 1),
        ]
    )

    assert MatchEvent.objects.shown_since(now - dt.timedelta(days=1)).count() == 1


@pytest.mark.parametrize("facts", [{"position": 0}, {"kind": "contacted", "position": 1}])
def test_match_event_has_no_impossible_position(demand, now, facts):
    (found,) = matches_of(demand, ListingFactory(), at=now)
    values = {"side": "demand", "kind": "shown", "at": now, "day": now.date(), **facts}

    with pytest.raises(IntegrityError, match="match_event_position_is_of_what_was_seen"):
        MatchEvent.objects.create(match=found, **values)


def test_match_event_stands_once_a_day(demand, now):
    (found,) = matches_of(demand, ListingFactory(), at=now)
    values = {"match": found, "side": "demand", "kind": "shown", "at": now, "day": now.date()}
    MatchEvent.objects.create(**values)

    with pytest.raises(IntegrityError, match="match_event_once_a_day"):
        MatchEvent.objects.create(**values)


@pytest.mark.parametrize("name", ["buyer_chance", "seller_chance", "fulfilment_chance"])
def test_match_chances_are_chances(demand, now, name):
    (found,) = matches_of(demand, ListingFactory(), at=now, **{name: 1.0})

    assert getattr(found, name) == 1.0
    with pytest.raises(IntegrityError, match="match_chances_are_chances"), transaction.atomic():
        Match.objects.update(**{name: 1.01})


def test_listing_matches_notes_what_it_shows_and_where(client, buyer, demand, now):
    found = matches_of(demand, *ListingFactory.create_batch(2), at=now)
    client.force_login(buyer)

    client.get(reverse("matching:listing_matches", args=[demand.pk]))
    client.get(reverse("matching:listing_matches", args=[demand.pk]))

    assert list(MatchEvent.objects.order_by("position").values_list("match", "side", "kind", "position")) == [
        (found[0].pk, "demand", "shown", 1),
        (found[1].pk, "demand", "shown", 2),
    ]


def test_listing_matches_second_page_begins_where_the_first_ended(client, buyer, demand, now):
    matches_of(demand, *ListingFactory.create_batch(21), at=now)
    client.force_login(buyer)

    client.get(reverse("matching:listing_matches", args=[demand.pk]), {"page": 2})

    assert list(MatchEvent.objects.values_list("position", flat=True)) == [21]


def test_listing_matches_seen_by_the_platform_operator_is_no_event(client, buyer, demand, now):
    matches_of(demand, ListingFactory(), at=now)
    buyer.is_staff = True
    buyer.save()
    client.force_login(buyer)

    client.get(reverse("matching:listing_matches", args=[demand.pk]))
    client.get(reverse("matching:match_list"))
    client.get(reverse("matching:match_detail", args=[Match.objects.get().pk]))

    assert not MatchEvent.objects.exists()


def test_api_listing_matches_notes_what_it_hands_out(buyer, demand, now):
    matches_of(demand, *ListingFactory.create_batch(3), at=now)
    api = APIClient()
    api.force_authenticate(buyer)

    api.get(f"/api/v1/listings/{demand.pk}/matches/", {"limit": 2, "offset": 1})

    assert list(MatchEvent.objects.order_by("position").values_list("position", flat=True)) == [2, 3]


def test_match_list_notes_each_match_for_its_own_side(client, buyer, demand, now):
    supply = ListingFactory(organisation=demand.organisation)
    matches_of(demand, ListingFactory(), at=now)
    matches_of(ListingFactory(side="demand"), supply, at=now)
    client.force_login(buyer)

    client.get(reverse("matching:match_list"))

    assert sorted(MatchEvent.objects.values_list("match__supply", "side")) == sorted(
        [(supply.pk, "supply"), (Match.objects.get(demand=demand).supply_id, "demand")]
    )


def test_match_detail_notes_that_it_was_opened_from_its_place(client, buyer, demand, now):
    found = matches_of(demand, *ListingFactory.create_batch(2), at=now)
    MatchEvent.objects.record_shown(found, "demand", 1, now)
    client.force_login(buyer)

    client.get(reverse("matching:match_detail", args=[found[1].pk]))

    opened = MatchEvent.objects.get(kind="opened")
    assert (opened.match_id, opened.side, opened.position) == (found[1].pk, "demand", 2)


def closed_order(demand, supply, now, **facts):
    negotiation = NegotiationFactory(
        supply=supply,
        demand=demand,
        buyer=demand.organisation,
        seller=supply.organisation,
        created_at=now,
        updated_at=now,
    )
    offer = OfferFactory(negotiation=negotiation, made_at=now, answered_at=now, valid_until=now + dt.timedelta(days=7))
    order = OrderFactory(offer=offer)
    values = {"on_time": 1, "in_full": 1, "deliveries": 1, "deliveries_on_time": 1, "at": now, **facts}
    OrderRecord.objects.create(order=order, organisation=order.seller, side="seller", **values)
    return order


def test_gather_events_reads_what_both_firms_did(demand, now):
    supply = ListingFactory()
    (found,) = matches_of(demand, supply, at=now)
    order = closed_order(demand, supply, now + dt.timedelta(hours=1))
    Dispute.objects.create(
        order=order,
        line=OrderLineFactory(order=order),
        quantity=1,
        source="accepted",
        kind="quality",
        text="rust",
        opened_for=order.buyer,
        opened_by=order.confirmed_by,
        opened_at=now + dt.timedelta(hours=2),
    )

    tasks.gather_events()
    tasks.gather_events()

    assert set(MatchEvent.objects.filter(match=found).values_list("kind", "side")) == {
        ("contacted", "demand"),
        ("quoted", "supply"),
        ("accepted", "demand"),
        ("delivered", "supply"),
        ("disputed", "demand"),
    }
    assert MatchEvent.objects.count() == 5


def test_gather_events_says_late_and_short(demand, now):
    supply = ListingFactory()
    matches_of(demand, supply, at=now)
    closed_order(demand, supply, now, on_time="0.5", in_full="0.9")

    runs.gather_events()

    told = set(MatchEvent.objects.filter(kind__startswith="delivered").values_list("kind", flat=True))
    assert told == {"delivered_late", "delivered_short"}


def test_gather_events_passes_over_who_was_not_matched_by_then(demand, now):
    supply = ListingFactory()
    closed_order(demand, supply, now - dt.timedelta(hours=1))
    matches_of(demand, supply, at=now)

    assert runs.gather_events() == 0


def test_gather_events_takes_up_what_was_left_behind_for_long(demand, now):
    first, second = ListingFactory.create_batch(2)
    matches_of(demand, first, second, at=now)
    closed_order(demand, first, now)
    runs.gather_events()
    closed_order(demand, second, now + dt.timedelta(days=90))

    assert runs.gather_events() == 4


def test_find_matches_that_tells_notes_that_it_was_shown(demand, now):
    ListingFactory()
    runs.index_listings()
    (run_id,) = MatchRun.objects.request([demand.pk], now=now)

    runs.find_matches(MatchRun.objects.claim(run_id, now=now), clock=lambda: now)

    told = Match.objects.exclude(demand_told_at=None).count() + Match.objects.exclude(supply_told_at=None).count()
    assert told == MatchEvent.objects.filter(kind="shown", position=None).count() == 2
