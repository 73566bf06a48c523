"""What an organiser may ask for: open a pool, invite firms, close or cancel it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Listing,
    Negotiation,
    Organisation,
    PoolInvitation,
    PoolPrice,
    PurchasePool,
    User,
)
from marketplace.models.purchase_pool import new_pool_number
from marketplace.runs import pool_news, pools
from marketplace.services.negotiations import end_negotiation
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.pool_fields import read_pool
from marketplace.services.pool_proposals import shared_specification


class PoolNotInStateForThis(RuleBroken):
    pass


class OrganiserNotVerified(RuleBroken):
    pass


class MinimumNotReached(RuleBroken):
    pass


class PoolHasMembers(RuleBroken):
    pass


def require_organiser(by: User, pool: PurchasePool) -> None:
    require_role(by, pool.organiser, *PurchasePool.ORGANISING_ROLES)


def locked(pool: PurchasePool) -> PurchasePool:
    """Return the pool as it stands; whoever joins, leaves, closes or orders at the same moment waits."""
    rows = PurchasePool.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("organiser", "category", "park").get(pk=pool.pk)


def committed_to(pool: PurchasePool) -> Decimal:
    """Return how much is committed."""
    return pool.commitments.live().aggregate(total=Sum("quantity"))["total"] or Decimal(0)


def not_in_state(pool: PurchasePool) -> PoolNotInStateForThis:
    return PoolNotInStateForThis(
        _("“%(title)s” is “%(status)s”: this is not possible now.")
        % {"title": pool.title, "status": pool.get_status_display()}
    )


@transaction.atomic
def open_pool(
    *,
    organiser: Organisation,
    by: User,
    fields: Mapping[str, Any],
    now: datetime,
    invited_demands: Iterable[Listing] = (),
) -> PurchasePool:
    """Open a pool that firms may join, and invite the firms of these demands.

    :raises OnlyMembersMay: if ``by`` does not trade for the organiser
    :raises OrganiserNotVerified: if the organiser is not approved
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, organiser, *PurchasePool.ORGANISING_ROLES)
    if not organiser.is_approved:
        raise OrganiserNotVerified(_("Only an approved organisation can organise a collective purchase."))
    demands = list(invited_demands)
    said = read_pool(fields, now=now)
    if not said.fields["specification"].get("attributes"):
        shared = shared_specification(demands).get("attributes", {})
        said.fields["specification"] = said.fields["specification"] | {"attributes": shared}
    pool = PurchasePool.objects.create(
        number=new_pool_number(now), organiser=organiser, created_by=by, created_at=now, **said.fields
    )
    _write_ladder(pool, said.ladder)
    if demands:
        invite_demands(pool=pool, demands=demands, by=by, now=now)
    return pool


def _write_ladder(pool: PurchasePool, ladder: Iterable) -> None:
    PoolPrice.objects.bulk_create(
        [PoolPrice(pool=pool, from_quantity=rung.from_quantity, unit_price=rung.unit_price) for rung in ladder]
    )


@transaction.atomic
def edit_pool(*, pool: PurchasePool, by: User, fields: Mapping[str, Any], now: datetime) -> PurchasePool:
    """Change what a pool says while nobody has joined; afterwards its rules are promises.

    :raises PoolNotInStateForThis: if it is no longer open
    :raises PoolHasMembers: if a firm has committed
    :raises InputRefused: naming each field that cannot be taken
    """
    require_organiser(by, pool)
    pool = locked(pool)
    if pool.status != PurchasePool.Status.OPEN:
        raise not_in_state(pool)
    if pool.commitments.live().exists():
        raise PoolHasMembers(_("Firms have joined under these rules: they cannot be changed any more."))
    said = read_pool(fields, now=now)
    for name, value in said.fields.items():
        setattr(pool, name, value)
    pool.save()
    pool.prices.all().delete()
    _write_ladder(pool, said.ladder)
    return pool


