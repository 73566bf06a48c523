"""How a closed pool is ordered: suppliers are asked, an offer is shared among the members, and each gets an order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import (
    Category,
    Listing,
    Membership,
    Negotiation,
    Offer,
    Order,
    PoolCommitment,
    PoolSupplier,
    PurchasePool,
    User,
)
from marketplace.models.terms import TermLine, totals
from marketplace.pooling.allocation import PRO_RATA, Want, allocate
from marketplace.pooling.ladder import price_at
from marketplace.runs import pool_news, pools
from marketplace.services import deal_files, holds
from marketplace.services.negotiations import open_negotiation
from marketplace.services.notifications import notify_many
from marketplace.services.offers import (
    OfferIsYourOwn,
    lock_negotiation,
    make_offer,
    needs_approval,
    take_accepted,
)
from marketplace.services.orders import create_order
from marketplace.services.organisations import require_role
from marketplace.services.pools import committed_to, end_negotiations, locked, not_in_state, require_organiser

# How long a supplier has to answer what the organiser asks for.
ASKED_FOR = timedelta(days=7)
MILLI = Decimal("0.001")


class SupplierIsAMember(RuleBroken):
    pass


class SupplierAlreadyAsked(RuleBroken):
    pass


class OfferNotOfThisPool(RuleBroken):
    pass


class OfferInAnotherUnit(RuleBroken):
    pass


class OfferAboveWhatMembersTake(RuleBroken):
    """The offer is of more than the members who accept its price committed to."""


class NobodyTakesThisPrice(RuleBroken):
    pass


class AboveYourLimit(RuleBroken):
    pass


def supplier_choices(*, pool: PurchasePool, user: User, now: datetime) -> QuerySet[Listing]:
    """Return the supplies that may serve the pool and that the user sees, the cheapest first."""
    members = pool.commitments.live().values("organisation")
    asked = pool.suppliers.values("organisation")
    found = Listing.objects.visible_to(user, now).open(now).with_names()
    found = found.filter(side=Listing.Side.SUPPLY, category__in=Category.objects.under(pool.category.code))
    found = found.exclude(organisation=pool.organiser).exclude(organisation__in=members)
    return found.exclude(organisation__in=asked).order_by("price_min", "pk")


@transaction.atomic
def ask_suppliers(*, pool: PurchasePool, supplies: Iterable[Listing], by: User, now: datetime) -> list[PoolSupplier]:
    """Open a negotiation with each supplier, in which the pool's terms at the price reached are the first offer.

    :raises PoolNotInStateForThis: if it has not closed yet, or has ended
    :raises SupplierIsAMember: if a firm would sell to itself
    :raises SupplierAlreadyAsked: if it negotiates about this pool already
    """
    require_organiser(by, pool)
    pool = locked(pool)
    if pool.status not in (PurchasePool.Status.CLOSED, PurchasePool.Status.NEGOTIATING):
        raise not_in_state(pool)
    quantity = committed_to(pool)
    asked = [_ask(pool, supply, quantity, by=by, now=now) for supply in supplies]
    if asked:
        PurchasePool.objects.filter(pk=pool.pk).become(PurchasePool.Status.NEGOTIATING)
    return asked


def _ask(pool: PurchasePool, supply: Listing, quantity: Decimal, *, by: User, now: datetime) -> PoolSupplier:
    supplier = supply.organisation
    if pool.commitments.live().filter(organisation=supplier).exists():
        raise SupplierIsAMember(_("“%(name)s” is a member of the pool itself.") % {"name": supplier.name})
    if pool.suppliers.filter(organisation=supplier).exists():
        raise SupplierAlreadyAsked(_("“%(name)s” was asked already.") % {"name": supplier.name})
    negotiation = open_negotiation(
        by=by, organisation=pool.organiser, supply=supply, origin=Negotiation.Origin.POOL, now=now
    )
    row = PoolSupplier.objects.create(
        pool=pool, organisation=supplier, negotiation=negotiation, invited_by=by, invited_at=now
    )
    make_offer(
        negotiation=negotiation,
        by=by,
        organisation=pool.organiser,
        terms=asked_terms(pool),
        lines=[asked_line(pool, _offerable(supply, quantity, pool))],
        valid_until=now + ASKED_FOR,
        now=now,
    )
    notify_many([pool_news.asked(pool, supplier, negotiation=negotiation.pk, quantity=quantity)], now=now)
    return row


def _offerable(supply: Listing, quantity: Decimal, pool: PurchasePool) -> Decimal:
    """Return what this supplier can be asked for: all of it, or what is left there, in whole steps."""
    factor = holds.factor_between(supply.unit, pool.unit) if supply.quantity is not None else None
    if factor is None:
        return quantity
    return min(quantity, supply.quantity * factor // pool.step * pool.step) or quantity


def asked_terms(pool: PurchasePool) -> dict[str, object]:
    """Return the pool's terms as an offer says them."""
    return {**pool.terms(), "park": pool.park_id}


