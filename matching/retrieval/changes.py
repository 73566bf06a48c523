"""The nearest change of one listing that takes a hard rule out of the way: each rule of ``eligibility``, inverted.

Whoever may change only one of two listings has few ways out: less of a minimum, more of a quantity, another price, day,
place, certificate or variant. Sides, families, units and blocks are no such matter: nobody changes them to please one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from matching.ranking.facts import ListingFacts
from matching.retrieval.eligibility import (
    delivery_places,
    price_factor,
    price_terms,
    unit_factor,
    why_not,
)

# As exact as a listing keeps them.
QUANTITY_PLACES, PRICE_PLACES = 3, 4
# What a change costs who makes it, beside a change of a figure by its own size: a wider reach, another paper, other goods.
REACH, PAPER, VARIANT, MONTH = 0.3, 0.4, 0.6, 30
# Nearer than this no change is: who has to do anything at all has to decide it.
LEAST_EFFORT = 0.01
ATTRIBUTE = "attributes."


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a listing, as it is and as it would have to be; ``field`` names an attribute as ``attributes.DN``."""

    field: str
    now: object
    then: object
    effort: float

    @property
    def key(self) -> str:
        """The field and its new value as one text, the same in every process."""
        return f"{self.field}={plain(self.then)}"

    @property
    def attribute(self) -> str:
        """The attribute that is changed, or nothing."""
        return self.field.removeprefix(ATTRIBUTE) if self.field.startswith(ATTRIBUTE) else ""

    def apply(self, facts: ListingFacts) -> ListingFacts:
        """Return the listing as it would be."""
        if self.attribute:
            return replace(facts, attributes={**facts.attributes, self.attribute: self.then})
        return replace(facts, **{self.field: self.then})


def plain(value: object) -> object:
    """Return a value of a change as JSON writes it."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value


def changes_to_match(
    own: ListingFacts, other: ListingFacts, today: date, *, most: int = 2
) -> tuple[Change, ...] | None:
    """Return the changes of ``own`` alone after which no hard rule keeps the two apart, None where so few do not do.

    >>> rods = ListingFacts(id=1, organisation=1, side="supply", text="", unit="t", minimum_order=25)
    >>> some = ListingFacts(id=2, organisation=2, side="demand", text="", unit="kg", quantity=20_000)
    >>> [(change.field, change.now, change.then) for change in changes_to_match(rods, some, date(2026, 3, 2))]
    [('minimum_order', 25, 20.0)]
    """
    changed, facts = {}, own
    # A rule says one thing at a time, and a window may have to be moved at both ends.
    for _attempt in range(most + 2):
        supply, demand = (facts, other) if facts.side == "supply" else (other, facts)
        refusals = why_not(supply, demand, today)
        if not refusals:
            return tuple(changed.values())
        rule = refusals[0].rule
        invert = _attribute if rule.startswith("attribute.") else _INVERSES.get(rule)
        change = invert and invert(facts, other, today)
        if not change or (change.field not in changed and len(changed) == most):
            return None
        # Another size is another variant; another size of another material is another trade.
        if change.attribute and any(known.attribute and known.field != change.field for known in changed.values()):
            return None
        before = changed.get(change.field)
        effort = change.effort + (before.effort if before else 0)
        changed[change.field] = replace(change, now=before.now if before else change.now, effort=effort)
        facts = change.apply(facts)
    return None


def _minimum_order(own: ListingFacts, other: ListingFacts, today: date) -> Change | None:
    factor = unit_factor(other.unit, own.unit)
    if factor is None:
        return None
    if own.minimum_order is not None and other.quantity is not None:
        reachable = _down(other.quantity * factor, QUANTITY_PLACES)
        if 0 < reachable < own.minimum_order:
            return _figure("minimum_order", own.minimum_order, reachable)
    if own.quantity is not None and other.minimum_order is not None:
        wanted = _up(other.minimum_order * factor, QUANTITY_PLACES)
        if wanted > own.quantity:
            return _figure("quantity", own.quantity, wanted)
    return None


def _price(own: ListingFacts, other: ListingFacts, today: date) -> Change | None:
    """Meet the other side's price: a supply comes down to what is paid, a demand goes up to what is asked."""
    factor = price_factor(price_terms(other), price_terms(own))
    if factor is None:
        return None
    if own.side == "supply":
        then = _down(other.price_max * factor, PRICE_PLACES)
        return _figure("price_min", own.price_min, then) if 0 < then < own.price_min else None
    then = _up(other.price_min * factor, PRICE_PLACES)
    return _figure("price_max", own.price_max, then) if then > own.price_max else None


