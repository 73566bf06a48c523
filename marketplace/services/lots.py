"""What is put on a shipment: lots of order lines, what everybody may read of them, and their packages."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal, InvalidOperation

from django.db.models import Sum
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Lot, Order, OrderLine, Organisation, Package, Shipment
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, canonical_unit, convert

THOUSANDTH = Decimal("0.001")
MOST_LOTS = 200
MOST_PACKAGES = 1000
LONGEST_TEXT = 300


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


def check_lots(
    lots: Sequence[Mapping[str, object]], seller: Organisation, *, planned_in: Shipment | None
) -> list[dict]:
    """Return what is said of each lot, checked and its order line locked; ``planned_in`` is the shipment that has it now.

    :raises InputRefused: naming each field that cannot be taken, such as ``lots.0.quantity``
    """
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


def write_lots(shipment: Shipment, checked: Sequence[Mapping]) -> None:
    """Write the lots and their packages; a lot whose number is there already stays the same lot, with its label."""
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
