import numpy as np

from matching.ranking.features import FEATURES
from matching.ranking.learning import AdditiveRankerLearner


def market(*, queries=120, candidates=20, random_state=0):
    """Return groups whose labels follow the embedding upwards and the distance downwards, and nothing else."""
    random = np.random.default_rng(random_state)
    features = np.full((queries * candidates, len(FEATURES)), np.nan)
    features[:, FEATURES.index("embedding")] = random.uniform(0, 1, len(features))
    features[:, FEATURES.index("distance")] = random.uniform(0, 1000, len(features))
    features[:, FEATURES.index("price")] = random.uniform(-1, 1, len(features))
    utility = 3 * features[:, FEATURES.index("embedding")] - features[:, FEATURES.index("distance")] / 500
    labels = np.clip(np.round(utility + random.normal(0, 0.2, len(features))), 0, 3).astype(int)
    return features, labels, [candidates] * queries


def test_fit_learns_the_way_each_feature_works():
    ranker = AdditiveRankerLearner(trees=80).fit(*market()).ranker_

    assert np.all(np.diff(ranker.points["embedding"]) > 0)
    assert np.all(np.diff(ranker.points["distance"]) < 0)
    assert np.ptp(ranker.points["embedding"]) > np.ptp(ranker.points["price"])


def test_fit_reads_out_the_very_order_of_the_booster():
    features, labels, groups = market()
    ranker = AdditiveRankerLearner(trees=80).fit(features, labels, groups).ranker_
    held_out, held_out_labels, _ = market(random_state=1)

    correlation = np.corrcoef(ranker.scores(held_out), held_out_labels)[0, 1]

    assert correlation > 0.8


def test_scores_of_a_fitted_ranker_lie_between_0_and_100():
    features, labels, groups = market()

    scores = AdditiveRankerLearner(trees=80).fit(features, labels, groups).ranker_.scores(features)

    assert scores.min() >= -1e-9
    assert scores.max() <= 100 + 1e-9


def test_fit_twice_learns_the_same():
    first, second = (AdditiveRankerLearner(trees=20).fit(*market()).ranker_ for _ in range(2))

    assert first.version == second.version
