"""What every act on a booking leaves behind: its history, the order's deal file, and the news."""

from collections.abc import Iterable
from datetime import datetime

from marketplace.models import Announcement, Booking, Facility, Order, User
from marketplace.runs.bookings import locked, note
from marketplace.services import deal_files
from marketplace.services.notifications import notify_many


def lock_for(booking: Booking) -> tuple[Booking, Facility]:
    """Lock what an act on a booking is about, always in the same sequence: its order, its facility; read it anew."""
    lock_order(booking.order_id)
    facility = locked(booking.facility_id)
    fresh = Booking.objects.with_names().get(pk=booking.pk)
    fresh.facility = facility
    return fresh, facility


def lock_order(order_id: int | None) -> None:
    # An act on an order may cancel its bookings: it holds the order when it comes for the facility.
    if order_id is not None:
        Order.objects.select_for_update(no_key=True).only("pk").get(pk=order_id)


def happened(
    booking: Booking,
    kind: str,
    *,
    by: User | None,
    now: datetime,
    facts: Iterable[Announcement] = (),
    remark: str = "",
    data: dict | None = None,
) -> None:
    """Write what happened to the booking where it will be looked for, and tell it; one transaction with the act."""
    note(booking, kind, by=by, at=now, note=remark, data=data)
    if booking.order is not None:
        facility = booking.facility
        payload = {
            "booking": booking.number,
            "park": facility.park.code,
            "facility": facility.code,
            "facility_zh": facility.name_zh,
            "facility_en": facility.name_en,
            "organisation": booking.organisation,
            "start": booking.slot.lower,
            "end": booking.slot.upper,
            "quantity": booking.quantity,
            "unit": booking.unit,
            "status": booking.status,
            "note": remark,
        }
        deal_files.record(order=booking.order, kind=f"booking.{kind}", by=by, at=now, payload=payload)
    notify_many(facts, now=now)
