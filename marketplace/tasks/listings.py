from celery import shared_task
from django.utils import timezone

from marketplace.runs import listings


@shared_task(name="marketplace.tasks.expire_listings")
def expire_listings() -> None:
    """Take listings off the market whose time has passed; scheduled every minute."""
    listings.expire_listings(now=timezone.now())
