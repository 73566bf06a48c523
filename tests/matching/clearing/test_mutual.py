import numpy as np
import pytest
from scipy import sparse

from matching.clearing.baselines import product
from matching.clearing.mutual import balance, rankings
from matching.clearing.simulation import likings, outcome


def test_balance_leaves_each_side_its_capacity():
    joint = np.random.default_rng(0).random((30, 50))
    demand_capacity = np.linspace(0.5, 3, 30)

    found = balance(joint, demand_capacity=demand_capacity, beta=0.2, tolerance=1e-9)

    scores = found.scores(joint)
    assert scores.sum(axis=1) + found.a**2 == pytest.approx(demand_capacity)
    assert scores.sum(axis=0) + found.b**2 == pytest.approx(np.ones(50))


def test_balance_of_one_pair_is_the_root_of_its_quadratic():
    # With no surplus mu = a b and a^2 + a b = 1 on both sides: a = b, mu = 1/2.
    found = balance(np.zeros((1, 1)), beta=1.0, tolerance=1e-12)

    assert found.score(0.0, 0, 0) == pytest.approx(0.5)


def test_balance_ranks_the_crowded_below_the_equally_liked():
    # All like the first supply; the first demand likes both alike.
    joint = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])

    scores = balance(joint, beta=0.1).scores(joint)

    assert scores[0, 1] > scores[0, 0]


def test_balance_of_a_sparse_surplus_equals_the_dense_one_where_all_pairs_are_stored():
    joint = np.random.default_rng(1).random((20, 10)) + 0.1

    dense, thin = balance(joint, tolerance=1e-9), balance(sparse.csr_array(joint), tolerance=1e-9)

    assert thin.scores(sparse.csr_array(joint)).toarray() == pytest.approx(dense.scores(joint), rel=1e-5)


def test_balance_of_a_shuffled_market_is_the_shuffled_balance():
    joint = np.random.default_rng(2).random((12, 9))
    rows, columns = np.random.default_rng(3).permutation(12), np.random.default_rng(4).permutation(9)

    one, other = balance(joint, tolerance=1e-9), balance(joint[rows][:, columns], tolerance=1e-9)

    assert other.log_a == pytest.approx(one.log_a[rows])
    assert other.log_b == pytest.approx(one.log_b[columns])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3, 1e6])
def test_balance_stays_finite_however_large_the_surplus_is(scale):
    joint = np.random.default_rng(5).random((20, 30)) * scale

    found = balance(joint, beta=0.02, most_iterations=50)

    assert np.isfinite(found.log_a).all()
    assert np.isfinite(found.log_b).all()
    assert np.isfinite(found.error)


def test_balance_lets_nobody_match_who_has_no_candidate():
    joint = sparse.csr_array((np.array([1.0]), (np.array([0]), np.array([0]))), shape=(2, 2))

    found = balance(joint, tolerance=1e-9)

    assert found.a[1] == pytest.approx(1.0)
    assert found.b[1] == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [{"beta": 0}, {"demand_capacity": [0.0, 1.0]}, {"supply_capacity": [1.0]}])
def test_balance_refuses_what_is_not_above_nothing(wrong):
    with pytest.raises(ValueError, match="above 0"):
        balance(np.zeros((2, 2)), **wrong)


def test_rankings_break_ties_by_position_and_keep_to_stored_pairs():
    scores = sparse.csr_array(np.array([[0.0, 0.5, 0.5], [0.2, 0.0, 0.9]]))

    assert [each.tolist() for each in rankings(scores)] == [[1, 2], [2, 0]]
    assert [each.tolist() for each in rankings(scores, length=1)] == [[1], [2]]


def test_balance_leads_to_half_as_many_matches_again_as_the_product_and_more_even_ones():
    market = likings(100, 200, popularity=0.5, random_state=0)
    joint = market.demand_likes + market.supply_likes
    scores = balance(joint).scores(joint)

    mutual = outcome(market, scores, scores)
    both = outcome(market, *product(market.demand_likes, market.supply_likes))

    assert mutual.matches > 1.5 * both.matches
    assert mutual.gini < 0.3 < both.gini


def test_outcome_counts_looks_by_place_and_likes_of_both():
    market = likings(1, 2, popularity=0.0, random_state=0)
    own, back = market.demand_likes[0], market.supply_likes[0]

    found = outcome(market, np.array([[0.1, 0.9]]), np.array([[0.5, 0.5]]))

    assert found.matches == pytest.approx(own[0] / 2 * back[0] + own[1] * back[1])
