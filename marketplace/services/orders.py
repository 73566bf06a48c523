from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Announcement,
    Listing,
    Membership,
    Offer,
    Order,
    OrderLine,
    Organisation,
    Payment,
    Shipment,
    User,
)
from marketplace.models.terms import TermLine, Terms, amount, totals
from marketplace.parsing.units import convert, same_dimension
from marketplace.runs.order_amounts import dues_of, payable_of, refresh_amounts
from marketplace.runs.orders import finish
from marketplace.services import deal_files
from marketplace.services.notifications import notify_many
from marketplace.services.order_lines import line_at, move, whole_quantity
from marketplace.services.order_news import names, news, sides, tell
from marketplace.services.organisations import require_role

ZERO = Decimal(0)
ON_THE_WAY = (
    Shipment.Status.PLANNED,
    Shipment.Status.DISPATCHED,
    Shipment.Status.ARRIVED,
    Shipment.Status.WEIGHED,
    Shipment.Status.INSPECTED,
    Shipment.Status.STORED,
)


class OrderHasEnded(RuleBroken):
    pass


class OrderNotInStateForThis(RuleBroken):
    pass


class NotYourSideOfTheOrder(RuleBroken):
    pass


class GoodsComeByShipment(RuleBroken):
    pass


class OrderNotPaid(RuleBroken):
    pass


