"""Demands of one grade that would cost less bought together: found, kept as suggestions, and told to their firms."""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from marketplace.models import Block, Listing
from marketplace.pooling.ladder import saving
from marketplace.services.holds import factor_between
from marketplace.services.notifications import notify_many
from matching.clearing.pools import Buyer, Seller, find_pools
from matching.live_index import facts_of, with_facts
from matching.models import PoolingRun, PoolSuggestion, PoolSuggestionMember
from matching.ranking import ListingFacts
from matching.retrieval.eligibility import RULES, why_not
from matching.runs import pool_news

# Whoever buys together fetches together: so far apart at most, and so many demands of a grade are looked at.
NEAR_KM = 60.0
MOST_DEMANDS = 400
USUAL_DELIVERY = timedelta(days=30)
# All that a supply must fit is put to it, but how much it sells at least: that is what the pool is for.
POOLED_RULES = frozenset(rule.name for rule in RULES) - {"minimum_order"}


@dataclass(frozen=True, slots=True)
class Grade:
    """Open demands that ask for the same goods, and the supplies of their category."""

    demands: list[Listing]
    supplies: list[Listing]


def suggest_pools(run: PoolingRun, *, clock: Callable[[], datetime]) -> None:
    """Let what is out of date expire, find what could be bought together now, and tell the firms of what is new."""
    try:
        began, now = time.monotonic(), clock()
        found = [one for grade in _grades(now) for one in _suggestions(grade, now)]
        with transaction.atomic():
            expired = PoolSuggestion.objects.out_of_date(now).become(PoolSuggestion.Status.EXPIRED, ended_at=now)
            new = [one for one in found if _write(run, one, now)]
            if not PoolingRun.objects.finish(
                run,
                now=clock(),
                found=len(new),
                expired=expired,
                duration_ms=round(1000 * (time.monotonic() - began)),
            ):
                transaction.set_rollback(True)
                return
            rows = PoolSuggestion.objects.filter(members_key__in=[one.key for one in new]).with_details()
            notify_many(pool_news.suggested(rows.order_by("pk")), now=now)
    except Exception as error:
        PoolingRun.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise


def _grades(now: datetime) -> Iterable[Grade]:
    """Yield the demands of each grade of which there are several, with the supplies that sell from a minimum on."""
    # Whom not everybody may see is not suggested to anybody.
    shown = Listing.objects.open(now).filter(
        visibility__in=[Listing.Visibility.PUBLIC, Listing.Visibility.VERIFIED],
        category__isnull=False,
        quantity__gt=0,
    )
    breaks = shown.filter(side=Listing.Side.SUPPLY, price_min__gt=0, minimum_order__gt=0, currency="CNY")
    wanted = shown.filter(side=Listing.Side.DEMAND, category__in=breaks.values("category")).exclude(region="")
    declined = PoolSuggestionMember.objects.exclude(declined_at=None).values_list("demand", "demand_revision")
    refused = set(declined)
    demands: dict[tuple[int, str], list[Listing]] = defaultdict(list)
    for demand in (
        with_facts(wanted).select_related("organisation__disclosure", "category", "index_entry").order_by("-pk")
    ):
        grade = (demand.category_id, _grade(demand))
        if len(demands[grade]) < MOST_DEMANDS and (demand.pk, demand.revision) not in refused:
            demands[grade].append(demand)
    several = {grade: rows for grade, rows in demands.items() if len({row.organisation_id for row in rows}) > 1}
    priced = shown.filter(side=Listing.Side.SUPPLY, price_min__gt=0, currency="CNY")
    supplies: dict[int, list[Listing]] = defaultdict(list)
    for supply in with_facts(priced.filter(category__in={category for category, _grade_ in several})).order_by("pk"):
        supplies[supply.category_id].append(supply)
    for (category, _attributes), rows in sorted(several.items()):
        yield Grade(sorted(rows, key=lambda row: row.pk), supplies[category])


