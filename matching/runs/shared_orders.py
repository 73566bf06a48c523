"""Demands too small for a supply's minimum order may share one: pairs that fit in all but that."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from marketplace.models import Listing
from matching.live_index import Found, facts_of, find, ranker, with_facts
from matching.live_index.facts import blocked_with
from matching.models import IndexEntry
from matching.retrieval.eligibility import RULES
from matching.runs.market_data import MarketData

SHARED_RULES = frozenset(rule.name for rule in RULES) - {"minimum_order"}
# So many supplies are asked, those that most small demands stand before first, and of each so many demands are compared.
MOST_SUPPLIES, MOST_DEMANDS = 60, 60


@dataclass(slots=True)
class SharedOrders:
    """The score and the reasons of each pair that only a shared order makes possible, and the ranker that gave them."""

    model_version: str = ""
    reasons: dict[tuple[int, int], tuple[float, list[dict]]] = field(default_factory=dict)


def add_shared_orders(data: MarketData, *, now: datetime) -> SharedOrders:
    """Add the pairs to a market that break no rule but the minimum order, and return why they fit.

    Where matches know the chances of success, these pairs are taken to have what matches of their score have.
    """
    shared = SharedOrders(ranker().version)
    usual = [joint / relevance for relevance, joint in data.pairs.values() if relevance > 0]
    share = float(np.median(usual)) if usual else 1.0
    for supply, small in _small_demands(data):
        for one in _fitting(supply, small, now):
            pair = (one.listing.pk, supply)
            if pair not in data.pairs and one.listing.organisation_id != data.supplies[supply].organisation:
                relevance = min(1.0, max(0.0, one.score / 100))
                data.pairs[pair] = relevance, relevance * share
                shared.reasons[pair] = one.score, one.reasons
    return shared


def _small_demands(data: MarketData) -> list[tuple[int, list[int]]]:
    """Return the supplies whose minimum some demands cannot reach alone but all of them could together."""
    by_quantity = sorted(data.demands.values(), key=lambda each: (-each.quantity, each.listing))
    found = []
    for supply in data.supplies.values():
        small = [each for each in by_quantity if each.quantity < supply.minimum]
        within = small[:MOST_DEMANDS]
        if len(within) > 1 and sum(each.quantity for each in within) >= supply.minimum <= supply.quantity:
            found.append((supply.listing, [each.listing for each in within]))
    return sorted(found, key=lambda each: (-len(each[1]), each[0]))[:MOST_SUPPLIES]


def _fitting(supply: int, demands: list[int], now: datetime) -> list[Found]:
    """Return the demands that would match the supply if its minimum order were no obstacle."""
    listing = with_facts(Listing.objects.filter(pk=supply)).get()
    entry = IndexEntry.objects.filter(pk=supply).first()
    if entry is None:
        return []
    (query,) = facts_of([listing], now=now, blocked=blocked_with(listing.organisation_id))
    vector = np.frombuffer(entry.vector, dtype="<f2").astype(np.float32)
    among = Listing.objects.open(now).filter(pk__in=demands)
    answer = find(query, among=among, now=now, limit=0, rules=SHARED_RULES, also=demands, vector=vector)
    return [one for one in answer.found if one.refusals]
