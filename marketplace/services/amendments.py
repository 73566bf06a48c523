"""What an amendment of an order may say, what it does, and doing it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Booking, Listing, Order, OrderLine, Proposal, User
from marketplace.models.terms import TermLine, amount, totals
from marketplace.services import holds
from marketplace.services.order_lines import line_at, shown, whole_quantity
from marketplace.services.said_fields import SaidFields, read_terms

# Currency and tax stay as they were agreed: another currency is another order.
TERMS = (
    "incoterm",
    "park",
    "region",
    "address",
    "window_start",
    "window_end",
    "payment_term",
    "payment_days",
    "deposit_percent",
    "note",
)
ZERO = Decimal(0)
LARGEST_PRICE = Decimal(10) ** 12


def clean(order: Order, lines: Sequence[OrderLine], said: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return what is to change, and only that, as it is kept.

    :raises InputRefused: naming each field that cannot be taken
    """
    if unknown := set(said) - {"lines", *TERMS}:
        raise InputRefused({name: [_("An amendment has no such field.")] for name in sorted(unknown)})
    errors: dict[str, list[str]] = {}
    changed = _clean_terms(order, said, errors, now)
    changed_lines = []
    if said.get("lines") and order.kind == Order.Kind.CALL_OFF:
        errors["lines"] = [
            _("Quantities and prices of a call-off come from its framework order: call off more, or cancel.")
        ]
    for place, one in enumerate(said.get("lines") or []):
        try:
            if line := _clean_line(lines, one, f"lines.{place}"):
                changed_lines.append(line)
        except InputRefused as refused:
            errors |= refused.errors
    if len({line["line"] for line in changed_lines}) < len(changed_lines):
        errors["lines"] = [_("Name each line once.")]
    if errors:
        raise InputRefused(errors)
    if not changed and not changed_lines:
        raise InputRefused({"terms": [_("Nothing would change.")]})
    return {"terms": changed, "lines": changed_lines}


def _clean_terms(order: Order, said: Mapping[str, Any], errors: dict, now: datetime) -> dict[str, Any]:
    given = {name: said[name] for name in TERMS if name in said}
    if not given:
        return {}
    before = order.terms()
    # A window that is over may stay as it is while something else changes.
    asks_window = any(
        str(given[name] or "") != str(before[name]) for name in ("window_start", "window_end") if name in given
    )
    own_errors: dict[str, list[str]] = {}
    after = read_terms(SaidFields(given, errors=own_errors), start=before, now=now)
    if not asks_window:
        own_errors.pop("window_end", None)
        after |= {name: before[name] for name in ("window_start", "window_end")}
    errors |= own_errors
    return {name: _kept(after[name]) for name in TERMS if after[name] != before[name]} if not own_errors else {}


def _kept(value: Any) -> Any:
    if hasattr(value, "pk"):
        return value.pk
    return value if value is None or isinstance(value, bool | int) else str(value)


def _clean_line(lines: Sequence[OrderLine], said: Mapping[str, Any], prefix: str) -> dict[str, Any] | None:
    line = line_at(lines, said.get("line"), f"{prefix}.line")
    kept: dict[str, Any] = {"line": line.position}
    sent = line.quantity - line.outstanding
    if said.get("quantity") not in (None, ""):
        quantity = whole_quantity(said["quantity"], f"{prefix}.quantity")
        if quantity < sent:
            message = _("%(sent)s of it are no longer outstanding; less than that cannot be ordered.")
            raise InputRefused({f"{prefix}.quantity": [message % {"sent": shown(sent, line.unit)}]})
        if quantity != line.quantity:
            kept["quantity"] = str(quantity)
    if said.get("unit_price") not in (None, ""):
        price = _price(said["unit_price"], f"{prefix}.unit_price")
        if price != line.unit_price:
            if Decimal(kept.get("quantity", line.quantity)) == sent:
                message = _("Nothing of this line is outstanding: its price stays.")
                raise InputRefused({f"{prefix}.unit_price": [message]})
            kept["unit_price"] = str(price)
    return kept if len(kept) > 1 else None


