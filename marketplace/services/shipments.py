import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Booking,
    Facility,
    FulfilmentEvent,
    Lot,
    Membership,
    Order,
    OrderLine,
    Organisation,
    Package,
    Park,
    Shipment,
    User,
)
from marketplace.models.shipment import new_number
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, canonical_unit, convert
from marketplace.services import order_lines, orders
from marketplace.services.fulfilment_events import orders_of, tell, write_event
from marketplace.services.organisations import require_role

THOUSANDTH = Decimal("0.001")
MOST_LOTS = 200
MOST_PACKAGES = 1000
LONGEST_TEXT = 300


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


def read_quantity(said: object, field: str, *, places: Decimal = THOUSANDTH) -> Decimal:
    """Return a number above nothing with so many decimal places.

    :raises InputRefused: at the field, if it is no such number
    """
    try:
        value = Decimal(str(said).strip().replace(",", ""))
    except InvalidOperation as error:
        raise InputRefused({field: [_("Enter a number.")]}) from error
    if not value.is_finite() or abs(value) >= Decimal(10**15):
        raise InputRefused({field: [_("Enter a number.")]})
    if value != value.quantize(places):
        count = -places.as_tuple().exponent
        raise InputRefused({field: [_("At most %(count)d decimal places.") % {"count": count}]})
    if value <= 0:
        raise InputRefused({field: [_("Must be more than 0.")]})
    return value.quantize(places)


def in_unit(quantity: Decimal, unit: str, wanted: str, field: str) -> Decimal:
    """Return the quantity in the wanted unit.

    :raises InputRefused: at the field, if one unit cannot be turned into the other
    """
    if unit in ("", wanted):
        return quantity
    try:
        return Decimal(str(convert(float(quantity), unit, wanted))).quantize(THOUSANDTH)
    except (UnknownUnit, UnitsDiffer) as error:
        message = _("“%(unit)s” cannot be converted to “%(wanted)s”.") % {"unit": unit, "wanted": wanted}
        raise InputRefused({field: [message]}) from error


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
    checked = _check_lots(lots, seller, planned_in=None)
    _fill(shipment, journey, expected_at, dock_booking, warehouse_booking, [lot["line"].order for lot in checked], now)
    shipment.from_address = shipment.from_address or seller.address
    shipment.save(force_insert=True)
    _write_lots(shipment, checked)
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
    checked = None if lots is None else _check_lots(lots, shipment.seller, planned_in=shipment)
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
        _write_lots(shipment, checked)
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


def _check_lots(
    lots: Sequence[Mapping[str, object]], seller: Organisation, *, planned_in: Shipment | None
) -> list[dict]:
    if not lots:
        raise InputRefused({"lots": [_("Say what goes on it: at least one lot.")]})
    if len(lots) > MOST_LOTS:
        raise InputRefused({"lots": [_("At most %(count)d lots.") % {"count": MOST_LOTS}]})
    errors: dict[str, list[str]] = {}
    lines = _lines_there(lots, seller)
    left = _left_to_plan(lines.values(), planned_in)
    checked, numbers = [], set()
    for place, said in enumerate(lots):
        try:
            lot = _check_lot(said, f"lots.{place}", lines, left)
        except InputRefused as refused:
            errors |= refused.errors
            continue
        if lot["number"] and lot["number"] in numbers:
            errors[f"lots.{place}.number"] = [_("Two lots of a shipment cannot have one number.")]
        numbers.add(lot["number"])
        checked.append(lot)
    if errors:
        raise InputRefused(errors)
    return checked


def _lines_there(lots: Sequence[Mapping[str, object]], seller: Organisation) -> dict[int, OrderLine]:
    """Return the named order lines of the seller by id, locked so that two plans do not send the same goods."""
    ids = {line_id for said in lots if (line_id := _line_id(said)) is not None}
    rows = OrderLine.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "order__buyer", "order__seller"
    )
    found = rows.filter(pk__in=ids, order__seller=seller, kind=OrderLine.Kind.GOODS)
    running = found.exclude(order__kind=Order.Kind.FRAMEWORK).exclude(
        order__status__in=[Order.Status.CLOSED, Order.Status.CANCELLED]
    )
    return {line.pk: line for line in running.order_by("pk")}


def _line_id(said: Mapping[str, object]) -> int | None:
    line = said.get("order_line")
    if isinstance(line, OrderLine):
        return line.pk
    return int(str(line)) if str(line).isdigit() and len(str(line)) < 18 else None


def _left_to_plan(lines, planned_in: Shipment | None) -> dict[int, Decimal]:
    """Return how much of each line is neither sent nor on another shipment that waits to go."""
    ids = [line.pk for line in lines]
    waiting = Lot.objects.filter(order_line__in=ids, shipment__status=Shipment.Status.PLANNED)
    if planned_in:
        waiting = waiting.exclude(shipment=planned_in)
    planned = dict(waiting.values_list("order_line").annotate(Sum("quantity")))
    return {line.pk: line.outstanding - planned.get(line.pk, Decimal(0)) for line in lines}


