"""What went otherwise than planned in a park, in one list: each with since when, what is known, and where to put it right."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from marketplace.models import Booking, Facility, Lot, Organisation, Park, ScanConflict, Shipment
from marketplace.parsing.units import same_dimension
from marketplace.services.park_stock import in_unit, read_occupancy, stock_of

# What ended is shown for a week: longer and nobody reads the list.
SHOWN_FOR = timedelta(days=7)
MOST_OF_A_KIND = 100
KINDS = {
    "conflict": _("Scan that does not fit"),
    "late": _("Late arrival"),
    "weight": _("Weight out of tolerance"),
    "rejected": _("Rejected lot"),
    "no_show": _("Nobody came"),
    "overstay": _("Overstay"),
    "overrun": _("More than was booked"),
}

# What a scan says in its data, for people; the rest is for machines.
SAID = {
    "gross_kg": _("Gross weight, kg"),
    "tare_kg": _("Tare weight, kg"),
    "quantity": _("Quantity"),
    "reason": _("Why it differs"),
}


@dataclass(frozen=True)
class Exceptional:
    """One thing that is not as it should be; what it is about is named by the fields that are not None."""

    kind: str
    since: datetime
    organisation: Organisation | None = None
    shipment: Shipment | None = None
    lot: Lot | None = None
    booking: Booking | None = None
    facility: Facility | None = None
    conflict: ScanConflict | None = None
    quantity: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""

    @property
    def said(self) -> list[tuple[str, object]]:
        """Return what the scan of a conflict said, each value with its name for people."""
        data = self.conflict.data if self.conflict else {}
        return [(SAID[name], data[name]) for name in SAID if data.get(name) not in (None, "")]

    @property
    def title(self) -> str:
        return KINDS[self.kind]


def read_exceptions(*, park: Park, now: datetime) -> list[Exceptional]:
    """Return what is not as it should be in a park, newest first within its kind, the kinds in the order of KINDS."""
    found = [
        *_conflicts(park),
        *_late(park, now),
        *_off_weight(park, now),
        *_rejected(park),
        *_no_shows(park, now),
        *_overstays(park, now),
        *_overruns(park, now),
    ]
    order = list(KINDS)
    return sorted(found, key=lambda one: (order.index(one.kind), -one.since.timestamp()))


def _conflicts(park: Park) -> list[Exceptional]:
    rows = ScanConflict.objects.open().filter(shipment__park=park).select_related("shipment__seller", "lot", "by")
    return [
        Exceptional("conflict", one.recorded_at, one.shipment.seller, one.shipment, one.lot, conflict=one)
        for one in rows.order_by("-pk")[:MOST_OF_A_KIND]
    ]


def _late(park: Park, now: datetime) -> list[Exceptional]:
    rows = Shipment.objects.filter(park=park, status__in=Shipment.TO_COME, expected_at__lt=now)
    rows = rows.select_related("seller").order_by("-expected_at")[:MOST_OF_A_KIND]
    return [Exceptional("late", one.expected_at, one.seller, one) for one in rows]


def _off_weight(park: Park, now: datetime) -> list[Exceptional]:
    here = Shipment.objects.filter(park=park, is_weight_off=True)
    rows = here.on_the_grounds() | here.filter(updated_at__gt=now - SHOWN_FOR)
    rows = rows.select_related("seller").order_by("-arrived_at", "-pk")[:MOST_OF_A_KIND]
    return [
        Exceptional("weight", one.arrived_at or one.updated_at, one.seller, one, quantity=one.net_weight_kg, unit="kg")
        for one in rows
    ]


def _rejected(park: Park) -> list[Exceptional]:
    rows = Lot.objects.filter(shipment__park=park, rejected_quantity__gt=F("sent_back_quantity")).with_names()
    return [
        Exceptional(
            "rejected",
            lot.shipment.updated_at,
            lot.shipment.seller,
            lot.shipment,
            lot,
            quantity=lot.undecided_quantity,
            unit=lot.unit,
        )
        for lot in rows.order_by("-pk")[:MOST_OF_A_KIND]
    ]


def _no_shows(park: Park, now: datetime) -> list[Exceptional]:
    mine = Booking.objects.filter(facility__park=park, mode=Facility.Mode.SLOT, slot__endswith__lte=now)
    missed = mine.filter(status=Booking.Status.NO_SHOW, slot__endswith__gt=now - SHOWN_FOR)
    # A slot that passed and that nobody closed: somebody has to say whether they came.
    unsaid = mine.filter(status=Booking.Status.CONFIRMED)
    rows = (missed | unsaid).with_names().order_by("-slot")[:MOST_OF_A_KIND]
    return [Exceptional("no_show", one.start, one.organisation, booking=one, facility=one.facility) for one in rows]


def _overstays(park: Park, now: datetime) -> list[Exceptional]:
    """Return the bookings in use beyond their time, and the stock whose booking of room has ended."""
    over = Booking.objects.filter(facility__park=park, status=Booking.Status.IN_USE, slot__endswith__lte=now)
    rows = over.with_names().order_by("-slot")[:MOST_OF_A_KIND]
    stays = [Exceptional("overstay", one.end, one.organisation, booking=one, facility=one.facility) for one in rows]
    lots = stock_of(park).filter(shipment__warehouse_booking__slot__endswith__lte=now)
    lots = lots.exclude(shipment__warehouse_booking__status=Booking.Status.IN_USE)
    lots = lots.select_related(
        "shipment__seller", "order_line__order__buyer", "location__park", "shipment__warehouse_booking__organisation"
    ).order_by("-pk")[:MOST_OF_A_KIND]
    return stays + [
        Exceptional(
            "overstay",
            lot.shipment.warehouse_booking.end,
            lot.shipment.warehouse_booking.organisation,
            lot.shipment,
            lot,
            facility=lot.location,
            quantity=lot.stored_quantity,
            unit=lot.unit,
        )
        for lot in lots
    ]


def _overruns(park: Park, now: datetime) -> list[Exceptional]:
    """Return the warehouses that hold more than they have room for, and the bookings that hold more than was booked."""
    found = [
        Exceptional(
            "overrun", now, facility=one.facility, quantity=one.stored, limit=one.capacity, unit=one.facility.unit
        )
        for one in read_occupancy(park=park, now=now)
        if one.is_over
    ]
    stored, bookings = defaultdict(Decimal), {}
    lots = stock_of(park).filter(shipment__warehouse_booking__quantity__isnull=False)
    for lot in lots.select_related("shipment__warehouse_booking__organisation", "location"):
        booking = lot.shipment.warehouse_booking
        if lot.location_id == booking.facility_id and same_dimension(lot.unit, booking.unit):
            bookings[booking.pk] = (booking, lot)
            stored[booking.pk] += in_unit(lot.stored_quantity, lot.unit, booking.unit)
    return found + [
        Exceptional(
            "overrun",
            booking.start,
            booking.organisation,
            booking=booking,
            facility=lot.location,
            quantity=stored[pk],
            limit=booking.quantity,
            unit=booking.unit,
        )
        for pk, (booking, lot) in bookings.items()
        if stored[pk] > booking.quantity
    ]
