from celery import shared_task
from django.utils import timezone

from marketplace.runs import pools


@shared_task(name="marketplace.tasks.close_pools")
def close_pools() -> None:
    """Close collective purchases whose time has passed; scheduled every minute."""
    pools.close_due_pools(now=timezone.now())
