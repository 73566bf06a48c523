from collections.abc import Sequence
from datetime import datetime

from matching import runs
from matching.live_index import live_index
from matching.services.matches import request_runs


def hear_changes(*, listing_ids: Sequence[int], now: datetime) -> int:
    """Make changed listings findable at once and ask for their matches; return how many entries were written."""
    written = runs.index_listings(only=listing_ids)
    request_runs(listing_ids=listing_ids, now=now, is_urgent=True)
    return len(written)


def index_waiting(*, now: datetime) -> int:
    """Write one batch of the index's to-do list and ask for those listings' matches; return how many there were."""
    written = runs.index_listings()
    request_runs(listing_ids=written, now=now, is_urgent=False)
    return len(written)


def save_index(*, now: datetime) -> int:
    """Bring this process's index up to date and save it under DATA_DIR; return how many listings it holds."""
    index = live_index()
    index.refresh(now)
    index.save()
    return len(index)
