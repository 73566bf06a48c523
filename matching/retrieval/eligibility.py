"""The hard rules: who can match at all. This is their readable definition, pair by pair.

``candidate_table`` applies the same rules to a hundred thousand listings at once; a property test holds the two together.
A fact that a side does not state never refuses: what is unknown is left to the ranking, and to the two firms.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from marketplace.parsing.units import convert, format_quantity, same_dimension
from matching.ranking.agreement import RANKS_ONLY, meets
from matching.ranking.explanation import definition_of_both, value_label
from matching.ranking.facts import ListingFacts

# For the comparison of converted amounts: 0.3 t is not less than 300 kg.
TOLERANCE = 1e-9


class Refusal(NamedTuple):
    """One reason why a pair cannot match, fit to show to both sides."""

    rule: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A named hard rule; ``refuse`` returns what speaks against a pair, if anything does."""

    name: str
    refuse: Callable[[ListingFacts, ListingFacts, date], list[Refusal]]


def why_not(
    supply: ListingFacts, demand: ListingFacts, today: date, *, rules: Sequence[str] | None = None
) -> list[Refusal]:
    """Return all that forbids this supply to match this demand on that day; nothing means that they can.

    >>> valves = ListingFacts(id=1, organisation=1, side="supply", text="", unit="piece", minimum_order=100)
    >>> few = ListingFacts(id=2, organisation=2, side="demand", text="", unit="piece", quantity=20)
    >>> [refusal.rule for refusal in why_not(valves, few, date(2026, 3, 2))]
    ['minimum_order']
    """
    return [
        refusal
        for rule in RULES
        if rules is None or rule.name in rules
        for refusal in rule.refuse(supply, demand, today)
    ]


@cache
def unit_factor(unit: str, into: str) -> float | None:
    """Return how much of ``into`` one ``unit`` is, None where the two measure different things."""
    if unit == into:
        return 1.0
    if not unit or not into:
        return None
    return float(convert(1.0, unit, into)) if same_dimension(unit, into) else None


@cache
def units_meet(unit: str, other: str) -> bool:
    """Return whether two listings in these units can speak of the same: also of a stock and a rate of it.

    >>> units_meet("t", "kg"), units_meet("hour/month", "hour"), units_meet("piece", "t"), units_meet("", "t")
    (True, True, False, True)
    """
    if not unit or not other:
        return True
    # Who has 200 hours a month may well take an order of 100 hours: how much that is, the two must see.
    stocks = unit.partition("/")[0], other.partition("/")[0]
    return unit_factor(unit, other) is not None or unit_factor(*stocks) is not None


