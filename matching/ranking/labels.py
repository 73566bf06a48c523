"""What the events of a match say of one side's wish for it: a grade, and what one act stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from matching.ranking.propensity import PositionCurve

# What is not done so long after a match was shown, was not done because of it.
HORIZON = timedelta(days=30)
# How far a side went by its own acts; an order needs an act of both, and is a grade for both.
OWN_GRADES = {"opened": 1, "contacted": 2, "quoted": 2}
SHARED_GRADES = {"accepted": 3, "delivered_late": 3, "delivered_short": 3, "delivered": 3, "disputed": 3}
ORDERED, FULFILLED = 3, 4
# From this grade on a side took the match up: it asked, made an offer, or accepted one.
TAKEN_UP = 2


class Act(NamedTuple):
    """What people of a side did about a match on a day; kinds as those of MatchEvent."""

    day: date
    side: str
    kind: str


@dataclass(frozen=True, slots=True)
class Label:
    """What came of a counterpart that was shown in a list on a day.

    ``grade`` is 0 nothing, 1 opened, 2 taken up, 3 ordered, 4 delivered on time and in full without a dispute; ``acted``
    says whether something was done on that very day; ``asked`` whether the other side had come first, so that the place
    in the list hid nothing; ``fulfilled`` is None where nothing was to be delivered yet. ``weight`` is what the row
    counts for when an order of the list is learned. ``settled`` says that the two were in touch before: then the grade is
    of all that came of them, and says nothing of a place. ``would`` is what only a simulation knows: whether it would have been
    taken up, had it been looked at.
    """

    grade: int
    position: int | None = None
    acted: bool = False
    asked: bool = False
    fulfilled: bool | None = None
    weight: float = 1.0
    settled: bool = False
    would: bool | None = None


def label_of(acts: Sequence[Act], *, side: str, day: date, position: int | None, curve: PositionCurve) -> Label:
    """Return what these acts about a match say of a side that was shown it on a day in a place.

    >>> from matching.ranking.propensity import power_law
    >>> acts = [Act(date(2026, 3, 2), "demand", "opened"), Act(date(2026, 3, 3), "demand", "contacted")]
    >>> label_of(acts, side="demand", day=date(2026, 3, 2), position=2, curve=power_law(1.0))
    Label(grade=2, position=2, acted=True, asked=False, fulfilled=None, weight=2.0, settled=False, would=None)
    """
    if settled := is_settled(acts, day):
        day = min(act.day for act in acts)
    after = [act for act in acts if day <= act.day <= day + HORIZON]
    # What was ordered may be delivered long after.
    late = [act for act in acts if act.day >= day and act.kind in SHARED_GRADES]
    own = [act for act in after if act.side == side and act.kind in OWN_GRADES]
    is_ordered = any(act.kind in SHARED_GRADES for act in after)
    grade = max([OWN_GRADES[act.kind] for act in own], default=0)
    fulfilled = _fulfilled(late) if is_ordered else None
    if is_ordered:
        grade = FULFILLED if fulfilled else ORDERED
    asked = _was_asked_first(after, side)
    weight = curve.weight([position]) if grade and not asked and not settled else 1.0
    return Label(
        grade=grade,
        position=position,
        acted=not settled and any(act.day == day for act in own),
        asked=asked,
        fulfilled=fulfilled,
        weight=round(weight, 4),
        settled=settled,
    )


def is_settled(acts: Sequence[Act], day: date) -> bool:
    """Return whether the two were in touch before that day: seeing each other in a list then says nothing more.

    >>> is_settled([Act(date(2026, 3, 2), "supply", "contacted")], date(2026, 3, 3))
    True
    """
    return any(act.day < day and act.kind != "opened" for act in acts)


def teaches_places(acts: Sequence[Act]) -> bool:
    """Return whether the shows of a match may tell how often places are looked at: only of those never taken up.

    Who is in touch looks elsewhere afterwards, so of a match that was taken up the later shows would seem not looked at,
    and those are the ones after a high place. Of matches that were at most opened, whoever looked at a place would open
    them in each, so the shares of opened ones differ by the places alone.
    """
    return all(act.kind == "opened" for act in acts)


def _fulfilled(acts: Sequence[Act]) -> bool | None:
    kinds = {act.kind for act in acts}
    if kinds & {"delivered_late", "delivered_short", "disputed"}:
        return False
    return True if "delivered" in kinds else None


def _was_asked_first(acts: Sequence[Act], side: str) -> bool:
    asked = [act.day for act in acts if act.side != side and act.kind in {"contacted", "quoted"}]
    own = [act.day for act in acts if act.side == side and act.kind in {"contacted", "quoted"}]
    return bool(asked) and (not own or min(asked) < min(own))
