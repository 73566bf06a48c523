"""What a firm may ask of a pool: see what it means, join, change its quantity, leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Block, Listing, Membership, Organisation, PoolCommitment, PurchasePool, User
from marketplace.models.terms import amount
from marketplace.pooling.allocation import Want, allocate
from marketplace.pooling.ladder import RungOutcome, price_at, saving, savings
from marketplace.runs import pool_news, pools
from marketplace.services import holds
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.pool_fields import is_whole
from marketplace.services.pools import locked, not_in_state, require_organiser

LARGEST = Decimal(10) ** 12
# The example of a shortage that a member is shown: so much of what is wanted is there.
EXAMPLE_SHARE = Decimal("0.8")


class PoolNotOpen(RuleBroken):
    pass


class FirmNotVerified(RuleBroken):
    pass


class AlreadyCommitted(RuleBroken):
    pass


class CommitmentHasEnded(RuleBroken):
    pass


class OnlyMoreFromNowOn(RuleBroken):
    """The time in which a quantity may be lowered is over."""


class NobodyAskedToLeave(RuleBroken):
    pass


@dataclass(frozen=True, slots=True)
class Outlook:
    """What joining with a quantity means, before one joins."""

    quantity: Decimal
    committed_without: Decimal
    committed_with: Decimal
    price_without: Decimal
    price_with: Decimal
    saving: Decimal
    rungs: list[RungOutcome]
    closes_it: bool
    reaches_minimum: bool
    # What one would get if only so much of what is then wanted could be had.
    example_available: Decimal
    example_share: Decimal


def outlook(
    *,
    pool: PurchasePool,
    quantity: Decimal,
    now: datetime,
    without: PoolCommitment | None = None,
) -> Outlook:
    """Return what a quantity means in a pool that was fetched ``with_details()``; ``without`` is one's own so far."""
    others = [one for one in _wants(pool) if without is None or one.id != without.pk]
    committed = sum((one.quantity for one in others), Decimal(0))
    total = committed + quantity
    ladder = pool.ladder()
    mine = Want(without.pk if without else 0, quantity, without.committed_at if without else now)
    available = (total * EXAMPLE_SHARE) // pool.step * pool.step
    example = allocate([*others, mine], available, pool.shortage_rule, pool.step)
    price = price_at(ladder, total, pool.base_price)
    return Outlook(
        quantity=quantity,
        committed_without=committed,
        committed_with=total,
        price_without=price_at(ladder, committed, pool.base_price),
        price_with=price,
        saving=saving(quantity, pool.base_price, price),
        rungs=savings(ladder, committed=committed, own=quantity, base_price=pool.base_price),
        closes_it=pool.closes_at_quantity is not None and total >= pool.closes_at_quantity,
        reaches_minimum=total >= pool.minimum_quantity,
        example_available=available,
        example_share=example[mine.id],
    )


def _wants(pool: PurchasePool) -> list[Want]:
    rows = pool.commitments.live().values_list("pk", "quantity", "committed_at")
    return [Want(pk, quantity, at) for pk, quantity, at in rows]


