"""What the pages of monitoring and warnings write: shares, indices, and whose words a code stands for."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from finance.models import Alarm, Decision

register = template.Library()

SIDES = {
    "": gettext_lazy("As the model said"),
    "low": gettext_lazy("Given though the model said no"),
    "high": gettext_lazy("Refused though the model said yes"),
    "terms": gettext_lazy("More or cheaper than the rules"),
}
FEATURES = {
    "sales_per_quarter": gettext_lazy("Sales in a typical quarter"),
    "sale_invoices_per_month": gettext_lazy("Sales invoices in a typical month"),
    "large_sale": gettext_lazy("Third largest sale"),
    "months_with_sales": gettext_lazy("Months with sales"),
    "sales_swing": gettext_lazy("Swing of sales"),
    "sales_history": gettext_lazy("Months since the first sale"),
    "void_sales": gettext_lazy("Share of voided sales"),
    "customers_per_month": gettext_lazy("Customers in a typical month"),
    "purchases_per_quarter": gettext_lazy("Purchases in a typical quarter"),
    "goods_in_sales": gettext_lazy("Share of goods in sales"),
    "goods_in_purchases": gettext_lazy("Share of goods in purchases"),
}
LIGHTS = {"green": "good", "amber": "warn", "red": "bad"}
LIGHT_NAMES = {"green": gettext_lazy("Green"), "amber": gettext_lazy("Amber"), "red": gettext_lazy("Red")}


@register.filter
def share(value: float | None, digits: int = 1) -> str:
    """Write a share in percent; a dash where it is not known."""
    return "–" if value is None else f"{value:.{digits}%}"


@register.filter
def index(value: float | None) -> str:
    """Write an index or a p-value with three digits."""
    return "–" if value is None else f"{value:.3f}"


@register.filter
def nth(values: Sequence[Any], place: int) -> Any:
    return values[place]


@register.filter
def side_name(side: str) -> str:
    return str(SIDES.get(side, side))


@register.filter
def override_reason_name(code: str) -> str:
    return str(dict(Decision.OverrideReason.choices).get(code, code))


@register.filter
def light_badge(light: str) -> str:
    """Return the badge of a traffic light."""
    return LIGHTS[light]


@register.filter
def light_name(light: str) -> str:
    return str(LIGHT_NAMES[light])


@register.filter
def grade_name(grade: str) -> str:
    """Return a grade, or what all of them together are called."""
    return grade or _("All")


@register.filter
def feature_name(name: str) -> str:
    """Return what a feature is called; the code itself where it has no name."""
    return str(FEATURES.get(name, name))


@register.filter
def alarm_subject(alarm: Alarm) -> str:
    return feature_name(alarm.subject) if alarm.kind == Alarm.Kind.FEATURE_DRIFT else alarm.subject


@register.filter
def range_of(row: Mapping[str, Any]) -> str:
    """Write a bin's edges."""
    low, high = row.get("from"), row.get("to")
    if low is None:
        return f"< {high:g}" if high is not None else _("All")
    return f"≥ {low:g}" if high is None else f"{low:g} – {high:g}"
