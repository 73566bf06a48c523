"""A deal as one file that anybody may check without us: records, papers in both languages, attachments, a seal."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from marketplace.models import Attachment, DealRecord, Inspection, Order
from marketplace.models.deal_record import first_hash, labels_of
from marketplace.services import receipt_papers
from marketplace.services.attachments import read_content
from marketplace.services.contracts import contract_paper
from marketplace.services.deal_files import party_of
from marketplace.services.deal_seals import seal
from marketplace.services.deal_texts import attachment_ids, timeline_paper
from marketplace.services.shipment_papers import inspection_report
from marketplace.verify_dealfile import DEAL, FORMAT, HEAD, MIDDLE, SEAL, TAIL, canonical, pack


def export_deal(order: Order) -> bytes:
    """Return the deal file of an order; the same as long as nothing new happens, so that both sides can compare.

    Attachments are in it where both sides may read them; of others the chain has the hash alone.
    """
    order = Order.objects.select_related("buyer", "seller").get(pk=order.pk)
    records = list(DealRecord.objects.filter(order=order).in_order())
    files = [*_papers(order, records), *_attachments(order, records)]
    header = {
        "format": FORMAT,
        "order": order.number,
        "kind": order.kind,
        "buyer": party_of(order.buyer),
        "seller": party_of(order.seller),
        "count": len(records),
        "last_hash": records[-1].hash if records else first_hash(order.number),
        "labels": {
            kind: dict(zip(("zh", "en"), labels_of(kind), strict=True)) for kind in {one.kind for one in records}
        },
        "files": [{"path": path, "size": len(content), "sha256": _sha256(content)} for path, content in files],
    }
    header_text = canonical(header)
    deal = deal_text(header_text, records_text(records))
    return pack([(DEAL, deal.encode()), *files, (SEAL, canonical(seal(header_text)).encode())])


def deal_json(order: Order) -> dict[str, Any]:
    """Return the records of an order as the archive has them, without files and seal."""
    records = list(DealRecord.objects.filter(order=order).in_order())
    return {
        "format": FORMAT,
        "order": order.number,
        "count": len(records),
        "last_hash": records[-1].hash if records else first_hash(order.number),
        "records": [_with_hash(one) for one in records],
    }


def records_text(records: Iterable[DealRecord]) -> Iterator[str]:
    return (canonical(_with_hash(one)) for one in records)


def deal_text(header_text: str, records: Iterable[str]) -> str:
    """Write ``deal.json``: one record a line, so that a damaged line damages no other."""
    lines = ",\n".join(records)
    return f"{HEAD}{header_text},\n{MIDDLE}\n{lines}{chr(10) if lines else ''}{TAIL}\n"


def _with_hash(one: DealRecord) -> dict[str, Any]:
    return one.content() | {"hash": one.hash}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _papers(order: Order, records: list[DealRecord]) -> list[tuple[str, bytes]]:
    papers = []
    for language in ("zh", "en"):
        papers.append((f"timeline-{language}.pdf", timeline_paper(order, records, language)))
        papers.append((f"contract-{language}.pdf", contract_paper(order, language)))
    papers += receipt_papers.papers_for(order)
    for inspection in Inspection.objects.filter(lot__order_line__order=order).with_details().order_by("pk"):
        for language in ("zh", "en"):
            name = f"inspection-{inspection.number}-{language}.pdf"
            papers.append((name, inspection_report(inspection, language)))
    return [(f"papers/{name}", content) for name, content in sorted(papers)]


def _attachments(order: Order, records: list[DealRecord]) -> list[tuple[str, bytes]]:
    named = {number for one in records for number in attachment_ids(one.payload)}
    shared = Attachment.objects.filter(pk__in=named)
    for side in (order.buyer_id, order.seller_id):
        shared = shared.filter(readers__organisation=side)
    # The number keeps two files of one name apart.
    return [
        (f"attachments/{one.pk}-{re.sub(r'[^0-9A-Za-z._一-鿿-]+', '_', one.name)}", read_content(one))
        for one in shared.order_by("pk")
    ]
