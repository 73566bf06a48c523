"""How near an offered value comes to a wanted one, for a reader who compares places side by side."""

from enum import StrEnum

from matching.ranking.agreement import bounds, meets

# What misses a limit by so much of it is nearly as good: people talk about it.
NEARLY = 0.1
AT_LEAST, AT_MOST = frozenset({"at_least", "rather_more"}), frozenset({"at_most", "rather_less"})


class Closeness(StrEnum):
    """What a comparison says of one parameter; nothing where nobody asked for it."""

    MET = "met"
    NEARLY = "nearly"
    NOT = "not"
    UNKNOWN = "unknown"
    UNASKED = ""


def closeness(offered: object, wanted: object, rule: str) -> Closeness:
    """Say how an offered value stands to a wanted one by the ``match`` rule of its attribute.

    A number that misses its limit by at most ten per cent of it is nearly there; of a soft number either way counts.

    >>> [str(closeness(offered, 10, "at_least")) for offered in (12, 9, 8, None)]
    ['met', 'nearly', 'not', 'unknown']
    """
    if wanted is None:
        return Closeness.UNASKED
    if offered is None:
        return Closeness.UNKNOWN
    if meets(offered, wanted, rule):
        return Closeness.MET
    return Closeness.NEARLY if _is_near(offered, wanted, rule) else Closeness.NOT


def _is_near(offered: object, wanted: object, rule: str) -> bool:
    low, high = bounds(offered), bounds(wanted)
    if low is None or high is None or rule == "equal":
        return False
    room = NEARLY * abs(high[0] if rule in AT_LEAST else high[1])
    if rule in AT_LEAST:
        return low[1] >= high[0] - room
    if rule in AT_MOST:
        return low[0] <= high[1] + room
    return low[0] <= high[1] + room and high[0] - room <= low[1]


def sign_of(rule: str) -> str:
    """Return the sign before a wanted number: a limit or nothing.

    >>> sign_of("rather_less"), sign_of("soft")
    ('≤ ', '')
    """
    return "≥ " if rule in AT_LEAST else "≤ " if rule in AT_MOST else ""
