"""How a pool ends its collecting: by the clock, by the commitment that fills it, or by its organiser."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from marketplace.models import Announcement, Listing, Notification, PoolCommitment, PurchasePool
from marketplace.runs import pool_news

CHUNK = 200


def close_due_pools(*, now: datetime) -> int:
    """Close the pools whose time has passed, each in a transaction of its own; return how many."""
    due = list(PurchasePool.objects.due(now).order_by("closes_at", "pk").values_list("pk", flat=True)[:CHUNK])
    return sum(_close_due(pk, now=now) for pk in due)


@transaction.atomic
def _close_due(pk: int, *, now: datetime) -> int:
    # What others hold they are changing just now; the clock rings again in a minute.
    pool = PurchasePool.objects.due(now).select_for_update(of=("self",), skip_locked=True, no_key=True).filter(pk=pk)
    if (locked := pool.select_related("organiser").first()) is None:
        return 0
    Notification.objects.announce(close_pool(locked, now=now), now=now)
    return 1


def close_pool(pool: PurchasePool, *, now: datetime) -> list[Announcement]:
    """Close an open pool, or fail it where too little came together; return what is to be told.

    The caller holds the lock of the pool's row; a second call does nothing.
    """
    members = list(pool.commitments.live().select_related("organisation").in_turn())
    total = sum((one.quantity for one in members), Decimal(0))
    if not PurchasePool.objects.filter(pk=pool.pk).close(now=now):
        return []
    pool.refresh_from_db(fields=["status", "closed_at", "ended_at"])
    firms = [one.organisation for one in members]
    if pool.status == PurchasePool.Status.CLOSED:
        return pool_news.closed(pool, firms, total)
    release_all(pool, now=now)
    return pool_news.failed(pool, firms, total)


def release_all(pool: PurchasePool, *, now: datetime) -> list[PoolCommitment]:
    """Let go of every commitment and of what it holds; return what was let go."""
    # In the order of the listings' ids, as everybody locks them.
    live = list(
        pool.commitments.filter(status=PoolCommitment.Status.COMMITTED)
        .select_related("organisation", "demand")
        .order_by("demand", "pk")
    )
    for commitment in live:
        let_go(commitment, PoolCommitment.Status.RELEASED, now=now)
    return live


def let_go(commitment: PoolCommitment, status: str, *, now: datetime, **changes) -> bool:
    """End a commitment in this status and give its demand back what it held; False if it had ended before."""
    row = PoolCommitment.objects.filter(pk=commitment.pk)
    if not row.become(status, held=0, ended_at=now, **changes):
        return False
    if commitment.held:
        Listing.objects.filter(pk=commitment.demand_id).release(commitment.held)
    return True
