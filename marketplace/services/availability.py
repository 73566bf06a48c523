"""When and where something is free, across all parks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Facility, Organisation, PriceItem, User
from marketplace.parsing.places import find_place
from marketplace.parsing.regions import distance_km
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, canonical_unit
from marketplace.runs.booking_rules import lacking
from marketplace.runs.facility_calendars import FacilityCalendar, read_calendar, read_calendars
from marketplace.runs.prices import Charge, booking_charges, in_unit

LONGEST_SEARCH = timedelta(days=92)
MOST = 200


@dataclass(frozen=True)
class FreeWindow:
    """A time in which a facility can be booked, how far it is from where it is wanted, and what it costs."""

    facility: Facility
    start: datetime
    end: datetime
    quantity: Decimal | None
    distance_km: float | None
    charges: tuple[Charge, ...]

    @property
    def price(self) -> Decimal:
        return sum((charge.amount for charge in self.charges), Decimal(0))

    @property
    def currency(self) -> str:
        return self.charges[0].currency if self.charges else "CNY"


@dataclass(frozen=True, kw_only=True)
class FreeSearch:
    """What is looked for: so many minutes, and so much room, at any time between start and end.

    ``near`` is a place by name or code; ``each`` is how many windows one facility may show; with an ``organisation``
    only what it is admitted to is shown.
    """

    start: datetime
    end: datetime
    minutes: int
    kind: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    near: str = ""
    within_km: float | None = None
    service: str = ""
    park: int | None = None
    organisation: Organisation | None = None
    each: int = 3


def search_free(search: FreeSearch, *, user: User, now: datetime) -> list[FreeWindow]:
    """Return the earliest free windows of every facility that fits, sorted by time, then by distance.

    :raises InputRefused: naming each field that cannot be taken
    """
    place = find_place(search.near) if search.near.strip() else None
    errors = _problems(search)
    if search.near.strip() and place is None:
        errors["near"] = [_("No place has this name or code: try the city or the province.")]
    if search.end <= now:
        errors["end"] = [_("This time has passed.")]
    if errors:
        raise InputRefused(errors)
    wishes = [wish for facility in _facilities(search, user) if (wish := _wish(facility, search, place, now))]
    facilities = [wish.facility for wish in wishes]
    calendars = read_calendars(facilities, max(search.start, now), search.end)
    prices = _prices(facilities)
    windows = [
        window
        for wish in wishes
        for window in _windows(wish, calendars[wish.facility.pk], prices.get(wish.facility.pk, []), search, now)
    ]
    far = float("inf")
    windows.sort(key=lambda one: (one.start, far if one.distance_km is None else one.distance_km, one.facility.pk))
    return windows[:MOST]


@dataclass(frozen=True)
class _Wish:
    """A facility that could do, how far it is, and the quantity in its unit."""

    facility: Facility
    distance_km: float | None
    amount: Decimal | None


def _facilities(search: FreeSearch, user: User) -> QuerySet[Facility]:
    found = Facility.objects.open().filter(pk__in=Facility.objects.visible_to(user)).with_park()
    if search.kind:
        found = found.filter(kind=search.kind)
    if search.service:
        found = found.offering(search.service)
    if search.park is not None:
        found = found.filter(park=search.park)
    return found.order_by("pk")


def _wish(facility: Facility, search: FreeSearch, place: str | None, now: datetime) -> _Wish | None:
    kilometres = distance_km(place, facility.park.region) if place else None
    if search.within_km is not None and (kilometres is None or kilometres > search.within_km):
        return None
    fits, amount = _amount(facility, search.quantity, search.unit)
    if not fits:
        return None
    if search.organisation and lacking(search.organisation, facility, day=timezone.localdate(now)):
        return None
    return _Wish(facility, kilometres, amount)


def _problems(search: FreeSearch) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if search.end <= search.start:
        errors["end"] = [_("The end must lie after the beginning.")]
    elif search.end - search.start > LONGEST_SEARCH:
        errors["end"] = [_("Search at most three months at a time.")]
    if search.minutes <= 0:
        errors["minutes"] = [_("More than nothing.")]
    elif timedelta(minutes=search.minutes) > search.end - search.start and "end" not in errors:
        errors["minutes"] = [_("Longer than the time between beginning and end.")]
    if search.kind and search.kind not in Facility.Kind.values:
        errors["kind"] = [_("Choose one of these: %(choices)s.") % {"choices": ", ".join(Facility.Kind.values)}]
    if search.quantity is not None and search.quantity <= 0:
        errors["quantity"] = [_("More than nothing.")]
    if search.unit and canonical_unit(search.unit) is None:
        errors["unit"] = [_("Nobody here knows this unit.")]
    return errors


def _amount(facility: Facility, quantity: Decimal | None, unit: str) -> tuple[bool, Decimal | None]:
    """Return whether so much fits in at all, and how much it is in the facility's unit."""
    if quantity is None or not facility.unit:
        # Without a quantity every shared capacity that has anything left is of use.
        return True, Decimal("0.001") if facility.shares_capacity else None
    try:
        amount = in_unit(quantity, canonical_unit(unit) or facility.unit, facility.unit)
    except (UnknownUnit, UnitsDiffer):
        return False, None
    return facility.capacity is None or amount <= facility.capacity, amount


def _prices(facilities: Iterable[Facility]) -> dict[int, list[PriceItem]]:
    found: dict[int, list[PriceItem]] = {}
    for item in PriceItem.objects.filter(facility__in=facilities, kind=PriceItem.Kind.BOOKING).order_by("pk"):
        found.setdefault(item.facility_id, []).append(item)
    return found


def _windows(
    wish: _Wish, calendar: FacilityCalendar, prices: list[PriceItem], search: FreeSearch, now: datetime
) -> Iterable[FreeWindow]:
    facility = wish.facility
    start = max(search.start, now + timedelta(hours=facility.minimum_notice_hours))
    latest = now + timedelta(days=facility.maximum_days_ahead)
    free = calendar.free(start, search.end, duration=timedelta(minutes=search.minutes), amount=wish.amount)
    for span in islice(free, search.each):
        if span[0] > latest:
            return
        said = {"start": span[0], "end": span[1], "quantity": wish.amount, "unit": facility.unit}
        charges = booking_charges(in_force(prices, span[0]), facility, **said)
        yield FreeWindow(facility, *span, wish.amount, wish.distance_km, tuple(charges))


def in_force(prices: Iterable[PriceItem], moment: datetime) -> list[PriceItem]:
    day = timezone.localdate(moment)
    return [one for one in prices if one.valid_from <= day and (one.valid_until is None or day < one.valid_until)]


def calendar_of(facility: Facility, start: datetime, end: datetime) -> FacilityCalendar:
    """Return what happens in a facility between two moments, for a page that draws it."""
    return read_calendar(facility, start, end)
