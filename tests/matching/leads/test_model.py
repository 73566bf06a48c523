import json

import numpy as np
import pytest

from matching.leads import FIRM_FEATURES, PROJECT_FEATURES, LeadModel, shipped_model
from matching.leads.model import Weights
from matching.leads.training import to_document


def test_contributions_sum_to_the_score():
    random = np.random.default_rng(3)
    for weights in (shipped_model().firms, shipped_model().projects):
        features = random.normal(size=(500, len(weights.features)))
        features[random.random(features.shape) < 0.2] = np.nan

        parts = weights.contributions(features)

        assert np.abs(parts.sum(axis=1) - 100 * weights.chances(features)).max() < 1e-6


def test_contributions_of_the_usual_row_are_nothing_but_the_base():
    weights = shipped_model().firms

    parts = weights.contributions(weights.usual[None, :])

    assert np.abs(parts[0, :-1]).max() == 0
    assert parts[0, -1] == pytest.approx(100 * weights.chances(weights.usual[None, :])[0])


def test_chances_take_the_unknown_as_usual():
    weights = shipped_model().firms
    unknown = np.full((1, len(FIRM_FEATURES)), np.nan)

    assert weights.chances(unknown) == weights.chances(weights.usual[None, :])


def test_shipped_model_knows_every_feature():
    assert shipped_model().firms.features == FIRM_FEATURES
    assert shipped_model().projects.features == PROJECT_FEATURES


def test_document_is_read_back(tmp_path):
    weights = Weights(FIRM_FEATURES, np.arange(len(FIRM_FEATURES), dtype=float), np.zeros(len(FIRM_FEATURES)), -3.0)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(to_document(weights, learnt_from={"queries": 1})), encoding="utf-8")

    model = LeadModel.load(path)

    assert model.firms.weights[1] == 1.0
    assert model.version.startswith("leads-")


def test_model_says_what_a_file_lacks(tmp_path):
    path = tmp_path / "model.json"
    path.write_text('{"version": "1"}', encoding="utf-8")

    with pytest.raises(ValueError, match="firms"):
        LeadModel.load(path)
