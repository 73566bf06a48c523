"""What the pages and the API show of an exhibition, each reader what is theirs to see."""

import datetime as dt
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from marketplace.models import (
    Booth,
    BoothBooking,
    Exhibition,
    Listing,
    Meeting,
    Membership,
    Organisation,
    User,
    Visit,
)
from marketplace.services.parks import manages

# Pixels of the plan per metre, and its margin in metres.
SCALE, MARGIN = 20, 1


@dataclass(frozen=True, slots=True)
class BoothPlace:
    """A booth as the plan draws it, in pixels."""

    booth: Booth
    x: int
    y: int
    width: int
    height: int
    booking: BoothBooking | None
    is_ours: bool

    @property
    def middle(self) -> int:
        return self.x + self.width // 2

    @property
    def baseline(self) -> int:
        return self.y + self.height // 2 + 5


@dataclass(slots=True)
class ExhibitionPage:
    """What one reader sees of an exhibition."""

    places: list[BoothPlace]
    plan_width: int
    plan_height: int
    exhibitors: list[BoothBooking]
    listings: list[Listing]
    is_manager: bool = False
    may_exhibit: bool = False
    may_visit: bool = False
    is_coming: bool = False
    our_bookings: list[BoothBooking] = field(default_factory=list)
    our_visits: list[Visit] = field(default_factory=list)
    visitors: list[Visit] = field(default_factory=list)


def read_page(*, exhibition: Exhibition, user: User, now: datetime) -> ExhibitionPage:
    """Return the plan, who exhibits what, and what the reader may do; visitors are for the park and exhibitors to see."""
    booths = list(exhibition.booths.order_by("pk").with_bookings())
    mine = set(Organisation.objects.of(user).values_list("pk", flat=True))
    trades = user.is_authenticated and Organisation.objects.of(user, *Membership.TRADING_ROLES).exists()
    places = [_place(booth, mine) for booth in booths]
    bookings = [place.booking for place in places if place.booking]
    shown = Listing.objects.visible_to(user, now).with_names()
    ids = {listing.pk for booking in bookings for listing in booking.listings.all()}
    page = ExhibitionPage(
        places=places,
        plan_width=max((place.x + place.width for place in places), default=0) + MARGIN * SCALE,
        plan_height=max((place.y + place.height for place in places), default=0) + MARGIN * SCALE,
        exhibitors=sorted(bookings, key=lambda booking: booking.booth_id),
        listings=list(shown.filter(pk__in=ids).order_by("pk")),
        is_coming=exhibition.takes_bookings and exhibition.ends_at > now,
    )
    page.is_manager = user.is_authenticated and manages(user, exhibition.park)
    page.may_exhibit = page.is_coming and trades
    page.our_bookings = [booking for booking in bookings if booking.organisation_id in mine]
    rows = exhibition.visits.select_related("organisation", "supply", "demand").order_by("-score", "pk")
    page.our_visits = list(rows.filter(organisation__in=mine)) if mine else []
    page.may_visit = page.is_coming and trades and not page.our_visits
    if page.is_manager or page.our_bookings:
        seen = rows.exclude(status=Visit.Status.DECLINED)
        if not page.is_manager:
            # An exhibitor sees who comes, and who was invited for what it shows itself.
            own = Q(supply__organisation__in=mine)
            seen = seen.filter(Q(status=Visit.Status.ACCEPTED) | own).exclude(organisation__in=mine)
        page.visitors = list(seen)
    return page


def _place(booth: Booth, mine: set[int]) -> BoothPlace:
    booking = next(iter(booth.live_bookings), None)
    return BoothPlace(
        booth=booth,
        x=_pixels(booth.left + MARGIN),
        y=_pixels(booth.top + MARGIN),
        width=_pixels(booth.width),
        height=_pixels(booth.depth),
        booking=booking,
        is_ours=booking is not None and booking.organisation_id in mine,
    )


def _pixels(metres: Decimal) -> int:
    return round(metres * SCALE)


def visitors_of(exhibition: Exhibition) -> QuerySet[Organisation]:
    """Return the firms that come or were invited and did not decline."""
    visits = exhibition.visits.exclude(status=Visit.Status.DECLINED)
    return Organisation.objects.filter(pk__in=visits.values("organisation")).order_by("pk")


def firms_at(exhibition: Exhibition, user: User) -> QuerySet[Organisation]:
    """Return the firms that the reader may ask for a meeting: exhibitors, and for exhibitors those who come."""
    live = BoothBooking.objects.live().filter(booth__exhibition=exhibition)
    firms = Q(pk__in=live.values("organisation"))
    if live.filter(organisation__in=Organisation.objects.of(user)).exists():
        firms |= Q(pk__in=visitors_of(exhibition).values("pk"))
    return Organisation.objects.approved().filter(firms)


def sides_of(exhibition: Exhibition, own: Organisation, other: Organisation) -> dict[str, Organisation]:
    """Return who of the two is the exhibitor: the other if it has a booth, else one's own firm."""
    live = BoothBooking.objects.live().filter(booth__exhibition=exhibition)
    if live.filter(organisation=other).exists():
        return {"exhibitor": other, "visitor": own}
    return {"exhibitor": own, "visitor": other}


@dataclass(frozen=True, slots=True)
class TimeRow:
    """One time of a day, with the reader's meetings then."""

    start: datetime
    meetings: list[Meeting]


@dataclass(frozen=True, slots=True)
class MeetingDay:
    """A day of meetings of the reader's firms; ``own`` are those firms' ids."""

    rows: list[TimeRow]
    own: set[int]


def read_day(*, exhibition: Exhibition, user: User, day: dt.date) -> MeetingDay:
    """Return the reader's meetings of that day in the calendar of the exhibition."""
    found = Meeting.objects.visible_to(user).taken().with_names().filter(exhibition=exhibition)
    at: dict[datetime, list[Meeting]] = {}
    for meeting in found.order_by("slot", "pk"):
        at.setdefault(meeting.slot.lower, []).append(meeting)
    own = set(Organisation.objects.of(user).values_list("pk", flat=True))
    return MeetingDay([TimeRow(start, at.get(start, [])) for start in exhibition.meeting_starts(day)], own)
