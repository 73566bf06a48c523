"""What a firm may do with a collective purchase that the matcher found: start it, or leave it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Listing, Membership, Organisation, PurchasePool, User
from marketplace.services import pool_proposals, pools
from matching.models import PoolSuggestion, PoolSuggestionMember

WHOLE = Decimal(1)
SMALLEST = Decimal("0.001")


class SuggestionEnded(RuleBroken):
    pass


class SuggestionNotOurs(RuleBroken):
    pass


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion as one reader sees it: its own demands, and how many others there are, without who they are."""

    suggestion: PoolSuggestion
    own: list[PoolSuggestionMember]
    other_count: int
    may_act: bool

    @property
    def saving(self) -> Decimal | None:
        """Return what the reader's firms save, None where there is no price to compare with."""
        known = [one.saving for one in self.own if one.saving is not None]
        return sum(known, Decimal(0)) if known else None


def shown_to(user: User, suggestions: Sequence[PoolSuggestion]) -> list[Shown]:
    """Return suggestions, fetched ``with_details()``, as this user sees them."""
    mine = set(Organisation.objects.of(user).values_list("pk", flat=True))
    trading = set(Organisation.objects.of(user, *Membership.TRADING_ROLES).values_list("pk", flat=True))
    return [_shown(one, mine, trading) for one in suggestions]


def _shown(one: PoolSuggestion, mine: Collection[int], trading: Collection[int]) -> Shown:
    members = [member for member in one.members.all() if member.declined_at is None]
    own = [member for member in members if member.demand.organisation_id in mine]
    may_act = one.status == PoolSuggestion.Status.OPEN and any(each.demand.organisation_id in trading for each in own)
    return Shown(one, own, len(members) - len(own), may_act)


def suggestions_for(*, listing: Listing) -> list[PoolSuggestion]:
    """Return what was suggested for a demand and is open, or led to a pool that firms can still join."""
    found = PoolSuggestion.objects.filter(members__demand=listing, members__declined_at=None)
    running = found.open() | found.filter(pool__status=PurchasePool.Status.OPEN)
    return list(running.distinct().with_details().order_by("-found_at", "-pk"))


def suggested_to(user: User, *, listing: Listing) -> list[Shown]:
    """Return what stands of suggestions for one of the user's demands, the newest first."""
    if listing.side != Listing.Side.DEMAND:
        return []
    found = suggestions_for(listing=listing)
    return shown_to(user, found) if found else []


@transaction.atomic
def start_pool(*, suggestion: PoolSuggestion, by: User, now: datetime) -> PurchasePool:
    """Open a collective purchase from a suggestion, for the firm of the first of the user's demands in it.

    The others are invited; the organiser is told how many, and learns who they are when they join.

    :raises SuggestionEnded: if it was started or is out of date
    :raises SuggestionNotOurs: if ``by`` trades for none of its firms
    """
    row = _locked(suggestion)
    if PoolSuggestion.objects.filter(pk=row.pk).out_of_date(now).exists():
        raise SuggestionEnded(_("One of these listings was changed or closed: the suggestion is out of date."))
    members = list(row.members.filter(declined_at=None).select_related("demand__organisation").order_by("pk"))
    own = _own(members, by)
    demands = [own.demand, *(one.demand for one in members if one.pk != own.pk)]
    pool = pools.open_pool(
        organiser=own.demand.organisation,
        by=by,
        fields=_fields(row, demands, now=now),
        now=now,
        invited_demands=[one for one in demands if one.organisation_id != own.demand.organisation_id],
    )
    PoolSuggestion.objects.filter(pk=row.pk).become(PoolSuggestion.Status.STARTED, pool=pool, ended_at=now)
    return pool


@transaction.atomic
def decline_pool(*, suggestion: PoolSuggestion, by: User, now: datetime) -> None:
    """Leave a suggestion with all of the user's demands in it; who is left keeps it while they reach the break.

    :raises SuggestionEnded: if it was started or is out of date
    :raises SuggestionNotOurs: if ``by`` trades for none of its firms
    """
    row = _locked(suggestion)
    members = list(row.members.filter(declined_at=None).select_related("demand").order_by("pk"))
    firm = _own(members, by).demand.organisation_id
    leaving = [one.pk for one in members if one.demand.organisation_id == firm]
    row.members.filter(pk__in=leaving).update(declined_at=now, declined_by=by)
    staying = [one for one in members if one.pk not in leaving]
    total = sum((one.quantity for one in staying), Decimal(0))
    rows = PoolSuggestion.objects.filter(pk=row.pk)
    if len(staying) < 2 or total < row.minimum:
        rows.become(PoolSuggestion.Status.WITHDRAWN, ended_at=now)
    else:
        rows.update(total=total)


def _locked(suggestion: PoolSuggestion) -> PoolSuggestion:
    """Return the suggestion as it stands; two who start it at once start it once."""
    row = PoolSuggestion.objects.select_for_update(of=("self",), no_key=True).get(pk=suggestion.pk)
    if row.status != PoolSuggestion.Status.OPEN:
        raise SuggestionEnded(_("This suggestion was started or is out of date."))
    return row


def _own(members: Sequence[PoolSuggestionMember], by: User) -> PoolSuggestionMember:
    trading = set(Organisation.objects.of(by, *Membership.TRADING_ROLES).values_list("pk", flat=True))
    for member in members:
        if member.demand.organisation_id in trading:
            return member
    raise SuggestionNotOurs(_("None of your firms' demands is in this suggestion."))


def _fields(row: PoolSuggestion, demands: Sequence[Listing], *, now: datetime) -> dict:
    """Return what the pool says: what the demands have in common, the supply's minimum and its price."""
    amounts = [row.minimum, *(one.quantity for one in row.members.all())]
    price = row.unit_price
    return pool_proposals.draft_pool(demands, now=now) | {
        "unit": row.unit,
        "step": WHOLE if all(amount == amount.to_integral_value() for amount in amounts) else SMALLEST,
        "minimum_quantity": row.minimum,
        "base_price": row.base_price or price,
        "prices": [{"from_quantity": row.minimum, "unit_price": price}],
        "currency": "CNY",
    }
