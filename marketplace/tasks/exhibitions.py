from celery import shared_task
from django.utils import timezone

from marketplace.runs import exhibitions


@shared_task(name="marketplace.tasks.advance_exhibitions")
def advance_exhibitions() -> None:
    """Open exhibitions that have begun and end those that are over; scheduled every minute."""
    exhibitions.advance_exhibitions(now=timezone.now())
