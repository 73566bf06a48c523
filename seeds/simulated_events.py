"""Events of matches on both sides over time, drawn from a stated model until real deals exist (no Django, no clock here).

The market is that of `seeds.outcomes`. On some days people of a firm look at the list of one of its listings. The list is
in the order of what a ranker would say: the pair's utility without its noise, and a shift of the day's own, as other
listings come and rankers change; that moves a match between places. A place is looked at with chance
place ** -STEEPNESS, the first surely. Both sides have a wish of their own that stays:

    buyer   utility of `seeds.outcomes`, with a noise of its own
    seller  1.5 category + 1.5 attributes + 0.8 text + 3.0 price + 1.4 nearness + 1.2 punctuality + 2.0 use + e

    use     square root of the part of the supply that the demand takes, at most 1

Who looks and wishes enough opens the pair, wishes more and contacts the other side, which then surely looks: it answers
with an offer if it wishes enough, and the first takes it if it wishes more still. What is ordered is delivered on time with
the supplier's rate, less where there is no slack, and in full with the supplier's own share.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from matching.ranking.facts import ListingFacts
from matching.ranking.labels import Act, label_of, teaches_places
from matching.ranking.outcomes import as_record
from matching.ranking.propensity import PositionCurve, learn_propensities
from matching.retrieval.eligibility import why_not
from seeds.firms import make_firms
from seeds.generate import make_listings
from seeds.outcomes import COEFFICIENTS, as_facts, terms

STEEPNESS = 0.7
SELLER = {
    "category": 1.5,
    "attributes": 1.5,
    "text": 0.8,
    "price": 3.0,
    "nearness": 1.4,
    "punctuality": 1.2,
    "use": 2.0,
}
# What each side must feel to open, to take up, to order.
THRESHOLDS = {"demand": (8.3, 9.0, 9.1), "supply": (6.7, 7.4, 7.5)}
NOISE, SHIFT = 0.6, 0.7
FIRMS, TRIED, LISTED = 400, 600, 20
# A market large enough that lists are long, and most listings are never looked at.
LEAST_MARKET, LISTINGS_PER_LIST = 12_000, 2
FEWEST_SHOWN, LOOKS = 3, 4
ANSWERED_AFTER, TAKEN_AFTER, DELIVERED_AFTER = 1, 3, 14
USUAL_RATE, LATE_WITHOUT_SLACK = 0.9, 0.25
# A firm's record as it would be kept: so many orders, drawn from its own share of orders in full.
RECORD_PRIOR, RECORD_WEIGHT = 0.9, 5

HEADER = {
    "model": {
        "name": "simulated events of both sides",
        "steepness": STEEPNESS,
        "buyer": COEFFICIENTS,
        "seller": SELLER,
        "thresholds": THRESHOLDS,
        "noise": {"kind": "logistic", "scale": NOISE},
        "shift_of_a_day": SHIFT,
        "grades": ["nothing", "opened", "taken up", "ordered", "delivered on time and in full"],
        "documented_in": "seeds/simulated_events.py",
    }
}


@dataclass
class _Pair:
    """A supply and a demand, what both feel, and what they did so far."""

    supply: ListingFacts
    demand: ListingFacts
    felt: dict[str, float]
    wishes: dict[str, int]
    acts: list[Act] = field(default_factory=list)

    @property
    def is_contacted(self) -> bool:
        return any(act.kind == "contacted" for act in self.acts)


@dataclass(frozen=True)
class _List:
    """What a listing's people were shown on a day, in order."""

    day: date
    query: ListingFacts
    pairs: Sequence[_Pair]


def draw_events(lists: int, *, days: int = 90, random_state: int = 0, first_day: date) -> Iterator[dict[str, object]]:
    """Yield that many lists as outcomes with places, labels and weights, oldest first, as `export_outcomes` writes them."""
    random = Random(f"events {random_state}")  # noqa: S311 -- made-up data, not a secret
    market = _Market(lists, random=random, random_state=random_state, first_day=first_day)
    shown = list(market.look(lists, days=days))
    curve = learn_propensities(shows_of(shown), draws=0)
    for one in shown:
        yield _outcome(one, curve, market.in_full)


def shows_of(lists: Sequence[_List]) -> list[list[tuple[int, bool]]]:
    """Return, of each pair on each side, the places it stood in and whether it was acted on that day."""
    found: dict[tuple[int, int, str], list[tuple[int, bool]]] = {}
    for one in lists:
        for position, pair in enumerate(one.pairs, start=1):
            if not teaches_places(pair.acts):
                continue
            key = (pair.supply.id, pair.demand.id, one.query.side)
            acted = any(act.day == one.day and act.side == one.query.side for act in pair.acts)
            found.setdefault(key, []).append((position, acted))
    return list(found.values())


def _outcome(one: _List, curve: PositionCurve, in_full: dict[int, float | None]) -> dict[str, object]:
    candidates = []
    for position, pair in enumerate(one.pairs, start=1):
        label = label_of(pair.acts, side=one.query.side, day=one.day, position=position, curve=curve)
        other = pair.demand if one.query.side == "supply" else pair.supply
        candidates.append(
            as_record(other)
            | {
                "grade": label.grade,
                "position": position,
                "acted": label.acted,
                "asked": label.asked,
                "fulfilled": label.fulfilled,
                "weight": label.weight,
                "settled": label.settled,
                "in_full": in_full[pair.supply.organisation],
                # What no log can know: whether it would have been taken up had it been looked at.
                "would": pair.wishes[one.query.side] >= 2,
            }
        )
    return {"day": one.day.isoformat(), "query": as_record(one.query), "candidates": candidates}


