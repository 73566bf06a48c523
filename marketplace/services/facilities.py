from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.errors import InputRefused, RuleBroken
from marketplace.calendars.occupancy import levels
from marketplace.models import Booking, Facility, FacilityClosure, FacilityHours, Park, PriceItem, User
from marketplace.parsing.glossary import certificates
from marketplace.parsing.units import canonical_unit, same_dimension
from marketplace.runs.bookings import locked, span
from marketplace.runs.waiting import offer_freed
from marketplace.services.notifications import notify_many
from marketplace.services.parks import require_park_manager

TIMES = (PriceItem.SLOT, PriceItem.HOUR, PriceItem.DAY)


class FacilityHasBookingsThen(RuleBroken):
    """Somebody booked what is to be closed; ``bookings`` are these."""

    def __init__(self, bookings: Sequence[Booking]) -> None:
        self.bookings = bookings
        numbers = ", ".join(booking.number for booking in bookings[:5])
        message = ngettext(
            "%(count)d booking lies in this time (%(numbers)s): move or cancel it first.",
            "%(count)d bookings lie in this time (%(numbers)s): move or cancel them first.",
            len(bookings),
        )
        super().__init__(message % {"count": len(bookings), "numbers": numbers})


class FacilityIsBooked(RuleBroken):
    pass


def _problems(facility: Facility) -> dict[str, list[str]]:
    known = certificates()
    foreign = [code for code in facility.required_certificates if code not in known]
    found = {
        "name_zh": ""
        if facility.name_zh.strip() or facility.name_en.strip()
        else _("Give the facility a name, in Chinese or in English."),
        "kind": _among(facility.kind, Facility.Kind.values),
        "mode": _among(facility.mode, Facility.Mode.values),
        "slot_minutes": "" if 5 <= facility.slot_minutes <= 1440 else _("A slot takes between 5 and 1,440 minutes."),
        "late_fee_percent": "" if facility.late_fee_percent <= 100 else _("At most 100 percent."),
        "maximum_days_ahead": "" if facility.maximum_days_ahead >= 1 else _("At least one day."),
        "weekly_quota": ""
        if facility.weekly_quota is None or facility.weekly_quota > 0
        else _("More than nothing, or leave it empty."),
        "required_certificates": _("No certificate has this code: %(code)s.") % {"code": foreign[0]} if foreign else "",
        "services": _services_problem(facility.services),
        **_capacity_problems(facility),
    }
    return {field: [message] for field, message in found.items() if message}


def _among(value: str, choices: Sequence[str]) -> str:
    return "" if value in choices else _("Choose one of these: %(choices)s.") % {"choices": ", ".join(choices)}


def _capacity_problems(facility: Facility) -> dict[str, str]:
    """Check how much fits in; its unit is kept by its token."""
    problems = {}
    if facility.capacity is not None and facility.capacity <= 0:
        problems["capacity"] = _("Say how much fits in.")
    if facility.shares_capacity and facility.capacity is None:
        problems["capacity"] = _("Say how much fits in.")
    if facility.unit or facility.shares_capacity:
        unit = canonical_unit(facility.unit) if facility.unit else None
        if unit is None:
            problems["unit"] = _("Nobody here knows this unit.")
        facility.unit = unit or facility.unit
    return problems


def _services_problem(services: Any) -> str:
    if not isinstance(services, list):
        return _("A list of services, each with code, zh and en.")
    codes = []
    for one in services:
        if not isinstance(one, dict) or not one.get("code") or not (one.get("zh") or one.get("en")):
            return _("Each service has a code and a name in Chinese or English.")
        codes.append(one["code"])
    return _("Each service once.") if len(set(codes)) < len(codes) else ""


def _fill(facility: Facility, rules: dict[str, Any]) -> None:
    if unknown := set(rules) - set(Facility.RULE_FIELDS):
        raise InputRefused({field: [_("A facility has no such field.")] for field in sorted(unknown)})
    for field, value in rules.items():
        setattr(facility, field, value)
    if errors := _problems(facility):
        raise InputRefused(errors)


