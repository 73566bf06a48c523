"""The one way in for what gate, weighbridge, dock and warehouse record, one scan at a time or a queue of them at once.

Everything may come twice: the same scan again, or the same fact from another device. Both are harmless.
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Announcement,
    Attachment,
    Facility,
    FulfilmentEvent,
    Lot,
    Membership,
    Order,
    Organisation,
    Package,
    Park,
    ScanConflict,
    Shipment,
    User,
)
from marketplace.services.notifications import notify_many
from marketplace.services.scan_kinds import (
    ACTS,
    BUYER_KINDS,
    DROP,
    PARK_KINDS,
    SELLER_KINDS,
    AlreadyRecorded,
    Scan,
    ScanDoesNotFit,
    ScanRefused,
)

Kind = FulfilmentEvent.Kind
TRACE_ADDRESS = re.compile(r"/trace/([\w-]{10,40})/?")
# A device's clock may be a little wrong; a scan of a month ago is no longer news.
CLOCK_ERROR = timedelta(minutes=10)
OLDEST = timedelta(days=31)
LONGEST_TEXT = {"device": 200, "note": 500}
MOST_SCANS = 1000
LONGEST_TOKEN = 40
# Long enough that a queue goes fast, short enough that nobody waits long for the rows it holds.
AT_ONCE = 50
LOT_PARTS = ("order_line__order__buyer", "location")

DONE, DUPLICATE, CONFLICT, REFUSED = "done", "duplicate", "conflict", "refused"
# What can be recorded next, by status: what the buttons of a phone at the gate show.
NEXT = {
    Shipment.Status.PLANNED: (Kind.DISPATCHED, Kind.ARRIVED),
    Shipment.Status.DISPATCHED: (Kind.ARRIVED, Kind.RECEIVED),
    Shipment.Status.ARRIVED: (Kind.WEIGHED, Kind.STORED, Kind.HANDED_OVER),
    Shipment.Status.WEIGHED: (Kind.WEIGHED, Kind.STORED, Kind.HANDED_OVER),
    Shipment.Status.INSPECTED: (Kind.WEIGHED, Kind.STORED, Kind.RELEASED, Kind.HANDED_OVER),
    Shipment.Status.STORED: (Kind.WEIGHED, Kind.COUNTED, Kind.RELEASED, Kind.HANDED_OVER),
    Shipment.Status.HANDED_OVER: (Kind.RECEIVED,),
    Shipment.Status.RECEIVED: (),
    Shipment.Status.CANCELLED: (),
}


@dataclass(frozen=True, kw_only=True)
class ScanOutcome:
    """What became of a scan: done, a harmless duplicate, a conflict with ``choices``, or refused; ``state`` is now."""

    key: uuid.UUID
    result: str
    event: FulfilmentEvent | None = None
    message: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    choices: list[str] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Target:
    """What a token names: a shipment, and within it perhaps a lot or a package."""

    shipment: Shipment
    lot: Lot | None = None
    package: Package | None = None


@dataclass
class Scanner:
    """Who scans, and for whom: asked once for a whole queue."""

    user: User
    parks: set[int]
    trading: set[int]

    @classmethod
    def of(cls, user: User) -> "Scanner":
        parks = Park.objects.run_by(user).values_list("pk", flat=True)
        trading = Organisation.objects.of(user, *Membership.TRADING_ROLES).values_list("pk", flat=True)
        return cls(user=user, parks=set(parks), trading=set(trading))

    def acts_for(self, target: Target, lots: Sequence[Lot], kind: str) -> Organisation | None:
        """Return the organisation in whose name the user may record this kind, None if there is none."""
        shipment = target.shipment
        if kind in PARK_KINDS and shipment.park_id in self.parks:
            return shipment.park.organisation
        hands_over = kind == Kind.HANDED_OVER and shipment.park_id is None
        if (kind in SELLER_KINDS or hands_over) and shipment.seller_id in self.trading:
            return shipment.seller
        if kind in BUYER_KINDS or hands_over:
            asked = [target.lot] if target.lot else lots
            buyers = [lot.order_line.order.buyer for lot in asked]
            return next((buyer for buyer in buyers if buyer.pk in self.trading), None)
        return None

    def seen(self, shipment: Shipment, lots: Sequence[Lot]) -> list[Lot]:
        """Return the lots that the user may see: all as their park or seller, as a buyer those bought."""
        if shipment.park_id in self.parks or shipment.seller_id in self.trading:
            return list(lots)
        return [lot for lot in lots if lot.order_line.order.buyer_id in self.trading]


def token_of(text: str) -> str:
    """Return the token that a QR code carries: alone, or within the address of a trace page."""
    found = TRACE_ADDRESS.search(text)
    return found[1] if found else text.strip()


def find_targets(texts: Iterable[str]) -> dict[str, Target]:
    """Return what each text names by a token, or by the number of a shipment typed in its place; in four queries."""
    tokens = {text: token_of(text) for text in texts}
    tokens = {text: token for text, token in tokens.items() if 0 < len(token) <= LONGEST_TOKEN and "\x00" not in token}
    asked = set(tokens.values())
    found: dict[str, Target] = {}
    for lot in Lot.objects.filter(token__in=asked).select_related("shipment"):
        found[lot.token] = Target(lot.shipment, lot)
    if asked - set(found):
        for shipment in Shipment.objects.filter(token__in=asked - set(found)):
            found[shipment.token] = Target(shipment)
    if asked - set(found):
        for package in Package.objects.filter(token__in=asked - set(found)).select_related("lot__shipment"):
            found[package.token] = Target(package.lot.shipment, package.lot, package)
    if rest := {token.upper(): token for token in asked - set(found)}:
        for shipment in Shipment.objects.filter(number__in=rest):
            found[rest[shipment.number]] = Target(shipment)
    return {text: found[token] for text, token in tokens.items() if token in found}


def record_scan(  # noqa: PLR0913 - what a device knows of a scan
    *,
    token: str,
    kind: str,
    key: uuid.UUID,
    by: User,
    recorded_at: datetime,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    facility: Facility | int | str | None = None,
    device: str = "",
    note: str = "",
    attachments: Sequence[Attachment] = (),
    choice: str = "",
) -> ScanOutcome:
    """Record one scan, or say why not; the outcome tells, nothing is raised for what a person at a gate may do.

    ``choice`` is what a person decided on a conflict of this key: ``apply`` or ``drop``.
    """
    said = {
        "token": token,
        "kind": kind,
        "key": key,
        "recorded_at": recorded_at,
        "data": data or {},
        "facility": facility,
        "device": device,
        "note": note,
        "attachments": attachments,
        "choice": choice,
    }
    return record_scans(scans=[said], by=by, now=now)[0]


def record_scans(*, scans: Sequence[Mapping[str, Any]], by: User, now: datetime) -> list[ScanOutcome]:
    """Record a queue of scans in the order in which they were made, and return what became of each, in the order given.

    What one of them is refused for does not hold up the others. Fifty at a time are one transaction.

    :raises InputRefused: if there are more than a thousand
    """
    if len(scans) > MOST_SCANS:
        raise InputRefused({"scans": [_("At most %(count)d at a time.") % {"count": MOST_SCANS}]})
    scanner = Scanner.of(by)
    targets = find_targets(str(said["token"]) for said in scans)
    in_order = sorted(range(len(scans)), key=lambda place: (scans[place]["recorded_at"], place))
    outcomes: dict[int, ScanOutcome] = {}
    for start in range(0, len(in_order), AT_ONCE):
        places = in_order[start : start + AT_ONCE]
        part = [(scans[place], targets.get(str(scans[place]["token"]))) for place in places]
        outcomes |= zip(places, _record_part(part, scanner=scanner, now=now), strict=True)
    return [outcomes[place] for place in range(len(scans))]


@transaction.atomic
def _record_part(
    part: Sequence[tuple[Mapping[str, Any], Target | None]], *, scanner: Scanner, now: datetime
) -> list[ScanOutcome]:
    held = Held.of(target.shipment.pk for _said, target in part if target is not None)
    keys = [said["key"] for said, _target in part]
    # Read after the rows were locked: whoever sent the same scan at the same moment has finished, or waits.
    known = {event.key: event for event in FulfilmentEvent.objects.filter(key__in=keys)}
    conflicts = set(ScanConflict.objects.open().filter(key__in=keys).values_list("key", flat=True))
    news: list[Announcement] = []
    outcomes = []
    for said, target in part:
        key = said["key"]
        outcome = _record(said, target, held, scanner=scanner, known=known.get(key), news=news, now=now)
        if outcome.event is not None:
            known[key] = outcome.event
        if key in conflicts and outcome.result in (DONE, DUPLICATE):
            settled = ScanConflict.Outcome.DROPPED if said.get("choice") == DROP else ScanConflict.Outcome.APPLIED
            ScanConflict.objects.filter(key=key).settle(settled, at=now, by=scanner.user)
        outcomes.append(outcome)
    notify_many(news, now=now)
    return outcomes


class Held:
    """Shipments whose rows are locked, with their lots, as they stand now."""

    def __init__(self) -> None:
        self.shipments: dict[int, Shipment] = {}
        self.lots: dict[int, list[Lot]] = {}

    @classmethod
    def of(cls, ids: Iterable[int]) -> "Held":
        """Lock the shipments, and then their orders, each kind by id: so no two queues wait for one another in a circle."""
        held = cls()
        held.read(set(ids))
        orders = {lot.order_line.order_id for lots in held.lots.values() for lot in lots}
        list(Order.objects.select_for_update(no_key=True).filter(pk__in=orders).order_by("pk").values_list("pk"))
        return held

    def read(self, ids: Iterable[int]) -> None:
        """Read these shipments and their lots anew."""
        rows = Shipment.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=ids)
        for shipment in rows.select_related("seller", "park__organisation").order_by("pk"):
            self.shipments[shipment.pk], self.lots[shipment.pk] = shipment, []
        for lot in Lot.objects.filter(shipment__in=ids).select_related(*LOT_PARTS).order_by("pk"):
            lot.shipment = self.shipments[lot.shipment_id]
            self.lots[lot.shipment_id].append(lot)

    def target(self, target: Target) -> Target:
        """Return the target in the rows that are held."""
        shipment = self.shipments[target.shipment.pk]
        lot = next((one for one in self.lots[shipment.pk] if target.lot and one.pk == target.lot.pk), None)
        return Target(shipment, lot, target.package)


def _record(
    said: Mapping[str, Any],
    target: Target | None,
    held: Held,
    *,
    scanner: Scanner,
    known: FulfilmentEvent | None,
    news: list[Announcement],
    now: datetime,
) -> ScanOutcome:
    key = said["key"]
    shipment_id = target.shipment.pk if target else None
    if target is None or not scanner.seen(held.shipments[shipment_id], held.lots[shipment_id]):
        # The same words for both: a stranger learns nothing.
        return ScanOutcome(key=key, result=REFUSED, message=_("No shipment, lot or package has this code."))
    event, result, why, told = known, DONE, None, len(news)
    try:
        with transaction.atomic():
            event = _act(said, held.target(target), held.lots[shipment_id], scanner, known, news, now)
    except AlreadyRecorded as repeat:
        result, why = DUPLICATE, repeat
    except ScanDoesNotFit as conflict:
        result, why, event = CONFLICT, conflict, None
    except RuleBroken as refusal:
        result, why, event = REFUSED, refusal, None
    is_untouched = result == DONE or (result == DUPLICATE and not said.get("choice"))
    if not is_untouched:
        # What was undone in the database is undone in memory, too. A plain duplicate changed nothing.
        del news[told:]
        held.read([shipment_id])
    now_there = held.target(target)
    if result == CONFLICT:
        _keep_conflict(said, now_there, why, scanner, now)
    return ScanOutcome(
        key=key,
        result=result,
        event=event,
        message=_message_of(why) if why else _("Recorded."),
        state=state_of(now_there, scanner.seen(now_there.shipment, held.lots[shipment_id])),
        choices=why.choices if isinstance(why, ScanDoesNotFit) else [],
        errors=why.errors if isinstance(why, InputRefused) else {},
    )


def _message_of(refusal: RuleBroken) -> str:
    if isinstance(refusal, InputRefused):
        return " ".join(str(message) for messages in refusal.errors.values() for message in messages)
    return str(refusal)


def _act(
    said: Mapping[str, Any],
    target: Target,
    lots: Sequence[Lot],
    scanner: Scanner,
    known: FulfilmentEvent | None,
    news: list[Announcement],
    now: datetime,
) -> FulfilmentEvent:
    key, kind, shipment = said["key"], said["kind"], target.shipment
    if known is not None:
        if known.shipment_id != shipment.pk or known.kind != kind:
            raise ScanRefused(_("This key was used for another scan."))
        raise AlreadyRecorded(_("This scan is recorded already."))
    if said.get("choice") == DROP:
        raise AlreadyRecorded(_("Dropped: nothing was recorded."))
    if kind not in ACTS:
        raise InputRefused({"kind": [_("There is no such kind of scan.")]})
    organisation = scanner.acts_for(target, lots, kind)
    if organisation is None:
        raise ScanRefused(_("Your role does not allow you to record this."))
    _check(said, now)
    return ACTS[kind](
        Scan(
            key=key,
            kind=kind,
            shipment=shipment,
            lots=lots,
            by=scanner.user,
            organisation=organisation,
            recorded_at=min(said["recorded_at"], now),
            now=now,
            lot=target.lot,
            package=target.package,
            facility=_facility(said.get("facility"), shipment),
            data=said.get("data") or {},
            device=said.get("device") or "",
            note=said.get("note") or "",
            attachments=said.get("attachments") or (),
            choice=said.get("choice") or "",
            news=news,
        )
    )


def _check(said: Mapping[str, Any], now: datetime) -> None:
    if said["recorded_at"] > now + CLOCK_ERROR:
        raise InputRefused({"recorded_at": [_("This moment is yet to come: set the device's clock.")]})
    if said["recorded_at"] < now - OLDEST:
        raise InputRefused({"recorded_at": [_("This was recorded more than a month ago.")]})
    for name, longest in LONGEST_TEXT.items():
        if len(said.get(name) or "") > longest:
            raise InputRefused({name: [_("At most %(count)d characters.") % {"count": longest}]})
    if not isinstance(said.get("data") or {}, Mapping):
        raise InputRefused({"data": [_("Give the values by name.")]})


def _facility(said: Facility | int | str | None, shipment: Shipment) -> Facility | None:
    """Return the facility of the shipment's park that is named by row, id or code."""
    if said in (None, ""):
        return None
    there = Facility.objects.filter(park=shipment.park_id).select_related("park")
    if isinstance(said, Facility):
        there = there.filter(pk=said.pk)
    else:
        name = str(said).strip()
        is_id = name.isdigit() and len(name) < 18
        there = there.filter(pk=int(name)) if is_id else there.filter(code=name.upper())
    if (found := there.first()) is None:
        raise InputRefused({"facility": [_("The park has no such facility.")]})
    return found


