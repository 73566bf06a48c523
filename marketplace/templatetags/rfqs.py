"""What the pages of requests and quotes need: specifications in one line, and changes in the reader's words."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from marketplace.models import Park, Quote, QuoteLine, RequestForQuotation, RfqLine
from marketplace.parsing.regions import regions
from marketplace.templatetags.deals import money, specified
from marketplace.templatetags.market import counted, plain_number, region

register = template.Library()
register.filter("money", money)
# True is a number, too, and a moment a day: the narrower kinds come first.
WRITERS = (
    (bool, lambda value: _("yes") if value else _("no")),
    (Park, lambda park: park.name),
    (datetime, lambda moment: date_format(timezone.localtime(moment), "DATETIME_FORMAT")),
    (date, lambda day: date_format(day, "DATE_FORMAT")),
    (Decimal | int, plain_number),
)


@register.filter
def specification(line: RfqLine) -> str:
    """Write what a line has to be: its attributes, then the words."""
    rows = [f"{row['label']} {row['value']}" for row in specified(line.specification)]
    return "; ".join(filter(None, [*rows, line.specification.get("text", "")]))


@register.filter
def in_unit_of(quantity: Decimal, line: RfqLine) -> str:
    """Write a quantity in the unit of the line it is of."""
    return counted(quantity, line.unit)


@register.filter
def in_percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


@register.simple_tag
def amendment_label(change: Mapping[str, Any]) -> str:
    """Name what an amendment changed: a field of the request, or of one of its lines."""
    name = change["field"]
    if name == "lines":
        return _("Line taken out") if change["before"] else _("New line")
    if name == "attachments":
        return _("New file")
    if name.startswith("lines."):
        _lines, position, field = name.split(".")
        return _("Line %(number)s: %(field)s") % {"number": position, "field": _label(RfqLine, field)}
    return _label(RequestForQuotation, name)


@register.simple_tag
def difference_label(one: Mapping[str, Any]) -> str:
    """Name what two versions of a quote say differently."""
    if one["line"] is None:
        return _label(Quote, one["field"])
    return _("Line %(number)s, %(quantity)s: %(field)s") % {
        "number": one["line"],
        "quantity": plain_number(one["quantity"]),
        "field": _label(QuoteLine, one["field"]),
    }


@register.simple_tag
def difference_value(one: Mapping[str, Any], value: Any) -> str:
    model = Quote if one["line"] is None else QuoteLine
    return said(model, one["field"], value)


def said(model, name: str, value: Any) -> str:
    """Write a field's value in the reader's words."""
    if value is None or value == "":
        return "—"
    choices = dict(model._meta.get_field(name).choices or ())  # noqa: SLF001 - Django's own name for it
    if value in choices:
        return str(choices[value])
    for kind, write in WRITERS:
        if isinstance(value, kind):
            return write(value)
    return region(value) if name == "region" and value in regions() else str(value)


def _label(model, name: str) -> str:
    return str(model._meta.get_field(name).verbose_name)  # noqa: SLF001 - Django's own name for it
