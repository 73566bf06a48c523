import numpy as np
import pytest

from finance.scoring import measures
from finance.scoring.evaluation import figures, out_of_fold, scorecard_procedure
from finance.scoring.features import BY_NAME, NAMES
from finance.scoring.learning import BEND, ScorecardLearner, Transform
from finance.scoring.scored import score

SIGNS = np.array([BY_NAME[name].sign for name in NAMES])


def population(seed=0, n=160):
    """Return features and labels of firms whose risk follows the declared signs, some features unknown."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(n, len(NAMES)))
    labels = (hidden @ (SIGNS * 0.6) + generator.normal(size=n) > 1.2).astype(int)
    values = np.abs(np.exp(hidden * 0.5))
    values[generator.random(values.shape) < 0.03] = np.nan
    return values, labels


def test_learner_finds_the_signs_and_a_calibrated_mean():
    values, labels = population()

    learner = ScorecardLearner().fit(values, labels)

    assert np.all(learner.weights_ * SIGNS >= 0)
    assert learner.predict(values).mean() == pytest.approx(labels.mean(), abs=0.01)
    assert measures.auc(labels, learner.predict(values)) > 0.85
    assert sum(learner.shares_.values()) == pytest.approx(1)


def test_learner_never_goes_against_a_sign_that_the_data_contradict():
    values, labels = population()

    against = ScorecardLearner(penalties=(1.0,)).fit(values, 1 - labels)
    free = ScorecardLearner(penalties=(1.0,), signs=dict.fromkeys(NAMES, 0)).fit(values, 1 - labels)

    assert np.all(against.weights_ * SIGNS >= 0)
    assert np.all(free.weights_ * SIGNS <= 0.05)


def test_learner_is_the_same_each_time_and_whatever_the_order_of_firms():
    values, labels = population(n=90)

    one, other = (ScorecardLearner().fit(values, labels) for _ in range(2))

    assert one.weights_.tobytes() == other.weights_.tobytes()


def test_learned_card_gives_the_probabilities_of_the_learner():
    values, labels = population()
    learner = ScorecardLearner().fit(values, labels)
    card = learner.scorecard(card={})

    scored = [score(card, "E1", dict(zip(NAMES, row, strict=True)), records=1).pd for row in values.tolist()]

    assert scored == pytest.approx(learner.predict(values), abs=5e-3)


def test_looks_of_a_firm_share_its_weight():
    values, labels = population(n=80)

    once = ScorecardLearner().fit(values, labels)
    thrice = ScorecardLearner().fit(np.stack([values] * 3), labels)

    # Not the same to the last digit: a percentile lies elsewhere between rows that occur three times.
    assert thrice.weights_ == pytest.approx(once.weights_, abs=0.03)


def test_look_at_a_firm_that_was_not_seen_changes_nothing():
    values, labels = population(n=80)
    earlier = np.full_like(values, 1e9)
    seen = np.array([np.ones(80, bool), np.zeros(80, bool)])

    with_blind = ScorecardLearner().fit(np.stack([values, earlier]), labels, seen=seen)

    assert with_blind.weights_ == pytest.approx(ScorecardLearner().fit(values, labels).weights_, abs=1e-6)


def test_transform_takes_the_usual_firm_as_zero_and_bounds_what_one_feature_can_do():
    values, _ = population()
    learned = Transform.learned(values[:100], NAMES)

    assert np.all(np.abs(learned.apply(values * 1e6)) <= BEND)
    assert np.all(learned.apply(np.full((1, len(NAMES)), np.nan)) == 0)
    assert np.abs(learned.apply(values[:100]).mean(axis=0)).max() < 0.15


def test_column_that_is_the_same_for_all_gets_no_vote():
    values, labels = population()
    values[:, 3] = 1.0

    learner = ScorecardLearner().fit(values, labels)

    assert np.all(learner.transform_.apply(values)[:, 3] == 0)


def test_learner_refuses_too_few_defaults():
    values, labels = population(n=40)
    labels[:] = 0
    labels[:4] = 1

    with pytest.raises(ValueError, match="At least 5 defaults"):
        ScorecardLearner().fit(values, labels)


def test_out_of_fold_probabilities_rank_firms_that_were_left_out():
    values, labels = population(n=60)
    seen = np.ones((1, 60), bool)

    chances = out_of_fold(scorecard_procedure(penalties=(5.0,)), values[None], labels, seen, seeds=2)

    assert chances.shape == (2, 60)
    assert measures.auc(labels, chances.mean(axis=0)) > 0.75


def test_figures_take_the_auc_as_the_mean_over_seeds():
    labels = np.array([0, 0, 1, 1, 0, 1])
    chances = np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.1, 0.2, 0.8, 0.9, 0.3, 0.7]])

    found = figures(labels, chances, times=50)

    assert found["auc"]["value"] == pytest.approx((measures.auc(labels, chances[0]) + 1) / 2, abs=1e-6)
    assert found["auc"]["low"] <= found["auc"]["value"] <= found["auc"]["high"]
