"""What happened on the way: the event, the records of the orders it concerns, and who is told."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.urls import reverse

from marketplace.models import (
    Announcement,
    Attachment,
    Facility,
    FulfilmentEvent,
    Lot,
    Order,
    Organisation,
    Shipment,
    User,
)
from marketplace.services import deal_files
from marketplace.services.attachments import share_attachment
from marketplace.services.notifications import notify_many

Kind = FulfilmentEvent.Kind
# What an order's file calls each event of a shipment, and of a lot.
RECORD_KINDS = {
    Kind.DISPATCHED: "shipment.dispatched",
    Kind.ARRIVED: "shipment.arrived",
    Kind.WEIGHED: "shipment.weighed",
    Kind.STORED: "lot.stored",
    Kind.COUNTED: "lot.counted",
    Kind.RELEASED: "lot.released",
    Kind.HANDED_OVER: "shipment.handed_over",
    Kind.RECEIVED: "shipment.received",
    Kind.RETURNED: "lot.returned",
    Kind.CANCELLED: "shipment.cancelled",
    Kind.PLANNED: "shipment.planned",
    Kind.NOTED: "shipment.noted",
}


def orders_of(lots: Iterable[Lot]) -> list[Order]:
    """Return the orders of these lots, each once, in the order in which they are locked everywhere."""
    found = {lot.order_line.order_id: lot.order_line.order for lot in lots}
    return [found[pk] for pk in sorted(found)]


def write_event(  # noqa: PLR0913 - an event has that many sides
    *,
    shipment: Shipment,
    lots: Iterable[Lot],
    kind: str,
    by: User,
    organisation: Organisation,
    recorded_at: datetime,
    now: datetime,
    key: uuid.UUID | None = None,
    lot: Lot | None = None,
    facility: Facility | None = None,
    device: str = "",
    note: str = "",
    data: Mapping[str, object] | None = None,
    attachments: Iterable[Attachment] = (),
    is_recorded: bool = True,
) -> FulfilmentEvent:
    """Add an event, and a record to the file of each order it concerns: the lot's, or all of the shipment's ``lots``."""
    data, attachments = deal_files.plain(data or {}), list(attachments)
    event = FulfilmentEvent.objects.create(
        key=key or uuid.uuid4(),
        shipment=shipment,
        lot=lot,
        kind=kind,
        recorded_at=recorded_at,
        received_at=now,
        by=by,
        organisation=organisation,
        facility=facility,
        place=_place(shipment, organisation, facility),
        device=device,
        data=data,
        note=note,
    )
    orders = orders_of([lot] if lot else lots)
    if attachments:
        event.attachments.set(attachments)
        readers = [shipment.seller, *(order.buyer for order in orders)]
        for attachment in attachments:
            share_attachment(attachment=attachment, readers=readers)
    if not is_recorded:
        return event
    payload = {
        "shipment": shipment.number,
        **({"lot": lot.number} if lot else {}),
        "place": event.place,
        "recorded_at": recorded_at,
        **({"device": device} if device else {}),
        **({"note": note} if note else {}),
        **data,
        **({"attachments": attachments} if attachments else {}),
    }
    for order in orders:
        deal_files.record(order=order, kind=RECORD_KINDS[kind], by=by, at=now, payload=payload)
    return event


def _place(shipment: Shipment, organisation: Organisation, facility: Facility | None) -> str:
    park = shipment.park
    if park is None or organisation.pk != park.organisation_id:
        return ""
    name = park.name_zh or park.name_en
    return f"{name} · {facility.name_zh or facility.name_en}" if facility else name


def tell(
    event: str,
    *,
    shipment: Shipment,
    organisations: Iterable[Organisation],
    titles: tuple[str, str],
    now: datetime,
    key: object = "",
    url: str = "",
    bodies: tuple[str, str] = ("", ""),
    data: Mapping[str, object] | None = None,
    later: list[Announcement] | None = None,
) -> None:
    """Tell organisations, each once, what happened to a shipment; ``key`` names the fact within it.

    With ``later`` it is only noted there, for a caller who tells many facts at once.
    """
    facts = {
        "event": event,
        "deduplication_key": f"{event}:{shipment.pk}:{key}",
        "title_zh": titles[0],
        "title_en": titles[1],
        "body_zh": bodies[0],
        "body_en": bodies[1],
        "url": url or reverse("marketplace:shipment_detail", args=[shipment.pk]),
        "data": {"shipment": shipment.pk, "number": shipment.number, "status": str(shipment.status), **(data or {})},
    }
    told = {one.pk: one for one in organisations}
    news = [Announcement(organisation=one, **facts) for one in told.values()]
    if later is None:
        notify_many(news, now=now)
    else:
        later.extend(news)
