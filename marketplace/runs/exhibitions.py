from datetime import datetime

from marketplace.models import Exhibition


def advance_exhibitions(*, now: datetime) -> int:
    """Open the exhibitions that have begun and end those that are over; return how many."""
    return Exhibition.objects.advance(now)
