"""What the park's people say of a booking when its time has come."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Booking, Fee, HandOver, User
from marketplace.runs.waiting import offer_freed
from marketplace.services.booking_history import happened, lock_for
from marketplace.services.bookings import not_in_state
from marketplace.services.fees import charge_booking
from marketplace.services.notifications import notify_many
from marketplace.services.parks import require_park_staff

# Lorries come early.
EARLY = timedelta(hours=2)
Status = Booking.Status


class NotYetTime(RuleBroken):
    pass


@transaction.atomic
def start_booking(*, booking: Booking, by: User, now: datetime) -> Booking:
    """Say that the firm has come and uses what it booked.

    :raises NotYetTime: if it comes hours before its time
    :raises BookingNotInStateForThis: if the booking is not confirmed
    """
    booking, facility = lock_for(booking)
    require_park_staff(by, facility.park)
    if now < booking.slot.lower - EARLY:
        raise NotYetTime(_("The time of this booking has not come yet."))
    if not Booking.objects.filter(pk=booking.pk).become(Status.IN_USE, started_at=now):
        raise not_in_state(booking)
    booking.status, booking.started_at = Status.IN_USE, now
    booking.hand_overs.become(HandOver.Status.LAPSED, at=now)
    happened(booking, "started", by=by, now=now)
    return booking


@transaction.atomic
def complete_booking(*, booking: Booking, by: User, now: datetime) -> Booking:
    """Say that the firm is done; what was booked is charged, and what is left of the time is free for others.

    :raises NotYetTime: if its time has not come
    :raises BookingNotInStateForThis: if it is neither confirmed nor in use
    """
    booking, facility = lock_for(booking)
    require_park_staff(by, facility.park)
    if now < booking.slot.lower - EARLY:
        raise NotYetTime(_("The time of this booking has not come yet."))
    done = Booking.objects.filter(pk=booking.pk)
    if not done.become(Status.COMPLETED, started_at=Coalesce("started_at", now), ended_at=now):
        raise not_in_state(booking)
    booking.status, booking.ended_at = Status.COMPLETED, now
    booking.hand_overs.become(HandOver.Status.LAPSED, at=now)
    charge_booking(booking, kind=Fee.Kind.BOOKING, by=by, now=now)
    happened(booking, "completed", by=by, now=now)
    notify_many(offer_freed(facility, now=now), now=now)
    return booking


@transaction.atomic
def miss_booking(*, booking: Booking, by: User, now: datetime) -> Booking:
    """Say that nobody came: it is charged as if they had, and what is left of the time is free for others.

    :raises NotYetTime: if its time has not come
    :raises BookingNotInStateForThis: if it is not confirmed
    """
    booking, facility = lock_for(booking)
    require_park_staff(by, facility.park)
    if now < booking.slot.lower:
        raise NotYetTime(_("The time of this booking has not come yet."))
    if not Booking.objects.filter(pk=booking.pk).become(Status.NO_SHOW, ended_at=now):
        raise not_in_state(booking)
    booking.status, booking.ended_at = Status.NO_SHOW, now
    booking.hand_overs.become(HandOver.Status.LAPSED, at=now)
    charge_booking(booking, kind=Fee.Kind.NO_SHOW, by=by, now=now)
    happened(booking, "missed", by=by, now=now)
    notify_many(offer_freed(facility, now=now), now=now)
    return booking