def left_to_plan(order: Order) -> dict[int, Decimal]:
    """Return how much of each line of goods of an order can still be put on a shipment."""
    return _left_to_plan(order.lines.filter(kind=OrderLine.Kind.GOODS), None)


def _check_lot(said: Mapping[str, object], at: str, lines: Mapping[int, OrderLine], left: dict[int, Decimal]) -> dict:
    line = lines.get(_line_id(said))
    if line is None:
        raise InputRefused({f"{at}.order_line": [_("This is no line of goods of a running order that you sell.")]})
    unit = str(said.get("unit") or "").strip() or line.unit
    quantity = read_quantity(said.get("quantity"), f"{at}.quantity")
    if canonical_unit(unit) != canonical_unit(line.unit):
        quantity = in_unit(quantity, unit, line.unit, f"{at}.unit")
    if quantity > left[line.pk]:
        message = _("Only %(left)s %(unit)s of this line is left to send.") % {
            "left": format(max(left[line.pk], Decimal(0)).normalize(), "f"),
            "unit": line.unit,
        }
        raise InputRefused({f"{at}.quantity": [message]})
    left[line.pk] -= quantity
    number = " ".join(str(said.get("number") or "").split())
    if len(number) > Lot._meta.get_field("number").max_length:  # noqa: SLF001 - Django's own name for it
        raise InputRefused({f"{at}.number": [_("At most %(count)d characters.") % {"count": 40}]})
    return {
        "line": line,
        "number": number,
        "quantity": quantity,
        "public": read_public(said.get("public"), f"{at}.public"),
        "packages": _read_packages(said.get("packages"), quantity, f"{at}.packages"),
    }


def read_public(said: object, at: str) -> dict:
    """Return what is shown to everybody of a lot: texts by field, in one language or in both.

    :raises InputRefused: naming the field
    """
    if not said:
        return {}
    if not isinstance(said, Mapping):
        raise InputRefused({at: [_("Give the public facts as texts by name.")]})
    shown = {}
    for name, value in said.items():
        texts = value if isinstance(value, Mapping) else {"": value}
        is_known = name in Lot.PUBLIC_FIELDS and set(texts) <= {"zh", "en", ""}
        if not is_known:
            raise InputRefused({f"{at}.{name}": [_("A lot shows no such fact.")]})
        texts = {language: str(text or "").strip() for language, text in texts.items()}
        if any(len(text) > LONGEST_TEXT for text in texts.values()):
            raise InputRefused({f"{at}.{name}": [_("At most %(count)d characters.") % {"count": LONGEST_TEXT}]})
        if any(texts.values()):
            shown[name] = texts.get("", texts)
    return shown


def _read_packages(said: object, quantity: Decimal, at: str) -> list[Decimal]:
    """Return the quantity of each package: as given, or the lot's shared evenly among so many."""
    if said in (None, "", 0, "0", []):
        return []
    if isinstance(said, list | tuple):
        quantities = [read_quantity(one, f"{at}.{place}") for place, one in enumerate(said)]
        if sum(quantities) != quantity:
            raise InputRefused({at: [_("The packages do not add up to the lot.")]})
    else:
        count = int(str(said)) if str(said).isdigit() and len(str(said)) < 9 else 0
        if not 1 <= count <= MOST_PACKAGES or quantity < THOUSANDTH * count:
            raise InputRefused({at: [_("Between 1 and %(count)d packages.") % {"count": MOST_PACKAGES}]})
        each = (quantity / count).quantize(THOUSANDTH, rounding=ROUND_DOWN)
        quantities = [each] * (count - 1) + [quantity - each * (count - 1)]
    if len(quantities) > MOST_PACKAGES:
        raise InputRefused({at: [_("Between 1 and %(count)d packages.") % {"count": MOST_PACKAGES}]})
    return quantities


def _write_lots(shipment: Shipment, checked: Sequence[Mapping]) -> None:
    taken = {lot["number"] for lot in checked if lot["number"]}
    there = {lot.number: lot for lot in shipment.lots.all()}
    free = (f"{shipment.number}-{place}" for place in range(1, 2 * MOST_LOTS + 1))
    for said in checked:
        number = said["number"] or next(one for one in free if one not in taken and one not in there)
        lot = there.get(number) or Lot(shipment=shipment, number=number)
        lot.order_line, lot.quantity, lot.unit = said["line"], said["quantity"], said["line"].unit
        lot.public = said["public"]
        lot.save()
        Package.objects.bulk_create(
            [Package(lot=lot, number=place, quantity=each) for place, each in enumerate(said["packages"], start=1)]
        )
