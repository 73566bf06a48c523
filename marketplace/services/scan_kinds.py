"""What each kind of scan does to a shipment or a lot. ``scans`` calls them, with the shipment's row locked."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Announcement,
    Attachment,
    Facility,
    FulfilmentEvent,
    Lot,
    Organisation,
    Package,
    Shipment,
    StockMove,
    User,
)
from marketplace.services import orders, stock
from marketplace.services.fulfilment_events import orders_of, tell, write_event
from marketplace.services.lots import read_quantity
from marketplace.services.shipments import set_off
from marketplace.services.weights import TENTH, judge_weight

Kind = FulfilmentEvent.Kind
Status = Shipment.Status
NOTHING = Decimal(0)
BEFORE_ARRIVAL = (Status.PLANNED, Status.DISPATCHED)
ON_THE_GROUNDS = (Status.ARRIVED, Status.WEIGHED, Status.INSPECTED, Status.STORED)
GONE = (Status.HANDED_OVER, Status.RECEIVED)
# Two devices that record the same within this time mean the same.
SAME_FACT = timedelta(minutes=10)
APPLY, DROP = "apply", "drop"


class AlreadyRecorded(RuleBroken):
    """The same was recorded before: nothing is to be done, and nothing is wrong."""


class ScanRefused(RuleBroken):
    """What was scanned cannot be recorded, whoever decides."""


class ScanDoesNotFit(RuleBroken):
    """What was scanned does not fit what happened meanwhile; ``choices`` are what a person may decide."""

    def __init__(self, message: str, choices: Sequence[str] = (APPLY, DROP)) -> None:
        self.choices = list(choices)
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One scan, its target found and locked."""

    key: uuid.UUID
    kind: str
    shipment: Shipment
    lots: Sequence[Lot]
    by: User
    organisation: Organisation
    recorded_at: datetime
    now: datetime
    lot: Lot | None = None
    package: Package | None = None
    facility: Facility | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    device: str = ""
    note: str = ""
    attachments: Sequence[Attachment] = ()
    choice: str = ""
    # What is to be told of it, together with what else comes of a queue.
    news: list[Announcement] = field(default_factory=list)

    def facts(self, **changed) -> dict[str, Any]:
        """Return what ``write_event`` is told of every scan."""
        return {
            "shipment": self.shipment,
            "lots": self.lots,
            "by": self.by,
            "organisation": self.organisation,
            "recorded_at": self.recorded_at,
            "now": self.now,
            "key": self.key,
            "device": self.device,
            "note": self.note,
            "attachments": self.attachments,
            **changed,
        }

    @property
    def is_applied(self) -> bool:
        """Say whether a person decided to apply it though it does not fit."""
        return self.choice == APPLY


def _become(scan: Scan, status: str, **changes) -> bool:
    """Move the shipment on where its status allows it; one UPDATE decides."""
    if not Shipment.objects.filter(pk=scan.shipment.pk).become(status, now=scan.now, **changes):
        return False
    scan.shipment.status = Status(status)
    for name, value in changes.items():
        setattr(scan.shipment, name, value)
    return True


def dispatch(scan: Scan) -> FulfilmentEvent:
    shipment = scan.shipment
    if shipment.status == Status.CANCELLED:
        raise ScanDoesNotFit(_("This shipment was cancelled."), [DROP])
    if shipment.status != Status.PLANNED:
        raise AlreadyRecorded(_("It is on its way already."))
    set_off(
        shipment,
        by=scan.by,
        organisation=scan.organisation,
        recorded_at=scan.recorded_at,
        now=scan.now,
        key=scan.key,
        device=scan.device,
        note=scan.note,
        attachments=scan.attachments,
    )
    for lot in scan.lots:
        lot.status = Lot.Status.IN_TRANSIT
    return FulfilmentEvent.objects.get(key=scan.key)


