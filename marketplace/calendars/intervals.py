"""Half-open spans of time [start, end), and what is left of one when others are taken away."""

from collections.abc import Iterable
from typing import Any

# Both ends are of one ordered type: moments, or plain numbers.
Span = tuple[Any, Any]


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as few spans in order; what touches becomes one.

    >>> merge([(5, 7), (1, 3), (3, 4), (6, 9)])
    [(1, 4), (5, 9)]
    """
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of the spans outside the taken ones, in order.

    >>> subtract([(0, 10)], [(2, 3), (5, 7), (9, 12)])
    [(0, 2), (3, 5), (7, 9)]
    """
    left: list[Span] = []
    blocks = merge(taken)
    for start, end in merge(spans):
        begin = start
        for block_start, block_end in blocks:
            if block_end <= begin:
                continue
            if block_start >= end:
                break
            if begin < block_start:
                left.append((begin, block_start))
            begin = max(begin, block_end)
        if begin < end:
            left.append((begin, end))
    return left


def clip(spans: Iterable[Span], start: Any, end: Any) -> list[Span]:
    """Return the parts of the spans that lie between start and end, in order.

    >>> clip([(0, 4), (6, 9)], 2, 7)
    [(2, 4), (6, 7)]
    """
    return merge((max(one, start), min(other, end)) for one, other in spans)


def covers(spans: Iterable[Span], span: Span) -> bool:
    """Say whether the spans together hold the whole of one.

    >>> covers([(0, 4), (4, 9)], (2, 7)), covers([(0, 4), (5, 9)], (2, 7))
    (True, False)
    """
    return any(start <= span[0] and span[1] <= end for start, end in merge(spans))


def overlaps(one: Span, other: Span) -> bool:
    """Say whether two spans share a moment; where one ends the other may begin.

    >>> overlaps((1, 3), (2, 4)), overlaps((1, 3), (3, 4))
    (True, False)
    """
    return one[0] < other[1] and other[0] < one[1]
