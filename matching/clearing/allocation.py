"""Allocate quantities: which demand takes how much from which supply, so that the market as a whole gains most.

Prices of capacity give an upper bound and tell good pairs from bad ones. A linear programme over the good ones says what
the market would do without its lumps (minimum orders, demands that cannot be split); what it says is kept where it is
allowed, the rest is placed one by one, and neighbourhoods are emptied and filled again while time is left. Parts of the
market that are small enough are then solved as mixed-integer programmes.
"""

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from matching.clearing.exact import improve_small_parts
from matching.clearing.improvement import improve
from matching.clearing.ledger import Ledger, choices_of
from matching.clearing.market import Market
from matching.clearing.pooled import close_short
from matching.clearing.prices import DemandRows, capacity_prices
from matching.clearing.relaxation import relaxed, tightest
from matching.clearing.steps import Steps, counted

# The shares of the time after which the relaxation and the search stop.
RELAXING, SEARCHING = 0.6, 0.9
ROUNDS_PER_DEMAND = 60


@dataclass(frozen=True)
class Allocation:
    """So much from this supply to this demand; ``demand`` and ``supply`` are positions in the market."""

    demand: int
    supply: int
    quantity: float


@dataclass(frozen=True)
class Clearing:
    """What was allocated, and how good that is.

    ``fill``: allocated over demanded quantity; ``value``: sum of value x quantity; ``bound``: no allocation has a
    larger value; ``seconds``: how long it took.
    """

    fill: float
    value: float
    bound: float
    seconds: float
    allocations: list[Allocation] = field(default_factory=list)

    @property
    def gap(self) -> float:
        """Which share of the bound is not reached; at most so much could still be gained."""
        return (self.bound - self.value) / self.bound if self.bound > 0 else 0.0


def clear(market: Market, *, seconds: float = 3.0, fill_weight: float = 0.0, pool: bool = False) -> Clearing:
    """Return the best allocation found in about so many seconds.

    No supply gives and no demand takes more than its quantity, and nothing goes over a pair that is not listed. Each
    allocation is at least its supply's minimum; with ``pool`` all from one supply together are, so that several small
    demands make one order. A demand that is not splittable gets all of its quantity from one supply, or nothing.
    ``fill_weight``: what a unit counts beside its value, as a share of the largest value; value and bound leave it out.
    Time is only a limit: a market that is done earlier gives the same result each time.

    :raises MarketUnreadable: if the numbers are no market

    >>> market = Market(["s"], [10.0], [2.0], ["a", "b"], [6.0, 6.0], [True, False], [0, 1], [0, 0], [1.0, 3.0])
    >>> cleared = clear(market)
    >>> [(each.demand, each.supply, each.quantity) for each in cleared.allocations], cleared.value
    ([(0, 0, 4.0), (1, 0, 6.0)], 22.0)
    """
    started = perf_counter()

    def is_over(share: float = 1.0) -> bool:
        return perf_counter() - started > share * seconds

    market = market.checked()
    steps = counted(market)
    possible = _possible(market, pool=pool)
    pairs = [array[possible] for array in (market.pair_demand, market.pair_supply, market.pair_value)]
    rows = DemandRows(*pairs)
    bound, prices = _bound(rows, market)
    if fill_weight > 0 and len(rows.value):
        # The bound is on the value alone; what to take is decided with fill in it.
        weighed = DemandRows(pairs[0], pairs[1], pairs[2] + fill_weight * rows.value.max())
        prices = capacity_prices(weighed, market.demand_quantity, market.supply_quantity)
    else:
        weighed = rows
    quantities, implied = relaxed(
        weighed,
        market.demand_quantity,
        market.supply_quantity,
        prices,
        seconds=started + RELAXING * seconds - perf_counter(),
    )
    bound = min(bound, tightest(rows, market.demand_quantity, market.supply_quantity, prices, implied)[0])
    prices = tightest(weighed, market.demand_quantity, market.supply_quantity, prices, implied)[1]
    ledger = _ledger(market, steps, weighed, prices, pool=pool)
    _start(ledger, weighed, quantities, steps.per_unit)
    if not pool and not is_over(RELAXING):
        _start_greedily_if_better(ledger, weighed, market)
    rounds = ROUNDS_PER_DEMAND * len(rows.starts)
    improve(ledger, is_over=lambda: is_over(SEARCHING), rounds=rounds)
    parts_bound = improve_small_parts(ledger, seconds=max(0.0, started + seconds - perf_counter()))
    if fill_weight == 0 and parts_bound is not None:
        bound = min(bound, parts_bound)
    return _cleared(market, steps, ledger, rows, bound, perf_counter() - started)


