import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Booking,
    Facility,
    FulfilmentEvent,
    Lot,
    Membership,
    Order,
    Organisation,
    Package,
    Park,
    Shipment,
    User,
)
from marketplace.models.shipment import new_number
from marketplace.services import order_lines, orders
from marketplace.services.fulfilment_events import orders_of, tell, write_event
from marketplace.services.lots import check_lots, write_lots
from marketplace.services.organisations import require_role


class ShipmentNotInStateForThis(RuleBroken):
    """The shipment is no longer, or not yet, where this may be done."""

    def __init__(self, shipment: Shipment) -> None:
        super().__init__(
            _("Shipment %(number)s is “%(status)s”: this cannot be done now.")
            % {"number": shipment.number, "status": shipment.get_status_display()}
        )


def locked(shipment: Shipment) -> Shipment:
    """Return the shipment as it stands; whoever acts on it at the same moment waits, and sees what was done."""
    rows = Shipment.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("seller", "park__organisation").get(pk=shipment.pk)


def lots_of(shipment: Shipment) -> list[Lot]:
    rows = shipment.lots.select_related("order_line__order__buyer", "location").order_by("pk")
    lots = list(rows)
    for lot in lots:
        lot.shipment = shipment
    return lots


@transaction.atomic
def plan_shipment(
    *,
    seller: Organisation,
    lots: Sequence[Mapping[str, object]],
    by: User,
    now: datetime,
    park: Park | None = None,
    expected_at: datetime | None = None,
    dock_booking: Booking | None = None,
    warehouse_booking: Booking | None = None,
    **journey: str,
) -> Shipment:
    """Plan what goes on one vehicle, lot by lot: of one order, or of several orders of one seller.

    Each lot says ``order_line`` (a row or its id), ``quantity`` and, where wanted, ``number``, ``unit``, ``public`` and
    ``packages`` (how many, or the quantity of each).

    :raises OnlyMembersMay: if ``by`` does not trade for the seller
    :raises InputRefused: naming each field that cannot be taken, such as ``lots.0.quantity``
    """
    require_role(by, seller, *Membership.TRADING_ROLES)
    shipment = Shipment(
        number=new_number("SH", now), seller=seller, created_by=by, created_at=now, updated_at=now, park=park
    )
    checked = check_lots(lots, seller, planned_in=None)
    _fill(shipment, journey, expected_at, dock_booking, warehouse_booking, [lot["line"].order for lot in checked], now)
    shipment.from_address = shipment.from_address or seller.address
    shipment.save(force_insert=True)
    write_lots(shipment, checked)
    write_event(
        shipment=shipment,
        lots=lots_of(shipment),
        kind=FulfilmentEvent.Kind.PLANNED,
        by=by,
        organisation=seller,
        recorded_at=now,
        now=now,
        is_recorded=False,
    )
    return shipment


@transaction.atomic
def edit_shipment(
    *,
    shipment: Shipment,
    by: User,
    now: datetime,
    lots: Sequence[Mapping[str, object]] | None = None,
    **changes,
) -> Shipment:
    """Change a planned shipment; lots, where given, take the place of those before (the same number stays the same lot).

    :raises ShipmentNotInStateForThis: if it was dispatched or cancelled
    :raises InputRefused: naming each field that cannot be taken
    """
    shipment = locked(shipment)
    require_role(by, shipment.seller, *Membership.TRADING_ROLES)
    if shipment.status != Shipment.Status.PLANNED:
        raise ShipmentNotInStateForThis(shipment)
    if "park" in changes:
        shipment.park = changes.pop("park")
    expected_at = changes.pop("expected_at", shipment.expected_at)
    dock = changes.pop("dock_booking", shipment.dock_booking)
    warehouse = changes.pop("warehouse_booking", shipment.warehouse_booking)
    checked = None if lots is None else check_lots(lots, shipment.seller, planned_in=shipment)
    orders_there = [lot["line"].order for lot in checked] if checked else orders_of(lots_of(shipment))
    is_same_time = expected_at == shipment.expected_at
    _fill(shipment, changes, expected_at, dock, warehouse, orders_there, None if is_same_time else now)
    shipment.updated_at = now
    shipment.save()
    if checked is not None:
        numbers = {lot["number"] for lot in checked}
        gone = shipment.lots.exclude(number__in=numbers)
        Package.objects.filter(lot__shipment=shipment).delete()
        gone.delete()
        write_lots(shipment, checked)
    return shipment


@transaction.atomic
def cancel_shipment(*, shipment: Shipment, by: User, now: datetime) -> Shipment:
    """Give up a planned shipment; its quantities may be planned anew.

    :raises ShipmentNotInStateForThis: if it is no longer planned
    """
    shipment = locked(shipment)
    require_role(by, shipment.seller, *Membership.TRADING_ROLES)
    _become(shipment, Shipment.Status.CANCELLED, now=now)
    write_event(
        shipment=shipment,
        lots=lots_of(shipment),
        kind=FulfilmentEvent.Kind.CANCELLED,
        by=by,
        organisation=shipment.seller,
        recorded_at=now,
        now=now,
        is_recorded=False,
    )
    return shipment


