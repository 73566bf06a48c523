"""What the platform operator may ask of a market: compute it at every stop of the dial, publish one stop, discard it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Category, Listing, User
from marketplace.parsing.places import find_place
from marketplace.services.notifications import notify_many
from matching import tasks
from matching.models import Allotment, ListingBalance, MarketPoint, MarketProposal, Match, MatchRun
from matching.models.market_proposal import DIALS
from matching.models.match import ScoredPair
from matching.runs import market_news
from matching.runs.market_data import Amount, has_market, read_market

STEP = Decimal("0.001")


class MarketNotReady(RuleBroken):
    pass


class MarketAlreadyDecided(RuleBroken):
    pass


class NothingToPublish(RuleBroken):
    pass


@dataclass(frozen=True, slots=True)
class Choice:
    """A family of goods or a category that can be cleared, and how many open demands in it match something."""

    code: str
    name: str
    demands: int


def family_choices(*, now: datetime) -> list[Choice]:
    """Return the families of goods in which something matches now, the largest first."""
    counted = has_market(now).order_by().values_list("category__family").annotate(count=Count("pk"))
    counts = {family: count for family, count in counted if family}
    return _named(counts)


def category_choices(*, now: datetime) -> list[Choice]:
    """Return the categories in which something matches now, the largest first; those above them count it too."""
    catalogue = Category.objects.catalogue()
    counts: Counter = Counter()
    counted = has_market(now).order_by().values_list("category__code").annotate(count=Count("pk"))
    for code, count in counted:
        for each in (code, *(above.code for above in catalogue.ancestors(code))):
            counts[each] += count
    return _named(counts)


def _named(counts: Mapping[str, int]) -> list[Choice]:
    # A family is called as the category at its top.
    catalogue = Category.objects.catalogue()
    called = {code: spec.code for code in counts if (spec := catalogue.named_after(code))}
    names = {one.code: one.name for one in Category.objects.filter(code__in=list(called.values()))}
    choices = [Choice(code, names.get(called.get(code, code), code), count) for code, count in counts.items()]
    return sorted(choices, key=lambda one: (-one.demands, one.code))


@transaction.atomic
def request_market(
    *, by: User, now: datetime, family: str = "", category: str = "", region: str = ""
) -> MarketProposal:
    """Ask a worker to clear a market at every stop of the dial; nothing is published by that.

    :param region: a place by its name or its code; the market is where the goods are wanted
    :raises InputRefused: if it is not one known family or category, or no place is called so
    """
    errors: dict[str, list[str]] = {}
    chosen = None
    if bool(family) == bool(category):
        errors["family"] = [_("Choose a family of goods or a category.")]
    elif family and not Category.objects.filter(family=family).exists():
        errors["family"] = [_("There is no such family of goods.")]
    elif category:
        chosen = Category.objects.filter(code=category).first()
        if chosen is None:
            errors["category"] = [_("There is no such category.")]
    place = find_place(region) if region else ""
    if place is None:
        errors["region"] = [_("No place has this name or code: try the city or the province.")]
    if errors:
        raise InputRefused(errors)
    proposal = MarketProposal.objects.create(
        family=family, category=chosen, region=place, requested_by=by, requested_at=now
    )
    tasks.clear_market.delay_on_commit(proposal.pk)
    return proposal


@transaction.atomic
def discard_market(*, proposal: MarketProposal, by: User, at: datetime) -> None:
    """Put a proposal away; nothing of it is published.

    :raises MarketNotReady: if it is still computed
    :raises MarketAlreadyDecided: if somebody decided before
    """
    if not MarketProposal.objects.filter(pk=proposal.pk).decide(MarketProposal.Decision.DISCARDED, by=by, at=at):
        raise _undecidable(proposal)


@transaction.atomic
def approve_market(*, proposal: MarketProposal, dial: int, by: User, at: datetime) -> list[Allotment]:
    """Publish a stop of the dial: its pairs become matches that carry their quantity, and both sides are told.

    What no longer holds is dropped and kept with its reason: a listing that was changed or closed, a quantity that
    others took meanwhile. What an earlier market allotted to these listings no longer counts.

    :raises InputRefused: if the dial has no such stop
    :raises MarketNotReady: if it is still computed
    :raises MarketAlreadyDecided: if somebody decided before
    :raises NothingToPublish: if nothing of it still holds
    """
    if dial not in DIALS:
        raise InputRefused({"dial": [_("The dial goes from 0 to 10.")]})
    rows = MarketProposal.objects.filter(pk=proposal.pk)
    if not rows.decide(MarketProposal.Decision.APPROVED, by=by, at=at, dial=dial):
        raise _undecidable(proposal)
    proposal = rows.get()
    allotments = _checked(proposal, MarketPoint.objects.get(proposal=proposal, dial=dial), now=at)
    if not any(one.fate == Allotment.Fate.PUBLISHED for one in allotments):
        raise NothingToPublish(_("Nothing of this proposal still holds. Compute the market again."))
    _publish(proposal, allotments, now=at)
    return allotments


def _undecidable(proposal: MarketProposal) -> RuleBroken:
    proposal.refresh_from_db()
    if proposal.decision != MarketProposal.Decision.OPEN:
        return MarketAlreadyDecided(_("This proposal was approved or discarded before."))
    return MarketNotReady(_("This market is not computed."))


def _checked(proposal: MarketProposal, point: MarketPoint, *, now: datetime) -> list[Allotment]:
    """Return what the point gives each pair, each with its fate as the rows stand now; the most valuable go first."""
    pairs = sorted(point.allotments, key=lambda row: (-row[3] * float(row[2]), row[0], row[1]))
    ids = {pk for demand, supply, *_rest in pairs for pk in (demand, supply)}
    # Who takes or holds a quantity at the same moment waits, so that what is published was to be had.
    list(Listing.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids).order_by("pk").values("pk"))
    data = read_market(proposal, now=now, unit=proposal.unit)
    seen = {pk: revision for side in proposal.listings.values() for pk, revision in side}
    done = MatchRun.objects.filter(status=MatchRun.Status.DONE, listing__in=[row[1] for row in proposal.unmatched])
    looked_for = set(done.values_list("listing", flat=True))
    unmatched = {(demand, supply) for demand, supply, *_why in proposal.unmatched if supply in looked_for}
    left = Counter({pk: one.quantity for side in (data.demands, data.supplies) for pk, one in side.items()})
    found = []
    listings = Listing.objects.in_bulk(ids)
    for demand, supply, said, value in pairs:
        if demand not in listings or supply not in listings:
            continue
        quantity = Decimal(said)
        reason = _refusal(demand, supply, quantity, data.demands, data.supplies, seen, left)
        if not reason and (demand, supply) not in data.pairs and (demand, supply) not in unmatched:
            reason = Allotment.Reason.NO_MATCH
        if not reason:
            left[demand] -= quantity
            left[supply] -= quantity
        one = Allotment(
            proposal=proposal, demand_id=demand, supply_id=supply, demand_revision=seen[demand],
            supply_revision=seen[supply], value=value, unit=listings[demand].unit, dropped_because=reason,
            fate=Allotment.Fate.DROPPED if reason else Allotment.Fate.PUBLISHED,
        )  # fmt: skip
        one.market_quantity = quantity
        found.append(one)
    _drop_small_orders(found, data.supplies)
    _count_groups(found, data.demands, data.supplies)
    return found


def _refusal(
    demand: int,
    supply: int,
    quantity: Decimal,
    demands: dict[int, Amount],
    supplies: dict[int, Amount],
    seen: dict[int, int],
    left: Counter,
) -> str:
    """Return why a pair's quantity cannot be published, or nothing."""
    if demand not in demands or demands[demand].revision != seen[demand]:
        return Allotment.Reason.DEMAND_CHANGED
    if supply not in supplies or supplies[supply].revision != seen[supply]:
        return Allotment.Reason.SUPPLY_CHANGED
    if left[demand] < quantity:
        return Allotment.Reason.DEMAND_HELD
    return Allotment.Reason.SUPPLY_HELD if left[supply] < quantity else ""


