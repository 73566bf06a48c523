"""How good a list of leads is."""

from collections.abc import Sequence

import numpy as np

DEPTH = 50


def precision_at(scores: np.ndarray, hits: np.ndarray, *, depth: int = DEPTH) -> float:
    """Return which part of the best ``depth`` are hits; ties go to the earlier row.

    >>> precision_at(np.array([0.9, 0.1, 0.5]), np.array([True, True, False]), depth=2)
    0.5
    """
    best = np.argsort(-scores, kind="stable")[:depth]
    return float(hits[best].sum() / depth)


def interval(
    values: Sequence[float], clusters: Sequence[object], *, random_state: int = 0
) -> tuple[float, float, float]:
    """Return the mean and its 95 % interval by bootstrap over whole clusters (firms), 1,000 times.

    >>> interval([1.0, 1.0, 1.0], ["a", "b", "b"])
    (1.0, 1.0, 1.0)
    """
    values, names = np.asarray(values, dtype=np.float64), sorted(set(clusters), key=str)
    place = {name: number for number, name in enumerate(names)}
    of = np.array([place[name] for name in clusters], dtype=np.int64)
    total, count = np.bincount(of, weights=values), np.bincount(of)
    random = np.random.default_rng(random_state)
    drawn = random.integers(0, len(names), size=(1000, len(names)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)
