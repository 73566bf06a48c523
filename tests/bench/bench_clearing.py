"""Measure lists that mind capacity, and the solver beside greedy allocation and a full mixed-integer programme.

    .venv/bin/python -m tests.bench.bench_clearing

Simulated markets: lognormal quantities of equal total, relevance that is part common opinion (popularity). First part:
what the best 50 of each demand can fill, by the linear programme. Second part: markets with lumps, everybody's gap to the
same upper bound. Third part: properties on many small markets.
"""

import argparse
import sys
import time

import numpy as np

from matching.clearing.allocation import clear
from matching.clearing.exact import improve_small_parts
from matching.clearing.figures import mean_relevance, share_shown
from matching.clearing.ledger import Ledger, choices_of
from matching.clearing.lists import CandidateLists, candidate_lists
from matching.clearing.market import Market
from matching.clearing.simulation import Crowd, crowd
from matching.clearing.steps import counted
from tests.matching.clearing.checking import faults
from tests.matching.clearing.markets import random_market

LISTED = 50
LUMPS = {
    "few lumps": {},
    "all splittable, no minimum": {"splittable": 1.0, "minimum": 0.0},
    "nothing splittable": {"splittable": 0.0},
    "minimums up to half": {"minimum": 0.5},
    "minimums up to all": {"minimum": 1.0},
    "half the supply": {"supply": 0.5},
    "all values equal": {"equal": True},
}


def market_of(lists: CandidateLists, crowded: Crowd) -> Market:
    supplies, demands = len(crowded.supply_quantity), len(crowded.demand_quantity)
    return Market(
        supply_ids=range(supplies),
        supply_quantity=crowded.supply_quantity,
        supply_minimum=np.zeros(supplies),
        demand_ids=range(demands),
        demand_quantity=crowded.demand_quantity,
        demand_splittable=np.ones(demands, dtype=bool),
        pair_demand=lists.demand,
        pair_supply=lists.supply,
        pair_value=lists.relevance,
    )


def lumpy_market(
    size: int, *, seed: int, splittable: float = 0.7, minimum: float = 0.1, supply: float = 1.0, equal: bool = False
) -> Market:
    """Return a market of ``size`` on both sides with 50 random pairs for each demand, and lumps."""
    rng = np.random.default_rng(seed)
    crowded = crowd(size, size, popularity=0.5, random_state=seed)
    supplies = np.argsort(rng.random((size, size), dtype=np.float32), axis=1)[:, :LISTED]
    demand = np.repeat(np.arange(size), supplies.shape[1])
    value = crowded.relevance[demand, supplies.ravel()].round(4)
    quantity = (crowded.supply_quantity * supply).round(3)
    return Market(
        supply_ids=range(size),
        supply_quantity=quantity,
        supply_minimum=(quantity * minimum * rng.random(size)).round(3),
        demand_ids=range(size),
        demand_quantity=crowded.demand_quantity,
        demand_splittable=rng.random(size) < splittable,
        pair_demand=demand,
        pair_supply=supplies.ravel(),
        pair_value=np.ones(len(value)) if equal else value,
    )


def ledger_of(market: Market, key: np.ndarray) -> Ledger:
    steps = counted(market)
    choices = choices_of(
        len(steps.demand), market.pair_demand, market.pair_supply, market.pair_value / steps.per_unit, key
    )
    return Ledger(
        steps.supply, steps.demand, steps.minimum, market.demand_splittable.tolist(), choices, grain=steps.grain
    )


def greedy(market: Market, *, by_density: bool) -> float:
    """Return the value of giving what fits, pair by pair: by value of a unit, or of the whole a pair could carry."""
    ledger = ledger_of(market, market.pair_value)
    most = np.minimum(market.demand_quantity[market.pair_demand], market.supply_quantity[market.pair_supply])
    key = market.pair_value if by_density else market.pair_value * most
    for k in np.lexsort((market.pair_supply, market.pair_demand, -key)).tolist():
        i, j = int(market.pair_demand[k]), int(market.pair_supply[k])
        wanted = float(min(ledger.demand_left[i], ledger.supply_left[j]))
        if fitting := ledger.fitting(i, j, wanted):
            ledger.give(i, j, fitting)
    return sum(ledger.weight_of(i) for i in range(len(ledger.choices)))


