import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from matching.retrieval.metrics import (
    auc,
    average_precision,
    bootstrap_interval,
    ndcg_at,
    paired_difference,
    precision_at_1,
    recall_at,
    reciprocal_rank_at,
    resampled_difference,
)

judged = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40).filter(
    lambda rows: len({relevant for relevant, _ in rows}) == 2
)


def test_ndcg_looks_at_ten_places_and_no_further():
    assert ndcg_at([0] * 10 + [1], [1]) == 0.0


def test_ndcg_of_graded_answers_is_worked_out_by_hand():
    expected = (1 / 1 + 2 / np.log2(3)) / (2 / 1 + 1 / np.log2(3))

    assert ndcg_at([1, 2, 0], [1, 2]) == pytest.approx(expected)


def test_reciprocal_rank_is_zero_beyond_the_tenth_place():
    assert (reciprocal_rank_at([0] * 9 + [1]), reciprocal_rank_at([0] * 10 + [1])) == (0.1, 0.0)


def test_precision_and_recall_of_an_empty_answer_are_zero():
    assert (precision_at_1([]), recall_at([], 3), recall_at([1], 0)) == (0.0, 0.0, 0.0)


@given(judged, st.randoms())
def test_auc_and_average_precision_are_scikit_learns_in_every_order(rows, random):
    random.shuffle(rows)
    relevant, scores = (np.array(column) for column in zip(*rows, strict=True))

    assert auc(relevant, scores) == pytest.approx(roc_auc_score(relevant, scores))
    assert average_precision(relevant, scores) == pytest.approx(average_precision_score(relevant, scores))


def test_auc_without_one_of_the_kinds_is_unknown():
    assert np.isnan(auc(np.array([1, 1]), np.array([0.1, 0.2])))
    assert np.isnan(average_precision(np.array([0, 0]), np.array([0.1, 0.2])))


def test_bootstrap_interval_holds_the_mean_and_narrows_with_more_queries():
    values = np.random.default_rng(0).random(400)

    few, many = bootstrap_interval(values[:50]), bootstrap_interval(values)

    assert many[0] < values.mean() < many[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert bootstrap_interval(values) == many


def test_paired_difference_is_surer_than_the_two_intervals():
    base = np.random.default_rng(0).random(200)

    mean, low, high = paired_difference(base + 0.01, base)

    assert (mean, low, high) == pytest.approx((0.01, 0.01, 0.01))


def test_resampled_difference_of_a_score_with_itself_is_zero():
    relevant, scores = np.array([1, 0, 1, 0, 0, 1]), np.array([3, 1, 2, 2, 0, 5])

    assert resampled_difference(auc, relevant, scores, scores) == (0.0, 0.0, 0.0)
