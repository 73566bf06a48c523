import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score, roc_curve

from finance.scoring import measures


def drawn(seed, n=60, *, ties=False):
    generator = np.random.default_rng(seed)
    labels = np.append((generator.random(n) < 0.3).astype(int), [0, 1])
    scores = generator.random(n + 2) * 0.8 + 0.1 * labels
    return labels, np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_measures_equal_scikit_learn(seed, ties):
    labels, scores = drawn(seed, ties=ties)
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)

    assert measures.auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    assert measures.pr_auc(labels, scores) == pytest.approx(average_precision_score(labels, scores))
    assert measures.ks(labels, scores) == pytest.approx(np.max(np.abs(true - false)))
    assert measures.log_loss(labels, np.clip(scores, 0.01, 0.99)) == pytest.approx(
        log_loss(labels, np.clip(scores, 0.01, 0.99))
    )


def test_calibration_equals_an_unpenalised_regression_on_the_logits():
    labels, scores = drawn(3, n=300)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(measures.logits(scores)[:, None], labels)

    intercept, slope = measures.calibration(labels, scores)

    assert intercept == pytest.approx(oracle.intercept_[0], abs=1e-4)
    assert slope == pytest.approx(oracle.coef_[0, 0], abs=1e-4)


def test_calibration_of_classes_that_do_not_overlap_is_finite():
    assert measures.calibration_slope(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])) <= 50


def test_measures_do_not_mind_the_order_of_rows():
    labels, scores = drawn(1, ties=True)
    shuffled = np.random.default_rng(5).permutation(len(labels))

    for measure in measures.MEASURES.values():
        assert measure(labels[shuffled], scores[shuffled]) == pytest.approx(measure(labels, scores))


def test_interval_holds_the_value_and_is_the_same_each_time():
    labels, scores = drawn(2)

    first = measures.interval(measures.auc, labels, scores, times=200)
    second = measures.interval(measures.auc, labels, scores, times=200)

    assert first == second
    assert first.low < first.value < first.high


def test_resamples_hold_both_classes_even_with_one_bad_firm():
    labels = np.array([1, 0, 0, 0, 0, 0])

    rows = measures.resamples(labels, times=300)

    assert all(measures.both_classes(labels[drawn]) for drawn in rows)


def test_one_class_alone_cannot_be_measured():
    with pytest.raises(ValueError, match="at least one bad and one good"):
        measures.auc(np.zeros(4), np.arange(4))
    with pytest.raises(ValueError, match="at least one bad and one good"):
        measures.resamples(np.ones(4))
    with pytest.raises(ValueError, match="3 labels but 4 scores"):
        measures.auc(np.array([0, 1, 1]), np.arange(4))


def test_difference_between_a_perfect_and_a_blind_model_can_be_told():
    labels, _ = drawn(4, n=100)
    blind = np.random.default_rng(0).random(len(labels))

    found = measures.difference(measures.auc, labels, labels * 0.9, blind, times=300)

    assert found.can_be_told_apart
    assert found.more_defaults_needed is None
    assert found.low > 0


def test_difference_of_near_twins_says_how_many_more_defaults_it_needs():
    labels, scores = drawn(4, n=60)
    twin = scores + np.random.default_rng(1).normal(0, 0.02, len(scores))

    found = measures.difference(measures.auc, labels, scores, twin, times=300)

    assert not found.can_be_told_apart
    assert found.more_defaults_needed > 10
