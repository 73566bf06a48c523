"""Learn a scorecard from firms whose end is known: a logistic regression that never goes against a declared sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import minimize
from sklearn.model_selection import StratifiedKFold

from finance.scoring.features import BY_NAME, NAMES
from finance.scoring.measures import calibration, log_loss
from finance.scoring.scorecard import GRADES, Scale, Scorecard, Term

PENALTIES = (1.0, 2.0, 5.0)
COMMON_PENALTY = 3.0  # how firmly the common weight is held near zero: one feature alone seldom triples the odds
BEND = 1.0  # more of one thing brings ever less beyond one standard deviation from the mean
TUNING_FOLDS, TUNING_ROUNDS = 5, 3
CUT = (2.0, 98.0)  # percentiles beyond which a value counts as the edge
DIGITS = 5  # significant ones: more would be noise, and a card is read by people
STEADFAST = 20  # so many defaults until the measured calibration slope counts for half


@dataclass(frozen=True)
class Transform:
    """What was learned of each column before any label was looked at: fill, cut, mean and standard deviation."""

    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def learned(cls, values: np.ndarray, names: Sequence[str]) -> Self:
        scale = np.array([BY_NAME[name].scale for name in names])
        moved = _logged(values, scale)
        low, high = np.nanpercentile(moved, CUT, axis=0)
        inside = np.clip(moved, low, high)
        sd = np.nanstd(inside, axis=0)
        # A column that is the same for all says nothing; its weight stays at nothing whatever the divisor.
        return cls(scale, low, high, np.nanmean(inside, axis=0), np.where(sd > 1e-9, sd, 1.0))

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return standardised and bent values, 0 where unknown; shape as given."""
        moved = np.clip(_logged(values, self.scale), self.low, self.high)
        return BEND * np.tanh(np.nan_to_num((moved - self.mean) / self.sd, nan=0.0) / BEND)


