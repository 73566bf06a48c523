"""A market cleared at every stop of the dial: relevance alone, then the best fill, then the fairest."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

import numpy as np
from django.db import transaction
from scipy import sparse

from matching.clearing.allocation import Clearing, clear
from matching.clearing.figures import gini
from matching.clearing.lists import CandidateLists, candidate_lists
from matching.clearing.market import Market
from matching.models import MarketPoint, MarketProposal
from matching.models.market_proposal import DIALS, FILL_DIAL, LAST_DIAL
from matching.runs.market_data import Amount, MarketData, flags, new_firms, read_market, small_firms
from matching.runs.shared_orders import SharedOrders, add_shared_orders

# A demand is shown so many suppliers, as on the first page of its matches.
LENGTH = 20
# Seconds for the lists and the solver at each stop of the dial; the solver gets what the lists left, but so much.
PATIENCE, LEAST_PATIENCE = 2.5, 0.3
STEP = Decimal("0.001")
# How often a market is cleared anew without the parts that its demands refuse.
ROUNDS = 3


def clear_market(run: MarketProposal, *, clock: Callable[[], datetime]) -> None:
    """Compute all stops of a proposal's dial, and write them if the claim still stands."""
    try:
        began, now = time.monotonic(), clock()
        data = read_market(run, now=now)
        shared = add_shared_orders(data, now=now)
        firms = {each.organisation for each in data.supplies.values()}
        found = clear_points(data, new=new_firms(firms, now), small=small_firms(firms, now))
        points = [point.row(run) for point in found]
        with transaction.atomic():
            if not MarketProposal.objects.finish(
                run,
                now=clock(),
                read_at=now,
                unit=data.unit,
                demand_count=len(data.demands),
                supply_count=len(data.supplies),
                pair_count=len(data.pairs),
                demanded=sum((each.quantity for each in data.demands.values()), Decimal(0)),
                supplied=sum((each.quantity for each in data.supplies.values()), Decimal(0)),
                left_out=data.left_out,
                listings={
                    "demands": [[each.listing, each.revision] for each in data.demands.values()],
                    "supplies": [[each.listing, each.revision] for each in data.supplies.values()],
                },
                unmatched=_kept(shared, points),
                model_version=shared.model_version,
                duration_ms=round(1000 * (time.monotonic() - began)),
            ):
                return
            MarketPoint.objects.filter(proposal=run).delete()
            MarketPoint.objects.bulk_create(points)
    except Exception as error:
        MarketProposal.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise


def _kept(shared: SharedOrders, points: list[MarketPoint]) -> list[list]:
    """Return the pairs of shared orders that some stop of the dial uses."""
    used = {(demand, supply) for point in points for demand, supply, _quantity, _value in point.allotments}
    return [[*pair, *why] for pair, why in sorted(shared.reasons.items()) if pair in used]


@dataclass(frozen=True, slots=True)
class Point:
    """What one stop of the dial comes to."""

    dial: int
    figures: dict[str, float]
    allotments: list[list]

    def row(self, proposal: MarketProposal) -> MarketPoint:
        return MarketPoint(proposal=proposal, dial=self.dial, allotments=self.allotments, **self.figures)


def clear_points(data: MarketData, *, new: Collection[int], small: Collection[int]) -> list[Point]:
    """Return the market at each stop of the dial.

    Up to the middle, lists mind capacity more and more; from there on new and small firms are lifted towards the lists
    that they come closest to. What the lists hold is then allotted so that the value is largest.

    :param new, small: the firms that are
    """
    demands, supplies = sorted(data.demands), sorted(data.supplies)
    row = {pk: place for place, pk in enumerate(demands)}
    column = {pk: place for place, pk in enumerate(supplies)}
    keys = sorted(data.pairs)
    places = ([row[demand] for demand, _supply in keys], [column[supply] for _demand, supply in keys])
    shape = (len(demands), len(supplies))
    # A relevance of nothing at all is still a match: sparse matrices would lose it.
    relevance = sparse.csr_array((np.array([max(data.pairs[key][0], 1e-9) for key in keys]), places), shape=shape)
    value = np.array([data.pairs[key][1] for key in keys])
    place_of = np.array(places[0], dtype=np.int64) * len(supplies) + np.array(places[1], dtype=np.int64)
    is_new, is_small = flags(data.supplies, new), flags(data.supplies, small)
    wanted, offered = _quantities(data.demands), _quantities(data.supplies)
    found, prices = [], None
    for dial in DIALS:
        began = time.monotonic()
        lists = candidate_lists(
            relevance,
            offered,
            wanted,
            length=LENGTH,
            dial=capacity_share(dial),
            fairness=max(0.0, (dial - FILL_DIAL) / (LAST_DIAL - FILL_DIAL)),
            protected=is_new | is_small,
            prices=prices,
        )
        prices = lists.prices if dial else None
        worth = value[np.searchsorted(place_of, lists.demand * len(supplies) + lists.supply)]
        cleared, allotments = _allot(
            data, demands, supplies, lists, worth, fill_weight=capacity_share(dial), until=began + PATIENCE
        )
        figures = _figures(data, lists, allotments, is_new, is_small) | {
            "value": cleared.value,
            "bound": cleared.bound,
            "seconds": round(time.monotonic() - began, 4),
        }
        found.append(Point(dial, figures, sorted(allotments)))
    return found


