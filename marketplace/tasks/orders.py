from celery import shared_task
from django.utils import timezone

from marketplace.runs import orders


@shared_task(name="marketplace.tasks.close_orders")
def close_orders() -> None:
    """Close accepted orders that nobody objects to, and end framework orders; scheduled every hour."""
    orders.close_orders(now=timezone.now())
    orders.end_frameworks(now=timezone.now())


@shared_task(name="marketplace.tasks.tell_overdue")
def tell_overdue() -> None:
    """Tell of payments that are past their day; scheduled every hour, tells each once."""
    orders.tell_overdue(now=timezone.now())