def bench_lists(size: int, popularity: float, seconds: float) -> None:
    crowded = crowd(size, size, popularity=popularity, random_state=0)
    prices = None
    for dial in (0.0, 0.5, 0.9, 1.0):
        started = time.perf_counter()
        lists = candidate_lists(
            crowded.relevance, crowded.supply_quantity, crowded.demand_quantity, length=LISTED, dial=dial, prices=prices
        )
        listing = time.perf_counter() - started
        prices = lists.prices if dial else None
        cleared = clear(market_of(lists, crowded), seconds=seconds)
        line(
            f"{size} x {size}, popularity {popularity}, dial {dial}",
            f"{100 * cleared.fill:.1f} %",
            f"{100 * share_shown(lists, size):.1f} %",
            f"{mean_relevance(lists):.3f}",
            f"{listing:.2f}",
            f"{cleared.seconds:.2f}",
            f"{100 * cleared.gap:.2f} %",
        )


def bench_solver(size: int, seconds: float, exact_seconds: float) -> None:
    for name, lumps in LUMPS.items():
        market = lumpy_market(size, seed=0, **lumps).checked()
        cleared = clear(market, seconds=seconds)
        wrong = faults(market, cleared)
        bound = cleared.bound
        cells = [f"{100 * cleared.fill:.1f} %", f"{100 * cleared.gap:.2f} %", f"{cleared.seconds:.2f}", len(wrong)]
        cells += [f"{100 * (1 - greedy(market, by_density=density) / bound):.2f} %" for density in (True, False)]
        if exact_seconds:
            ledger = ledger_of(market, market.pair_value)
            improve_small_parts(ledger, seconds=exact_seconds, most_pairs=len(market.pair_value))
            value = sum(ledger.weight_of(i) for i in range(len(ledger.choices)))
            cells.append(f"{100 * (1 - value / bound):.2f} %")
        line(f"{size} x {size}, {name}", *cells)


def bench_properties(count: int) -> None:
    started = time.perf_counter()
    broken, gaps = 0, []
    for seed in range(count):
        market = random_market(seed)
        cleared = clear(market, seconds=5)
        broken += bool(faults(market, cleared))
        gaps.append(cleared.gap)
    print(  # noqa: T201
        f"{count} small markets: {broken} break a rule; gap mean {100 * np.mean(gaps):.5f} %, most "
        f"{100 * np.max(gaps):.4f} %; {time.perf_counter() - started:.0f} s"
    )


def line(*cells: object) -> None:
    print(f"{cells[0]!s:46}" + "".join(f"{cell:>13}" for cell in cells[1:]), flush=True)  # noqa: T201


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.5, help="what the solver is given")
    parser.add_argument("--exact", type=float, default=60.0, help="what the full programme is given; 0: skip it")
    parser.add_argument("--markets", type=int, default=10_000, help="small markets for the properties")
    parser.add_argument("--large", type=int, default=5000, help="size of the large market; 0: skip it")
    options = parser.parse_args(arguments)
    line("lists of 50", "fill", "shown", "relevance", "list s", "clear s", "gap")
    for popularity in (0.5, 0.8):
        bench_lists(2000, popularity, options.seconds)
    if options.large:
        bench_lists(options.large, 0.5, 2 * options.seconds)
    columns = ["fill", "gap", "seconds", "faults", "greedy unit", "greedy whole"]
    line("solver: gaps to one bound", *columns, *(["MIP"] if options.exact else []))
    bench_solver(2000, options.seconds, options.exact)
    bench_properties(options.markets)


if __name__ == "__main__":
    main(sys.argv[1:])
