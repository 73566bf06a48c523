"""Parts of receivables that come free by themselves: what waited for a bank too long, and what secured a repaid loan."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from finance.models import Actor, Assignment, Receivable
from finance.models.receivable import AssignmentQuerySet


def lapse_assignments(*, now: datetime) -> int:
    """Let go what no bank answered in its time; return how many."""
    return _give_back(Assignment.objects.lapsing(now), Assignment.Status.LAPSED, now=now)


def release_repaid(*, now: datetime) -> int:
    """Let go what secured a loan that is repaid: others may lend on it; return how many."""
    return _give_back(Assignment.objects.of_repaid_loans(), Assignment.Status.RELEASED, now=now)


def _give_back(due: AssignmentQuerySet, status: str, *, now: datetime) -> int:
    given = 0
    for pk in due.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            # The UPDATE decides once, so the part is given back once.
            if due.filter(pk=pk).become(status, ended_at=now, waits_for=Actor.NOBODY, act_by=None):
                part = Assignment.objects.get(pk=pk)
                Receivable.objects.filter(pk=part.receivable_id).update(assigned=F("assigned") - part.amount)
                given += 1
    return given
