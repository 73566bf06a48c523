"""Which open demands would cost less bought together: found, and made into the draft of a pool."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from marketplace.models import Category, Listing, User
from marketplace.parsing.places import distance_km
from marketplace.pooling.ladder import saving
from marketplace.services import holds

NEAR_KM = 60
# So many demands of one category are looked at, the newest first.
MOST_DEMANDS = 300
USUAL_OPEN = timedelta(days=10)
USUAL_DELIVERY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Demands of one category, near to each other and wanted at the same time, that reach a price none reaches alone."""

    category: Category
    demands: list[Listing]
    unit: str
    total: Decimal
    supply: Listing
    unit_price: Decimal
    # What the cheapest supply costs that the smallest of them could buy from alone; None: there is none.
    base_price: Decimal | None
    saving: Decimal
    window_start: date
    window_end: date


def propose_pools(*, user: User, now: datetime) -> list[Proposal]:
    """Return what could be bought together, the largest saving first.

    Only what this user sees is looked at. A price break is a supply whose minimum order the sum reaches and none of the
    demands does alone, at a price below what any of them can have alone.
    """
    today = timezone.localdate(now)
    visible = Listing.objects.visible_to(user, now).open(now).filter(category__isnull=False, quantity__gt=0)
    supplies: dict[int, list[Listing]] = defaultdict(list)
    breaks = visible.filter(side=Listing.Side.SUPPLY, price_min__isnull=False).with_names()
    categories = breaks.filter(minimum_order__isnull=False).values("category")
    for supply in breaks.filter(category__in=categories).order_by("pk"):
        supplies[supply.category_id].append(supply)
    demands: dict[int, list[Listing]] = defaultdict(list)
    wanted = visible.filter(side=Listing.Side.DEMAND, category__in=list(supplies)).exclude(region="")
    for demand in wanted.with_names().order_by("-pk"):
        if len(demands[demand.category_id]) < MOST_DEMANDS:
            demands[demand.category_id].append(demand)
    found: list[Proposal] = []
    for category, rows in demands.items():
        found += _proposals(sorted(rows, key=lambda demand: demand.pk), supplies[category], today)
    return sorted(found, key=lambda one: (-one.saving, one.demands[0].pk))


def _proposals(demands: list[Listing], supplies: Sequence[Listing], today: date) -> list[Proposal]:
    """Return proposals for one category: for each supply, the cheapest first, those too small to buy from it alone."""
    found: list[Proposal] = []
    free = list(demands)
    for supply in sorted((one for one in supplies if one.minimum_order), key=lambda one: (one.price_min, one.pk)):
        small = [demand for demand in free if _is_below_minimum(demand, supply)]
        for cluster in _clusters(small, today):
            if (proposal := _proposal(cluster, supply, supplies, today)) is not None:
                found.append(proposal)
                taken = {demand.pk for demand in cluster}
                free = [demand for demand in free if demand.pk not in taken]
    return found


def _is_below_minimum(demand: Listing, supply: Listing) -> bool:
    factor = holds.factor_between(demand.unit, supply.unit or demand.unit)
    return factor is not None and (demand.quantity - demand.held) * factor < supply.minimum_order


def _window(demand: Listing, today: date) -> tuple[date, date]:
    start = max(demand.window_start or today, today)
    return start, max(demand.window_end or start + USUAL_DELIVERY, start)


def _clusters(demands: Sequence[Listing], today: date) -> list[list[Listing]]:
    """Group demands around the oldest: within 60 km of it and of one another, with a time that suits all.

    Of each firm only one is taken; each demand stands in one group.
    """
    clusters, free = [], list(demands)
    while free:
        seed = free[0]
        start, end = _window(seed, today)
        cluster = [seed]
        for demand in free[1:]:
            first, last = _window(demand, today)
            if (
                demand.organisation_id in {one.organisation_id for one in cluster}
                or holds.factor_between(demand.unit, seed.unit) is None
                or max(start, first) > min(end, last)
                or any(_distance(demand, one) > NEAR_KM for one in cluster)
            ):
                continue
            cluster.append(demand)
            start, end = max(start, first), min(end, last)
        taken = {one.pk for one in cluster}
        free = [one for one in free if one.pk not in taken]
        if len(cluster) > 1:
            clusters.append(cluster)
    return clusters


