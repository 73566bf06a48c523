"""When an exhibitor and a visitor meet: neither is promised to two at once."""

import datetime as dt
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Announcement,
    Block,
    BoothBooking,
    Exhibition,
    Meeting,
    Membership,
    Organisation,
    User,
    Visit,
)
from marketplace.runs import exhibition_news
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.visits import register_visit, require_coming


class NoBoothAtThisExhibition(RuleBroken):
    pass


class VisitorDoesNotCome(RuleBroken):
    pass


class MeetingTimeTaken(RuleBroken):
    pass


class MeetingNotInStateForThis(RuleBroken):
    pass


class FirmsDoNotMeet(RuleBroken):
    pass


def free_times(
    *, exhibition: Exhibition, exhibitor: Organisation, visitor: Organisation | None, day: dt.date, now: datetime
) -> list[datetime]:
    """Return when both can still meet on that day."""
    firms = [exhibitor.pk, *([visitor.pk] if visitor else [])]
    taken = Meeting.objects.taken().filter(exhibition=exhibition)
    busy = [one.slot for one in taken.filter(exhibitor__in=firms) | taken.filter(visitor__in=firms)]
    length = timedelta(minutes=exhibition.meeting_minutes)
    return [
        start
        for start in exhibition.meeting_starts(day)
        if start > now and not any(slot.lower < start + length and start < slot.upper for slot in busy)
    ]


@transaction.atomic
def request_meeting(
    *,
    exhibition: Exhibition,
    exhibitor: Organisation,
    visitor: Organisation,
    organisation: Organisation,
    by: User,
    start: datetime,
    now: datetime,
    subject: str = "",
) -> Meeting:
    """Ask the other side for a meeting; its time is kept for both until they answer.

    A visitor who asks comes by that. An exhibitor asks those who come or were invited.

    :raises InputRefused: if the time is none of the exhibition's, or past
    :raises NoBoothAtThisExhibition: if the exhibitor has no booth
    :raises VisitorDoesNotCome: if the visitor was not invited and did not register, or declined
    :raises MeetingTimeTaken: if one of the two has a meeting then
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    if organisation not in (exhibitor, visitor) or exhibitor == visitor:
        raise FirmsDoNotMeet(_("Your firm must be one of two that meet."))
    require_coming(exhibition, now)
    if not BoothBooking.objects.live().filter(booth__exhibition=exhibition, organisation=exhibitor).exists():
        raise NoBoothAtThisExhibition(_("“%(name)s” has no booth here.") % {"name": exhibitor.name})
    if Block.objects.between(exhibitor, visitor).exists():
        raise FirmsDoNotMeet(_("One of the two organisations does not trade with the other."))
    if organisation == visitor:
        register_visit(exhibition=exhibition, organisation=visitor, by=by, now=now)
    elif not exhibition.visits.filter(organisation=visitor).exclude(status=Visit.Status.DECLINED).exists():
        raise VisitorDoesNotCome(_("“%(name)s” does not come to this exhibition.") % {"name": visitor.name})
    slot = _slot(exhibition, start, now)
    meeting = Meeting(
        exhibition=exhibition,
        exhibitor=exhibitor,
        visitor=visitor,
        slot=slot,
        subject=subject.strip()[:300],
        requested_for=organisation,
        requested_by=by,
        requested_at=now,
    )
    try:
        with transaction.atomic():
            meeting.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(error, exhibitor, visitor) from error
    notify_many(exhibition_news.meeting_requested(meeting), now=now)
    return meeting


def _slot(exhibition: Exhibition, start: datetime, now: datetime) -> DateTimeTZRange:
    if start <= now:
        raise InputRefused({"start": [_("This moment is past.")]})
    if start not in exhibition.meeting_starts(timezone.localdate(start)):
        raise InputRefused({"start": [_("No meeting begins at this time.")]})
    return DateTimeTZRange(start, start + timedelta(minutes=exhibition.meeting_minutes), "[)")


def _taken(error: IntegrityError, exhibitor: Organisation, visitor: Organisation) -> Exception:
    busy = {"meeting_exhibitor_is_in_one_place": exhibitor, "meeting_visitor_is_in_one_place": visitor}
    for constraint, firm in busy.items():
        if constraint in str(error):
            return MeetingTimeTaken(_("“%(name)s” has another meeting at this time.") % {"name": firm.name})
    return error


def _move(
    meeting: Meeting,
    status: str,
    *,
    by: User,
    organisation: Organisation,
    now: datetime,
    tell: Callable[[Meeting], list[Announcement]],
) -> Meeting:
    require_role(by, organisation, *Membership.TRADING_ROLES)
    row = Meeting.objects.filter(pk=meeting.pk, exhibition__status__in=Exhibition.PUBLIC)
    if not row.become(status, answered_by=by, answered_at=now):
        meeting.refresh_from_db(fields=["status"])
        raise MeetingNotInStateForThis(
            _("This meeting is “%(status)s”: this is not possible now.") % {"status": meeting.get_status_display()}
        )
    meeting = Meeting.objects.with_names().get(pk=meeting.pk)
    notify_many(tell(meeting), now=now)
    return meeting


@transaction.atomic
def confirm_meeting(*, meeting: Meeting, by: User, now: datetime) -> Meeting:
    """Agree to a meeting; a visitor who agrees comes by that.

    :raises MeetingNotInStateForThis: if it was answered or cancelled
    """
    side = meeting.answered_for
    if side == meeting.visitor:
        register_visit(exhibition=meeting.exhibition, organisation=side, by=by, now=now)
    tell = exhibition_news.meeting_answered
    return _move(meeting, Meeting.Status.CONFIRMED, by=by, organisation=side, now=now, tell=tell)


@transaction.atomic
def decline_meeting(*, meeting: Meeting, by: User, now: datetime) -> Meeting:
    """Say no to a meeting; its time is free again.

    :raises MeetingNotInStateForThis: if it was answered or cancelled
    """
    tell = exhibition_news.meeting_answered
    return _move(meeting, Meeting.Status.DECLINED, by=by, organisation=meeting.answered_for, now=now, tell=tell)


@transaction.atomic
def cancel_meeting(*, meeting: Meeting, organisation: Organisation, by: User, now: datetime) -> Meeting:
    """Take back a request, or cancel what was confirmed, in the name of one of the two.

    :raises FirmsDoNotMeet: if it is another's meeting
    :raises MeetingNotInStateForThis: if it was declined or cancelled
    """
    if organisation not in (meeting.exhibitor, meeting.visitor):
        raise FirmsDoNotMeet(_("Your firm must be one of two that meet."))

    def tell(row: Meeting) -> list[Announcement]:
        return exhibition_news.meeting_cancelled(row, by=organisation)

    return _move(meeting, Meeting.Status.CANCELLED, by=by, organisation=organisation, now=now, tell=tell)
