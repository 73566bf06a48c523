"""Each day: what falls due is written as owed, what is not paid is overdue and classed, and whoever owes is told."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from finance.lending.classes import class_of
from finance.models import ClassChange, Drawdown, Instalment
from finance.runs import credit_news as news
from finance.runs.dues import book_interest, days_overdue, owed_of, owed_on
from marketplace.models import Notification

# So many days before it is due, and on the day, the firm is told.
NOTICES = (7, 3, 0)
BATCH = 500


def watch_loans(*, now: datetime) -> int:
    """Bring every open loan to today; return how many changed. Run twice a day it changes nothing the second time."""
    on = timezone.localdate(now)
    due = Instalment.objects.fallen_due(on).filter(drawdown=OuterRef("pk"))
    # Those with something due, and those that were overdue and are not any more.
    found = Drawdown.objects.open().filter(Q(Exists(due)) | Q(overdue_since__isnull=False))
    changed = 0
    for pk in list(found.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            changed += bring_up(pk, on=on, at=now)
    return changed


def bring_up(pk: int, *, on: date, at: datetime) -> bool:
    """Write what of a loan fell due until that day, since when it is overdue, and its class; False if nothing changed."""
    rows = Drawdown.objects.open().select_for_update(no_key=True, of=("self",))
    drawdown = rows.select_related("line__bank", "borrower").filter(pk=pk).first()
    if drawdown is None:
        return False
    instalments = list(drawdown.instalments.open())
    empty = [one for one in instalments if one.due_on <= on and not one.left]
    # Nothing is to be paid of a period without interest and principal: it is never overdue.
    Instalment.objects.filter(pk__in=[one.pk for one in empty]).update(status=Instalment.Status.PAID, paid_on=on)
    instalments = [one for one in instalments if one.left or one.due_on > on]
    unbooked = [one for one in instalments if one.due_on <= on and not one.is_booked]
    for one in unbooked:
        book_interest(one, drawdown, at=at)
    return classify(drawdown, instalments, on=on, at=at) or bool(unbooked)


def classify(drawdown: Drawdown, instalments: Sequence[Instalment], *, on: date, at: datetime) -> bool:
    """Write since when a loan is overdue and its class, and tell of what got worse; False if it is as it was."""
    days = days_overdue(instalments, on)
    since = min((one.due_on for one in instalments if one.due_on < on and one.status == "open"), default=None)
    before, after = drawdown.risk_class, class_of(days)
    if since == drawdown.overdue_since and before == after:
        return False
    drawdown.overdue_since, drawdown.risk_class = since, after
    drawdown.save(update_fields=["overdue_since", "risk_class"])
    if before != after:
        ClassChange.objects.create(drawdown=drawdown, before=before, after=after, days_overdue=days, on=on, at=at)
    if days and (worse(after, before) or before == after):
        owed = sum((one.total for one in owed_on(drawdown, instalments, on)), Decimal(0))
        Notification.objects.announce(news.overdue(drawdown, owed, days), now=at)
    return True


def worse(one: str, other: str) -> bool:
    order = [class_of(days) for days in (0, 1, 91, 271, 361)]
    return order.index(one) > order.index(other)


def remind(*, now: datetime) -> int:
    """Tell firms what falls due in 7 and 3 days and today, each once; return how many rows are new."""
    on = timezone.localdate(now)
    days = {on + timedelta(days=ahead): ahead for ahead in NOTICES}
    rows = Instalment.objects.open().filter(due_on__in=days, drawdown__status=Drawdown.Status.PAID_OUT)
    facts = []
    for one in rows.select_related("drawdown__borrower"):
        amount = owed_of(one, one.drawdown, on).total
        facts.append(news.falls_due(one, amount, days[one.due_on]))
    return len(Notification.objects.announce(facts, now=now))
