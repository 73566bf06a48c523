"""What the records say of both sides of an order when it closes: computed, never typed."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from django.utils import timezone

from marketplace.models import Order, OrderLine, OrderMove, OrderRecord, Payment
from marketplace.runs.order_amounts import Due, dues_of

SHARE = Decimal("0.0001")


def seller_facts(order: Order, lines: Sequence[OrderLine], moves: Sequence[OrderMove]) -> dict:
    """Return the shares of the goods that came on time, in full and in specification: means over the lines.

    On time is what had arrived by the end of the window, of what came at all; in full what was accepted of what was not
    cancelled; in specification what was accepted of what was judged.
    """
    goods = [line for line in lines if line.kind == OrderLine.Kind.GOODS] or list(lines)
    on_time, in_full, in_spec = [], [], []
    arrivals: dict[tuple, date] = {}
    for line in goods:
        came = [move for move in moves if move.line_id == line.pk and move.target == "accepted"]
        came = [move for move in came if move.source in ("in_delivery", "outstanding")]
        total = sum((move.quantity for move in came), Decimal(0))
        if total:
            timely = [move.quantity for move in came if arrived_on(move) <= order.window_end]
            on_time.append(sum(timely, Decimal(0)) / total)
        for move in came:
            delivery = ("shipment", move.shipment_id) if move.shipment_id else ("move", move.at)
            arrivals[delivery] = max(arrived_on(move), arrivals.get(delivery, date.min))
        wanted = line.quantity - line.cancelled - line.called_off
        if wanted:
            in_full.append(line.accepted / wanted)
        judged = line.accepted + line.returned
        if judged:
            in_spec.append(line.accepted / judged)
    late = [(arrived - order.window_end).days for arrived in arrivals.values()]
    return {
        "on_time": _mean(on_time),
        "in_full": _mean(in_full),
        "in_spec": _mean(in_spec),
        "days_late": max([0, *late]),
        "deliveries": len(arrivals),
        "deliveries_on_time": sum(days <= 0 for days in late),
    }


def buyer_facts(dues: Sequence[Due], payments: Sequence[Payment], payable: Decimal, paid: Decimal, on: date) -> dict:
    """Return the shares of the amounts due that were paid by their day, and in full, and how late the last came."""
    reached, paid_until = Decimal(0), []
    for payment in sorted(payments, key=lambda one: (one.paid_on, one.pk)):
        reached += -payment.amount if payment.is_refund else payment.amount
        paid_until.append((reached, payment.paid_on))
    timely, due_total, days_late, before = Decimal(0), Decimal(0), 0, Decimal(0)
    for due in dues:
        due_total += due.amount
        by_the_day = max([sum_ for sum_, day in paid_until if day <= due.due_on], default=Decimal(0))
        timely += min(max(by_the_day - before, Decimal(0)), due.amount)
        before += due.amount
        done = next((day for sum_, day in paid_until if sum_ >= before), on)
        days_late = max(days_late, (done - due.due_on).days)
    return {
        "on_time": _share(timely, due_total),
        "in_full": _share(min(paid, payable), payable),
        "in_spec": None,
        "days_late": days_late,
        "deliveries": 0,
        "deliveries_on_time": 0,
    }


def arrived_on(move: OrderMove) -> date:
    """Return the day on which the goods of a move came: that of their shipment, or of their acceptance."""
    arrived = move.shipment and (move.shipment.arrived_at or move.shipment.received_at)
    return timezone.localdate(arrived or move.at)


def _mean(shares: Sequence[Decimal]) -> Decimal | None:
    return (sum(shares, Decimal(0)) / len(shares)).quantize(SHARE, rounding=ROUND_HALF_UP) if shares else None


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part / whole).quantize(SHARE, rounding=ROUND_HALF_UP) if whole > 0 else None


def write_records(order: Order, now: datetime) -> list[OrderRecord]:
    """Write both sides' records of an order that was just closed, in the transaction that closed it."""
    lines = list(order.lines.order_by("position"))
    moves = list(OrderMove.objects.filter(line__order=order).select_related("shipment").order_by("at", "pk"))
    accepted = [move for move in moves if move.target == "accepted"]
    dues = dues_of(order, lines, accepted, payable=order.payable_amount, paid=order.paid_amount)
    payments = list(order.payments.counted())
    disputes = order.disputes.exclude(status="withdrawn").count()
    facts = {
        OrderRecord.Side.SELLER: (order.seller, seller_facts(order, lines, moves)),
        OrderRecord.Side.BUYER: (
            order.buyer,
            buyer_facts(dues, payments, order.payable_amount, order.paid_amount, timezone.localdate(now)),
        ),
    }
    return OrderRecord.objects.bulk_create(
        [
            OrderRecord(order=order, organisation=organisation, side=side, disputes=disputes, at=now, **said)
            for side, (organisation, said) in facts.items()
        ]
    )
