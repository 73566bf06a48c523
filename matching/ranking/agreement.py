"""Whether a supply's attributes meet a demand's, one attribute at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

from matching.ranking.facts import ListingFacts

# Rules that only rank: what does not fit is no obstacle. Of two, a limit is still better kept than missed.
RANKS_ONLY = frozenset({"soft", "rather_more", "rather_less"})


@dataclass(frozen=True, slots=True)
class Agreement:
    """One attribute that the demand states; ``is_met`` is None where the supply does not say."""

    attribute: str
    wanted: object
    offered: object
    rule: str
    is_met: bool | None


def attribute_agreements(supply: ListingFacts, demand: ListingFacts) -> list[Agreement]:
    """Compare every attribute the demand states with what the supply says, in the order of their names."""
    properties = demand.properties or supply.properties
    agreements = []
    for attribute in sorted(demand.attributes):
        wanted, offered = demand.attributes[attribute], supply.attributes.get(attribute)
        rule = properties.get(attribute, {}).get("match", "soft")
        is_met = None if offered is None or wanted is None else meets(offered, wanted, rule)
        agreements.append(Agreement(attribute, wanted, offered, rule, is_met))
    return agreements


def meets(offered: object, wanted: object, rule: str) -> bool:
    """Say whether an offered value meets a wanted one by the rule of its attribute.

    ``equal`` and ``soft`` compare values (of lists: one in common), ``at_least`` and ``at_most`` numbers,
    ``rather_more`` and ``rather_less`` compare as these do; ``overlap`` ranges given as {"min": …, "max": …}, [min, max] or a single number.

    >>> meets(25, 16, "at_least"), meets([10, 20], [18, 30], "overlap"), meets("ss304", ["ss304", "ss316l"], "equal")
    (True, True, True)
    """
    if rule == "overlap" or _is_range(offered) or _is_range(wanted):
        low, high = bounds(offered), bounds(wanted)
        if low is not None and high is not None:
            return low[0] <= high[1] and high[0] <= low[1]
    if _is_number(offered) and _is_number(wanted):
        if rule in {"at_least", "rather_more"}:
            return offered >= wanted
        if rule in {"at_most", "rather_less"}:
            return offered <= wanted
    return bool(_values(offered) & _values(wanted))


def bounds(value: object) -> tuple[float, float] | None:
    """Return the lowest and highest number a value stands for, or None if it is no number or range of numbers."""
    if _is_number(value):
        return float(value), float(value)
    if isinstance(value, Mapping):
        low, high = value.get("min"), value.get("max")
    elif isinstance(value, (list, tuple)) and len(value) == 2:
        low, high = value
    else:
        return None
    if not all(end is None or _is_number(end) for end in (low, high)) or (low is None and high is None):
        return None
    return (float("-inf") if low is None else float(low), float("inf") if high is None else float(high))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_range(value: object) -> bool:
    return isinstance(value, Mapping) and bool({"min", "max"} & set(value))


def _values(value: object) -> set:
    if isinstance(value, (list, tuple)):
        return {_comparable(item) for item in value}
    return {_comparable(value)}


def _comparable(value: object) -> object:
    return float(value) if _is_number(value) else str(value).casefold()
