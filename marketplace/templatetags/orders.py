"""What the pages of an order need beyond other deals': quantities of its lines, proposals in words and their effects."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from marketplace.models import Dispute, FulfilmentEvent, Inspection, Order, OrderLine, Park, Proposal
from marketplace.templatetags.deals import money
from marketplace.templatetags.market import counted, plain_number

register = template.Library()

BADGES = {
    "confirmed": "running",
    "in_fulfilment": "running",
    "delivered": "running",
    "accepted": "good",
    "closed": "done",
    "cancelled": "paused",
    "open": "warn",
    "declined": "refused",
    "settled": "good",
    "decided": "good",
    "issued": "running",
    "received": "good",
    "requested": "warn",
    "refused": "bad",
    "recorded": "warn",
    "disputed": "bad",
}


@register.filter
def badge(status: str) -> str:
    """Return the colour of a status of orders and what belongs to them."""
    return BADGES.get(status, "")


@register.filter
def dispute_status(dispute: Dispute) -> str:
    """Return the status of a dispute in words; what is open of a dispute is not what is open of a listing."""
    return _("Not settled yet") if dispute.status == Dispute.Status.OPEN else str(dispute.get_status_display())


@register.filter
def in_unit(quantity: Decimal | str, unit: str) -> str:
    return counted(Decimal(quantity), unit)


@register.filter
def percent(share: Decimal | float | None) -> str:
    return "—" if share is None else f"{plain_number(round(Decimal(share) * 100, 1))} %"


@register.filter
def stars(number: int) -> str:
    return "★" * number + "☆" * (5 - number)


@register.filter
def amount_of(written: str, currency: str) -> str:
    return money(Decimal(written), currency)


@register.filter
def due_label(kind: str) -> str:
    labels = {"advance": _("In advance"), "deposit": _("Deposit"), "acceptance": _("On acceptance")}
    return labels.get(kind, kind)


@register.simple_tag
def proposal_rows(proposal: Proposal) -> list[dict[str, str]]:
    """Return what a proposal asks, as label and value."""
    terms, order = proposal.terms, proposal.order
    if proposal.kind == Proposal.Kind.AMENDMENT:
        return amendment_rows(proposal.effects)
    if proposal.kind == Proposal.Kind.CANCELLATION:
        units = {line["line"]: line for line in terms["lines"]}
        lines = order.lines.filter(position__in=units)
        rows = [_row(_line(line), in_unit(units[line.position]["quantity"], line.unit)) for line in lines]
        return [*rows, _row(_("Back to the listings"), _yes(terms["give_back"]))]
    unit = proposal.line.unit
    if proposal.kind == Proposal.Kind.SETTLEMENT:
        return outcome_rows(terms, unit, order.currency)
    rows = [_row(_line(proposal.line), in_unit(terms["quantity"], unit))]
    if proposal.kind == Proposal.Kind.RETURN:
        rows.append(_row(_("To be replaced"), _yes(terms["replace"])))
    return rows


@register.simple_tag
def outcome_rows(terms: Mapping[str, Any], unit: str, currency: str) -> list[dict[str, str]]:
    """Return how a disputed quantity is shared out."""
    labels = {
        "accept": pgettext("goods", "Accepted"),
        "return": _("Returned"),
        "replace": _("Replaced"),
        "short": _("Short"),
    }
    rows = [_row(label, in_unit(terms[name], unit)) for name, label in labels.items() if Decimal(terms.get(name) or 0)]
    if Decimal(terms.get("price_reduction") or 0):
        rows.append(_row(_("Price reduction"), amount_of(terms["price_reduction"], currency)))
    return rows


@register.simple_tag
def dispute_rows(dispute: Dispute) -> list[dict[str, str]]:
    return outcome_rows(dispute.outcome, dispute.line.unit, dispute.order.currency) if dispute.outcome else []


@register.simple_tag
def amendment_rows(effects: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what an amendment changes, with what was before."""
    currency = effects.get("currency", "CNY")
    rows = []
    for line in effects.get("lines", []):
        name = _("Line %(number)d") % {"number": line["line"]}
        if line["quantity_before"] != line["quantity_after"]:
            before, after = (in_unit(line[f"quantity_{when}"], line["unit"]) for when in ("before", "after"))
            rows.append(_row(f"{name}: {_('quantity')}", after, before))
        if line["unit_price_before"] != line["unit_price_after"]:
            before, after = (plain_number(Decimal(line[f"unit_price_{when}"])) for when in ("before", "after"))
            rows.append(_row(f"{name}: {_('unit price')}", f"{currency} {after}", f"{currency} {before}"))
    for term in effects.get("terms", []):
        label = str(Order._meta.get_field(term["field"]).verbose_name)  # noqa: SLF001 - Django's own name for it
        rows.append(_row(label, _term(term["field"], term["after"]), _term(term["field"], term["before"])))
    return rows


@register.simple_tag
def effect_rows(effects: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what a change does to the money of the order, before and after."""
    currency = effects.get("currency", "CNY")
    rows = []
    for name, label in (("total", _("Total")), ("payable", _("To be paid"))):
        if f"{name}_before" in effects:
            before, after = (amount_of(effects[f"{name}_{when}"], currency) for when in ("before", "after"))
            rows.append(_row(label, after, before))
    return rows


@register.filter
def moment(written: str) -> str:
    """Write a moment that a record keeps as text, by the clock of the place."""
    read = parse_datetime(written)
    return date_format(timezone.localtime(read), "DATETIME_FORMAT") if read else written


@register.filter
def recorded(reference: Mapping[str, Any]) -> str:
    """Return in words what a dispute's reference is: an event on the way, or what an inspection found."""
    kinds = Inspection.Verdict if reference["type"] == "inspection" else FulfilmentEvent.Kind
    return str(dict(kinds.choices).get(reference["kind"], reference["kind"]))


def _row(label: object, value: str, before: str = "") -> dict[str, str]:
    return {"label": str(label), "value": value, "before": before}


def _line(line: OrderLine) -> str:
    return f"{line.position}. {line.description}"


def _yes(value: bool) -> str:  # noqa: FBT001 - the value is what is written
    return _("yes") if value else _("no")


def _term(name: str, value: Any) -> str:
    if value in (None, ""):
        return "—"
    if name == "park":
        park = Park.objects.filter(pk=value).first()
        return (park.name_en if get_language() == "en" else park.name_zh) or park.code if park else str(value)
    if name in ("window_start", "window_end"):
        return date_format(parse_date(value), "DATE_FORMAT")
    choices = dict(Order._meta.get_field(name).choices or ())  # noqa: SLF001 - Django's own name for it
    return str(choices.get(value, value))
