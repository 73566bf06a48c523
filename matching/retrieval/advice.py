"""Why not more matches: the nearest changes of one listing, and how many counterparts each would bring."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from matching.ranking.facts import ListingFacts
from matching.retrieval.changes import Change, changes_to_match
from matching.retrieval.eligibility import unit_factor, why_not

# Figures that go one way: whoever goes farther keeps what was won nearer.
GRADUAL = frozenset({"minimum_order", "quantity", "price_min", "price_max", "window_start", "window_end", "lead_days"})
# Beyond this nobody would call it a change of the same offer: a third of the price, three months.
MOST_EFFORT = {"price_min": 0.3, "price_max": 0.3, "window_start": 3.0, "window_end": 3.0, "lead_days": 3.0}
# So many steps of one figure are worth reading.
STEPS = 3


@dataclass(frozen=True, slots=True)
class Advice:
    """Changes to be made together, the counterparts that would then pass all hard rules, and how much they trade.

    ``quantity`` is in the own listing's unit, over those counterparts whose quantity is known and converts.
    """

    changes: tuple[Change, ...]
    counterparts: tuple[int, ...]
    quantity: float

    @property
    def effort(self) -> float:
        return sum(change.effort for change in self.changes)

    @property
    def key(self) -> str:
        """What is to be changed, and into what, as one text."""
        return ";".join(sorted(change.key for change in self.changes))

    @property
    def worth(self) -> float:
        """How many counterparts a change brings for what it costs."""
        return len(self.counterparts) / (0.2 + self.effort)

    def apply(self, own: ListingFacts) -> ListingFacts:
        for change in self.changes:
            own = change.apply(own)
        return own


def advise(
    own: ListingFacts, others: Sequence[ListingFacts], today: date, *, most_changes: int = 2, limit: int = 8
) -> list[Advice]:
    """Return the changes of ``own`` after which some of the others could match, the most worthwhile first.

    Each counterpart named by a piece of advice passes every hard rule once its changes are applied, and none of them does
    now. Of a figure that goes one way several steps may be told: the nearest, the most worthwhile, the farthest.
    """
    needs = {
        other.id: changes
        for other in others
        if (changes := changes_to_match(own, other, today, most=most_changes)) and all(map(_is_modest, changes))
    }
    by_id = {other.id: other for other in others}
    found = [
        advice
        for changes in _proposals(needs.values())
        if (advice := _tried(own, changes, [by_id[pk] for pk in sorted(needs)], today)).counterparts
    ]
    best = sorted(_worth_reading(found), key=lambda advice: (-advice.worth, advice.effort, advice.key))
    return best[:limit]


def quantity_of(own: ListingFacts, others: Iterable[ListingFacts]) -> float:
    """Return how much the others trade, in the own listing's unit, as far as they say and it converts."""
    amounts = ((other.quantity, unit_factor(other.unit, own.unit)) for other in others)
    return float(sum(amount * factor for amount, factor in amounts if amount is not None and factor is not None))


def _is_modest(change: Change) -> bool:
    return change.effort <= MOST_EFFORT.get(change.field, float("inf"))


def _proposals(needs: Iterable[tuple[Change, ...]]) -> list[tuple[Change, ...]]:
    """Return what to try: each need as it is, single changes before pairs, once each."""
    unique = {tuple(sorted(change.key for change in changes)): changes for changes in needs}
    return [unique[key] for key in sorted(unique, key=lambda key: (len(key), key))]


def _tried(own: ListingFacts, changes: tuple[Change, ...], others: Sequence[ListingFacts], today: date) -> Advice:
    advice = Advice(changes, (), 0.0)
    changed = advice.apply(own)
    won = [
        other
        for other in others
        if not why_not(*((changed, other) if own.side == "supply" else (other, changed)), today)
    ]
    return Advice(changes, tuple(other.id for other in won), quantity_of(own, won))


def _worth_reading(found: Sequence[Advice]) -> list[Advice]:
    """Keep of each kind of change a few steps, and no pair of changes that brings no more than one of them alone."""
    singles = [advice for advice in found if len(advice.changes) == 1]
    kept: list[Advice] = []
    steps: defaultdict[str, list[Advice]] = defaultdict(list)
    for advice in singles:
        steps[advice.changes[0].field].append(advice)
    for field, several in steps.items():
        kept += _steps(several) if field in GRADUAL else several
    alone = {advice.changes[0].field: set() for advice in kept}
    for advice in kept:
        alone[advice.changes[0].field] |= set(advice.counterparts)
    for advice in found:
        if len(advice.changes) > 1:
            known = set().union(*(alone.get(change.field, set()) for change in advice.changes))
            if not set(advice.counterparts) <= known:
                kept.append(advice)
    return kept


def _steps(several: Sequence[Advice]) -> list[Advice]:
    ordered = sorted(several, key=lambda advice: advice.effort)
    # A farther step that brings nobody more is none.
    rising = [
        advice
        for place, advice in enumerate(ordered)
        if place == 0 or len(advice.counterparts) > len(ordered[place - 1].counterparts)
    ]
    chosen = {id(one): one for one in (rising[0], max(rising, key=lambda advice: advice.worth), rising[-1])}
    return sorted(chosen.values(), key=lambda advice: advice.effort)[:STEPS]
