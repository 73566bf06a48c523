"""Say how good a ranking is, and how sure that is.

A ranking is given as the relevance of its places: ``[0, 1, 0]`` is a list whose second item is relevant.
"""

from collections.abc import Callable, Sequence

import numpy as np


def ndcg_at(gains: Sequence[float], ideal: Sequence[float], k: int = 10) -> float:
    """Return the discounted gain of the first k places over that of the best order (Järvelin & Kekäläinen, 2002).

    ``gains`` are the grades in the order shown, ``ideal`` all grades of the query; 0 where nothing is relevant.

    >>> round(ndcg_at([0, 1], [1]), 3), ndcg_at([2, 1], [1, 2])
    (0.631, 1.0)
    """
    best = _discounted(sorted(ideal, reverse=True)[:k])
    return _discounted(gains[:k]) / best if best else 0.0


def _discounted(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(place + 2) for place, gain in enumerate(gains)))


def reciprocal_rank_at(gains: Sequence[float], k: int = 10) -> float:
    """Return 1 / place of the first relevant item among the first k, else 0; its mean over queries is the MRR.

    >>> reciprocal_rank_at([0, 0, 1]), reciprocal_rank_at([0, 0])
    (0.3333333333333333, 0.0)
    """
    return next((1 / place for place, gain in enumerate(gains[:k], start=1) if gain > 0), 0.0)


def precision_at_1(gains: Sequence[float]) -> float:
    """Return 1 if the first item is relevant, else 0.

    >>> precision_at_1([1, 0]), precision_at_1([])
    (1.0, 0.0)
    """
    return float(len(gains) > 0 and gains[0] > 0)


def recall_at(gains: Sequence[float], relevant: int, k: int = 100) -> float:
    """Return which share of all relevant items is among the first k.

    >>> recall_at([1, 0, 1], relevant=4)
    0.5
    """
    return sum(gain > 0 for gain in gains[:k]) / relevant if relevant else 0.0


def auc(relevant: np.ndarray, scores: np.ndarray) -> float:
    """Return how often a relevant item scores above an irrelevant one, ties counted half (Mann-Whitney).

    >>> auc(np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.5, 0.1]))
    0.875
    """
    relevant = np.asarray(relevant, dtype=bool)
    _, group, size = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(size) - (size - 1) / 2)[group]
    positives, negatives = relevant.sum(), (~relevant).sum()
    if not positives or not negatives:
        return float("nan")
    return float((ranks[relevant].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(relevant: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean precision at each relevant item, items of equal score taken together (as scikit-learn does).

    >>> round(average_precision(np.array([1, 0, 1]), np.array([0.9, 0.5, 0.1])), 4)
    0.8333
    """
    relevant = np.asarray(relevant, dtype=float)
    order = np.argsort(-np.asarray(scores), kind="stable")
    found = np.cumsum(relevant[order])
    last_of_ties = np.append(np.diff(np.asarray(scores)[order]) != 0, True)
    places = np.flatnonzero(last_of_ties)
    if not relevant.sum():
        return float("nan")
    precision = found[places] / (places + 1)
    return float((np.diff(np.concatenate([[0.0], found[places]])) * precision).sum() / relevant.sum())


def bootstrap_interval(
    values: np.ndarray, *, share: float = 0.95, draws: int = 2000, random_state: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of per-query values (Efron & Tibshirani, 1993).

    >>> bootstrap_interval(np.ones(50))
    (1.0, 1.0)
    """
    values = np.asarray(values, dtype=float)
    if not len(values):
        return (float("nan"), float("nan"))
    rng = np.random.default_rng(random_state)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(draws)]
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def paired_difference(
    ours: np.ndarray, theirs: np.ndarray, *, share: float = 0.95, draws: int = 2000, random_state: int = 0
) -> tuple[float, float, float]:
    """Return the mean difference of two methods on the same queries, and its bootstrap interval (low, high).

    >>> paired_difference(np.array([0.5, 1.0]), np.array([0.25, 0.75]))
    (0.25, 0.25, 0.25)
    """
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    return float(difference.mean()), *bootstrap_interval(
        difference, share=share, draws=draws, random_state=random_state
    )


def resampled_difference(
    metric: Callable[[np.ndarray, np.ndarray], float],
    relevant: np.ndarray,
    ours: np.ndarray,
    theirs: np.ndarray,
    *,
    draws: int = 300,
    random_state: int = 0,
) -> tuple[float, float, float]:
    """Return metric(ours) - metric(theirs) over judged pairs, and its 95 % bootstrap interval (low, high)."""
    rng = np.random.default_rng(random_state)
    differences = []
    for _ in range(draws):
        rows = rng.integers(0, len(relevant), len(relevant))
        differences.append(metric(relevant[rows], ours[rows]) - metric(relevant[rows], theirs[rows]))
    low, high = np.nanquantile(differences, [0.025, 0.975])
    return metric(relevant, ours) - metric(relevant, theirs), float(low), float(high)
