"""Chances in words."""

from django import template
from django.utils.translation import gettext as _

register = template.Library()

HARDLY, NEARLY_ALWAYS = 0.05, 0.95


@register.filter
def percent(chance: float | None) -> str:
    """Write a chance in whole per cent, as both languages do."""
    return "" if chance is None else f"{chance:.0%}"


@register.filter
def in_ten(chance: float) -> str:
    """Say a chance as people do."""
    if chance < HARDLY:
        return _("fewer than 1 in 20 such matches")
    if chance >= NEARLY_ALWAYS:
        return _("nearly always")
    return _("about %(count)s in 10") % {"count": max(1, round(10 * chance))}
