"""What an order costs after all that happened to it, what of it is due when, and what was paid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Case, F, Subquery, Sum, When
from django.utils import timezone

from marketplace.models import Order, OrderLine, OrderMove, PaymentTerm
from marketplace.models.terms import CENT, amount, totals

ZERO = Decimal(0)


@dataclass(frozen=True)
class Due:
    """A part of what is to be paid: why, how much, until when, and how much of it was paid."""

    kind: str
    amount: Decimal
    due_on: date
    paid: Decimal = ZERO

    @property
    def open_amount(self) -> Decimal:
        return self.amount - self.paid

    def is_overdue(self, on: date) -> bool:
        return self.open_amount > 0 and self.due_on < on


def gross(order: Order, lines: Iterable[OrderLine], place: str) -> Decimal:
    """Return what the quantities in a place (an attribute of the lines) cost with tax."""
    net_or_gross = sum((amount(getattr(line, place), line.unit_price) for line in lines), ZERO)
    return totals(net_or_gross, tax_rate=order.tax_rate, price_includes_tax=order.price_includes_tax)[2]


def payable_of(order: Order, lines: Sequence[OrderLine], reductions: Decimal = ZERO) -> Decimal:
    """Return what is to be paid; of a framework order nothing, for its call-offs are paid."""
    if order.is_framework:
        return ZERO
    return max(gross(order, lines, "billable") - reductions, ZERO)


def dues_of(
    order: Order, lines: Sequence[OrderLine], accepted: Iterable[OrderMove], *, payable: Decimal, paid: Decimal
) -> list[Due]:
    """Return what is due when by the payment terms, the paid amounts put against the earliest first.

    In advance: by the first day of delivery. A deposit likewise, the rest and everything else as it is accepted: at
    once, or after the agreed days.
    """
    parts: list[tuple[str, Decimal, date]] = []
    if order.payment_term == PaymentTerm.PREPAID:
        parts.append(("advance", payable, order.window_start))
    else:
        if order.payment_term == PaymentTerm.DEPOSIT and order.deposit_percent:
            deposit = (payable * order.deposit_percent / 100).quantize(CENT)
            parts.append(("deposit", deposit, order.window_start))
        parts += _as_accepted(order, lines, accepted, payable=payable, before=sum((part[1] for part in parts), ZERO))
    found = []
    for kind, due, due_on in parts:
        covered = min(max(paid, ZERO), due)
        paid -= covered
        if due > 0:
            found.append(Due(kind, due, due_on, covered))
    return found


def _as_accepted(
    order: Order, lines: Sequence[OrderLine], accepted: Iterable[OrderMove], *, payable: Decimal, before: Decimal
) -> list[tuple[str, Decimal, date]]:
    """Return what became due with each acceptance; what was paid in advance counts first, what went back last."""
    days = timedelta(days=order.payment_days if order.payment_term == PaymentTerm.NET else 0)
    left = {line.pk: line.accepted for line in lines}
    reached = {line.pk: ZERO for line in lines}
    is_settled = not any(line.outstanding or line.in_delivery or line.disputed for line in lines)
    parts, told = [], before
    moves = sorted(accepted, key=lambda one: (one.at, one.pk))
    for place, one in enumerate(moves):
        kept = min(one.quantity, left.get(one.line_id, ZERO))
        if one.line_id in left:
            left[one.line_id] -= kept
            reached[one.line_id] += kept
        value = sum((amount(reached[line.pk], line.unit_price) for line in lines), ZERO)
        whole = totals(value, tax_rate=order.tax_rate, price_includes_tax=order.price_includes_tax)[2]
        # A charge, a price reduction or a cent of rounding is settled with the last.
        whole = payable if is_settled and place == len(moves) - 1 else min(whole, payable)
        if whole > told:
            due_on = timezone.localdate(one.at) + days
            if parts and parts[-1][2] == due_on:
                parts[-1] = ("acceptance", parts[-1][1] + whole - told, due_on)
            else:
                parts.append(("acceptance", whole - told, due_on))
            told = whole
    return parts


def _sums(order: Order) -> tuple[Decimal, Decimal]:
    """Return what the price was reduced by, and what counts as paid, less what was paid back but never below 0."""
    signed = Case(When(is_refund=True, then=-F("amount")), default=F("amount"))
    paid = order.payments.counted().order_by().values("order").annotate(sum=Sum(signed)).values("sum")
    reduced = order.reductions.order_by().values("order").annotate(sum=Sum("amount")).values("sum")
    row = Order.objects.filter(pk=order.pk).values_list(Subquery(reduced), Subquery(paid)).get()
    return row[0] or ZERO, max(row[1] or ZERO, ZERO)


def _acceptances(order: Order, lines: Sequence[OrderLine]) -> Iterable[OrderMove]:
    if not any(line.accepted for line in lines):
        return []
    return OrderMove.objects.filter(line__order=order, target="accepted")


def list_dues(order: Order, lines: Sequence[OrderLine]) -> list[Due]:
    """Return the dues of an order as its page shows them."""
    if order.is_framework:
        return []
    accepted = _acceptances(order, lines)
    return dues_of(order, lines, accepted, payable=order.payable_amount, paid=order.paid_amount)


def refresh_amounts(*, order: Order, lines: Sequence[OrderLine], now: datetime) -> None:
    """Write what is to be paid, what is paid and what is due first; the caller has locked the order."""
    if order.is_framework:
        return
    reduced, order.paid_amount = _sums(order)
    order.payable_amount = payable_of(order, lines, reduced)
    accepted = _acceptances(order, lines)
    dues = dues_of(order, lines, accepted, payable=order.payable_amount, paid=order.paid_amount)
    first = min((due for due in dues if due.open_amount > 0), key=lambda due: due.due_on, default=None)
    order.next_due_on = first.due_on if first else None
    order.next_due_amount = first.open_amount if first else ZERO
    order.updated_at = now
    order.save(update_fields=["payable_amount", "paid_amount", "next_due_on", "next_due_amount", "updated_at"])
