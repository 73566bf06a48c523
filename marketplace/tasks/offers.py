from celery import shared_task
from django.utils import timezone

from marketplace.runs import offers


@shared_task(name="marketplace.tasks.lapse_offers")
def lapse_offers() -> None:
    """Close offers whose validity has passed; scheduled every minute."""
    offers.lapse_offers(now=timezone.now())
