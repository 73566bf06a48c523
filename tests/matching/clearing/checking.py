"""Check an allocation from its files or arrays alone, as somebody who trusts nobody would: with exact decimals."""

from collections import defaultdict
from decimal import Decimal


def exact(number) -> Decimal:
    return Decimal(repr(float(number)))


def faults(market, clearing, *, pool=False) -> list[str]:  # noqa: C901, PLR0912 - one rule after the other
    """Return every rule of the market that the clearing breaks; none where it is feasible and honest."""
    worth = {
        (i, j): value
        for i, j, value in zip(
            market.pair_demand.tolist(), market.pair_supply.tolist(), market.pair_value.tolist(), strict=True
        )
    }
    given, got, served = defaultdict(Decimal), defaultdict(Decimal), defaultdict(list)
    found = []
    for each in clearing.allocations:
        quantity = exact(each.quantity)
        given[each.supply] += quantity
        got[each.demand] += quantity
        served[each.demand].append(each.supply)
        if (each.demand, each.supply) not in worth:
            found.append(f"{each} is no listed pair")
        if quantity <= 0:
            found.append(f"{each} is nothing")
        if not pool and quantity < exact(market.supply_minimum[each.supply]):
            found.append(f"{each} is below the minimum")
    for j, quantity in given.items():
        if quantity > exact(market.supply_quantity[j]):
            found.append(f"supply {j} gives {quantity}")
        if pool and quantity < exact(market.supply_minimum[j]):
            found.append(f"supply {j} gives only {quantity}")
    for i, quantity in got.items():
        if quantity > exact(market.demand_quantity[i]):
            found.append(f"demand {i} takes {quantity}")
        if len(served[i]) != len(set(served[i])):
            found.append(f"demand {i} is served twice by one supply")
        if not market.demand_splittable[i] and (len(served[i]) != 1 or quantity != exact(market.demand_quantity[i])):
            found.append(f"demand {i} is split")
    value = sum(worth.get((each.demand, each.supply), 0) * each.quantity for each in clearing.allocations)
    wanted = market.demand_quantity.sum()
    fill = sum(each.quantity for each in clearing.allocations) / wanted if wanted else 0
    if abs(value - clearing.value) > 1e-9 * max(1, value):
        found.append(f"the value is {value}, not {clearing.value}")
    if abs(fill - clearing.fill) > 1e-9:
        found.append(f"the fill is {fill}, not {clearing.fill}")
    if clearing.value > clearing.bound:
        found.append("the value is above the bound")
    return found
