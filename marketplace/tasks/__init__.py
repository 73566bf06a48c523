"""Celery's doorbells; the names under which beat rings are those of this package."""

from celery import shared_task

from marketplace.tasks.exhibitions import advance_exhibitions
from marketplace.tasks.idempotency import prune_idempotent_requests
from marketplace.tasks.imports import import_listings, ring_for_imports
from marketplace.tasks.listings import expire_listings
from marketplace.tasks.notifications import (
    ring_for_sendings,
    send_digests,
    send_mails,
    send_notifications,
    send_short_messages,
)
from marketplace.tasks.offers import lapse_offers
from marketplace.tasks.orders import close_orders, tell_overdue
from marketplace.tasks.parks import accrue_storage, issue_statements, lapse_bookings
from marketplace.tasks.pools import close_pools
from marketplace.tasks.rfqs import close_rfqs, settle_rfqs

__all__ = [
    "accrue_storage",
    "advance_exhibitions",
    "close_orders",
    "close_pools",
    "close_rfqs",
    "expire_listings",
    "import_listings",
    "issue_statements",
    "lapse_bookings",
    "lapse_offers",
    "prune_idempotent_requests",
    "ring_again",
    "send_digests",
    "send_mails",
    "send_notifications",
    "send_short_messages",
    "settle_rfqs",
    "tell_overdue",
]


@shared_task
def ring_again() -> None:
    """Wake what dead workers held and what no worker heard of; scheduled every minute."""
    ring_for_imports()
    ring_for_sendings()
