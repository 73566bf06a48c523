from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import (
    FulfilmentEvent,
    Lot,
    Membership,
    Order,
    Organisation,
    Park,
    Receipt,
    ReceiptLine,
    ReceiptSignature,
    Shipment,
    User,
)
from marketplace.models.shipment import new_number
from marketplace.services import deal_files, order_lines, orders
from marketplace.services.fulfilment_events import tell, write_event
from marketplace.services.inspection_answers import send_back
from marketplace.services.organisations import OnlyMembersMay
from marketplace.services.receipt_lines import check_lines, content_of, hash_of, refuse_unanswered
from marketplace.services.said_fields import short_text
from marketplace.services.scan_kinds import follow_lots
from marketplace.services.shipments import ShipmentNotInStateForThis, locked, lots_of

# With the places that the database keeps, so that what is hashed reads as what is kept.
ZERO = Decimal("0.000")
Side = ReceiptSignature.Side
QUANTITIES = ("accepted", "short", "rejected")


class ReceiptWaitsAlready(RuleBroken):
    """Another receipt of this shipment for this order is not signed yet."""


class ReceiptNoLongerOpen(RuleBroken):
    """It was signed by both, or withdrawn."""


class AlreadySigned(RuleBroken):
    pass


class NothingToReceive(RuleBroken):
    pass


def sides_of(user: User, receipt: Receipt) -> list[str]:
    """Return for which sides the user may sign: those they trade for, and the buyer's if they are the named receiver."""
    order = receipt.order
    mine = set(Organisation.objects.of(user, *Membership.TRADING_ROLES).values_list("pk", flat=True))
    may = {Side.BUYER: order.buyer_id in mine or receipt.receiver_id == user.pk, Side.SELLER: order.seller_id in mine}
    signed = {signature.side for signature in receipt.signatures.all()}
    return [side for side in Side.values if may[side] and side not in signed]


def require_handler(by: User, shipment: Shipment, order: Order) -> None:
    """Refuse unless the user trades for a side or works in the park."""
    mine = Organisation.objects.of(by, *Membership.TRADING_ROLES).filter(pk__in=[order.buyer_id, order.seller_id])
    is_staff_there = shipment.park_id and Park.objects.run_by(by).filter(pk=shipment.park_id).exists()
    if not is_staff_there and not mine.exists():
        raise OnlyMembersMay(_("Your role in the organisation does not allow this."))


@transaction.atomic
def issue_receipt(
    *,
    shipment: Shipment,
    order: Order,
    lines: Sequence[Mapping[str, object]],
    by: User,
    now: datetime,
    receiver: User | None = None,
    receiver_name: str = "",
    note: str = "",
) -> Receipt:
    """Write down what came of a shipment for one order, for both sides to sign; a part may come now, the rest later.

    Each line names a ``lot`` (row or id) and says ``accepted``, ``short`` and ``rejected`` quantities, and
    ``is_replaced`` where the seller sends anew what was rejected.

    :raises OnlyMembersMay: if ``by`` neither trades for a side nor works in the park
    :raises InputRefused: naming each field that cannot be taken
    :raises ShipmentNotInStateForThis: if the goods have not come, or all was received
    :raises ConcessionNotAnswered: if the buyer has yet to say whether it takes a lot at a concession
    :raises ReceiptWaitsAlready: if another one waits for signatures
    """
    shipment = locked(shipment)
    require_handler(by, shipment, order)
    if not shipment.is_here:
        raise ShipmentNotInStateForThis(shipment)
    lots = {lot.pk: lot for lot in lots_of(shipment) if lot.order_line.order_id == order.pk}
    if not any(lot.open_quantity > 0 for lot in lots.values()):
        raise NothingToReceive(_("Nothing of this shipment is left to receive for this order."))
    checked = check_lines(lines, lots)
    refuse_unanswered([line.lot for line in checked])
    receipt = Receipt(
        number=new_number("RC", now),
        order=order,
        shipment=shipment,
        receiver=receiver,
        receiver_name=short_text(receiver_name, "receiver_name", 100) or (receiver.get_full_name() if receiver else ""),
        note=short_text(note, "note", 1000),
        issued_by=by,
        issued_at=now,
    )
    receipt.content = content_of(receipt, checked)
    receipt.sha256 = hash_of(receipt.content)
    try:
        with transaction.atomic():
            receipt.save(force_insert=True)
    except IntegrityError as error:
        if "receipt_one_to_sign" not in str(error):
            raise
        raise ReceiptWaitsAlready(_("Another receipt of this shipment waits for signatures.")) from error
    for line in checked:
        line.receipt = receipt
    ReceiptLine.objects.bulk_create(checked)
    payload = {**receipt.content, "sha256": receipt.sha256}
    deal_files.record(order=order, kind="receipt.issued", by=by, at=now, payload=payload)
    _tell(
        receipt,
        "receipt.to_sign",
        (f"收货单 {receipt.number} 待签收", f"Receipt {receipt.number} waits for signatures"),
        now,
    )
    return receipt


