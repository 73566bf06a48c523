"""How full a park's warehouses are, and what lies in them: by warehouse, by owner, by lot."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Case, F, Q, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.models import Facility, Lot, Organisation, Park
from marketplace.parsing.units import convert, same_dimension
from marketplace.runs.facility_calendars import read_calendars
from marketplace.services.park_board import day_of

DAYS_AHEAD = 14
ZERO = Decimal(0)
# What a spreadsheet would take for a formula.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Share:
    """What one organisation has in a warehouse, in its unit; ``x`` and ``width`` are percent of the capacity."""

    organisation: Organisation
    stored: Decimal
    booked: Decimal
    x: float
    width: float
    booked_width: float
    number: int

    @property
    def held(self) -> Decimal:
        return max(self.stored, self.booked)


@dataclass(frozen=True)
class Day:
    at: datetime
    booked: Decimal
    percent: float

    @property
    def on(self) -> date:
        return self.at.date()


@dataclass(frozen=True)
class Occupancy:
    """A warehouse: stored and booked by owner, what is left, the booked peak of the days to come.

    ``others`` is what lies there in units that are none of room (pieces in a warehouse of square metres).
    """

    facility: Facility
    capacity: Decimal | None
    stored: Decimal
    booked: Decimal
    shares: list[Share]
    others: list[tuple[Organisation, Decimal, str]]
    days: list[Day]

    @property
    def taken(self) -> Decimal:
        return sum((share.held for share in self.shares), ZERO)

    @property
    def free(self) -> Decimal | None:
        return None if self.capacity is None else self.capacity - self.taken

    @property
    def percent(self) -> int | None:
        return round(100 * self.taken / self.capacity) if self.capacity else None

    @property
    def is_over(self) -> bool:
        return self.capacity is not None and self.stored > self.capacity


def stock_of(park: Park) -> QuerySet[Lot]:
    """Return the lots that lie in a park, each with the id of its owner: the seller's until received, then the buyer's."""
    owner = Case(When(received_quantity__gt=0, then=F("order_line__order__buyer")), default=F("shipment__seller"))
    return Lot.objects.in_stock().filter(location__park=park).with_names().annotate(owner_id=owner)


def find_stock(*, park: Park, words: str = "", warehouse: int | None = None) -> QuerySet[Lot]:
    """Return the stock of a park that these words name: a lot, a shipment, a plate, an owner or the goods."""
    found = stock_of(park)
    if warehouse:
        found = found.filter(location=warehouse)
    for word in words.split():
        named = Q(number__icontains=word) | Q(token=word) | Q(order_line__description__icontains=word)
        moved = Q(shipment__number__icontains=word) | Q(shipment__vehicle__icontains=word)
        parties = Q()
        for party in ("shipment__seller", "order_line__order__buyer"):
            parties |= Q(**{f"{party}__name_zh__icontains": word}) | Q(**{f"{party}__name_en__icontains": word})
        found = found.filter(named | moved | parties)
    return found.order_by("owner_id", "location__code", "shipment__arrived_at", "pk")


def owner_of(lot: Lot) -> Organisation:
    return lot.order_line.order.buyer if lot.received_quantity > 0 else lot.shipment.seller


def totals_by_owner(lots: Iterable[Lot]) -> list[tuple[Organisation, list[tuple[Decimal, str]]]]:
    """Return what each owner has in stock, unit by unit."""
    owners, totals = {}, defaultdict(lambda: defaultdict(Decimal))
    for lot in lots:
        owner = owner_of(lot)
        owners[owner.pk] = owner
        totals[owner.pk][lot.unit] += lot.stored_quantity
    return [(owners[pk], [(total, unit) for unit, total in sorted(units.items())]) for pk, units in totals.items()]


def stock_csv(lots: Iterable[Lot]) -> bytes:
    """Write the stock as a table for a spreadsheet, with the mark by which it knows UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            _("Owner of the goods"),
            _("Lot"),
            _("Goods"),
            _("In stock"),
            _("Unit"),
            _("Warehouse"),
            _("Shipment"),
            _("Seller"),
            _("Buyer"),
            _("Order"),
            _("Arrived"),
            _("Status"),
        ]
    )
    for lot in lots:
        order, shipment = lot.order_line.order, lot.shipment
        arrived = timezone.localtime(shipment.arrived_at).strftime("%Y-%m-%d %H:%M") if shipment.arrived_at else ""
        row = [owner_of(lot).name, lot.number, lot.order_line.description, lot.stored_quantity, lot.unit]
        row += [lot.location.name, shipment.number, shipment.seller.name, order.buyer.name, order.number, arrived]
        writer.writerow([_harmless(cell) for cell in [*row, lot.get_status_display()]])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(cell: object) -> str:
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def read_occupancy(*, park: Park, now: datetime) -> list[Occupancy]:
    """Return how full each warehouse of a park is now, and how full it is booked for the days to come."""
    start = day_of(now)[0]
    warehouses = list(park.facilities.filter(kind=Facility.Kind.WAREHOUSE, is_active=True).order_by("code"))
    calendars = read_calendars(warehouses, start, start + timedelta(days=DAYS_AHEAD), with_names=True)
    lots = defaultdict(list)
    for lot in stock_of(park):
        lots[lot.location_id].append(lot)
    return [_occupancy(one, lots[one.pk], calendars[one.pk], start, now) for one in warehouses]


