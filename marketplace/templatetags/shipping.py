"""What the pages of shipments need beyond the tags of ``market``."""

from collections.abc import Mapping
from decimal import Decimal

from django import template
from django.utils.translation import gettext as _

from marketplace.models import FulfilmentEvent, Lot, Membership, Order, Organisation, Receipt
from marketplace.templatetags.market import counted as in_words
from marketplace.templatetags.market import in_my_language, plain_number

register = template.Library()
Kind = FulfilmentEvent.Kind


@register.filter
def counted(value: Decimal | None, unit: str) -> str:
    """Write a quantity with its unit; nothing where there is none."""
    return "" if value is None else in_words(value, unit)


@register.filter
def either_language(value: str | Mapping[str, str] | None) -> str:
    """Return a text, or of a text in both languages the reader's."""
    return in_my_language(value) if isinstance(value, Mapping) else str(value or "")


@register.filter
def event_words(event: FulfilmentEvent) -> str:
    """Return what an event's data says, in a few words."""
    data = event.data
    if event.kind == Kind.WEIGHED:
        parts = {"gross_kg": _("gross"), "tare_kg": _("tare"), "net_kg": _("net")}
        said = [f"{label} {plain_number(data[name])} kg" for name, label in parts.items() if data.get(name)]
        if data.get("is_exception"):
            said.append(_("out of tolerance by %(deviation)s kg") % {"deviation": plain_number(data["deviation_kg"])})
        return ": " + ", ".join(said)
    if event.kind in (Kind.STORED, Kind.RELEASED, Kind.COUNTED, Kind.RETURNED) and data.get("quantity"):
        words = counted(Decimal(data["quantity"]), data.get("unit", ""))
        reason = data.get("reason") if event.kind == Kind.COUNTED else ""
        return f": {words} ({reason})" if reason else f": {words}"
    if event.kind == Kind.RECEIVED and data.get("receipt"):
        return f": {data['receipt']}"
    return ""


@register.simple_tag(takes_context=True)
def order_shipments(context, order: Order) -> dict:
    """Return the shipments of an order with the reader's lots and receipts, and whether the reader may plan another."""
    user = context["request"].user
    lots = Lot.objects.visible_to(user).filter(order_line__order=order).select_related("shipment").order_by("pk")
    receipts = Receipt.objects.visible_to(user).filter(order=order).order_by("pk")
    rows: dict[int, dict] = {}
    for lot in lots:
        row = rows.setdefault(lot.shipment_id, {"shipment": lot.shipment, "lots": [], "receipts": []})
        row["lots"].append(lot)
    for receipt in receipts:
        if receipt.shipment_id in rows:
            rows[receipt.shipment_id]["receipts"].append(receipt)
    sellers = Organisation.objects.of(user, *Membership.TRADING_ROLES).filter(pk=order.seller_id)
    is_seller = order.is_running and not order.is_framework and sellers.exists()
    may_plan = is_seller and any(line.kind == "goods" and line.outstanding > 0 for line in order.lines.all())
    return {"rows": list(rows.values()), "may_plan": may_plan}
