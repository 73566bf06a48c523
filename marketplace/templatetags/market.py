"""What templates need beyond Django's own tags: icons, names of codes, prices and quantities in the reader's language."""

import secrets
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from marketplace.models import Listing, Notification, Park, User
from marketplace.parsing import units
from marketplace.parsing.glossary import certificates
from marketplace.parsing.industries import industries
from marketplace.parsing.regions import place_name, regions

register = template.Library()

ICONS = {"success": "check", "error": "warning", "debug": "info"}
# What every score starts with: no reason for or against a pair.
BASE = "base"
CURRENCY_SIGNS = {"CNY": "¥", "USD": "US$", "EUR": "€"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw a symbol of static/img/icons.svg; a text beside it says what it means."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("img/icons.svg"),
        ICONS.get(name, name),
    )


@register.simple_tag(takes_context=True)
def tab(context: template.Context, view_name: str, label: str) -> SafeString:
    """Link to a page in a row of pages, marked where the reader is there; nothing where its app is not installed."""
    try:
        address = reverse(view_name)
    except NoReverseMatch:
        return SafeString()
    match = context["request"].resolver_match
    is_here = match is not None and match.view_name == view_name
    return format_html('<a href="{}"{}>{}</a>', address, SafeString(' aria-current="page"' if is_here else ""), label)


@register.filter
def in_my_language(texts: Mapping[str, Any]) -> str:
    """Return the zh or en text of ``{"zh": …, "en": …}``, or the one there is."""
    first, second = ("en", "zh") if get_language() == "en" else ("zh", "en")
    return texts.get(first) or texts.get(second) or ""


@register.simple_tag
def form_key() -> SafeString:
    """Name this drawing of a form, inside it: sent twice, a view under ``once`` does its work once."""
    return format_html('<input type="hidden" name="form_key" value="{}">', secrets.token_urlsafe(16))


@register.simple_tag
def new_key() -> str:
    """Return a key of its own for what a button of this drawing of the page does: pressed twice, it counts once."""
    return str(uuid.uuid4())


@register.inclusion_tag("marketplace/_reasons.html")
def reasons(reasons: list[Mapping[str, Any]]) -> dict:
    """Draw the parts of a score as bars, longest first; the longest fills its row, the base comes last without one."""
    parts = [reason for reason in reasons if reason["feature"] != BASE]
    longest = max((abs(float(reason["points"])) for reason in parts), default=0) or 1
    ordered = sorted(parts, key=lambda reason: -abs(float(reason["points"])))
    base = [reason for reason in reasons if reason["feature"] == BASE]
    return {"bars": [_bar(reason, longest) for reason in ordered] + [_bar(reason, None) for reason in base]}


def _bar(reason: Mapping[str, Any], longest: float | None) -> dict:
    # Rounded as it is shown, and never -0.0.
    points = round(float(reason["points"]), 1) + 0.0
    return {
        "text": in_my_language(reason),
        "width": round(100 * abs(points) / longest) if longest else 0,
        "points": f"{points:+.1f}",
        "is_against": points < 0,
        "is_base": longest is None,
    }


@register.filter
def plain_number(value: Decimal | float) -> str:
    """Write a number with separators of thousands, as both languages do, and no digits that say nothing."""
    return f"{Decimal(str(value)):,.4f}".rstrip("0").rstrip(".")


@register.filter
def unit_name(unit: str) -> str:
    """Return what the reader calls a unit."""
    return units.unit_name(unit, get_language() or "zh", plural=False)


def counted(value: Decimal | float, unit: str) -> str:
    """Write an amount with its unit, in English in its plural where there are several."""
    return f"{plain_number(value)} {units.unit_name(unit, get_language() or 'zh', plural=value != 1)}"


@register.filter
def industry(code: str) -> str:
    """Return the class of GB/T 4754 with its name, which stands in Chinese only."""
    name = industries().get(code)
    return f"{code} {name}" if name else code


@register.filter
def region(code: str) -> str:
    """Return what the reader calls a place, with what lies around it."""
    return place_name(code, get_language() or "zh")


