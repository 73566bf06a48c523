"""How likely an invoice is to be paid late, said on the day it is issued, from what its payer paid before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

# A record of few invoices is drawn towards the mean of all payers as if so many more had been seen.
PRIOR_INVOICES = 3.0
# The mean of all payers is itself drawn towards what is usual, until this many invoices were settled.
USUAL_LATE, USUAL_DAYS, USUAL_SPREAD, USUAL_LATENESS, PRIOR_POPULATION = 0.35, -3.0, 10.0, 3.5, 10.0
# Days squared: how far apart one payer's settlements lie, before they are seen.
OWN_VARIANCE, PRIOR_VARIANCE = 60.0, 4.0
SMALLEST = 1e-3

# +1: the more of it, the likelier late (the fit may not turn it round); 0: either way.
DIRECTIONS: dict[str, int] = {
    "timing": 1,
    "late_share": 1,
    "late_share_alike": 1,
    "lateness": 1,
    "electronic": -1,
    "amount": 0,
}
FEATURES: tuple[str, ...] = tuple(DIRECTIONS)


@dataclass(frozen=True)
class Invoices:
    """Invoices, one per row, all arrays of shape (n,).

    ``payer`` names who pays (integers); days count from any day; ``settled`` is NaN while unpaid; ``electronic`` is 1,
    0, or NaN where it is not known how the invoice was sent; ``amount`` is positive, in one currency.
    """

    payer: np.ndarray
    issued: np.ndarray
    due: np.ndarray
    settled: np.ndarray
    amount: np.ndarray
    electronic: np.ndarray

    def __len__(self) -> int:
        return len(self.payer)

    def late(self) -> np.ndarray:
        """Return 1 where the invoice was settled after its due day, else 0."""
        return (self.settled > self.due).astype(float)

    def take(self, rows: np.ndarray) -> "Invoices":
        return Invoices(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Settled:
    """What was settled before a day: days after due (negative: early), late or not, and how it was sent."""

    days: np.ndarray
    late: np.ndarray
    electronic: np.ndarray
    amount: np.ndarray


def features_of(asked: Invoices, history: Invoices) -> np.ndarray:
    """Return what was known on the day each asked invoice was issued, shape (len(asked), len(FEATURES)).

    Only invoices of ``history`` settled on an earlier day are looked at, so an invoice may stand in both: whether it
    was paid late never reaches its own row.

    >>> day = np.array([0.0, 40.0])
    >>> invoices = Invoices(np.array([1, 1]), day, day + 30, np.array([35.0, np.nan]), np.ones(2), np.zeros(2))
    >>> rows = features_of(invoices, invoices)
    >>> bool(rows[1, 1] > rows[0, 1])  # the second is issued after the first was settled five days late
    True
    """
    done = np.flatnonzero(~np.isnan(history.settled))
    # In the order of settling; of one day, in the order of the payers and rows, so that the input's order is nothing.
    done = done[np.lexsort((history.amount[done], history.issued[done], history.payer[done], history.settled[done]))]
    known = history.take(done)
    days, late = known.settled - known.due, known.late()
    all_of = _Settled(days, late, known.electronic, np.log(known.amount))
    places = {payer: np.flatnonzero(known.payer == payer) for payer in np.unique(known.payer)}
    nowhere = np.array([], dtype=int)
    rows = np.empty((len(asked), len(FEATURES)))
    for row in range(len(asked)):
        before = int(np.searchsorted(known.settled, asked.issued[row], side="left"))
        own = places.get(asked.payer[row], nowhere)
        own = own[: int(np.searchsorted(own, before, side="left"))]
        rows[row] = _row(_cut(all_of, slice(0, before)), _cut(all_of, own), asked.amount[row], asked.electronic[row])
    return rows


def _cut(settled: _Settled, rows: slice | np.ndarray) -> _Settled:
    return _Settled(*(getattr(settled, name)[rows] for name in settled.__dataclass_fields__))


def _row(everyone: _Settled, own: _Settled, amount: float, electronic: float) -> list[float]:
    base = _drawn(everyone.late, USUAL_LATE, PRIOR_POPULATION)
    days = _drawn(everyone.days, USUAL_DAYS, PRIOR_POPULATION)
    lateness = _drawn(np.maximum(everyone.days, 0), USUAL_LATENESS, PRIOR_POPULATION)
    spread = everyone.days.std() if len(everyone.days) > PRIOR_POPULATION else USUAL_SPREAD
    # An invoice whose way of sending is not known is compared with all.
    like_all, like_own = _alike(everyone, electronic), _alike(own, electronic)
    base_alike = _drawn(everyone.late[like_all], base, PRIOR_POPULATION)
    usual_amount = everyone.amount.mean() if len(everyone.amount) else np.log(amount)
    return [
        _timing(own.days, days, spread),
        _log_odds(_drawn(own.late, base, PRIOR_INVOICES)),
        _log_odds(_drawn(own.late[like_own], base_alike, PRIOR_INVOICES)),
        _drawn(np.maximum(own.days, 0), lateness, PRIOR_INVOICES),
        0.0 if np.isnan(electronic) else electronic - 0.5,
        float(np.log(amount) - usual_amount),
    ]


def _alike(settled: _Settled, electronic: float) -> np.ndarray:
    return np.full(len(settled.late), True) if np.isnan(electronic) else settled.electronic == electronic


def _drawn(values: np.ndarray, towards: float, weight: float) -> float:
    """Return the mean as if so many values more had been seen at ``towards``."""
    return float((values.sum() + weight * towards) / (len(values) + weight))


def _timing(days: np.ndarray, usual: float, spread: float) -> float:
    """Return how many of the payer's own standard deviations its usual day of settling lies after the due day.

    The deviation holds the spread within the payer, and how little is known of its mean where its record is short.
    """
    weight = 2.0
    mean = _drawn(days, usual, weight)
    own = (((days - mean) ** 2).sum() + PRIOR_VARIANCE * OWN_VARIANCE) / (len(days) + PRIOR_VARIANCE)
    unknown = weight / (len(days) + weight)
    # Late begins the day after the due day: half a day stands between.
    return float((mean - 0.5) / np.sqrt(own * (1 + 1 / (len(days) + weight)) + unknown * spread**2))


def _log_odds(share: float) -> float:
    share = min(max(share, SMALLEST), 1 - SMALLEST)
    return float(np.log(share / (1 - share)))


@dataclass(frozen=True)
class LatePayment:
    """A logistic model of ``FEATURES``: standardised by ``means`` and ``scales``, weighed, added to ``intercept``."""

    means: np.ndarray
    scales: np.ndarray
    weights: np.ndarray
    intercept: float
    card: Mapping = field(default_factory=dict)

    def chances(self, features: np.ndarray) -> np.ndarray:
        """Return the chance that each invoice is paid after its due day, shape (n,)."""
        return 1 / (1 + np.exp(-(self.intercept + self.contributions(features).sum(axis=1))))

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the log-odds, shape (n, len(FEATURES)); with the intercept they sum to it."""
        return (features - self.means) / self.scales * self.weights

    @property
    def version(self) -> str:
        """Return the start of the hash of what it weighs."""
        return hashlib.sha256(json.dumps(self._learned(), sort_keys=True).encode()).hexdigest()[:12]

    def _learned(self) -> dict:
        return {
            "features": list(FEATURES),
            "means": [float(value) for value in self.means],
            "scales": [float(value) for value in self.scales],
            "weights": [float(value) for value in self.weights],
            "intercept": float(self.intercept),
        }

    def to_dict(self) -> dict:
        return {**self._learned(), "version": self.version, "card": dict(self.card)}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the model of this file.

        :raises ValueError: if it was learned on other features than ours, or was changed since
        """
        document = json.loads(path.read_text(encoding="utf-8"))
        if tuple(document["features"]) != FEATURES:
            raise ValueError(f"{path.name} was learned on other features.")
        arrays = (np.array(document[name], float) for name in ("means", "scales", "weights"))
        model = cls(*arrays, document["intercept"], document.get("card", {}))
        if model.version != document["version"]:
            raise ValueError(f"{path.name} does not hold what its version says.")
        return model