def arrive(scan: Scan, *, key: uuid.UUID | None = None) -> FulfilmentEvent:
    shipment = scan.shipment
    if shipment.status == Status.CANCELLED:
        raise ScanDoesNotFit(_("This shipment was cancelled by its sender: send it back, or ask the sender."), [DROP])
    if shipment.status in (*ON_THE_GROUNDS, *GONE):
        raise AlreadyRecorded(_("Its arrival is recorded already."))
    if shipment.status == Status.PLANNED:
        if not scan.is_applied:
            raise ScanDoesNotFit(_("Its sender has not dispatched it yet. Let it in all the same?"))
        # The sender forgot to say so, and the goods are here.
        depart_key = uuid.uuid5(scan.key, Kind.DISPATCHED)
        set_off(
            shipment,
            by=scan.by,
            organisation=scan.organisation,
            recorded_at=scan.recorded_at,
            now=scan.now,
            key=depart_key,
            device=scan.device,
        )
    _become(scan, Status.ARRIVED, arrived_at=scan.recorded_at)
    shipment.lots.filter(status__in=[Lot.Status.PACKED, Lot.Status.IN_TRANSIT]).update(status=Lot.Status.ARRIVED)
    for lot in scan.lots:
        lot.status = Lot.Status.ARRIVED
    event = write_event(kind=Kind.ARRIVED, facility=scan.facility, **scan.facts(key=key or scan.key))
    name_zh = shipment.park.name_zh or shipment.park.name_en
    name_en = shipment.park.name_en or shipment.park.name_zh
    tell(
        "shipment.arrived",
        shipment=shipment,
        organisations=_parties(scan),
        titles=(f"{shipment.number} 已到达{name_zh}", f"{shipment.number} arrived at {name_en}"),
        now=scan.now,
        later=scan.news,
    )
    return event


def _parties(scan: Scan) -> list[Organisation]:
    return [scan.shipment.seller, *(order.buyer for order in orders_of(scan.lots))]


def _must_be_here(scan: Scan) -> None:
    """Refuse what can only happen to goods that are on the grounds; a person may decide that they came first."""
    status = scan.shipment.status
    if status == Status.CANCELLED:
        raise ScanDoesNotFit(_("This shipment was cancelled."), [DROP])
    if status in BEFORE_ARRIVAL:
        if not scan.is_applied:
            raise ScanDoesNotFit(_("It has not arrived yet. Record its arrival first, then this?"))
        arrive(scan, key=uuid.uuid5(scan.key, Kind.ARRIVED))


def weigh(scan: Scan) -> FulfilmentEvent:
    _must_be_here(scan)
    shipment = scan.shipment
    if shipment.status == Status.RECEIVED:
        raise ScanDoesNotFit(_("Its receipt is signed: it can no longer be weighed."), [DROP])
    weights = _weights(scan.data)
    known = {"gross_weight_kg": shipment.gross_weight_kg, "tare_weight_kg": shipment.tare_weight_kg}
    news = {name: value for name, value in weights.items() if known[name] != value}
    if not news:
        raise AlreadyRecorded(_("This weight is recorded already."))
    if not scan.is_applied and any(known[name] is not None for name in news):
        last = shipment.events.filter(kind=Kind.WEIGHED).order_by("-recorded_at").first()
        if last and last.recorded_at >= scan.recorded_at:
            raise ScanDoesNotFit(_("It was weighed later with another weight. Put this one in its place?"))
    after = known | news
    gross, tare = after["gross_weight_kg"], after["tare_weight_kg"]
    if gross is not None and tare is not None and gross < tare:
        name = "tare_kg" if "tare_weight_kg" in news else "gross_kg"
        raise InputRefused({name: [_("The vehicle cannot weigh more empty than loaded.")]})
    judged = judge_weight(scan.lots, gross - tare) if None not in (gross, tare) else {}
    news["is_weight_off"] = bool(judged.get("is_exception"))
    if gross is None or not _become(scan, Status.WEIGHED, **news):
        Shipment.objects.filter(pk=shipment.pk).update(updated_at=scan.now, **news)
        for name, value in news.items():
            setattr(shipment, name, value)
    event = write_event(
        kind=Kind.WEIGHED,
        facility=scan.facility,
        data={"gross_kg": gross, "tare_kg": tare} | judged,
        **scan.facts(),
    )
    if judged.get("is_exception"):
        _tell_deviation(scan, judged)
    return event


