"""What time and other apps do to reservations and drawdowns: cancelled orders, lapsed promises, pools that were ordered."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q

from finance.lending.sharing import share_in_tree
from finance.models import CreditLine, Drawdown, OfflineAct, Reservation
from finance.runs import credit_news as news
from finance.runs.lines import free, hold, shrink
from marketplace.models import Notification, Order, PoolCommitment, PurchasePool

# How long credit is kept for an order of which nothing is drawn.
KEPT_FOR = timedelta(days=90)
BATCH = 500


def free_reservations(*, now: datetime) -> int:
    """Give back what is kept for orders that were cancelled or became smaller, and what has lapsed; return how many."""
    changed = 0
    undrawn = Reservation.objects.undrawn().select_related("order", "line").order_by("pk")
    cancelled = undrawn.filter(order__status=Order.Status.CANCELLED)
    lapsed = undrawn.filter(expires_at__lte=now)
    for rows, reason in ((cancelled, "order cancelled"), (lapsed, "lapsed")):
        for held in rows[:BATCH]:
            with transaction.atomic():
                changed += free(held, reason=reason, at=now)
    smaller = undrawn.filter(order__payable_amount__lt=F("amount"), order__payable_amount__gt=0)
    for held in smaller[:BATCH]:
        with transaction.atomic():
            changed += shrink(held, to=held.order.payable_amount, reason="order became smaller", at=now)
    over = (PurchasePool.Status.CANCELLED, PurchasePool.Status.FAILED)
    pledges = Reservation.objects.filter(Q(pool__status__in=over) | Q(expires_at__lte=now), status="pledged")
    return changed + pledges.update(status=Reservation.Status.FREED, reason="pool ended", ended_at=now)


def keep_pledges(*, now: datetime) -> int:
    """Reserve what members promised to pools that were ordered without asking for credit; return how many."""
    ordered = PurchasePool.objects.filter(status=PurchasePool.Status.ORDERED)
    waiting = Reservation.objects.filter(status=Reservation.Status.PLEDGED, pool__in=ordered)
    kept = 0
    for pool in ordered.filter(pk__in=waiting.values("pool")).order_by("pk")[:BATCH]:
        with transaction.atomic():
            kept += len(reserve_pool(pool, now=now))
    return kept


def reserve_pool(pool: PurchasePool, *, now: datetime, by=None) -> list[Reservation]:
    """Reserve each pledging member's share of an ordered pool on its line; return the reservations.

    Where a line or what stands above it has too little for all, it is shared in proportion to the members' orders, to
    the fen; the rest they pay themselves. A pledge whose member got no order ends.
    """
    pledges = list(
        Reservation.objects.filter(pool=pool, status=Reservation.Status.PLEDGED)
        .select_for_update(no_key=True, of=("self",))
        .select_related("line")
        .order_by("pk")
    )
    allocated = PoolCommitment.objects.filter(pool=pool, order__isnull=False).select_related("order")
    orders = {one.organisation_id: one.order for one in allocated}
    wanted = [one for one in pledges if _can_carry(one, orders.get(one.line.borrower_id), now)]
    nodes = CreditLine.objects.filter(pk__in={node for one in wanted for node in one.line.path}).lock_in_order()
    parts = share_in_tree(
        {one.pk: min(orders[one.line.borrower_id].payable_amount, one.amount) for one in wanted},
        {one.pk: one.line.path for one in wanted},
        {node.pk: max(node.available, Decimal(0)) for node in nodes},
    )
    kept = []
    ended = {"status": Reservation.Status.FREED, "ended_at": now}
    for one in pledges:
        order, part = orders.get(one.line.borrower_id), parts.get(one.pk, Decimal(0))
        Reservation.objects.filter(pk=one.pk).update(reason="reserved" if part else "not served", **ended)
        if part and order:
            facts = {"order": order, "pool": pool, "by": by or one.by, "at": now, "expires_at": now + KEPT_FOR}
            kept.append(hold(line=one.line, amount=part, **facts))
    return kept


def _can_carry(pledge: Reservation, order: Order | None, now: datetime) -> bool:
    """Say whether the member got an order in the line's currency, and its line still takes draws."""
    if order is None or order.currency != pledge.line.currency or order.payable_amount <= 0:
        return False
    if Reservation.objects.filter(order=order, status__in=["held", "drawn"]).exists():
        return False
    usable = CreditLine.objects.usable(now.date()).filter(pk__in=pledge.line.path)
    return usable.count() == len(pledge.line.path)


def lapse_drawdowns(*, now: datetime) -> int:
    """Cancel what was asked for and nobody acted on in time; what it kept is free again. Return how many."""
    late = Drawdown.objects.pending().filter(act_by__lte=now).exclude(status=Drawdown.Status.APPROVED)
    lapsed = 0
    for drawdown in late.with_names().order_by("pk")[:BATCH]:
        with transaction.atomic():
            lapsed += cancel(drawdown, note="", at=now, told=[drawdown.borrower, drawdown.line.bank])
    return lapsed


def cancel(drawdown: Drawdown, *, note: str, at: datetime, told: Iterable = ()) -> bool:
    """Cancel a drawdown that was not paid out and free what it kept; False if it went on meanwhile."""
    changes = {"note": note, "ended_at": at, "waits_for": "nobody", "act_by": None}
    if not Drawdown.objects.filter(pk=drawdown.pk).become(Drawdown.Status.CANCELLED, **changes):
        return False
    if drawdown.reservation:
        free(
            Reservation.objects.select_related("line").get(pk=drawdown.reservation_id),
            reason="drawdown cancelled",
            at=at,
        )
    OfflineAct.objects.filter(drawdown=drawdown).drop(at=at, reason=note)
    drawdown.refresh_from_db(fields=["status", "note"])
    Notification.objects.announce([news.cancelled(drawdown, one) for one in told], now=at)
    return True
