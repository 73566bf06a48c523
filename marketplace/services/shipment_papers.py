"""The papers that travel with goods, in Chinese or English: shipment note, gate pass, inspection report."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from marketplace.models import Inspection, Lot, Shipment
from marketplace.papers import Paper
from marketplace.parsing.units import format_quantity
from marketplace.services.fulfilment_events import orders_of
from marketplace.services.labels import trace_address

TEXTS = {
    "note": ("送货单", "Shipment note"),
    "pass": ("入园放行单", "Gate pass"),
    "inspection": ("检验报告", "Inspection report"),
    "seller": ("发货方", "Seller"),
    "buyer": ("收货方", "Buyer"),
    "park": ("园区", "Park"),
    "from": ("发货地址", "From"),
    "to": ("收货地址", "To"),
    "carrier": ("承运人", "Carrier"),
    "vehicle": ("车牌号", "Number plate"),
    "driver": ("司机", "Driver"),
    "phone": ("电话", "Phone"),
    "expected": ("预计到达", "Expected at"),
    "dock": ("月台预约", "Dock booked"),
    "warehouse": ("仓库预约", "Warehouse booked"),
    "goods": ("货物", "Goods"),
    "lot": ("批次", "Lot"),
    "order": ("订单", "Order"),
    "description": ("品名规格", "Description"),
    "quantity": ("数量", "Quantity"),
    "packages": ("件数", "Packages"),
    "scan": ("扫码登记到达、过磅、入库与交接", "Scan to record arrival, weight, storing and hand-over"),
    "gate": ("请在门岗出示本单。", "Show this at the gate."),
    "carrier_signs": ("承运人签字", "Carrier"),
    "receiver_signs": ("收货人签字", "Receiver"),
    "gate_signs": ("门岗签字", "Gate"),
    "inspected": ("检验数量", "Inspected"),
    "passed": ("合格", "Passed"),
    "concession": ("让步接收", "At a concession"),
    "rejected": ("不合格", "Rejected"),
    "reduction": ("降价", "Price reduction"),
    "verdict": ("结论", "Verdict"),
    "by": ("检验方", "Inspected by"),
    "at": ("检验时间", "At"),
    "method": ("方法或标准", "Method or standard"),
    "sample": ("抽样数", "Sample size"),
    "results": ("检验项目", "Results"),
    "attribute": ("项目", "Attribute"),
    "specified": ("要求", "Specified"),
    "tolerance": ("允差", "Tolerance"),
    "measured": ("实测", "Measured"),
    "result": ("判定", "Result"),
    "yes": ("符合", "within"),
    "no": ("不符合", "out of it"),
    "note_text": ("备注", "Note"),
    "pass_verdict": ("合格", "Passed"),
    "concession_verdict": ("让步接收", "Concession"),
    "reject_verdict": ("不合格", "Rejected"),
}


class Words:
    """The words of a paper in one language."""

    def __init__(self, language: str | None) -> None:
        self.is_english = (language or "").startswith("en")
        self.language = "en" if self.is_english else "zh"

    def __getitem__(self, name: str) -> str:
        return TEXTS[name][self.is_english]

    def name(self, named) -> str:
        """Return the name of an organisation, park or facility, or the one there is."""
        if named is None:
            return ""
        first, second = (named.name_en, named.name_zh) if self.is_english else (named.name_zh, named.name_en)
        return first or second

    def quantity(self, value: Decimal, unit: str) -> str:
        return format_quantity(float(value), unit, self.language)


def moment(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


def shipment_note(shipment: Shipment, lots: Sequence[Lot], language: str | None) -> bytes:
    """Return the note that goes with the goods: who, whereto, what. No prices: drivers read it."""
    words = Words(language)
    paper = Paper(words["note"], words.language, number=shipment.number)
    paper.facts([*_journey(shipment, words), (words["buyer"], _buyers(lots, words))])
    paper.heading(words["goods"])
    header = [words[name] for name in ("lot", "order", "description", "quantity", "packages")]
    paper.table(
        header,
        [
            (
                lot.number,
                lot.order_line.order.number,
                lot.order_line.description,
                words.quantity(lot.quantity, lot.unit),
                lot.packages.count() or "",
            )
            for lot in lots
        ],
    )
    paper.qr(trace_address(shipment.token), words["scan"])
    paper.signatures([words["carrier_signs"], words["receiver_signs"]])
    return paper.pdf()


def gate_pass(shipment: Shipment, lots: Sequence[Lot], language: str | None) -> bytes:
    """Return what a driver shows at the gate."""
    words = Words(language)
    paper = Paper(words["pass"], words.language, number=shipment.number)
    paper.facts(_journey(shipment, words))
    quantities = "; ".join(f"{lot.order_line.description}: {words.quantity(lot.quantity, lot.unit)}" for lot in lots)
    paper.facts([(words["goods"], quantities)])
    paper.qr(trace_address(shipment.token), words["gate"])
    paper.signatures([words["gate_signs"], words["carrier_signs"]])
    return paper.pdf()


def _journey(shipment: Shipment, words: Words) -> list[tuple[str, str]]:
    return [
        (words["seller"], words.name(shipment.seller)),
        (words["park"], words.name(shipment.park)),
        (words["from"], shipment.from_address),
        (words["to"], shipment.to_address),
        (words["carrier"], shipment.carrier),
        (words["vehicle"], shipment.vehicle),
        (words["driver"], shipment.driver_name),
        (words["phone"], shipment.driver_phone),
        (words["expected"], moment(shipment.expected_at)),
        (words["dock"], _booking(shipment.dock_booking, words)),
        (words["warehouse"], _booking(shipment.warehouse_booking, words)),
    ]


def _booking(booking, words: Words) -> str:
    return f"{words.name(booking.facility)} · {moment(booking.start)} · {booking.number}" if booking else ""


def _buyers(lots: Sequence[Lot], words: Words) -> str:
    return ", ".join(dict.fromkeys(words.name(order.buyer) for order in orders_of(lots)))


PAPERS = {"note": shipment_note, "pass": gate_pass}


def inspection_report(inspection: Inspection, language: str | None) -> bytes:
    """Return what was measured of a lot and how it was judged; ``inspection`` comes with its details."""
    words, lot = Words(language), inspection.lot
    paper = Paper(words["inspection"], words.language, number=inspection.number)
    paper.facts(
        [
            (words["lot"], lot.number),
            (words["order"], lot.order_line.order.number),
            (words["description"], lot.order_line.description),
            (words["by"], f"{words.name(inspection.organisation)} · {inspection.by.get_full_name() or inspection.by}"),
            (words["at"], moment(inspection.at)),
            (words["method"], inspection.method),
            (words["sample"], inspection.sample_size or ""),
            (words["verdict"], words[f"{inspection.verdict}_verdict"]),
            (words["inspected"], words.quantity(inspection.inspected_quantity, lot.unit)),
            (words["passed"], words.quantity(inspection.accepted_quantity, lot.unit)),
            (words["concession"], words.quantity(inspection.concession_quantity, lot.unit)),
            (words["rejected"], words.quantity(inspection.rejected_quantity, lot.unit)),
            (
                words["reduction"],
                f"{inspection.price_reduction_percent} %" if inspection.price_reduction_percent else "",
            ),
            (words["note_text"], inspection.note),
        ]
    )
    results = list(inspection.results.all())
    if results:
        paper.heading(words["results"])
        header = [words[name] for name in ("attribute", "specified", "tolerance", "measured", "result")]
        paper.table(
            header,
            [
                (
                    one.attribute,
                    f"{one.expected} {one.unit}".strip(),
                    one.tolerance,
                    one.measured,
                    words["yes" if one.passed else "no"],
                )
                for one in results
            ],
        )
    return paper.pdf()
