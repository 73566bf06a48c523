"""How often a place in a list is looked at, learned from matches that stood in several places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import minimize

# Places are taken together where few look: 1, 2, 3, 4, 5, 6–7, 8–10, 11–15, …; the last is open.
FIRST_PLACES = (1, 2, 3, 4, 5, 6, 8, 11, 16, 21, 31, 51)
# Where nothing was observed, the chance of being looked at falls like 1 / place.
USUAL_STEEPNESS, USUAL_WEIGHT = 1.0, 1.0
# How strongly the curve is drawn to place ** -steepness: as if so many matches had been seen to follow it.
SMOOTHING = 10.0
# A weight stands for at most so many: beyond, it would add more noise than it takes away bias.
LARGEST_WEIGHT = 10.0
DRAWS = 60

# Of one match in one side's lists: where it stood, and whether it was acted on that day.
Shows = Sequence[tuple[int, bool]]


@dataclass(frozen=True)
class PositionCurve:
    """Chances of being looked at, against those of the first place; ``low`` and ``high`` are a 95 % interval.

    ``observed`` says how many matches that moved stand behind each; ``steepness`` is of the power law that fits best.
    """

    chances: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    observed: tuple[int, ...]
    steepness: float
    steepness_low: float
    steepness_high: float

    def at(self, position: int | None) -> float:
        """Return the chance at a place, from 1; who was told of a match by a message is taken to have looked."""
        return 1.0 if position is None else self.chances[bucket_of(position)]

    def seen(self, positions: Sequence[int | None]) -> float:
        """Return the chance of being looked at in at least one of these places.

        >>> round(power_law(1.0).seen([2, 2]), 2)
        0.75
        """
        return 1.0 - float(np.prod([1.0 - self.at(position) for position in positions]))

    def weight(self, positions: Sequence[int | None]) -> float:
        """Return what one act in these places stands for: 1 / chance of being looked at, clipped."""
        return min(LARGEST_WEIGHT, 1.0 / max(self.seen(positions), 1e-9))

    def to_dict(self) -> dict:
        return {
            "first_places": list(FIRST_PLACES),
            "chances": [round(value, 5) for value in self.chances],
            "low": [round(value, 5) for value in self.low],
            "high": [round(value, 5) for value in self.high],
            "observed": list(self.observed),
            "steepness": round(self.steepness, 4),
            "steepness_interval": [round(self.steepness_low, 4), round(self.steepness_high, 4)],
        }

    @classmethod
    def from_dict(cls, document: Mapping) -> Self:
        low, high = document["steepness_interval"]
        values = {name: tuple(document[name]) for name in ("chances", "low", "high", "observed")}
        return cls(**values, steepness=document["steepness"], steepness_low=low, steepness_high=high)


def bucket_of(position: int) -> int:
    """Return which group of places this one belongs to.

    >>> [bucket_of(position) for position in (1, 7, 8, 1000)]
    [0, 5, 6, 11]
    """
    return int(np.searchsorted(FIRST_PLACES, position, side="right")) - 1


def middle_places() -> np.ndarray:
    """Return a place that stands for each group: the geometric mean of its ends."""
    ends = np.array([*FIRST_PLACES[1:], 2 * FIRST_PLACES[-1]]) - 1
    return np.sqrt(np.array(FIRST_PLACES) * ends)


def power_law(steepness: float) -> PositionCurve:
    """Return the curve place ** -steepness, for where nothing was observed."""
    chances = tuple(float(value) for value in middle_places() ** -steepness)
    return PositionCurve(chances, chances, chances, (0,) * len(chances), steepness, steepness, steepness)


def learn_propensities(shows: Sequence[Shows], *, random_state: int = 0, draws: int = DRAWS) -> PositionCurve:
    """Learn the curve from what was acted on, by intervention harvesting.

    A match that stood in two groups of places (other days, other rankers) tells how much less the lower one is looked
    at, as it is itself the same. For each two groups the matches that stood in both share one relevance, and the curve
    that makes the acts likeliest is taken (AllPairs of Agarwal et al., WSDM 2019), drawn to a power law where few matches
    moved. The interval is of a bootstrap over matches.

    >>> learn_propensities([[(1, True), (3, False)]], draws=2).at(1)
    1.0
    """
    acts, counts, owners = _harvest(shows)
    everyone = np.ones(owners.max(initial=-1) + 1)
    chances, steepness = _fit(*_tables(acts, counts, owners, everyone))
    random = np.random.default_rng(random_state)
    drawn = []
    for _ in range(draws if len(everyone) else 0):
        times = np.bincount(random.integers(0, len(everyone), len(everyone)), minlength=len(everyone)).astype(float)
        drawn.append(_fit(*_tables(acts, counts, owners, times)))
    curves = np.array([curve for curve, _ in drawn] or [chances])
    steeps = np.array([steep for _, steep in drawn] or [steepness])
    low, high = np.quantile(curves, [0.025, 0.975], axis=0)
    groups = np.array(sorted({(owner, one) for owner, one in zip(owners, counts[:, 0], strict=True)}), dtype=int)
    observed = np.bincount(groups[:, 1] if len(groups) else [], minlength=len(FIRST_PLACES))
    return PositionCurve(
        tuple(map(float, chances)),
        tuple(map(float, low)),
        tuple(map(float, high)),
        tuple(map(int, observed)),
        float(steepness),
        *(float(end) for end in np.quantile(steeps, [0.025, 0.975])),
    )


def _harvest(shows: Sequence[Shows]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each match and each ordered two of its groups, the share of acts in the first; (groups); the match."""
    acts, groups, owners = [], [], []
    for owner, one in enumerate(_moved(shows)):
        for first, share in one.items():
            for second in one:
                if first != second:
                    acts.append(share)
                    groups.append((first, second))
                    owners.append(owner)
    return np.array(acts, dtype=float), np.array(groups, dtype=int).reshape(-1, 2), np.array(owners, dtype=int)


