"""What the buyer says to an inspection: whether it takes goods at a concession, and what becomes of rejected ones."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import (
    FulfilmentEvent,
    Inspection,
    Lot,
    Membership,
    Organisation,
    PriceReduction,
    Shipment,
    StockMove,
    User,
)
from marketplace.models.terms import CENT
from marketplace.runs.order_amounts import gross
from marketplace.services import deal_files, order_lines, orders
from marketplace.services.fulfilment_events import tell, write_event
from marketplace.services.inspections import InspectionAlreadyAnswered, lock_lot
from marketplace.services.organisations import require_role
from marketplace.services.scan_kinds import follow_lots


@transaction.atomic
def answer_concession(*, inspection: Inspection, is_agreed: bool, by: User, now: datetime) -> Inspection:
    """Let the buyer take goods at a concession, at the lower price, or not at all.

    :raises OnlyMembersMay: if ``by`` does not trade for the buyer
    :raises InspectionAlreadyAnswered: if it is answered, or another inspection took its place
    """
    shipment, _lots, lot = lock_lot(inspection.lot)
    order = lot.order_line.order
    require_role(by, order.buyer, *Membership.TRADING_ROLES)
    answer = Inspection.Concession.AGREED if is_agreed else Inspection.Concession.REFUSED
    if not Inspection.objects.filter(pk=inspection.pk).answer_concession(answer, by=by, at=now):
        raise InspectionAlreadyAnswered(_("This concession is answered already, or was taken back."))
    inspection.refresh_from_db()
    quantity = inspection.concession_quantity
    if is_agreed:
        lot.accepted_quantity += quantity
        _reduce_price(inspection, lot, by, now)
    else:
        lot.rejected_quantity += quantity
        if not lot.accepted_quantity:
            lot.status = Lot.Status.REJECTED
    lot.save(update_fields=["accepted_quantity", "rejected_quantity", "status"])
    payload = {
        "inspection": inspection.number,
        "lot": lot.number,
        "quantity": quantity,
        "unit": lot.unit,
        "price_reduction_percent": inspection.price_reduction_percent,
    }
    kind = "concession.agreed" if is_agreed else "concession.refused"
    deal_files.record(order=order, kind=kind, by=by, at=now, payload=payload)
    orders.refresh_status(order=order, now=now)
    titles = (
        f"买方{'同意' if is_agreed else '不同意'}让步接收批次 {lot.number}",
        f"The buyer {'agreed to' if is_agreed else 'refused'} the concession on lot {lot.number}",
    )
    _tell_decision(inspection, shipment, titles, kind, now)
    return inspection


def _reduce_price(inspection: Inspection, lot: Lot, by: User, now: datetime) -> None:
    """Write down by how much the order becomes cheaper, tax included."""
    order, line = lot.order_line.order, lot.order_line
    line.conceded = inspection.concession_quantity
    amount = (gross(order, [line], "conceded") * inspection.price_reduction_percent / 100).quantize(CENT)
    if amount:
        reason = f"{inspection.number}: {inspection.price_reduction_percent.normalize():f} %"
        PriceReduction.objects.create(order=order, line=line, amount=amount, reason=reason, by=by, at=now)


def _tell_decision(
    inspection: Inspection, shipment: Shipment, titles: tuple[str, str], kind: str, now: datetime
) -> None:
    told = [shipment.seller] + ([shipment.park.organisation] if shipment.park else [])
    tell(
        "lot.decided",
        shipment=shipment,
        organisations=told,
        titles=titles,
        now=now,
        key=f"{inspection.number}:{kind}",
        url=reverse("marketplace:inspection_detail", args=[inspection.pk]),
        data={"lot": inspection.lot_id, "inspection": inspection.pk, "decision": kind},
    )


@transaction.atomic
def decide_rejected(*, inspection: Inspection, remedy: str, by: User, now: datetime) -> Inspection:
    """Let the buyer send rejected goods back: for good, or to have them replaced (they are outstanding again).

    :raises OnlyMembersMay: if ``by`` does not trade for the buyer
    :raises InputRefused: at ``remedy``, if there is no such
    :raises InspectionAlreadyAnswered: if it was decided, or nothing is rejected (any more)
    :raises NotThatMuchThere: if what is rejected is frozen in a dispute
    """
    shipment, lots, lot = lock_lot(inspection.lot)
    order = lot.order_line.order
    require_role(by, order.buyer, *Membership.TRADING_ROLES)
    if remedy not in Inspection.Remedy.values:
        raise InputRefused({"remedy": [_("There is no such answer.")]})
    inspection.refresh_from_db()
    quantity = inspection.to_remedy
    if not quantity or not Inspection.objects.filter(pk=inspection.pk).remedy(remedy, by=by, at=now):
        raise InspectionAlreadyAnswered(_("Nothing of this lot waits for a decision."))
    is_replaced = remedy == Inspection.Remedy.REPLACE
    send_back(
        shipment,
        lots,
        lot,
        quantity,
        is_replaced=is_replaced,
        by=by,
        organisation=order.buyer,
        reason=inspection.number,
        now=now,
    )
    orders.refresh_status(order=order, now=now)
    follow_lots(shipment, lots, now=now)
    titles = (
        f"买方{'要求换货' if is_replaced else '退回'}：批次 {lot.number}",
        f"The buyer {'wants a replacement of' if is_replaced else 'sends back'} lot {lot.number}",
    )
    _tell_decision(inspection, shipment, titles, f"lot.{remedy}", now)
    inspection.refresh_from_db()
    return inspection


def send_back(
    shipment: Shipment,
    lots: list[Lot],
    lot: Lot,
    quantity: Decimal,
    *,
    is_replaced: bool,
    by: User,
    organisation: Organisation,
    reason: str,
    now: datetime,
) -> None:
    """Move what was rejected of a lot back to the seller, in the books, in the order and out of the warehouse."""
    order_lines.move(
        line=lot.order_line,
        quantity=quantity,
        source="in_delivery",
        target="outstanding" if is_replaced else "returned",
        by=by,
        at=now,
        reason=reason,
        shipment=shipment,
    )
    take_back(
        shipment, lots, lot, quantity, is_replaced=is_replaced, by=by, organisation=organisation, reason=reason, now=now
    )


def take_back(
    shipment: Shipment,
    lots: list[Lot],
    lot: Lot,
    quantity: Decimal,
    *,
    is_replaced: bool,
    by: User,
    organisation: Organisation,
    reason: str,
    now: datetime,
) -> None:
    """Move a part of a lot back to the seller, in the books and out of the warehouse; its order line was moved."""
    lot.sent_back_quantity += quantity
    lot.rejected_quantity = max(lot.rejected_quantity, lot.sent_back_quantity)
    event = write_event(
        shipment=shipment,
        lots=lots,
        lot=lot,
        kind=FulfilmentEvent.Kind.RETURNED,
        by=by,
        organisation=organisation,
        recorded_at=now,
        now=now,
        key=uuid.uuid4(),
        data={"quantity": quantity, "unit": lot.unit, "is_replaced": is_replaced, "reason": reason},
    )
    leaves = lot.stored_quantity - (lot.open_quantity + lot.received_quantity)
    if leaves > 0:
        StockMove.objects.create(
            lot=lot,
            facility=lot.location,
            kind=StockMove.Kind.OUT,
            quantity=-leaves,
            balance=lot.stored_quantity - leaves,
            reason=reason,
            by=by,
            at=now,
            event=event,
        )
        lot.stored_quantity -= leaves
    if lot.open_quantity == 0 and not lot.received_quantity:
        lot.status = Lot.Status.RETURNED
    lot.save(update_fields=["sent_back_quantity", "rejected_quantity", "stored_quantity", "status"])