def locked_receipt(receipt: Receipt) -> Receipt:
    """Return the receipt, its shipment locked first: all who act on goods queue there."""
    locked(receipt.shipment)
    rows = Receipt.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("order__buyer", "order__seller", "shipment__park__organisation", "shipment__seller").get(
        pk=receipt.pk
    )


@transaction.atomic
def sign_receipt(*, receipt: Receipt, by: User, now: datetime, side: str = "") -> Receipt:
    """Sign with an account, for the side the user trades for (or the buyer's, as the receiver it names).

    With the second signature the goods are received: quantities move in the order, and both sides are told.

    :raises OnlyMembersMay: if the user may sign for neither side
    :raises AlreadySigned: if that side has signed
    :raises ReceiptNoLongerOpen: if it was withdrawn
    """
    receipt = locked_receipt(receipt)
    order = receipt.order
    mine = set(Organisation.objects.of(by, *Membership.TRADING_ROLES).values_list("pk", flat=True))
    may = [Side.SELLER] if order.seller_id in mine else []
    if order.buyer_id in mine or receipt.receiver_id == by.pk:
        may.insert(0, Side.BUYER)
    if side:
        may = [one for one in may if one == side]
    if not may:
        raise OnlyMembersMay(_("Your role in the organisation does not allow this."))
    free = [one for one in may if not receipt.signatures.filter(side=one).exists()]
    name = by.get_full_name() or by.username
    return write_signature(
        receipt,
        ReceiptSignature(
            receipt=receipt,
            side=(free or may)[0],
            method=ReceiptSignature.Method.ACCOUNT,
            name=name,
            signed_by=by,
            at=now,
        ),
        by=by,
        now=now,
    )


def write_signature(receipt: Receipt, signature: ReceiptSignature, *, by: User, now: datetime) -> Receipt:
    """Add a signature to a locked receipt; with the second one, receive the goods. ``by`` answers for the moves."""
    if receipt.status != Receipt.Status.TO_SIGN:
        raise ReceiptNoLongerOpen(_("Receipt %(number)s is no longer to be signed.") % {"number": receipt.number})
    try:
        with transaction.atomic():
            signature.save(force_insert=True)
    except IntegrityError as error:
        if "receipt_signature_once" not in str(error):
            raise
        raise AlreadySigned(_("This side has signed already.")) from error
    if receipt.signatures.count() == len(Side.values):
        _receive(receipt, by=by, now=now)
    return receipt


