"""How well a market is served, and how evenly."""

from collections.abc import Mapping

import numpy as np

from matching.clearing.lists import CandidateLists


def fill(allocated: np.ndarray, demanded: np.ndarray) -> float:
    """Return which share of the demanded quantity is allocated; 0 where nothing is demanded.

    >>> fill(np.array([2.0, 0.0]), np.array([2.0, 2.0]))
    0.5
    """
    total = float(np.sum(demanded))
    return float(np.sum(allocated)) / total if total else 0.0


def share_shown(lists: CandidateLists, supplies: int) -> float:
    """Return which share of all supplies is on at least one list."""
    return len(np.unique(lists.supply)) / supplies if supplies else 0.0


def mean_relevance(lists: CandidateLists) -> float:
    """Return the mean relevance of what is listed; 0 where nothing is."""
    return float(lists.relevance.mean()) if len(lists.relevance) else 0.0


def exposure(lists: CandidateLists, supplies: int) -> np.ndarray:
    """Return on how many lists each supply is, shape (m,)."""
    return np.bincount(lists.supply, minlength=supplies)


def exposure_by_group(lists: CandidateLists, groups: np.ndarray) -> Mapping[str, float]:
    """Return for each group of supplies (names, shape (m,)) on how many lists one of them is on average."""
    shown = exposure(lists, len(groups))
    return {str(group): float(shown[groups == group].mean()) for group in np.unique(groups)}


def gini(values: np.ndarray) -> float:
    """Return the Gini coefficient: 0 where all have the same, near 1 where one has all; 0 where nobody has anything.

    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 1.0]))
    (0.0, 0.5)
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    total, count = ordered.sum(), len(ordered)
    if not total:
        return 0.0
    return float(2 * (np.arange(1, count + 1) @ ordered) / (count * total) - (count + 1) / count)


def bottom_tenth(values: np.ndarray) -> float:
    """Return the mean of the tenth that has least; of one at least.

    >>> bottom_tenth(np.arange(20.0))
    0.5
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    return float(ordered[: max(1, len(ordered) // 10)].mean()) if len(ordered) else 0.0
