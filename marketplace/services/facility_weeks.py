"""A facility's week as a page draws it: what is free, taken by others, one's own, closed or past."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from marketplace.calendars.intervals import overlaps
from marketplace.calendars.opening import week_of
from marketplace.models import Booking, Facility, Organisation, Park, User
from marketplace.runs.facility_calendars import FacilityCalendar, read_calendar, read_calendars

FREE, TAKEN, OWN, CLOSED, PAST = "free", "taken", "own", "closed", "past"


@dataclass(frozen=True)
class Cell:
    """A slot, or the open hours of a shared capacity; ``left`` is how much of that is free all the time."""

    start: datetime
    end: datetime
    state: str
    booking: Booking | None = None
    left: Decimal | None = None


@dataclass(frozen=True)
class Day:
    date: date
    is_today: bool
    cells: list[Cell]


def week(facility: Facility, *, moment: datetime, user: User, now: datetime) -> list[Day]:
    """Return the seven days of the week of a moment; whose booking it is, only the firm and the park's people see."""
    start, end = week_of(moment, timezone.get_default_timezone())
    calendar = read_calendar(facility, start, end, with_names=True)
    own = set(Organisation.objects.of(user).values_list("pk", flat=True))
    sees_all = user.is_authenticated and Park.objects.run_by(user).filter(pk=facility.park_id).exists()
    cells: dict[date, list[Cell]] = {}
    spans = calendar.openings(start, end) if facility.shares_capacity else calendar.day_slots(start, end)
    for span in spans:
        cell = _cell(calendar, span, own, sees_all=sees_all, now=now)
        cells.setdefault(timezone.localdate(span[0]), []).append(cell)
    days = [timezone.localdate(start) + timedelta(days=n) for n in range(7)]
    return [Day(day, day == timezone.localdate(now), cells.get(day, [])) for day in days]


def _cell(calendar: FacilityCalendar, span: tuple, own: set[int], *, sees_all: bool, now: datetime) -> Cell:
    facility = calendar.facility
    meeting = [one for one in calendar.bookings if overlaps((one.slot.lower, one.slot.upper), span)]
    mine = next((one for one in meeting if sees_all or one.organisation_id in own), None)
    if calendar.closure_in(span):
        return Cell(*span, CLOSED)
    if facility.shares_capacity:
        left = max(facility.capacity - calendar.peak(span), Decimal(0))
        state = PAST if span[1] <= now else FREE if left else TAKEN
        return Cell(*span, state, mine, left)
    if mine:
        return Cell(*span, OWN, mine)
    if meeting:
        return Cell(*span, TAKEN)
    earliest = now + timedelta(hours=facility.minimum_notice_hours)
    latest = now + timedelta(days=facility.maximum_days_ahead)
    return Cell(*span, FREE if earliest <= span[0] <= latest else PAST)


@dataclass(frozen=True)
class Lane:
    """A facility's bookings between two moments, and where their bars lie, in per mille of that time."""

    facility: Facility
    bars: list[tuple[Booking, int, int]]
    peak: Decimal


def lanes(park: Park, *, start: datetime, end: datetime) -> list[Lane]:
    """Return every facility of a park with what is booked between two moments, for its own people."""
    facilities = list(park.facilities.filter(is_active=True).order_by("kind", "code"))
    calendars = read_calendars(facilities, start, end, with_names=True)
    found = []
    for facility in facilities:
        calendar = calendars[facility.pk]
        bars = [(one, *_bar(one, start, end)) for one in calendar.bookings]
        found.append(Lane(facility, bars, calendar.peak((start, end)) if facility.shares_capacity else Decimal(0)))
    return found


def _bar(booking: Booking, start: datetime, end: datetime) -> tuple[int, int]:
    whole = (end - start).total_seconds()
    begin = max(0.0, (booking.slot.lower - start).total_seconds()) / whole
    until = min(whole, (booking.slot.upper - start).total_seconds()) / whole
    return round(begin * 1000), max(4, round((until - begin) * 1000))