def capacity_share(dial: int) -> float:
    """Return which share of what crowding costs is charged at a stop: quick at first, as the last part moves the most.

    >>> [round(capacity_share(dial), 2) for dial in (0, 1, 3, 5, 10)]
    [0.0, 0.36, 0.84, 1.0, 1.0]
    """
    return 1.0 - (1.0 - min(1.0, dial / FILL_DIAL)) ** 2


def _quantities(amounts: Mapping[int, Amount]) -> np.ndarray:
    return np.array([float(amounts[pk].quantity) for pk in sorted(amounts)])


def _allot(
    data: MarketData,
    demands: Sequence[int],
    supplies: Sequence[int],
    lists: CandidateLists,
    worth: np.ndarray,
    *,
    fill_weight: float,
    until: float,
) -> tuple[Clearing, list[list]]:
    """Return how the pairs of the lists are cleared, and what each gets: ``[demand, supply, quantity, value]``.

    A demand may refuse parts that are too small to be worth a delivery, which the solver knows nothing of: such a pair
    is taken out and the rest cleared again; what is too small in the last round gets nothing.
    """
    keep = np.ones(len(worth), dtype=bool)
    for _round in range(ROUNDS):
        market = Market(
            supply_ids=supplies,
            supply_quantity=_quantities(data.supplies),
            supply_minimum=np.array([float(data.supplies[pk].minimum) for pk in supplies]),
            demand_ids=demands,
            demand_quantity=_quantities(data.demands),
            demand_splittable=np.array([data.is_splittable(pk) for pk in demands], dtype=bool),
            pair_demand=lists.demand[keep],
            pair_supply=lists.supply[keep],
            pair_value=worth[keep],
        )
        seconds = max(LEAST_PATIENCE, until - time.monotonic())
        cleared = clear(market, seconds=seconds, fill_weight=fill_weight, pool=True)
        allotted = {
            (demands[each.demand], supplies[each.supply]): Decimal(repr(each.quantity)).quantize(
                STEP, rounding=ROUND_DOWN
            )
            for each in cleared.allocations
        }
        refused = _refused_parts(data, allotted)
        if not refused:
            break
        pairs = zip(lists.demand.tolist(), lists.supply.tolist(), strict=True)
        keep &= np.array([(demands[row], supplies[column]) not in refused for row, column in pairs], dtype=bool)
    kept = {pair: quantity for pair, quantity in allotted.items() if pair not in refused and quantity > 0}
    orders: Counter = Counter()
    for (_demand, supply), quantity in kept.items():
        orders[supply] += quantity
    return cleared, [
        [demand, supply, str(quantity), round(data.pairs[demand, supply][1], 6)]
        for (demand, supply), quantity in sorted(kept.items())
        # Rounding down may have taken a thousandth off an order that is just the minimum.
        if orders[supply] >= data.supplies[supply].minimum - STEP * len(kept)
    ]


def _refused_parts(data: MarketData, allotted: Mapping[tuple[int, int], Decimal]) -> set[tuple[int, int]]:
    """Return the pairs of which the demand gets less than the least it takes."""
    return {
        (demand, supply)
        for (demand, supply), quantity in allotted.items()
        if quantity < min(data.demands[demand].minimum, data.demands[demand].quantity) - STEP
    }


def _figures(
    data: MarketData, lists: CandidateLists, allotments: list[list], is_new: np.ndarray, is_small: np.ndarray
) -> dict[str, float]:
    demanded = sum((each.quantity for each in data.demands.values()), Decimal(0))
    given = sum((Decimal(quantity) for _demand, _supply, quantity, _value in allotments), Decimal(0))
    attention = attention_of(lists.demand, lists.supply, len(data.supplies))
    total = attention.sum() or 1.0
    return {
        "fill": min(1.0, float(given / demanded)) if demanded else 0.0,
        "shown": float((attention > 0).mean()) if len(attention) else 0.0,
        "relevance": float(lists.relevance.mean()) if len(lists.relevance) else 0.0,
        "new_exposure": min(1.0, float(attention[is_new].sum() / total)),
        "small_exposure": min(1.0, float(attention[is_small].sum() / total)),
        "gini": max(0.0, gini(attention)),
        "served": len({demand for demand, *_rest in allotments}),
    }


def attention_of(demand: np.ndarray, supply: np.ndarray, count: int) -> np.ndarray:
    """Return the attention that lists give each supply: place r of a list gets 1 / r. Shape (count,).

    :param demand: whose list each row is of, rows in the order of the lists; :param supply: who stands there

    >>> attention_of(np.array([0, 0, 1]), np.array([1, 2, 1]), 3).tolist()
    [0.0, 2.0, 0.5]
    """
    _demands, starts, inverse = np.unique(demand, return_index=True, return_inverse=True)
    place = np.arange(len(demand)) - starts[inverse] if len(demand) else np.empty(0)
    return np.bincount(supply, 1.0 / (place + 1.0), count) if len(demand) else np.zeros(count)
