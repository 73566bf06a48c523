import numpy as np
import pytest
from scipy import sparse

from matching.clearing.allocation import clear
from matching.clearing.figures import exposure, exposure_by_group, mean_relevance, share_shown
from matching.clearing.lists import candidate_lists
from matching.clearing.simulation import crowd
from tests.bench.bench_clearing import market_of


def lists_of(crowded, **options):
    return candidate_lists(crowded.relevance, crowded.supply_quantity, crowded.demand_quantity, **options)


def test_candidate_lists_at_0_are_those_of_relevance_alone():
    crowded = crowd(20, 30, popularity=0.5, random_state=0)

    lists = lists_of(crowded, length=5, dial=0.0)

    wanted = np.argsort(-crowded.relevance, axis=1, kind="stable")[:, :5]
    assert lists.demand.tolist() == np.repeat(np.arange(20), 5).tolist()
    assert lists.supply.tolist() == wanted.ravel().tolist()
    assert not lists.prices.any()


def test_candidate_lists_break_ties_by_position():
    assert candidate_lists(np.ones((1, 4)), np.ones(4), np.ones(1), length=2).supply.tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_candidate_lists_at_1_fill_far_more_and_show_more(seed):
    crowded = crowd(300, 300, popularity=0.5, random_state=seed)

    relevant, priced = (lists_of(crowded, length=15, dial=dial) for dial in (0.0, 1.0))

    fills = [clear(market_of(lists, crowded), seconds=1.5).fill for lists in (relevant, priced)]
    assert fills[1] > 0.85
    assert fills[1] > 2 * fills[0]
    assert share_shown(priced, 300) > 2 * share_shown(relevant, 300)
    assert mean_relevance(priced) < mean_relevance(relevant)


def test_candidate_lists_turn_the_dial_at_once_with_prices_from_before():
    crowded = crowd(50, 50, popularity=0.5, random_state=0)
    first = lists_of(crowded, length=5, dial=1.0)

    again = lists_of(crowded, length=5, dial=1.0, prices=first.prices)

    assert again.supply.tolist() == first.supply.tolist()


def test_candidate_lists_of_sparse_candidates_equal_the_dense_ones():
    crowded = crowd(40, 40, popularity=0.5, random_state=0)
    thin = sparse.csr_array(crowded.relevance)

    lists = candidate_lists(thin, crowded.supply_quantity, crowded.demand_quantity, length=5, dial=0.7)

    assert lists.supply.tolist() == lists_of(crowded, length=5, dial=0.7).supply.tolist()


def test_candidate_lists_show_protected_supplies_to_as_many_as_the_floor_asks():
    crowded = crowd(60, 60, popularity=0.8, random_state=0)
    # The least liked are the new ones.
    protected = np.arange(60) >= 50

    before, after = (
        lists_of(crowded, length=10, protected=protected, fairness=fairness, floor=1.0) for fairness in (0.0, 1.0)
    )

    assert exposure(before, 60)[protected].max() == 0
    assert exposure(after, 60)[protected].min() >= 10
    assert exposure_by_group(after, np.where(protected, "new", "old"))["new"] >= 10


def test_candidate_lists_lift_nobody_who_is_shown_enough():
    crowded = crowd(30, 30, popularity=0.5, random_state=0)
    protected = np.zeros(30, dtype=bool)
    protected[0] = True

    before, after = (lists_of(crowded, length=10, protected=protected, fairness=fairness) for fairness in (0.0, 1.0))

    assert after.supply.tolist() == before.supply.tolist()


@pytest.mark.parametrize("wrong", [{"dial": 1.1}, {"dial": -0.1}, {"fairness": 2}])
def test_candidate_lists_refuse_a_dial_beyond_its_range(wrong):
    with pytest.raises(ValueError, match="from 0 to 1"):
        candidate_lists(np.ones((1, 1)), np.ones(1), np.ones(1), **wrong)
