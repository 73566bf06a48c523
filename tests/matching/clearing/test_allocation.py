import numpy as np
import pytest

from matching.clearing.allocation import Allocation, clear
from matching.clearing.market import Market, MarketUnreadable
from tests.matching.clearing.checking import faults
from tests.matching.clearing.markets import market, random_market


def test_clear_takes_the_best_pairs_within_quantities():
    two = market(supply=[5, 5], demand=[5, 5], pairs=[(0, 0, 3.0), (0, 1, 2.0), (1, 0, 2.5), (1, 1, 0.5)])

    cleared = clear(two)

    # Both prefer the first supply; together they gain most if the first yields.
    assert cleared.allocations == [Allocation(0, 1, 5.0), Allocation(1, 0, 5.0)]
    assert (cleared.fill, cleared.value) == (1.0, 22.5)
    assert cleared.bound == pytest.approx(22.5)


def test_clear_splits_a_demand_over_several_supplies():
    cleared = clear(market(supply=[3, 4], demand=[10], pairs=[(0, 0, 1.0), (0, 1, 2.0)]))

    assert cleared.allocations == [Allocation(0, 0, 3.0), Allocation(0, 1, 4.0)]
    assert cleared.fill == 0.7


def test_clear_serves_a_demand_that_is_not_splittable_whole_or_not_at_all():
    pairs = [(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0)]

    cleared = clear(market(supply=[3, 4], demand=[5, 3], splittable=[False, False], pairs=pairs))

    assert cleared.allocations == [Allocation(1, 0, 3.0)]


def test_clear_gives_no_less_than_the_minimum_to_one():
    cleared = clear(market(supply=[10], minimum=[4], demand=[3, 5], pairs=[(0, 0, 9.0), (1, 0, 1.0)]))

    assert cleared.allocations == [Allocation(1, 0, 5.0)]


def test_clear_pools_demands_below_the_minimum_into_one_order():
    small = market(supply=[10, 2], minimum=[7, 0], demand=[3, 4, 1], pairs=[(0, 0, 2), (1, 0, 2), (0, 1, 1), (2, 1, 1)])

    alone, together = clear(small), clear(small, pool=True)

    assert alone.value == 2.0
    assert together.allocations == [Allocation(0, 0, 3.0), Allocation(1, 0, 4.0), Allocation(2, 1, 1.0)]
    assert faults(small.checked(), together, pool=True) == []


def test_clear_opens_no_pooled_order_that_stays_below_the_minimum():
    cleared = clear(market(supply=[10], minimum=[8], demand=[3, 4], pairs=[(0, 0, 2), (1, 0, 2)]), pool=True)

    assert cleared.allocations == []


def test_clear_weighs_fill_beside_value_as_asked():
    # Who takes the scarce supply whole can fill more; who pays more wants less of it.
    chosen = market(supply=[10], demand=[4, 10], splittable=[False, False], pairs=[(0, 0, 3.0), (1, 0, 1.0)])

    assert [each.demand for each in clear(chosen).allocations] == [0]
    assert [each.demand for each in clear(chosen, fill_weight=1.0).allocations] == [1]
    assert clear(chosen, fill_weight=1.0).value == 10.0


def test_clear_gives_values_of_nothing_too_since_they_fill():
    assert clear(market(supply=[5], demand=[3], pairs=[(0, 0, 0.0)])).fill == 1.0


@pytest.mark.parametrize("size", [0.001, 1e9, 20.085536923187668])
def test_clear_keeps_quantities_exactly(size):
    thirds = market(supply=[size], minimum=[size], demand=[size], splittable=[False], pairs=[(0, 0, 0.1)])

    assert clear(thirds).allocations == [Allocation(0, 0, size)]


def test_clear_of_nothing_is_nothing():
    for empty in (market(supply=[], demand=[], pairs=[]), market(supply=[1], demand=[1], pairs=[])):
        cleared = clear(empty)

        assert (cleared.fill, cleared.value, cleared.bound, cleared.allocations) == (0.0, 0.0, 0.0, [])


@pytest.mark.parametrize("seed", range(200))
def test_clear_is_feasible_and_nearly_the_best_on_small_markets(seed):
    small = random_market(seed)

    cleared = clear(small, seconds=5)

    assert faults(small, cleared) == []
    assert cleared.gap < 1e-4


@pytest.mark.parametrize("seed", range(0, 200, 8))
def test_clear_pools_feasibly(seed):
    small = random_market(seed)

    pooled = clear(small, seconds=5, pool=True)

    assert faults(small, pooled, pool=True) == []


@pytest.mark.parametrize("seed", range(0, 200, 20))
def test_clear_gives_the_same_value_however_the_input_is_ordered(seed):
    small = random_market(seed)
    rng = np.random.default_rng(seed)
    supplies, demands, pairs = (
        rng.permutation(len(each)) for each in (small.supply_ids, small.demand_ids, small.pair_value)
    )
    shuffled = Market(
        supply_ids=[small.supply_ids[j] for j in supplies],
        supply_quantity=small.supply_quantity[supplies],
        supply_minimum=small.supply_minimum[supplies],
        demand_ids=[small.demand_ids[i] for i in demands],
        demand_quantity=small.demand_quantity[demands],
        demand_splittable=small.demand_splittable[demands],
        pair_demand=np.argsort(demands)[small.pair_demand[pairs]],
        pair_supply=np.argsort(supplies)[small.pair_supply[pairs]],
        pair_value=small.pair_value[pairs],
    )

    # Both are within the gap at which the programme stops.
    assert clear(shuffled).value == pytest.approx(clear(small).value, rel=1e-4)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"supply_quantity": [-1.0]}, "supply_quantity"),
        ({"supply_quantity": [1.0, 2.0]}, "supply_quantity"),
        ({"supply_minimum": [float("nan")]}, "supply_minimum"),
        ({"demand_quantity": [float("inf")]}, "demand_quantity"),
        ({"demand_splittable": []}, "demand_splittable"),
        ({"pair_supply": [1]}, "pair_supply"),
        ({"pair_demand": [-1]}, "pair_demand"),
        ({"pair_value": [-0.5]}, "pair_value"),
        ({"supply_ids": ["a", "a"], "supply_quantity": [1, 1], "supply_minimum": [0, 0]}, "supply_ids"),
        ({"pair_demand": [0, 0], "pair_supply": [0, 0], "pair_value": [1.0, 2.0]}, "pair_value"),
    ],
)
def test_clear_refuses_what_is_no_market_and_names_the_field(changed, field):
    good = market(supply=[1], demand=[1], pairs=[(0, 0, 1.0)])

    with pytest.raises(MarketUnreadable) as caught:
        clear(Market(**{**good.__dict__, **changed}))

    assert caught.value.field == field


def test_a_pair_listed_twice_with_one_value_counts_once():
    cleared = clear(market(supply=[1], demand=[5], pairs=[(0, 0, 1.0), (0, 0, 1.0)]))

    assert cleared.allocations == [Allocation(0, 0, 1.0)]