def _possible(market: Market, *, pool: bool) -> np.ndarray:
    """Return which pairs (p,) could carry anything at all."""
    supply, wanted = market.pair_supply, market.demand_quantity[market.pair_demand]
    most = np.minimum(wanted, market.supply_quantity[supply])
    fits = (most > 0) & (market.demand_splittable[market.pair_demand] | (most == wanted))
    if pool:
        together = np.bincount(supply, np.where(fits, most, 0.0), len(market.supply_quantity))
        enough = np.minimum(together * (1 + 1e-12), market.supply_quantity) >= market.supply_minimum
        return fits & enough[supply]
    return fits & (most >= market.supply_minimum[supply])


def _bound(rows: DemandRows, market: Market) -> tuple[float, np.ndarray]:
    prices = capacity_prices(rows, market.demand_quantity, market.supply_quantity)
    return tightest(rows, market.demand_quantity, market.supply_quantity, prices)


def _ledger(market: Market, steps: Steps, rows: DemandRows, prices: np.ndarray, *, pool: bool) -> Ledger:
    choices = choices_of(
        len(steps.demand),
        rows.demand,
        rows.supply,
        rows.value / steps.per_unit,
        rows.value - prices[rows.supply],
    )
    return Ledger(
        steps.supply,
        steps.demand,
        steps.minimum,
        market.demand_splittable.tolist(),
        choices,
        grain=steps.grain,
        pooled=pool,
    )


def _start(ledger: Ledger, rows: DemandRows, quantities: np.ndarray, per_unit: int) -> None:
    """Take over from the relaxed allocation what is allowed, then serve one by one, large before small."""
    solved = quantities * per_unit
    found = [
        (int(rows.demand[k]), int(rows.supply[k]), float(solved[k]))
        for k in np.lexsort((rows.supply, rows.demand, -quantities)).tolist()
        if quantities[k] > 0
    ]
    by_size = sorted(range(len(ledger.choices)), key=lambda i: (-ledger.demand_left[i], i))
    # What fits in one place only goes first, where most of it went.
    for i, j, steps in found:
        if not ledger.splittable[i]:
            _give_fitting(ledger, i, j, steps)
    for i in by_size:
        if not ledger.splittable[i]:
            ledger.serve(i)
    for i, j, steps in found:
        if ledger.splittable[i]:
            _give_fitting(ledger, i, j, steps)
    for i in by_size:
        ledger.serve(i)
    if ledger.pooled_minimum is not None:
        close_short(ledger)


def _start_greedily_if_better(ledger: Ledger, rows: DemandRows, market: Market) -> None:
    """Give pair by pair, the dearest unit first or the dearest whole, and keep that where it is worth more.

    Where supply is scarce, or the relaxation found no time, the simple order can be the better beginning.
    """
    best, taken = _weight(ledger), [dict(each) for each in ledger.taken]
    most = np.minimum(market.demand_quantity[rows.demand], market.supply_quantity[rows.supply])
    for key in (rows.value, rows.value * most):
        _empty(ledger)
        order = np.lexsort((rows.supply, rows.demand, -key))
        for i, j in zip(rows.demand[order].tolist(), rows.supply[order].tolist(), strict=True):
            wanted, left = ledger.demand_left[i], ledger.supply_left[j]
            if wanted and left:
                _give_fitting(ledger, i, j, min(wanted, left))
        if _weight(ledger) > best:
            best, taken = _weight(ledger), [dict(each) for each in ledger.taken]
    _empty(ledger)
    for i, each in enumerate(taken):
        ledger.restore(i, each)


def _empty(ledger: Ledger) -> None:
    for i in range(len(ledger.choices)):
        ledger.empty(i)


def _weight(ledger: Ledger) -> float:
    return sum(ledger.weight_of(i) for i in range(len(ledger.choices)))


def _give_fitting(ledger: Ledger, i: int, j: int, steps: float) -> None:
    if fitting := ledger.fitting(i, j, steps):
        ledger.give(i, j, fitting)


def _cleared(market: Market, steps: Steps, ledger: Ledger, rows: DemandRows, bound: float, seconds: float) -> Clearing:
    allocations = [
        Allocation(i, j, steps.to_units(given) if ledger.splittable[i] else float(market.demand_quantity[i]))
        for i, j, given in ledger.allocations()
    ]
    pairs = zip(rows.demand.tolist(), rows.supply.tolist(), strict=True)
    worth = dict(zip(pairs, rows.value.tolist(), strict=True))
    value = sum(worth[each.demand, each.supply] * each.quantity for each in allocations)
    wanted = float(market.demand_quantity.sum())
    fill = sum(each.quantity for each in allocations) / wanted if wanted else 0.0
    # Both are sums of floats: where they are equal, the last digit may say otherwise.
    return Clearing(fill, value, max(bound, value), seconds, allocations)
