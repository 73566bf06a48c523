import datetime as dt
import threading

import pytest
from django.db import IntegrityError, connection, transaction

from marketplace.models import Listing, Organisation
from matching.models import IndexEntry, Match, MatchRun
from matching.models.index_entry import index_lag, listings_to_index
from matching.models.match import ScoredPair
from matching.models.match_run import listings_to_match, progress_of
from tests.factories import ListingFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


def pair_of(supply, demand, **changes) -> ScoredPair:
    pair = ScoredPair(
        supply=supply.pk,
        demand=demand.pk,
        supply_organisation=supply.organisation_id,
        demand_organisation=demand.organisation_id,
        supply_revision=supply.revision,
        demand_revision=demand.revision,
        score=80.0,
        rank=1,
        reasons=[{"feature": "text"}],
    )
    return pair._replace(**changes)


def run_for(listing, now, **changes) -> MatchRun:
    return MatchRun.objects.create(listing=listing, requested_at=now, ranker_version="r1", **changes)


def entry_of(listing, **changes) -> IndexEntry:
    values = {
        "revision": listing.revision,
        "model_version": "m1",
        "vector": b"\0\0",
        "text": "球阀",
        "normal": "球阀",
        **changes,
    }
    return IndexEntry(listing_id=listing.pk, **values)


def test_index_entry_record_numbers_upwards():
    first, second = ListingFactory.create_batch(2)

    IndexEntry.objects.record([entry_of(second), entry_of(first)])
    IndexEntry.objects.record([entry_of(first, revision=2)])

    numbers = dict(IndexEntry.objects.values_list("pk", "sequence"))
    assert numbers[first.pk] > numbers[second.pk]
    assert [entry.pk for entry in IndexEntry.objects.after(numbers[second.pk])] == [first.pk]


def test_index_entry_record_never_goes_back_to_an_older_revision():
    listing = ListingFactory()
    IndexEntry.objects.record([entry_of(listing, revision=3, text="新")])

    IndexEntry.objects.record([entry_of(listing, revision=2, text="旧")])

    assert IndexEntry.objects.get().text == "新"


@pytest.mark.django_db(transaction=True)
def test_index_entry_record_commits_numbers_in_order():
    listings = ListingFactory.create_batch(8)
    gate, seen = threading.Barrier(9), []

    def write(listing):
        gate.wait()
        try:
            with transaction.atomic():
                IndexEntry.objects.record([entry_of(listing)])
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[listing]) for listing in listings]
    for thread in threads:
        thread.start()
    gate.wait()
    last, deadline = -1, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=20)
    while len(seen) < 8 and dt.datetime.now(dt.UTC) < deadline:
        for entry in IndexEntry.objects.after(last):
            seen.append(entry.pk)
            last = entry.sequence
    for thread in threads:
        thread.join()

    assert sorted(seen) == [listing.pk for listing in listings]


def test_listings_to_index_are_the_published_ones_without_a_fresh_entry():
    missing, outdated, other_model, fresh = ListingFactory.create_batch(4)
    ListingFactory(status="draft", published_at=None)
    IndexEntry.objects.record(
        [entry_of(outdated, revision=0), entry_of(other_model, model_version="m0"), entry_of(fresh)]
    )

    assert set(listings_to_index("m1")) == {missing, outdated, other_model}


def test_index_lag_is_the_age_of_the_oldest_waiting_listing(now):
    ListingFactory(updated_at=now - dt.timedelta(seconds=7))
    ListingFactory(updated_at=now - dt.timedelta(seconds=90), status="closed")
    fresh = ListingFactory(updated_at=now - dt.timedelta(seconds=60))
    IndexEntry.objects.record([entry_of(fresh)])

    assert index_lag("m1", now) == 7.0


def test_match_run_is_unfinished_once_per_listing(now):
    run = run_for(ListingFactory(), now)

    with pytest.raises(IntegrityError, match="match_run_one_unfinished_per_listing"):
        run_for(run.listing, now)


def test_match_run_done_says_what_it_served(now):
    with pytest.raises(IntegrityError, match="match_run_done_says_what_it_served"):
        run_for(ListingFactory(), now, status="done")


def test_match_run_request_makes_one_run_however_often_it_is_asked(now):
    first, second = ListingFactory.create_batch(2)

    once = MatchRun.objects.request([first.pk], now=now)
    again = MatchRun.objects.request([second.pk, first.pk], now=now)

    assert len(once) == 1
    assert len(again) == 2
    assert MatchRun.objects.count() == 2


def test_match_run_forget_old_keeps_what_wrote_a_match(now):
    supply, demand = ListingFactory(), ListingFactory(side="demand")
    long_ago = now - dt.timedelta(days=40)
    wrote = run_for(supply, long_ago, status="done", revision=1, finished_at=long_ago)
    run_for(supply, long_ago, status="failed", finished_at=long_ago)
    recent = run_for(supply, now, status="done", revision=1, finished_at=now)
    Match.objects.record([pair_of(supply, demand)], run=wrote, now=long_ago)

    MatchRun.objects.forget_old(supply, now=now)

    assert set(MatchRun.objects.all()) == {wrote, recent}


def test_listings_to_match_are_those_not_served_in_their_revision(now):
    never, edited, unfinished, served = ListingFactory.create_batch(4)
    long_ago = ListingFactory()
    ListingFactory(status="paused")
    ListingFactory(organisation__state=Organisation.State.PENDING, organisation__reviewed_at=None)
    run_for(edited, now, status="done", revision=0, finished_at=now)
    run_for(unfinished, now)
    run_for(served, now, status="done", revision=1, finished_at=now)
    run_for(long_ago, now, status="done", revision=1, finished_at=now - dt.timedelta(days=2))

    assert list(listings_to_match(now)) == [never, edited, long_ago]