def asked_line(pool: PurchasePool, quantity: Decimal) -> dict[str, object]:
    return {
        "kind": TermLine.Kind.GOODS,
        "description": (pool.title_zh or pool.title_en)[:300],
        "specification": pool.specification,
        "quantity": quantity,
        "unit": pool.unit,
        "unit_price": price_at(pool.ladder(), quantity, pool.base_price),
    }


@dataclass(frozen=True, slots=True)
class Division:
    """How an offer is shared: what each member gets of each line, and who does not take its price."""

    unit_price: Decimal
    wanted: Decimal
    parts: dict[int, Decimal]
    shares: dict[int, dict[int, Decimal]]
    served: list[PoolCommitment]
    unserved: list[PoolCommitment]
    priced_out: list[PoolCommitment]


def landed_price(offer: Offer, pool: PurchasePool) -> Decimal:
    """Return what a unit of goods costs with all charges, with or without tax as the pool's prices are."""
    lines = list(offer.lines.all())
    net, _tax, total = totals(
        sum((line.amount for line in lines), Decimal(0)),
        tax_rate=offer.tax_rate,
        price_includes_tax=offer.price_includes_tax,
    )
    paid = total if pool.price_includes_tax else net
    goods = sum((line.quantity for line in lines if line.kind == TermLine.Kind.GOODS), Decimal(0))
    return (paid / goods).quantize(Decimal("0.0001"))


def divide(pool: PurchasePool, offer: Offer) -> Division:
    """Share an offer among the members by the pool's published rule, to its step.

    Who set a lower highest price than the offer's leaves; the others share what is offered. Charges are shared in
    proportion to the goods, to a thousandth.

    :raises OfferInAnotherUnit: if its goods are counted otherwise, or in parts of a step
    :raises NobodyTakesThisPrice: if the price is above everybody's highest
    :raises OfferAboveWhatMembersTake: if it is of more than the others committed to
    """
    goods = [line for line in offer.lines.all() if line.kind == TermLine.Kind.GOODS]
    offered = sum((line.quantity for line in goods), Decimal(0))
    if not goods or any(line.unit != pool.unit or line.quantity % pool.step for line in goods):
        raise OfferInAnotherUnit(
            _("The offer must count its goods in whole steps of %(step)s.") % {"step": holds.said(pool.step, pool.unit)}
        )
    price = landed_price(offer, pool)
    members = list(
        pool.commitments.filter(status=PoolCommitment.Status.COMMITTED)
        .select_related("organisation", "demand")
        .in_turn()
    )
    priced_out = [one for one in members if one.maximum_price is not None and one.maximum_price < price]
    staying = [one for one in members if one not in priced_out]
    wanted = sum((one.quantity for one in staying), Decimal(0))
    if not wanted:
        raise NobodyTakesThisPrice(
            _("No member pays %(price)s per %(unit)s.") % {"price": price.normalize(), "unit": pool.unit}
        )
    if offered > wanted:
        raise OfferAboveWhatMembersTake(
            _("The members who accept this price committed to %(wanted)s: ask for an offer of that much or less.")
            % {"wanted": holds.said(wanted, pool.unit)}
        )
    wants = [Want(one.pk, one.quantity, one.committed_at) for one in staying]
    parts = allocate(wants, offered, pool.shortage_rule, pool.step)
    served = [one for one in staying if parts[one.pk]]
    return Division(
        unit_price=price,
        wanted=wanted,
        parts=parts,
        shares=_shares(offer, served, parts, pool.step),
        served=served,
        unserved=[one for one in staying if not parts[one.pk]],
        priced_out=priced_out,
    )