@transaction.atomic
def invite_firms(
    *, pool: PurchasePool, organisations: Iterable[Organisation], by: User, now: datetime
) -> list[PoolInvitation]:
    """Ask firms to join; who was asked before or blocks the organiser is left out. Return the new invitations.

    :raises PoolNotInStateForThis: if it is no longer open
    """
    return _invite(pool, [(one, None) for one in organisations], by=by, now=now)


@transaction.atomic
def invite_demands(*, pool: PurchasePool, demands: Iterable[Listing], by: User, now: datetime) -> list[PoolInvitation]:
    """Ask the firms of these demands, which the organiser sees, to buy them together.

    :raises PoolNotInStateForThis: if it is no longer open
    """
    shown = Listing.objects.visible_to(by, now).open(now).filter(pk__in=[one.pk for one in demands])
    wanted = shown.filter(side=Listing.Side.DEMAND).select_related("organisation").order_by("pk")
    return _invite(pool, [(demand.organisation, demand) for demand in wanted], by=by, now=now)


def _invite(
    pool: PurchasePool, firms: Iterable[tuple[Organisation, Listing | None]], *, by: User, now: datetime
) -> list[PoolInvitation]:
    require_organiser(by, pool)
    if pool.status != PurchasePool.Status.OPEN:
        raise not_in_state(pool)
    wanted = {one.pk: (one, demand) for one, demand in firms}
    free = Organisation.objects.approved().filter(pk__in=wanted).exclude(pk=pool.organiser_id)
    blocked = Q(blocks__blocked=pool.organiser_id) | Q(blocked_by__organisation=pool.organiser_id)
    known = set(pool.invitations.values_list("organisation", flat=True))
    new = [one for one in free.exclude(blocked).order_by("pk").distinct() if one.pk not in known]
    rows = [
        PoolInvitation(pool=pool, organisation=one, demand=wanted[one.pk][1], invited_by=by, invited_at=now)
        for one in new
    ]
    # Two who invite the same firm at once invite it once.
    PoolInvitation.objects.bulk_create(rows, ignore_conflicts=True)
    notify_many(pool_news.opened(pool, new), now=now)
    return rows


@transaction.atomic
def close_pool(*, pool: PurchasePool, by: User, now: datetime) -> PurchasePool:
    """Close an open pool before its time, once its minimum is reached.

    :raises PoolNotInStateForThis: if it is not open
    :raises MinimumNotReached: if too little is committed
    """
    require_organiser(by, pool)
    pool = locked(pool)
    if pool.status != PurchasePool.Status.OPEN:
        raise not_in_state(pool)
    if committed_to(pool) < pool.minimum_quantity:
        raise MinimumNotReached(_("Less than the minimum is committed: wait, or cancel it."))
    notify_many(pools.close_pool(pool, now=now), now=now)
    return pool


@transaction.atomic
def cancel_pool(*, pool: PurchasePool, by: User, reason: str, now: datetime) -> PurchasePool:
    """Give a pool up before it is ordered: everybody is free again, and negotiations about it end.

    :raises InputRefused: if no reason is said
    :raises PoolNotInStateForThis: if it has ended
    """
    require_organiser(by, pool)
    if not reason.strip():
        raise InputRefused({"reason": [_("Say why: the members read it.")]})
    pool = locked(pool)
    closed_at = pool.closed_at or now
    changes = {"closed_at": closed_at, "ended_at": now, "cancel_reason": reason.strip()[:300]}
    if not PurchasePool.objects.filter(pk=pool.pk).become(PurchasePool.Status.CANCELLED, **changes):
        raise not_in_state(pool)
    pool.refresh_from_db()
    members = pools.release_all(pool, now=now)
    end_negotiations(pool, by=by, now=now)
    notify_many(pool_news.cancelled(pool, [one.organisation for one in members]), now=now)
    return pool


def end_negotiations(pool: PurchasePool, *, by: User, now: datetime) -> None:
    """End what is still open with suppliers; what their offers held is free again."""
    running = Negotiation.objects.filter(pool_supplier__pool=pool).open().order_by("pk")
    for negotiation in running.select_related("buyer", "seller"):
        end_negotiation(negotiation=negotiation, by=by, organisation=pool.organiser, now=now)
