"""What is in a market: its open demands and supplies in one unit, and the pairs that may trade."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from marketplace.models import Category, Listing, Organisation
from marketplace.services.holds import factor_between
from matching.models import MarketProposal, Match
from matching.models.listing_balance import joint_chance

# A firm is new for so long, or until its first delivery; a small one has so few open listings at most.
NEW_FOR = timedelta(days=30)
SMALL_LISTINGS = 3


@dataclass(frozen=True, slots=True)
class Amount:
    """What is left of a listing: ``quantity`` and ``minimum`` in the market's unit, ``factor`` of it in one of its own."""

    listing: int
    revision: int
    organisation: int
    quantity: Decimal
    minimum: Decimal
    unit: str
    factor: Decimal


@dataclass(slots=True)
class MarketData:
    """The demands and supplies of a market by id, and its pairs with relevance and value, each in [0, 1]."""

    unit: str
    demands: dict[int, Amount]
    supplies: dict[int, Amount]
    pairs: dict[tuple[int, int], tuple[float, float]]
    left_out: dict[str, int] = field(default_factory=dict)

    def is_splittable(self, demand: int) -> bool:
        """Say whether several may serve a demand: one that takes no less than all of it is served by one, or not."""
        amount = self.demands[demand]
        return amount.minimum < amount.quantity


def listings_of(proposal: MarketProposal, now: datetime) -> QuerySet[Listing]:
    """Return the open listings that a market is about, both sides."""
    found = Listing.objects.open(now)
    if proposal.category_id:
        return found.filter(category__code__in=Category.objects.branch(proposal.category.code))
    return found.filter(category__family=proposal.family)


def region_prefix(code: str) -> str:
    """Return what the codes of a region and of all in it begin with.

    >>> region_prefix("330000"), region_prefix("331000"), region_prefix("331083")
    ('33', '3310', '331083')
    """
    while code.endswith("00"):
        code = code[:-2]
    return code


def read_market(proposal: MarketProposal, *, now: datetime, unit: str = "") -> MarketData:
    """Read what is open of a market; what cannot be counted in its unit, or says no quantity, is left out and counted.

    The unit is the usual one of the demands, unless one is given.

    A pair is worth its expected success: the chance that both accept and the goods come, or its score where no model
    told that. Price and distance are among what score and chances are made of.
    """
    columns = ("pk", "side", "revision", "organisation", "quantity", "held", "minimum_order", "unit")
    listings = listings_of(proposal, now)
    if proposal.region:
        # A market is where the goods are wanted; they may come from anywhere.
        near = Q(side=Listing.Side.SUPPLY) | Q(region__startswith=region_prefix(proposal.region))
        listings = listings.filter(near)
    rows = list(listings.order_by("pk").values_list(*columns))
    unit = unit or _usual_unit(rows)
    sides: dict[str, dict[int, Amount]] = {"demand": {}, "supply": {}}
    left_out: Counter = Counter()
    for pk, side, revision, organisation, quantity, held, minimum, own_unit in rows:
        factor = factor_between(own_unit, unit) if own_unit and unit else None
        reason = _left_out(quantity, held, factor)
        if reason:
            left_out[f"{side}_{reason}"] += 1
            continue
        sides[side][pk] = Amount(
            pk, revision, organisation, (quantity - held) * factor, (minimum or Decimal(0)) * factor, own_unit, factor
        )
    data = MarketData(unit, sides["demand"], sides["supply"], {}, dict(left_out))
    matches = Match.objects.current(now).filter(demand__in=list(data.demands))
    matches = matches.exclude(supply_organisation=F("demand_organisation")).annotate(joint=joint_chance())
    for demand, supply, score, joint in matches.values_list("demand", "supply", "score", "joint"):
        if supply in data.supplies:
            data.pairs[demand, supply] = min(1.0, max(0.0, score / 100)), joint
    return data


def _left_out(quantity: Decimal | None, held: Decimal, factor: Decimal | None) -> str:
    if quantity is None:
        return "without_quantity"
    if not factor:
        return "in_another_unit"
    return "promised" if quantity <= held else ""


def _usual_unit(rows: list[tuple]) -> str:
    """Return the unit that most demands are in, and of equally many the first by name."""
    for side in (Listing.Side.DEMAND, Listing.Side.SUPPLY):
        units = Counter(row[-1] for row in rows if row[1] == side and row[-1])
        if units:
            return min(units, key=lambda unit: (-units[unit], unit))
    return ""


def new_firms(organisations: Collection[int], now: datetime) -> set[int]:
    """Return which of these firms are new: registered within 30 days, or without a delivery."""
    is_new = Q(created_at__gt=now - NEW_FOR) | Q(deliveries=0)
    return set(Organisation.objects.filter(is_new, pk__in=organisations).values_list("pk", flat=True))


def small_firms(organisations: Collection[int], now: datetime) -> set[int]:
    """Return which of these firms are small: three open listings at most."""
    counted = Listing.objects.open(now).filter(organisation__in=organisations).order_by().values_list("organisation")
    return {pk for pk, count in counted.annotate(count=Count("pk")) if count <= SMALL_LISTINGS}


def flags(amounts: Mapping[int, Amount], firms: Collection[int]) -> np.ndarray:
    """Return for each listing, in order of ids, whether its firm is one of these: shape (n,), bool."""
    return np.array([amounts[pk].organisation in firms for pk in sorted(amounts)], dtype=bool)


def has_market(now: datetime) -> QuerySet[Listing]:
    """Return the open demands that have a match with an open supply, to choose a market by."""
    current = Match.objects.current(now).filter(demand=OuterRef("pk"))
    return Listing.objects.open(now).filter(Exists(current), side=Listing.Side.DEMAND, category__isnull=False)
