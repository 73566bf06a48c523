from datetime import datetime, timedelta
from typing import Self

from django.db import models, transaction

from config.runs import Run, RunQuerySet

# Longer than one sending may take (its time-outs add up to less), so a younger one may still be at work.
LONGEST_SENDING = timedelta(minutes=2)
# A bell that was not answered for so long was lost, or the time of a retry has come.
BELL_UNHEARD = timedelta(seconds=15)
TRIES = 8


def retry_delay(failures: int, *, spread: float) -> timedelta:
    """Return how long to wait after so many failures: 30 s, 2 min, 8 min … up to 12 h, a fifth more or less.

    ``spread`` from 0 to 1 says where in that fifth: what failed together should not come back together.
    """
    seconds = min(30 * 4 ** (failures - 1), 12 * 3600)
    return timedelta(seconds=seconds * (0.8 + 0.4 * spread))


class SendingQuerySet(RunQuerySet):
    def due(self, now: datetime) -> Self:
        return self.filter(status=Run.Status.WAITING, due_at__lte=now)

    def claim_next(self, *, now: datetime):
        """Return what has been due the longest, now ours, or None if nothing is due that no other worker takes."""
        with transaction.atomic():
            # Rows that another worker is just taking are skipped, so that workers do not queue behind one another.
            waiting = self.due(now).order_by("due_at", "pk").select_for_update(skip_locked=True)
            pk = waiting.values_list("pk", flat=True).first()
            return None if pk is None else self.claim(pk, now=now)

    def postpone(self, run: "Sending", *, until: datetime, failure: str) -> bool:
        """Let a failed try wait for its next one, if the claim still stands."""
        return bool(self.held_by(run).update(status=Run.Status.WAITING, due_at=until, failure=failure[:2000]))

    def overdue(self, now: datetime) -> Self:
        """Return what has been due for longer than a bell takes: it was lost, or a retry's time has come."""
        return self.due(now - BELL_UNHEARD)

    def release_abandoned(self, now: datetime) -> int:
        """Take back what workers held that died while sending."""
        return self.release(since=now - LONGEST_SENDING)


class Sending(Run):
    """A promise to send something, kept at least once and under the same message id, with growing pauses between tries."""

    due_at = models.DateTimeField()

    objects = SendingQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def tries_are_used_up(self) -> bool:
        return self.attempt >= TRIES
