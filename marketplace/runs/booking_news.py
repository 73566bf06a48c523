"""What is told about bookings, in both languages."""

from django.urls import reverse
from django.utils import timezone

from marketplace.models import Announcement, Booking, HandOver, Organisation, Statement, WaitingEntry


def _when(booking: Booking) -> str:
    start, end = timezone.localtime(booking.slot.lower), timezone.localtime(booking.slot.upper)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M}–{until}"


def _named(thing: object, language: str) -> str:
    first, second = getattr(thing, f"name_{language}"), getattr(thing, "name_zh" if language == "en" else "name_en")
    return first or second


def _fact(
    booking: Booking, event: str, to: Organisation, title_zh: str, title_en: str, *, key: str = "", note: str = ""
) -> Announcement:
    park, facility = booking.facility.park, booking.facility
    return Announcement(
        event=event,
        deduplication_key=f"{event}:{booking.pk}:{key or booking.revision}",
        organisation=to,
        title_zh=f"{title_zh}：{_named(facility, 'zh')}，{_when(booking)}",
        title_en=f"{title_en}: {_named(facility, 'en')}, {_when(booking)}",
        body_zh=f"{_named(park, 'zh')}，预约号 {booking.number}。{note}",
        body_en=f"{_named(park, 'en')}, booking {booking.number}. {note}".strip(),
        url=reverse("marketplace:booking_detail", args=[booking.pk]),
        data={
            "booking": booking.pk,
            "number": booking.number,
            "facility": facility.pk,
            "park": park.pk,
            "status": booking.status,
            "start": booking.slot.lower,
            "end": booking.slot.upper,
            "order": booking.order_id,
        },
    )


def requested(booking: Booking) -> list[Announcement]:
    firm = booking.organisation
    title = f"{_named(firm, 'zh')}申请预约", f"{_named(firm, 'en')} asks for a booking"
    return [_fact(booking, "booking.requested", booking.facility.park.organisation, *title)]


def confirmed(booking: Booking) -> list[Announcement]:
    return [_fact(booking, "booking.confirmed", booking.organisation, "预约已确认", "Booking confirmed")]


def refused(booking: Booking) -> list[Announcement]:
    title = "预约被拒绝", "Booking refused"
    return [_fact(booking, "booking.refused", booking.organisation, *title, note=booking.note)]


def moved(booking: Booking, *, by_park: bool) -> list[Announcement]:
    to = booking.organisation if by_park else booking.facility.park.organisation
    return [_fact(booking, "booking.moved", to, "预约已改期", "Booking moved")]


def cancelled(booking: Booking, *, by_park: bool) -> list[Announcement]:
    to = booking.organisation if by_park else booking.facility.park.organisation
    return [_fact(booking, "booking.cancelled", to, "预约已取消", "Booking cancelled", note=booking.note)]


def lapsed(booking: Booking) -> list[Announcement]:
    title = "预约申请已过期", "The request for a booking lapsed"
    return [_fact(booking, "booking.lapsed", booking.organisation, *title)]


def held(booking: Booking) -> list[Announcement]:
    until = timezone.localtime(booking.held_until)
    title = f"候补成功，为您保留至 {until:%m-%d %H:%M}", f"A slot is held for you until {until:%d %b %H:%M}"
    return [_fact(booking, "waiting.offered", booking.organisation, *title)]


def hold_lapsed(booking: Booking) -> list[Announcement]:
    title = "保留的时段已失效", "The slot held for you has lapsed"
    return [_fact(booking, "waiting.lapsed", booking.organisation, *title)]


def waited_in_vain(entry: WaitingEntry) -> list[Announcement]:
    facility = entry.facility
    return [
        Announcement(
            event="waiting.lapsed",
            deduplication_key=f"waiting.lapsed:entry:{entry.pk}",
            organisation=entry.organisation,
            title_zh=f"候补已结束，没有等到空位：{_named(facility, 'zh')}",
            title_en=f"Nothing came free while you waited: {_named(facility, 'en')}",
            url=reverse("marketplace:facility_detail", args=[facility.pk]),
            data={"waiting": entry.pk, "facility": facility.pk, "status": entry.status},
        )
    ]


def offered(hand_over: HandOver) -> list[Announcement]:
    booking, giver = hand_over.booking, hand_over.from_organisation
    title = f"{_named(giver, 'zh')}向您转让预约", f"{_named(giver, 'en')} offers you a booking"
    fact = _fact(booking, "booking.offered", hand_over.to_organisation, *title, key=f"hand-over-{hand_over.pk}")
    return [fact]


def handed_over(hand_over: HandOver) -> list[Announcement]:
    booking, taker = hand_over.booking, hand_over.to_organisation
    title = f"预约已转让给{_named(taker, 'zh')}", f"Booking handed over to {_named(taker, 'en')}"
    key = f"hand-over-{hand_over.pk}"
    receivers = (hand_over.from_organisation, booking.facility.park.organisation)
    return [_fact(booking, "booking.handed_over", to, *title, key=f"{key}-{to.pk}") for to in receivers]


def issued(statement: Statement) -> list[Announcement]:
    month, park = f"{statement.month:%Y-%m}", statement.park
    return [
        Announcement(
            event="statement.issued",
            deduplication_key=f"statement.issued:{statement.pk}",
            organisation=statement.organisation,
            title_zh=f"{_named(park, 'zh')} {month} 对账单：{statement.total} {statement.currency}",
            title_en=f"Statement of {_named(park, 'en')} for {month}: {statement.total} {statement.currency}",
            url=reverse("marketplace:statement_detail", args=[statement.pk]),
            data={"statement": statement.pk, "number": statement.number, "total": statement.total},
        )
    ]