def _distance(one: Listing, other: Listing) -> float:
    distance = distance_km(one.region, other.region)
    return NEAR_KM + 1 if distance is None else distance


def _proposal(cluster: list[Listing], supply: Listing, supplies: Sequence[Listing], today: date) -> Proposal | None:
    """Return what this supply would save them, if together they reach its minimum order and it is cheaper than alone."""
    unit = cluster[0].unit
    amounts = [_in_unit(demand.quantity - demand.held, demand.unit, unit) for demand in cluster]
    total, firms = sum(amounts, Decimal(0)), {demand.organisation_id for demand in cluster}
    priced = _price_in(supply, unit)
    if supply.organisation_id in firms or priced is None or total < priced[1]:
        return None
    others = [_price_in(one, unit) for one in supplies if one.organisation_id not in firms]
    base = min((price for price, minimum in filter(None, others) if minimum <= min(amounts)), default=None)
    price = priced[0]
    if base is not None and price >= base:
        return None
    windows = [_window(demand, today) for demand in cluster]
    return Proposal(
        category=cluster[0].category,
        demands=cluster,
        unit=unit,
        total=total,
        supply=supply,
        unit_price=price,
        base_price=base,
        saving=saving(total, base, price) if base is not None else Decimal("0.00"),
        window_start=max(start for start, _end in windows),
        window_end=min(end for _start, end in windows),
    )


def _price_in(supply: Listing, unit: str) -> tuple[Decimal, Decimal] | None:
    """Return what a supply costs per this unit and how much of it is the least it sells; None: not comparable."""
    factor = holds.factor_between(supply.unit or unit, unit)
    priced = holds.factor_between(supply.price_unit or supply.unit or unit, unit)
    if not factor or not priced or supply.currency != "CNY":
        return None
    return (supply.price_min / priced).quantize(Decimal("0.0001")), (supply.minimum_order or Decimal(0)) * factor


def _in_unit(quantity: Decimal, from_unit: str, to_unit: str) -> Decimal:
    return (quantity * holds.factor_between(from_unit, to_unit)).quantize(Decimal("0.001"))


def draft_pool(demands: Sequence[Listing], *, now: datetime) -> dict[str, Any]:
    """Return what the form of a new pool begins with: what the demands have in common, or nothing but dates."""
    today = timezone.localdate(now)
    closes = timezone.localtime(now + USUAL_OPEN).replace(hour=18, minute=0, second=0, microsecond=0)
    draft: dict[str, Any] = {"closes_at": closes, "leave_free_until": closes - timedelta(days=3)}
    wanted = [one for one in demands if one.side == Listing.Side.DEMAND and one.category_id and one.quantity]
    if not wanted:
        return draft
    first = wanted[0]
    fitting = [one for one in wanted if holds.factor_between(one.unit, first.unit) is not None]
    total = sum((_in_unit(one.quantity, one.unit, first.unit) for one in fitting), Decimal(0))
    windows = [_window(one, today) for one in fitting]
    end = min(end for _start, end in windows)
    return draft | {
        "category": first.category.code,
        "title_zh": f"{first.category.name_zh}集采",
        "title_en": f"{first.category.name_en}, bought together",
        "unit": first.unit,
        "minimum_quantity": f"{total.normalize():f}",
        "region": first.region,
        "window_start": max(start for start, _end in windows),
        "window_end": max(end, closes.date()),
    }


def shared_specification(demands: Sequence[Listing]) -> dict[str, Any]:
    """Return what all the demands ask for alike, as a line of an offer specifies it."""
    if not demands:
        return {}
    first, *others = demands
    units = (first.category.schema if first.category else {}).get("properties", {})
    attributes = {}
    for key, value in first.attributes.items():
        if all(one.attributes.get(key) == value for one in others):
            rule = dict(value) if isinstance(value, dict) else {"value": value}
            unit = units.get(key, {}).get("unit")
            attributes[key] = rule | ({"unit": unit} if unit else {})
    return {"attributes": attributes, "text": ""}
