"""Count quantities in whole steps of the last decimal used, so that sums are exact and nothing is given twice."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from matching.clearing.market import Market

# More decimals than floats hold; what is still finer is rounded to the safe side.
MOST_DECIMALS = 30
# What a solver finds is rounded down to this; remainders are exact.
SOLVED_DECIMALS = 6


@dataclass(frozen=True)
class Steps:
    """A market's quantities in steps, ``per_unit`` of them to a unit; a solver's results are taken in ``grains``."""

    per_unit: int
    grain: int
    supply: list[int]
    demand: list[int]
    minimum: list[int]

    def to_units(self, steps: int) -> float:
        """Return so many steps as a float that, written as a decimal, is never more than they are.

        >>> Steps(10, 1, [], [], []).to_units(3)
        0.3
        """
        units = steps / self.per_unit
        exact = Decimal(repr(units)) * self.per_unit
        return units if exact <= steps else math.nextafter(units, 0.0)


def counted(market: Market) -> Steps:
    """Return the market's quantities in steps; what may be given is never rounded up, what is asked for never down."""
    supply, demand, minimum = (
        [Decimal(repr(float(each))) for each in quantities]
        for quantities in (market.supply_quantity, market.demand_quantity, market.supply_minimum)
    )
    decimals = min(MOST_DECIMALS, max(map(_decimals, (*supply, *demand, *minimum)), default=0))
    per_unit = 10**decimals
    whole = (not splittable for splittable in market.demand_splittable.tolist())
    return Steps(
        per_unit=per_unit,
        grain=10 ** max(0, decimals - SOLVED_DECIMALS),
        supply=_down(supply, per_unit),
        demand=[
            _up(d, per_unit) if all_of_it else int(d * per_unit) for d, all_of_it in zip(demand, whole, strict=True)
        ],
        minimum=[_up(each, per_unit) for each in minimum],
    )


def _decimals(number: Decimal) -> int:
    return max(0, -number.normalize().as_tuple().exponent)


def _down(numbers: Iterable[Decimal], per_unit: int) -> list[int]:
    return [int(number * per_unit) for number in numbers]


def _up(number: Decimal, per_unit: int) -> int:
    return math.ceil(number * per_unit)
