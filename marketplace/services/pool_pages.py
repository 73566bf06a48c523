"""What the pages and the API show of a pool, each reader what is theirs to see."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from config.errors import RuleBroken
from marketplace.models import (
    Lot,
    Offer,
    Organisation,
    PoolCommitment,
    PoolSupplier,
    PurchasePool,
    Shipment,
    User,
)
from marketplace.pooling.ladder import Rung, RungOutcome, price_at, rung_at, savings
from marketplace.services.pool_commitments import is_free_to_leave
from marketplace.services.pool_offers import Division, divide


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a pool has come: the price reached, the next one, and how much is missing until it."""

    committed: Decimal
    price: Decimal
    next_rung: Rung | None
    missing: Decimal
    goal: Decimal
    percent: int
    reaches_minimum: bool


@dataclass(frozen=True, slots=True)
class SupplierRow:
    """A supplier who was asked, its open offer, and how that would be shared or why it cannot be."""

    supplier: PoolSupplier
    offer: Offer | None
    division: Division | None = None
    refusal: str = ""
    is_ours_to_answer: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A shipment for the pool, with the lots that the reader may see, each with its member."""

    shipment: Shipment
    lots: list[Lot]


@dataclass(slots=True)
class PoolPage:
    """What one reader sees of a pool."""

    standing: Standing
    rungs: list[RungOutcome]
    is_organiser: bool = False
    is_open: bool = False
    is_supplier: bool = False
    is_free_to_leave: bool = False
    may_join: bool = False
    mine: list[PoolCommitment] = field(default_factory=list)
    members: list[PoolCommitment] = field(default_factory=list)
    suppliers: list[SupplierRow] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    invited_count: int = 0


def standing(pool: PurchasePool) -> Standing:
    """Return how far a pool has come that was fetched ``with_details().with_commitments()``."""
    ladder = pool.ladder()
    later = [rung for rung in ladder if rung.from_quantity > pool.committed]
    next_rung = min(later, key=lambda rung: rung.from_quantity, default=None)
    top = max((rung.from_quantity for rung in ladder), default=pool.minimum_quantity)
    goal = pool.closes_at_quantity or max(top, pool.minimum_quantity)
    return Standing(
        committed=pool.committed,
        price=price_at(ladder, pool.committed, pool.base_price),
        next_rung=next_rung,
        missing=next_rung.from_quantity - pool.committed if next_rung else Decimal(0),
        goal=goal,
        percent=min(int(pool.committed * 100 / goal), 100),
        reaches_minimum=pool.committed >= pool.minimum_quantity,
    )


def reached(pool: PurchasePool) -> Rung | None:
    """Return the rung of the ladder that is reached, None below the first."""
    return rung_at(pool.ladder(), pool.committed)


def read_page(*, pool: PurchasePool, user: User, now: datetime) -> PoolPage:
    """Return what this reader sees: members their own commitments, the organiser all of them and the offers."""
    rungs = savings(pool.ladder(), committed=pool.committed, own=Decimal(1), base_price=pool.base_price)
    page = PoolPage(standing=standing(pool), rungs=rungs)
    page.is_open = pool.status == PurchasePool.Status.OPEN and (pool.closes_at is None or pool.closes_at > now)
    if not user.is_authenticated:
        return page
    traded = Organisation.objects.of(user, *PurchasePool.ORGANISING_ROLES)
    ours = set(traded.values_list("pk", flat=True))
    page.is_organiser = pool.organiser_id in ours
    page.is_free_to_leave = is_free_to_leave(pool, now)
    visible = pool.commitments.visible_to(user).select_related("organisation", "demand", "order").in_turn()
    page.members = list(visible) if page.is_organiser or user.is_staff else []
    mine = set(Organisation.objects.of(user).values_list("pk", flat=True))
    page.mine = [one for one in visible if one.organisation_id in mine]
    joined = {one.organisation_id for one in page.mine if one.status in PoolCommitment.LIVE}
    page.may_join = page.is_open and bool(ours - joined)
    if page.is_organiser:
        page.invited_count = pool.invitations.count()
    page.suppliers = _suppliers(pool, user, ours, shows_all=page.is_organiser)
    page.is_supplier = not page.is_organiser and bool(page.suppliers)
    page.arrivals = _arrivals(pool, user, ours_all=page.is_organiser)
    return page


def _suppliers(pool: PurchasePool, user: User, ours: set[int], *, shows_all: bool) -> list[SupplierRow]:
    rows = pool.suppliers.select_related("organisation", "negotiation").order_by("pk")
    if not shows_all:
        rows = rows.filter(organisation__in=ours)
    suppliers = list(rows)
    offers = Offer.objects.visible_to(user).filter(
        negotiation__in=[one.negotiation_id for one in suppliers],
        status__in=[Offer.Status.OPEN, Offer.Status.ACCEPTED],
    )
    newest = {one.negotiation_id: one for one in offers.with_lines().select_related("negotiation").order_by("number")}
    return [_supplier_row(pool, one, newest.get(one.negotiation_id), ours, divides=shows_all) for one in suppliers]


def _supplier_row(
    pool: PurchasePool, supplier: PoolSupplier, offer: Offer | None, ours: set[int], *, divides: bool
) -> SupplierRow:
    if offer is None or offer.status != Offer.Status.OPEN or pool.status != PurchasePool.Status.NEGOTIATING:
        return SupplierRow(supplier, offer)
    negotiation = supplier.negotiation
    answering = negotiation.seller_id if offer.side == Offer.Side.BUYER else negotiation.buyer_id
    answers = answering in ours
    if not divides:
        return SupplierRow(supplier, offer, is_ours_to_answer=answers)
    try:
        return SupplierRow(supplier, offer, division=divide(pool, offer), is_ours_to_answer=answers)
    except RuleBroken as refusal:
        return SupplierRow(supplier, offer, refusal=str(refusal), is_ours_to_answer=answers)


def _arrivals(pool: PurchasePool, user: User, *, ours_all: bool) -> list[Arrival]:
    """Return the shipments that bring the pool's goods; of their lots, the organiser sees all, a member its own."""
    if pool.status != PurchasePool.Status.ORDERED:
        return []
    lots = Lot.objects.filter(order_line__order__pool_commitment__pool=pool)
    if not ours_all:
        lots = lots.filter(shipment__in=Shipment.objects.visible_to(user))
        mine = Organisation.objects.of(user)
        seen = lots.filter(order_line__order__buyer__in=mine) | lots.filter(shipment__seller__in=mine)
        lots = seen | lots.filter(shipment__park__organisation__in=mine)
    rows = lots.select_related("shipment__park", "order_line__order__buyer").order_by("shipment", "pk")
    arrivals: dict[int, Arrival] = {}
    for lot in rows:
        arrivals.setdefault(lot.shipment_id, Arrival(lot.shipment, [])).lots.append(lot)
    return list(arrivals.values())
