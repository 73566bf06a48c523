"""What a receipt says, lot by lot, and the hash by which it is known."""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Inspection, Lot, Order, Receipt, ReceiptLine, Shipment
from marketplace.services import deal_files
from marketplace.services.lots import read_quantity
from marketplace.verify_dealfile import canonical

# With the places that the database keeps, so that what is hashed reads as what is kept.
ZERO = Decimal("0.000")
QUANTITIES = ("accepted", "short", "rejected")


class ConcessionNotAnswered(RuleBroken):
    pass


def draft_lines(*, shipment: Shipment, order: Order) -> list[dict]:
    """Return what a receipt of this order says if nothing is missing: all that is left, less what is rejected."""
    lots = Lot.objects.filter(shipment=shipment, order_line__order=order).select_related("order_line").order_by("pk")
    return [
        {
            "lot": lot,
            "accepted": lot.open_quantity - min(lot.undecided_quantity, lot.open_quantity),
            "short": ZERO,
            "rejected": min(lot.undecided_quantity, lot.open_quantity),
            "is_replaced": False,
        }
        for lot in lots
        if lot.open_quantity > 0
    ]


def check_lines(lines: Sequence[Mapping[str, object]], lots: Mapping[int, Lot]) -> list[ReceiptLine]:
    """Return the lines of a receipt, each checked against its lot, not yet saved.

    :raises InputRefused: naming each field that cannot be taken, such as ``lines.0.accepted``
    """
    if not lines:
        raise InputRefused({"lines": [_("Say what came: at least one lot.")]})
    errors: dict[str, list[str]] = {}
    checked, seen = [], set()
    for place, said in enumerate(lines):
        at = f"lines.{place}"
        lot = lots.get(_lot_id(said.get("lot")))
        if lot is None or lot.pk in seen:
            errors[f"{at}.lot"] = [_("This is no lot of this order in this shipment, or it is named twice.")]
            continue
        seen.add(lot.pk)
        try:
            line = _check_line(said, at, lot)
        except InputRefused as refused:
            errors |= refused.errors
            continue
        if line is not None:
            checked.append(line)
    if not errors and not checked:
        errors["lines"] = [_("Say what came: at least one lot.")]
    if errors:
        raise InputRefused(errors)
    return checked


def _lot_id(said: object) -> int | None:
    if isinstance(said, Lot):
        return said.pk
    return int(str(said)) if str(said).isdigit() and len(str(said)) < 18 else None


def _check_line(said: Mapping[str, object], at: str, lot: Lot) -> ReceiptLine | None:
    """Return the line, None where it says nothing of its lot."""
    found, errors = {}, {}
    for name in QUANTITIES:
        value = said.get(name)
        try:
            is_nothing = value in (None, "") or Decimal(str(value).strip() or 0) == 0
        except ArithmeticError:
            is_nothing = False
        try:
            found[name] = ZERO if is_nothing else read_quantity(value, f"{at}.{name}")
        except InputRefused as refused:
            errors |= refused.errors
    if errors:
        raise InputRefused(errors)
    if not any(found.values()):
        return None
    plain = {"unit": lot.unit, "left": format(lot.open_quantity.normalize(), "f")}
    if sum(found.values()) > lot.open_quantity:
        raise InputRefused({f"{at}.accepted": [_("Only %(left)s %(unit)s of this lot are left to receive.") % plain]})
    rejected = min(lot.undecided_quantity, lot.open_quantity)
    if found["accepted"] > lot.open_quantity - rejected:
        plain["rejected"] = format(rejected.normalize(), "f")
        message = _("%(rejected)s %(unit)s of this lot were rejected at the inspection and cannot be accepted.") % plain
        raise InputRefused({f"{at}.accepted": [message]})
    return ReceiptLine(
        lot=lot,
        accepted_quantity=found["accepted"],
        short_quantity=found["short"],
        rejected_quantity=found["rejected"],
        is_replaced=bool(said.get("is_replaced")) and bool(found["rejected"]),
    )


def refuse_unanswered(lots: Sequence[Lot]) -> None:
    """Refuse while the buyer has yet to say whether it takes one of the lots at a concession."""
    waiting = Inspection.objects.current().filter(lot__in=lots, concession_status=Inspection.Concession.ASKED)
    if (inspection := waiting.first()) is not None:
        raise ConcessionNotAnswered(
            _("The buyer has first to answer the concession of inspection %(number)s.") % {"number": inspection.number}
        )


def content_of(receipt: Receipt, lines: Sequence[ReceiptLine]) -> dict:
    """Return what a receipt says, as its hash and its papers have it: no prices, as people at a gate read it."""
    order, shipment = receipt.order, receipt.shipment
    content = {
        "receipt": receipt.number,
        "order": order.number,
        "shipment": shipment.number,
        "seller": deal_files.party_of(order.seller),
        "buyer": deal_files.party_of(order.buyer),
        "park": {"zh": shipment.park.name_zh, "en": shipment.park.name_en} if shipment.park else None,
        "issued_at": receipt.issued_at,
        "receiver": receipt.receiver_name,
        "note": receipt.note,
        "lines": [
            {
                "lot": line.lot.number,
                "line": line.lot.order_line.position,
                "description": line.lot.order_line.description,
                "unit": line.lot.unit,
                "received": line.received_quantity,
                "accepted": line.accepted_quantity,
                "short": line.short_quantity,
                "rejected": line.rejected_quantity,
                "is_replaced": line.is_replaced,
            }
            for line in lines
        ],
    }
    return deal_files.plain(content)


def hash_of(content: Mapping) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def is_intact(receipt: Receipt) -> bool:
    """Say whether the receipt still says what was signed: its content has its hash, and its lines say the same."""
    lines = receipt.lines.select_related("lot__order_line").order_by("pk")
    said = [
        {
            "lot": line.lot.number,
            "accepted": str(line.accepted_quantity),
            "short": str(line.short_quantity),
            "rejected": str(line.rejected_quantity),
        }
        for line in lines
    ]
    kept = [{name: line[name] for name in ("lot", *QUANTITIES)} for line in receipt.content.get("lines", [])]
    return hash_of(receipt.content) == receipt.sha256 and said == kept
