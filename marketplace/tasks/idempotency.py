from celery import shared_task
from django.utils import timezone

from marketplace.runs import idempotency


@shared_task(name="marketplace.tasks.prune_idempotent_requests")
def prune_idempotent_requests() -> None:
    """Forget the answers that nobody will ask for again; scheduled every hour."""
    idempotency.prune_idempotent_requests(now=timezone.now())