def new_number(now: datetime) -> str:
    """Return a number that no order had: its day, and a sequence that never waits for another's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('marketplace_order_number')")
        (number,) = cursor.fetchone()
    return f"PO{timezone.localdate(now):%Y%m%d}-{number:06d}"


def lock_running(order: Order) -> Order:
    """Return the order anew, locked against other acts on it until the transaction ends.

    :raises OrderHasEnded: if it is closed or cancelled
    """
    locked = Order.objects.locked().select_related("buyer", "seller").get(pk=order.pk)
    if not locked.is_running:
        raise OrderHasEnded(
            _("Order %(number)s is over: %(status)s.")
            % {"number": locked.number, "status": locked.get_status_display()}
        )
    return locked


def lines_of(order: Order) -> list[OrderLine]:
    return list(OrderLine.objects.filter(order=order).order_by("position"))


def require_side(by: User, order: Order, organisation: Organisation) -> None:
    """Refuse unless ``organisation`` is a side of the order and ``by`` trades for it."""
    if organisation.pk not in (order.buyer_id, order.seller_id):
        raise NotYourSideOfTheOrder(_("This organisation is no side of the order."))
    require_role(by, organisation, *Membership.TRADING_ROLES)


def side_of_user(user: User, order: Order) -> Organisation | None:
    """Return the side for which this user trades, or None; of both, the buyer."""
    mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
    sides = {side.pk: side for side in mine.filter(pk__in=[order.buyer_id, order.seller_id])}
    return sides.get(order.buyer_id) or sides.get(order.seller_id)


@transaction.atomic
def create_order(
    *,
    offer: Offer,
    by: User,
    now: datetime,
    buyer: Organisation | None = None,
    shares: Mapping[int, Decimal] | None = None,
    demand: Listing | None = None,
    also_told: Iterable[Announcement] = (),
) -> Order:
    """Write the order of an offer that was just accepted; what it takes from the listings is the caller's to take.

    For a collective purchase ``buyer`` is the member, ``shares`` are the member's quantities by line position (a line
    that is not named is not the member's) and ``demand`` is the member's own.

    :raises InputRefused: if a share is no quantity, or above what the offer has
    """
    negotiation = offer.negotiation
    own = buyer is None or buyer.pk == negotiation.buyer_id
    order = Order(
        number=new_number(now),
        kind=Order.Kind.FRAMEWORK if offer.is_framework else Order.Kind.SPOT,
        offer=offer,
        buyer=buyer or negotiation.buyer,
        seller=negotiation.seller,
        supply=negotiation.supply,
        demand=demand or (negotiation.demand if own else None),
        confirmed_by=by,
        confirmed_at=now,
        **offer.terms(),
    )
    lines = []
    for line in sorted(offer.lines.all(), key=lambda line: line.position):
        quantity = line.quantity
        if shares is not None:
            if not shares.get(line.position):
                continue
            quantity = whole_quantity(shares[line.position], f"shares.{line.position}")
            if quantity > line.quantity:
                message = _("The offer has %(quantity)s of it.") % {"quantity": line.quantity.normalize()}
                raise InputRefused({f"shares.{line.position}": [message]})
        lines.append(_line(order, line, quantity))
    if not lines:
        raise InputRefused({"shares": [_("An order needs at least one line.")]})
    if shares is None:
        order.net_amount, order.tax_amount, order.total_amount = offer.net_amount, offer.tax_amount, offer.total_amount
    else:
        order.net_amount, order.tax_amount, order.total_amount = totals_of(order, lines)
    return write_order(order=order, lines=lines, now=now, also_told=also_told)


def _line(order: Order, source: TermLine, quantity: Decimal) -> OrderLine:
    listing = order.supply if order.supply and order.supply.quantity is not None else order.demand
    factor = ZERO
    if source.kind == TermLine.Kind.GOODS and listing and listing.unit and same_dimension(source.unit, listing.unit):
        factor = Decimal(str(convert(1, source.unit, listing.unit))).quantize(Decimal("1e-12"))
    line = OrderLine(**{name: getattr(source, name) for name in TermLine.LINE_FIELDS}, position=source.position)
    line.quantity = line.outstanding = quantity
    line.listing_factor = factor
    if order.is_framework and order.supply and order.supply.minimum_order and factor:
        smallest = (order.supply.minimum_order / factor).quantize(Decimal("0.001"))
        line.minimum_call = min(smallest, quantity) or None
    return line


def totals_of(terms: Terms, lines: Sequence[TermLine]) -> tuple[Decimal, Decimal, Decimal]:
    """Return net amount, tax and total of these lines under these terms."""
    lines_amount = sum((amount(line.quantity, line.unit_price) for line in lines), ZERO)
    return totals(lines_amount, tax_rate=terms.tax_rate, price_includes_tax=terms.price_includes_tax)


def write_order(
    *, order: Order, lines: Sequence[OrderLine], now: datetime, also_told: Iterable[Announcement] = ()
) -> Order:
    """Write a new order whose terms are filled in, open its deal file and tell both sides, and what else is to be told.

    The caller is ``create_order`` or another service that agreed on it, inside its transaction.
    """
    order.updated_at = now
    order.payable_amount = payable_of(order, lines)
    dues = [] if order.is_framework else dues_of(order, lines, [], payable=order.payable_amount, paid=ZERO)
    if dues:
        order.next_due_on, order.next_due_amount = dues[0].due_on, dues[0].amount
    order.save(force_insert=True)
    for line in lines:
        line.order = order
    OrderLine.objects.bulk_create(lines)
    payload = {
        "number": order.number,
        "kind": order.kind,
        "buyer": deal_files.party_of(order.buyer),
        "seller": deal_files.party_of(order.seller),
        "terms": {**order.terms(), "park": order.park and str(order.park)},
        "lines": deal_files.lines_of(lines),
        "net_amount": order.net_amount,
        "tax_amount": order.tax_amount,
        "total_amount": order.total_amount,
    }
    confirmed = deal_files.Fact("order.confirmed", order.confirmed_by, now, payload)
    deal_files.record_all(order=order, facts=[*deal_files.opening_of(order, now), confirmed], is_new=True)
    told = list(also_told)
    for side in sides(order):
        other_zh, other_en = names(order.other(side))
        told += news(
            order=order,
            event="order.confirmed",
            key=order.side_of(side),
            to=[side],
            title_zh=f"与“{other_zh}”的订单 {order.number} 已生效",
            title_en=f"Order {order.number} with “{other_en}” is confirmed",
            total=str(order.total_amount),
            currency=order.currency,
        )
    notify_many(told, now=now)
    return order


@transaction.atomic
def refresh_status(order: Order, now: datetime) -> Order:
    """Let the order's status and amounts follow from where the quantities of its lines are.

    Call it after every ``order_lines.move``, in the same transaction. Returns the order as it is now.
    """
    order = Order.objects.locked().select_related("buyer", "seller").get(pk=order.pk)
    lines = lines_of(order)
    if order.is_running and not order.is_framework:
        _settle_charges(lines, now)
        status = _status_of(order, lines)
        if status != order.status:
            _become(order, status, now)
    refresh_amounts(order=order, lines=lines, now=now)
    return order


def _goods(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """Return the lines that are delivered; an order of nothing but charges delivers these."""
    return [line for line in lines if line.kind == OrderLine.Kind.GOODS] or list(lines)


def _settle_charges(lines: Sequence[OrderLine], now: datetime) -> None:
    """Let freight and the like be due once all goods are settled, or fall away with them if none was accepted."""
    goods = _goods(lines)
    if any(line.outstanding or line.in_delivery or line.disputed for line in goods):
        return
    target = "accepted" if any(line.accepted for line in goods) else "cancelled"
    for line in lines:
        if line not in goods and line.outstanding:
            move(line=line, quantity=line.outstanding, source="outstanding", target=target, by=None, at=now)


def _status_of(order: Order, lines: Sequence[OrderLine]) -> str:
    goods = _goods(lines)
    there = {place: sum((getattr(line, place) for line in goods), ZERO) for place in OrderLine.PLACES}
    if there["outstanding"]:
        is_begun = any(there[place] for place in ("in_delivery", "accepted", "returned", "disputed", "short"))
        begun = Order.Status.IN_FULFILMENT
        return begun if is_begun or order.status != Order.Status.CONFIRMED else Order.Status.CONFIRMED
    if there["in_delivery"]:
        coming = Shipment.objects.filter(status__in=ON_THE_WAY, lots__order_line__order=order)
        return Order.Status.IN_FULFILMENT if coming.exists() else Order.Status.DELIVERED
    if there["disputed"]:
        return Order.Status.DELIVERED
    is_cancelled = not any(there[place] for place in ("accepted", "returned", "short"))
    return Order.Status.CANCELLED if is_cancelled else Order.Status.ACCEPTED


def _become(order: Order, status: str, now: datetime, by: User | None = None) -> None:
    changes = {}
    if status in (Order.Status.DELIVERED, Order.Status.ACCEPTED) and not order.delivered_at:
        changes["delivered_at"] = now
    if status == Order.Status.ACCEPTED:
        changes["accepted_at"] = now
    if status in Order.ENDED:
        changes["closed_at"] = now
    before = order.status
    if not Order.objects.filter(pk=order.pk).become(status, now=now, **changes):
        raise OrderNotInStateForThis(
            _("Order %(number)s is “%(status)s”: it cannot become “%(wanted)s”.")
            % {
                "number": order.number,
                "status": order.get_status_display(),
                "wanted": Order.Status(status).label,
            }
        )
    order.refresh_from_db(fields=["status", "updated_at", *changes])
    payload = {"before": before, "after": status}
    kind = "order.closed" if status in Order.ENDED else "order.changed"
    deal_files.record(order=order, kind=kind, by=by, at=now, payload=payload)
    zh, en = STATUS_NEWS[status]
    tell(
        order=order,
        event=kind,
        key=f"{status}:{now.isoformat()}",
        to=sides(order),
        title_zh=zh.format(number=order.number),
        title_en=en.format(number=order.number),
        now=now,
    )


STATUS_NEWS = {
    Order.Status.IN_FULFILMENT: ("订单 {number} 履约中", "Order {number} is in fulfilment"),
    Order.Status.DELIVERED: ("订单 {number} 已送达", "Order {number} is delivered"),
    Order.Status.ACCEPTED: ("订单 {number} 已验收", "Order {number} is accepted"),
    Order.Status.CLOSED: ("订单 {number} 已完结", "Order {number} is closed"),
    Order.Status.CANCELLED: ("订单 {number} 已取消", "Order {number} is cancelled"),
}


@transaction.atomic
def confirm_delivery(*, order: Order, quantities: Mapping[int, Decimal], by: User, now: datetime) -> Order:
    """Say, as the seller, how much of each line was done; for services and whatever no shipment brings.

    :raises InputRefused: naming the line whose quantity cannot be taken
    :raises GoodsComeByShipment: if a shipment brings goods of the line
    :raises NotThatMuchThere: if less is outstanding
    """
    return _deliver(order, quantities, side="seller", by=by, now=now)


@transaction.atomic
def accept_delivery(*, order: Order, quantities: Mapping[int, Decimal], by: User, now: datetime) -> Order:
    """Accept, as the buyer, how much of each line; what is wrong is disputed instead.

    :raises InputRefused: naming the line whose quantity cannot be taken
    :raises GoodsComeByShipment: if a shipment brings goods of the line: its receipt is signed
    :raises NotThatMuchThere: if less was delivered
    """
    return _deliver(order, quantities, side="buyer", by=by, now=now)


def _deliver(order: Order, quantities: Mapping[int, Decimal], *, side: str, by: User, now: datetime) -> Order:
    order = lock_running(order)
    require_role(by, getattr(order, side), *Membership.TRADING_ROLES)
    source, target = ("outstanding", "in_delivery") if side == "seller" else ("in_delivery", "accepted")
    if order.is_framework:
        raise OrderNotInStateForThis(_("A framework order is delivered by its call-offs."))
    if not quantities:
        raise InputRefused({"quantities": [_("Say how much of which line.")]})
    lines = lines_of(order)
    said = []
    for position, value in quantities.items():
        field = f"quantities.{position}"
        line = line_at(lines, position, field)
        if line.lots.exclude(shipment__status=Shipment.Status.CANCELLED).exists():
            raise GoodsComeByShipment(
                _("Line %(position)d comes by shipment: it is dispatched and received there.")
                % {"position": line.position}
            )
        quantity = whole_quantity(value, field)
        move(line=line, quantity=quantity, source=source, target=target, by=by, at=now)
        said.append({"line": line.position, "quantity": quantity, "unit": line.unit})
    kind = "delivery.confirmed" if side == "seller" else "delivery.accepted"
    deal_files.record(order=order, kind=kind, by=by, at=now, payload={"lines": said})
    order = refresh_status(order, now)
    if side == "seller":
        tell(
            order=order,
            event="order.changed",
            key=f"delivery:{now.isoformat()}",
            to=[order.buyer],
            title_zh=f"订单 {order.number}：卖方已交付，请验收",
            title_en=f"Order {order.number}: the seller delivered, please accept it",
            now=now,
        )
    return order


@transaction.atomic
def close_order(*, order: Order, by: User, now: datetime) -> Order:
    """Close an accepted and paid order as one of its sides; the records of both are computed. The clock closes later.

    :raises OrderHasEnded: if it is closed or cancelled already
    :raises OrderNotInStateForThis: unless it is accepted
    :raises OrderNotPaid: if something is to be paid or paid back, or a payment waits to be confirmed
    """
    order = lock_running(order)
    if not Order.objects.editable_by(by).filter(pk=order.pk).exists():
        raise NotYourSideOfTheOrder(_("Only the two sides of an order may do this."))
    if order.status != Order.Status.ACCEPTED:
        raise OrderNotInStateForThis(
            _("Order %(number)s is “%(status)s”: only an accepted order is closed.")
            % {"number": order.number, "status": order.get_status_display()}
        )
    if order.open_amount or order.payments.filter(status=Payment.Status.RECORDED).exists():
        raise OrderNotPaid(
            _("%(currency)s %(amount)s are open, or a payment waits to be confirmed.")
            % {"currency": order.currency, "amount": f"{order.open_amount:,.2f}"}
        )
    finish(order, by=by, now=now)
    return order
