"""How a booking becomes a row, with its history; its facility's row is locked by then."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields.ranges import DateTimeTZRange

from marketplace.models import Booking, BookingEvent, Facility, User
from marketplace.models.booking import new_number


def locked(facility_id: int) -> Facility:
    """Lock a facility, the ledger of its time and capacity, until the transaction ends; others may still refer to it."""
    rows = Facility.objects.with_park().select_for_update(of=("self",), no_key=True)
    return rows.get(pk=facility_id)


def insert(*, facility: Facility, start: datetime, end: datetime, at: datetime, **fields: Any) -> Booking:
    return Booking.objects.create(
        number=new_number(at), facility=facility, mode=facility.mode, slot=span(start, end), booked_at=at, **fields
    )


def span(start: datetime, end: datetime) -> DateTimeTZRange:
    return DateTimeTZRange(start, end, "[)")


def note(
    booking: Booking, kind: str, *, by: User | None, at: datetime, note: str = "", data: dict | None = None
) -> BookingEvent:
    """Add what happened to the booking's history."""
    return BookingEvent.objects.create(booking=booking, kind=kind, by=by, at=at, note=note, data=data or {})