def _shares(
    offer: Offer, served: list[PoolCommitment], parts: dict[int, Decimal], step: Decimal
) -> dict[int, dict[int, Decimal]]:
    """Return what each served member gets of each line; each line sums exactly to what the offer has of it."""
    shares: dict[int, dict[int, Decimal]] = {one.pk: {} for one in served}
    lines = sorted(offer.lines.all(), key=lambda line: (line.kind == TermLine.Kind.CHARGE, line.position))
    missing = {one.pk: parts[one.pk] for one in served}
    for line in lines:
        is_charge = line.kind == TermLine.Kind.CHARGE
        weights = parts if is_charge else missing
        split = _in_proportion_to(served, weights, line.quantity, MILLI if is_charge else step)
        for member, quantity in split.items():
            if quantity:
                shares[member][line.position] = quantity
            if not is_charge:
                missing[member] -= quantity
    return shares


def _in_proportion_to(
    served: list[PoolCommitment], weights: dict[int, Decimal], quantity: Decimal, step: Decimal
) -> dict[int, Decimal]:
    wants = [Want(one.pk, weights[one.pk], one.committed_at) for one in served]
    total = sum((want.quantity for want in wants), Decimal(0))
    # Weights above the quantity bound it from above; smaller ones (of a charge) are scaled up so that they do.
    scale = 1 if total >= quantity else (quantity / total).to_integral_value(rounding="ROUND_CEILING") + 1
    scaled = [Want(want.id, want.quantity * scale, want.at) for want in wants]
    return allocate(scaled, quantity, PRO_RATA, step)


@transaction.atomic
def accept_pool_offer(*, pool: PurchasePool, offer: Offer, by: User, now: datetime) -> list[Order]:
    """Accept an offer for all members at once: one order for each, what is left of their demands free again.

    The organiser accepts a supplier's offer; a supplier accepts what the organiser asked for.

    :raises PoolNotInStateForThis: if it was ordered before, or has ended
    :raises OfferNotOfThisPool: if it belongs to another negotiation
    :raises NegotiationNoLongerOpen: if it was agreed or ended
    :raises OfferNoLongerOpen: if it was withdrawn, answered or has lapsed
    :raises AboveYourLimit: if the organiser's member may not decide on so much
    """
    _require_answering(offer, by)
    # One after the other: of two suppliers who accept at once, the second finds the pool ordered.
    pool = locked(pool)
    if pool.status != PurchasePool.Status.NEGOTIATING:
        raise not_in_state(pool)
    if not pool.suppliers.filter(negotiation=offer.negotiation_id).exists():
        raise OfferNotOfThisPool(_("This offer belongs to another negotiation."))
    if needs_approval(by, offer.answered_for, offer.total_amount, offer.currency):
        raise AboveYourLimit(_("This is above what you may decide: ask an approver or an owner to accept it."))
    division = divide(pool, offer)
    _lock(offer, division)
    _settle_demands(division, pool, now=now)
    accepted = take_accepted(offer=offer, by=by, now=now)
    orders = [_order(pool, division, one, accepted, by=by, now=now) for one in division.served]
    for status, left in (
        (PoolCommitment.Status.PRICED_OUT, division.priced_out),
        (PoolCommitment.Status.UNSERVED, division.unserved),
    ):
        PoolCommitment.objects.filter(pk__in=[one.pk for one in left]).become(status, ended_at=now, held=0)
        for one in left:
            one.status = status
    PurchasePool.objects.filter(pk=pool.pk).become(PurchasePool.Status.ORDERED, ended_at=now)
    pool.refresh_from_db()
    end_negotiations(pool, by=_in_whose_name(pool, by), now=now)
    facts = [pool_news.ordered(pool, one, order) for one, order in zip(division.served, orders, strict=True)]
    left = [*division.priced_out, *division.unserved]
    notify_many([*facts, *(pool_news.not_served(pool, one) for one in left)], now=now)
    return orders


