"""Markets to try rankings and allocations on, and how many matches a pair of rankings leads to."""

from dataclasses import dataclass

import numpy as np

from matching.clearing.figures import bottom_tenth, gini


@dataclass(frozen=True)
class Likings:
    """How much the demands like the supplies, and are liked back, 0 to 1, both in the layout (n, m)."""

    demand_likes: np.ndarray
    supply_likes: np.ndarray


def likings(demands: int, supplies: int, *, popularity: float, random_state: int) -> Likings:
    """Return likings that are part taste, part common opinion (the market of Tomita & Yokoyama, RecSys 2024).

    ``popularity`` (their lambda): the share of common opinion, which falls evenly from 1 to 0 over each side.
    """
    rng = np.random.default_rng(random_state)
    own, back = rng.random((demands, supplies)), rng.random((demands, supplies))
    return Likings(
        (1 - popularity) * own + popularity * np.linspace(1, 0, supplies),
        (1 - popularity) * back + popularity * np.linspace(1, 0, demands)[:, None],
    )


@dataclass(frozen=True)
class Outcome:
    """What a pair of rankings leads to: expected matches in all, and how evenly the demands have them."""

    matches: float
    gini: float
    bottom_tenth: float


def outcome(market: Likings, demand_scores: np.ndarray, supply_scores: np.ndarray) -> Outcome:
    """Return what happens if each side sees the other in the order of these scores (n, m), and looks at it as it lies.

    The place r is looked at with chance 1 / r; who is looked at is liked with the chance of the liking; a match needs
    both, independently.
    """
    looked = _looked_at(demand_scores) * market.demand_likes
    looked_back = _looked_at(supply_scores.T).T * market.supply_likes
    matches = (looked * looked_back).sum(axis=1)
    return Outcome(float(matches.sum()), gini(matches), bottom_tenth(matches))


def _looked_at(scores: np.ndarray) -> np.ndarray:
    """Return the chance (n, m) that each row looks at each column: 1 / its place, ties to the smaller column.

    >>> _looked_at(np.array([[0.1, 0.9, 0.5]])).round(2).tolist()
    [[0.33, 1.0, 0.5]]
    """
    places = np.empty(scores.shape)
    np.put_along_axis(places, np.argsort(-scores, axis=1, kind="stable"), np.arange(1, scores.shape[1] + 1)[None], 1)
    return 1 / places


@dataclass(frozen=True)
class Crowd:
    """Demands and supplies with quantities, and how relevant each supply is to each demand, (n, m), 0 to 1."""

    relevance: np.ndarray
    supply_quantity: np.ndarray
    demand_quantity: np.ndarray


def crowd(demands: int, supplies: int, *, popularity: float, random_state: int) -> Crowd:
    """Return lognormal quantities, of equal total on both sides, and relevance that is part common opinion."""
    rng = np.random.default_rng(random_state)
    demand_quantity, supply_quantity = rng.lognormal(3.0, 1.0, demands), rng.lognormal(3.0, 1.0, supplies)
    supply_quantity *= demand_quantity.sum() / supply_quantity.sum()
    relevance = (1 - popularity) * rng.random((demands, supplies)) + popularity * np.linspace(1, 0, supplies)
    return Crowd(relevance, supply_quantity.round(3), demand_quantity.round(3))