class _Market:
    def __init__(self, lists: int, *, random: Random, random_state: int, first_day: date) -> None:
        self.random, self.first_day = random, first_day
        firms = make_firms(FIRMS, random_state=random_state)
        count = max(LEAST_MARKET, lists * LISTINGS_PER_LIST)
        made = make_listings(firms, count, random_state=random_state, today=first_day)
        self.listings = [as_facts(number, listing, firms) for number, listing in enumerate(made, start=1)]
        self.shelves: dict[tuple[str, str], list[ListingFacts]] = {}
        for listing in self.listings:
            self.shelves.setdefault((listing.family, listing.side), []).append(listing)
        self.full_share = {firm.number: min(0.995, random.betavariate(9, 1.2)) for firm in firms}
        self.in_full = {firm.number: self._record(firm.number, firm.deliveries) for firm in firms}
        self.pairs: dict[tuple[int, int], _Pair] = {}

    def _record(self, firm: int, deliveries: int) -> float | None:
        """Return the share in full that the firm's record would show, drawn to the usual where it is short."""
        if not deliveries:
            return None
        seen = min(deliveries, 60)
        came = sum(self.random.random() < self.full_share[firm] for _ in range(seen))
        return round((came + RECORD_PRIOR * RECORD_WEIGHT) / (seen + RECORD_WEIGHT), 4)

    def look(self, lists: int, *, days: int) -> Iterator[_List]:
        """Let people look at lists of listings, each on several days; time passes for all."""
        visits = []
        for query in self.random.sample(self.listings, len(self.listings)):
            if len(visits) >= lists:
                break
            pairs = self._pairs_of(query)
            if len(pairs) >= FEWEST_SHOWN:
                looks = self.random.sample(range(days), min(days, self.random.randint(2, 2 * LOOKS - 2)))
                visits += [(day, query.id, query, pairs) for day in looks]
        for day, _pk, query, pairs in sorted(visits[:lists], key=lambda visit: visit[:2]):
            yield self._look_once(query, pairs, self.first_day + timedelta(days=day))

    def _pairs_of(self, query: ListingFacts) -> list[_Pair]:
        counterparts = self.shelves.get((query.family, "supply" if query.side == "demand" else "demand"), ())
        tried = self.random.sample(counterparts, min(TRIED, len(counterparts)))
        pairs = []
        for other in tried:
            supply, demand = (query, other) if query.side == "supply" else (other, query)
            if not why_not(supply, demand, self.first_day):
                pairs.append(self.pairs.get((supply.id, demand.id)) or self._met(supply, demand))
        return pairs[: LISTED + 4]

    def _met(self, supply: ListingFacts, demand: ListingFacts) -> _Pair:
        said = terms(supply, demand, self.first_day)
        felt = {
            "demand": sum(COEFFICIENTS[name] * value for name, value in said.items()),
            "supply": sum(SELLER[name] * value for name, value in said.items() if name in SELLER)
            + SELLER["use"] * _use(supply, demand),
        }
        wishes = {}
        for side, value in felt.items():
            chance = min(max(self.random.random(), 1e-12), 1 - 1e-12)
            wished = value + NOISE * math.log(chance / (1 - chance))
            wishes[side] = sum(wished > threshold for threshold in THRESHOLDS[side])
        pair = self.pairs[supply.id, demand.id] = _Pair(supply, demand, felt, wishes)
        return pair

    def _look_once(self, query: ListingFacts, pairs: Sequence[_Pair], day: date) -> _List:
        # Rankers see what the buyer wants; nobody has taught them the seller's wish yet.
        order = sorted(pairs, key=lambda pair: -pair.felt["demand"] - SHIFT * self.random.gauss(0, 1))[:LISTED]
        for position, pair in enumerate(order, start=1):
            if self.random.random() < position**-STEEPNESS:
                self._act(pair, query.side, day)
        return _List(day, query, order)

    def _act(self, pair: _Pair, side: str, day: date) -> None:
        wish = pair.wishes[side]
        if wish >= 1:
            pair.acts.append(Act(day, side, "opened"))
        if wish < 2 or pair.is_contacted:
            return
        other = "supply" if side == "demand" else "demand"
        pair.acts.append(Act(day, side, "contacted"))
        if pair.wishes[other] < 2:
            return
        pair.acts.append(Act(day + timedelta(days=ANSWERED_AFTER), other, "quoted"))
        if min(pair.wishes.values()) < 3:
            return
        pair.acts.append(Act(day + timedelta(days=TAKEN_AFTER), side, "accepted"))
        delivered = day + timedelta(days=DELIVERED_AFTER)
        pair.acts.extend(Act(delivered, "supply", kind) for kind in self._deliver(pair, day))

    def _deliver(self, pair: _Pair, day: date) -> list[str]:
        on_time = pair.supply.on_time_rate or USUAL_RATE
        if pair.demand.window_end and pair.supply.lead_days is not None:
            slack = (pair.demand.window_end - day).days - pair.supply.lead_days
            on_time *= 1 - LATE_WITHOUT_SLACK / (1 + math.exp(max(-60, min(60, slack)) / 5))
        kinds = []
        if self.random.random() >= on_time:
            kinds.append("delivered_late")
        if self.random.random() >= self.full_share[pair.supply.organisation]:
            kinds.append("delivered_short")
        return kinds or ["delivered"]


def _use(supply: ListingFacts, demand: ListingFacts) -> float:
    if not supply.quantity or not demand.quantity or supply.unit != demand.unit:
        return 0.5
    return math.sqrt(min(1.0, demand.quantity / supply.quantity))
