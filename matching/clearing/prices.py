"""What a unit of each supply's capacity is worth while demand presses on it: prices that spread demand by capacity."""

import numpy as np

# The temperature, as a share of the largest value: from where crowds are soft to where a choice is nearly sharp.
HOT, COLD, COOLING = 0.2, 0.004, 0.93


class DemandRows:
    """Pairs in the order of their demands, for sums and maxima by demand; demands without a pair are left out.

    ``demand``, ``supply``, ``value`` (p,) are sorted by demand; ``order`` says which pair of the caller each is.
    """

    def __init__(self, demand: np.ndarray, supply: np.ndarray, value: np.ndarray):
        in_order = np.all((np.diff(demand) > 0) | ((np.diff(demand) == 0) & (np.diff(supply) > 0)))
        self.order = np.arange(len(demand)) if in_order else np.lexsort((supply, demand))
        self.demand, self.supply, self.value = demand[self.order], supply[self.order], value[self.order]
        self.present, self.starts = np.unique(self.demand, return_index=True)
        self.row = np.repeat(np.arange(len(self.starts)), np.diff(np.append(self.starts, len(self.demand))))


def capacity_prices(
    rows: DemandRows,
    demand_quantity: np.ndarray,
    supply_quantity: np.ndarray,
    *,
    rounds: int = 100,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Return the price (m,) of a unit of each supply, in the unit of the values.

    Each demand spreads its quantity over its pairs by ``exp((value - price) / temperature)``, beside staying unserved
    at 0; the price of a supply moves by ``temperature * log(load / quantity)`` and never below 0: Sinkhorn's step for
    the entropic transport problem with capacities (Cuturi, 2013; Chizat et al., 2018), while the temperature falls;
    it begins low where prices to ``start`` from are given.

    >>> rows = DemandRows(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.8, 0.7]))
    >>> capacity_prices(rows, np.array([5.0, 5.0]), np.array([5.0, 5.0])).round(1).tolist()
    [0.3, 0.0]
    """
    prices = np.zeros(len(supply_quantity)) if start is None else start
    if not len(rows.value) or not rows.value.max() > 0:
        return prices
    wanted = demand_quantity[rows.present]
    capacity = np.maximum(supply_quantity, np.finfo(float).tiny)
    highest = rows.value.max()
    warm = 0 if start is None else rounds // 2
    for each in range(warm, rounds):
        temperature = highest * max(HOT * COOLING**each, COLD)
        scaled = (rows.value - prices[rows.supply]) / temperature
        top = np.maximum(np.maximum.reduceat(scaled, rows.starts), 0.0)
        weight = np.exp(scaled - top[rows.row])
        share = wanted / (np.add.reduceat(weight, rows.starts) + np.exp(-top))
        load = np.bincount(rows.supply, weight * share[rows.row], len(prices))
        with np.errstate(divide="ignore"):
            prices = np.clip(prices + temperature * np.log(load / capacity), 0.0, highest)
    return prices


def upper_bound(
    rows: DemandRows, demand_quantity: np.ndarray, supply_quantity: np.ndarray, prices: np.ndarray
) -> float:
    """Return what no allocation can be worth more than: the dual value at these prices (weak duality, any prices >= 0).

    ``sum_j quantity_j price_j + sum_i quantity_i max(0, max_j (value_ij - price_j))``
    """
    total = float(supply_quantity @ prices)
    if len(rows.value):
        best = np.maximum.reduceat(rows.value - prices[rows.supply], rows.starts)
        total += float(demand_quantity[rows.present] @ np.maximum(best, 0.0))
    return total