@transaction.atomic
def dispatch_shipment(*, shipment: Shipment, by: User, now: datetime) -> Shipment:
    """Let a planned shipment go: what is on it is on its way from now on.

    :raises OnlyMembersMay: if ``by`` does not trade for the seller
    :raises ShipmentNotInStateForThis: if it is no longer planned
    :raises NotThatMuchThere: if less of a line is outstanding than goes
    """
    shipment = locked(shipment)
    require_role(by, shipment.seller, *Membership.TRADING_ROLES)
    return set_off(shipment, by=by, organisation=shipment.seller, recorded_at=now, now=now)


def set_off(
    shipment: Shipment,
    *,
    by: User,
    organisation: Organisation,
    recorded_at: datetime,
    now: datetime,
    key: uuid.UUID | None = None,
    **scan,
) -> Shipment:
    """Move a locked shipment and its quantities on their way; a gate that sees it come may do so for the seller."""
    _become(shipment, Shipment.Status.DISPATCHED, now=now, dispatched_at=recorded_at)
    lots = lots_of(shipment)
    for lot in sorted(lots, key=lambda lot: lot.order_line_id):
        order_lines.move(
            line=lot.order_line,
            quantity=lot.quantity,
            source="outstanding",
            target="in_delivery",
            by=by,
            at=now,
            reason=shipment.number,
            shipment=shipment,
        )
    shipment.lots.update(status=Lot.Status.IN_TRANSIT)
    manifest = [
        {"lot": lot.number, "line": lot.order_line.position, "quantity": lot.quantity, "unit": lot.unit} for lot in lots
    ]
    write_event(
        shipment=shipment,
        lots=lots,
        kind=FulfilmentEvent.Kind.DISPATCHED,
        by=by,
        organisation=organisation,
        recorded_at=recorded_at,
        now=now,
        key=key,
        # Buyers of one shipment need not know each other's quantities: each order's own are in its moves.
        data={"lots": manifest} if len(orders_of(lots)) == 1 else {},
        **scan,
    )
    for order in orders_of(lots):
        orders.refresh_status(order=order, now=now)
    told = [order.buyer for order in orders_of(lots)]
    if shipment.park:
        told.append(shipment.park.organisation)
    name_zh, name_en = _both(shipment.seller)
    tell(
        "shipment.dispatched",
        shipment=shipment,
        organisations=told,
        titles=(f"{name_zh} 已发货：{shipment.number}", f"{name_en} dispatched {shipment.number}"),
        now=now,
    )
    return shipment


def _both(organisation: Organisation) -> tuple[str, str]:
    return organisation.name_zh or organisation.name_en, organisation.name_en or organisation.name_zh


def _become(shipment: Shipment, status: str, *, now: datetime, **changes) -> None:
    if not Shipment.objects.filter(pk=shipment.pk).become(status, now=now, **changes):
        raise ShipmentNotInStateForThis(shipment)
    shipment.status = Shipment.Status(status)
    for name, value in changes.items():
        setattr(shipment, name, value)


def _fill(
    shipment: Shipment,
    journey: Mapping[str, str],
    expected_at: datetime | None,
    dock: Booking | None,
    warehouse: Booking | None,
    its_orders: Sequence[Order],
    now: datetime | None,
) -> None:
    """Write what is said of the journey on the row; ``now`` is None where the expected time stays as it was."""
    errors: dict[str, list[str]] = {}
    for name, value in journey.items():
        if name not in Shipment.JOURNEY_FIELDS:
            errors[name] = [_("A shipment has no such field.")]
            continue
        text = " ".join(str(value or "").split())
        longest = Shipment._meta.get_field(name).max_length  # noqa: SLF001 - Django's own name for it
        if len(text) > longest:
            errors[name] = [_("At most %(count)d characters.") % {"count": longest}]
        setattr(shipment, name, text.upper() if name == "vehicle" else text)
    if expected_at and now and expected_at <= now:
        errors["expected_at"] = [_("This moment is past.")]
    if shipment.park and not (shipment.park.is_active and shipment.park.organisation.is_approved):
        errors["park"] = [_("This park is not in service.")]
    parties = {shipment.seller_id, *(order.buyer_id for order in its_orders)}
    kinds = {"dock_booking": (dock, Facility.Kind.DOCK), "warehouse_booking": (warehouse, Facility.Kind.WAREHOUSE)}
    for name, (booking, kind) in kinds.items():
        if booking and (problem := _booking_problem(booking, kind, shipment, parties)):
            errors[name] = [problem]
    if errors:
        raise InputRefused(errors)
    shipment.expected_at, shipment.dock_booking, shipment.warehouse_booking = expected_at, dock, warehouse


def _booking_problem(booking: Booking, kind: str, shipment: Shipment, parties: set[int]) -> str:
    if booking.organisation_id not in parties:
        return _("This booking belongs to neither of the two.")
    if not booking.is_active:
        return _("Booking %(number)s is “%(status)s”.") % {
            "number": booking.number,
            "status": booking.get_status_display(),
        }
    if booking.facility.kind != kind:
        return _("This booking is of another kind of facility.")
    if shipment.park is None or booking.facility.park_id != shipment.park_id:
        return _("This booking is in another park.")
    return ""
