from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Booking, Facility, Fee, Organisation, Park, PriceItem, Statement, User
from marketplace.models.terms import CENT
from marketplace.parsing.units import canonical_unit
from marketplace.runs import booking_news, fees
from marketplace.runs.prices import Charge, booking_charges, goods_charge, prices_of
from marketplace.services.notifications import notify_many
from marketplace.services.parks import require_park_manager, require_park_staff

ONE = Decimal(1)


class NoPriceForThis(RuleBroken):
    pass


def price_of(
    facility: Facility, *, start: datetime, end: datetime, quantity: Decimal | None = None, unit: str = ""
) -> list[Charge]:
    """Return what booking this time costs by the prices in force at its beginning; an empty list: nothing."""
    prices = prices_of(facility, timezone.localdate(start))
    return booking_charges(prices, facility, start=start, end=end, quantity=quantity, unit=unit)


@transaction.atomic
def charge_booking(booking: Booking, *, kind: str, by: User, now: datetime, percent: int = 100) -> list[Fee]:
    """Charge a booking, or a part of its price, once; ``kind`` says why."""
    start, end = booking.slot.lower, booking.slot.upper
    said = {
        "park": booking.facility.park,
        "facility": booking.facility,
        "organisation": booking.organisation,
        "booking": booking,
        "kind": kind,
        "accrued_on": timezone.localdate(now),
        "created_by": by,
        "now": now,
    }
    written = []
    for charge in price_of(booking.facility, start=start, end=end, quantity=booking.quantity, unit=booking.unit):
        part = charge
        if percent != 100:
            share = (charge.amount * percent / 100).quantize(CENT)
            part = Charge(ONE, fees.TIME, share, charge.currency)
        if part.amount:
            written.append(fees.write_fee(part, key=f"booking:{booking.pk}:{kind}:{charge.unit}", **said))
    return written


@transaction.atomic
def charge_handling(
    *,
    facility: Facility,
    organisation: Organisation,
    key: str,
    quantity: Decimal,
    unit: str,
    by: User,
    now: datetime,
    note: str = "",
) -> Fee:
    """Charge the handling of goods, once per key.

    :raises NoPriceForThis: if the facility has no handling price for such a unit
    """
    require_park_staff(by, facility.park)
    if quantity <= 0:
        raise InputRefused({"quantity": [_("More than nothing.")]})
    if canonical_unit(unit) is None:
        raise InputRefused({"unit": [_("Nobody here knows this unit.")]})
    day = timezone.localdate(now)
    charge = goods_charge(prices_of(facility, day), kind=PriceItem.Kind.HANDLING, quantity=quantity, unit=unit)
    if charge is None:
        raise NoPriceForThis(_("The facility has no price for handling goods in this unit."))
    return fees.write_fee(
        charge,
        park=facility.park,
        key=key,
        now=now,
        facility=facility,
        organisation=organisation,
        kind=Fee.Kind.HANDLING,
        accrued_on=day,
        note=note.strip()[:200],
        created_by=by,
    )


@transaction.atomic
def accrue_storage(
    *,
    facility: Facility,
    organisation: Organisation,
    key: str,
    quantity: Decimal,
    unit: str,
    day: date,
    now: datetime,
) -> Fee | None:
    """Charge a day's storage, once per key; None where the park asks nothing for such a unit."""
    return fees.accrue_storage(
        facility=facility, organisation=organisation, key=key, quantity=quantity, unit=unit, day=day, now=now
    )


@transaction.atomic
def adjust(
    *,
    park: Park,
    organisation: Organisation,
    amount: Decimal,
    note: str,
    key: str,
    by: User,
    now: datetime,
    currency: str = "CNY",
) -> Fee:
    """Charge or, with a negative amount, credit a firm by hand, once per key; the note says why.

    :raises InputRefused: naming each field that cannot be taken
    """
    require_park_manager(by, park)
    errors = {}
    if not note.strip():
        errors["note"] = [_("Say why.")]
    if not amount or amount != amount.quantize(CENT):
        errors["amount"] = [_("An amount in whole cents, other than nothing.")]
    if errors:
        raise InputRefused(errors)
    return fees.write_fee(
        Charge(ONE, fees.TIME, amount, currency),
        park=park,
        key=f"adjustment:{key}",
        now=now,
        organisation=organisation,
        kind=Fee.Kind.ADJUSTMENT,
        accrued_on=timezone.localdate(now),
        note=note.strip()[:200],
        created_by=by,
    )


@transaction.atomic
def issue_statements(*, park: Park, month: date, by: User, now: datetime) -> list[Statement]:
    """Bill every firm for a month that is over; asked twice, it bills nothing twice.

    :raises InputRefused: if the month is not over
    """
    require_park_manager(by, park)
    first_day = month.replace(day=1)
    today = timezone.localdate(now)
    if first_day > today or fees.next_month(first_day) > today:
        raise InputRefused({"month": [_("This month is not over yet.")]})
    statements = fees.issue_statements(park=park, month=first_day, now=now, by=by)
    facts = [fact for statement in statements for fact in booking_news.issued(statement)]
    notify_many(facts, now=now)
    return statements
