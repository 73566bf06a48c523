"""What ends an order: a person or the clock; and what the clock tells of money that is late."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from marketplace.models import Notification, Order, OrderLine, OrderMove, Organisation, User
from marketplace.runs.deal_records import record
from marketplace.runs.order_news import news, sides
from marketplace.runs.order_records import write_records

CHUNK = 200


def finish(order: Order, *, by: User | None, now: datetime) -> bool:
    """Close an order that the caller has locked, and write both sides' records of it; once, however often it is asked."""
    if not Order.objects.filter(pk=order.pk).become(Order.Status.CLOSED, now=now, closed_at=now):
        return False
    order.refresh_from_db(fields=["status", "closed_at", "updated_at"])
    payload: dict = {"before": "accepted", "after": "closed"}
    if not order.is_framework:
        records = write_records(order, now)
        seller = next(one for one in records if one.side == "seller")
        if seller.deliveries:
            Organisation.objects.filter(pk=order.seller_id).add_deliveries(
                deliveries=seller.deliveries, on_time=seller.deliveries_on_time
            )
        payload["records"] = [
            {
                "side": one.side,
                "on_time": one.on_time,
                "in_full": one.in_full,
                "in_spec": one.in_spec,
                "days_late": one.days_late,
            }
            for one in records
        ]
    record(order=order, kind="order.closed", by=by, at=now, payload=payload)
    Notification.objects.announce(
        news(
            order=order,
            event="order.closed",
            key="closed",
            to=sides(order),
            title_zh=f"订单 {order.number} 已完结，可以互相评价",
            title_en=f"Order {order.number} is closed: you can rate each other",
        ),
        now=now,
    )
    return True


def close_orders(*, now: datetime) -> int:
    """Close what was accepted long ago and of which nothing is about to be paid; return how many."""
    waiting = Order.objects.to_close(now, timezone.localdate(now))
    closed = 0
    for pk in waiting.order_by("accepted_at", "pk").values_list("pk", flat=True)[:CHUNK]:
        with transaction.atomic():
            order = waiting.locked().filter(pk=pk).select_related("buyer", "seller").first()
            if order is not None:
                closed += finish(order, by=None, now=now)
    return closed


def end_frameworks(*, now: datetime) -> int:
    """End framework orders whose window is over: what was not called off is cancelled; return how many."""
    today = timezone.localdate(now)
    ended = 0
    for pk in Order.objects.frameworks_past(today).order_by("window_end", "pk").values_list("pk", flat=True)[:CHUNK]:
        with transaction.atomic():
            found = Order.objects.frameworks_past(today).locked().filter(pk=pk)
            order = found.select_related("buyer", "seller").first()
            if order is not None:
                cancel_rest(order, by=None, now=now)
                ended += finish(order, by=None, now=now)
    return ended


def cancel_rest(order: Order, *, by: User | None, now: datetime) -> None:
    """Cancel what of a locked framework order was not called off."""
    for line in OrderLine.objects.filter(order=order, outstanding__gt=Decimal(0)).order_by("pk"):
        quantity = line.outstanding
        if OrderLine.objects.filter(pk=line.pk).shift(quantity, source="outstanding", target="cancelled"):
            OrderMove.objects.create(
                line=line, quantity=quantity, source="outstanding", target="cancelled", by=by, at=now, reason=""
            )


def tell_overdue(*, now: datetime) -> int:
    """Tell both sides once of each amount that is past its day; return how many notices are new."""
    today = timezone.localdate(now)
    # What was due long ago was told long ago.
    late = Order.objects.overdue(today).exclude(status=Order.Status.CANCELLED).select_related("buyer", "seller")
    facts = []
    for order in late.order_by("-next_due_on", "pk")[: CHUNK * 10]:
        shown = f"{order.currency} {order.next_due_amount:,.2f}"
        facts += news(
            order=order,
            event="payment.overdue",
            key=order.next_due_on.isoformat(),
            to=sides(order),
            title_zh=f"订单 {order.number} 的 {shown} 已逾期（应于 {order.next_due_on:%Y-%m-%d} 付清）",
            title_en=f"{shown} of order {order.number} are overdue since {order.next_due_on:%Y-%m-%d}",
            due_on=order.next_due_on.isoformat(),
            amount=str(order.next_due_amount),
        )
    return len(Notification.objects.announce(facts, now=now)) if facts else 0
