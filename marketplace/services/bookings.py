from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Booking, Facility, Fee, HandOver, Membership, Order, Organisation, User
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, format_quantity
from marketplace.runs import booking_news
from marketplace.runs.booking_rules import (
    lacking,
    language,
    notice_problems,
    opening_problems,
    quota_left,
    quota_use,
    span_problems,
)
from marketplace.runs.bookings import insert, locked, span
from marketplace.runs.facility_calendars import FacilityCalendar, read_calendar
from marketplace.runs.prices import in_unit
from marketplace.runs.waiting import offer_freed
from marketplace.services.booking_history import happened, lock_for, lock_order
from marketplace.services.fees import charge_booking
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.parks import manages, require_park_manager

Status = Booking.Status


class FacilityNotInService(RuleBroken):
    pass


class SlotTaken(RuleBroken):
    pass


class NotEnoughCapacity(RuleBroken):
    """Others take so much that this does not fit in; ``left`` is what would, in the facility's unit."""

    def __init__(self, left: Decimal, unit: str) -> None:
        self.left = left
        super().__init__(
            _("Not enough room in this time: %(left)s is free.") % {"left": format_quantity(left, unit, language())}
        )


class OrganisationNotQualified(RuleBroken):
    """The facility asks for what the organisation lacks; ``missing`` says what."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = missing
        super().__init__(" ".join(missing))


class QuotaUsedUp(RuleBroken):
    pass


class BookingNotInStateForThis(RuleBroken):
    pass


class TooLateToMove(RuleBroken):
    pass


class BookingHasBegun(RuleBroken):
    pass


def not_in_state(booking: Booking) -> BookingNotInStateForThis:
    booking.refresh_from_db(fields=["status"])
    said = {"number": booking.number, "status": booking.get_status_display()}
    return BookingNotInStateForThis(_("Booking %(number)s is “%(status)s”: this is not possible now.") % said)


def clean_amount(facility: Facility, quantity: Decimal | None, unit: str) -> tuple[Decimal | None, str]:
    """Return the quantity in the facility's unit, where that has one.

    :raises InputRefused: if it is missing, not positive, more than there is at all, or in a unit that cannot be converted
    """
    if quantity is None:
        if facility.shares_capacity:
            raise InputRefused({"quantity": [_("Say how much room you need.")]})
        return None, ""
    if quantity <= 0:
        raise InputRefused({"quantity": [_("More than nothing.")]})
    if not facility.unit:
        return None, ""
    try:
        converted = in_unit(quantity, unit or facility.unit, facility.unit)
    except (UnknownUnit, UnitsDiffer) as error:
        message = _("This unit cannot be converted to %(unit)s.") % {"unit": facility.unit}
        raise InputRefused({"unit": [message]}) from error
    if facility.capacity is not None and converted > facility.capacity:
        most = format_quantity(facility.capacity, facility.unit, language())
        raise InputRefused({"quantity": [_("Only %(most)s fits in at all.") % {"most": most}]})
    return converted, facility.unit


def check_order(order: Order | None, organisation: Organisation) -> None:
    if order is not None and organisation.pk not in (order.buyer_id, order.seller_id):
        raise InputRefused({"order": [_("This order is not one of the organisation's.")]})


def _open_calendar(
    facility: Facility,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    for_staff: bool,
    without: Booking | None = None,
) -> FacilityCalendar:
    """Return the facility's calendar over a time in which it can be booked.

    :raises InputRefused: if the time is crooked, past, too soon, too far ahead, or the facility is shut then
    """
    # First what needs no calendar: nobody reads one of the year 9999.
    errors = span_problems(start, end) or notice_problems(facility, start, now=now, for_staff=for_staff)
    if errors:
        raise InputRefused(errors)
    calendar = read_calendar(facility, start, end, without=without)
    if errors := opening_problems(calendar, start, end):
        raise InputRefused(errors)
    return calendar


def _check_room(calendar: FacilityCalendar, start: datetime, end: datetime, quantity: Decimal | None) -> None:
    facility = calendar.facility
    if calendar.has_room((start, end), quantity):
        return
    if facility.shares_capacity:
        raise NotEnoughCapacity(max(facility.capacity - calendar.peak((start, end)), Decimal(0)), facility.unit)
    raise SlotTaken(_("This time is taken. Choose another, or join the waiting list."))


def check_qualified(organisation: Organisation, facility: Facility, *, now: datetime) -> None:
    """Refuse an organisation that lacks what the facility asks for.

    :raises OrganisationNotQualified: saying what is missing
    """
    if missing := lacking(organisation, facility, day=timezone.localdate(now)):
        raise OrganisationNotQualified(missing)


def check_quota(
    organisation: Organisation,
    facility: Facility,
    start: datetime,
    end: datetime,
    quantity: Decimal | None,
    *,
    without: Booking | None = None,
) -> None:
    """Refuse more than one organisation may book of this facility in a week; the facility is locked.

    :raises QuotaUsedUp: saying how much is left
    """
    left = quota_left(facility, organisation, start, without=without)
    if left is not None and quota_use(facility, start, end, quantity) > left:
        unit = "hour" if not facility.shares_capacity else f"{facility.unit}·day"
        rest = format_quantity(max(left, Decimal(0)), unit, language())
        raise QuotaUsedUp(_("The quota of this week leaves %(rest)s.") % {"rest": rest})


def _look_ahead(facility: Facility, start: datetime, end: datetime) -> None:
    """Send away who comes too late without a place in the queue for the facility's row; the lock decides the rest."""
    if facility.shares_capacity or end <= start:
        return
    if Booking.objects.active().filter(facility=facility.pk).between(start, end).exists():
        raise SlotTaken(_("This time is taken. Choose another, or join the waiting list."))