@register.filter
def amount(listing: Listing) -> str:
    """Write the quantity with its unit, or nothing."""
    if listing.quantity is None:
        return ""
    return counted(listing.quantity, listing.unit)


@register.filter
def minimum(listing: Listing) -> str:
    """Write the smallest quantity that is sold or bought, or nothing."""
    return "" if listing.minimum_order is None else counted(listing.minimum_order, listing.unit)


@register.filter
def certificate_name(code: str) -> str:
    """Return what the reader calls a certificate."""
    entry = certificates().get(code)
    return in_my_language({"zh": entry.zh, "en": entry.en}) if entry else code


@register.filter
def certificate_names(codes: list[str]) -> str:
    return ", ".join(certificate_name(code) for code in codes)


@register.filter
def price(listing: Listing) -> str:
    """Write the price or the range of prices with its currency and unit; say so where it is open."""
    if listing.price_min is None and listing.price_max is None:
        return _("Price open")
    sign = CURRENCY_SIGNS.get(listing.currency, f"{listing.currency} ")
    per = f" / {unit_name(listing.price_unit)}" if listing.price_unit else ""
    low, high = listing.price_min, listing.price_max
    if low is None:
        return _("up to %(price)s") % {"price": f"{sign}{plain_number(high)}{per}"}
    if high is None:
        return _("from %(price)s") % {"price": f"{sign}{plain_number(low)}{per}"}
    if low == high:
        return f"{sign}{plain_number(low)}{per}"
    return f"{sign}{plain_number(low)} – {plain_number(high)}{per}"


@register.filter
def attribute_rows(listing: Listing) -> list[dict[str, str]]:
    """Return label and value of each attribute, named as its category's schema names it."""
    schema = listing.category.schema.get("properties", {}) if listing.category else {}
    known = [key for key in schema if key in listing.attributes]
    rest = sorted(set(listing.attributes) - set(known))
    return [
        {
            "key": key,
            "label": attribute_label(key, schema.get(key, {})),
            "value": attribute_value(listing.attributes[key], schema.get(key, {})),
        }
        for key in known + rest
    ]


def attribute_label(key: str, rules: Mapping[str, Any]) -> str:
    return in_my_language({"zh": rules.get("title_zh"), "en": rules.get("title_en")}) or key


def attribute_value(value: Any, rules: Mapping[str, Any]) -> str:
    """Write a value with its unit, a word by its label, a range with a dash."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(attribute_value(item, {**rules, "unit": ""}) for item in value)
    unit = rules.get("unit", "")
    if isinstance(value, Mapping):
        ends = [plain_number(value[end]) for end in ("min", "max") if value.get(end) is not None]
        return f"{' – '.join(ends)} {unit_symbol(unit)}".strip()
    if isinstance(value, int | float | Decimal):
        return f"{plain_number(value)} {unit_symbol(unit, plural=value != 1)}".strip()
    label = rules.get("labels", {}).get(value)
    return in_my_language(label) if label else str(value)


def unit_symbol(unit: str, *, plural: bool = True) -> str:
    """Write a unit that has a sign by it in every language, as data sheets do (mm, kW); another by its word (days)."""
    known = units.units().get(unit)
    is_word = known is not None and (known.definition == "=" or known.en != known.plural)
    return units.unit_name(unit, get_language() or "zh" if is_word else "en", plural=plural)


@register.simple_tag
def place_choices() -> list[str]:
    """Return provinces and cities to choose from as one types; counties may be typed as well."""
    return [region(one.code).replace(", ", " ") for one in regions().values() if one.level <= 2]


@register.simple_tag
def unread_count(user: User) -> int:
    """Return how many notifications the reader has not opened; shown by the bell of every page."""
    return Notification.objects.in_app_of(user).unread().count()


@register.simple_tag
def works_in_a_park(user: User) -> bool:
    """Say whether the reader works at a park's gate or in its office: only they are shown the way to the console."""
    return user.is_authenticated and Park.objects.run_by(user).exists()
