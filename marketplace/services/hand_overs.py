from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Booking, HandOver, Membership, Organisation, User
from marketplace.runs import booking_news
from marketplace.runs.bookings import note
from marketplace.services.booking_history import happened, lock_for
from marketplace.services.bookings import check_qualified, check_quota, not_in_state
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role

# How long the other firm may think about it, unless the slot begins before.
TIME_TO_ANSWER = timedelta(hours=24)
Status = Booking.Status


class HandOverAlreadyOffered(RuleBroken):
    pass


class HandOverNoLongerOpen(RuleBroken):
    pass


@transaction.atomic
def offer_booking(*, booking: Booking, to: Organisation, by: User, now: datetime) -> HandOver:
    """Offer a confirmed booking to another firm, which pays for it once it accepts.

    :raises InputRefused: if ``to`` is the same firm, or not admitted to the market
    :raises OrganisationNotQualified: if the other firm lacks what the facility asks for
    :raises BookingNotInStateForThis: if the booking is not confirmed, or has begun
    :raises HandOverAlreadyOffered: if it is offered to somebody already
    """
    booking, facility = lock_for(booking)
    require_role(by, booking.organisation, *Membership.TRADING_ROLES)
    if to.pk == booking.organisation_id or to.state != Organisation.State.APPROVED:
        raise InputRefused({"organisation": [_("Choose another firm that is approved.")]})
    if booking.status != Status.CONFIRMED or booking.slot.lower <= now:
        raise not_in_state(booking)
    check_qualified(to, facility, now=now)
    if booking.hand_overs.filter(status=HandOver.Status.OFFERED).exists():
        raise HandOverAlreadyOffered(_("This booking is offered to a firm already."))
    hand_over = HandOver.objects.create(
        booking=booking,
        from_organisation=booking.organisation,
        to_organisation=to,
        offered_by=by,
        offered_at=now,
        expires_at=min(now + TIME_TO_ANSWER, booking.slot.lower),
    )
    note(booking, "offered", by=by, at=now, data={"to": to.pk})
    notify_many(booking_news.offered(hand_over), now=now)
    return hand_over


@transaction.atomic
def accept_hand_over(*, hand_over: HandOver, by: User, now: datetime) -> Booking:
    """Take over a booking as it is; who may book here and how much is checked again.

    :raises HandOverNoLongerOpen: if it was answered, withdrawn or has lapsed
    :raises OrganisationNotQualified: :raises QuotaUsedUp: as for a new booking
    """
    booking, facility = lock_for(hand_over.booking)
    taker = hand_over.to_organisation
    require_role(by, taker, *Membership.TRADING_ROLES)
    check_qualified(taker, facility, now=now)
    check_quota(taker, facility, booking.slot.lower, booking.slot.upper, booking.quantity)
    answered = HandOver.objects.open(now).filter(pk=hand_over.pk)
    if booking.status != Status.CONFIRMED or not answered.become(HandOver.Status.ACCEPTED, at=now, by=by):
        raise HandOverNoLongerOpen(_("This offer of a booking is no longer open."))
    # The order was the giver's affair; the record of the hand-over still goes to its file.
    happened(
        booking,
        "handed_over",
        by=by,
        now=now,
        facts=booking_news.handed_over(hand_over),
        data={"from": booking.organisation_id, "to": taker.pk},
    )
    Booking.objects.filter(pk=booking.pk).update(organisation=taker, order=None, booked_by=by)
    booking.organisation, booking.order, booking.booked_by = taker, None, by
    return booking


@transaction.atomic
def decline_hand_over(*, hand_over: HandOver, by: User, now: datetime) -> None:
    """Say no to a booking that was offered.

    :raises HandOverNoLongerOpen: if it was answered, withdrawn or has lapsed
    """
    require_role(by, hand_over.to_organisation, *Membership.TRADING_ROLES)
    _end(hand_over, HandOver.Status.DECLINED, by, now)


@transaction.atomic
def withdraw_hand_over(*, hand_over: HandOver, by: User, now: datetime) -> None:
    """Keep the booking after all.

    :raises HandOverNoLongerOpen: if it was answered, withdrawn or has lapsed
    """
    require_role(by, hand_over.from_organisation, *Membership.TRADING_ROLES)
    _end(hand_over, HandOver.Status.WITHDRAWN, by, now)


def _end(hand_over: HandOver, status: str, by: User, now: datetime) -> None:
    if not HandOver.objects.filter(pk=hand_over.pk).become(status, at=now, by=by):
        raise HandOverNoLongerOpen(_("This offer of a booking is no longer open."))
