"""The one process that hears of changed listings and makes them matchable within a second."""

import logging
import signal
import threading
import time

import psycopg
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from matching import services

log = logging.getLogger(__name__)
CHANNEL = "listing_changed"
# Held by the listener at work; a second one waits for it, and takes over when it dies.
LISTENER_LOCK = 0x6C697374656E
# A bell may be lost with its connection: so often the to-do list is looked at without any.
SWEEP_EVERY = 60.0
SAVE_EVERY = 600.0
# So many new entries are worth a snapshot before that: every process holds them beside the last one, for itself.
SAVE_AFTER = 20_000
LONGEST_PAUSE = 10.0
# More changed listings at once than this are a load of many, which is taken up in batches.
SINGLE = 50


class Command(BaseCommand):
    help = "Listen for changed listings: index them and ask for their matches. Runs until it is stopped."

    def handle(self, *_args, **_options):
        listener = Listener()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: listener.stop())
        listener.run()


class Listener:
    def __init__(self) -> None:
        self.is_stopped = False
        self._saved_at = time.monotonic()
        # How many entries were written since the last snapshot.
        self._news = 0
        self._saving: threading.Thread | None = None

    def stop(self) -> None:
        self.is_stopped = True

    def run(self) -> None:
        """Listen until stopped; a lost database is tried again with growing pauses."""
        pause = 0.5
        while not self.is_stopped:
            try:
                with psycopg.connect(**connection.get_connection_params(), autocommit=True) as bell:
                    if self._wait_for_turn(bell):
                        bell.execute(f"LISTEN {CHANNEL}")
                        log.info("Listening for changed listings.")
                        pause = 0.5
                        self._listen(bell)
            except (psycopg.OperationalError, DatabaseError) as error:
                connection.close()
                log.warning("The database is away (%s); trying again in %.1f s.", str(error).strip(), pause)
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        if self._saving:
            self._saving.join()

    def _wait_for_turn(self, bell: psycopg.Connection) -> bool:
        is_told = False
        while not self.is_stopped:
            (is_ours,) = bell.execute("SELECT pg_try_advisory_lock(%s)", [LISTENER_LOCK]).fetchone()
            if is_ours:
                return True
            if not is_told:
                log.info("Another listener is at work; waiting for it to end.")
                is_told = True
            self._sleep(1.0)
        return False

    def _listen(self, bell: psycopg.Connection) -> None:
        # What changed while nobody listened.
        self._sweep()
        swept_at = time.monotonic()
        while not self.is_stopped:
            payloads = self._heard(bell)
            ids = sorted({int(payload) for payload in payloads if payload.isdigit()})
            if ids and len(ids) <= SINGLE:
                self._news += services.hear_changes(listing_ids=ids, now=timezone.now())
            if "" in payloads or len(ids) > SINGLE or time.monotonic() - swept_at > SWEEP_EVERY:
                self._sweep(bell)
                swept_at = time.monotonic()
            self._save_now_and_then()

    def _heard(self, bell: psycopg.Connection) -> list[str]:
        """Return what was heard within a second; whatever is heard at once is returned at once."""
        first = [notice.payload for notice in bell.notifies(timeout=1.0, stop_after=1)]
        return first + [notice.payload for notice in bell.notifies(timeout=0)] if first else first

    def _sweep(self, bell: psycopg.Connection | None = None) -> None:
        """Take up the to-do list batch by batch; single changes that are heard meanwhile go first."""
        close_old_connections()
        while not self.is_stopped and (written := services.index_waiting(now=timezone.now())):
            self._news += written
            heard = self._heard_now(bell)
            if ids := sorted({int(payload) for payload in heard if payload.isdigit()})[:SINGLE]:
                services.hear_changes(listing_ids=ids, now=timezone.now())

    def _heard_now(self, bell: psycopg.Connection | None) -> list[str]:
        return [notice.payload for notice in bell.notifies(timeout=0)] if bell else []

    def _save_now_and_then(self) -> None:
        """Save the index beside the listening: with very many listings it takes longer than anybody should wait."""
        is_due = time.monotonic() - self._saved_at > SAVE_EVERY or self._news >= SAVE_AFTER
        if self._news and is_due and not (self._saving and self._saving.is_alive()):
            self._news, self._saved_at = 0, time.monotonic()
            self._saving = threading.Thread(target=_save, name="save-index")
            self._saving.start()

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.is_stopped and time.monotonic() < until:
            time.sleep(0.1)


def _save() -> None:
    try:
        services.save_index(now=timezone.now())
    except (DatabaseError, OSError):
        # The snapshot only makes starts quick; the next one comes before long.
        log.exception("The index was not saved.")
    finally:
        connection.close()
