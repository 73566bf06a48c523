import numpy as np
import pytest

from matching.ranking.additive import AdditiveLogistic, sigmoid
from matching.ranking.additive_learning import AdditiveLogisticLearner


def drawn(rows=4000, seed=0):
    random = np.random.default_rng(seed)
    features = random.uniform(-2, 2, (rows, 2))
    features[random.random(rows) < 0.2, 1] = np.nan
    odds = 1.5 * features[:, 0] + np.where(np.isnan(features[:, 1]), 1.0, -np.abs(np.nan_to_num(features[:, 1])))
    return features, random.random(rows) < sigmoid(odds), sigmoid(odds)


def test_learner_finds_curves_and_what_silence_means():
    features, came, truth = drawn()

    model = AdditiveLogisticLearner().fit(features, came, names=["a", "b"]).model_

    assert np.abs(model.chances(features) - truth).mean() < 0.04


def test_learner_keeps_to_the_directions():
    features, came, _truth = drawn()

    learner = AdditiveLogisticLearner().fit(features, came, names=["a", "b"], directions={"a": -1, "b": 1})

    assert (np.diff(learner.model_.odds[0]) <= 1e-9).all()
    assert (np.diff(learner.model_.odds[1]) >= -1e-9).all()


def test_learner_takes_targets_above_one_as_standing_for_more():
    random = np.random.default_rng(0)
    looked = random.random(6000) < 0.25
    came = (random.random(6000) < 0.2) & looked

    model = AdditiveLogisticLearner().fit(np.zeros((6000, 1)), came / 0.25, names=["nothing"]).model_

    assert model.chances(np.zeros((1, 1)))[0] == pytest.approx(0.2, abs=0.03)


def test_learner_does_not_depend_on_the_order_of_rows():
    features, came, _truth = drawn(800)

    once = AdditiveLogisticLearner().fit(features, came, names=["a", "b"]).model_
    again = AdditiveLogisticLearner().fit(features[::-1], came[::-1], names=["a", "b"]).model_

    assert once.chances(features) == pytest.approx(again.chances(features), abs=1e-3)


def test_contributions_sum_to_the_log_odds_and_the_document_to_the_same_chances():
    features, came, _truth = drawn(500)
    model = AdditiveLogisticLearner().fit(features, came, names=["a", "b"]).model_

    again = AdditiveLogistic.from_dict(model.to_dict(), names=["a", "b"])

    assert model.contributions(features).sum(axis=1) == pytest.approx(model.log_odds(features))
    assert again.chances(features) == pytest.approx(model.chances(features))
    assert again.version == model.version


def test_document_of_other_features_is_refused():
    features, came, _truth = drawn(100)
    document = AdditiveLogisticLearner().fit(features, came, names=["a", "b"]).model_.to_dict()

    with pytest.raises(ValueError, match="other features"):
        AdditiveLogistic.from_dict(document, names=["a", "c"])