def _in_whose_name(pool: PurchasePool, by: User) -> User:
    """Return who ends the other negotiations: whoever accepts, if of the organiser's, else one who trades for it."""
    traders = pool.organiser.memberships.filter(role__in=PurchasePool.ORGANISING_ROLES).select_related("user")
    people = [one.user for one in traders.order_by("pk")]
    return by if by in people or not people else people[0]


def _require_answering(offer: Offer, by: User) -> None:
    side = offer.answered_for
    memberships = by.memberships.filter(role__in=Membership.TRADING_ROLES)
    if not memberships.filter(organisation=side).exists() and memberships.filter(organisation=offer.made_for).exists():
        raise OfferIsYourOwn(_("The other side answers this offer."))
    require_role(by, side, *Membership.TRADING_ROLES)


def _lock(offer: Offer, division: Division) -> None:
    """Lock the negotiation, then all listings in the order of their ids, as everybody who accepts an offer does."""
    negotiation = lock_negotiation(offer.negotiation)
    members = (*division.served, *division.unserved, *division.priced_out)
    ids = {negotiation.supply_id, *(one.demand_id for one in members)} - {None}
    list(Listing.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))


def _settle_demands(division: Division, pool: PurchasePool, *, now: datetime) -> None:
    """Take from each member's demand what it gets, and let go of the rest that it held; in the order of their ids."""
    changes = []
    for one in (*division.served, *division.unserved, *division.priced_out):
        if one.demand is None:
            continue
        taken = Decimal(0)
        if one.held:
            got = division.parts.get(one.pk, Decimal(0))
            taken = holds.in_unit_of(one.demand, quantity=got, unit=pool.unit)
        changes.append(holds.Change(one.demand, held=-one.held, taken=min(taken, one.held)))
    holds.apply(changes, now=now)


def _order(
    pool: PurchasePool, division: Division, commitment: PoolCommitment, offer: Offer, *, by: User, now: datetime
) -> Order:
    order = create_order(
        offer=offer,
        by=by,
        now=now,
        buyer=commitment.organisation,
        shares=division.shares[commitment.pk],
        demand=commitment.demand,
    )
    part = division.parts[commitment.pk]
    PoolCommitment.objects.filter(pk=commitment.pk).become(
        PoolCommitment.Status.ALLOCATED, order=order, allocated_quantity=part, ended_at=now, held=0
    )
    commitment.status, commitment.order, commitment.allocated_quantity = "allocated", order, part
    # So that a member can work out again that its part is what the published rule says.
    payload = {
        "pool": pool.number,
        "rule": pool.shortage_rule,
        "step": pool.step,
        "unit": pool.unit,
        "unit_price": division.unit_price,
        "members": len(division.parts),
        "wanted": division.wanted,
        "offered": sum(division.parts.values(), Decimal(0)),
        "committed": commitment.quantity,
        "allocated": part,
    }
    deal_files.record(order=order, kind="pool.allocated", by=by, at=now, payload=payload)
    return order


@transaction.atomic
def give_up_pool(*, pool: PurchasePool, by: User, now: datetime) -> PurchasePool:
    """Say that no supplier was found: the pool fails, and everybody is free again.

    :raises PoolNotInStateForThis: if it is still open, was ordered or has ended
    """
    require_organiser(by, pool)
    pool = locked(pool)
    total = committed_to(pool)
    waiting = PurchasePool.objects.filter(pk=pool.pk).exclude(status=PurchasePool.Status.OPEN)
    if not waiting.become(PurchasePool.Status.FAILED, ended_at=now):
        raise not_in_state(pool)
    pool.refresh_from_db()
    members = pools.release_all(pool, now=now)
    end_negotiations(pool, by=by, now=now)
    notify_many(pool_news.given_up(pool, [one.organisation for one in members], total), now=now)
    return pool
