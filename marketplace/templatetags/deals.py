"""What the pages of a deal need: firms as the reader may know them, terms and their differences in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.models import Message, Offer, OfferLine, Organisation
from marketplace.models.disclosure import Reader
from marketplace.models.terms import TermLine
from marketplace.parsing.regions import regions
from marketplace.parsing.specifications import expected_text
from marketplace.templatetags.market import (
    CURRENCY_SIGNS,
    attribute_label,
    attribute_value,
    counted,
    plain_number,
    region,
    unit_name,
)

register = template.Library()


@dataclass(frozen=True)
class ShownFirm:
    """A firm as a reader may know it; ``page`` is the id that leads to its profile, None where its name is hidden."""

    name: str
    page: int | None
    sees_contact: bool
    sees_documents: bool

    def __str__(self):
        return self.name


@register.simple_tag(takes_context=True)
def firm(context, organisation: Organisation) -> ShownFirm:
    """Return a firm as the reader may know it: ``{% firm listing.organisation as shown %}``."""
    reader = Reader.behind(context["request"])
    return ShownFirm(
        name=reader.name_of(organisation),
        page=organisation.pk if reader.knows(organisation) else None,
        sees_contact=reader.sees_contact(organisation),
        sees_documents=reader.sees_documents(organisation),
    )


@register.filter
def money(amount: Decimal | None, currency: str = "CNY") -> str:
    """Write an amount with its currency, to the cent."""
    if amount is None:
        return ""
    return f"{CURRENCY_SIGNS.get(currency, f'{currency} ')}{amount:,.2f}"


@register.filter
def quantity(line: TermLine) -> str:
    """Write a line's quantity with its unit."""
    return counted(line.quantity, line.unit)


@register.simple_tag
def unit_price(line: TermLine, currency: str) -> str:
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ")
    return f"{sign}{plain_number(line.unit_price)} / {unit_name(line.unit)}"


@register.simple_tag
def specified(specification: Mapping[str, Any], category=None) -> list[dict[str, str]]:
    """Return label and value of each attribute a line promises, with its tolerance or its limits."""
    schema = category.schema.get("properties", {}) if category else {}
    attributes = (specification or {}).get("attributes") or {}
    return [
        {"label": attribute_label(key, schema.get(key, {})), "value": _promised(rule, schema.get(key, {}))}
        for key, rule in attributes.items()
    ]


@register.filter
def attribute_name(key: str, category) -> str:
    """Return what the reader calls an attribute of a category; its key where nobody named it."""
    schema = category.schema.get("properties", {}) if category else {}
    return attribute_label(key, schema.get(key, {}))


@register.simple_tag
def specified_value(key: str, rule: Mapping[str, Any], category=None) -> str:
    """Return what one attribute has to be, a word by its label."""
    schema = category.schema.get("properties", {}) if category else {}
    if isinstance(rule.get("value"), str):
        return attribute_value(rule["value"], schema.get(key, {}))
    return f"{expected_text(rule)} {rule.get('unit') or ''}".strip()


def _promised(rule: Any, schema: Mapping[str, Any]) -> str:
    if not isinstance(rule, Mapping):
        return attribute_value(rule, schema)
    rules = {**schema, "unit": rule.get("unit") or schema.get("unit", "")}
    shown = []
    limits = [rule[end] for end in ("min", "max") if rule.get(end) is not None]
    # "At least 16" of a wish for 16 says it all.
    if rule.get("value") not in (None, "", *limits):
        shown.append(attribute_value(rule["value"], rules))
    if limits:
        sign = "" if len(limits) == 2 else "≥ " if rule.get("min") is not None else "≤ "
        shown.append(sign + attribute_value({end: rule.get(end) for end in ("min", "max")}, rules))
    if rule.get("tolerance") not in (None, ""):
        shown.append(f"± {plain_number(rule['tolerance'])}")
    return " ".join(shown)


@register.filter
def clause_name(clause: str) -> str:
    return str(Message.Clause(clause).label)


@register.simple_tag
def change_label(change) -> str:
    """Return what a difference is about: the line, if of one, and the field."""
    if change.field == "line":
        return _("Line %(number)d") % {"number": change.line}
    if change.field in LABELS:
        return str(LABELS[change.field])
    model = Offer if change.line is None else OfferLine
    label = str(model._meta.get_field(change.field).verbose_name)  # noqa: SLF001 - Django's own name for it
    return label if change.line is None else _("Line %(number)d: %(field)s") % {"number": change.line, "field": label}


@register.simple_tag
def change_value(change, value: Any, category=None) -> str:
    """Write one of the two values of a difference in the reader's words."""
    if value is None or value == "":
        return "—"
    if change.field == "specification":
        rows = [f"{row['label']} {row['value']}" for row in specified(value, category)]
        return "; ".join(filter(None, [*rows, (value or {}).get("text", "")])) or "—"
    model = OfferLine if change.line is not None and change.field != "line" else Offer
    choices = {} if change.field == "line" else _choices(model, change.field)
    return str(choices.get(value) or _in_words(change.field, value))


def _choices(model, name: str) -> dict:
    return dict(model._meta.get_field(name).choices or ())  # noqa: SLF001 - Django's own name for it


def _in_words(name: str, value: Any) -> str:
    if name in WORDS:
        return WORDS[name](value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "DATETIME_FORMAT")
    if isinstance(value, date):
        return date_format(value, "DATE_FORMAT")
    return plain_number(value) if isinstance(value, Decimal | int | float) else str(value)


# Whose own names say too little beside no other field of the form.
LABELS = {"payment_days": gettext_lazy("Days after acceptance"), "region": gettext_lazy("Place")}
WORDS = {
    "park": lambda park: park.name,
    "region": lambda code: region(code) if code in regions() else code,
    "unit": unit_name,
}


@register.filter
def place(terms) -> str:
    """Return where the goods are handed over: the park, or address and place."""
    if terms.park:
        return f"{terms.park.name} ({terms.park.address or region(terms.park.region)})"
    named = region(terms.region) if terms.region else ""
    return " ".join(filter(None, [named, terms.address])) or "—"


@register.filter
def payment(terms) -> str:
    """Return how it is paid, in one sentence."""
    label = str(terms.get_payment_term_display())
    if terms.payment_term == "net":
        return _("%(count)d days after acceptance") % {"count": terms.payment_days}
    if terms.payment_term == "deposit":
        return _("%(percent)s %% deposit, the rest on delivery") % {"percent": plain_number(terms.deposit_percent)}
    return label
