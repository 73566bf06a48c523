"""Who waits for a slot is offered what comes free, in turn; a hold that nobody answers passes to the next."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from marketplace.calendars.intervals import Span
from marketplace.models import Announcement, Booking, Facility, HandOver, Notification, WaitingEntry
from marketplace.runs import booking_news
from marketplace.runs.booking_rules import lacking, quota_left, quota_use
from marketplace.runs.bookings import insert, locked, note
from marketplace.runs.facility_calendars import FacilityCalendar, read_calendar

# How long a slot is held for who waited for it, unless it begins before.
HOLD = timedelta(hours=2)
# How many are asked in one go: the clock rings again in a minute.
CHUNK = 200
Status = Booking.Status


def offer_freed(facility: Facility, *, now: datetime) -> list[Announcement]:
    """Hold what is free for those who wait, first come, first served; the caller has locked the facility.

    Return what is to be told.
    """
    entries = list(
        WaitingEntry.objects.waiting()
        .filter(facility=facility, window__endswith__gt=now)
        .select_related("organisation", "created_by", "order")
        .in_turn()[:CHUNK]
    )
    facts: list[Announcement] = []
    if not entries or not facility.is_active:
        return facts
    latest = max(entry.window.upper for entry in entries)
    calendar = read_calendar(facility, now, latest)
    for entry in entries:
        if found := _first_fit(entry, calendar, now=now):
            booking = _hold(entry, facility, found, now=now)
            facts += booking_news.held(booking)
            calendar = read_calendar(facility, now, latest)
    return facts


def _first_fit(entry: WaitingEntry, calendar: FacilityCalendar, *, now: datetime) -> Span | None:
    facility = calendar.facility
    if lacking(entry.organisation, facility, day=timezone.localdate(now)):
        return None
    # Whoever waits was early enough; yet nobody can be asked for what begins this minute.
    start = max(entry.window.lower, now + timedelta(minutes=facility.slot_minutes))
    duration = timedelta(minutes=entry.minutes)
    for span in calendar.free(start, entry.window.upper, duration=duration, amount=entry.quantity):
        left = quota_left(facility, entry.organisation, span[0])
        if left is None or quota_use(facility, *span, entry.quantity) <= left:
            return span
    return None


def _hold(entry: WaitingEntry, facility: Facility, span: Span, *, now: datetime) -> Booking:
    booking = insert(
        facility=facility,
        start=span[0],
        end=span[1],
        at=now,
        organisation=entry.organisation,
        quantity=entry.quantity,
        unit=entry.unit,
        order=entry.order,
        purpose=entry.purpose,
        status=Status.HELD,
        held_until=min(now + HOLD, span[0]),
        waiting=entry,
    )
    WaitingEntry.objects.filter(pk=entry.pk).become(WaitingEntry.Status.OFFERED)
    note(booking, "held", by=None, at=now)
    return booking


def lapse_holds(*, now: datetime) -> None:
    """Free what nobody took in time and offer it to the next; end what waited or was requested in vain."""
    facilities = set(Booking.objects.overdue_holds(now).values_list("facility", flat=True))
    for facility_id in sorted(facilities):
        _lapse_holds_of(facility_id, now=now)
    _lapse_requests(now=now)
    _lapse_entries(now=now)
    HandOver.objects.filter(expires_at__lte=now).become(HandOver.Status.LAPSED, at=now)


@transaction.atomic
def _lapse_holds_of(facility_id: int, *, now: datetime) -> None:
    facility = locked(facility_id)
    facts: list[Announcement] = []
    for booking in Booking.objects.overdue_holds(now).filter(facility=facility).with_names():
        if Booking.objects.filter(pk=booking.pk).become(Status.LAPSED, from_statuses=[Status.HELD]):
            booking.status = Status.LAPSED
            WaitingEntry.objects.filter(pk=booking.waiting_id).become(WaitingEntry.Status.LAPSED)
            note(booking, "lapsed", by=None, at=now)
            facts += booking_news.hold_lapsed(booking)
    Notification.objects.announce([*facts, *offer_freed(facility, now=now)], now=now)


@transaction.atomic
def _lapse_requests(*, now: datetime) -> None:
    """End requests whose time came before the park answered."""
    overdue = Booking.objects.filter(status=Status.REQUESTED, slot__startswith__lte=now).order_by("pk")
    rows = overdue.with_names().select_for_update(of=("self",), skip_locked=True)
    facts: list[Announcement] = []
    for booking in rows[:CHUNK]:
        if Booking.objects.filter(pk=booking.pk).become(Status.LAPSED, from_statuses=[Status.REQUESTED]):
            booking.status = Status.LAPSED
            note(booking, "lapsed", by=None, at=now)
            facts += booking_news.lapsed(booking)
    Notification.objects.announce(facts, now=now)


@transaction.atomic
def _lapse_entries(*, now: datetime) -> None:
    rows = WaitingEntry.objects.over(now).select_related("facility", "organisation").order_by("pk")
    facts: list[Announcement] = []
    for entry in rows.select_for_update(of=("self",), skip_locked=True)[:CHUNK]:
        if WaitingEntry.objects.filter(pk=entry.pk).become(WaitingEntry.Status.LAPSED):
            entry.status = WaitingEntry.Status.LAPSED
            facts += booking_news.waited_in_vain(entry)
    Notification.objects.announce(facts, now=now)
