"""What lies where: lots come into a warehouse, are counted, and leave it. Each change is a row that is never changed."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Facility, FulfilmentEvent, Lot, Park, StockMove, User
from marketplace.parsing.units import canonical_unit, convert, same_dimension
from marketplace.services import fees
from marketplace.services.fulfilment_events import write_event
from marketplace.services.organisations import require_role
from marketplace.services.shipments import locked, lots_of

Kind = FulfilmentEvent.Kind
NOTHING = Decimal(0)
# A lot that is to be sent back may lie in the warehouse until then, and stays what it is.
KEEPS_STATUS = (Lot.Status.REJECTED, Lot.Status.RETURNED)


class WarehouseFull(RuleBroken):
    pass


def _plain(quantity: Decimal) -> str:
    return format(quantity.normalize(), "f")


def to_store(lot: Lot) -> Decimal:
    """Return how much of the lot never came into a warehouse."""
    stored = lot.stock_moves.filter(kind=StockMove.Kind.IN).aggregate(total=Sum("quantity"))["total"] or NOTHING
    return max(lot.quantity - stored, NOTHING)


def _move(
    lot: Lot, kind: str, quantity: Decimal, *, event: FulfilmentEvent, facility: Facility, reason: str = ""
) -> None:
    """Write the move and the stock that it leaves; whoever calls holds the shipment's row."""
    balance = lot.stored_quantity + quantity
    StockMove.objects.create(
        lot=lot,
        facility=facility,
        kind=kind,
        quantity=quantity,
        balance=balance,
        reason=reason,
        by=event.by,
        at=event.recorded_at,
        event=event,
    )
    lot.stored_quantity = balance


