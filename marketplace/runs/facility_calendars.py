"""What a facility's hours, closures and bookings leave free."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.utils import timezone
from psycopg.types.range import Range

from marketplace.calendars.intervals import Span, merge, overlaps
from marketplace.calendars.occupancy import Load, peak, too_full
from marketplace.calendars.opening import Hours, opening
from marketplace.calendars.slots import free_slots, free_stays, is_on_grid, slots
from marketplace.models import Booking, Facility, FacilityClosure, FacilityHours


class Taken(NamedTuple):
    """All that a calendar needs of a booking, where nobody draws it."""

    slot: Range
    quantity: Decimal | None


@dataclass(frozen=True)
class FacilityCalendar:
    """A facility's time between two moments, as it was read from the rows."""

    facility: Facility
    start: datetime
    end: datetime
    hours: tuple[Hours, ...] = ()
    closures: tuple[FacilityClosure, ...] = ()
    bookings: tuple[Booking | Taken, ...] = ()

    def openings(self, start: datetime, end: datetime) -> list[Span]:
        return opening(self.hours, start, end, timezone.get_default_timezone())

    def closed(self) -> list[Span]:
        return merge((closure.period.lower, closure.period.upper) for closure in self.closures)

    def closure_in(self, span: Span) -> FacilityClosure | None:
        """Return the first closure that meets the span, or None."""
        meeting = (one for one in self.closures if overlaps((one.period.lower, one.period.upper), span))
        return min(meeting, key=lambda one: one.period.lower, default=None)

    def loads(self) -> list[Load]:
        return [(one.slot.lower, one.slot.upper, one.quantity or Decimal(0)) for one in self.bookings]

    def peak(self, span: Span) -> Decimal:
        """Return the most of the shared capacity that is taken at any moment of the span."""
        return peak(self.loads(), span)

    def taken(self, amount: Decimal | None) -> list[Span]:
        """Return when there is no room: for anybody, or for this amount more of a shared capacity."""
        if self.facility.shares_capacity:
            return too_full(self.loads(), capacity=self.facility.capacity, amount=amount or Decimal(0))
        return merge((one.slot.lower, one.slot.upper) for one in self.bookings)

    def is_open_for(self, span: Span) -> bool:
        """Say whether hours and slots allow the span; of a shared capacity only its ends need an open door."""
        days = self.openings(span[0] - timedelta(days=1), span[1] + timedelta(days=1))
        if not self.facility.shares_capacity:
            return is_on_grid(days, span, self.facility.slot_minutes)
        return all(any(start <= moment <= end for start, end in days) for moment in span)

    def has_room(self, span: Span, amount: Decimal | None) -> bool:
        return not any(overlaps(one, span) for one in self.taken(amount))

    def free(self, start: datetime, end: datetime, *, duration: timedelta, amount: Decimal | None) -> Iterator[Span]:
        """Return, earliest first, where so long and so much is free from start on, ending by the end."""
        days = [span for span in self.openings(start, end) if span[1] > start]
        blocked = [*self.taken(amount), *self.closed()]
        minutes = self.facility.slot_minutes
        if self.facility.shares_capacity:
            found = free_stays(days, blocked, minutes, duration)
        else:
            found = free_slots(days, blocked, minutes, duration)
        for span in found:
            if span[0] >= start and span[1] <= end:
                yield span

    def day_slots(self, start: datetime, end: datetime) -> Iterator[Span]:
        """Return the slots, or the open hours of a shared capacity, that begin between two moments."""
        for span in slots(self.openings(start, end), self.facility.slot_minutes):
            if start <= span[0] < end:
                yield span


def read_calendars(
    facilities: Iterable[Facility],
    start: datetime,
    end: datetime,
    *,
    without: Booking | None = None,
    with_names: bool = False,
) -> dict[int, FacilityCalendar]:
    """Read what happens in these facilities between two moments, in three queries.

    ``without`` leaves a booking out; ``with_names`` reads all of every booking and whose it is, for who draws them.
    """
    rows = list(facilities)
    ids = [facility.pk for facility in rows]
    hours, closures, bookings = defaultdict(list), defaultdict(list), defaultdict(list)
    for one in FacilityHours.objects.filter(facility__in=ids).order_by("weekday", "opens"):
        hours[one.facility_id].append((one.weekday, one.opens, one.closes))
    span = (start, end)
    for closure in FacilityClosure.objects.filter(facility__in=ids, period__overlap=span):
        closures[closure.facility_id].append(closure)
    active = Booking.objects.active().filter(facility__in=ids).between(*span).order_by("slot", "pk")
    if without is not None:
        active = active.exclude(pk=without.pk)
    if with_names:
        for booking in active.select_related("organisation", "facility__park"):
            bookings[booking.facility_id].append(booking)
    else:
        for facility_id, *taken in active.values_list("facility", "slot", "quantity"):
            bookings[facility_id].append(Taken(*taken))
    return {
        facility.pk: FacilityCalendar(
            facility,
            start,
            end,
            tuple(hours[facility.pk]),
            tuple(closures[facility.pk]),
            tuple(bookings[facility.pk]),
        )
        for facility in rows
    }


def read_calendar(
    facility: Facility,
    start: datetime,
    end: datetime,
    *,
    without: Booking | None = None,
    with_names: bool = False,
) -> FacilityCalendar:
    return read_calendars([facility], start, end, without=without, with_names=with_names)[facility.pk]