def _keep_conflict(
    said: Mapping[str, Any], target: Target, conflict: ScanDoesNotFit, scanner: Scanner, now: datetime
) -> None:
    """Keep what does not fit until a person decides, so that it is not lost with the device."""
    ScanConflict.objects.get_or_create(
        key=said["key"],
        defaults={
            "shipment": target.shipment,
            "lot": target.lot,
            "kind": said["kind"],
            "recorded_at": said["recorded_at"],
            "received_at": now,
            "by": scanner.user,
            "device": said.get("device") or "",
            "data": dict(said.get("data") or {}),
            "message": str(conflict)[:500],
            "choices": conflict.choices,
        },
    )


def state_of(target: Target, lots: Sequence[Lot]) -> dict[str, Any]:
    """Return how the shipment and these lots of it stand now, for whoever just scanned one of them."""
    shipment = target.shipment
    return {
        "shipment": shipment.pk,
        "number": shipment.number,
        "token": shipment.token,
        "shipment_status": str(shipment.status),
        "status_name": str(shipment.get_status_display()),
        "vehicle": shipment.vehicle,
        "gross_weight_kg": _number(shipment.gross_weight_kg),
        "tare_weight_kg": _number(shipment.tare_weight_kg),
        "net_weight_kg": _number(shipment.net_weight_kg),
        "is_weight_off": shipment.is_weight_off,
        "lot": target.lot.pk if target.lot else None,
        "package": target.package.number if target.package else None,
        "lots": [_lot_state(lot) for lot in lots],
        "next": [str(kind) for kind in NEXT[shipment.status]],
    }


def _lot_state(lot: Lot) -> dict[str, Any]:
    return {
        "id": lot.pk,
        "number": lot.number,
        "token": lot.token,
        "status": str(lot.status),
        "status_name": str(lot.get_status_display()),
        "quantity": _number(lot.quantity),
        "unit": lot.unit,
        "stored_quantity": _number(lot.stored_quantity),
        "facility": lot.location_id,
        "facility_name": lot.location.name if lot.location else "",
    }


def _number(value) -> str | None:
    return None if value is None else format(value, "f")


def look_up(*, text: str, by: User) -> tuple[Target, list[Lot]] | None:
    """Return what a code names with the lots that the user may see, None if that is nothing."""
    target = find_targets([text]).get(text)
    if target is None:
        return None
    lots = Lot.objects.visible_to(by).filter(shipment=target.shipment).select_related("location").order_by("pk")
    return (target, list(lots)) if lots else None
