"""Share too little credit among those who want it, in proportion to what they want, to the fen."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal

from finance.lending.interest import FEN


def share(wants: Mapping[int, Decimal], capacity: Decimal) -> dict[int, Decimal]:
    """Return what each gets of ``capacity``: all, or its proportion; the fen left go to the largest remainders.

    Nobody gets more than it wants; ties go to the smaller id.

    >>> {one: str(part) for one, part in share({1: Decimal(300), 2: Decimal(100)}, Decimal("100.01")).items()}
    {1: '75.01', 2: '25.00'}
    """
    total = sum(wants.values(), Decimal(0))
    if total <= capacity:
        return dict(wants)
    capacity = max(capacity, Decimal(0)).quantize(FEN, ROUND_DOWN)
    exact = {one: want * capacity / total for one, want in wants.items()}
    parts = {one: part.quantize(FEN, ROUND_DOWN) for one, part in exact.items()}
    missing = int((capacity - sum(parts.values(), Decimal(0))) / FEN)
    for one in sorted(exact, key=lambda one: (parts[one] - exact[one], one))[:missing]:
        parts[one] += FEN
    return parts


def share_in_tree(
    wants: Mapping[int, Decimal], paths: Mapping[int, Iterable[int]], available: Mapping[int, Decimal]
) -> dict[int, Decimal]:
    """Return what each gets where no node of a tree gives more than it has available.

    ``paths`` holds the nodes from the root to each wish's line. Lower nodes share first; a node above shares what they
    left, so no step undoes another.

    >>> wants = {1: Decimal(60), 2: Decimal(60)}
    >>> paths, available = {1: [7, 8], 2: [7, 9]}, {7: Decimal(80), 8: Decimal(20), 9: Decimal(90)}
    >>> {one: str(part) for one, part in share_in_tree(wants, paths, available).items()}
    {1: '20.00', 2: '60'}
    """
    below: dict[int, list[int]] = {}
    depth: dict[int, int] = {}
    for one, path in paths.items():
        for level, node in enumerate(path):
            below.setdefault(node, []).append(one)
            depth[node] = level
    parts = dict(wants)
    for node in sorted(below, key=lambda node: (-depth[node], node)):
        parts |= share({one: parts[one] for one in below[node]}, available[node])
    return parts
