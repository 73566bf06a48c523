"""How amounts of a collective purchase are written."""

from decimal import Decimal

from django import template

from marketplace.models import PurchasePool
from marketplace.templatetags.market import CURRENCY_SIGNS, counted, plain_number

register = template.Library()


@register.filter
def in_unit_of(quantity: Decimal, pool: PurchasePool) -> str:
    """Write a quantity with the pool's unit."""
    return counted(quantity, pool.unit)


@register.filter
def in_currency_of(amount: Decimal, pool: PurchasePool) -> str:
    """Write an amount with the currency of the pool, the offer or the exhibition."""
    sign = CURRENCY_SIGNS.get(pool.currency, f"{pool.currency} ")
    return f"{sign}{plain_number(amount)}"


@register.filter
def lookup(parts: dict, key: object) -> object:
    """Return what a mapping has under a key that is no name."""
    return parts.get(key)
