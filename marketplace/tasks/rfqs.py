from celery import shared_task
from django.utils import timezone

from marketplace.runs import rfqs


@shared_task(name="marketplace.tasks.close_rfqs")
def close_rfqs() -> None:
    """Take no more quotes after the deadline; scheduled every minute."""
    rfqs.close_due(now=timezone.now())


@shared_task(name="marketplace.tasks.settle_rfqs")
def settle_rfqs() -> None:
    """Bring awards to their end that waited for an approver; scheduled every minute."""
    rfqs.settle_due(now=timezone.now())
