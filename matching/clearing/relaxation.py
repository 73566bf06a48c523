"""The market without its lumps: a linear programme, whose value no allocation can pass."""

from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from matching.clearing.prices import DemandRows, upper_bound

# At good prices an optimum uses pairs of (nearly) no slack: so many for each demand and supply, and at least its best.
KEPT, LEAST = 3, 2


def relaxed(
    rows: DemandRows,
    demand_quantity: np.ndarray,
    supply_quantity: np.ndarray,
    prices: np.ndarray,
    *,
    seconds: float,
    kept_each: float = KEPT,
) -> tuple[np.ndarray, np.ndarray]:
    """Return quantities (p,) of a (nearly) optimal allocation without minimums, and the prices (m,) it implies.

    Only pairs that are good at the given prices take part, so the result is feasible, and the bound at the new prices
    is one for all pairs. Solved by HiGHS; zeros and the given prices where it finds nothing in time.
    """
    quantities = np.zeros(len(rows.value))
    if not len(rows.value):
        return quantities, prices
    reduced = rows.value - prices[rows.supply]
    slack = np.maximum(np.maximum.reduceat(reduced, rows.starts), 0.0)[rows.row] - reduced
    most = min(len(slack), int(kept_each * (len(rows.starts) + len(prices))))
    kept = np.flatnonzero(
        (
            (slack <= np.partition(slack, most - 1)[most - 1])
            | (_place(rows.row, slack, rows.supply) < LEAST)
            | (_place(rows.supply, slack, rows.row) < LEAST)
        )
        & (rows.value > 0)
    )
    if not len(kept):
        return quantities, prices
    demands, demand = np.unique(rows.demand[kept], return_inverse=True)
    supplies, supply = np.unique(rows.supply[kept], return_inverse=True)
    columns = np.stack([demand, len(demands) + supply], axis=1).ravel()
    matrix = sparse.csc_array(
        (np.ones(2 * len(kept)), columns, np.arange(0, 2 * len(kept) + 1, 2)),
        shape=(len(demands) + len(supplies), len(kept)),
    )
    limits = np.concatenate([demand_quantity[demands], supply_quantity[supplies]])
    # Quantities of 1e9 beside 1e-3 and values in any currency: HiGHS wants numbers near 1.
    scale = max(limits.max(), np.finfo(float).tiny)
    worth = rows.value[kept] / rows.value[kept].max()
    found = linprog(
        -worth, A_ub=matrix, b_ub=limits / scale, method="highs-ipm", options={"time_limit": max(seconds, 0.01)}
    )
    if found.x is None:
        return quantities, prices
    quantities[kept] = np.maximum(found.x, 0.0) * scale
    implied = np.zeros(len(prices))
    implied[supplies] = np.maximum(-found.ineqlin.marginals[len(demands) :], 0.0) * rows.value[kept].max()
    return quantities, implied


def tightest(
    rows: DemandRows, demand_quantity: np.ndarray, supply_quantity: np.ndarray, *candidates: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the least upper bound at these prices or between two of them, and the prices it holds at."""
    tried = list(candidates)
    for one, other in pairwise(candidates):
        tried += [one + share * (other - one) for share in (0.25, 0.5, 0.75)]
    bounds = [upper_bound(rows, demand_quantity, supply_quantity, prices) for prices in tried]
    best = int(np.argmin(bounds))
    return bounds[best], tried[best]


def _place(group: np.ndarray, key: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Return each one's place within its group by rising key, from 0."""
    order = np.lexsort((tie, key, group))
    sizes = np.bincount(group)
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(group), dtype=np.int64)
    place[order] = np.arange(len(group)) - starts[group[order]]
    return place
