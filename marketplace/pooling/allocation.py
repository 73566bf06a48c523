"""What each member of a pool gets when less is offered than all of them want."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from marketplace.pooling.proportion import in_proportion

PRO_RATA, FIRST_COME, EQUAL, SMALLEST_FIRST = "pro_rata", "first_come", "equal", "smallest_first"
RULES = (PRO_RATA, FIRST_COME, EQUAL, SMALLEST_FIRST)


@dataclass(frozen=True, slots=True)
class Want:
    """How much one member committed to, and when; ``id`` settles what is otherwise equal."""

    id: int
    quantity: Decimal
    at: datetime


def allocate(wanted: Sequence[Want], available: Decimal, rule: str, step: Decimal) -> dict[int, Decimal]:
    """Share what is available by the rule, in whole steps; return each member's part by id.

    The parts sum to what is available, or to what is wanted where that is less. Nobody gets more than they want, the
    order of the members in the input changes nothing, and with more available nobody gets less.

    pro_rata         in proportion to what each wants
    first_come       in the order of commitment, each in full until nothing is left
    equal            the same for everybody, but to nobody more than they want
    smallest_first   in the order of quantity, the smallest in full first

    >>> day = datetime(2026, 3, 2)
    >>> wants = [Want(1, Decimal(10), day), Want(2, Decimal(20), day), Want(3, Decimal(30), day)]
    >>> for rule in RULES:
    ...     print(rule, *allocate(wants, Decimal(50), rule, Decimal(1)).values())
    pro_rata 8 17 25
    first_come 10 20 20
    equal 10 20 20
    smallest_first 10 20 20
    >>> {member: str(part) for member, part in allocate(wants, Decimal("0.2"), "equal", Decimal("0.1")).items()}
    {1: '0.1', 2: '0.1', 3: '0.0'}

    :raises ValueError: if there is no such rule, or the step is not above zero
    """
    if rule not in RULES:
        raise ValueError(rule)
    if step <= 0:
        raise ValueError(step)
    members = sorted(wanted, key=lambda want: want.id)
    wants = {want.id: max(int(want.quantity // step), 0) for want in members}
    steps = min(max(int(available // step), 0), sum(wants.values()))
    if rule == PRO_RATA:
        parts = dict(zip(wants, in_proportion(list(wants.values()), steps), strict=True))
    elif rule == EQUAL:
        parts = _level(wants, [want.id for want in sorted(members, key=lambda want: (want.at, want.id))], steps)
    elif rule == FIRST_COME:
        parts = _in_turn(wants, [want.id for want in sorted(members, key=lambda want: (want.at, want.id))], steps)
    else:
        by_size = sorted(members, key=lambda want: (want.quantity, want.at, want.id))
        parts = _in_turn(wants, [want.id for want in by_size], steps)
    return {member: parts[member] * step for member in wants}


def _in_turn(wants: Mapping[int, int], turn: Sequence[int], steps: int) -> dict[int, int]:
    """Serve one after the other in full, until nothing is left."""
    parts = {}
    for member in turn:
        parts[member] = min(wants[member], steps)
        steps -= parts[member]
    return parts


def _level(wants: Mapping[int, int], turn: Sequence[int], steps: int) -> dict[int, int]:
    """Fill all to the same level, none above what it wants; single steps left over go to those who came first."""
    parts, hungry = dict.fromkeys(wants, 0), [member for member in turn if wants[member]]
    while hungry and steps >= len(hungry):
        level = min(steps // len(hungry), *(wants[member] - parts[member] for member in hungry))
        for member in hungry:
            parts[member] += level
        steps -= level * len(hungry)
        hungry = [member for member in hungry if parts[member] < wants[member]]
    for member in hungry[:steps]:
        parts[member] += 1
    return parts