@transaction.atomic
def create_facility(*, park: Park, code: str, by: User, now: datetime, **rules: Any) -> Facility:
    """Add a facility to a park; it can be booked once it has opening hours.

    ``rules`` are fields of ``Facility.RULE_FIELDS``.

    :raises InputRefused: naming each field that cannot be taken
    """
    require_park_manager(by, park)
    facility = Facility(park=park, code=code.strip().upper(), created_at=now, updated_at=now)
    _fill(facility, rules)
    if not facility.code or not facility.code.replace("-", "").isalnum() or not facility.code.isascii():
        raise InputRefused({"code": [_("Letters, digits and hyphens.")]})
    try:
        with transaction.atomic():
            facility.save()
    except IntegrityError as error:
        if "facility_code_is_unique_in_its_park" not in str(error):
            raise
        raise InputRefused({"code": [_("Another facility of the park has this code.")]}) from error
    return facility


@transaction.atomic
def edit_facility(*, facility: Facility, by: User, now: datetime, **rules: Any) -> Facility:
    """Change what a facility is and asks; bookings made before stay as they are.

    :raises InputRefused: naming each field that cannot be taken
    :raises FacilityIsBooked: if how it is booked, or its unit, is to change under bookings to come
    """
    facility = locked(facility.pk)
    require_park_manager(by, facility.park)
    before = facility.mode, facility.unit, facility.capacity
    _fill(facility, rules)
    if before[:2] != (facility.mode, facility.unit) and facility.bookings.active().exists():
        raise FacilityIsBooked(_("There are bookings to come: how it is booked and its unit stay until they are over."))
    if facility.shares_capacity and _booked_peak(facility, now) > facility.capacity:
        raise FacilityIsBooked(_("More than that is booked already: cancel or move bookings first."))
    facility.updated_at, facility.revision = now, facility.revision + 1
    facility.save()
    if facility.capacity != before[2]:
        # More fits in: whoever waits for room may have it.
        notify_many(offer_freed(facility, now=now), now=now)
    return facility


def _booked_peak(facility: Facility, now: datetime) -> Decimal:
    booked = facility.bookings.active().filter(slot__endswith__gt=now, quantity__isnull=False)
    loads = [(slot.lower, slot.upper, quantity) for slot, quantity in booked.values_list("slot", "quantity")]
    return max((level for _start, _end, level in levels(loads)), default=Decimal(0))


@transaction.atomic
def set_hours(*, facility: Facility, hours: Iterable[tuple[int, time, time]], by: User, now: datetime) -> None:
    """Replace the weekly opening hours; closing at 00:00 is midnight. Bookings made before stay as they are.

    :raises InputRefused: if some overlap, or end before they begin
    """
    facility = locked(facility.pk)
    require_park_manager(by, facility.park)
    rows = sorted(set(hours))
    midnight = time(0)
    for weekday, opens, closes in rows:
        if weekday not in FacilityHours.Weekday.values:
            raise InputRefused({"hours": [_("The day of the week is a number from 1 (Monday) to 7.")]})
        if closes <= opens and closes != midnight:
            raise InputRefused({"hours": [_("Opening hours end after they begin.")]})
    for one, other in pairwise(rows):
        if one[0] == other[0] and (one[2] == midnight or other[1] < one[2]):
            raise InputRefused({"hours": [_("Opening hours of a day do not overlap.")]})
    facility.hours.all().delete()
    FacilityHours.objects.bulk_create(
        [FacilityHours(facility=facility, weekday=day, opens=opens, closes=closes) for day, opens, closes in rows]
    )
    Facility.objects.filter(pk=facility.pk).update(updated_at=now, revision=facility.revision + 1)