@transaction.atomic
def commit_to_pool(
    *,
    pool: PurchasePool,
    organisation: Organisation,
    by: User,
    quantity: Decimal,
    now: datetime,
    maximum_price: Decimal | None = None,
    demand: Listing | None = None,
) -> PoolCommitment:
    """Commit a firm to a quantity; where that fills the pool, it closes in the same transaction.

    A demand of the firm's own holds the quantity, so that it is not bought a second time alone.

    :raises PoolNotOpen: if it has closed
    :raises AlreadyCommitted: if the firm is in it
    :raises FirmNotVerified: if the firm is not approved
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    if not organisation.is_approved:
        raise FirmNotVerified(_("Only an approved organisation can join."))
    pool = _locked_open(pool, now)
    if Block.objects.between(organisation, pool.organiser).exists():
        raise PoolNotOpen(_("One of the two organisations does not trade with the other."))
    if pool.commitments.live().filter(organisation=organisation).exists():
        raise AlreadyCommitted(_("Your firm is in it already: change its quantity instead."))
    _check(pool, quantity, maximum_price, demand, organisation)
    commitment = PoolCommitment(
        pool=pool,
        organisation=organisation,
        demand=demand,
        quantity=quantity,
        maximum_price=maximum_price,
        committed_by=by,
        committed_at=now,
    )
    if demand is not None:
        commitment.held = _hold(demand, quantity, pool, now=now)
    commitment.save(force_insert=True)
    notify_many(pool_news.joined(pool, commitment), now=now)
    _close_when_full(pool, now=now)
    return commitment


def _locked_open(pool: PurchasePool, now: datetime) -> PurchasePool:
    pool = locked(pool)
    if pool.status != PurchasePool.Status.OPEN or (pool.closes_at and pool.closes_at <= now):
        raise PoolNotOpen(_("“%(title)s” is closed: nobody can join any more.") % {"title": pool.title})
    return pool


def _check(
    pool: PurchasePool,
    quantity: Decimal,
    maximum_price: Decimal | None,
    demand: Listing | None,
    organisation: Organisation,
) -> None:
    errors: dict[str, list[str]] = {}
    if not quantity.is_finite() or quantity <= 0 or quantity >= LARGEST:
        errors["quantity"] = [_("Must be greater than zero.")]
    elif not is_whole(quantity, pool.step):
        step = holds.said(pool.step, pool.unit)
        errors["quantity"] = [_("Must be whole steps of %(step)s.") % {"step": step}]
    if maximum_price is not None and not (maximum_price.is_finite() and 0 < maximum_price < LARGEST):
        errors["maximum_price"] = [_("Must be greater than zero.")]
    if demand is not None:
        if demand.organisation_id != organisation.pk or demand.side != Listing.Side.DEMAND:
            errors["demand"] = [_("Name a demand of your own firm.")]
        elif demand.status != Listing.Status.OPEN:
            errors["demand"] = [_("This demand is not open.")]
    if errors:
        raise InputRefused(errors)


def _hold(demand: Listing, quantity: Decimal, pool: PurchasePool, *, now: datetime) -> Decimal:
    try:
        return holds.hold(listing=demand, quantity=quantity, unit=pool.unit, now=now)
    except holds.UnitNotConvertible as refusal:
        raise InputRefused({"demand": [str(refusal)]}) from refusal
    except holds.QuantityNoLongerAvailable as refusal:
        raise InputRefused({"quantity": [str(refusal)]}) from refusal


def _close_when_full(pool: PurchasePool, *, now: datetime) -> None:
    if pool.closes_at_quantity is None:
        return
    if sum((one.quantity for one in _wants(pool)), Decimal(0)) >= pool.closes_at_quantity:
        notify_many(pools.close_pool(pool, now=now), now=now)


def _locked_live(commitment: PoolCommitment) -> PoolCommitment:
    """Return the commitment as it stands, its pool's row being locked.

    :raises CommitmentHasEnded: if the firm left, or the pool was ordered or ended
    """
    rows = PoolCommitment.objects.select_for_update(of=("self",), no_key=True)
    commitment = rows.select_related("organisation", "demand").get(pk=commitment.pk)
    if commitment.status != PoolCommitment.Status.COMMITTED:
        raise CommitmentHasEnded(
            _("This commitment is over: %(status)s.") % {"status": commitment.get_status_display()}
        )
    return commitment


@transaction.atomic
def change_commitment(
    *,
    commitment: PoolCommitment,
    by: User,
    quantity: Decimal,
    now: datetime,
    maximum_price: Decimal | None = None,
) -> PoolCommitment:
    """Take more or less of a pool while it is open; less only while leaving is free. More goes to the end of the queue.

    :raises PoolNotOpen: if it has closed
    :raises CommitmentHasEnded: if the firm has left
    :raises OnlyMoreFromNowOn: if it is too late to take less, or to lower the highest price
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, commitment.organisation, *Membership.TRADING_ROLES)
    pool = _locked_open(commitment.pool, now)
    commitment = _locked_live(commitment)
    _check(pool, quantity, maximum_price, None, commitment.organisation)
    if now > pool.leave_free_until and _takes_back(commitment, quantity, maximum_price):
        raise OnlyMoreFromNowOn(_("The time to take less is over: you can still take more, or ask to leave."))
    if commitment.demand is not None:
        if commitment.held:
            holds.release(listing=commitment.demand, held=commitment.held, now=now)
        commitment.held = _hold(commitment.demand, quantity, pool, now=now)
    if quantity > commitment.quantity:
        commitment.committed_at = now
    commitment.quantity, commitment.maximum_price = quantity, maximum_price
    commitment.save(update_fields=["quantity", "maximum_price", "held", "committed_at"])
    notify_many(pool_news.joined(pool, commitment), now=now)
    _close_when_full(pool, now=now)
    return commitment


