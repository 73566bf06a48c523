"""What early signs are looked for in: only what a firm lets a bank watch at this moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.utils import timezone

from finance.models import (
    Consent,
    CreditAssessment,
    CreditLine,
    DataGroup,
    Drawdown,
    Finding,
    Purpose,
    RecordKind,
    TransactionRecord,
)
from finance.runs.late_payments import late_chances, owed
from finance.scoring import warnings as signs
from finance.scoring.warnings import Sign
from marketplace.models import Dispute, Invoice, Order, Organisation

# What a look goes back to: a year, and the quarter before it that it is compared with.
REMEMBERED = timedelta(days=2 * 365)
NEW = timedelta(days=30)
QUARTER = timedelta(days=90)


@dataclass(frozen=True)
class Watch:
    """A bank's look at one line: whose, at which moment, and what the firm lets it see."""

    line: CreditLine
    firm: Organisation
    bank: Organisation
    groups: frozenset[str]
    now: datetime

    @property
    def today(self) -> date:
        return timezone.localdate(self.now)


def watched_groups(bank: Organisation, *, now: datetime) -> dict[int, frozenset[str]]:
    """Return, of each firm that lets the bank watch it now, which groups of its data."""
    found: dict[int, set[str]] = {}
    standing = Consent.objects.letting(bank, purpose=Purpose.MONITORING, now=now)
    for firm, groups in standing.values_list("firm", "groups"):
        found.setdefault(firm, set()).update(groups)
    return {firm: frozenset(groups) for firm, groups in found.items()}


def signs_of(watch: Watch) -> list[Sign]:
    """Return every sign of one line; what the firm does not let the bank watch is not even read."""
    found = _overdue(watch)
    for group, looks in LOOKS.items():
        if group in watch.groups:
            for look in looks:
                found += look(watch)
    return found


def _trade(watch: Watch) -> list[Sign]:
    """Return what the firm's sales say."""
    readable = TransactionRecord.objects.of(watch.firm).readable_by(
        watch.bank, purpose=Purpose.MONITORING, now=watch.now
    )
    rows = readable.known_at(watch.now).filter(kind=RecordKind.SALES, occurred_on__gt=watch.today - REMEMBERED)
    columns = list(
        rows.order_by("occurred_on", "pk").values_list("occurred_on", "counterparty_code", "net_amount", "is_void")
    )
    days = np.array([row[0].toordinal() for row in columns], int)
    customers = np.array([row[1] for row in columns], str)
    amounts = np.array([row[2] for row in columns], float)
    void = np.array([row[3] for row in columns], bool)
    today = watch.today.toordinal()
    stopped = signs.records_stopped(days, today=today)
    if stopped:
        # Without records a fall of sales would only say the same again.
        return [stopped]
    counted = days[~void], amounts[~void]
    found = [
        signs.sales_drop(*counted, today=today),
        signs.returns_rise(days, amounts, void, today=today),
        *signs.customers_lost(counted[0], customers[~void], counted[1], today=today),
    ]
    return [sign for sign in found if sign]


def _payments(watch: Watch) -> list[Sign]:
    """Return whether the firm pays its suppliers on this marketplace later than it used to."""
    bought = Invoice.objects.valid().filter(
        order__buyer=watch.firm, issued_on__gt=watch.today - REMEMBERED, issued_on__lte=watch.today
    )
    rows = owed(bought)
    due = np.array([one.due.toordinal() for one in rows], float)
    settled = np.array([one.settled.toordinal() if one.settled else np.nan for one in rows], float)
    sign = signs.payment_delay(due, settled, today=watch.today.toordinal())
    return [sign] if sign else []


def _receivables(watch: Watch) -> list[Sign]:
    """Return whether much of what the firm's customers owe it here is likely to come late."""
    sold = Invoice.objects.valid().filter(
        seller=watch.firm, issued_on__gt=watch.today - REMEMBERED, issued_on__lte=watch.today
    )
    rows = owed(sold)
    unpaid = [one for one in rows if one.left > 0]
    settled = [one for one in rows if one.settled]
    usual = sum(one.settled > one.due for one in settled) / len(settled) if settled else 0.0
    said = late_chances(unpaid, today=watch.today)
    # What is unpaid after its due day is late, whatever was foreseen.
    chances = [1.0 if one.due < watch.today else found.chance for one, found in zip(unpaid, said, strict=True)]
    sign = signs.late_receivables(np.array(chances), np.array([float(one.left) for one in unpaid]), usual=usual)
    return [sign] if sign else []


def _disputes(watch: Watch) -> list[Sign]:
    """Return whether disputes about the firm's orders, bought or sold, multiply."""
    since = watch.now - 2 * QUARTER
    opened = Dispute.objects.filter(opened_at__gt=since, opened_at__lte=watch.now)
    mine = opened.filter(order__seller=watch.firm) | opened.filter(order__buyer=watch.firm)
    days = [timezone.localdate(at).toordinal() for at in mine.values_list("opened_at", flat=True)]
    orders = Order.objects.filter(confirmed_at__gt=watch.now - QUARTER, confirmed_at__lte=watch.now)
    count = (orders.filter(seller=watch.firm) | orders.filter(buyer=watch.firm)).count()
    sign = signs.disputes_rise(np.array(days, int), count, today=watch.today.toordinal())
    return [sign] if sign else []


def _findings(watch: Watch) -> list[Sign]:
    readable = Finding.objects.filter(organisation=watch.firm).readable_by(
        watch.bank, purpose=Purpose.MONITORING, now=watch.now
    )
    fresh = list(readable.standing().filter(found_at__gt=watch.now - NEW, found_at__lte=watch.now))
    sign = signs.new_findings(
        sum(one.severity == Finding.Severity.GRAVE for one in fresh),
        sum(one.severity == Finding.Severity.DOUBT for one in fresh),
        float(sum(one.discount for one in fresh)),
    )
    return [sign] if sign else []


def _score(watch: Watch) -> list[Sign]:
    """Return whether the score fell since the line was opened, by the model that made both scores."""
    readable = CreditAssessment.objects.filter(organisation=watch.firm).readable_by(
        watch.bank, purpose=Purpose.MONITORING, now=watch.now
    )
    done = readable.done().filter(as_of__lte=watch.now).order_by("-as_of", "-pk")
    now = done.filter(bank=watch.bank).first() or done.filter(bank=None).first()
    if now is None:
        return []
    same = done.filter(bank=now.bank_id, scorecard=now.scorecard_id)
    then = same.filter(as_of__lte=watch.line.opened_at).first() or same.last()
    sign = signs.score_fall(
        then=then.score,
        now=now.score,
        grade_then=then.grade,
        grade_now=now.grade,
        least=watch.line.least_score,
    )
    return [sign] if sign else []


def _overdue(watch: Watch) -> list[Sign]:
    """Return the sign of the loan that is late longest; it stands in the bank's own books."""
    late = Drawdown.objects.open().filter(line=watch.line, overdue_since__isnull=False, overdue_since__lt=watch.today)
    worst = late.order_by("overdue_since", "pk").first()
    if worst is None:
        return []
    owing = float(sum(late.values_list("principal_left", flat=True)))
    return [signs.overdue((watch.today - worst.overdue_since).days, owing)]


# Which looks need which group of data.
LOOKS: dict[str, tuple[Callable[[Watch], list[Sign]], ...]] = {
    DataGroup.SALES: (_trade, _receivables),
    DataGroup.PAYMENTS: (_payments,),
    DataGroup.DELIVERIES: (_disputes,),
    DataGroup.FINDINGS: (_findings,),
    DataGroup.SCORE: (_score,),
}