def _receive(receipt: Receipt, *, by: User, now: datetime) -> None:
    """Move what the receipt says, in the order and in the lots."""
    Receipt.objects.filter(pk=receipt.pk).become(Receipt.Status.SIGNED, signed_at=now)
    receipt.status, receipt.signed_at = Receipt.Status.SIGNED, now
    shipment, order = receipt.shipment, receipt.order
    lots = lots_of(shipment)
    by_id = {lot.pk: lot for lot in lots}
    for line in receipt.lines.order_by("lot__order_line", "pk"):
        _receive_line(line, by_id[line.lot_id], lots, receipt, by=by, now=now)
    signatures = [
        {"side": one.side, "name": one.name, "method": one.method, "contact": one.contact, "at": one.at}
        for one in receipt.signatures.order_by("at", "pk")
    ]
    payload = {"receipt": receipt.number, "sha256": receipt.sha256, "signatures": signatures}
    deal_files.record(order=order, kind="receipt.signed", by=by, at=now, payload=payload)
    write_event(
        shipment=shipment,
        lots=lots,
        kind=FulfilmentEvent.Kind.RECEIVED,
        by=by,
        organisation=order.buyer,
        recorded_at=now,
        now=now,
        data={"receipt": receipt.number},
        is_recorded=False,
    )
    follow_lots(shipment, lots, now=now)
    orders.refresh_status(order=order, now=now)
    _tell(
        receipt,
        "receipt.signed",
        (f"收货单 {receipt.number} 双方已签收", f"Receipt {receipt.number} was signed by both sides"),
        now,
    )


def _receive_line(
    line: ReceiptLine, lot: Lot, lots: Sequence[Lot], receipt: Receipt, *, by: User, now: datetime
) -> None:
    targets = {"accepted": line.accepted_quantity, "short": line.short_quantity}
    for target, quantity in targets.items():
        if quantity:
            order_lines.move(
                line=lot.order_line,
                quantity=quantity,
                source="in_delivery",
                target=target,
                by=by,
                at=now,
                reason=receipt.number,
                shipment=receipt.shipment,
            )
    lot.received_quantity += line.accepted_quantity
    lot.short_quantity += line.short_quantity
    if line.rejected_quantity:
        send_back(
            receipt.shipment,
            lots,
            lot,
            line.rejected_quantity,
            is_replaced=line.is_replaced,
            by=by,
            organisation=receipt.order.buyer,
            reason=receipt.number,
            now=now,
        )
    if lot.open_quantity == 0 and lot.received_quantity:
        lot.status = Lot.Status.RECEIVED
    lot.accepted_quantity = max(lot.accepted_quantity, lot.received_quantity)
    lot.save(update_fields=["received_quantity", "short_quantity", "accepted_quantity", "status"])


@transaction.atomic
def withdraw_receipt(*, receipt: Receipt, by: User, now: datetime) -> Receipt:
    """Take back a receipt that is not signed by both, so that another may be written.

    :raises OnlyMembersMay: if ``by`` neither trades for a side nor works in the park
    :raises ReceiptNoLongerOpen: if both signed, or it was withdrawn before
    """
    receipt = locked_receipt(receipt)
    require_handler(by, receipt.shipment, receipt.order)
    withdrawn = Receipt.objects.filter(pk=receipt.pk).become(
        Receipt.Status.WITHDRAWN, withdrawn_at=now, withdrawn_by=by
    )
    if not withdrawn:
        raise ReceiptNoLongerOpen(_("Receipt %(number)s is no longer to be signed.") % {"number": receipt.number})
    payload = {"receipt": receipt.number, "sha256": receipt.sha256}
    deal_files.record(order=receipt.order, kind="receipt.withdrawn", by=by, at=now, payload=payload)
    receipt.refresh_from_db()
    return receipt


def _tell(receipt: Receipt, event: str, titles: tuple[str, str], now: datetime) -> None:
    tell(
        event,
        shipment=receipt.shipment,
        organisations=[receipt.order.buyer, receipt.order.seller],
        titles=titles,
        now=now,
        key=receipt.number,
        url=reverse("marketplace:receipt_detail", args=[receipt.pk]),
        data={"receipt": receipt.pk, "receipt_number": receipt.number, "order": receipt.order_id},
    )
