"""What the staff of a park has before it today: who comes, who is here, what is to be done next, the docks by time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils import timezone

from marketplace.models import Booking, Facility, Lot, Order, Park, Receipt, Shipment
from marketplace.services.fulfilment_events import orders_of

# The hours that the docks' timeline shows at least.
FIRST_HOUR, LAST_HOUR = 6, 22
MOST_SHOWN = 200
# A hand-over without its receipt is a task for this long; older ones are found by the list of shipments.
RECEIPT_MISSED_AFTER = timedelta(days=30)
TO_STORE = (Lot.Status.PASSED, Lot.Status.CONCESSION)


@dataclass(frozen=True)
class Task:
    """Something to be done with a shipment, since when it can be; ``kind`` is a verb that the page has a word for."""

    kind: str
    since: datetime
    shipment: Shipment
    lot: Lot | None = None
    receipt: Receipt | None = None
    order: Order | None = None


@dataclass(frozen=True)
class Bar:
    """A booking on the timeline, in minutes from its first hour."""

    booking: Booking
    x: int
    width: int


@dataclass(frozen=True)
class Dock:
    facility: Facility
    bars: list[Bar]


@dataclass(frozen=True)
class Timeline:
    """The docks of a day between two hours; ``now`` in minutes from the first, or None where it lies outside."""

    docks: list[Dock]
    first_hour: int
    last_hour: int
    now: int | None

    @property
    def width(self) -> int:
        return (self.last_hour - self.first_hour) * 60

    @property
    def hours(self) -> list[tuple[int, int]]:
        """Return each hour with its place."""
        return [(hour, (hour - self.first_hour) * 60) for hour in range(self.first_hour, self.last_hour)]


@dataclass(frozen=True)
class Board:
    now: datetime
    late: list[Shipment]
    expected: list[Shipment]
    here: list[Shipment]
    tasks: list[Task]
    timeline: Timeline
    requests: int

    @cached_property
    def counts(self) -> dict[str, int]:
        """Return how many tasks of each kind there are."""
        kinds = [task.kind for task in self.tasks]
        return {kind: kinds.count(kind) for kind in kinds}


def day_of(now: datetime) -> tuple[datetime, datetime]:
    """Return where the day of this moment begins and ends, by the clock of its place."""
    start = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return start, start + timedelta(days=1)


def read_board(*, park: Park, now: datetime) -> Board:
    """Return the day of a park as it stands now."""
    end = day_of(now)[1]
    mine = Shipment.objects.filter(park=park)
    rows = (
        (mine.expected_by(end) | mine.on_the_grounds())
        .with_details()
        .select_related("seller", "dock_booking__facility", "warehouse_booking__facility")
    )
    shipments = list(rows.order_by("expected_at", "pk")[:MOST_SHOWN])
    to_come = [one for one in shipments if one.status in Shipment.TO_COME]
    here = [one for one in shipments if one.status not in Shipment.TO_COME]
    late = [one for one in to_come if one.expected_at and one.expected_at < now]
    tasks = [task for one in here for task in _tasks_of(one, end)] + _paper_tasks(park, now)
    return Board(
        now=now,
        late=late,
        expected=[one for one in to_come if one not in late],
        here=here,
        tasks=sorted(tasks, key=lambda task: (task.since, task.shipment.pk, task.kind)),
        timeline=_timeline(park, now),
        requests=Booking.objects.filter(facility__park=park, status=Booking.Status.REQUESTED).count(),
    )


def _tasks_of(shipment: Shipment, end_of_day: datetime) -> Iterator[Task]:
    since = shipment.arrived_at or shipment.updated_at
    lots = list(shipment.lots.all())
    stay = shipment.warehouse_booking
    if shipment.status == Shipment.Status.ARRIVED and shipment.gross_weight_kg is None:
        yield Task("weigh", since, shipment)
    elif shipment.gross_weight_kg is not None and shipment.tare_weight_kg is None:
        yield Task("weigh_empty", since, shipment)
    yield from (Task("inspect", since, shipment, lot) for lot in lots if lot.status == Lot.Status.ARRIVED)
    judged = [lot for lot in lots if lot.status in TO_STORE]
    if stay:
        yield from (Task("store", shipment.updated_at, shipment, lot) for lot in judged if not lot.stored_quantity)
    is_leaving = stay.end <= end_of_day if stay else shipment.status == Shipment.Status.INSPECTED
    if is_leaving and shipment.status in (Shipment.Status.INSPECTED, Shipment.Status.STORED):
        yield Task("hand_over", shipment.updated_at, shipment)


def _paper_tasks(park: Park, now: datetime) -> list[Task]:
    """Return the receipts that wait for a signature, and the hand-overs that have none yet."""
    waiting = Receipt.objects.waiting().filter(shipment__park=park).select_related("shipment__seller", "order__buyer")
    handed_over = Shipment.objects.filter(
        park=park, status=Shipment.Status.HANDED_OVER, updated_at__gt=now - RECEIPT_MISSED_AFTER, receipts=None
    )
    signs = [Task("sign", one.issued_at, one.shipment, receipt=one) for one in waiting.order_by("pk")[:MOST_SHOWN]]
    rows = handed_over.with_details().order_by("pk")[:MOST_SHOWN]
    return signs + [
        Task("issue_receipt", one.updated_at, one, order=order) for one in rows for order in orders_of(one.lots.all())
    ]


def _timeline(park: Park, now: datetime) -> Timeline:
    start, end = day_of(now)
    kinds = (Facility.Kind.DOCK, Facility.Kind.WEIGHBRIDGE)
    facilities = list(park.facilities.filter(kind__in=kinds, is_active=True).order_by("kind", "code"))
    shown = (*Booking.ACTIVE, Booking.Status.COMPLETED, Booking.Status.NO_SHOW)
    rows = Booking.objects.filter(facility__in=facilities, status__in=shown).between(start, end)
    bookings = list(rows.select_related("organisation").prefetch_related("unloadings").order_by("slot", "pk"))
    spans = {one.pk: (max(one.start, start), min(one.end, end)) for one in bookings}
    first, last = FIRST_HOUR, LAST_HOUR
    for begins, ends in spans.values():
        first = min(first, int((begins - start).total_seconds() // 3600))
        last = max(last, -int(-(ends - start).total_seconds() // 3600))
    origin = start + timedelta(hours=first)

    def minutes(moment: datetime) -> int:
        return round((moment - origin).total_seconds() / 60)

    def bar(booking: Booking) -> Bar:
        begins, ends = spans[booking.pk]
        return Bar(booking, minutes(begins), max(minutes(ends) - minutes(begins), 1))

    docks = [Dock(one, [bar(booking) for booking in bookings if booking.facility_id == one.pk]) for one in facilities]
    here = minutes(now)
    return Timeline(docks, first, last, here if 0 <= here <= (last - first) * 60 else None)
