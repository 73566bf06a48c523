from celery import shared_task
from django.utils import timezone

from marketplace.runs import fees, waiting


@shared_task(name="marketplace.tasks.lapse_bookings")
def lapse_bookings() -> None:
    """Free the slots that nobody took in time and offer them on; scheduled every minute."""
    waiting.lapse_holds(now=timezone.now())


@shared_task(name="marketplace.tasks.accrue_storage")
def accrue_storage() -> None:
    """Charge today's storage of what lies in the warehouses; scheduled every hour."""
    fees.accrue_stored_lots(now=timezone.now())


@shared_task(name="marketplace.tasks.issue_statements")
def issue_statements() -> None:
    """Bill what accrued in the month that is over; scheduled every hour, so that a missed one is made good."""
    fees.issue_last_month(now=timezone.now())