class ScorecardLearner:
    """Fit weights that share a common size, each free to differ, none against its sign.

    Minimises the log-loss plus ``penalty / 2 * sum((s_j w_j - m)^2) + common_penalty / 2 * m^2`` over the intercept, the
    weights ``w`` (in log-odds per standard deviation, with ``s_j w_j >= 0`` for a declared sign ``s_j``) and their common
    size ``m``. With few defaults equal weights foretell nearly as well as the best ones (Dawes 1979, "The robust beauty
    of improper linear models"), so weights are drawn to each other, not to nothing: twins share their weight, which keeps
    reasons stable, and the whole is not made timid by the penalty. Weights of several penalties are averaged, each by its
    cross-validated likelihood inside ``fit`` (their log-odds are linear, so the average is one card); then the log-odds are stretched by the out-of-fold calibration slope, shrunk towards 1.
    """

    def __init__(
        self,
        *,
        names: Sequence[str] = NAMES,
        signs: Mapping[str, int] | None = None,
        penalties: Sequence[float] = PENALTIES,
        common_penalty: float = COMMON_PENALTY,
        rounds: int = TUNING_ROUNDS,
        random_state: int = 0,
    ) -> None:
        """Keep the settings.

        :param names: the features to use, in order
        :param signs: signs other than the declared ones; 0 frees a weight (and draws it to nothing)
        :param penalties: the penalties to average over; one alone is taken as it is
        :param rounds: how often the inner cross-validation is repeated
        """
        self.names = tuple(names)
        self.signs = {name: BY_NAME[name].sign for name in self.names} | dict(signs or {})
        self.penalties = tuple(penalties)
        self.common_penalty = common_penalty
        self.rounds = rounds
        self.random_state = random_state

    def fit(self, values: np.ndarray, labels: np.ndarray, *, seen: np.ndarray | None = None) -> Self:
        """Learn from firms.

        :param values: features in their own units, shape (looks, firms, len(names)) with the look of today first, or
            (firms, len(names)); NaN where unknown
        :param labels: 1 for default, 0 for none, shape (firms,)
        :param seen: which firms each look shows, shape (looks, firms); a firm's looks share its weight of 1
        :raises ValueError: if there are too few of a class to cross-validate
        """
        labels = np.asarray(labels, float)
        values = values if values.ndim == 3 else values[None]
        seen = np.ones(values.shape[:2], bool) if seen is None else seen
        if min(labels.sum(), len(labels) - labels.sum()) < TUNING_FOLDS:
            raise ValueError(
                f"At least {TUNING_FOLDS} defaults and as many sound firms are needed to learn a scorecard."
            )
        outside = self._out_of_fold(values, labels, seen)
        losses = np.array([np.mean([log_loss(labels, _chance(row)) for row in rounds]) for rounds in outside])
        # One penalty picked from few firms is a gamble: each counts by how likely it made the firms left out.
        share = np.exp(-len(labels) * (losses - losses.min()))
        self.shares_ = dict(zip(self.penalties, (share / share.sum()).tolist(), strict=True))
        mixed = np.einsum("p,prn->rn", share / share.sum(), outside)
        measured = np.mean([calibration(labels, _chance(row))[1] for row in mixed])
        trust = labels.sum() / (labels.sum() + STEADFAST)
        self.slope_ = float(np.clip(1 + trust * (measured - 1), 0.67, 1.5))
        rows, outcome, weight = stacked(values, labels, seen)
        self.transform_ = Transform.learned(rows, self.names)
        standardised = self.transform_.apply(rows)
        weights = sum(
            share * self._weights(standardised, outcome, weight, penalty, None)[0][1:]
            for penalty, share in self.shares_.items()
        )
        self.weights_ = self.slope_ * weights
        # Probabilities are of today's look, so the intercept is too.
        self.intercept_ = intercept_for(self.transform_.apply(values[0]) @ self.weights_, labels.mean())
        self.prior_ = float(labels.mean())
        return self

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        return self.transform_.apply(values) @ self.weights_ + self.intercept_

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Return default probabilities as the card states them, shape (firms,)."""
        return np.clip(_chance(self.log_odds(values)), Scale.lowest_pd, Scale.highest_pd)

    def scorecard(self, *, card: dict, scale: Scale | None = None, grades: tuple = GRADES) -> Scorecard:
        """Return what was learned as a card that needs none of this to score."""
        learned = self.transform_
        terms = tuple(
            Term(
                name=name,
                sign=BY_NAME[name].sign,
                scale=float(learned.scale[place]),
                low=readable(float(learned.low[place])),
                high=readable(float(learned.high[place])),
                mean=readable(float(learned.mean[place])),
                sd=readable(float(learned.sd[place])),
                weight=readable(float(self.weights_[place])),
                bend=BEND,
            )
            for place, name in enumerate(self.names)
        )
        return Scorecard(terms, readable(float(self.intercept_)), readable(self.prior_), scale or Scale(), grades, card)

    def _out_of_fold(self, values: np.ndarray, labels: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return log-odds for firms left out, shape (penalties, rounds, firms)."""
        outside = np.empty((len(self.penalties), self.rounds, len(labels)))
        for round_ in range(self.rounds):
            folds = StratifiedKFold(TUNING_FOLDS, shuffle=True, random_state=self.random_state * 101 + round_)
            for inside, left_out in folds.split(labels, labels):
                rows, outcome, weight = stacked(values[:, inside], labels[inside], seen[:, inside])
                transform = Transform.learned(rows, self.names)
                learn, judge = transform.apply(rows), transform.apply(values[0, left_out])
                start = None
                for place in np.argsort(self.penalties)[::-1]:
                    weights, start = self._weights(learn, outcome, weight, self.penalties[place], start)
                    outside[place, round_, left_out] = judge @ weights[1:] + weights[0]
        return outside

    def _weights(
        self,
        standardised: np.ndarray,
        labels: np.ndarray,
        weight: np.ndarray,
        penalty: float,
        start: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (intercept, weights …) and the whole solution to start a similar problem from."""
        signs = np.array([self.signs[name] for name in self.names])
        bound = signs != 0
        turned = standardised * np.where(bound, signs, 1)

        def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
            common, own = point[1], point[2:]
            log_odds = turned @ own + point[0]
            error = weight * (_chance(log_odds) - labels)
            apart = own - np.where(bound, common, 0.0)
            value = np.sum(weight * (np.logaddexp(0, log_odds) - labels * log_odds))
            value += penalty / 2 * np.sum(apart**2) + self.common_penalty / 2 * common**2
            steepness = np.empty_like(point)
            steepness[0] = error.sum()
            steepness[1] = self.common_penalty * common - penalty * np.sum(apart[bound])
            steepness[2:] = turned.T @ error + penalty * apart
            return value, steepness

        if start is None:
            rate = np.average(labels, weights=weight)
            start = np.concatenate([[np.log(rate / (1 - rate))], np.full(len(signs) + 1, 0.3)])
        found = minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(None, None), (0, None), *((0, None) if one else (None, None) for one in bound)],
            options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8},
        )
        return np.concatenate([found.x[:1], found.x[2:] * np.where(bound, signs, 1)]), found.x


def stacked(values: np.ndarray, labels: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, outcomes and weights of all looks at all firms."""
    share = seen / np.maximum(seen.sum(axis=0), 1)
    return values[seen], np.broadcast_to(labels, seen.shape)[seen], share[seen]


def _logged(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.where(scale > 0, np.log1p(values / np.where(scale > 0, scale, 1.0)), values)


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))


def readable(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def intercept_for(without: np.ndarray, rate: float) -> float:
    """Return the intercept at which the mean probability is this rate (bisection: the mean rises with it)."""
    low, high = -60.0, 60.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _chance(without + middle).mean() < rate else (low, middle)
    return (low + high) / 2
