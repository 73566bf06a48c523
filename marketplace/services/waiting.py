from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Booking, Facility, Membership, Order, Organisation, User, WaitingEntry
from marketplace.runs.booking_rules import LONGEST
from marketplace.runs.bookings import locked, note, span
from marketplace.runs.waiting import offer_freed
from marketplace.services.booking_history import lock_for
from marketplace.services.bookings import (
    FacilityNotInService,
    check_order,
    check_qualified,
    clean_amount,
    not_in_state,
    tell_made,
)
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role

Status = Booking.Status


class AlreadyWaiting(RuleBroken):
    pass


class WaitingIsOver(RuleBroken):
    pass


class HoldHasLapsed(RuleBroken):
    pass


@transaction.atomic
def join_waiting_list(  # noqa: PLR0913 -- a wish has as many parts as a booking, and its length
    *,
    facility: Facility,
    organisation: Organisation,
    start: datetime,
    end: datetime,
    minutes: int,
    by: User,
    now: datetime,
    quantity: Decimal | None = None,
    unit: str = "",
    order: Order | None = None,
    purpose: str = "",
) -> WaitingEntry:
    """Wait for so many minutes of a facility, at any time between start and end; what is free already is held at once.

    :raises InputRefused: naming each field that cannot be taken
    :raises FacilityNotInService: :raises OrganisationNotQualified: as for a booking
    :raises AlreadyWaiting: if the firm waits for the same already
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    check_order(order, organisation)
    facility = locked(facility.pk)
    if not facility.takes_bookings:
        raise FacilityNotInService(_("This facility is not in service."))
    quantity, unit = clean_amount(facility, quantity, unit)
    errors = {}
    # Whoever waits since yesterday is offered nothing of yesterday.
    start = max(start, now)
    if end - now > LONGEST:
        errors["end"] = [_("Wait a year at most.")]
    elif end <= now:
        errors["end"] = [_("This time has passed.")]
    elif end <= start:
        errors["end"] = [_("The end must lie after the beginning.")]
    if minutes <= 0:
        errors["minutes"] = [_("More than nothing.")]
    elif "end" not in errors and minutes * 60 > (end - start).total_seconds():
        errors["minutes"] = [_("Longer than the time between beginning and end.")]
    if errors:
        raise InputRefused(errors)
    check_qualified(organisation, facility, now=now)
    try:
        with transaction.atomic():
            entry = WaitingEntry.objects.create(
                facility=facility,
                organisation=organisation,
                window=span(start, end),
                minutes=minutes,
                quantity=quantity,
                unit=unit,
                order=order,
                purpose=purpose.strip()[:300],
                created_by=by,
                created_at=now,
            )
    except IntegrityError as error:
        if "waiting_entry_once_per_window" not in str(error):
            raise
        raise AlreadyWaiting(_("You wait for this already.")) from error
    notify_many(offer_freed(facility, now=now), now=now)
    entry.refresh_from_db(fields=["status"])
    return entry


@transaction.atomic
def leave_waiting_list(*, entry: WaitingEntry, by: User, now: datetime) -> None:
    """Stop waiting; what was held passes to the next.

    :raises WaitingIsOver: if the wait has ended already
    """
    facility = locked(entry.facility_id)
    require_role(by, entry.organisation, *Membership.TRADING_ROLES)
    if not WaitingEntry.objects.filter(pk=entry.pk).become(WaitingEntry.Status.LEFT):
        raise WaitingIsOver(_("This wait has ended already."))
    for booking in Booking.objects.filter(waiting=entry, status=Status.HELD):
        Booking.objects.filter(pk=booking.pk).become(Status.LAPSED, ended_at=now)
        note(booking, "lapsed", by=by, at=now)
    notify_many(offer_freed(facility, now=now), now=now)


@transaction.atomic
def take_held_booking(*, booking: Booking, by: User, now: datetime) -> Booking:
    """Take the slot that was held for the firm; it is confirmed at once unless the facility asks for approval.

    :raises HoldHasLapsed: if its deadline has passed
    :raises BookingNotInStateForThis: if it is not held
    """
    booking, facility = lock_for(booking)
    require_role(by, booking.organisation, *Membership.TRADING_ROLES)
    if booking.status == Status.HELD and booking.held_until <= now:
        raise HoldHasLapsed(_("The time to take this slot has passed."))
    status = Status.REQUESTED if facility.requires_approval else Status.CONFIRMED
    decided = {} if facility.requires_approval else {"decided_at": now}
    rows = Booking.objects.filter(pk=booking.pk, held_until__gt=now)
    if not rows.become(status, from_statuses=[Status.HELD], booked_by=by, **decided):
        raise not_in_state(booking)
    WaitingEntry.objects.filter(pk=booking.waiting_id).become(WaitingEntry.Status.FULFILLED)
    booking.status, booking.booked_by = status, by
    tell_made(booking, by=by, now=now)
    return booking
