"""Learn an additive ranker: gradient-boosted step functions, one feature per tree, monotone where we know the way."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from matching.ranking.features import DIRECTIONS, FEATURES
from matching.ranking.ranker import Ranker

if TYPE_CHECKING:
    import lightgbm


class AdditiveRankerLearner:
    """Fit LambdaMART (Burges 2010) whose trees each see a single feature, and read it out as tables.

    ``fit`` takes groups of candidates, one group per query, with graded labels; ``ranker_`` is what was learned.
    Feature interactions are forbidden, so the model is a generalised additive one (Lou et al. 2012): what it says
    of a feature is exact, not an approximation.
    """

    def __init__(
        self,
        *,
        trees: int = 300,
        leaves: int = 8,
        learning_rate: float = 0.06,
        smallest_leaf: int = 60,
        random_state: int = 0,
    ) -> None:
        self.trees = trees
        self.leaves = leaves
        self.learning_rate = learning_rate
        self.smallest_leaf = smallest_leaf
        self.random_state = random_state

    def fit(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        groups: Sequence[int],
        *,
        weights: np.ndarray | None = None,
        names: Sequence[str] = FEATURES,
        start: np.ndarray | None = None,
    ) -> Self:
        """Learn from candidates in the order of their groups.

        :param features: shape (n, len(FEATURES))
        :param labels: integers 0 to 4, shape (n,)
        :param groups: sizes of the groups, summing to n
        :param weights: weight of each candidate, shape (n,)
        :param names: the features that may be looked at; the others get no points
        :param start: raw scores that are there already and that the points are learned on top of, shape (n,)
        """
        # Only here: processes that serve a ranker never learn one.
        import lightgbm  # noqa: PLC0415

        columns = [place for place, name in enumerate(FEATURES) if name in set(names)]
        data = lightgbm.Dataset(
            features[:, columns],
            labels,
            group=list(groups),
            weight=weights,
            init_score=start,
            feature_name=[FEATURES[place] for place in columns],
        )
        settings = {
            "objective": "lambdarank",
            "lambdarank_truncation_level": 20,
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.smallest_leaf,
            "interaction_constraints": [[place] for place in range(len(columns))],
            "monotone_constraints": [DIRECTIONS[FEATURES[place]] for place in columns],
            "seed": self.random_state,
            "deterministic": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        booster = lightgbm.train(settings, data, num_boost_round=self.trees)
        self.ranker_ = _read_out(booster, features, columns)
        return self


def _read_out(booster: "lightgbm.Booster", features: np.ndarray, columns: Sequence[int]) -> Ranker:
    """Turn the booster into one table of raw points per feature by asking it at every step.

    As no tree sees two features, the change of the answer when one feature moves is that feature's own. Points are
    counted from the mean over the pairs that state the feature: who says nothing is taken for the average of those
    who do, since a lambdarank group tells nothing of features that all of its members lack.
    """
    table = booster.trees_to_dataframe()
    splits = table[table["split_feature"].notna()]
    edges = {name: np.zeros(0) for name in FEATURES}
    points = {name: np.zeros(1) for name in FEATURES}
    for asked, place in enumerate(columns):
        name = FEATURES[place]
        thresholds = np.unique(splits.loc[splits["split_feature"] == name, "threshold"].to_numpy(dtype=np.float64))
        rows = np.zeros((len(thresholds) + 1, len(columns)))
        rows[:, asked] = _a_value_on_each_step(thresholds)
        raw = booster.predict(rows, raw_score=True)
        stated = features[~np.isnan(features[:, place]), place]
        mean = raw[np.searchsorted(thresholds, stated, side="left")].mean() if len(stated) else raw[0]
        edges[name], points[name] = _merge_equal_steps(thresholds, raw - mean)
    return Ranker(base=0.0, slope=0.0, edges=edges, points=points, unknown=dict.fromkeys(FEATURES, 0.0))


def scaled(ranker: Ranker, *, slope: float) -> Ranker:
    """Return the ranker with that many raw points for a fused score of 1, scaled so that scores go from 0 to 100."""
    lowest = sum(min(0.0, float(values.min())) for values in ranker.points.values())
    highest = slope + sum(max(0.0, float(values.max())) for values in ranker.points.values())
    scale = 100 / max(1e-9, highest - lowest)
    return Ranker(
        base=-scale * lowest,
        slope=scale * slope,
        edges=ranker.edges,
        points={name: values * scale for name, values in ranker.points.items()},
        unknown=ranker.unknown,
    )


def _a_value_on_each_step(thresholds: np.ndarray) -> np.ndarray:
    if not len(thresholds):
        return np.zeros(1)
    between = (thresholds[1:] + thresholds[:-1]) / 2
    return np.concatenate([[thresholds[0] - 1], between, [thresholds[-1] + 1]])


def _merge_equal_steps(thresholds: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop edges on whose two sides the same points stand."""
    changes = np.flatnonzero(np.abs(np.diff(raw)) > 1e-12)
    return thresholds[changes], np.concatenate([raw[changes], raw[-1:]])
