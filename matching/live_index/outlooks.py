"""What is likely to come of a match: both sides' chances, and what the supplier's record says of its next delivery."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db.models import Avg, Count, F, Q, Window
from django.db.models.functions import RowNumber

from marketplace.models import Listing, OrderRecord
from matching.live_index.search import Found
from matching.live_index.trained import chances, reliability
from matching.ranking.facts import ListingFacts
from matching.ranking.reliability import EXPECTED, Population, Record, population_of, record_features

# What a firm delivered longer ago than so many orders says no more of it.
ORDERS_READ = 60
# So many of the platform's latest orders say what suppliers deliver on the whole.
POPULATION_READ = 2_000
SECONDS_A_DAY = 86_400.0


# A row or its facts: quantities, prices and units are named alike.
Priced = Listing | ListingFacts


class Outlook(NamedTuple):
    """Chances in [0, 1], and a reason without points of its own where the supplier has a record."""

    buyer: float
    seller: float
    fulfilled: float
    reason: dict | None


def outlooks(listing: Listing, found: Sequence[Found], *, now: datetime) -> list[Outlook]:
    """Return the outlook of the listing with each counterpart found, in two queries."""
    if not found:
        return []
    pairs = [(listing, one.listing) if listing.side == Listing.Side.SUPPLY else (one.listing, listing) for one in found]
    expected = expected_in_full([supply.organisation_id for supply, _demand in pairs], pairs, [now] * len(pairs))
    in_full = np.array([np.nan if one is None else one.chance for one in expected])
    said = chances().of_pairs(np.stack([one.features for one in found]), in_full).clip(0.0, 1.0)
    return [Outlook(*row, one and one.reason) for row, one in zip(said.tolist(), expected, strict=True)]


class Expected(NamedTuple):
    """The chance that a supplier delivers its next order in full, by so many of its orders."""

    chance: float
    orders: int

    @property
    def reason(self) -> dict:
        return {
            "feature": "in_full",
            "points": 0.0,
            "zh": f"预计足量交货：{self.chance:.0%}（依据最近 {self.orders} 单）",
            "en": f"Expected to deliver in full: {self.chance:.0%} "
            f"(by its last {self.orders} order{'s' * (self.orders > 1)})",
        }


def expected_in_full(
    suppliers: Sequence[int], pairs: Sequence[tuple[Priced, Priced]], moments: Sequence[datetime]
) -> list[Expected | None]:
    """Return what each supplier's record before a moment says of an order of the pair, None where it has none."""
    histories = _histories(set(suppliers))
    expected: list[Expected | None] = [None] * len(pairs)
    if not histories:
        return expected
    population, places, rows, counts = _population(), [], [], []
    for place, (supplier, pair, moment) in enumerate(zip(suppliers, pairs, moments, strict=True)):
        if (history := histories.get(supplier)) is None:
            continue
        day = moment.timestamp() / SECONDS_A_DAY
        record = history.record.before(int(np.searchsorted(history.record.days, day)))
        if len(record.ordered):
            amount = _amount(*pair, currency=history.currency)
            places.append(place)
            rows.append(record_features(record, ordered=amount, day=day, population=population))
            counts.append(len(record.ordered))
    if places:
        _shares, chances_ = reliability().forecasts(np.stack(rows), np.array(counts), population)
        for place, chance, count in zip(places, chances_.tolist(), counts, strict=True):
            expected[place] = Expected(chance, count)
    return expected


class _History(NamedTuple):
    record: Record
    currency: str


def _histories(organisations: Collection[int]) -> dict[int, _History]:
    """Return what each of these firms delivered of its latest orders as a seller, oldest first."""
    records = OrderRecord.objects.filter(
        organisation__in=organisations, side=OrderRecord.Side.SELLER, in_full__isnull=False
    )
    latest = records.annotate(place=Window(RowNumber(), partition_by="organisation", order_by=[F("at").desc(), "-pk"]))
    rows = latest.filter(place__lte=ORDERS_READ).values_list(
        "organisation", "at", "in_full", "order__net_amount", "order__currency"
    )
    found = defaultdict(list)
    for organisation, *said in rows:
        found[organisation].append(said)
    return {organisation: _history(sorted(said, key=lambda one: one[0])) for organisation, said in found.items()}


def _history(said: Sequence[Sequence]) -> _History:
    # Sizes are told apart in the currency that the firm mostly sells in; an order in another counts as a usual one.
    currency = Counter(one[3] for one in said).most_common(1)[0][0]
    amounts = np.array([float(one[2]) if one[3] == currency else np.nan for one in said])
    usual = np.exp(np.nanmean(np.log(np.maximum(amounts, 1.0))))
    record = Record(
        ordered=np.maximum(np.nan_to_num(amounts, nan=usual), 1.0),
        filled=np.minimum(1.0, [float(one[1]) for one in said]),
        days=np.array([one[0].timestamp() / SECONDS_A_DAY for one in said]),
    )
    return _History(record, currency)


def _population() -> Population:
    """Return what suppliers deliver on the whole, by the platform's latest orders."""
    latest = OrderRecord.objects.filter(side=OrderRecord.Side.SELLER, in_full__isnull=False).order_by("-pk")
    summed = OrderRecord.objects.filter(pk__in=latest.values("pk")[:POPULATION_READ]).aggregate(
        fill=Avg("in_full"), full=Count("pk", filter=Q(in_full__gte=1)), count=Count("pk")
    )
    count = summed["count"]
    fill = float(summed["fill"]) if count else EXPECTED.fill
    return population_of(fills=fill * count, fulls=summed["full"], orders=count)


def _amount(supply: Priced, demand: Priced, *, currency: str) -> float | None:
    """Return what an order of the pair would amount to in this currency, None where that cannot be said."""
    price = supply.price_min if supply.price_min is not None else supply.price_max
    is_alike = supply.unit == demand.unit and supply.price_unit in ("", supply.unit) and supply.currency == currency
    if not price or not demand.quantity or not is_alike:
        return None
    quantity = min(demand.quantity, supply.quantity) if supply.quantity else demand.quantity
    return float(price) * float(quantity)
