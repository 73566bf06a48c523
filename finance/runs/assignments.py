"""Parts of receivables that waited for a bank too long: the clock gives them back."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from finance.models import Actor, Assignment, Receivable


def lapse_assignments(*, now: datetime) -> int:
    """Let go what no bank answered in its time; return how many."""
    lapsed = 0
    for pk in Assignment.objects.lapsing(now).values_list("pk", flat=True):
        with transaction.atomic():
            due = Assignment.objects.lapsing(now).filter(pk=pk)
            if due.become(Assignment.Status.LAPSED, ended_at=now, waits_for=Actor.NOBODY, act_by=None):
                part = Assignment.objects.get(pk=pk)
                Receivable.objects.filter(pk=part.receivable_id).update(assigned=F("assigned") - part.amount)
                lapsed += 1
    return lapsed