def places_meet(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether some place of the one lies in, or holds, some place of the other; no places mean everywhere.

    >>> places_meet(["330000"], ["331083"]), places_meet(["331000"], ["330200"]), places_meet([], ["110000"])
    (True, False, True)
    """
    if not one or not other:
        return True
    narrow, wide = [_prefix(code) for code in one], [_prefix(code) for code in other]
    return any(a.startswith(b) or b.startswith(a) for a in narrow for b in wide)


def _prefix(code: str) -> str:
    """Return the digits that carry the level: 330000 is 33, 331000 is 3310, 331083 stays."""
    while code.endswith("00"):
        code = code[:-2]
    return code


def delivery_places(facts: ListingFacts) -> tuple[str, ...]:
    """Return where a listing's goods can or must go; empty means everywhere.

    A supply names the places it delivers to, and a space stays where it is. A demand names where it wants them.
    """
    if facts.delivery_regions:
        return facts.delivery_regions
    if facts.region and (facts.side == "demand" or facts.kind == "space"):
        # Who looks for a space in a county also looks in its city.
        return (f"{facts.region[:4]}00",) if facts.kind == "space" else (facts.region,)
    return ()


def price_terms(facts: ListingFacts) -> tuple[str, str]:
    """Return the currency and the unit in which a listing's prices stand."""
    return facts.currency, facts.price_unit or facts.unit


def price_factor(supply: tuple[str, str], demand: tuple[str, str]) -> float | None:
    """Return what turns a price in the supply's terms into the demand's, None where they do not compare.

    Rates move: prices in unlike currencies are left to the two firms.
    """
    (currency, unit), (other_currency, other_unit) = supply, demand
    if currency != other_currency:
        return None
    return unit_factor(other_unit, unit)


def _sides(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    if (supply.side, demand.side) == ("supply", "demand"):
        return []
    return [Refusal("side", "双方须为一供一需", "One must be a supply and the other a demand")]


def _kinds(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    if supply.kind == demand.kind:
        return []
    return [Refusal("kind", "供需种类不同", "They are of different kinds")]


def _organisations(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    if supply.organisation != demand.organisation:
        return []
    return [Refusal("organisation", "属于同一组织", "Both belong to one organisation")]


def _blocks(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    if demand.organisation not in supply.blocked and supply.organisation not in demand.blocked:
        return []
    return [Refusal("block", "双方有屏蔽关系", "One organisation blocks the other")]


def _open(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    if all(one.is_open and (one.open_until is None or one.open_until >= today) for one in (supply, demand)):
        return []
    return [Refusal("open", "信息已关闭或过期", "A listing is closed or has expired")]


def is_shown(visibility: str, audience: frozenset[int], *, organisation: int, is_verified: bool) -> bool:
    """Return whether a listing of this visibility is shown to an organisation."""
    if visibility == "named":
        return organisation in audience
    return visibility == "public" or is_verified


def _visible(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    for one, other in ((supply, demand), (demand, supply)):
        if not is_shown(one.visibility, one.audience, organisation=other.organisation, is_verified=other.is_verified):
            return [Refusal("visibility", "对方无权查看", "A listing is not shown to the other side")]
    return []


def _families(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    if not supply.family or not demand.family or supply.family == demand.family:
        return []
    return [Refusal("family", "类别大类不同", "Their categories are of different families")]


def _units(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    if units_meet(supply.unit, demand.unit):
        return []
    return [
        Refusal(
            "unit",
            f"单位不可换算：{supply.unit} 与 {demand.unit}",
            f"Units do not convert: {supply.unit} and {demand.unit}",
        )
    ]


def _minimum_orders(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    factor = unit_factor(supply.unit, demand.unit)
    if factor is None:
        return []
    refusals = []
    if is_less(demand.quantity, supply.minimum_order, 1.0, factor):
        refusals.append(
            Refusal(
                "minimum_order",
                f"需求量 {format_quantity(demand.quantity, demand.unit, 'zh')} "
                f"低于起订量 {format_quantity(supply.minimum_order, supply.unit, 'zh')}",
                f"{format_quantity(demand.quantity, demand.unit, 'en')} wanted, "
                f"the minimum order is {format_quantity(supply.minimum_order, supply.unit, 'en')}",
            )
        )
    if is_less(supply.quantity, demand.minimum_order, factor, 1.0):
        refusals.append(
            Refusal(
                "minimum_order",
                f"可供 {format_quantity(supply.quantity, supply.unit, 'zh')}，"
                f"少于至少需要的 {format_quantity(demand.minimum_order, demand.unit, 'zh')}",
                f"{format_quantity(supply.quantity, supply.unit, 'en')} offered, "
                f"at least {format_quantity(demand.minimum_order, demand.unit, 'en')} wanted",
            )
        )
    return refusals


def is_less(amount: float | None, least: float | None, factor: float, least_factor: float) -> bool:
    """Return whether a known amount is under a known least, each turned into the same unit by its factor."""
    if amount is None or least is None:
        return False
    return amount * factor < least * least_factor * (1 - TOLERANCE)


def _prices(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    """Refuse a supply whose lowest price is above the most that the demand pays; cheaper than hoped is no obstacle."""
    factor = price_factor(price_terms(supply), price_terms(demand))
    if factor is None or not is_less(demand.price_max, supply.price_min, 1.0, factor):
        return []
    asked, paid = f"{supply.price_min:g} {supply.currency}", f"{demand.price_max:g} {demand.currency}"
    return [
        Refusal(
            "price",
            f"最低价 {asked}/{price_terms(supply)[1]} 高于需方上限 {paid}/{price_terms(demand)[1]}",
            f"The lowest price, {asked} per {price_terms(supply)[1]}, is above the buyer's limit, "
            f"{paid} per {price_terms(demand)[1]}",
        )
    ]


def _windows(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    """Refuse where no day from today on lies in both windows, the supply's lead time counted from today."""
    earliest = max(today + timedelta(days=supply.lead_days or 0), supply.window_start or today)
    wanted_from = max(today, demand.window_start or today)
    if supply.window_end is not None and supply.window_end < max(earliest, wanted_from):
        return [
            Refusal(
                "window",
                f"供应截至 {supply.window_end}，早于需求开始",
                f"The supply ends on {supply.window_end}, before it is wanted",
            )
        ]
    if demand.window_end is not None and demand.window_end < max(earliest, wanted_from):
        return [
            Refusal(
                "window",
                f"最早 {earliest} 可交付，晚于要求的 {demand.window_end}",
                f"Deliverable from {earliest}, wanted by {demand.window_end}",
            )
        ]
    return []


def _regions(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    if places_meet(delivery_places(supply), delivery_places(demand)):
        return []
    return [Refusal("region", "不在供货范围内", "The place of delivery is out of the supply's reach")]


def _certificates(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    missing = sorted(demand.required_certificates - supply.certificates)
    if not missing:
        return []
    names = ", ".join(missing)
    return [Refusal("certificates", f"缺少证书：{names}", f"Certificates are missing: {names}")]


def _attributes(supply: ListingFacts, demand: ListingFacts, today: date) -> list[Refusal]:
    properties = demand.properties or supply.properties
    refusals = []
    for attribute in sorted(set(demand.attributes) & set(supply.attributes)):
        wanted, offered = demand.attributes[attribute], supply.attributes[attribute]
        if attribute_fits(offered, wanted, properties.get(attribute, {}).get("match", "soft")):
            continue
        definition = definition_of_both(attribute, supply, demand)
        refusals.append(
            Refusal(
                f"attribute.{attribute}",
                f"{definition.get('title_zh', attribute)}：要 {value_label(wanted, definition, 'zh')}，"
                f"供 {value_label(offered, definition, 'zh')}",
                f"{definition.get('title_en', attribute)}: {value_label(wanted, definition, 'en')} wanted, "
                f"{value_label(offered, definition, 'en')} offered",
            )
        )
    return refusals


def attribute_fits(offered: object, wanted: object, rule: str) -> bool:
    """Return whether an offered value lets a pair match; rules that only rank and unstated values never refuse."""
    return rule in RANKS_ONLY or offered is None or wanted is None or meets(offered, wanted, rule)


RULES: tuple[Rule, ...] = (
    Rule("side", _sides),
    Rule("kind", _kinds),
    Rule("organisation", _organisations),
    Rule("block", _blocks),
    Rule("open", _open),
    Rule("visibility", _visible),
    Rule("family", _families),
    Rule("unit", _units),
    Rule("minimum_order", _minimum_orders),
    Rule("price", _prices),
    Rule("window", _windows),
    Rule("region", _regions),
    Rule("certificates", _certificates),
    Rule("attributes", _attributes),
)
# The rules that even a search in free text keeps: what one may see, and on which side it stands.
ACCESS_RULES = ("side", "organisation", "block", "open", "visibility")