def _occupancy(facility: Facility, lots: list[Lot], calendar, start: datetime, now: datetime) -> Occupancy:
    stored, owners, others = defaultdict(Decimal), {}, defaultdict(Decimal)
    for lot in lots:
        owner = owner_of(lot)
        owners[owner.pk] = owner
        if facility.unit and same_dimension(lot.unit, facility.unit):
            stored[owner.pk] += in_unit(lot.stored_quantity, lot.unit, facility.unit)
        else:
            others[owner.pk, lot.unit] += lot.stored_quantity
    capacity = facility.capacity
    booked = defaultdict(Decimal)
    for booking in calendar.bookings:
        if booking.start <= now < booking.end:
            owners[booking.organisation_id] = booking.organisation
            booked[booking.organisation_id] += booking.quantity or capacity or ZERO
    return Occupancy(
        facility=facility,
        capacity=capacity,
        stored=sum(stored.values(), ZERO),
        booked=sum(booked.values(), ZERO),
        shares=_shares(owners, stored, booked, capacity),
        others=[(owners[pk], total, unit) for (pk, unit), total in others.items()],
        days=_days(calendar, start, capacity),
    )


def in_unit(quantity: Decimal, unit: str, wanted: str) -> Decimal:
    return Decimal(str(convert(float(quantity), unit, wanted))).quantize(Decimal("0.001"))


def _shares(owners: dict, stored: dict, booked: dict, capacity: Decimal | None) -> list[Share]:
    """Place the owners side by side, who holds most first; what does not fit into the capacity still shows."""
    held = {pk: max(stored[pk], booked[pk]) for pk in owners if stored[pk] or booked[pk]}
    whole = max(capacity or ZERO, sum(held.values(), ZERO)) or Decimal(1)
    shares, x = [], ZERO
    for number, pk in enumerate(sorted(held, key=lambda one: (-held[one], one))):
        shares.append(
            Share(
                organisation=owners[pk],
                stored=stored[pk],
                booked=booked[pk],
                x=_percent(x, whole),
                width=_percent(stored[pk], whole),
                booked_width=_percent(held[pk], whole),
                number=number % 8,
            )
        )
        x += held[pk]
    return shares


def _percent(part: Decimal, whole: Decimal) -> float:
    return round(float(100 * part / whole), 2)


def _days(calendar, start: datetime, capacity: Decimal | None) -> list[Day]:
    days = []
    for number in range(DAYS_AHEAD):
        begins = start + timedelta(days=number)
        peak = calendar.peak((begins, begins + timedelta(days=1)))
        days.append(Day(begins, peak, min(_percent(peak, capacity), 100) if capacity else 0))
    return days