def _takes_back(commitment: PoolCommitment, quantity: Decimal, maximum_price: Decimal | None) -> bool:
    if quantity < commitment.quantity:
        return True
    before = commitment.maximum_price
    return maximum_price is not None and (before is None or maximum_price < before)


def is_free_to_leave(pool: PurchasePool, now: datetime) -> bool:
    """Say whether a firm may still leave without asking anybody."""
    return pool.status == PurchasePool.Status.OPEN and now <= pool.leave_free_until


@transaction.atomic
def leave_pool(*, commitment: PoolCommitment, by: User, now: datetime, reason: str = "") -> PoolCommitment:
    """Leave a pool while that is free; later, ask its organiser to be let go.

    :raises CommitmentHasEnded: if the firm has left, or the pool was ordered or ended
    :raises InputRefused: if the organiser is asked without a reason
    """
    require_role(by, commitment.organisation, *Membership.TRADING_ROLES)
    pool = locked(commitment.pool)
    commitment = _locked_live(commitment)
    if is_free_to_leave(pool, now):
        pools.let_go(commitment, PoolCommitment.Status.WITHDRAWN, now=now, ended_by=by)
        notify_many(pool_news.left(pool, commitment), now=now)
    else:
        if not reason.strip():
            raise InputRefused({"reason": [_("Say why: the organiser decides.")]})
        commitment.leave_requested_at = commitment.leave_requested_at or now
        commitment.leave_reason = reason.strip()[:300]
        commitment.save(update_fields=["leave_requested_at", "leave_reason"])
        notify_many(pool_news.leave_requested(pool, commitment), now=now)
    commitment.refresh_from_db()
    return commitment


@transaction.atomic
def let_member_go(*, commitment: PoolCommitment, by: User, now: datetime) -> PoolCommitment:
    """Agree that a firm leaves late; what it owes by the pool's rule is recorded.

    :raises PoolNotInStateForThis: if the pool has ended
    :raises CommitmentHasEnded: if the firm has left
    :raises NobodyAskedToLeave: if it did not ask
    """
    pool = locked(commitment.pool)
    require_organiser(by, pool)
    if not pool.is_running:
        raise not_in_state(pool)
    commitment = _locked_live(commitment)
    if commitment.leave_requested_at is None:
        raise NobodyAskedToLeave(_("This firm did not ask to leave."))
    owed = leaving_amount(pool, commitment)
    pools.let_go(commitment, PoolCommitment.Status.WITHDRAWN, now=now, ended_by=by, leaving_amount=owed)
    commitment.refresh_from_db()
    notify_many(pool_news.let_go(pool, commitment), now=now)
    return commitment


def leaving_amount(pool: PurchasePool, commitment: PoolCommitment) -> Decimal:
    """Return what leaving late costs: the published percentage of the commitment at the price reached."""
    total = sum((one.quantity for one in _wants(pool)), Decimal(0))
    price = price_at(pool.ladder(), total, pool.base_price)
    return amount(commitment.quantity * pool.leaving_percent / 100, price)


def members_of(pool: PurchasePool) -> Sequence[PoolCommitment]:
    """Return everybody who is or was in the pool, in the order of commitment."""
    return list(pool.commitments.select_related("organisation", "demand", "order").in_turn())
