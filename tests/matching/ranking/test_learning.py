import numpy as np

from matching.ranking.features import FEATURES
from matching.ranking.learning import AdditiveRankerLearner, scaled


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
    held_out[:, FEATURES.index("fused")] = 0.0

    correlation = np.corrcoef(ranker.scores(held_out), held_out_labels)[0, 1]

    assert correlation > 0.8


def test_fit_looks_only_at_the_features_it_may():
    ranker = AdditiveRankerLearner(trees=20).fit(*market(), names=["distance"]).ranker_

    assert {name for name in FEATURES if np.ptp(ranker.points[name])} == {"distance"}


def test_fit_adds_to_the_scores_that_are_there_already():
    features, labels, groups = market()
    all_there_is = 3 * features[:, FEATURES.index("embedding")] - features[:, FEATURES.index("distance")] / 500

    alone = AdditiveRankerLearner(trees=40).fit(features, labels, groups).ranker_
    on_top = AdditiveRankerLearner(trees=40).fit(features, labels, groups, start=10 * all_there_is).ranker_

    assert np.ptp(on_top.points["embedding"]) < np.ptp(alone.points["embedding"]) / 2


def test_scaled_scores_lie_between_0_and_100_and_keep_the_order():
    features, labels, groups = market()
    features[:, FEATURES.index("fused")] = 0.0
    raw = AdditiveRankerLearner(trees=40).fit(features, labels, groups, names=["distance", "price"]).ranker_

    ranker = scaled(raw, slope=3.0)

    scores = ranker.scores(features)
    assert scores.min() >= -1e-9
    assert scores.max() <= 100 + 1e-9
    assert np.corrcoef(scores, raw.scores(features))[0, 1] > 1 - 1e-9


def test_fit_twice_learns_the_same():
    first, second = (AdditiveRankerLearner(trees=20).fit(*market()).ranker_ for _ in range(2))

    assert first.version == second.version
