"""An additive ranker: a base, the fused text score, and one step function per feature, so reasons add up exactly."""

import hashlib
import json
from pathlib import Path
from typing import Self

import numpy as np

from matching.ranking.features import FEATURES

FUSED = FEATURES.index("fused")


class Ranker:
    """Score pairs by summing, per feature, the points of the step its value falls on.

    Points are scaled so that the best imaginable pair has 100 and the worst 0. A NaN feature has points of its own.
    """

    def __init__(
        self, *, base: float, slope: float, edges: dict, points: dict, unknown: dict, card: dict | None = None
    ) -> None:
        """Keep the learned tables.

        :param base: what every pair starts from
        :param slope: points of a fused text score of 1; in between they grow evenly, so no order of texts is lost
        :param edges: feature -> ascending step edges, k numbers; a value v is on step ``sum(v > edge)``
        :param points: feature -> points of the steps, k + 1 numbers
        :param unknown: feature -> points where the value is NaN
        :param card: where the tables come from and how good they were
        """
        self.base = float(base)
        self.slope = float(slope)
        self.edges = {name: np.asarray(edges[name], dtype=np.float64) for name in FEATURES}
        self.points = {name: np.asarray(points[name], dtype=np.float64) for name in FEATURES}
        self.unknown = {name: float(unknown[name]) for name in FEATURES}
        self.card = card or {}

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """Return the points of each feature and, last, the base: shape (n, len(FEATURES) + 1); rows sum to scores."""
        parts = np.empty((len(features), len(FEATURES) + 1))
        for place, name in enumerate(FEATURES):
            values = features[:, place]
            steps = np.searchsorted(self.edges[name], values, side="left")
            # searchsorted puts NaN behind every edge; its points are looked up apart.
            parts[:, place] = np.where(np.isnan(values), self.unknown[name], self.points[name][steps])
        parts[:, FUSED] += self.slope * np.clip(features[:, FUSED], 0, 1)
        parts[:, -1] = self.base
        return parts

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return one score per row, in points from 0 to 100."""
        return self.contributions(features).sum(axis=1)

    @property
    def version(self) -> str:
        """Return a short hash of the tables: the same tables, the same version."""
        text = json.dumps(self._tables(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _tables(self) -> dict:
        return {
            "base": self.base,
            "slope": self.slope,
            "edges": {name: values.tolist() for name, values in self.edges.items()},
            "points": {name: values.tolist() for name, values in self.points.items()},
            "unknown": self.unknown,
        }

    def to_dict(self) -> dict:
        return {"features": list(FEATURES), **self._tables(), "card": self.card}

    @classmethod
    def from_dict(cls, document: dict) -> Self:
        """Return the ranker that ``to_dict`` described.

        :raises ValueError: if it was learned on other features than ours
        """
        if document.get("features") != list(FEATURES):
            raise ValueError("This ranker was learned on other features; train it again with train_ranker.")
        tables = {name: document[name] for name in ("base", "slope", "edges", "points", "unknown")}
        return cls(**tables, card=document.get("card"))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
