"""Whether chances come true: among all that are said to be 30 %, some 30 % should be; and making them so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import isotonic_regression, minimize

from matching.ranking.additive import logit, sigmoid

BINS = 10
# Fewer levels than these teach no curve; a level is drawn to the mean as if it had so many more rows.
FEWEST_LEVELS, PRIOR_ROWS = 4, 0.5
# Where a stretched curve is written down, and how strongly it is drawn to none.
GRID, STRETCH_RIDGE = np.concatenate([[0.0, 0.002, 0.005, 0.01], np.linspace(0.02, 0.98, 49), [0.99, 0.998, 1.0]]), 4.0
# Half the width of a 95 % interval, in standard errors.
Z = 1.959964


class IsotonicCalibration:
    """Turn raw chances into chances that come true, by the curve that never falls and fits best (Zadrozny, Elkan 2002).

    >>> calibration = IsotonicCalibration().fit(np.array([0.1, 0.2, 0.3, 0.9]), np.array([0.0, 1.0, 0.0, 1.0]), fewest=1)
    >>> calibration.chances(np.array([0.1, 0.25, 0.9])).tolist()
    [0.0, 0.5, 1.0]
    """

    def __init__(self, raw: Sequence[float] = (0.0, 1.0), said: Sequence[float] = (0.0, 1.0)) -> None:
        """Keep the curve: what is said at each raw chance; between them it is linear."""
        self.raw = np.asarray(raw, dtype=float)
        self.said = np.asarray(said, dtype=float)

    def fit(self, raw: np.ndarray, targets: np.ndarray, *, weights: np.ndarray | None = None, fewest: int = 40) -> Self:
        """Learn the curve from rows that the chances were not learned on.

        Of few rows only a shift and a stretch of the log-odds is learned (Platt 1999), drawn towards none.

        :param targets: shape (n,), shares, or unbiased estimates of them
        :param fewest: so many rows at least are behind each level, so that a lone one says nothing
        """
        counts = np.ones(len(raw)) if weights is None else np.asarray(weights, dtype=float)
        if len(raw) < FEWEST_LEVELS * fewest:
            self.raw = GRID
            self.said = _stretched(raw, np.asarray(targets, dtype=float), counts)
            return self
        order = np.argsort(raw, kind="stable")
        counts = counts[order]
        groups = np.arange(len(raw)) // max(1, fewest)
        # The last few join the group before them.
        groups = np.minimum(groups, max(0, len(raw) // max(1, fewest) - 1))
        mass = np.bincount(groups, counts)
        means = [np.bincount(groups, counts * np.asarray(each, dtype=float)[order]) / mass for each in (raw, targets)]
        # No level is 0 or 1 for a few rows' sake: each is drawn a little to the mean of all.
        overall = float(np.average(targets, weights=counts[np.argsort(order)]))
        means[1] = (means[1] * mass + PRIOR_ROWS * overall * (fewest > 1)) / (mass + PRIOR_ROWS * (fewest > 1))
        level = isotonic_regression(means[1], weights=mass).x
        self.raw, self.said = means[0], np.clip(level, 0.0, 1.0)
        return self

    def chances(self, raw: np.ndarray) -> np.ndarray:
        """Return the chances, shape (n,)."""
        return np.interp(raw, self.raw, self.said)

    def to_dict(self) -> dict:
        # Along a level only its two ends say something.
        keep = np.ones(len(self.said), dtype=bool)
        keep[1:-1] = (self.said[1:-1] != self.said[:-2]) | (self.said[1:-1] != self.said[2:])
        return {"raw": self.raw[keep].round(6).tolist(), "said": self.said[keep].round(6).tolist()}

    @classmethod
    def from_dict(cls, document: Mapping) -> Self:
        return cls(document["raw"], document["said"])


def _stretched(raw: np.ndarray, targets: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return what is said on the grid after the shift and stretch of log-odds that fit best."""
    odds = logit(raw, within=1e-3)

    def loss(values: np.ndarray) -> float:
        moved = values[0] + values[1] * odds
        return counts @ (np.logaddexp(0.0, moved) - targets * moved) + STRETCH_RIDGE * (
            values[0] ** 2 + (values[1] - 1.0) ** 2
        )

    shift, stretch = minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=[(None, None), (0.0, None)]).x
    return sigmoid(shift + stretch * logit(GRID, within=1e-3))


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of alike chances: how many, what was said on average, what came true, and its 95 % interval."""

    count: int
    said: float
    came: float
    low: float
    high: float


def reliability_table(said: np.ndarray, came: np.ndarray, *, bins: int = BINS) -> list[Bin]:
    """Return what came true in groups of equally many rows, the least likely first; shares may stand for outcomes.

    >>> reliability_table(np.array([0.2, 0.2, 0.8, 0.8]), np.array([0, 0, 1, 1]), bins=2)[1]
    Bin(count=2, said=0.8, came=1.0, low=0.34, high=1.0)
    """
    if not len(said):
        return []
    order = np.argsort(said, kind="stable")
    table = []
    for part in np.array_split(order, min(bins, len(order))):
        mean = float(came[part].mean())
        low, high = wilson_interval(min(1.0, max(0.0, mean)), len(part))
        table.append(Bin(len(part), round(float(said[part].mean()), 4), round(mean, 4), round(low, 2), round(high, 2)))
    return table


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share seen in so many (Wilson 1927).

    >>> [round(end, 3) for end in wilson_interval(0.5, 10)]
    [0.237, 0.763]
    """
    if not count:
        return 0.0, 1.0
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)) / (1 + Z**2 / count)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def calibration_error(said: np.ndarray, came: np.ndarray, *, bins: int = BINS) -> float:
    """Return the expected calibration error: the mean distance of what was said from what came, over equal groups.

    >>> round(calibration_error(np.array([0.2, 0.2, 0.8, 0.8]), np.array([0, 0, 1, 1]), bins=2), 3)
    0.2
    """
    if not len(said):
        return 0.0
    parts = np.array_split(np.argsort(said, kind="stable"), min(bins, len(said)))
    return float(sum(len(part) * abs(said[part].mean() - came[part].mean()) for part in parts) / len(said))


def brier(said: np.ndarray, came: np.ndarray) -> float:
    """Return the mean squared distance of chances from what came (Brier 1950).

    >>> brier(np.array([0.5, 1.0]), np.array([1.0, 1.0]))
    0.125
    """
    return float(np.mean((np.asarray(said, dtype=float) - came) ** 2))
