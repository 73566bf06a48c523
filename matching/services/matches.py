from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Listing
from matching import tasks
from matching.models import MatchRun


class ListingNotOpen(RuleBroken):
    pass


@transaction.atomic
def request_matches(*, listing: Listing, now: datetime) -> MatchRun:
    """Ask a worker for the counterparts of this listing, unless one is already looking.

    :raises ListingNotOpen: if it cannot be traded now
    """
    if not Listing.objects.open(now).filter(pk=listing.pk).exists():
        raise ListingNotOpen(_("Only an open listing of an approved organisation is matched."))
    for run_id in MatchRun.objects.request([listing.pk], now=now):
        tasks.find_matches.delay_on_commit(run_id)
    return MatchRun.objects.filter(listing=listing).latest("pk")


@transaction.atomic
def request_runs(*, listing_ids: Collection[int], now: datetime, is_urgent: bool) -> int:
    """Ask for a run of each of these listings that can be traded; what is not urgent lets everything else pass."""
    tradable = list(Listing.objects.open(now).filter(pk__in=listing_ids).values_list("pk", flat=True))
    run_ids = MatchRun.objects.request(tradable, now=now)
    for run_id in run_ids:
        tasks.find_matches.apply_async_on_commit((run_id,), priority=0 if is_urgent else tasks.UNHURRIED)
    return len(run_ids)