def _live(allotments: Iterable[Allotment]) -> list[Allotment]:
    return [one for one in allotments if one.fate == Allotment.Fate.PUBLISHED]


def _drop_small_orders(allotments: list[Allotment], supplies: dict[int, Amount]) -> None:
    """Drop what was to share an order that is no longer as large as the supply's minimum."""
    orders: Counter = Counter()
    for one in _live(allotments):
        orders[one.supply_id] += one.market_quantity
    for one in _live(allotments):
        # A thousandth may be lost for each of those that share it, as quantities are rounded down.
        if orders[one.supply_id] < supplies[one.supply_id].minimum - STEP * len(allotments):
            one.fate, one.dropped_because = Allotment.Fate.DROPPED, Allotment.Reason.BELOW_MINIMUM


def _count_groups(allotments: list[Allotment], demands: dict[int, Amount], supplies: dict[int, Amount]) -> None:
    """Say of each how many suppliers serve its demand and what they cover, and how many demands share its order."""
    of_demand: dict[int, list[Allotment]] = defaultdict(list)
    small: Counter = Counter()
    for one in allotments:
        factor = demands[one.demand_id].factor if one.demand_id in demands else Decimal(1)
        one.quantity = max(STEP, (one.market_quantity / factor).quantize(STEP, rounding=ROUND_DOWN))
        one.covered = one.quantity
        if one.fate == Allotment.Fate.PUBLISHED:
            of_demand[one.demand_id].append(one)
            small[one.supply_id] += one.market_quantity < supplies[one.supply_id].minimum
    for rows in of_demand.values():
        covered = sum((one.quantity for one in rows), Decimal(0))
        for one in rows:
            one.supplier_count, one.covered = len(rows), covered
            if one.market_quantity < supplies[one.supply_id].minimum:
                one.pooled_count = max(1, small[one.supply_id])


