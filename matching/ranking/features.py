"""What the ranker looks at in a pair: one row of numbers per candidate, NaN where a side does not say."""

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np

from marketplace.parsing.places import distance_km
from marketplace.parsing.units import convert, same_dimension
from matching.ranking.agreement import Agreement, attribute_agreements
from matching.ranking.facts import ListingFacts

UNKNOWN = math.nan

# Name -> does more of it make a match better (+1) or worse (-1)? The learned shapes must keep to it.
DIRECTIONS: dict[str, int] = {
    "embedding": 1,
    "keyword": 1,
    "fused": 1,
    "category": 1,
    "attributes": 1,
    "attributes_unknown": -1,
    "price": 1,
    "quantity": 1,
    "distance": -1,
    "slack": 1,
    "on_time": 1,
    "deliveries": 1,
}
FEATURES: tuple[str, ...] = tuple(DIRECTIONS)
TEXT_FEATURES: tuple[str, ...] = FEATURES[:3]

# A record of few deliveries is drawn towards this rate as if so many more had been seen.
PRIOR_ON_TIME_RATE, PRIOR_DELIVERIES = 0.9, 5


def pair_features(
    query: ListingFacts,
    candidates: Sequence[ListingFacts],
    *,
    keyword: np.ndarray,
    embedding: np.ndarray,
    fused: np.ndarray,
    today: date,
) -> np.ndarray:
    """Return the features of the query with each candidate.

    :param keyword: share of the query's words that each candidate has, by BM25, in [0, 1], shape (n,)
    :param embedding: cosine of the two texts, shape (n,)
    :param fused: score of the tuned fusion, shape (n,)
    :return: float64 array of shape (n, len(FEATURES)), columns as FEATURES, NaN where nothing can be said
    """
    rows = np.full((len(candidates), len(FEATURES)), UNKNOWN)
    if not len(candidates):
        return rows
    rows[:, 0] = embedding
    rows[:, 1] = keyword
    rows[:, 2] = fused
    for row, candidate in zip(rows, candidates, strict=True):
        supply, demand = (query, candidate) if query.side == "supply" else (candidate, query)
        row[3] = category_closeness(supply, demand)
        row[4:6] = attribute_shares(attribute_agreements(supply, demand))
        row[6] = price_room(supply, demand)
        row[7] = quantity_cover(supply, demand)
        row[8] = distance(supply, demand)
        row[9] = slack_days(supply, demand, today)
        row[10:12] = record(supply)
    return rows


def category_closeness(supply: ListingFacts, demand: ListingFacts) -> float:
    """Return 1 for the same category, 0.7 where one lies under the other, 0.4 in one family, else 0.

    >>> ball = ListingFacts(id=1, organisation=1, side="supply", text="", category="valve.ball", family="valve")
    >>> gate = ListingFacts(id=2, organisation=2, side="demand", text="", category="valve.gate", family="valve")
    >>> category_closeness(ball, gate)
    0.4
    """
    if not supply.category or not demand.category:
        return UNKNOWN
    if supply.category == demand.category:
        return 1.0
    if supply.category in demand.ancestors or demand.category in supply.ancestors:
        return 0.7
    return 0.4 if supply.family and supply.family == demand.family else 0.0


def attribute_shares(agreements: Sequence[Agreement]) -> tuple[float, float]:
    """Return the share of the demand's attributes that the supply meets, and the share on which it is silent."""
    if not agreements:
        return UNKNOWN, UNKNOWN
    met = sum(agreement.is_met is True for agreement in agreements)
    silent = sum(agreement.is_met is None for agreement in agreements)
    return met / len(agreements), silent / len(agreements)


def _in_demand_terms(supply: ListingFacts, demand: ListingFacts) -> Callable[[float], float] | None:
    """Return what turns a price per the supply's unit into one per the demand's, or None if nothing does."""
    if supply.currency != demand.currency:
        return None
    ours, theirs = supply.price_unit or supply.unit, demand.price_unit or demand.unit
    if ours == theirs or not ours or not theirs:
        return lambda price: price
    if not same_dimension(ours, theirs):
        return None
    return lambda price: price * convert(1.0, theirs, ours)


def price_room(supply: ListingFacts, demand: ListingFacts) -> float:
    """Return how far the supply's lowest price lies under the most the demand pays, as a share of the latter.

    0.1 means ten percent of room, negative means too dear; cut to [-1, 1].
    """
    asked = supply.price_min if supply.price_min is not None else supply.price_max
    paid = demand.price_max if demand.price_max is not None else demand.price_min
    turn = _in_demand_terms(supply, demand)
    if asked is None or not paid or turn is None:
        return UNKNOWN
    return max(-1.0, min(1.0, (float(paid) - turn(float(asked))) / float(paid)))


def quantity_cover(supply: ListingFacts, demand: ListingFacts) -> float:
    """Return the part of the demanded quantity that the supply has, at most 2."""
    if supply.quantity is None or not demand.quantity:
        return UNKNOWN
    offered = float(supply.quantity)
    if supply.unit != demand.unit:
        if not supply.unit or not demand.unit or not same_dimension(supply.unit, demand.unit):
            return UNKNOWN
        offered = convert(offered, supply.unit, demand.unit)
    return min(2.0, offered / float(demand.quantity))


def distance(supply: ListingFacts, demand: ListingFacts) -> float:
    """Return the kilometres between where the supply ships from and where the demand wants it."""
    if not supply.region or not demand.region:
        return UNKNOWN
    kilometres = distance_km(supply.region, demand.region)
    return UNKNOWN if kilometres is None else float(kilometres)


def slack_days(supply: ListingFacts, demand: ListingFacts, today: date) -> float:
    """Return the days between the earliest the supply can be there and the latest the demand allows, within ±60."""
    if demand.window_end is None or (supply.lead_days is None and supply.window_start is None):
        return UNKNOWN
    earliest = max(supply.window_start or today, today) + timedelta(days=supply.lead_days or 0)
    return float(max(-60, min(60, (demand.window_end - earliest).days)))


def record(supply: ListingFacts) -> tuple[float, float]:
    """Return the supply's on-time rate, drawn to the prior where deliveries are few, and log(1 + deliveries)."""
    if supply.on_time_rate is None:
        return UNKNOWN, UNKNOWN
    on_time = supply.on_time_rate * supply.deliveries + PRIOR_ON_TIME_RATE * PRIOR_DELIVERIES
    return on_time / (supply.deliveries + PRIOR_DELIVERIES), math.log1p(supply.deliveries)
