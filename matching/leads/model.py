"""From features to a chance, and what each feature adds to it."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

SHIPPED = Path(__file__).parent.parent / "data" / "leads" / "model.json"


@dataclass(frozen=True)
class Weights:
    """A logistic model: weights and usual values, float (k,), and the log-odds where everything is usual."""

    features: tuple[str, ...]
    weights: np.ndarray
    usual: np.ndarray
    bias: float

    def chances(self, features: np.ndarray) -> np.ndarray:
        """Return the chance of each row, float (n,); an unknown feature counts as usual."""
        return _sigmoid(self.bias + self._steps(features).sum(axis=1))

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """Return what each feature adds to 100 times the chance, float (n, k + 1), the usual chance last.

        Integrated gradients from the usual row to this one (Sundararajan, Taly and Yan, 2017), which for a logistic
        model along a straight line is exact: each feature's part of the log-odds gained, times what they gained. They
        sum to the score.
        """
        steps = self._steps(features)
        gained = steps.sum(axis=1)
        base = float(_sigmoid(np.array([self.bias]))[0])
        score = _sigmoid(self.bias + gained)
        slope = np.where(np.abs(gained) > 1e-9, (score - base) / np.where(gained == 0, 1.0, gained), base * (1 - base))
        parts = 100.0 * steps * slope[:, None]
        rest = 100.0 * score - parts.sum(axis=1)
        return np.column_stack([parts, rest])

    def _steps(self, features: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(features), 0.0, features - self.usual) * self.weights


@dataclass(frozen=True)
class LeadModel:
    """The weights for firms and for building projects, and the version of both."""

    firms: Weights
    projects: Weights
    version: str

    @classmethod
    def load(cls, path: Path) -> "LeadModel":
        """Return the model of this file.

        :raises ValueError: if it is no model of leads
        """
        document = json.loads(path.read_text(encoding="utf-8"))
        try:
            return cls(_weights(document["firms"]), _weights(document["projects"]), str(document["version"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no model of leads: {error}") from error


def _weights(document: dict) -> Weights:
    rows = document["weights"]
    return Weights(
        features=tuple(rows),
        weights=np.array([float(row["weight"]) for row in rows.values()]),
        usual=np.array([float(row["usual"]) for row in rows.values()]),
        bias=float(document["bias"]),
    )


@cache
def shipped_model() -> LeadModel:
    """Return the model that the project ships."""
    return LeadModel.load(SHIPPED)


def _sigmoid(value: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(value, -40, 40)))
