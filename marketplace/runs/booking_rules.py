"""What a facility asks of those who book it: who, when, how much; read from the rows, decided by who calls."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from marketplace.calendars.intervals import Span
from marketplace.calendars.occupancy import amount_days
from marketplace.calendars.opening import week_of
from marketplace.models import Booking, Facility, ListingCertificate, Organisation
from marketplace.parsing.glossary import certificates
from marketplace.runs.facility_calendars import FacilityCalendar

ZERO = Decimal(0)
LONGEST = timedelta(days=366)


def shown(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def span_problems(start: datetime, end: datetime) -> dict[str, list[str]]:
    """Return what is wrong with two moments as the ends of a booking, by field."""
    if end <= start:
        return {"end": [_("The end must lie after the beginning.")]}
    if end - start > LONGEST:
        return {"end": [_("A booking may last a year at most.")]}
    return {}


def notice_problems(
    facility: Facility, start: datetime, *, now: datetime, for_staff: bool = False
) -> dict[str, list[str]]:
    """Return whether a beginning is too soon or too far ahead, by field; the park's own staff need give no notice."""
    refusal = _too_soon_or_late(facility, start, now, for_staff)
    return {"start": [refusal]} if refusal else {}


def opening_problems(calendar: FacilityCalendar, start: datetime, end: datetime) -> dict[str, list[str]]:
    """Return whether the facility is shut then, by field."""
    refusal = _shut(calendar, (start, end))
    return {"start": [refusal]} if refusal else {}


def _too_soon_or_late(facility: Facility, start: datetime, now: datetime, for_staff: bool) -> str:  # noqa: FBT001
    hours, days = 0 if for_staff else facility.minimum_notice_hours, facility.maximum_days_ahead
    if start < now:
        return _("This time has passed.")
    if start < now + timedelta(hours=hours):
        message = ngettext("Book at least %(hours)d hour ahead.", "Book at least %(hours)d hours ahead.", hours)
        return message % {"hours": hours}
    if start > now + timedelta(days=days):
        message = ngettext("Book at most %(days)d day ahead.", "Book at most %(days)d days ahead.", days)
        return message % {"days": days}
    return ""


def _shut(calendar: FacilityCalendar, span: Span) -> str:
    if closure := calendar.closure_in(span):
        said = {"start": shown(closure.period.lower), "end": shown(closure.period.upper), "reason": closure.reason}
        return _("Closed from %(start)s until %(end)s: %(reason)s.") % said
    if calendar.is_open_for(span):
        return ""
    if calendar.facility.shares_capacity:
        return _("Begin and end within the opening hours.")
    minutes = calendar.facility.slot_minutes
    message = ngettext(
        "Book whole slots of %(minutes)d minute within the opening hours.",
        "Book whole slots of %(minutes)d minutes within the opening hours.",
        minutes,
    )
    return message % {"minutes": minutes}


def lacking(organisation: Organisation, facility: Facility, *, day: date) -> list[str]:
    """Return what the organisation lacks to book here; an empty list: nothing."""
    missing = []
    if organisation.state in (Organisation.State.SUSPENDED, Organisation.State.REFUSED):
        missing.append(_("The organisation is not admitted to the market."))
    elif facility.verified_only and organisation.state != Organisation.State.APPROVED:
        missing.append(_("Only verified organisations may book here."))
    if facility.required_certificates:
        current = Q(expires_on=None) | Q(expires_on__gte=day)
        held = set(
            ListingCertificate.objects.filter(
                current, listing__organisation=organisation, code__in=facility.required_certificates
            ).values_list("code", flat=True)
        )
        missing += [
            _("A current certificate is missing: %(name)s.") % {"name": _certificate_name(code)}
            for code in facility.required_certificates
            if code not in held
        ]
    return missing


def _certificate_name(code: str) -> str:
    entry = certificates().get(code)
    if entry is None:
        return code
    return entry.en if get_language() == "en" else entry.zh


def quota_use(facility: Facility, start: datetime, end: datetime, quantity: Decimal | None) -> Decimal:
    """Return how much of a weekly quota a time takes: hours, or unit · days of a shared capacity."""
    if facility.shares_capacity:
        return amount_days(start, end, quantity or ZERO)
    return Decimal(int((end - start).total_seconds())) / 3600


def quota_left(
    facility: Facility, organisation: Organisation, start: datetime, *, without: Booking | None = None
) -> Decimal | None:
    """Return how much the organisation may still book in the week of a moment; None: as much as it likes."""
    if facility.weekly_quota is None:
        return None
    week = week_of(start, timezone.get_default_timezone())
    booked = Booking.objects.counted_in_quota().filter(
        facility=facility, organisation=organisation, slot__startswith__gte=week[0], slot__startswith__lt=week[1]
    )
    if without is not None:
        booked = booked.exclude(pk=without.pk)
    spans = booked.values_list("slot", "quantity")
    return facility.weekly_quota - sum(
        (quota_use(facility, slot.lower, slot.upper, quantity) for slot, quantity in spans), ZERO
    )


def language() -> str:
    """Return the language in which quantities are written for the reader."""
    return "en" if get_language() == "en" else "zh"