@transaction.atomic
def close_facility(
    *, facility: Facility, start: datetime, end: datetime, reason: str, by: User, now: datetime
) -> FacilityClosure:
    """Close a facility for a time: a holiday, a repair.

    :raises InputRefused: naming each field that cannot be taken
    :raises FacilityHasBookingsThen: if there are bookings in this time
    """
    facility = locked(facility.pk)
    require_park_manager(by, facility.park)
    errors = {}
    if not reason.strip():
        errors["reason"] = [_("Say why it is closed.")]
    # What has passed was open.
    start = max(start, now)
    if end <= now:
        errors["end"] = [_("This time has passed.")]
    elif end <= start:
        errors["end"] = [_("The end must lie after the beginning.")]
    if errors:
        raise InputRefused(errors)
    bookings = list(facility.bookings.active().between(start, end).order_by("slot", "pk"))
    if bookings:
        raise FacilityHasBookingsThen(bookings)
    return FacilityClosure.objects.create(
        facility=facility, period=span(start, end), reason=reason.strip(), created_by=by, created_at=now
    )


@transaction.atomic
def reopen_facility(*, closure: FacilityClosure, by: User, now: datetime) -> None:
    """Take a closure back; who waits is offered the time."""
    facility = locked(closure.facility_id)
    require_park_manager(by, facility.park)
    FacilityClosure.objects.filter(pk=closure.pk).delete()
    notify_many(offer_freed(facility, now=now), now=now)


@transaction.atomic
def set_price(
    *,
    facility: Facility,
    kind: str,
    per: str,
    price: Decimal,
    by: User,
    now: datetime,
    currency: str = "CNY",
    valid_from: date | None = None,
) -> PriceItem:
    """Set what something costs from a day on (today, if none is said); the price before runs until then.

    :raises InputRefused: naming each field that cannot be taken
    """
    facility = locked(facility.pk)
    require_park_manager(by, facility.park)
    today = timezone.localdate(now)
    first_day = valid_from or today
    errors: dict[str, list[str]] = {}
    if kind not in PriceItem.Kind.values:
        errors["kind"] = [_among(kind, PriceItem.Kind.values)]
    unit = per if per in TIMES else canonical_unit(per)
    if unit is None:
        errors["per"] = [_("Nobody here knows this unit.")]
    elif kind == PriceItem.Kind.STORAGE and not unit.endswith(PriceItem.PER_DAY):
        errors["per"] = [_("Storage is charged per unit and day, for example t·day.")]
    elif kind == PriceItem.Kind.HANDLING and (unit in TIMES or unit.endswith(PriceItem.PER_DAY)):
        errors["per"] = [_("Handling is charged per unit of goods, for example t.")]
    elif kind == PriceItem.Kind.BOOKING and unit not in TIMES and not _fits(unit, facility):
        errors["per"] = [_("A booking is charged per slot, hour, day, or the facility's unit.")]
    if price < 0:
        errors["price"] = [_("A price is not negative.")]
    if len(currency) != 3 or not currency.isascii() or not currency.isupper():
        errors["currency"] = [_("Three capital letters, for example CNY.")]
    if first_day < today:
        errors["valid_from"] = [_("This day has passed.")]
    if errors:
        raise InputRefused(errors)
    same = facility.prices.filter(kind=kind, per=unit)
    # What was to come later is set aside: the newest word counts.
    same.filter(valid_from__gte=first_day).delete()
    same.end(first_day)
    return PriceItem.objects.create(
        facility=facility,
        kind=kind,
        per=unit,
        price=price,
        currency=currency,
        valid_from=first_day,
        created_by=by,
        created_at=now,
    )


def _fits(per: str, facility: Facility) -> bool:
    return bool(facility.unit) and same_dimension(per.removesuffix(PriceItem.PER_DAY), facility.unit)


@transaction.atomic
def end_price(*, item: PriceItem, by: User, now: datetime) -> None:
    """Let a price run out today; what was charged stays charged."""
    require_park_manager(by, item.facility.park)
    today = timezone.localdate(now)
    rows = PriceItem.objects.filter(pk=item.pk)
    if item.valid_from >= today:
        rows.delete()
    else:
        rows.end(today)
