"""Markets to try clearing on."""

import numpy as np

from matching.clearing.market import Market


def market(*, supply, demand, pairs, minimum=None, splittable=None) -> Market:
    return Market(
        supply_ids=[f"s{j}" for j in range(len(supply))],
        supply_quantity=supply,
        supply_minimum=minimum or [0] * len(supply),
        demand_ids=[f"d{i}" for i in range(len(demand))],
        demand_quantity=demand,
        demand_splittable=[True] * len(demand) if splittable is None else splittable,
        pair_demand=[i for i, _, _ in pairs],
        pair_supply=[j for _, j, _ in pairs],
        pair_value=[value for _, _, value in pairs],
    )


def random_market(seed: int) -> Market:
    """Return a small market, often a nasty one: minimums near or above the quantity, nothing splittable, equal values,
    scarcity, no pairs, quantities of 1e9 or 1e-3, with few decimals or all that floats have."""
    rng = np.random.default_rng(seed)
    demands, supplies = int(rng.integers(0, 12)), int(rng.integers(0, 12))
    size = 10.0 ** rng.integers(-3, 10) if rng.random() < 0.3 else 10.0
    decimals = int(rng.choice([0, 1, 3, 6, 17]))
    supply = np.round(rng.lognormal(1, 1, supplies) * size * (rng.random() > 0.1), min(decimals, 15))
    demand = rng.lognormal(1, 1, demands) * size * rng.choice([0.2, 1, 3])
    demand = demand if decimals == 17 else np.round(demand, decimals)
    minimum = supply * rng.choice([0, 0.1, 0.5, 1, 1.2]) * (rng.random(supplies) if rng.random() < 0.5 else 1)
    listed = rng.random((demands, supplies)) < rng.choice([0, 0.1, 0.3, 1])
    demand_of, supply_of = np.nonzero(listed)
    value = rng.random(len(demand_of)).round(3)
    if rng.random() < 0.2:
        value = np.full(len(value), float(rng.choice([0, 1])))
    return Market(
        supply_ids=[f"s{j}" for j in range(supplies)],
        supply_quantity=supply,
        supply_minimum=minimum if decimals == 17 else np.round(minimum, decimals),
        demand_ids=[f"d{i}" for i in range(demands)],
        demand_quantity=demand,
        demand_splittable=rng.random(demands) < rng.choice([0, 0.5, 1]),
        pair_demand=demand_of,
        pair_supply=supply_of,
        pair_value=value,
    ).checked()