@transaction.atomic
def request_booking(
    *,
    facility: Facility,
    organisation: Organisation,
    start: datetime,
    end: datetime,
    by: User,
    now: datetime,
    quantity: Decimal | None = None,
    unit: str = "",
    order: Order | None = None,
    purpose: str = "",
) -> Booking:
    """Book a facility from start to end; it is confirmed at once unless the facility asks for approval.

    The park's managers may book in a firm's name: then notice, quota and approval are waived.

    :raises InputRefused: naming each field that cannot be taken: a past, closed or crooked time, a unit, an order
    :raises FacilityNotInService: if it cannot be booked at all
    :raises OrganisationNotQualified: saying what the organisation lacks
    :raises QuotaUsedUp: if the firm's share of the week is used up
    :raises SlotTaken: if another was first
    :raises NotEnoughCapacity: if others left too little room
    """
    check_order(order, organisation)
    _look_ahead(facility, start, end)
    lock_order(order.pk if order else None)
    # The facility's row is the ledger of its time and room: one books after the other.
    facility = locked(facility.pk)
    is_park = manages(by, facility.park)
    if not is_park:
        require_role(by, organisation, *Membership.TRADING_ROLES)
    if not facility.takes_bookings:
        raise FacilityNotInService(_("This facility is not in service."))
    quantity, unit = clean_amount(facility, quantity, unit)
    calendar = _open_calendar(facility, start, end, now=now, for_staff=is_park)
    check_qualified(organisation, facility, now=now)
    if not is_park:
        check_quota(organisation, facility, start, end, quantity)
    _check_room(calendar, start, end, quantity)
    waits = facility.requires_approval and not is_park
    booking = insert(
        facility=facility,
        start=start,
        end=end,
        at=now,
        organisation=organisation,
        quantity=quantity,
        unit=unit,
        order=order,
        purpose=purpose.strip()[:300],
        status=Status.REQUESTED if waits else Status.CONFIRMED,
        booked_by=by,
        **({} if waits else {"decided_at": now}),
    )
    tell_made(booking, by=by, now=now)
    return booking


def tell_made(booking: Booking, *, by: User, now: datetime) -> None:
    """Write and tell that a booking was asked for or made."""
    if booking.status == Status.REQUESTED:
        happened(booking, "requested", by=by, now=now, facts=booking_news.requested(booking))
    else:
        happened(booking, "confirmed", by=by, now=now, facts=booking_news.confirmed(booking))


