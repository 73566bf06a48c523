"""A chance as a sum of parts: one piecewise linear curve of log-odds per feature, so each part can be told."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np


class AdditiveLogistic:
    """Say a chance from features by adding, per feature, the log-odds that its curve has at the feature's value.

    >>> model = AdditiveLogistic(names=["price"], knots=[[0.0, 1.0]], odds=[[-1.0, 1.0]], unknown=[0.0], intercept=0.0)
    >>> model.chances(np.array([[0.5], [1.0], [np.nan]])).round(3).tolist()
    [0.5, 0.731, 0.5]
    """

    def __init__(
        self,
        *,
        names: Sequence[str],
        knots: Sequence[Sequence[float]],
        odds: Sequence[Sequence[float]],
        unknown: Sequence[float],
        intercept: float,
    ) -> None:
        """Keep the learned curves.

        :param knots: of each feature, ascending; before the first and behind the last the curve is flat
        :param odds: log-odds at the knots
        :param unknown: log-odds where the feature is NaN
        """
        self.names = tuple(names)
        self.knots = [np.asarray(each, dtype=float) for each in knots]
        self.odds = [np.asarray(each, dtype=float) for each in odds]
        self.unknown = [float(each) for each in unknown]
        self.intercept = float(intercept)

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """Return the log-odds of each feature and, last, the intercept.

        :param features: shape (n, d), columns as ``names``, NaN where unknown
        :return: shape (n, d + 1)
        """
        parts = np.empty((len(features), len(self.names) + 1))
        for place, (knots, odds, unknown) in enumerate(zip(self.knots, self.odds, self.unknown, strict=True)):
            values = features[:, place]
            parts[:, place] = np.where(np.isnan(values), unknown, np.interp(np.nan_to_num(values), knots, odds))
        parts[:, -1] = self.intercept
        return parts

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Return the log-odds, shape (n,)."""
        return self.contributions(features).sum(axis=1)

    def chances(self, features: np.ndarray) -> np.ndarray:
        """Return the chances in (0, 1), shape (n,)."""
        return sigmoid(self.log_odds(features))

    @property
    def version(self) -> str:
        """Return a short hash of the curves: the same curves, the same version."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:12]

    def to_dict(self) -> dict:
        return {
            "names": list(self.names),
            "knots": [each.tolist() for each in self.knots],
            "odds": [each.tolist() for each in self.odds],
            "unknown": self.unknown,
            "intercept": self.intercept,
        }

    @classmethod
    def from_dict(cls, document: Mapping, *, names: Sequence[str]) -> Self:
        """Return the model that ``to_dict`` described.

        :raises ValueError: if it was learned on other features than these
        """
        if list(document["names"]) != list(names):
            raise ValueError("These chances were learned on other features; train them again.")
        return cls(**{key: document[key] for key in ("names", "knots", "odds", "unknown", "intercept")})


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(log_odds, dtype=float)))


def logit(chances: np.ndarray, *, within: float = 1e-4) -> np.ndarray:
    """Return log(p / (1 - p)) of chances cut to [within, 1 - within]."""
    cut = np.clip(np.asarray(chances, dtype=float), within, 1 - within)
    return np.log(cut / (1 - cut))
