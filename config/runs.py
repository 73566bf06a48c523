"""Work that is asked for in a request and done by a worker."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q


class RunQuerySet(models.QuerySet):
    def claim(self, pk: int, *, now: datetime):
        """Return the waiting run, now ours, or None if another worker has it."""
        # One UPDATE decides who gets it, so a message delivered twice does the work once.
        waiting = self.filter(pk=pk, status=Run.Status.WAITING)
        if waiting.update(status=Run.Status.RUNNING, started_at=now, attempt=F("attempt") + 1):
            return self.get(pk=pk)
        return None

    def held_by(self, run: "Run") -> Self:
        """Return the row of this run if its claim still stands: a slow worker may have been replaced."""
        return self.filter(pk=run.pk, status=Run.Status.RUNNING, attempt=run.attempt)

    def finish(self, run: "Run", *, now: datetime, **results) -> bool:
        """Write DONE and the results if the claim still stands; call it first in the transaction that writes the rest."""
        return bool(self.held_by(run).update(status=Run.Status.DONE, finished_at=now, failure="", **results))

    def fail(self, run: "Run", *, now: datetime, failure: str) -> bool:
        """Write FAILED with the reason if the claim still stands."""
        return bool(self.held_by(run).update(status=Run.Status.FAILED, finished_at=now, failure=failure[:2000]))

    def unfinished(self) -> Self:
        return self.filter(status__in=[Run.Status.WAITING, Run.Status.RUNNING])

    def left_behind(self, *, since: datetime) -> Self:
        """Return the runs whose bell was never heard or whose worker died."""
        return self.filter(
            Q(status=Run.Status.WAITING, requested_at__lt=since) | Q(status=Run.Status.RUNNING, started_at__lt=since)
        )

    def release(self, *, since: datetime) -> int:
        """Take running rows back from workers that died before ``since``."""
        return self.filter(status=Run.Status.RUNNING, started_at__lt=since).update(status=Run.Status.WAITING)


class Run(models.Model):
    """A row that promises work; the Celery message is only the bell."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    attempt = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_finished(self) -> bool:
        return self.status in {self.Status.DONE, self.Status.FAILED}
