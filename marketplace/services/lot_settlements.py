"""What becomes of lots when the two sides, not a receipt, say where a part of what is in delivery went."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Lot, Order, OrderLine, Receipt, Shipment, User
from marketplace.services.inspection_answers import take_back
from marketplace.services.scan_kinds import follow_lots
from marketplace.services.shipments import lots_of

ZERO = Decimal(0)
# What goes back is taken from rejected lots first, what is accepted from what is left of the others.
SHARES = ("replace", "return", "short", "accept")


class ReceiptWaitsForSignatures(RuleBroken):
    """What it says of these lots would no longer be true."""


def lock_shipments(order: Order) -> None:
    """Lock what brings the goods of an order, before the order itself: in this turn everybody does."""
    rows = Shipment.objects.filter(pk__in=Lot.objects.filter(order_line__order=order).values("shipment"))
    list(rows.select_for_update(no_key=True, of=("self",)).order_by("pk").only("pk"))


def settle_lots(*, line: OrderLine, shares: Mapping[str, Decimal], by: User, reason: str, now: datetime) -> None:
    """Let the line's open lots follow what was agreed or decided: rejected ones first, then in the order they were sent.

    The order line itself was moved already. What came without a lot has none to follow.

    :raises ReceiptWaitsForSignatures: if a receipt of one of these shipments is not signed yet
    """
    open_lots = Lot.objects.filter(order_line=line).exclude(status=Lot.Status.PACKED)
    shipments = Shipment.objects.filter(pk__in=open_lots.values("shipment")).select_related("seller", "park")
    by_shipment = {shipment: lots_of(shipment) for shipment in shipments.order_by("pk")}
    mine = [(shipment, lot) for shipment, lots in by_shipment.items() for lot in lots if _is_open(lot, line)]
    mine.sort(key=lambda pair: (not pair[1].undecided_quantity, pair[1].pk))
    touched = set()
    for share in SHARES:
        left = shares.get(share, ZERO)
        for shipment, lot in mine:
            part = min(left, lot.open_quantity)
            if part > 0:
                _follow(share, part, shipment, by_shipment[shipment], lot, by=by, reason=reason, now=now)
                touched.add(shipment)
                left -= part
    if Receipt.objects.waiting().filter(shipment__in=touched, order=line.order_id).exists():
        raise ReceiptWaitsForSignatures(
            _("A receipt of these goods waits for signatures: sign it or withdraw it first.")
        )
    for shipment in sorted(touched, key=lambda one: one.pk):
        follow_lots(shipment, by_shipment[shipment], now=now)


def _is_open(lot: Lot, line: OrderLine) -> bool:
    return lot.order_line_id == line.pk and lot.open_quantity > 0 and lot.status != Lot.Status.PACKED


def _follow(
    share: str, part: Decimal, shipment: Shipment, lots: list[Lot], lot: Lot, *, by: User, reason: str, now: datetime
) -> None:
    if share in ("replace", "return"):
        is_replaced = share == "replace"
        buyer = lot.order_line.order.buyer
        take_back(shipment, lots, lot, part, is_replaced=is_replaced, by=by, organisation=buyer, reason=reason, now=now)
        return
    # What was rejected and is taken or missing all the same waits for no decision any more.
    lot.rejected_quantity -= min(part, lot.undecided_quantity)
    if share == "short":
        lot.short_quantity += part
    else:
        lot.received_quantity += part
        lot.accepted_quantity = max(lot.accepted_quantity, lot.received_quantity)
    if lot.open_quantity == 0 and lot.received_quantity:
        lot.status = Lot.Status.RECEIVED
    changed = ["rejected_quantity", "short_quantity", "received_quantity", "accepted_quantity", "status"]
    lot.save(update_fields=changed)
