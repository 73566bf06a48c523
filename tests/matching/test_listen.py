import threading
import time
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from marketplace.models import Listing
from matching.live_index import live_index, snapshot, text_version
from matching.management.commands import listen
from matching.models import IndexEntry, Match, MatchRun
from tests.factories import ListingFactory

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def listening():
    """Run a listener in a thread, as the process would."""
    listener = listen.Listener()

    def run():
        try:
            listener.run()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener
    finally:
        listener.stop()
        thread.join(timeout=10)
    assert not thread.is_alive()


def eventually(is_so, *, seconds: float = 10) -> float:
    """Wait until it is so; return how long it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not happen"
        time.sleep(0.01)
    return time.monotonic() - began


def ready() -> None:
    """Wait until the listener has taken up what was there."""
    probe = ListingFactory()
    Listing.objects.announce(probe.pk)
    eventually(lambda: MatchRun.objects.filter(listing=probe, status="done").exists())


def test_listen_makes_a_posted_listing_matchable_and_matched_at_once(worker):
    demand = ListingFactory(side="demand", quantity=10)
    with listening():
        ready()
        supply = ListingFactory()
        Listing.objects.announce(supply.pk)

        took = eventually(Match.objects.filter(supply=supply, demand=demand).exists)

    assert IndexEntry.objects.filter(pk=supply.pk).exists()
    assert took < 3


def test_listen_takes_up_what_changed_while_nobody_listened(worker):
    listings = ListingFactory.create_batch(3)

    with listening():
        eventually(lambda: MatchRun.objects.filter(status="done").count() == 3)

    assert set(IndexEntry.objects.values_list("pk", flat=True)) == {listing.pk for listing in listings}


def test_listen_takes_up_a_load_of_many_by_one_bell(worker):
    with listening():
        ready()
        ListingFactory.create_batch(5)
        Listing.objects.announce()

        eventually(lambda: MatchRun.objects.filter(status="done").count() == 6)


def test_listen_takes_up_many_single_bells_in_batches(worker, monkeypatch):
    monkeypatch.setattr(listen, "SINGLE", 2)
    with listening():
        ready()
        with transaction.atomic():
            for _ in range(5):
                Listing.objects.announce(ListingFactory().pk)

        eventually(lambda: MatchRun.objects.filter(status="done").count() == 6)


def test_listen_takes_a_closed_listing_out(worker):
    listing = ListingFactory()
    with listening():
        ready()
        Listing.objects.filter(pk=listing.pk).update(status="closed", revision=2)
        Listing.objects.announce(listing.pk)
        eventually(IndexEntry.objects.filter(pk=listing.pk, revision=2).exists)

    live_index().refresh(timezone.now())
    assert listing.pk not in live_index().table


def test_listen_saves_the_index_after_many_changes(worker, monkeypatch):
    monkeypatch.setattr(listen, "SAVE_AFTER", 2)
    first, second = ListingFactory.create_batch(2)
    with listening():
        ready()
        for one in (first, second):
            Listing.objects.announce(one.pk)
        eventually((live_index().folder / "present").exists)

    assert len(snapshot.load(live_index().folder).table) >= 2


def test_listen_waits_while_another_is_at_work_and_then_takes_over(worker, caplog):
    caplog.set_level("INFO")
    with listening() as first:
        ready()
        with listening():
            eventually(lambda: "Another listener is at work" in caplog.text)
            first.stop()
            late = ListingFactory()
            Listing.objects.announce(late.pk)
            eventually(IndexEntry.objects.filter(pk=late.pk).exists)


def test_listen_comes_back_after_the_database_was_away(worker, caplog):
    caplog.set_level("INFO")
    with listening():
        ready()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        eventually(lambda: "The database is away" in caplog.text)
        late = ListingFactory()
        Listing.objects.announce(late.pk)

        eventually(IndexEntry.objects.filter(pk=late.pk).exists)


def test_rebuild_index_writes_all_entries_and_a_snapshot(worker, capsys):
    ListingFactory.create_batch(3)

    call_command("rebuild_index")

    assert IndexEntry.objects.filter(model_version=text_version()).count() == 3
    assert (live_index().folder / "present").exists()
    assert "The index holds 3 listings" in capsys.readouterr().out


def test_rebuild_index_if_needed_does_nothing_where_nothing_is_missing(worker, capsys):
    ListingFactory()
    call_command("rebuild_index", "--if-needed")
    capsys.readouterr()

    call_command("rebuild_index", "--if-needed")

    assert capsys.readouterr().out == "The index is up to date.\n"
