"""What is told about exhibitions, in both languages."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils import timezone

from marketplace.models import Announcement, BoothBooking, Exhibition, Meeting, Organisation, Visit
from marketplace.runs.pool_news import names


def _fact(
    exhibition: Exhibition,
    event: str,
    to: Organisation,
    key: object,
    titles: tuple[str, str],
    bodies: tuple[str, str] = ("", ""),
    *,
    url: str = "",
    **data: object,
) -> Announcement:
    return Announcement(
        event=event,
        deduplication_key=f"{event}:{exhibition.pk}:{to.pk}:{key}",
        organisation=to,
        title_zh=f"{titles[0]}：{exhibition.title_zh or exhibition.title_en}",
        title_en=f"{titles[1]}: {exhibition.title_en or exhibition.title_zh}",
        body_zh=bodies[0],
        body_en=bodies[1],
        url=url or reverse("marketplace:exhibition_detail", args=[exhibition.pk]),
        data={"exhibition": exhibition.pk, "status": exhibition.status, **data},
    )


def _days(exhibition: Exhibition) -> str:
    first, last = timezone.localtime(exhibition.starts_at), timezone.localtime(exhibition.ends_at)
    return f"{first:%Y-%m-%d} – {last:%Y-%m-%d}"


def invited(visit: Visit) -> list[Announcement]:
    """Tell a firm that an exhibition shows what it is looking for."""
    exhibition, supply, demand = visit.exhibition, visit.supply, visit.demand
    titles = "邀请贵方参观展会", "You are invited to an exhibition"
    place, days = exhibition.park, _days(exhibition)
    supply_zh, supply_en = supply.title_zh or supply.title_en, supply.title_en or supply.title_zh
    demand_zh, demand_en = demand.title_zh or demand.title_en, demand.title_en or demand.title_zh
    bodies = (
        f"{days}，{place.name_zh or place.name_en}。参展的“{supply_zh}”与贵方的“{demand_zh}”匹配。",
        f"{days}, {place.name_en or place.name_zh}. “{supply_en}” on show matches your “{demand_en}”.",
    )
    data = {"visit": visit.pk, "supply": supply.pk, "demand": demand.pk, "score": visit.score}
    return [_fact(exhibition, "exhibition.invited", visit.organisation, "invited", titles, bodies, **data)]


def cancelled(exhibition: Exhibition, firms: Iterable[Organisation], reason: str) -> list[Announcement]:
    titles = "展会已取消", "An exhibition was cancelled"
    return [_fact(exhibition, "exhibition.changed", one, "cancelled", titles, (reason, reason)) for one in firms]


def booth_booked(booking: BoothBooking) -> list[Announcement]:
    exhibition = booking.booth.exhibition
    name_zh, name_en = names(booking.organisation)
    number = booking.booth.number
    titles = f"{name_zh}预订了展位 {number}", f"{name_en} booked booth {number}"
    data = {"booth": booking.booth_id, "organisation": booking.organisation_id}
    to = {one.pk: one for one in (exhibition.park.organisation, booking.organisation)}
    return [_fact(exhibition, "booth.booked", one, booking.pk, titles, **data) for one in to.values()]


def booth_cancelled(booking: BoothBooking) -> list[Announcement]:
    exhibition = booking.booth.exhibition
    name_zh, name_en = names(booking.organisation)
    number = booking.booth.number
    titles = f"{name_zh}退订了展位 {number}", f"{name_en} gave booth {number} back"
    data = {"booth": booking.booth_id, "organisation": booking.organisation_id}
    return [_fact(exhibition, "booth.cancelled", exhibition.park.organisation, booking.pk, titles, **data)]


def visit_answered(visit: Visit) -> list[Announcement]:
    """Tell the park, and the exhibitor whose supply it was invited for."""
    name_zh, name_en = names(visit.organisation)
    titles = f"{name_zh}将参观展会", f"{name_en} comes to the exhibition"
    to = {visit.exhibition.park.organisation_id: visit.exhibition.park.organisation}
    if visit.supply is not None:
        to[visit.supply.organisation_id] = visit.supply.organisation
    data = {"visit": visit.pk, "organisation": visit.organisation_id}
    return [_fact(visit.exhibition, "visit.answered", one, visit.pk, titles, **data) for one in to.values()]


def _meeting(
    meeting: Meeting, event: str, to: Organisation, titles: tuple[str, str], bodies: tuple[str, str] = ("", "")
) -> list[Announcement]:
    start = timezone.localtime(meeting.slot.lower)
    day = f"{start:%Y-%m-%d}"
    when = f"{start:%Y-%m-%d %H:%M}"
    url = reverse("marketplace:meeting_list", args=[meeting.exhibition_id]) + f"?day={day}"
    return [
        _fact(
            meeting.exhibition,
            event,
            to,
            f"{meeting.pk}:{meeting.status}",
            titles,
            (f"{when} {bodies[0]}".strip(), f"{when} {bodies[1]}".strip()),
            url=url,
            meeting=meeting.pk,
            start=meeting.slot.lower.isoformat(),
        )
    ]


def meeting_requested(meeting: Meeting) -> list[Announcement]:
    name_zh, name_en = names(meeting.requested_for)
    titles = f"{name_zh}希望与贵方会面", f"{name_en} asks to meet you"
    return _meeting(meeting, "meeting.requested", meeting.answered_for, titles, (meeting.subject, meeting.subject))


def meeting_answered(meeting: Meeting) -> list[Announcement]:
    name_zh, name_en = names(meeting.answered_for)
    if meeting.status == Meeting.Status.CONFIRMED:
        titles = f"{name_zh}已确认会面", f"{name_en} confirmed the meeting"
    else:
        titles = f"{name_zh}婉拒了会面", f"{name_en} declined the meeting"
    return _meeting(meeting, f"meeting.{meeting.status}", meeting.requested_for, titles)


def meeting_cancelled(meeting: Meeting, *, by: Organisation) -> list[Announcement]:
    name_zh, name_en = names(by)
    titles = f"{name_zh}取消了会面", f"{name_en} cancelled the meeting"
    return _meeting(meeting, "meeting.cancelled", meeting.other(by), titles)
