"""How surely a supplier will deliver what is ordered next, from what it delivered of earlier orders."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from matching.ranking.additive import AdditiveLogistic

# Half-lives in orders: what was delivered of late, and what has been for long.
HALF_LIVES = (1.5, 5.0, 15.0, 50.0)
# A record of few orders is drawn towards the mean of all firms as if so many more had been seen.
PRIOR_ORDERS = 3.0
# Orders whose sizes differ by this factor's logarithm are somewhat alike; how like is a bell curve of it.
ALIKE, ALIKE_HALF_LIFE, PRIOR_ALIKE = 0.4, 25.0, 2.0
USUAL_ORDERS, CAPACITY_HALF_LIFE = 30, 8.0
# Of the usual order: what stands for nothing where a logarithm is taken.
NEXT_TO_NOTHING = 0.01

DIRECTIONS: dict[str, int] = {
    **{f"fill_{half_life:g}": 1 for half_life in HALF_LIVES},
    **{f"full_{half_life:g}": 1 for half_life in HALF_LIVES},
    **{f"none_{half_life:g}": -1 for half_life in HALF_LIVES},
    "last": 1,
    "streak": 1,
    "volatility": 0,
    "size": 0,
    "size_to_last": 0,
    "capacity": 1,
    "largest": 1,
    "alike_fill": 1,
    "alike_full": 1,
    "alike_count": 0,
    "gap": 0,
    "total": 1,
    "orders": 0,
}
FEATURES: tuple[str, ...] = tuple(DIRECTIONS)


@dataclass(frozen=True)
class Record:
    """A firm's past orders, oldest first: how large each was, which part of it came (0 to 1), and when.

    ``ordered`` are positive numbers in any unit that all have in common; ``days`` count from any day.
    """

    ordered: np.ndarray
    filled: np.ndarray
    days: np.ndarray

    def before(self, count: int) -> "Record":
        """Return the record as it was before the order of that number."""
        return Record(self.ordered[:count], self.filled[:count], self.days[:count])


@dataclass(frozen=True, slots=True)
class Population:
    """What all firms together delivered: the mean share, and the share of orders that came in full."""

    fill: float
    full: float


def record_features(record: Record, *, ordered: float | None, day: float, population: Population) -> np.ndarray:
    """Return what the record says of the next order, shape (len(FEATURES),), columns as FEATURES.

    :param ordered: size of the next order in the record's unit, None where it is not known
    :param day: when it is ordered
    """
    count = len(record.ordered)
    values = dict.fromkeys(FEATURES, np.nan)
    if not count:
        return np.array(list(values.values()))
    full, ages = (record.filled >= 1.0).astype(float), np.arange(count)[::-1]
    for half_life in HALF_LIVES:
        fading = 0.5 ** (ages / half_life)
        for name, said, prior in (
            ("fill", record.filled, population.fill),
            ("full", full, population.full),
            ("none", (record.filled <= 0.0).astype(float), max(0.0, 1.0 - population.fill) / 2),
        ):
            drawn = fading @ said + PRIOR_ORDERS * prior
            values[f"{name}_{half_life:g}"] = drawn / (fading.sum() + PRIOR_ORDERS)
    values["last"] = record.filled[-1]
    values["streak"] = _streak(full)
    values["volatility"] = record.filled.std() if count > 1 else np.nan
    values["gap"] = np.log(max(1.0, day - record.days[-1]))
    values["total"] = (record.ordered @ record.filled) / record.ordered.sum()
    values["orders"] = np.log1p(count)
    if ordered:
        values |= _sizes(record, full, ages, ordered, population)
    return np.array([values[name] for name in FEATURES])


def _streak(full: np.ndarray) -> float:
    """Return log(1 + n) of the n orders in full at the end of the record, or minus that of those not in full."""
    changes = np.flatnonzero(full != full[-1])
    length = len(full) - 1 - (changes[-1] if len(changes) else -1)
    return float(np.log1p(length) * (1 if full[-1] else -1))


def _sizes(
    record: Record, full: np.ndarray, ages: np.ndarray, ordered: float, population: Population
) -> dict[str, float]:
    usual = float(np.exp(np.log(record.ordered[-USUAL_ORDERS:]).mean()))
    supplied, nothing = record.ordered * record.filled, NEXT_TO_NOTHING * usual
    fading = 0.5 ** (ages / CAPACITY_HALF_LIFE)
    alike = np.exp(-0.5 * (np.log(record.ordered / ordered) / ALIKE) ** 2) * 0.5 ** (ages / ALIKE_HALF_LIFE)
    return {
        "size": np.log(ordered / usual),
        "size_to_last": np.log(ordered / record.ordered[-1]),
        "capacity": np.log((fading @ supplied / fading.sum() + nothing) / ordered),
        "largest": np.log((supplied.max() + nothing) / ordered),
        "alike_fill": (alike @ record.filled + PRIOR_ALIKE * population.fill) / (alike.sum() + PRIOR_ALIKE),
        "alike_full": (alike @ full + PRIOR_ALIKE * population.full) / (alike.sum() + PRIOR_ALIKE),
        "alike_count": np.log1p(alike.sum()),
    }


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of a next order: the share that is expected to come, and the chance that all of it does."""

    fill: float
    full: float
    orders: int


class Reliability:
    """Forecast what a supplier will deliver of its next order."""

    def __init__(self, *, fill: AdditiveLogistic, full: AdditiveLogistic, card: Mapping | None = None) -> None:
        self.fill = fill
        self.full = full
        self.card = dict(card or {})

    def forecast(self, record: Record, *, ordered: float | None, day: float, population: Population) -> Forecast:
        """Return the forecast; a short record leaves it near what all firms deliver."""
        features = record_features(record, ordered=ordered, day=day, population=population)[None]
        fill, full = self.forecasts(features, np.array([len(record.ordered)]), population)
        return Forecast(float(fill[0]), float(full[0]), len(record.ordered))

    def forecasts(
        self, features: np.ndarray, orders: np.ndarray, population: Population
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the expected share and the chance of all of it for rows of ``record_features``, both of shape (n,)."""
        own = orders / (orders + 1.0)
        return (
            own * self.fill.chances(features) + (1 - own) * population.fill,
            own * self.full.chances(features) + (1 - own) * population.full,
        )

    @property
    def version(self) -> str:
        return self.full.version

    def to_dict(self) -> dict:
        return {"fill": self.fill.to_dict(), "full": self.full.to_dict(), "card": self.card}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the model of this file.

        :raises ValueError: if it was learned on other features than ours
        """
        document = json.loads(path.read_text(encoding="utf-8"))
        parts = {name: AdditiveLogistic.from_dict(document[name], names=FEATURES) for name in ("fill", "full")}
        return cls(**parts, card=document.get("card"))


# What is expected of firms of which nothing is known yet, and how many orders that is worth.
EXPECTED, EXPECTED_WEIGHT = Population(fill=0.95, full=0.9), 20.0


def population_of(*, fills: float, fulls: float, orders: int) -> Population:
    """Return what so many orders of all firms say, drawn towards what is expected where they are few.

    :param fills: sum of the shares that came
    :param fulls: how many came in full

    >>> population_of(fills=20.0, fulls=20, orders=20)
    Population(fill=0.975, full=0.95)
    """
    total = orders + EXPECTED_WEIGHT
    return Population(
        float((fills + EXPECTED_WEIGHT * EXPECTED.fill) / total),
        float((fulls + EXPECTED_WEIGHT * EXPECTED.full) / total),
    )
