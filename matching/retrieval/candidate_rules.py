"""The hard rules of ``eligibility``, each over all listings still in question at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from matching.ranking.agreement import RANKS_ONLY
from matching.ranking.facts import ListingFacts
from matching.retrieval.columns import ask_each
from matching.retrieval.eligibility import (
    TOLERANCE,
    delivery_places,
    is_shown,
    places_meet,
    price_factor,
    price_terms,
    unit_factor,
    units_meet,
)

if TYPE_CHECKING:
    from matching.retrieval.candidate_table import CandidateTable

LAST_DAY = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Question:
    """Ask which of these slots of the table may match the query, which may stand on either side."""

    table: "CandidateTable"
    slots: np.ndarray
    query: ListingFacts
    today: date

    @property
    def query_is_supply(self) -> bool:
        return self.query.side == "supply"

    def number(self, name: str) -> np.ndarray:
        return self.table.numbers[name].take(self.slots)

    def day(self, name: str) -> np.ndarray:
        return self.table.days[name].take(self.slots)

    def organisation(self) -> np.ndarray:
        return self.table.organisations.take(self.slots)

    def ask(self, name: str, passes: Callable[..., bool]) -> np.ndarray:
        """Put a question to each different value of an interned column; return the answers slot by slot."""
        codes = self.table.codes[name].take(self.slots)
        return ask_each(self.table.interned[name], codes, passes)[codes]

    def measure(self, name: str, number: Callable[..., float | None]) -> np.ndarray:
        """Do the same for a number, NaN where there is none."""
        answers = [number(value) for value in self.table.interned[name]]
        answers = np.array([np.nan if each is None else each for each in answers])
        return answers[self.table.codes[name].take(self.slots)]

    def all(self, *, answer: bool) -> np.ndarray:
        return np.full(len(self.slots), answer)


def _side(at: Question) -> np.ndarray:
    wanted = "demand" if at.query_is_supply else "supply"
    return at.ask("side", lambda side: side == wanted)


def _kind(at: Question) -> np.ndarray:
    return at.ask("kind", lambda kind: kind == at.query.kind)


def _organisation(at: Question) -> np.ndarray:
    return at.organisation() != at.query.organisation


def _block(at: Question) -> np.ndarray:
    """Blocks are between organisations and change without any listing: those that the query brings along count."""
    if not at.query.blocked:
        return at.all(answer=True)
    return ~np.isin(at.organisation(), list(at.query.blocked))


def _open(at: Question) -> np.ndarray:
    if not at.query.is_open or (at.query.open_until is not None and at.query.open_until < at.today):
        return at.all(answer=False)
    return at.day("open_until") >= at.today.toordinal()


def _visibility(at: Question) -> np.ndarray:
    organisation, is_verified = at.query.organisation, at.query.is_verified
    shown = at.ask(
        "access",
        lambda access: is_shown(access[0], frozenset(access[1]), organisation=organisation, is_verified=is_verified),
    )
    if at.query.visibility == "named":
        return shown & np.isin(at.organisation(), list(at.query.audience))
    if at.query.visibility == "verified":
        return shown & at.ask("access", lambda access: access[2])
    return shown


def _family(at: Question) -> np.ndarray:
    own = at.query.family
    return at.ask("family", lambda family: not family or not own or family == own)


def _unit(at: Question) -> np.ndarray:
    own = at.query.unit
    return at.ask("unit", lambda unit: units_meet(unit, own))


def _minimum_order(at: Question) -> np.ndarray:
    # One of their units is so many of ours; NaN where the two do not compare, and NaN is never less.
    factors = at.measure("unit", lambda unit: unit_factor(unit, at.query.unit))
    refused = at.all(answer=False)
    if at.query.quantity is not None:
        refused |= at.query.quantity < at.number("minimum_order") * factors * (1 - TOLERANCE)
    if at.query.minimum_order is not None:
        refused |= at.number("quantity") * factors < at.query.minimum_order * (1 - TOLERANCE)
    return ~refused


def _price(at: Question) -> np.ndarray:
    terms, query = price_terms(at.query), at.query
    if query.side == "demand" and query.price_max is not None:
        factors = at.measure("price_terms", lambda theirs: price_factor(theirs, terms))
        return ~(query.price_max < at.number("price_min") * factors * (1 - TOLERANCE))
    if query.side == "supply" and query.price_min is not None:
        factors = at.measure("price_terms", lambda theirs: price_factor(terms, theirs))
        return ~(at.number("price_max") < query.price_min * factors * (1 - TOLERANCE))
    return at.all(answer=True)


def _window(at: Question) -> np.ndarray:
    day = at.today.toordinal()
    starts, ends = at.day("window_start"), at.day("window_end")
    own_start = at.query.window_start.toordinal() if at.query.window_start else day
    own_end = at.query.window_end.toordinal() if at.query.window_end else LAST_DAY
    # Only a supply's lead time counts.
    if at.query_is_supply:
        own_start = max(own_start, day + (at.query.lead_days or 0))
    else:
        starts = np.maximum(starts, day + at.day("lead_days"))
    begin = np.maximum(starts, max(own_start, day))
    return (ends >= begin) & (own_end >= begin)


def _region(at: Question) -> np.ndarray:
    own = delivery_places(at.query)
    return at.ask("places", lambda places: places_meet(own, places))


def _certificates(at: Question) -> np.ndarray:
    if at.query_is_supply:
        return at.ask("required", at.query.certificates.issuperset)
    return at.ask("certificates", at.query.required_certificates.issubset)


def _attributes(at: Question) -> np.ndarray:
    fits = at.all(answer=True)
    codes = at.table.codes["category"].take(at.slots)
    occurs = np.zeros(len(at.table.interned["category"]), dtype=bool)
    occurs[codes] = True
    for key, value in at.query.attributes.items():
        column = at.table.attributes.get(key)
        if column is None or value is None:
            continue
        by_rule: dict[str, np.ndarray] = {}
        for code in np.flatnonzero(occurs).tolist():
            rule = _rule_of(key, at.table.interned["category"][code], at)
            by_rule.setdefault(rule, np.zeros(len(occurs), dtype=bool))[code] = True
        for rule in by_rule.keys() - RANKS_ONLY:
            here = np.flatnonzero(by_rule[rule][codes])
            fits[here] &= column.fits(at.slots[here], value, rule, value_is_offered=at.query_is_supply)
    return fits


def _rule_of(key: str, category: str, at: Question) -> str:
    """Return the rule of an attribute for listings of a category: by the demand's category, else by the supply's."""
    own, theirs = at.query.properties, at.table.properties.get(category, {})
    properties = (theirs or own) if at.query_is_supply else (own or theirs)
    return properties.get(key, {}).get("match", "soft")


# In the order in which they are asked: what leaves few in question comes first.
CHECKS: dict[str, Callable[[Question], np.ndarray]] = {
    "side": _side,
    "family": _family,
    "kind": _kind,
    "organisation": _organisation,
    "block": _block,
    "open": _open,
    "visibility": _visibility,
    "unit": _unit,
    "minimum_order": _minimum_order,
    "price": _price,
    "window": _window,
    "region": _region,
    "certificates": _certificates,
    "attributes": _attributes,
}
