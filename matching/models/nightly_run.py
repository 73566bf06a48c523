from datetime import date, datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from marketplace.models import User


class NightlyRunQuerySet(RunQuerySet):
    def request(self, *, day: date, now: datetime, by: User | None = None) -> int | None:
        """Ask for a run; return its id, or None where one waits or works, or where this night has its own already."""
        # Beat may tick twice, and two may press at once: the constraints let one row stand.
        self.bulk_create([self.model(day=day, requested_by=by, requested_at=now)], ignore_conflicts=True)
        waiting = self.filter(status=Run.Status.WAITING, requested_at=now, day=day, requested_by=by)
        return waiting.values_list("pk", flat=True).first()

    def newest(self) -> Self:
        return self.order_by("-requested_at", "-pk")


class NightlyRun(Run):
    """Work that the clock asks for once a night, and that an operator may ask for at any time."""

    day = models.DateField(_("day"))
    # Nobody: the clock.
    requested_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("requested by")
    )

    objects = NightlyRunQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                name="%(class)s_once_a_night",
                fields=["day"],
                condition=Q(requested_by=None) & ~Q(status="failed"),
            ),
            models.UniqueConstraint(
                name="%(class)s_one_unfinished_a_day",
                fields=["day"],
                condition=Q(status__in=["waiting", "running"]),
            ),
        ]

    def __str__(self):
        return f"{self.day}: {self.status}"