def _publish(proposal: MarketProposal, allotments: list[Allotment], *, now: datetime) -> None:
    Allotment.objects.bulk_create(allotments, batch_size=1000)
    live = _live(allotments)
    _record_missing(proposal, live, now=now)
    demands = {one.demand_id for one in live}
    Match.objects.filter(demand__in=demands).exclude(allotment=None).update(allotment=None)
    supplies = {one.supply_id for one in live}
    Match.objects.filter(supply__in=supplies).exclude(allotment=None).update(allotment=None)
    matches = {
        (match.demand_id, match.supply_id): match
        for match in Match.objects.filter(demand__in=demands, supply__in=supplies).defer("reasons")
    }
    for one in live:
        matches[one.demand_id, one.supply_id].allotment = one
    Match.objects.bulk_update([matches[one.demand_id, one.supply_id] for one in live], ["allotment"], batch_size=500)
    rows = proposal.allotments.published().with_listings().select_related("match").order_by("pk")
    notify_many(market_news.published(proposal, list(rows)), now=now)


def _record_missing(proposal: MarketProposal, live: list[Allotment], *, now: datetime) -> None:
    """Write the matches that only a shared order makes possible, each under the last run of its supply."""
    why = {(demand, supply): (score, reasons) for demand, supply, score, reasons in proposal.unmatched}
    missing: dict[int, list[Allotment]] = defaultdict(list)
    for one in live:
        if (one.demand_id, one.supply_id) in why:
            missing[one.supply_id].append(one)
    listings = Listing.objects.in_bulk(
        {pk for rows in missing.values() for one in rows for pk in (one.demand_id, one.supply_id)}
    )
    for supply, rows in sorted(missing.items()):
        run = (
            MatchRun.objects.filter(listing=supply, status=MatchRun.Status.DONE).select_related("listing").latest("pk")
        )
        run.ranker_version = proposal.model_version
        pairs = [
            ScoredPair(
                supply=supply,
                demand=one.demand_id,
                supply_organisation=listings[supply].organisation_id,
                demand_organisation=listings[one.demand_id].organisation_id,
                supply_revision=one.supply_revision,
                demand_revision=one.demand_revision,
                score=why[one.demand_id, supply][0],
                rank=run.found + place,
                reasons=why[one.demand_id, supply][1],
            )
            for place, one in enumerate(rows, start=1)
        ]
        Match.objects.record(pairs, run=run, now=now)
        ListingBalance.objects.weigh(Match.objects.filter(supply=supply, demand__in=[one.demand_id for one in rows]))
