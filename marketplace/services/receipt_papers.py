"""A receipt as a paper in Chinese or English; the same receipt gives the same bytes."""

import hashlib
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from marketplace.models import Receipt
from marketplace.papers import Paper
from marketplace.services.shipment_papers import Words, moment

TEXTS = {
    "receipt": ("收货单", "Receipt"),
    "order": ("订单", "Order"),
    "shipment": ("运单", "Shipment"),
    "seller": ("发货方", "Seller"),
    "buyer": ("收货方", "Buyer"),
    "park": ("园区", "Park"),
    "issued": ("开具时间", "Issued"),
    "receiver": ("收货人", "Receiver"),
    "note": ("备注", "Note"),
    "lot": ("批次", "Lot"),
    "description": ("品名规格", "Description"),
    "received": ("实收", "Received"),
    "accepted": ("验收", "Accepted"),
    "short": ("短缺", "Missing"),
    "rejected": ("拒收", "Rejected"),
    "replaced": ("换货", "replaced"),
    "signatures": ("签收", "Signatures"),
    "account": ("账号签收", "signed with an account"),
    "code": ("验证码签收", "signed with a one-time code"),
    "unsigned": ("未签收", "not signed yet"),
    "withdrawn": ("本单已撤回，无效。", "This receipt was withdrawn and is void."),
    "hash": ("内容哈希（SHA-256）", "Hash of the content (SHA-256)"),
    "verify": ("扫码核验本单是否与系统一致", "Scan to check that this paper says what was signed"),
}


def verify_address(receipt: Receipt) -> str:
    path = reverse("marketplace:receipt_verify", args=[receipt.token])
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}?hash={receipt.sha256}"


def receipt_paper(receipt: Receipt, language: str | None) -> bytes:
    """Return the receipt as a PDF with its hash and a QR code by which anybody checks it."""
    words, content = Words(language), receipt.content

    def said(name: str) -> str:
        return TEXTS[name][words.is_english]

    def party(names: dict) -> str:
        first, second = ("name_en", "name_zh") if words.is_english else ("name_zh", "name_en")
        return f"{names[first] or names[second]} {names['identifier']}".strip()

    park = content["park"]
    paper = Paper(said("receipt"), words.language, number=receipt.number)
    paper.facts(
        [
            (said("order"), content["order"]),
            (said("shipment"), content["shipment"]),
            (said("seller"), party(content["seller"])),
            (said("buyer"), party(content["buyer"])),
            (said("park"), (park["en" if words.is_english else "zh"] or park["zh"] or park["en"]) if park else ""),
            (said("issued"), moment(parse_datetime(content["issued_at"]))),
            (said("receiver"), content["receiver"]),
            (said("note"), content["note"]),
        ]
    )
    header = [said(name) for name in ("lot", "description", "received", "accepted", "short", "rejected")]
    rows = []
    for line in content["lines"]:
        quantities = {
            name: words.quantity(Decimal(line[name]), line["unit"])
            for name in ("received", "accepted", "short", "rejected")
        }
        if line["is_replaced"]:
            quantities["rejected"] += f" ({said('replaced')})"
        rows.append((line["lot"], line["description"], *quantities.values()))
    paper.table(header, rows)
    paper.heading(said("signatures"))
    signed = {one.side: one for one in receipt.signatures.all()}
    places = []
    for side in ("seller", "buyer"):
        one = signed.get(side)
        how = (
            "\n".join(part for part in (one.name, said(one.method), one.contact, moment(one.at)) if part)
            if one
            else said("unsigned")
        )
        places.append((said(side), how))
    paper.signatures(places)
    if receipt.status == Receipt.Status.WITHDRAWN:
        paper.paragraph(said("withdrawn"))
    paper.facts([(said("hash"), receipt.sha256)])
    paper.qr(verify_address(receipt), said("verify"))
    return paper.pdf()


def is_our_paper(receipt: Receipt, content: bytes) -> bool:
    """Say whether these bytes are the receipt's paper as it is now, in one of its languages."""
    found = hashlib.sha256(content).digest()
    return any(found == hashlib.sha256(receipt_paper(receipt, language)).digest() for language in ("zh", "en"))


def papers_for(order) -> list[tuple[str, bytes]]:
    """Return the papers of an order's receipts in both languages, as the deal file keeps them."""
    receipts = Receipt.objects.filter(order=order).exclude(status=Receipt.Status.WITHDRAWN)
    return [
        (f"receipt-{receipt.number}-{language}.pdf", receipt_paper(receipt, language))
        for receipt in receipts.with_details().order_by("pk")
        for language in ("zh", "en")
    ]
