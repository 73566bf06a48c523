"""Amounts and days as people, forms and other systems write them."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

CENT = Decimal("0.01")
LARGEST = Decimal(10) ** 16
EARLIEST = date(2000, 1, 1)


def money(value: object, field: str, errors: dict[str, list[str]], *, zero: bool = False) -> Decimal | None:
    """Return an amount to the cent, above 0 (or from 0 on); what is none goes to ``errors``."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        errors[field] = [_("Enter a number.")]
        return None
    if not amount.is_finite() or amount < 0 or (not amount and not zero) or amount >= LARGEST:
        errors[field] = [_("Enter an amount above 0.")]
        return None
    if amount != amount.quantize(CENT):
        errors[field] = [_("At most two decimal places.")]
        return None
    return amount.quantize(CENT)


def checked_day(value: object, field: str, errors: dict[str, list[str]]) -> date | None:
    """Return a day; what is none goes to ``errors``."""
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        try:
            value = date.fromisoformat(str(value).strip())
        except ValueError:
            errors[field] = [_("Enter a date as 2026-03-31.")]
            return None
    if value < EARLIEST:
        errors[field] = [_("This day is too long ago.")]
        return None
    return value