def _weights(data: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return the weights said, by the column they go to: both or one of them, or ``which`` and ``kg``."""
    if "which" in data:
        if data["which"] not in ("gross", "tare"):
            raise InputRefused({"which": [_("Say “gross” or “tare”.")]})
        data = {f"{data['which']}_kg": data.get("kg")}
    weights = {
        f"{name}_weight_kg": read_quantity(data[f"{name}_kg"], f"{name}_kg", places=TENTH)
        for name in ("gross", "tare")
        if data.get(f"{name}_kg") not in (None, "")
    }
    if not weights:
        raise InputRefused({"gross_kg": [_("Say what it weighs: gross, tare or both.")]})
    if any(weight > 1_000_000 for weight in weights.values()):
        raise InputRefused({"gross_kg": [_("No vehicle weighs that much.")]})
    return weights


def _tell_deviation(scan: Scan, judged: Mapping[str, Any]) -> None:
    number, off = scan.shipment.number, f"{judged['deviation_kg']:+,.1f} kg"
    titles = (
        f"{number} 过磅重量超出允差：{off}",
        f"{number} weighs other than declared: {off}",
    )
    told = [*_parties(scan), scan.shipment.park.organisation]
    said = {"organisations": told, "titles": titles, "key": scan.key, "later": scan.news}
    tell("shipment.deviated", shipment=scan.shipment, now=scan.now, **said)


def _one_lot(scan: Scan) -> Lot:
    """Return the lot that was scanned; a shipment of one lot will do."""
    if scan.lot is not None:
        return scan.lot
    if len(scan.lots) == 1:
        return scan.lots[0]
    raise InputRefused({"token": [_("Scan a lot: there are several in this shipment.")]})


def _same_elsewhere(scan: Scan, lot: Lot, **data: object) -> bool:
    """Say whether another device recorded the same of this lot a few minutes earlier or later."""
    near = (scan.recorded_at - SAME_FACT, scan.recorded_at + SAME_FACT)
    same = lot.events.filter(kind=scan.kind, recorded_at__range=near, **{f"data__{k}": v for k, v in data.items()})
    return same.exclude(device=scan.device, by=scan.by).exists()


def _text(quantity: Decimal) -> str:
    return format(quantity, "f")


def _quantity(scan: Scan, everything: Decimal) -> Decimal:
    """Return the quantity said; without one, the package's, or all there is."""
    if scan.data.get("quantity") not in (None, ""):
        return read_quantity(scan.data["quantity"], "quantity")
    return scan.package.quantity if scan.package else everything


def store(scan: Scan) -> FulfilmentEvent:
    _must_be_here(scan)
    if scan.shipment.status in GONE:
        raise ScanDoesNotFit(_("It was handed over already."), [DROP])
    facility = scan.facility or _booked_warehouse(scan.shipment)
    if facility is None:
        raise InputRefused({"facility": [_("Say in which warehouse.")]})
    lots = [scan.lot] if scan.lot else list(scan.lots)
    if len(lots) > 1 and scan.data.get("quantity") not in (None, ""):
        _one_lot(scan)
    stored = 0
    for place, lot in enumerate(lots):
        left = stock.to_store(lot)
        quantity = _quantity(scan, left)
        if left == 0 and lot.stored_quantity and lot.location_id != facility.pk:
            message = _("This lot lies in %(place)s.") % {"place": lot.location.name}
            raise ScanDoesNotFit(message, [DROP])
        if left == 0 or (scan.package and _package_moved(scan, lot)):
            continue
        if _same_elsewhere(scan, lot, quantity=_text(quantity)):
            continue
        extra = {"package": scan.package.number} if scan.package else {}
        key = scan.key if len(lots) == 1 else uuid.uuid5(scan.key, str(place))
        event = stock.store_lot(lot=lot, facility=facility, quantity=quantity, scan=scan.facts(key=key), more=extra)
        stored += 1
    if not stored:
        raise AlreadyRecorded(_("It is stored already."))
    if len(lots) > 1:
        # So that the scan itself is known by its key, too.
        event = write_event(kind=Kind.STORED, facility=facility, is_recorded=False, **scan.facts())
    advance(scan)
    return event


def _booked_warehouse(shipment: Shipment) -> Facility | None:
    return shipment.warehouse_booking.facility if shipment.warehouse_booking_id else None


def _package_moved(scan: Scan, lot: Lot) -> bool:
    return lot.events.filter(kind=scan.kind, data__package=scan.package.number).exists()


def count(scan: Scan) -> FulfilmentEvent:
    lot = _one_lot(scan)
    said = scan.data.get("quantity")
    quantity = NOTHING if str(said).strip() in ("0", "0.0", "0.00", "0.000") else read_quantity(said, "quantity")
    reason = " ".join(str(scan.data.get("reason") or "").split())[:300]
    if _same_elsewhere(scan, lot, quantity=_text(quantity)):
        raise AlreadyRecorded(_("This count is recorded already."))
    later = lot.stock_moves.filter(at__gt=scan.recorded_at)
    if not scan.is_applied and later.filter(kind=StockMove.Kind.COUNT).exists():
        raise ScanDoesNotFit(_("It was counted again later. Put this count in its place?"))
    return stock.count_lot(lot=lot, quantity=quantity, reason=reason, scan=scan.facts())


def release(scan: Scan) -> FulfilmentEvent:
    lot = _one_lot(scan)
    _must_be_here(scan)
    if lot.stored_quantity == 0:
        if lot.status in (Lot.Status.RELEASED, Lot.Status.RECEIVED):
            raise AlreadyRecorded(_("It was released already."))
        raise ScanDoesNotFit(_("Nothing of this lot is in stock."), [DROP])
    quantity = _quantity(scan, lot.stored_quantity)
    if (scan.package and _package_moved(scan, lot)) or _same_elsewhere(scan, lot, quantity=_text(quantity)):
        raise AlreadyRecorded(_("It was released already."))
    extra = {"package": scan.package.number} if scan.package else {}
    event = stock.release_lot(lot=lot, quantity=quantity, scan=scan.facts(), more=extra)
    advance(scan)
    return event


def hand_over(scan: Scan) -> FulfilmentEvent:
    """Give what was scanned to the receiver; what is still in a warehouse leaves it with that."""
    shipment = scan.shipment
    if shipment.park is not None:
        _must_be_here(scan)
    elif shipment.status == Status.PLANNED:
        raise ScanDoesNotFit(_("Its sender has not dispatched it yet."), [DROP])
    if shipment.status == Status.CANCELLED:
        raise ScanDoesNotFit(_("This shipment was cancelled."), [DROP])
    lots = [scan.lot] if scan.lot else list(scan.lots)
    over = (Lot.Status.RELEASED, Lot.Status.RECEIVED, Lot.Status.RETURNED)
    waiting = [lot for lot in lots if lot.status not in over or lot.stored_quantity]
    if shipment.status in GONE or not waiting:
        raise AlreadyRecorded(_("It was handed over already."))
    for place, lot in enumerate(waiting):
        if lot.stored_quantity:
            key = uuid.uuid5(scan.key, f"release {place}")
            stock.release_lot(lot=lot, quantity=lot.stored_quantity, scan=scan.facts(key=key, attachments=()))
        if lot.status != Lot.Status.REJECTED and lot.open_quantity:
            lot.status = Lot.Status.RELEASED
            lot.save(update_fields=["status"])
    said = {"data": dict(scan.data), "facility": scan.facility, "lot": scan.lot}
    event = write_event(kind=Kind.HANDED_OVER, **said, **scan.facts())
    advance(scan)
    return event


def receive(scan: Scan) -> FulfilmentEvent:
    """Note that the goods reached the buyer; without a park this is their handing over."""
    shipment = scan.shipment
    if shipment.status == Status.RECEIVED:
        raise AlreadyRecorded(_("Its receipt is signed already."))
    if shipment.park is not None and shipment.status not in GONE:
        raise ScanDoesNotFit(_("The park has not handed it over yet."), [DROP])
    if shipment.status in (Status.PLANNED, Status.CANCELLED):
        raise ScanDoesNotFit(_("It has not been dispatched."), [DROP])
    same = shipment.events.filter(kind=Kind.RECEIVED, organisation=scan.organisation, lot=scan.lot)
    if same.exists():
        raise AlreadyRecorded(_("It is recorded already."))
    mine = [lot for lot in scan.lots if lot.order_line.order.buyer_id == scan.organisation.pk]
    lots = [scan.lot] if scan.lot else mine
    for lot in lots:
        if lot.status in (Lot.Status.IN_TRANSIT, Lot.Status.PASSED, Lot.Status.CONCESSION, Lot.Status.ARRIVED):
            lot.status = Lot.Status.RELEASED
            lot.save(update_fields=["status"])
    event = write_event(kind=Kind.RECEIVED, lot=scan.lot, **scan.facts(lots=lots))
    advance(scan)
    return event


def note(scan: Scan) -> FulfilmentEvent:
    if not scan.note and not scan.attachments:
        raise InputRefused({"note": [_("Write what is to be noted.")]})
    return write_event(kind=Kind.NOTED, lot=scan.lot, facility=scan.facility, **scan.facts())


def advance(scan: Scan) -> None:
    """Let the shipment follow its lots."""
    follow_lots(scan.shipment, scan.lots, now=scan.now)


def follow_lots(shipment: Shipment, lots: Sequence[Lot], *, now: datetime) -> None:
    """Move a locked shipment to the status that all of its lots have reached."""
    lot = Lot.Status
    reached = {one.status for one in lots}
    over = {lot.RELEASED, lot.RECEIVED, lot.RETURNED}
    inspected = {lot.PASSED, lot.CONCESSION, lot.REJECTED}
    has_stock = any(one.stored_quantity for one in lots)
    if reached <= over and not has_stock:
        status = Status.HANDED_OVER
    elif reached <= over or (lot.STORED in reached and reached <= {lot.STORED, lot.REJECTED, *over}):
        status = Status.STORED
    elif reached <= {*inspected, *over, lot.STORED}:
        status = Status.INSPECTED
    else:
        return
    rows = Shipment.objects.filter(pk=shipment.pk)
    if rows.become(status, now=now):
        shipment.status = Status(status)
        if status == Status.HANDED_OVER:
            for order in orders_of(lots):
                orders.refresh_status(order=order, now=now)
    is_settled = all(one.open_quantity == 0 for one in lots)
    if shipment.status == Status.HANDED_OVER and is_settled and rows.become(Status.RECEIVED, now=now, received_at=now):
        shipment.status = Status.RECEIVED


ACTS = {
    Kind.DISPATCHED: dispatch,
    Kind.ARRIVED: arrive,
    Kind.WEIGHED: weigh,
    Kind.STORED: store,
    Kind.COUNTED: count,
    Kind.RELEASED: release,
    Kind.HANDED_OVER: hand_over,
    Kind.RECEIVED: receive,
    Kind.NOTED: note,
}
PARK_KINDS = (Kind.ARRIVED, Kind.WEIGHED, Kind.STORED, Kind.COUNTED, Kind.RELEASED, Kind.HANDED_OVER, Kind.NOTED)
SELLER_KINDS = (Kind.DISPATCHED, Kind.NOTED)
BUYER_KINDS = (Kind.RECEIVED, Kind.NOTED)
