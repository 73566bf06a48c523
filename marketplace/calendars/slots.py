"""Slots cut out of openings, and the first of them that are free."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from marketplace.calendars.intervals import Span, covers, merge, subtract


def slots(openings: Iterable[Span], minutes: int) -> Iterator[Span]:
    """Cut each opening into slots from its beginning; what is too short at its end is nobody's.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> [(a.hour, a.minute) for a, _b in slots([(nine, nine + timedelta(minutes=100))], 30)]
    [(9, 0), (9, 30), (10, 0)]
    """
    step = timedelta(minutes=minutes)
    for start, end in openings:
        begin = start
        while begin + step <= end:
            yield begin, begin + step
            begin += step


def is_on_grid(openings: Sequence[Span], span: Span, minutes: int) -> bool:
    """Say whether a span lies in open time and begins and ends where slots do.

    >>> from datetime import UTC
    >>> nine, hour = datetime(2026, 3, 2, 9, tzinfo=UTC), timedelta(hours=1)
    >>> day = [(nine, nine + 8 * hour)]
    >>> is_on_grid(day, (nine, nine + 2 * hour), 60), is_on_grid(day, (nine + hour / 2, nine + 2 * hour), 60)
    (True, False)
    """
    grid = list(slots(openings, minutes))
    starts, ends = {start for start, _ in grid}, {end for _, end in grid}
    return span[0] in starts and span[1] in ends and covers(grid, span)


def free_slots(openings: Sequence[Span], taken: Iterable[Span], minutes: int, duration: timedelta) -> Iterator[Span]:
    """Return, earliest first, the runs of whole slots of at least this duration that nobody took.

    >>> from datetime import UTC
    >>> nine, hour = datetime(2026, 3, 2, 9, tzinfo=UTC), timedelta(hours=1)
    >>> busy = [(nine + hour, nine + 2 * hour)]
    >>> [(a.hour, b.hour) for a, b in free_slots([(nine, nine + 5 * hour)], busy, 60, 2 * hour)]
    [(11, 13), (12, 14)]
    """
    step = timedelta(minutes=minutes)
    count = max(1, -(-duration // step))
    grid = list(slots(openings, minutes))
    free = subtract(grid, taken)
    begins, ends = [start for start, _ in free], {end for _, end in grid}
    for start, _end in grid:
        end = start + count * step
        place = bisect_right(begins, start) - 1
        # Over a gap between two openings the grid may shift: the end must be one of a slot's too.
        if place >= 0 and end <= free[place][1] and end in ends:
            yield start, end


def free_stays(openings: Sequence[Span], blocked: Iterable[Span], minutes: int, duration: timedelta) -> Iterator[Span]:
    """Return, earliest first, the stays of at least this duration that begin and end in open time and meet no block.

    Goods stay overnight: only coming and going need an open door. An end that falls into closed time moves on to the
    next opening.

    >>> from datetime import UTC
    >>> nine, hour = datetime(2026, 3, 2, 9, tzinfo=UTC), timedelta(hours=1)
    >>> days = [(nine + n * 24 * hour, nine + (n * 24 + 8) * hour) for n in range(3)]
    >>> first = next(free_stays(days, [], 60, 12 * hour))
    >>> [moment.isoformat()[8:16] for moment in first]
    ['02T09:00', '03T09:00']
    """
    blocks = merge(blocked)
    doors = merge(openings)
    for start, _end in slots(openings, minutes):
        end = _door(doors, start + duration)
        if end is None:
            return
        if not any(block[0] < end and start < block[1] for block in blocks):
            yield start, end


def _door(doors: Sequence[Span], moment: datetime) -> datetime | None:
    """Return the moment if a door is open then, else when the next one opens."""
    for start, end in doors:
        if moment <= end:
            return max(moment, start)
    return None
