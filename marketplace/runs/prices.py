"""What a booking, a day in a warehouse or a handling costs by the prices in force."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from marketplace.calendars.occupancy import days_begun
from marketplace.models import Facility, PriceItem
from marketplace.models.terms import amount
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, convert

MILLI = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Charge:
    """So much of a unit at a price."""

    quantity: Decimal
    unit: str
    unit_price: Decimal
    currency: str

    @property
    def amount(self) -> Decimal:
        return amount(self.quantity, self.unit_price)


def in_unit(quantity: Decimal, unit: str, wanted: str) -> Decimal:
    """Return a quantity in another unit, to the thousandth.

    :raises UnknownUnit: if nobody knows one of the units
    :raises UnitsDiffer: if they measure different things
    """
    if unit == wanted:
        return quantity
    return Decimal(str(convert(float(quantity), unit, wanted))).quantize(MILLI)


def booking_charges(
    prices: Iterable[PriceItem],
    facility: Facility,
    *,
    start: datetime,
    end: datetime,
    quantity: Decimal | None,
    unit: str,
) -> list[Charge]:
    """Return what a booking costs: every price for bookings in force applies, by time, by quantity or by both."""
    minutes = Decimal(int((end - start).total_seconds())) / 60
    days = Decimal(days_begun(start, end))
    by_time = {
        PriceItem.SLOT: (minutes / facility.slot_minutes).quantize(MILLI),
        PriceItem.HOUR: (minutes / 60).quantize(MILLI),
        PriceItem.DAY: days,
    }
    charges = []
    for item in sorted(prices, key=lambda one: (one.per, one.pk or 0)):
        if item.kind != PriceItem.Kind.BOOKING:
            continue
        if item.per in by_time:
            charged = by_time[item.per]
        elif quantity is None:
            continue
        else:
            is_daily = item.per.endswith(PriceItem.PER_DAY)
            try:
                of_goods = in_unit(quantity, unit, item.per.removesuffix(PriceItem.PER_DAY))
            except (UnknownUnit, UnitsDiffer):
                continue
            charged = of_goods * days if is_daily else of_goods
        charges.append(Charge(charged, item.per, item.price, item.currency))
    return charges


def goods_charge(prices: Iterable[PriceItem], *, kind: str, quantity: Decimal, unit: str) -> Charge | None:
    """Return what storing these goods for a day, or handling them once, costs; None where no price fits their unit."""
    for item in sorted(prices, key=lambda one: (one.per, one.pk or 0)):
        if item.kind != kind:
            continue
        try:
            charged = in_unit(quantity, unit, item.per.removesuffix(PriceItem.PER_DAY))
        except (UnknownUnit, UnitsDiffer):
            continue
        return Charge(charged, item.per, item.price, item.currency)
    return None


def prices_of(facility: Facility, day: date) -> list[PriceItem]:
    return list(facility.prices.on(day))
