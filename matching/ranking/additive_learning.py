"""Learn an additive logistic model: monotone where we know the way, shrunk towards saying nothing."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Self

import numpy as np
from scipy.optimize import minimize

from matching.ranking.additive import AdditiveLogistic, sigmoid


class AdditiveLogisticLearner:
    """Fit ridge-penalised logistic regression on ramps between the quantiles of each feature (a linear I-spline basis,
    Ramsay 1988): a ramp with no negative weight makes a curve that never falls. ``model_`` is what was learned.

    Targets may be shares, and may pass 1 where a rare observation stands for several unobserved ones: the loss
    log(1 + exp(z)) - y z is convex in z for every y, and unbiased whenever y is (Bekker and Davis 2020, section 5.3).
    """

    def __init__(self, *, knots: int = 7, ridge: float = 3.0, most_steps: int = 400) -> None:
        """Keep the settings.

        :param ridge: penalty on the squared weights of the ramps, in rows; the intercept goes free
        """
        self.knots = knots
        self.ridge = ridge
        self.most_steps = most_steps

    def fit(
        self,
        features: np.ndarray,
        targets: np.ndarray,
        *,
        names: Sequence[str],
        directions: Mapping[str, int] | None = None,
        weights: np.ndarray | None = None,
    ) -> Self:
        """Learn from rows.

        :param features: shape (n, d), NaN where unknown
        :param targets: shape (n,), usually in [0, 1]
        :param directions: feature -> +1 (its curve never falls), -1 (never rises); free where it is not named
        :param weights: how much each row counts, shape (n,)
        """
        directions = directions or {}
        counts = np.ones(len(features)) if weights is None else np.asarray(weights, dtype=float)
        knots = [_knots(column, self.knots) for column in features.T]
        columns, bounds = [np.ones(len(features))], [(None, None)]
        for name, column, ends in zip(names, features.T, knots, strict=True):
            limits = {1: (0, None), -1: (None, 0)}.get(directions.get(name, 0), (None, None))
            for left, right in pairwise(ends):
                ramp = np.clip((np.nan_to_num(column, nan=left) - left) / (right - left), 0.0, 1.0)
                columns.append(np.where(np.isnan(column), 0.0, ramp))
                bounds.append(limits)
            columns.append(np.isnan(column).astype(float))
            bounds.append((None, None))
        design = np.stack(columns, axis=1)
        learned = _descend(design, np.asarray(targets, dtype=float), counts, bounds, self.ridge, self.most_steps)
        self.model_ = _read_out(names, knots, learned, design, counts)
        return self


def _knots(column: np.ndarray, count: int) -> np.ndarray:
    stated = column[~np.isnan(column)]
    if not len(stated):
        return np.zeros(1)
    return np.unique(np.quantile(stated, np.linspace(0.01, 0.99, count)))


def _descend(
    design: np.ndarray,
    targets: np.ndarray,
    counts: np.ndarray,
    bounds: Sequence[tuple[float | None, float | None]],
    ridge: float,
    most_steps: int,
) -> np.ndarray:
    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = design @ weights
        value = counts @ (np.logaddexp(0.0, odds) - targets * odds) + 0.5 * ridge * weights[1:] @ weights[1:]
        slope = design.T @ (counts * (sigmoid(odds) - targets))
        slope[1:] += ridge * weights[1:]
        return value / len(targets), slope / len(targets)

    start = np.zeros(design.shape[1])
    return minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": most_steps, "ftol": 1e-9}
    ).x


def _read_out(
    names: Sequence[str], knots: Sequence[np.ndarray], learned: np.ndarray, design: np.ndarray, counts: np.ndarray
) -> AdditiveLogistic:
    """Turn weights of ramps into curves; each is counted from its mean, which goes to the intercept."""
    odds, unknown, place, intercept = [], [], 1, float(learned[0])
    for ends in knots:
        rises = learned[place : place + len(ends) - 1]
        curve = np.concatenate([[0.0], np.cumsum(rises)])
        silent = float(learned[place + len(ends) - 1])
        part = design[:, place : place + len(ends)] @ learned[place : place + len(ends)]
        mean = float(np.average(part, weights=counts))
        odds.append(curve - mean)
        unknown.append(silent - mean)
        intercept += mean
        place += len(ends)
    return AdditiveLogistic(names=names, knots=knots, odds=odds, unknown=unknown, intercept=intercept)
