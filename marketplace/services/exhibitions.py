"""What a park may ask for: plan an exhibition, lay out its booths, announce or cancel it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Booking,
    Booth,
    BoothBooking,
    Category,
    Exhibition,
    Facility,
    Meeting,
    Organisation,
    Park,
    User,
)
from marketplace.parsing.draft_fields import ProblemError, currency, decimal, moment, several, whole
from marketplace.runs import exhibition_news
from marketplace.services import bookings
from marketplace.services.booths import give_back
from marketplace.services.notifications import notify_many
from marketplace.services.parks import require_park_manager
from marketplace.services.said_fields import SaidFields, refuse_errors

LONGEST = dt.timedelta(days=31)
MOST_BOOTHS = 400


class ExhibitionNotInStateForThis(RuleBroken):
    pass


class ExhibitionHasNoBooths(RuleBroken):
    pass


class HallNotInThisPark(RuleBroken):
    pass


class BoothIsBooked(RuleBroken):
    pass


def not_in_state(exhibition: Exhibition) -> ExhibitionNotInStateForThis:
    exhibition.refresh_from_db(fields=["status"])
    return ExhibitionNotInStateForThis(
        _("“%(title)s” is “%(status)s”: this is not possible now.")
        % {"title": exhibition.title, "status": exhibition.get_status_display()}
    )


def locked(exhibition: Exhibition) -> Exhibition:
    rows = Exhibition.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("park__organisation", "hall").get(pk=exhibition.pk)


def _clock(value: object) -> dt.time:
    if isinstance(value, dt.time):
        return value
    try:
        return dt.time.fromisoformat(str(value))
    except ValueError as error:
        raise ProblemError("not_a_time", "应为时刻，例如 09:00。", "Must be a time of day such as 09:00.") from error


def _categories(value: object) -> list[Category]:
    codes = [one.code if isinstance(one, Category) else str(one) for one in several(value)]
    found = list(Category.objects.filter(code__in=codes))
    if missing := set(codes) - {one.code for one in found}:
        names = ", ".join(sorted(missing))
        raise ProblemError("unknown_category", f"没有这个品类：{names}。", f"There is no such category: {names}.")
    return found


def _read(said: Mapping[str, Any], *, now: datetime) -> tuple[dict[str, Any], list[Category]]:
    reader = SaidFields(said, errors={})
    fields = {
        "title_zh": reader.text("title_zh", 200),
        "title_en": reader.text("title_en", 200),
        "text_zh": reader.text("text_zh", 4000),
        "text_en": reader.text("text_en", 4000),
        "starts_at": reader.read("starts_at", moment, is_required=True),
        "ends_at": reader.read("ends_at", moment, is_required=True),
        "opens": reader.read("opens", _clock, dt.time(9), is_required=True),
        "closes": reader.read("closes", _clock, dt.time(17), is_required=True),
        "meeting_minutes": reader.read("meeting_minutes", whole(largest=240), 30, is_required=True),
        "currency": reader.read("currency", currency, "CNY", is_required=True),
    }
    categories = reader.read("categories", _categories) or []
    if not fields["title_zh"] and not fields["title_en"]:
        reader.refuse("title_zh", _("Give it a title, in Chinese or in English."))
    start, end = fields["starts_at"], fields["ends_at"]
    if start and start <= now:
        reader.refuse("starts_at", _("This moment is past."))
    if start and end and end <= start:
        reader.refuse("ends_at", _("It ends before it begins."))
    elif start and end and end > start + LONGEST:
        reader.refuse("ends_at", _("At most a month."))
    if fields["closes"] <= fields["opens"]:
        reader.refuse("closes", _("It closes before it opens."))
    if fields["meeting_minutes"] < 5:
        reader.refuse("meeting_minutes", _("At least five minutes."))
    refuse_errors(reader.errors)
    return fields, categories


@transaction.atomic
def plan_exhibition(*, park: Park, hall: Facility, by: User, fields: Mapping[str, Any], now: datetime) -> Exhibition:
    """Plan an exhibition and book its hall for each of its days; nobody outside the park sees it before it is announced.

    :raises InputRefused: naming each field that cannot be taken
    :raises HallNotInThisPark: if the hall is another park's, or no exhibition hall
    :raises SlotTaken: if the hall is booked on one of the days
    """
    require_park_manager(by, park)
    if hall.park_id != park.pk or hall.kind != Facility.Kind.EXHIBITION_HALL:
        raise HallNotInThisPark(_("Choose an exhibition hall of this park."))
    said, categories = _read(fields, now=now)
    exhibition = Exhibition.objects.create(park=park, hall=hall, created_by=by, created_at=now, **said)
    exhibition.categories.set(categories)
    _book_hall(exhibition, by=by, now=now)
    return exhibition


def _book_hall(exhibition: Exhibition, *, by: User, now: datetime) -> None:
    hall, zone = exhibition.hall, timezone.get_current_timezone()
    for day in exhibition.days():
        start = max(datetime.combine(day, exhibition.opens, zone), exhibition.starts_at)
        end = min(datetime.combine(day, exhibition.closes, zone), exhibition.ends_at)
        if end <= start:
            continue
        try:
            booking = bookings.request_booking(
                facility=hall,
                organisation=exhibition.park.organisation,
                start=start,
                end=end,
                by=by,
                now=now,
                quantity=hall.capacity if hall.shares_capacity else None,
                purpose=exhibition.title_zh or exhibition.title_en,
            )
        except InputRefused as refusal:
            when = f"{timezone.localtime(start):%m-%d %H:%M}"
            told = [f"{when}: {message}" for found in refusal.errors.values() for message in found]
            raise InputRefused({"starts_at": told}) from refusal
        exhibition.bookings.add(booking)
    if not exhibition.bookings.exists():
        raise InputRefused({"starts_at": [_("It is never open: look at its days and hours.")]})


def _free_hall(exhibition: Exhibition, *, by: User, now: datetime) -> None:
    active = exhibition.bookings.filter(status__in=[Booking.Status.REQUESTED, Booking.Status.CONFIRMED])
    for booking in active.order_by("pk"):
        bookings.cancel_booking(booking=booking, by=by, now=now)
    exhibition.bookings.clear()


@transaction.atomic
def edit_exhibition(*, exhibition: Exhibition, by: User, fields: Mapping[str, Any], now: datetime) -> Exhibition:
    """Change what an exhibition says; its days and hours only until it is announced.

    :raises ExhibitionNotInStateForThis: if it runs, is over or was cancelled
    :raises InputRefused: naming each field that cannot be taken
    """
    require_park_manager(by, exhibition.park)
    exhibition = locked(exhibition)
    if exhibition.status not in (Exhibition.Status.PLANNED, Exhibition.Status.ANNOUNCED):
        raise not_in_state(exhibition)
    said, categories = _read(fields, now=now)
    times = ("starts_at", "ends_at", "opens", "closes", "meeting_minutes", "currency")
    moved = [name for name in times if said[name] != getattr(exhibition, name)]
    if moved and exhibition.status == Exhibition.Status.ANNOUNCED:
        raise InputRefused({moved[0]: [_("It is announced: days and hours cannot be changed any more.")]})
    for name, value in said.items():
        setattr(exhibition, name, value)
    exhibition.save()
    exhibition.categories.set(categories)
    if moved:
        _free_hall(exhibition, by=by, now=now)
        _book_hall(exhibition, by=by, now=now)
    return exhibition


@transaction.atomic
def add_booths(*, exhibition: Exhibition, by: User, rows: Iterable[Mapping[str, Any]]) -> list[Booth]:
    """Add booths by number, place, size and price.

    :raises ExhibitionNotInStateForThis: if it is over or was cancelled
    :raises InputRefused: naming each field that cannot be taken, as ``booths.0.number``
    """
    require_park_manager(by, exhibition.park)
    exhibition = locked(exhibition)
    if exhibition.status not in (Exhibition.Status.PLANNED, *Exhibition.PUBLIC):
        raise not_in_state(exhibition)
    errors: dict[str, list[str]] = {}
    known = set(exhibition.booths.values_list("number", flat=True))
    booths = []
    for place, row in enumerate(rows):
        part = SaidFields(row, errors=errors, prefix=f"booths.{place}.")
        size = decimal(places=1, digits=5)
        position = decimal(places=1, digits=6, zero=True)
        booth = Booth(
            exhibition=exhibition,
            number=part.text("number", 10, is_required=True),
            left=part.read("left", position, Decimal(0)) or Decimal(0),
            top=part.read("top", position, Decimal(0)) or Decimal(0),
            width=part.read("width", size, Decimal(3), is_required=True),
            depth=part.read("depth", size, Decimal(3), is_required=True),
            price=part.read("price", decimal(places=2, zero=True), is_required=True),
        )
        if booth.number in known:
            part.refuse("number", _("There is a booth of this number."))
        known.add(booth.number)
        booths.append(booth)
    if not booths:
        errors["booths"] = [_("Name at least one booth.")]
    if len(known) > MOST_BOOTHS:
        errors["booths"] = [_("At most %(count)d booths.") % {"count": MOST_BOOTHS}]
    refuse_errors(errors)
    return Booth.objects.bulk_create(booths)


def booth_rows(
    *, row_count: int, per_row: int, width: Decimal, depth: Decimal, price: Decimal, aisle: Decimal = Decimal(3)
) -> list[dict[str, Any]]:
    """Return booths side by side in rows (A1, A2, then B1) with an aisle between the rows."""
    return [
        {
            "number": f"{chr(ord('A') + row)}{place + 1}",
            "left": place * width,
            "top": row * (depth + aisle),
            "width": width,
            "depth": depth,
            "price": price,
        }
        for row in range(row_count)
        for place in range(per_row)
    ]


@transaction.atomic
def remove_booth(*, booth: Booth, by: User) -> None:
    """Take away a booth that nobody ever booked.

    :raises BoothIsBooked: if somebody did
    """
    require_park_manager(by, booth.exhibition.park)
    locked(booth.exhibition)
    if booth.bookings.exists():
        raise BoothIsBooked(_("This booth was booked: it stays."))
    booth.delete()


@transaction.atomic
def announce_exhibition(*, exhibition: Exhibition, by: User, now: datetime) -> Exhibition:
    """Show an exhibition to everybody: booths can be booked, and the matcher invites visitors.

    :raises ExhibitionHasNoBooths: if there is nothing to book
    :raises ExhibitionNotInStateForThis: if it was announced before, or cancelled
    """
    require_park_manager(by, exhibition.park)
    exhibition = locked(exhibition)
    if not exhibition.booths.exists():
        raise ExhibitionHasNoBooths(_("Lay out its booths first."))
    planned = Exhibition.objects.filter(pk=exhibition.pk, ends_at__gt=now)
    if not planned.become(Exhibition.Status.ANNOUNCED, announced_at=now):
        raise not_in_state(exhibition)
    exhibition.refresh_from_db()
    return exhibition


@transaction.atomic
def cancel_exhibition(*, exhibition: Exhibition, by: User, reason: str, now: datetime) -> Exhibition:
    """Cancel an exhibition: its hall is free, booths cost nothing, meetings fall away, everybody concerned is told.

    :raises InputRefused: if no reason is said
    :raises ExhibitionNotInStateForThis: if it runs or is over
    """
    require_park_manager(by, exhibition.park)
    if not reason.strip():
        raise InputRefused({"reason": [_("Say why: exhibitors and visitors read it.")]})
    exhibition = locked(exhibition)
    if not Exhibition.objects.filter(pk=exhibition.pk).become(Exhibition.Status.CANCELLED):
        raise not_in_state(exhibition)
    exhibition.refresh_from_db(fields=["status"])
    live = BoothBooking.objects.live().filter(booth__exhibition=exhibition)
    for booking in live.select_related("booth__exhibition__park__organisation", "organisation").order_by("pk"):
        give_back(booking, by=by, now=now, keeps_percent=0)
    exhibitors = Organisation.objects.filter(booth_bookings__booth__exhibition=exhibition)
    visitors = Organisation.objects.filter(visits__exhibition=exhibition).exclude(visits__status="declined")
    firms = list((exhibitors.distinct() | visitors.distinct()).distinct())
    Meeting.objects.filter(exhibition=exhibition).become(Meeting.Status.CANCELLED, answered_at=now, answered_by=by)
    _free_hall(exhibition, by=by, now=now)
    notify_many(exhibition_news.cancelled(exhibition, firms, reason.strip()[:300]), now=now)
    return exhibition