def _price(value: object, field: str) -> Decimal:
    try:
        price = Decimal(str(value))
    except InvalidOperation as error:
        raise InputRefused({field: [_("Enter a number.")]}) from error
    if not price.is_finite() or not 0 <= price < LARGEST_PRICE:
        raise InputRefused({field: [_("Enter a price of 0 or more.")]})
    if price != price.quantize(Decimal("0.0001")):
        raise InputRefused({field: [_("At most four decimal places.")]})
    return price.quantize(Decimal("0.0001"))


def _after(lines: Sequence[OrderLine], terms: Mapping[str, Any]) -> list[tuple[OrderLine, Decimal, Decimal, bool]]:
    """Return each line with its quantity and price afterwards, and whether its outstanding part becomes a line of its own."""
    changes = {one["line"]: one for one in terms["lines"]}
    found = []
    for line in lines:
        change = changes.get(line.position, {})
        quantity = Decimal(change.get("quantity", line.quantity))
        price = Decimal(change.get("unit_price", line.unit_price))
        # What was sent keeps the price it was sent at.
        is_split = price != line.unit_price and line.outstanding < line.quantity
        found.append((line, quantity, price, is_split))
    return found


def _total_after(
    order: Order, lines: Sequence[OrderLine], terms: Mapping[str, Any]
) -> tuple[Decimal, Decimal, Decimal]:
    value = ZERO
    for line, quantity, price, is_split in _after(lines, terms):
        sent = line.quantity - line.outstanding
        value += amount(sent, line.unit_price) + amount(quantity - sent, price) if is_split else amount(quantity, price)
    return totals(value, tax_rate=order.tax_rate, price_includes_tax=order.price_includes_tax)