def _grade(demand: Listing) -> str:
    """Return what makes two demands of a category ask for the same: the attributes that a supply must meet."""
    properties = demand.category.schema.get("properties", {})
    hard = {
        name: value
        for name, value in demand.attributes.items()
        if properties.get(name, {}).get("match", "soft") != "soft"
    }
    return json.dumps(hard, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A set that passes a break, as its rows will be."""

    key: str
    supply: Listing
    # Each demand, how much of it, and what it costs alone.
    members: list[tuple[Listing, Decimal, Decimal | None]]
    unit: str
    minimum: Decimal
    unit_price: Decimal
    base_price: Decimal | None
    window: tuple[date, date]


def _suggestions(grade: Grade, now: datetime) -> list[Suggestion]:
    today, unit = timezone.localdate(now), grade.demands[0].unit
    demands = {one.pk: one for one in grade.demands if _in(one.unit, unit)}
    supplies = {one.pk: one for one in grade.supplies if _priced(one, unit)}
    demand_facts = {one.id: one for one in facts_of(demands.values(), now=now)}
    supply_facts = {one.id: one for one in facts_of(supplies.values(), now=now)}
    buyers = [_buyer(one, unit, today) for one in demands.values()]
    sellers = [_seller(one, unit) for one in supplies.values()]
    blocked = _blocks({one.organisation_id for one in (*demands.values(), *supplies.values())})
    amounts = {buyer.id: buyer.quantity for buyer in buyers}
    fits = {
        (buyer.id, seller.id)
        for buyer in buyers
        for seller in sellers
        if frozenset((buyer.firm, seller.firm)) not in blocked
        and _fits(supply_facts[seller.id], demand_facts[buyer.id], today)
    }
    found = []
    for pool in find_pools(buyers, sellers, fits, apart=blocked, near_km=NEAR_KM):
        supply, members = supplies[pool.seller], [demands[pk] for pk in pool.buyers]
        said = [[supply.pk, supply.revision], *([one.pk, one.revision] for one in members)]
        found.append(
            Suggestion(
                key=hashlib.sha256(json.dumps(said).encode()).hexdigest(),
                supply=supply,
                members=[(one, amounts[one.pk], pool.alone[one.pk]) for one in members],
                unit=unit,
                minimum=next(seller.minimum for seller in sellers if seller.id == pool.seller),
                unit_price=pool.unit_price,
                base_price=pool.base_price,
                window=pool.window,
            )
        )
    return found


def _in(unit: str, other: str) -> Decimal | None:
    return factor_between(unit, other) if unit and other else None


def _priced(supply: Listing, unit: str) -> bool:
    priced_in = supply.price_unit or supply.unit or unit
    return bool(_in(supply.unit or unit, unit) and _in(priced_in, unit))


def _buyer(demand: Listing, unit: str, today: date) -> Buyer:
    quantity = ((demand.quantity - demand.held) * _in(demand.unit, unit)).quantize(Decimal("0.001"))
    start = max(demand.window_start or today, today)
    end = max(demand.window_end or start + USUAL_DELIVERY, start)
    return Buyer(demand.pk, demand.organisation_id, quantity, demand.region, start, end)


def _seller(supply: Listing, unit: str) -> Seller:
    factor = _in(supply.unit or unit, unit)
    price = (supply.price_min / _in(supply.price_unit or supply.unit or unit, unit)).quantize(Decimal("0.0001"))
    left = None if supply.quantity is None else (supply.quantity - supply.held) * factor
    minimum = ((supply.minimum_order or Decimal(0)) * factor).quantize(Decimal("0.001"))
    return Seller(supply.pk, supply.organisation_id, price, minimum, left)


def _fits(supply: ListingFacts, demand: ListingFacts, today: date) -> bool:
    """Say whether a supply meets all of a demand but its quantity, which is what the pool is for."""
    return not why_not(supply, demand, today, rules=POOLED_RULES)


def _blocks(organisations: set[int]) -> frozenset[frozenset[int]]:
    rows = Block.objects.filter(Q(organisation__in=organisations) | Q(blocked__in=organisations))
    return frozenset(frozenset(pair) for pair in rows.values_list("organisation", "blocked"))


def _write(run: PoolingRun, one: Suggestion, now: datetime) -> bool:
    """Write a suggestion unless the same set was suggested before; say whether it is new."""
    total = sum((quantity for _demand, quantity, _alone in one.members), Decimal(0))
    if _overlaps_started(one.members):
        return False
    row = PoolSuggestion(
        run=run, category=one.supply.category, supply=one.supply, supply_revision=one.supply.revision,
        members_key=one.key, unit=one.unit, total=total, minimum=one.minimum, unit_price=one.unit_price,
        base_price=one.base_price, window_start=one.window[0], window_end=one.window[1], found_at=now,
    )  # fmt: skip
    PoolSuggestion.objects.bulk_create([row], ignore_conflicts=True)
    row = PoolSuggestion.objects.get(members_key=one.key)
    if row.run_id != run.pk or row.members.exists():
        return False
    # A demand is suggested for one pool at a time, the newest: what it was in before makes way.
    older = PoolSuggestion.objects.filter(members__demand__in=[demand.pk for demand, _quantity, _alone in one.members])
    PoolSuggestion.objects.filter(pk__in=older.exclude(pk=row.pk).values("pk")).become(
        PoolSuggestion.Status.EXPIRED, ended_at=now
    )
    PoolSuggestionMember.objects.bulk_create(
        [
            PoolSuggestionMember(
                suggestion=row,
                demand=demand,
                demand_revision=demand.revision,
                quantity=quantity,
                saving=(saving(quantity, alone, one.unit_price) or None) if alone else None,
            )
            for demand, quantity, alone in one.members
        ]
    )
    return True


def _overlaps_started(members: Sequence[tuple[Listing, Decimal, Decimal | None]]) -> bool:
    """Say whether one of the demands is in a pool that was started from a suggestion and still runs."""
    started = PoolSuggestion.objects.filter(
        status=PoolSuggestion.Status.STARTED, members__demand__in=[demand.pk for demand, _quantity, _alone in members]
    )
    return started.filter(pool__status__in=["open", "closed", "negotiating"]).exists()