@transaction.atomic
def store_lot(
    *, lot: Lot, facility: Facility, quantity: Decimal, scan: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> FulfilmentEvent:
    """Bring a quantity of a lot into a warehouse of the park; ``scan`` tells who, when and by which device.

    :raises InputRefused: at ``quantity`` above what has not been stored yet, at ``facility`` if it is no warehouse there
    :raises WarehouseFull: if what was booked, or the warehouse, does not hold it
    """
    shipment = lot.shipment
    if facility.kind != Facility.Kind.WAREHOUSE or facility.park_id != shipment.park_id:
        raise InputRefused({"facility": [_("This is no warehouse of the park.")]})
    if lot.stored_quantity and lot.location_id != facility.pk:
        message = _("This lot lies in %(place)s; store the rest there, too.") % {"place": lot.location.name}
        raise InputRefused({"facility": [message]})
    if quantity > (left := to_store(lot)):
        message = _("Only %(left)s %(unit)s of this lot is not stored yet.") % {
            "left": _plain(left),
            "unit": lot.unit,
        }
        raise InputRefused({"quantity": [message]})
    _refuse_overflow(lot, facility, quantity)
    event = write_event(
        lot=lot,
        kind=Kind.STORED,
        facility=facility,
        data={"quantity": quantity, "unit": lot.unit, **(more or {})},
        **scan,
    )
    _move(lot, StockMove.Kind.IN, quantity, event=event, facility=facility)
    lot.location = facility
    if lot.status not in KEEPS_STATUS:
        lot.status = Lot.Status.STORED
    lot.save(update_fields=["location", "stored_quantity", "status"])
    with suppress(fees.NoPriceForThis):  # the park asks nothing for such goods
        fees.charge_handling(
            facility=facility,
            organisation=lot.payer,
            key=f"handling:{event.key}",
            quantity=quantity,
            unit=lot.unit,
            by=event.by,
            now=event.received_at,
            note=f"{shipment.number} {lot.number}",
        )
    return event


def _refuse_overflow(lot: Lot, facility: Facility, quantity: Decimal) -> None:
    """Hold what is stored to what was booked, and to the warehouse, where their units can be compared."""
    # Two who fill the last place at once: the second waits for the first.
    Facility.objects.select_for_update(no_key=True).get(pk=facility.pk)
    booking = lot.shipment.warehouse_booking
    if booking and booking.facility_id == facility.pk and booking.quantity is not None:
        under = Lot.objects.in_stock().filter(shipment__warehouse_booking=booking)
        _refuse_above(
            booking.quantity, booking.unit, under, lot, quantity, _("Booking %(name)s") % {"name": booking.number}
        )
    elif facility.capacity is not None:
        there = Lot.objects.in_stock().filter(location=facility)
        _refuse_above(facility.capacity, facility.unit, there, lot, quantity, facility.name)


def _refuse_above(room: Decimal, unit: str, lots, lot: Lot, quantity: Decimal, name: str) -> None:
    if not same_dimension(lot.unit, unit):
        return
    rows = lots.values_list("unit").annotate(total=Sum("stored_quantity"))
    taken = sum(
        (Decimal(str(convert(float(total), each, unit))) for each, total in rows if same_dimension(each, unit)), NOTHING
    )
    added = Decimal(str(convert(float(quantity), lot.unit, unit)))
    if taken + added > room + Decimal("0.001"):
        raise WarehouseFull(
            _("%(name)s holds %(room)s %(unit)s, of which %(taken)s are taken: %(added)s more do not fit.")
            % {
                "name": name,
                "room": _plain(room),
                "unit": canonical_unit(unit) or unit,
                "taken": _plain(taken.quantize(Decimal("0.001"))),
                "added": _plain(added.quantize(Decimal("0.001"))),
            }
        )


@transaction.atomic
def count_lot(*, lot: Lot, quantity: Decimal, reason: str, scan: Mapping[str, Any]) -> FulfilmentEvent:
    """Write what was counted; where it differs from the books, they are put right and say why.

    What moved after the moment of the count is added to it, so that a count may come in late.

    :raises InputRefused: at ``quantity`` above the lot or of a lot that was never stored, at ``reason`` if there is none
    """
    if lot.location is None:
        raise InputRefused({"quantity": [_("This lot lies in no warehouse.")]})
    later = lot.stock_moves.filter(at__gt=scan["recorded_at"]).aggregate(total=Sum("quantity"))["total"] or NOTHING
    counted = quantity + later
    if not NOTHING <= counted <= lot.quantity:
        message = _("The lot is %(quantity)s %(unit)s in all.") % {"quantity": _plain(lot.quantity), "unit": lot.unit}
        raise InputRefused({"quantity": [message]})
    difference = counted - lot.stored_quantity
    if difference and not reason:
        raise InputRefused({"reason": [_("The books say otherwise: say why.")]})
    data = {"quantity": quantity, "unit": lot.unit, "difference": difference, "reason": reason}
    event = write_event(
        lot=lot,
        kind=Kind.COUNTED,
        facility=lot.location,
        data=data,
        is_recorded=difference != 0,
        **scan,
    )
    _move(lot, StockMove.Kind.COUNT, difference, event=event, facility=lot.location, reason=reason)
    lot.save(update_fields=["stored_quantity"])
    return event


@transaction.atomic
def release_lot(
    *, lot: Lot, quantity: Decimal, scan: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> FulfilmentEvent:
    """Let a quantity of a lot leave its warehouse for the receiver.

    :raises InputRefused: at ``quantity`` above what is in stock
    """
    if quantity > lot.stored_quantity:
        message = _("Only %(left)s %(unit)s of this lot is in stock.") % {
            "left": _plain(lot.stored_quantity),
            "unit": lot.unit,
        }
        raise InputRefused({"quantity": [message]})
    event = write_event(
        lot=lot,
        kind=Kind.RELEASED,
        facility=lot.location,
        data={"quantity": quantity, "unit": lot.unit, **(more or {})},
        **scan,
    )
    _move(lot, StockMove.Kind.OUT, -quantity, event=event, facility=lot.location)
    if lot.stored_quantity == 0 and lot.open_quantity and lot.status not in KEEPS_STATUS:
        lot.status = Lot.Status.RELEASED
    lot.save(update_fields=["stored_quantity", "status"])
    return event


@transaction.atomic
def adjust_count(*, lot: Lot, quantity: Decimal, reason: str, by: User, now: datetime) -> FulfilmentEvent:
    """Write a count from the desk, as a member of the park's staff.

    :raises OnlyMembersMay: if ``by`` does not work in the park
    :raises InputRefused: as ``count_lot``
    """
    shipment = locked(lot.shipment)
    if shipment.park is None:
        raise InputRefused({"quantity": [_("This lot lies in no warehouse.")]})
    require_role(by, shipment.park.organisation, *Park.STAFF_ROLES)
    lots = lots_of(shipment)
    lot = next(one for one in lots if one.pk == lot.pk)
    scan = {
        "shipment": shipment,
        "lots": lots,
        "by": by,
        "organisation": shipment.park.organisation,
        "recorded_at": now,
        "now": now,
    }
    return count_lot(lot=lot, quantity=quantity, reason=reason, scan=scan)
