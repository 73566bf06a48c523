"""What firms that were refused would have done: several answers side by side, as a range and with doubt.

Nobody knows the end of a loan that was not given. Accept-only learning ignores the refused; fuzzy augmentation takes them
in as partly good and partly bad by its own forecast; parcelling gives them, band by band, a rate so many times worse than
that of accepted firms (Siddiqi 2017, "Intelligent Credit Scoring", chapter 8). What differs between them is assumption,
not knowledge. Where the methods disagree, only a small, capped band of loans given to learn ("explore") can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from finance.scoring.measures import auc, both_classes

PENALTY = 0.05
BANDS = 5
# How many times worse refused firms of a band are taken to be than accepted ones of the same band.
WORSE = (1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Inferred:
    """One method's answer: the rate of bad firms among the refused, and what it says of each firm (refused last)."""

    method: str
    refused_rate: float
    chances: np.ndarray

    def to_dict(self) -> dict:
        return {"method": self.method, "refused_rate": round(self.refused_rate, 6)}


def infer(accepted: np.ndarray, labels: np.ndarray, refused: np.ndarray) -> list[Inferred]:
    """Return what each method says of the refused.

    :param accepted: features of accepted firms, standardised, shape (n, f)
    :param labels: 1 where an accepted firm went bad, shape (n,)
    :param refused: features of refused firms on the same scale, shape (m, f)
    :raises ValueError: if accepted firms are all good or all bad, or there is nobody refused
    """
    if not both_classes(labels) or not len(refused):
        raise ValueError("Needed are accepted firms, good and bad ones, and refused ones.")
    everybody = np.vstack([accepted, refused])
    known = _fit(accepted, labels, np.ones(len(labels)))
    alone = _chances(known, everybody)
    found = [_inferred("accept_only", alone, len(labels)), _fuzzy(accepted, labels, refused, alone)]
    found += [_parcelled(accepted, labels, refused, alone, worse) for worse in WORSE]
    return found


def _fuzzy(accepted: np.ndarray, labels: np.ndarray, refused: np.ndarray, alone: np.ndarray) -> Inferred:
    """Take each refused firm in twice: as bad with the weight of its forecast, as good with the rest."""
    forecast = alone[len(labels) :]
    rows = np.vstack([accepted, refused, refused])
    outcomes = np.concatenate([labels, np.ones(len(refused)), np.zeros(len(refused))])
    weights = np.concatenate([np.ones(len(labels)), forecast, 1 - forecast])
    learned = _fit(rows, outcomes, weights)
    return _inferred("fuzzy", _chances(learned, np.vstack([accepted, refused])), len(labels))


def _parcelled(
    accepted: np.ndarray, labels: np.ndarray, refused: np.ndarray, alone: np.ndarray, worse: float
) -> Inferred:
    """Give the refused of each band of the forecast the rate of its accepted firms, so many times over."""
    forecast = alone[len(labels) :]
    edges = np.quantile(alone, np.linspace(0, 1, BANDS + 1)[1:-1])
    of_accepted, of_refused = np.searchsorted(edges, alone[: len(labels)]), np.searchsorted(edges, forecast)
    rates = forecast.copy()
    for band in np.unique(of_refused):
        mine = of_accepted == band
        # A band without accepted firms has only the forecast to go by.
        rate = labels[mine].mean() if mine.any() else forecast[of_refused == band].mean()
        rates[of_refused == band] = min(1.0, worse * rate)
    rows = np.vstack([accepted, refused, refused])
    outcomes = np.concatenate([labels, np.ones(len(refused)), np.zeros(len(refused))])
    learned = _fit(rows, outcomes, np.concatenate([np.ones(len(labels)), rates, 1 - rates]))
    chances = _chances(learned, np.vstack([accepted, refused]))
    return Inferred(f"parcelled_{worse:g}", float(rates.mean()), chances)


def _inferred(method: str, chances: np.ndarray, accepted: int) -> Inferred:
    return Inferred(method, float(chances[accepted:].mean()), chances)


def _fit(rows: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    design = np.column_stack([np.ones(len(rows)), rows])
    total = weights.sum()

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        odds = design @ beta
        gradient = design.T @ (weights * (1 / (1 + np.exp(-odds)) - labels)) / total
        gradient[1:] += PENALTY * beta[1:]
        value = weights @ (np.logaddexp(0, odds) - labels * odds) / total + PENALTY / 2 * beta[1:] @ beta[1:]
        return float(value), gradient

    return minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x


def _chances(beta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(beta[0] + rows @ beta[1:])))


def judge(features: np.ndarray, labels: np.ndarray, refused: np.ndarray, *, names: Sequence[str] = ()) -> dict:
    """Return each method's answer beside the truth, where the ends of the refused firms are known and were only hidden.

    :param features: of all firms, shape (n, f); standardised here by the accepted alone
    :param labels: 1 where a firm went bad, known of all
    :param refused: which firms are played to have been refused, shape (n,)
    """
    accepted = ~refused
    mean, scale = features[accepted].mean(axis=0), features[accepted].std(axis=0)
    rows = (features - mean) / np.where(scale > 1e-9, scale, 1.0)
    found = infer(rows[accepted], labels[accepted], rows[refused])
    order = np.concatenate([labels[accepted], labels[refused]])
    rates = [one.refused_rate for one in found]
    return {
        "features": list(names),
        "accepted": int(accepted.sum()),
        "refused": int(refused.sum()),
        "true_rate_of_refused": round(float(labels[refused].mean()), 6),
        "range": [round(min(rates), 6), round(max(rates), 6)],
        "methods": [{**one.to_dict(), "auc_of_all": round(auc(order, one.chances), 6)} for one in found],
    }
