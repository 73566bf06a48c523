import datetime as dt

import pytest
from django.utils import timezone

from matching import tasks
from matching.models import IndexEntry, Match, MatchRun
from matching.runs import matching as matching_runs
from tests.factories import ListingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    listings = ListingFactory(published_at=timezone.now()), ListingFactory(side="demand", quantity=10)
    tasks.index_listings()
    return listings


def test_find_matches_heard_twice_works_once(pair):
    (run_id,) = MatchRun.objects.request([pair[0].pk], now=timezone.now())

    tasks.find_matches(run_id)
    tasks.find_matches(run_id)

    run = MatchRun.objects.get()
    assert (run.status, run.attempt, Match.objects.count()) == ("done", 1, 1)


def test_find_matches_that_breaks_leaves_failed(pair, monkeypatch):
    monkeypatch.setattr(matching_runs, "_pairs", lambda *_args, **_said: 1 / 0)
    (run_id,) = MatchRun.objects.request([pair[0].pk], now=timezone.now())

    with pytest.raises(ZeroDivisionError):
        tasks.find_matches(run_id)

    assert MatchRun.objects.get().status == "failed"


def test_find_matches_after_a_killed_worker_is_done_by_the_next(pair, worker):
    dead = timezone.now() - dt.timedelta(seconds=tasks.LONGEST_RUN + 31)
    MatchRun.objects.request([pair[0].pk], now=dead)
    MatchRun.objects.update(status="running", started_at=dead, attempt=1)

    tasks.ring_again()

    run = MatchRun.objects.get()
    assert (run.status, run.attempt, Match.objects.count()) == ("done", 2, 1)


def test_ring_again_leaves_the_fresh(pair, worker):
    MatchRun.objects.request([pair[0].pk], now=timezone.now())
    MatchRun.objects.request([pair[1].pk], now=timezone.now())
    MatchRun.objects.filter(listing=pair[1]).update(status="running", started_at=timezone.now())

    tasks.ring_again()

    assert set(MatchRun.objects.values_list("status", flat=True)) == {"waiting", "running"}


def test_request_missing_runs_matches_what_nobody_rang_for(pair, worker):
    tasks.request_missing_runs()
    tasks.request_missing_runs()

    assert [run.status for run in MatchRun.objects.all()] == ["done", "done"]
    assert Match.objects.count() == 1


def test_index_listings_writes_all_that_is_missing(monkeypatch):
    ListingFactory.create_batch(3)
    monkeypatch.setattr("matching.runs.index_listings.__kwdefaults__", {"only": None, "limit": 2})

    tasks.index_listings()

    assert IndexEntry.objects.count() == 3