def effects(order: Order, lines: Sequence[OrderLine], terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return what confirming does: totals, lines, terms, bookings that fall out of it, what the listings give."""
    line_effects = [
        {
            "line": line.position,
            "quantity_before": str(line.quantity),
            "quantity_after": str(quantity),
            "unit_price_before": str(line.unit_price),
            "unit_price_after": str(price),
            "unit": line.unit,
            "is_split": is_split,
        }
        for line, quantity, price, is_split in _after(lines, terms)
        if (quantity, price) != (line.quantity, line.unit_price)
    ]
    before = order.terms()
    return {
        "currency": order.currency,
        "total_before": str(order.total_amount),
        "total_after": str(_total_after(order, lines, terms)[2]),
        "lines": line_effects,
        "terms": [
            {"field": name, "before": _kept(before[name]), "after": value} for name, value in terms["terms"].items()
        ],
        "bookings": _bookings(order, terms["terms"]),
        "listings": _listings(order, lines, terms),
        "planned_shipments": _planned(order, terms),
    }


def _bookings(order: Order, terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the order's bookings that no longer fit: outside the new window, or in another park."""
    start, end = (str(terms.get(name, getattr(order, name))) for name in ("window_start", "window_end"))
    park = terms.get("park", order.park_id)
    found = []
    bookings = Booking.objects.filter(order=order).active().select_related("facility__park", "organisation")
    for booking in bookings.order_by("slot", "pk"):
        first = timezone.localdate(booking.start).isoformat()
        reasons = []
        if ("window_start" in terms or "window_end" in terms) and not start <= first <= end:
            reasons.append("window")
        if "park" in terms and booking.facility.park_id != park:
            reasons.append("park")
        if reasons:
            facility = booking.facility
            found.append(
                {
                    "booking": booking.pk,
                    "number": booking.number,
                    "facility_zh": facility.name_zh or facility.name_en,
                    "facility_en": facility.name_en or facility.name_zh,
                    "start": timezone.localtime(booking.start).isoformat(),
                    "end": timezone.localtime(booking.end).isoformat(),
                    "reasons": reasons,
                }
            )
    return found


def _listings(order: Order, lines: Sequence[OrderLine], terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how much more (less, below 0) each listing gives, in its unit."""
    found = []
    for listing in filter(None, (order.supply, order.demand)):
        more = sum((quantity for _line, quantity in listing_changes(listing, lines, terms)), ZERO)
        if more:
            found.append(
                {
                    "listing": listing.pk,
                    "side": listing.side,
                    "title_zh": listing.title_zh or listing.title_en,
                    "title_en": listing.title_en or listing.title_zh,
                    "quantity": str(more),
                    "unit": listing.unit,
                }
            )
    return found


def listing_changes(
    listing: Listing, lines: Sequence[OrderLine], terms: Mapping[str, Any]
) -> list[tuple[OrderLine, Decimal]]:
    """Return by line how much more is taken from the listing, in the listing's unit."""
    changes = []
    for line, quantity, _price_after, _is_split in _after(lines, terms):
        more = quantity - line.quantity
        if more and line.listing_factor and holds.is_counted(listing, line.unit):
            size = holds.in_unit_of(listing, quantity=abs(more), unit=line.unit)
            changes.append((line, size if more > 0 else -size))
    return changes


def _planned(order: Order, terms: Mapping[str, Any]) -> list[str]:
    """Return the planned shipments whose place or lines the amendment touches: their sender looks at them again."""
    touched = bool({"park", "address", "region", "window_start", "window_end"} & set(terms["terms"]))
    lots = OrderLine.objects.filter(order=order, lots__shipment__status="planned")
    if not touched:
        lots = lots.filter(position__in=[one["line"] for one in terms["lines"]])
    return sorted(set(lots.values_list("lots__shipment__number", flat=True)))


def apply(proposal: Proposal, order: Order, lines: Sequence[OrderLine], *, by: User, now: datetime) -> None:
    """Change the order as agreed; the caller has locked it and checked that nothing overtook the proposal.

    :raises InputRefused: if meanwhile so much was sent that the quantity no longer fits
    :raises QuantityNoLongerAvailable: if a listing has no longer what more is wanted
    """
    terms = clean(order, lines, {**proposal.terms["terms"], "lines": proposal.terms["lines"]}, now)
    if terms != proposal.terms:
        raise InputRefused({"terms": [_("The order changed meanwhile: make the proposal anew.")]})
    _take_from_listings(order, lines, terms, now)
    net, tax, total = _total_after(order, lines, terms)
    last = OrderLine.objects.filter(order=order).aggregate(last=Max("position"))["last"]
    for line, quantity, price, is_split in _after(lines, terms):
        if (quantity, price) == (line.quantity, line.unit_price):
            continue
        rest = quantity - (line.quantity - line.outstanding)
        if is_split:
            last += 1
            _split(line, rest, price, last)
        else:
            line.quantity, line.outstanding, line.unit_price = quantity, rest, price
            line.save(update_fields=["quantity", "outstanding", "unit_price"])
    for name, value in terms["terms"].items():
        setattr(order, "park_id" if name == "park" else name, value)
    order.net_amount, order.tax_amount, order.total_amount = net, tax, total
    order.revision += 1
    order.updated_at = now
    changed = ["park" if name == "park" else name for name in terms["terms"]]
    order.save(update_fields=[*changed, "net_amount", "tax_amount", "total_amount", "revision", "updated_at"])
    # Read again what was set as written: dates and decimals.
    order.refresh_from_db()


def _take_from_listings(order: Order, lines: Sequence[OrderLine], terms: Mapping[str, Any], now: datetime) -> None:
    changes = []
    for listing in filter(None, (order.supply, order.demand)):
        more = sum((quantity for _line, quantity in listing_changes(listing, lines, terms)), ZERO)
        if more > 0:
            changes.append(holds.Change(listing, taken=more))
        elif more < 0:
            holds.give_back(listing=listing, quantity=-more, unit=listing.unit, now=now)
    holds.apply(changes, now=now)


def _split(line: OrderLine, quantity: Decimal, price: Decimal, position: int) -> None:
    """Leave what was sent in its line, and let the rest be a line of its own at the new price."""
    fields = {name: getattr(line, name) for name in TermLine.LINE_FIELDS}
    line.quantity, line.outstanding = line.quantity - line.outstanding, ZERO
    line.save(update_fields=["quantity", "outstanding"])
    OrderLine.objects.create(
        **{**fields, "quantity": quantity, "unit_price": price},
        order=line.order,
        position=position,
        outstanding=quantity,
        framework_line=line.framework_line,
        listing_factor=line.listing_factor,
        minimum_call=line.minimum_call,
    )