def _window(own: ListingFacts, other: ListingFacts, today: date) -> Change | None:
    supply, demand = (own, other) if own.side == "supply" else (other, own)
    earliest = max(today + timedelta(days=supply.lead_days or 0), supply.window_start or today)
    wanted_from = max(today, demand.window_start or today)
    ends_too_soon = supply.window_end is not None and supply.window_end < max(earliest, wanted_from)
    if not ends_too_soon and demand.window_end < today:
        return None
    invert = _window_of_supply if own is supply else _window_of_demand
    return invert(supply, demand, today, earliest, ends_too_soon=ends_too_soon)


def _window_of_supply(
    supply: ListingFacts, demand: ListingFacts, today: date, earliest: date, *, ends_too_soon: bool
) -> Change | None:
    if ends_too_soon:
        return _days("window_end", supply.window_end, max(earliest, demand.window_start or today))
    if supply.lead_days and today + timedelta(days=supply.lead_days) > demand.window_end:
        days = (demand.window_end - today).days
        return Change("lead_days", supply.lead_days, days, (supply.lead_days - days) / MONTH)
    if supply.window_start and supply.window_start > demand.window_end:
        return _days("window_start", supply.window_start, demand.window_end)
    return None


def _window_of_demand(
    supply: ListingFacts, demand: ListingFacts, today: date, earliest: date, *, ends_too_soon: bool
) -> Change | None:
    if not ends_too_soon:
        return _days("window_end", demand.window_end, max(earliest, demand.window_start or today))
    # It can only ask for it sooner, and not sooner than the supply can.
    if earliest <= supply.window_end and demand.window_start:
        return _days("window_start", demand.window_start, max(today, supply.window_end))
    return None


def _region(own: ListingFacts, other: ListingFacts, today: date) -> Change | None:
    places = delivery_places(other)
    if own.kind == "space" or not places:
        return None
    now = own.delivery_regions or delivery_places(own)
    return Change("delivery_regions", own.delivery_regions, (*now, places[0]), REACH)


def _certificates(own: ListingFacts, other: ListingFacts, today: date) -> Change | None:
    if own.side == "supply":
        missing = other.required_certificates - own.certificates
        return Change("certificates", own.certificates, own.certificates | missing, PAPER * len(missing))
    missing = own.required_certificates - other.certificates
    left = own.required_certificates - missing
    return Change("required_certificates", own.required_certificates, left, PAPER * len(missing))


def _attribute(own: ListingFacts, other: ListingFacts, today: date) -> Change | None:
    supply, demand = (own, other) if own.side == "supply" else (other, own)
    first = next(refusal.rule for refusal in why_not(supply, demand, today) if refusal.rule.startswith("attribute."))
    name = first.removeprefix("attribute.")
    then = other.attributes[name]
    rule = (demand.properties or supply.properties).get(name, {}).get("match")
    # Who needs DN 50 cannot take DN 20; who makes DN 20 may make DN 50 too.
    if own is demand and rule == "equal" and isinstance(then, (int, float)):
        return None
    if isinstance(then, (list, tuple)) and rule == "equal":
        then = then[0] if then else None
    return None if then is None else Change(f"{ATTRIBUTE}{name}", own.attributes[name], then, VARIANT)


_INVERSES: dict[str, Callable[[ListingFacts, ListingFacts, date], Change | None]] = {
    "minimum_order": _minimum_order,
    "price": _price,
    "window": _window,
    "region": _region,
    "certificates": _certificates,
}


def _figure(field: str, now: float, then: float) -> Change:
    return Change(field, now, then, max(LEAST_EFFORT, abs(then - now) / abs(now)) if now else 1.0)


def _days(field: str, now: date, then: date) -> Change:
    return Change(field, now, then, max(LEAST_EFFORT, abs((then - now).days) / MONTH))


def _down(value: float, places: int) -> float:
    # A hair is added first: 20 t that came back as 19.999999999 from a conversion are 20 t.
    return math.floor(value * 10**places + 1e-6) / 10**places


def _up(value: float, places: int) -> float:
    return math.ceil(value * 10**places - 1e-6) / 10**places
