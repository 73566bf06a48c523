"""What of a listing is promised to open offers, sold, or given back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Listing
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, convert, format_quantity, unit_name

STEP = Decimal("0.001")
NOTHING = Decimal(0)


class QuantityNoLongerAvailable(RuleBroken):
    """Others took or hold it; ``left`` is what can still be had."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.left = left_of(listing)
        super().__init__(
            _("Only %(left)s of “%(title)s” are still to be had.")
            % {"left": said(self.left, listing.unit), "title": listing.title}
        )


class UnitNotConvertible(RuleBroken):
    """A quantity cannot be counted in the listing's unit."""

    def __init__(self, unit: str, listing: Listing) -> None:
        super().__init__(
            _("“%(unit)s” cannot be converted to “%(other)s”, the unit of “%(title)s”.")
            % {
                "unit": unit_name(unit, get_language() or "zh"),
                "other": unit_name(listing.unit, get_language() or "zh"),
                "title": listing.title,
            }
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one listing: how much more is held (less, if negative), and how much of it is taken away."""

    listing: Listing
    held: Decimal = NOTHING
    taken: Decimal = NOTHING


def left_of(listing: Listing) -> Decimal:
    """Return what is promised to nobody, as the row was read."""
    return NOTHING if listing.quantity is None else listing.quantity - listing.held


def said(quantity: Decimal, unit: str) -> str:
    """Return a quantity as the reader writes it."""
    return format_quantity(quantity, unit, get_language() or "zh")


def is_counted(listing: Listing, unit: str) -> bool:
    """Say whether amounts of this unit are counted against the listing's quantity."""
    return listing.quantity is not None and bool(factor_between(unit, listing.unit))


def factor_between(unit: str, other: str) -> Decimal | None:
    """Return how much of the other unit one of the first is, or None where they measure different things."""
    try:
        return Decimal(repr(convert(1, unit, other)))
    except (UnknownUnit, UnitsDiffer):
        return None


def factor_to(listing: Listing, unit: str) -> Decimal:
    """Return how much of the listing's unit one of this unit is; 0 where the listing is without quantity.

    :raises UnitNotConvertible: if they measure different things
    """
    if listing.quantity is None or not listing.unit:
        return NOTHING
    factor = factor_between(unit, listing.unit)
    if factor is None:
        raise UnitNotConvertible(unit, listing)
    return factor


def in_unit_of(listing: Listing, *, quantity: Decimal, unit: str) -> Decimal:
    """Return the quantity in the listing's unit, to a thousandth; 0 where the listing is without quantity.

    :raises UnitNotConvertible: if they measure different things
    """
    return (quantity * factor_to(listing, unit)).quantize(STEP, rounding=ROUND_HALF_UP)


def foresee(changes: Iterable[Change]) -> None:
    """Refuse what there is not enough for as the rows were read; what happens at the same moment ``apply`` sees.

    :raises QuantityNoLongerAvailable: naming what is left
    """
    for change in _together(changes).values():
        quantity, held = change.listing.quantity, change.listing.held
        if quantity is not None and change.taken and quantity < held + change.held + change.taken:
            raise QuantityNoLongerAvailable(change.listing)


def _together(changes: Iterable[Change]) -> dict[int, Change]:
    """Return one change per listing, in the order of their ids."""
    sums: dict[int, Change] = {}
    for change in changes:
        before = sums.get(change.listing.pk, Change(change.listing))
        sums[change.listing.pk] = Change(change.listing, before.held + change.held, before.taken + change.taken)
    return dict(sorted(sums.items()))


def apply(changes: Iterable[Change], *, now: datetime) -> None:
    """Hold, release and take, inside the caller's transaction where it is about several listings.

    Listings are changed in the order of their ids, so that two acceptances that share listings wait for one another
    and never in a circle. One UPDATE per listing decides whether there is enough.

    :raises QuantityNoLongerAvailable: naming what is left
    """
    for change in _together(changes).values():
        _apply_one(change, now=now)


def _apply_one(change: Change, *, now: datetime) -> None:
    row = Listing.objects.filter(pk=change.listing.pk)
    if change.taken:
        done = row.take(change.taken, held=-change.held, now=now)
        if done:
            Listing.objects.announce(change.listing.pk)
    elif change.held > 0:
        done = row.hold(change.held)
    else:
        done = not change.held or row.release(-change.held)
    if not done:
        current = row.get()
        if current.quantity is not None:
            raise QuantityNoLongerAvailable(current)


def hold(*, listing: Listing, quantity: Decimal, unit: str, now: datetime) -> Decimal:
    """Promise a quantity to an open offer; return how much that is in the listing's unit.

    :raises QuantityNoLongerAvailable: if less is left
    :raises UnitNotConvertible: if it cannot be counted in the listing's unit
    """
    amount = in_unit_of(listing, quantity=quantity, unit=unit)
    apply([Change(listing, held=amount)], now=now)
    return amount


def release(*, listing: Listing, held: Decimal, now: datetime) -> None:
    """Let go of what ``hold`` returned."""
    apply([Change(listing, held=-held)], now=now)


def take(*, listing: Listing, quantity: Decimal, unit: str, now: datetime, held: Decimal = NOTHING) -> Decimal:
    """Take what was sold out of a listing, of which ``held`` was promised to this buyer; return how much of its unit.

    :raises QuantityNoLongerAvailable: if less is left
    :raises UnitNotConvertible: if it cannot be counted in the listing's unit
    """
    amount = in_unit_of(listing, quantity=quantity, unit=unit)
    apply([Change(listing, held=-held, taken=amount)], now=now)
    return amount


@transaction.atomic
def give_back(*, listing: Listing, quantity: Decimal, unit: str, now: datetime) -> Decimal:
    """Return a cancelled quantity to its listing; return how much of its unit.

    Where the listing's unit was changed meanwhile to one that measures something else, nothing is given back.
    """
    try:
        amount = in_unit_of(listing, quantity=quantity, unit=unit)
    except UnitNotConvertible:
        return NOTHING
    if amount and Listing.objects.filter(pk=listing.pk).give_back(amount, now=now):
        Listing.objects.announce(listing.pk)
    return amount