def _moved(shows: Sequence[Shows]) -> list[dict[int, float]]:
    """Return the share of acts per group of places, of the matches that stood in two or more."""
    moved = []
    for one in shows:
        found: dict[int, list[bool]] = {}
        for position, is_acted_on in one:
            found.setdefault(bucket_of(position), []).append(is_acted_on)
        if len(found) > 1:
            moved.append({group: sum(acted) / len(acted) for group, acted in found.items()})
    return moved


def _tables(
    acts: np.ndarray, groups: np.ndarray, owners: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return acts and matches per ordered two groups, both of shape (groups, groups), each match so many times."""
    size = len(FIRST_PLACES)
    cells = groups[:, 0] * size + groups[:, 1]
    counted = times[owners]
    return (
        np.bincount(cells, counted * acts, size * size).reshape(size, size),
        np.bincount(cells, counted, size * size).reshape(size, size),
    )


def _fit(acts: np.ndarray, matches: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the curve and the steepness under which the acts are likeliest."""
    size, places = len(FIRST_PLACES), np.log(middle_places())
    upper = np.triu_indices(size, 1)

    def split(values: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        falls, steepness = np.concatenate([[0.0], values[: size - 1]]), values[size - 1]
        relevance = np.zeros((size, size))
        relevance[upper] = values[size:]
        return falls, steepness, relevance + relevance.T

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        falls, steepness, relevance = split(values)
        # log of (chance of being looked at) × (chance of an act once looked at), never above 0.
        logs = np.minimum(falls[:, None] - np.logaddexp(0.0, -relevance), -1e-6)
        chance = np.exp(logs)
        residual = acts - (matches - acts) * chance / (1 - chance)
        value = -(acts * logs + (matches - acts) * np.log1p(-chance)).sum()
        bend = falls + steepness * places
        value += SMOOTHING * (bend[1:] ** 2).sum() + USUAL_WEIGHT * (steepness - USUAL_STEEPNESS) ** 2
        by_fall = -residual.sum(axis=1)[1:] + 2 * SMOOTHING * bend[1:]
        by_steepness = 2 * SMOOTHING * bend[1:] @ places[1:] + 2 * USUAL_WEIGHT * (steepness - USUAL_STEEPNESS)
        slope = -residual / (1 + np.exp(relevance))
        by_relevance = (slope + slope.T)[upper]
        return value, np.concatenate([by_fall, [by_steepness], by_relevance])

    start = np.concatenate([-USUAL_STEEPNESS * places[1:], [USUAL_STEEPNESS], np.zeros(len(upper[0]))])
    bounds = [(-8.0, 0.0)] * (size - 1) + [(0.0, 4.0)] + [(-12.0, 12.0)] * len(upper[0])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    falls, steepness, _relevance = split(found.x)
    return np.exp(falls), float(steepness)
