"""What a market is, as arrays: who offers and wants how much, and what each possible pair is worth a unit.

Pairs name positions in the arrays of supplies and demands, not ids; ids are carried for whoever reads the result, and
to break ties.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


class MarketUnreadable(ValueError):  # noqa: N818 - named for the fact
    """The numbers are no market; the message names the field, and ``row`` the first row at fault."""

    def __init__(self, field: str, message: str, row: int | None = None):
        super().__init__(f"{field}{'' if row is None else f', row {row}'}: {message}")
        self.field, self.message, self.row = field, message, row


@dataclass(frozen=True)
class Market:
    """Supplies (m), demands (n) and pairs (p).

    ``supply_quantity`` (m,), ``demand_quantity`` (n,): what is there to give and to take, in one unit.
    ``supply_minimum`` (m,): the least quantity of one allocation from this supply (its minimum order); 0: none.
    ``demand_splittable`` (n,) bool: whether several supplies may serve it together, and in part; a demand that is not
    is served whole by one supply, or not at all.
    ``pair_demand``, ``pair_supply`` (p,): positions; ``pair_value`` (p,): what one unit is worth between the two, >= 0.
    """

    supply_ids: Any
    supply_quantity: Any
    supply_minimum: Any
    demand_ids: Any
    demand_quantity: Any
    demand_splittable: Any
    pair_demand: Any
    pair_supply: Any
    pair_value: Any

    def checked(self) -> "Market":
        """Return this market with arrays of the right types, each pair once.

        A pair listed twice with one value counts once.

        :raises MarketUnreadable: if lengths disagree, a number is negative or not finite, an id or a pair's place
            does not exist or comes twice, or one pair has two values
        """
        supplies, demands = list(self.supply_ids), list(self.demand_ids)
        market = Market(
            supply_ids=_unique(supplies, "supply_ids"),
            supply_quantity=_amounts(self.supply_quantity, len(supplies), "supply_quantity"),
            supply_minimum=_amounts(self.supply_minimum, len(supplies), "supply_minimum"),
            demand_ids=_unique(demands, "demand_ids"),
            demand_quantity=_amounts(self.demand_quantity, len(demands), "demand_quantity"),
            demand_splittable=_sized(self.demand_splittable, len(demands), "demand_splittable").astype(bool),
            pair_demand=_places(self.pair_demand, len(demands), "pair_demand"),
            pair_supply=_places(self.pair_supply, len(supplies), "pair_supply"),
            pair_value=_amounts(self.pair_value, len(np.asarray(self.pair_demand)), "pair_value"),
        )
        _sized(market.pair_supply, len(market.pair_demand), "pair_supply")
        return _without_doubles(market)


def _sized(values: Any, length: int, field: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or len(array) != length:
        raise MarketUnreadable(field, f"{length} values are needed, got shape {array.shape}")
    return array


def _amounts(values: Any, length: int, field: str) -> np.ndarray:
    array = _sized(values, length, field).astype(np.float64)
    if len(wrong := np.flatnonzero(~np.isfinite(array) | (array < 0))):
        raise MarketUnreadable(field, f"{array[wrong[0]]} is not a number of 0 or more", int(wrong[0]))
    return array


def _places(values: Any, count: int, field: str) -> np.ndarray:
    array = np.asarray(values)
    if not len(array):
        return np.empty(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise MarketUnreadable(field, "whole numbers are needed")
    array = array.astype(np.int64)
    if len(wrong := np.flatnonzero((array < 0) | (array >= count))):
        raise MarketUnreadable(field, f"there is no place {array[wrong[0]]} among {count}", int(wrong[0]))
    return array


def _unique(ids: list, field: str) -> list:
    if len(set(ids)) == len(ids):
        return ids
    seen: set = set()
    row = next(row for row, each in enumerate(ids) if each in seen or seen.add(each))
    raise MarketUnreadable(field, f"{ids[row]!r} comes twice", row)


def _without_doubles(market: Market) -> Market:
    key = market.pair_demand * max(1, len(market.supply_ids)) + market.pair_supply
    order = np.argsort(key, kind="stable")
    again = np.zeros(len(key), dtype=bool)
    again[1:] = key[order][1:] == key[order][:-1]
    if not again.any():
        return market
    values = market.pair_value[order]
    if len(wrong := np.flatnonzero(again[1:] & (values[1:] != values[:-1]))):
        raise MarketUnreadable("pair_value", "the same pair has another value before", int(order[wrong[0] + 1]))
    kept = np.sort(order[~again])
    return Market(
        **{
            **market.__dict__,
            "pair_demand": market.pair_demand[kept],
            "pair_supply": market.pair_supply[kept],
            "pair_value": market.pair_value[kept],
        }
    )
