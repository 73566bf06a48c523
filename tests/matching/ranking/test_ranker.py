import numpy as np
import pytest

from matching.ranking.features import FEATURES
from matching.ranking.ranker import Ranker


def tiny_ranker(**card):
    """Return a ranker that knows two steps of the embedding and one of the distance."""
    tables = {
        "edges": {name: [] for name in FEATURES} | {"embedding": [0.3, 0.6], "distance": [100.0]},
        "points": {name: [0.0] for name in FEATURES} | {"embedding": [-20.0, 0.0, 30.0], "distance": [5.0, -10.0]},
        "unknown": dict.fromkeys(FEATURES, 0.0),
    }
    return Ranker(base=40, slope=10, card=card, **tables)


def rows(**columns):
    table = np.full((len(next(iter(columns.values()))), len(FEATURES)), np.nan)
    for name, values in columns.items():
        table[:, FEATURES.index(name)] = values
    return table


def test_scores_add_the_points_of_the_steps_to_the_base():
    features = rows(embedding=[0.2, 0.3, 0.5, 0.7], distance=[50, 100, 101, np.nan], fused=[0, 0, 0, 0])

    assert tiny_ranker().scores(features).tolist() == [25.0, 25.0, 30.0, 70.0]


def test_scores_grow_evenly_with_the_fused_score_so_that_no_order_is_lost():
    features = rows(embedding=[0.5] * 4, fused=[-0.1, 0.0, 0.1, 0.10001])

    scores = tiny_ranker().scores(features)

    assert scores.tolist() == pytest.approx([40.0, 40.0, 41.0, 41.0001])


def test_contributions_sum_to_the_score():
    features = np.random.default_rng(0).uniform(0, 200, size=(50, len(FEATURES)))
    ranker = tiny_ranker()

    assert np.allclose(ranker.contributions(features).sum(axis=1), ranker.scores(features), atol=1e-9)


def test_load_gives_back_what_save_wrote(tmp_path):
    ranker = tiny_ranker(note="a test")

    ranker.save(tmp_path / "ranker.json")
    again = Ranker.load(tmp_path / "ranker.json")

    assert again.to_dict() == ranker.to_dict()
    assert again.version == ranker.version


def test_from_dict_refuses_tables_of_other_features():
    document = tiny_ranker().to_dict() | {"features": ["something", "else"]}

    with pytest.raises(ValueError, match="other features"):
        Ranker.from_dict(document)