@transaction.atomic
def reschedule_booking(
    *,
    booking: Booking,
    start: datetime,
    end: datetime,
    by: User,
    now: datetime,
    quantity: Decimal | None = None,
    unit: str = "",
) -> Booking:
    """Move a booking to another time, or change how much room it takes; the old time is kept if the new cannot be had.

    :raises InputRefused: naming each field that cannot be taken
    :raises TooLateToMove: if a cancellation would no longer be free; the park itself may still move it
    :raises BookingNotInStateForThis: if it is over, in use or was never decided
    :raises QuotaUsedUp: :raises SlotTaken: :raises NotEnoughCapacity: as for a new booking
    """
    booking, facility = lock_for(booking)
    is_park = manages(by, facility.park)
    if not is_park:
        require_role(by, booking.organisation, *Membership.TRADING_ROLES)
        if is_late(booking, now=now):
            raise TooLateToMove(_("It is too late to move this booking. Ask the park."))
    quantity, unit = clean_amount(facility, booking.quantity if quantity is None else quantity, unit or booking.unit)
    calendar = _open_calendar(facility, start, end, now=now, for_staff=is_park, without=booking)
    if not is_park:
        check_quota(booking.organisation, facility, start, end, quantity, without=booking)
    _check_room(calendar, start, end, quantity)
    changes: dict[str, Any] = {"slot": span(start, end), "quantity": quantity, "unit": unit}
    changes["revision"] = booking.revision + 1
    status = Status.REQUESTED if facility.requires_approval and not is_park else booking.status
    movable = Booking.objects.filter(pk=booking.pk, status__in=[Status.REQUESTED, Status.CONFIRMED])
    if not movable.update(status=status, **changes):
        raise not_in_state(booking)
    was = {"start": booking.slot.lower.isoformat(), "end": booking.slot.upper.isoformat()}
    for field, value in {"status": status, **changes}.items():
        setattr(booking, field, value)
    # What was offered to another firm was the old time.
    booking.hand_overs.become(HandOver.Status.WITHDRAWN, at=now, by=by)
    news = booking_news.requested(booking) if status == Status.REQUESTED else []
    facts = [*booking_news.moved(booking, by_park=is_park), *news]
    happened(booking, "moved", by=by, now=now, facts=facts, data={"was": was})
    notify_many(offer_freed(facility, now=now), now=now)
    return booking


def is_late(booking: Booking, *, now: datetime) -> bool:
    """Say whether the booking can no longer be cancelled free of charge."""
    return now > booking.slot.lower - timedelta(hours=booking.facility.free_until_hours)


@transaction.atomic
def cancel_booking(*, booking: Booking, by: User, now: datetime, note: str = "") -> Booking:
    """Give a booking back; cancelled late by the firm, it costs what the facility's rule says. Who waits is offered it.

    :raises BookingHasBegun: if its time has come: then the park says whether anybody came
    :raises BookingNotInStateForThis: if it is over or in use
    """
    booking, facility = lock_for(booking)
    is_park = manages(by, facility.park)
    if not is_park:
        require_role(by, booking.organisation, *Membership.TRADING_ROLES)
        if booking.status == Status.CONFIRMED and now >= booking.slot.lower:
            raise BookingHasBegun(_("The time of this booking has come. Ask the park."))
    is_charged = not is_park and booking.status == Status.CONFIRMED and is_late(booking, now=now)
    remark = note.strip()[:300]
    changes = {"note": remark, "ended_at": now}
    if not Booking.objects.filter(pk=booking.pk).become(Status.CANCELLED, **changes):
        raise not_in_state(booking)
    booking.status, booking.note = Status.CANCELLED, remark
    booking.hand_overs.become(HandOver.Status.WITHDRAWN, at=now, by=by)
    if is_charged:
        charge_booking(booking, kind=Fee.Kind.LATE_CANCELLATION, percent=facility.late_fee_percent, by=by, now=now)
    facts = booking_news.cancelled(booking, by_park=is_park)
    happened(booking, "cancelled", by=by, now=now, facts=facts, remark=remark)
    notify_many(offer_freed(facility, now=now), now=now)
    return booking


@transaction.atomic
def approve_booking(*, booking: Booking, by: User, now: datetime, note: str = "") -> Booking:
    """Confirm what was requested.

    :raises BookingNotInStateForThis: if it does not wait for approval any more
    """
    booking, facility = lock_for(booking)
    require_park_manager(by, facility.park)
    changes = {"decided_by": by, "decided_at": now, "note": note.strip()[:300]}
    rows = Booking.objects.filter(pk=booking.pk)
    if not rows.become(Status.CONFIRMED, from_statuses=[Status.REQUESTED], **changes):
        raise not_in_state(booking)
    booking.status = Status.CONFIRMED
    happened(booking, "confirmed", by=by, now=now, facts=booking_news.confirmed(booking), remark=changes["note"])
    return booking


@transaction.atomic
def refuse_booking(*, booking: Booking, by: User, now: datetime, note: str) -> Booking:
    """Refuse what was requested, with a reason; who waits is offered the time.

    :raises BookingNotInStateForThis: if it does not wait for approval any more
    """
    booking, facility = lock_for(booking)
    require_park_manager(by, facility.park)
    remark = note.strip()[:300]
    if not remark:
        raise InputRefused({"note": [_("Say why.")]})
    changes = {"decided_by": by, "decided_at": now, "note": remark}
    if not Booking.objects.filter(pk=booking.pk).become(Status.REFUSED, **changes):
        raise not_in_state(booking)
    booking.status, booking.note = Status.REFUSED, remark
    happened(booking, "refused", by=by, now=now, facts=booking_news.refused(booking), remark=remark)
    notify_many(offer_freed(facility, now=now), now=now)
    return booking
