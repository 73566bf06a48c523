"""Who takes how much from whom, kept so that no rule can be broken on the way."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

import numpy as np


class Ledger:
    """Allocations in whole steps over the possible pairs; what is left of each supply and demand is always known.

    ``choices[i]``: the supplies of demand i with the weight of a step, in the order in which they are to be tried.
    ``minimum[j]``: the least of one allocation from supply j, or, where orders are ``pooled``, of all together: then a
    supply may lack on the way what `is_short` tells of, and a ``closed`` one is given from no more.
    """

    def __init__(
        self,
        supply: Sequence[int],
        demand: Sequence[int],
        minimum: Sequence[int],
        splittable: Sequence[bool],
        choices: list[list[tuple[int, float]]],
        *,
        grain: int = 1,
        pooled: bool = False,
    ):
        self.supply_left = list(supply)
        self.demand_left = list(demand)
        self.splittable, self.choices = list(splittable), choices
        self.minimum = [0] * len(self.supply_left) if pooled else list(minimum)
        self.pooled_minimum = list(minimum) if pooled else None
        self.quantity = list(supply)
        self.closed: set[int] = set()
        self.grain = grain
        self.taken: list[dict[int, int]] = [{} for _ in self.demand_left]
        self.takers: list[set[int]] = [set() for _ in self.supply_left]

    def give(self, i: int, j: int, steps: int) -> None:
        self.supply_left[j] -= steps
        self.demand_left[i] -= steps
        self.taken[i][j] = self.taken[i].get(j, 0) + steps
        self.takers[j].add(i)

    def take_back(self, i: int, j: int) -> int:
        steps = self.taken[i].pop(j)
        self.supply_left[j] += steps
        self.demand_left[i] += steps
        self.takers[j].discard(i)
        return steps

    def empty(self, i: int) -> None:
        for j in list(self.taken[i]):
            self.take_back(i, j)

    def restore(self, i: int, taken: dict[int, int]) -> None:
        """Give demand i just what it had; what others got meanwhile must have been taken back before."""
        for j, steps in taken.items():
            self.give(i, j, steps)

    def is_short(self, j: int) -> bool:
        """Return whether supply j gives something, and together less than its minimum order."""
        given = self.quantity[j] - self.supply_left[j]
        return self.pooled_minimum is not None and 0 < given < self.pooled_minimum[j]

    def fitting(self, i: int, j: int, solved: float) -> int:
        """Return how much of what a solver found for this pair may be given now: 0 if it breaks a rule."""
        most = min(self.demand_left[i], self.supply_left[j])
        if not self.splittable[i]:
            return most if most == self.demand_left[i] and 2 * solved > most >= self.minimum[j] else 0
        # A thousandth of a grain more is rounding, and so is what the whole lacks by a millionth.
        steps = most if solved >= most * (1 - 1e-6) else int(solved / self.grain + 1e-3) * self.grain
        return min(steps, most) if min(steps, most) >= max(1, self.minimum[j]) else 0

    def weight_of(self, i: int) -> float:
        return sum(weight * self.taken[i].get(j, 0) for j, weight in self.choices[i])

    def serve(self, i: int, skipped: AbstractSet[int] = frozenset()) -> float:
        """Give demand i what is left, from its choices in their order; return the weight gained."""
        gained = 0.0
        wanted = self.demand_left[i]
        if wanted <= 0:
            return 0.0
        left, minimum, taken, skipped = self.supply_left, self.minimum, self.taken[i], self.closed | skipped
        if not self.splittable[i]:
            for j, weight in self.choices[i]:
                if left[j] >= wanted >= minimum[j] and j not in skipped:
                    self.give(i, j, wanted)
                    return weight * wanted
            return 0.0
        for j, weight in self.choices[i]:
            steps = min(wanted, left[j])
            if steps > 0 and (steps >= minimum[j] or j in taken) and j not in skipped:
                self.give(i, j, steps)
                gained += weight * steps
                wanted -= steps
                if not wanted:
                    break
        return gained

    def allocations(self) -> Iterable[tuple[int, int, int]]:
        """Yield demand, supply and steps, in the order of demands and then of supplies."""
        for i, taken in enumerate(self.taken):
            for j in sorted(taken):
                yield i, j, taken[j]


def choices_of(demands: int, demand: np.ndarray, supply: np.ndarray, weight: np.ndarray, key: np.ndarray) -> list[list]:
    """Return for each demand its (supply, weight), those of the largest key first, ties to the smaller supply."""
    order = np.lexsort((supply, -key, demand))
    pairs = list(zip(supply[order].tolist(), weight[order].tolist(), strict=True))
    ends = [0, *np.searchsorted(demand[order], np.arange(demands), side="right").tolist()]
    return [pairs[start:end] for start, end in pairwise(ends)]
