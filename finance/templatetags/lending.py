"""How rates, shares and bars of lines are written."""

from django import template

register = template.Library()


@register.filter
def basis_points(rate_bp: int | None) -> str:
    """Write a rate in basis points as per cent.

    >>> basis_points(435)
    '4.35 %'
    """
    return "" if rate_bp is None else f"{rate_bp / 100:.2f} %"


@register.filter
def per_cent(share: float | None, places: int = 2) -> str:
    """Write a share as per cent.

    >>> per_cent(0.0457)
    '4.57 %'
    """
    return "" if share is None else f"{100 * share:.{places}f} %"
