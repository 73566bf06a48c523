from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from marketplace.models import ListingImport
from marketplace.runs import imports


@shared_task(name="marketplace.tasks.import_listings")
def import_listings(import_id: int) -> None:
    if run := ListingImport.objects.claim(import_id, now=timezone.now()):
        imports.import_listings(run)


def ring_for_imports() -> None:
    """Take back what dead workers held, and ring for every import whose bell was not heard."""
    now = timezone.now()
    ListingImport.objects.release(since=now - timedelta(seconds=settings.RUN_LEFT_BEHIND_SECONDS))
    for run in ListingImport.objects.unheard(now).only("pk"):
        import_listings.delay(run.pk)
