"""How much of a shared capacity is taken, when; all amounts are in one unit."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from marketplace.calendars.intervals import Span, merge

Load = tuple[Any, Any, Decimal]
ZERO = Decimal(0)


def levels(loads: Iterable[Load]) -> list[Load]:
    """Return how much is taken, as spans of equal level in order; untaken time is left out.

    >>> [(a, b, int(n)) for a, b, n in levels([(0, 4, Decimal(5)), (2, 6, Decimal(3))])]
    [(0, 2, 5), (2, 4, 8), (4, 6, 3)]
    """
    changes: dict[Any, Decimal] = {}
    for start, end, amount in loads:
        if start < end:
            changes[start] = changes.get(start, ZERO) + amount
            changes[end] = changes.get(end, ZERO) - amount
    found: list[Load] = []
    level, since = ZERO, None
    for moment in sorted(changes):
        if level and since is not None:
            found.append((since, moment, level))
        level += changes[moment]
        since = moment
    return found


def peak(loads: Iterable[Load], span: Span) -> Decimal:
    """Return the most that is taken at any moment of a span.

    >>> peak([(0, 4, Decimal(5)), (2, 6, Decimal(3))], (3, 9)), peak([(0, 4, Decimal(5))], (4, 9))
    (Decimal('8'), Decimal('0'))
    """
    start, end = span
    return max((level for one, other, level in levels(loads) if one < end and start < other), default=ZERO)


def too_full(loads: Iterable[Load], *, capacity: Decimal, amount: Decimal) -> list[Span]:
    """Return when an amount more would be too much; merged, in order.

    >>> too_full([(0, 4, Decimal(5)), (2, 6, Decimal(3))], capacity=Decimal(10), amount=Decimal(4))
    [(2, 4)]
    """
    return merge((start, end) for start, end, level in levels(loads) if level + amount > capacity)


def amount_days(start: Any, end: Any, amount: Decimal) -> Decimal:
    """Return the amount times the days that it stays; a day that has begun counts.

    >>> from datetime import datetime
    >>> amount_days(datetime(2026, 3, 2, 9), datetime(2026, 3, 4, 10), Decimal(2))
    Decimal('6')
    """
    return amount * days_begun(start, end)


def days_begun(start: Any, end: Any) -> int:
    """Return how many days of 24 hours a span has begun.

    >>> from datetime import datetime
    >>> days_begun(datetime(2026, 3, 2, 9), datetime(2026, 3, 4, 9)), days_begun(datetime(2026, 3, 2), datetime(2026, 3, 2, 1))
    (2, 1)
    """
    seconds = (end - start).total_seconds()
    return max(1, -int(-seconds // 86400))