def test_listings_to_match_leaves_what_failed_again_and_again(now):
    listing = ListingFactory(updated_at=now)
    for _ in range(3):
        run_for(listing, now, status="failed", finished_at=now)

    assert list(listings_to_match(now)) == []

    Listing.objects.filter(pk=listing.pk).update(updated_at=now + dt.timedelta(seconds=1))
    assert list(listings_to_match(now)) == [listing]


@pytest.mark.parametrize(
    ("listing", "run", "progress"),
    [
        ({}, None, "waiting"),
        ({"status": "draft", "published_at": None}, None, "none"),
        ({}, {"status": "running"}, "running"),
        ({}, {"status": "done", "revision": 1}, "done"),
        ({"revision": 2}, {"status": "done", "revision": 1}, "waiting"),
        ({"revision": 2, "status": "closed"}, {"status": "done", "revision": 1}, "done"),
        ({}, {"status": "failed"}, "failed"),
    ],
)
def test_progress_of_says_how_far_the_matching_is(now, listing, run, progress):
    listing = ListingFactory(**listing)
    run = run and run_for(listing, now, **run)

    assert progress_of(listing, run, now) == progress


def test_match_stands_once_per_pair(now):
    supply, demand = ListingFactory(), ListingFactory(side="demand")
    run = run_for(demand, now)

    first = Match.objects.record([pair_of(supply, demand)], run=run, now=now)
    second = Match.objects.record([pair_of(supply, demand, score=90.0)], run=run, now=now)

    assert first == [(supply.pk, demand.pk)]
    assert second == []
    assert Match.objects.get().score == 90.0


def test_match_of_an_older_revision_never_replaces_a_newer_one(now):
    supply, demand = ListingFactory(), ListingFactory(side="demand")
    run = run_for(supply, now)
    Match.objects.record([pair_of(supply, demand, demand_revision=2)], run=run, now=now)

    Match.objects.record([pair_of(supply, demand, demand_revision=1, score=10.0)], run=run, now=now)

    assert Match.objects.get().score == 80.0


def test_match_keeps_what_the_demand_s_run_said_until_something_changes(now):
    supply, demand = ListingFactory(), ListingFactory(side="demand")
    of_supply, of_demand = run_for(supply, now), run_for(demand, now)

    for run, changes, score in (
        (of_supply, {"score": 60.0}, 60.0),
        (of_demand, {"score": 70.0}, 70.0),
        (of_supply, {"score": 61.0}, 70.0),
        (of_supply, {"score": 62.0, "supply_revision": 2}, 62.0),
        (of_demand, {"score": 71.0, "supply_revision": 2}, 71.0),
    ):
        Match.objects.record([pair_of(supply, demand, **changes)], run=run, now=now)
        assert Match.objects.get().score == score

    of_supply.ranker_version = "r2"
    Match.objects.record([pair_of(supply, demand, score=50.0, supply_revision=2)], run=of_supply, now=now)
    assert Match.objects.get().score == 50.0


@pytest.mark.parametrize(
    ("changes", "constraint"), [({"rank": 0}, "match_rank_counts_from_one"), ({}, "match_is_of_two_listings")]
)
def test_match_refuses_what_cannot_be(now, changes, constraint):
    supply, demand = ListingFactory(), ListingFactory(side="demand")

    with pytest.raises(IntegrityError, match=constraint):
        Match.objects.record(
            [pair_of(supply, demand if changes else supply, **changes)], run=run_for(supply, now), now=now
        )


def test_match_is_current_while_both_listings_are_open_and_unchanged(now):
    supply, demand = ListingFactory(), ListingFactory(side="demand")
    Match.objects.record([pair_of(supply, demand)], run=run_for(supply, now), now=now)
    current = Match.objects.current(now)
    assert current.count() == 1

    Listing.objects.filter(pk=supply.pk).update(revision=2)
    assert current.count() == 0

    Listing.objects.filter(pk=supply.pk).update(revision=1, status="paused")
    assert current.count() == 0

    Listing.objects.filter(pk=supply.pk).update(status="open", expires_at=now)
    assert current.count() == 0


def test_match_for_listing_is_best_first_and_ties_go_to_the_older(now):
    supply = ListingFactory()
    demands = ListingFactory.create_batch(3, side="demand")
    pairs = [pair_of(supply, demand, score=score) for demand, score in zip(demands, (70.0, 90.0, 70.0), strict=True)]
    Match.objects.record(pairs, run=run_for(supply, now), now=now)

    assert [match.demand for match in Match.objects.for_listing(supply)] == [demands[1], demands[0], demands[2]]


def test_match_is_visible_to_each_side_and_to_no_stranger(now):
    seller, buyer, stranger = UserFactory.create_batch(3)
    supply = ListingFactory(organisation=OrganisationFactory(members=[seller]))
    demand = ListingFactory(organisation=OrganisationFactory(members=[buyer]), side="demand")
    OrganisationFactory(members=[stranger])
    Match.objects.record([pair_of(supply, demand)], run=run_for(supply, now), now=now)

    assert [Match.objects.visible_to(user).count() for user in (seller, buyer, stranger)] == [1, 1, 0]

    Listing.objects.filter(pk=supply.pk).update(visibility="named")
    assert [Match.objects.visible_to(user).count() for user in (seller, buyer)] == [1, 0]
