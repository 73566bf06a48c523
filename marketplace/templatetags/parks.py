"""What the pages of parks need: prices, amounts of room, times of bookings and names of services in the reader's language."""

from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from marketplace.models import Booking
from marketplace.services.statement_papers import per_name as name_of_per
from marketplace.templatetags.market import CURRENCY_SIGNS, counted

register = template.Library()

BADGES = {
    Booking.Status.HELD: "waiting",
    Booking.Status.REQUESTED: "pending",
    Booking.Status.CONFIRMED: "good",
    Booking.Status.IN_USE: "running",
    Booking.Status.REFUSED: "bad",
    Booking.Status.NO_SHOW: "bad",
}


@register.filter
def per_name(unit: str) -> str:
    """Return what the reader calls what a price is for: a slot, an hour, a tonne."""
    return name_of_per(unit)


@register.filter
def room(quantity: Decimal | None, unit: str) -> str:
    """Write so much of a capacity with its unit, or nothing."""
    return "" if quantity is None else counted(quantity, unit)


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency and two digits."""
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ")
    return f"{'−' if amount < 0 else ''}{sign}{abs(amount):,.2f}"


@register.simple_tag
def span(start, end) -> str:
    """Write a time from start to end, its day once where both lie on it."""
    first, last = timezone.localtime(start), timezone.localtime(end)
    until = date_format(last, "H:i" if first.date() == last.date() else "DATETIME_FORMAT")
    return f"{date_format(first, 'DATE_FORMAT')} {first:%H:%M} – {until}"


@register.filter
def booking_badge(booking: Booking) -> str:
    """Return the kind of badge that a booking's status wears."""
    return BADGES.get(booking.status, "")


@register.filter
def unlocalised(number: Decimal) -> str:
    """Write a number as a form field takes it in every language."""
    return f"{number.normalize():f}"
