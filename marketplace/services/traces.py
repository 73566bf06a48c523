"""The public history of a lot, from its maker to its receiver: what the seller chose to show, and where it was when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Q
from django.utils import timezone

from marketplace.models import FulfilmentEvent, Inspection, Lot, Package, Park, Shipment

Kind = FulfilmentEvent.Kind
# What a stranger may know of a lot's way. Counts, weights, notes and who did it are not among it.
PUBLIC_KINDS = (
    Kind.DISPATCHED,
    Kind.ARRIVED,
    Kind.INSPECTED,
    Kind.STORED,
    Kind.RELEASED,
    Kind.HANDED_OVER,
    Kind.RECEIVED,
    Kind.RETURNED,
)
DAYS = {"picked_on": "picked", "made_on": "made"}


@dataclass(frozen=True)
class Step:
    """One step of a lot's way: what, on which day, where (a region, and perhaps a park), and how an inspection went."""

    kind: str
    on: date
    region: str = ""
    park: Park | None = None
    text: str = ""
    verdict: str = ""
    checked: int = 0
    within: int = 0


@dataclass(frozen=True)
class Trace:
    lot: Lot
    package: Package | None
    facts: list[tuple[str, object]]
    steps: list[Step]
    verdicts: dict[str, str] = field(default_factory=lambda: dict(Inspection.Verdict.choices))


def find_lot(token: str) -> tuple[Lot | None, Package | None]:
    """Return the lot that a token names, by itself or by one of its packages, once it has left its maker."""
    lots = Lot.objects.exclude(shipment__status__in=[Shipment.Status.PLANNED, Shipment.Status.CANCELLED])
    lots = lots.select_related("shipment__seller", "shipment__park", "order_line__order__buyer")
    if (lot := lots.filter(token=token).first()) is not None:
        return lot, None
    package = Package.objects.filter(token=token).first()
    return (lots.filter(pk=package.lot_id).first(), package) if package else (None, None)


def trace_of(lot: Lot, package: Package | None = None) -> Trace:
    """Return what everybody may know of a lot."""
    facts = [(name, lot.public[name]) for name in Lot.PUBLIC_FIELDS if lot.public.get(name)]
    steps = [*_before(lot), *_on_the_way(lot)]
    return Trace(lot, package, facts, sorted(steps, key=lambda step: step.on))


def _before(lot: Lot) -> list[Step]:
    """Return what happened before it was sent, as far as the seller says so with a day."""
    said = []
    for name, kind in DAYS.items():
        try:
            on = date.fromisoformat(str(lot.public.get(name) or ""))
        except ValueError:
            continue
        where = lot.public.get("garden") if name == "picked_on" else lot.public.get("processing")
        said.append(Step(kind, on, text=where or ""))
    return said


def _on_the_way(lot: Lot) -> list[Step]:
    of_lot = Q(lot=lot) | Q(lot=None, kind__in=[Kind.DISPATCHED, Kind.ARRIVED, Kind.HANDED_OVER])
    events = lot.shipment.events.filter(of_lot, kind__in=PUBLIC_KINDS).order_by("recorded_at", "pk")
    steps = [_step(lot, event) for event in events]
    if lot.received_quantity:
        steps.append(Step(Kind.RECEIVED, _received_on(lot), region=city_of(lot.order_line.order.buyer.region)))
    return _once(steps)


def _step(lot: Lot, event: FulfilmentEvent) -> Step:
    shipment = lot.shipment
    on = timezone.localdate(event.recorded_at)
    if event.kind == Kind.DISPATCHED:
        return Step(event.kind, on, region=city_of(shipment.seller.region))
    if event.kind == Kind.RECEIVED:
        return Step(event.kind, on, region=city_of(lot.order_line.order.buyer.region))
    data = event.data if event.kind == Kind.INSPECTED else {}
    return Step(
        event.kind,
        on,
        region=shipment.park.region if shipment.park else "",
        park=shipment.park,
        verdict=data.get("verdict", ""),
        checked=data.get("checked", 0),
        within=data.get("within", 0),
    )


def city_of(region: str) -> str:
    """Return the city a county lies in: closer nobody needs to know.

    >>> city_of("331083")
    '331000'
    """
    return f"{region[:4]}00" if region else ""


def _received_on(lot: Lot) -> date:
    """Return the day on which the last receipt of the lot was signed."""
    signed = lot.receipt_lines.filter(receipt__status="signed").order_by("-receipt__signed_at")
    at: datetime = signed.values_list("receipt__signed_at", flat=True).first()
    return timezone.localdate(at)


def _once(steps: Sequence[Step]) -> list[Step]:
    """Leave out what happened on the same day in the same place again, such as the second half of a storing."""
    seen, kept = set(), []
    for step in steps:
        sign = (step.kind, step.on, step.region, step.verdict)
        if sign not in seen:
            seen.add(sign)
            kept.append(step)
    return kept
