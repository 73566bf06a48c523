"""Deals of the demo at every stage, made through the services that people use, each at the time it would have been.

The seller of the story has delivered to its buyer before, through the park; another order has just come to the gate,
a negotiation waits for the buyer's answer, and a quote has come in.
"""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from marketplace.models import Facility, Listing, Negotiation, Order, Organisation, Shipment
from marketplace.services.inspections import inspect_lot
from marketplace.services.invoices import issue_invoice, receive_invoice
from marketplace.services.negotiations import open_negotiation, say
from marketplace.services.offers import accept_offer, make_offer
from marketplace.services.orders import close_order
from marketplace.services.payments import confirm_payment, record_payment
from marketplace.services.quotes import submit_at_once
from marketplace.services.ratings import rate
from marketplace.services.receipt_lines import draft_lines
from marketplace.services.receipts import issue_receipt, sign_receipt
from marketplace.services.rfqs import create_rfq
from marketplace.services.scans import record_scan
from marketplace.services.shipments import dispatch_shipment, plan_shipment
from seeds.cast import Cast

SPECIFICATION = {
    "attributes": {
        "DN": {"value": 0, "unit": "mm", "tolerance": 0.5},
        "PN": {"value": 16, "unit": "bar", "min": 16},
    },
    "text": "304 不锈钢, 法兰连接, GB/T 12237 / stainless steel 304, flanged, GB/T 12237",
}


def plant_deals(cast: Cast, *, now: datetime) -> None:
    """Make the demo's deals; needs the story's listings and a park with a dock and a warehouse."""
    _delivered_order(cast, now=now)
    _order_at_the_gate(cast, now=now)
    _open_negotiation(cast, now=now)
    _open_request(cast, now=now)


def _supply(cast: Cast, size: int) -> Listing:
    return Listing.objects.get(organisation=cast.valve_maker, side="supply", attributes__DN=size)


def _terms(cast: Cast, now: datetime, *, days: int) -> dict[str, object]:
    today = timezone.localdate(now)
    return {
        "currency": "CNY",
        "tax_rate": Decimal(13),
        "price_includes_tax": True,
        "incoterm": "park_handover",
        "park": cast.park,
        "window_start": today,
        "window_end": today + timedelta(days=days),
        "payment_term": "net",
        "payment_days": 30,
    }


def _line(supply: Listing, quantity: int, price: Decimal) -> dict[str, object]:
    attributes = SPECIFICATION["attributes"] | {
        "DN": {"value": supply.attributes["DN"], "unit": "mm", "tolerance": 0.5}
    }
    return {
        "description": supply.title_zh,
        "specification": SPECIFICATION | {"attributes": attributes},
        "quantity": quantity,
        "unit": supply.unit,
        "unit_price": price,
    }


def _negotiate(cast: Cast, supply: Listing, *, now: datetime) -> Negotiation:
    return open_negotiation(by=cast.buyer, organisation=cast.pump_maker, supply=supply, origin="browse", now=now)


def _offer(cast: Cast, negotiation: Negotiation, side: str, lines: list, *, days: int = 25, now: datetime):
    by, organisation = (cast.buyer, cast.pump_maker) if side == "buyer" else (cast.seller, cast.valve_maker)
    return make_offer(
        negotiation=negotiation,
        by=by,
        organisation=organisation,
        terms=_terms(cast, now, days=days),
        lines=lines,
        valid_until=now + timedelta(days=7),
        now=now,
    )


def _order(cast: Cast, size: int, quantity: int, *, discount: Decimal, now: datetime) -> Order:
    """Negotiate in two offers and accept the second a day later."""
    supply = _supply(cast, size)
    price = Decimal(supply.price_max).quantize(Decimal("0.1"))
    negotiation = _negotiate(cast, supply, now=now)
    _offer(cast, negotiation, "buyer", [_line(supply, quantity, price * discount)], now=now)
    between = (price * (1 + discount) / 2).quantize(Decimal("0.1"))
    counter = _offer(cast, negotiation, "seller", [_line(supply, quantity, between)], now=now + timedelta(hours=5))
    return accept_offer(offer=counter, by=cast.buyer, now=now + timedelta(days=1))


def _ship(cast: Cast, order: Order, quantity: int, lot: str, *, now: datetime, hours: int = 30) -> Shipment:
    line = order.lines.get()
    shipment = plan_shipment(
        seller=cast.valve_maker,
        lots=[
            {
                "order_line": line,
                "number": lot,
                "quantity": quantity,
                "unit": line.unit,
                "public": {
                    "product": {"zh": line.description, "en": "Stainless steel 304 flanged ball valve, PN16"},
                    "maker": {"zh": cast.valve_maker.name_zh, "en": cast.valve_maker.name_en},
                    "origin": {"zh": "浙江玉环", "en": "Yuhuan, Zhejiang"},
                    "made_on": (timezone.localdate(now) - timedelta(days=6)).isoformat(),
                },
                "packages": 4,
            }
        ],
        by=cast.seller,
        now=now,
        park=cast.park,
        expected_at=now + timedelta(hours=hours),
        carrier="玉环顺达物流",
        vehicle="浙J·A63K2",
        driver_name="陈师傅",
        driver_phone="13800000000",
    )
    return dispatch_shipment(shipment=shipment, by=cast.seller, now=now + timedelta(hours=2))


def _scan(cast: Cast, token: str, kind: str, at: datetime, **more) -> None:
    key = uuid.uuid5(uuid.NAMESPACE_URL, f"demo:{token}:{kind}:{at.isoformat()}")
    record_scan(token=token, kind=kind, key=key, by=cast.operator, recorded_at=at, now=at, device="demo", **more)


def _inspect(cast: Cast, shipment: Shipment, *, at: datetime, rejected: int = 0) -> None:
    lot = shipment.lots.get()
    size = lot.order_line.specification["attributes"]["DN"]["value"]
    inspect_lot(
        lot=lot,
        by=cast.operator,
        now=at,
        accepted=lot.quantity - rejected,
        rejected=rejected,
        results={"DN": size, "PN": 16},
        method="GB/T 13927",
        sample_size=8,
    )


def _delivered_order(cast: Cast, *, now: datetime) -> None:
    """An order of two months ago: delivered on time, inspected, stored, received, invoiced, paid, rated, closed."""
    begun = now - timedelta(days=62)
    order = _order(cast, 80, 160, discount=Decimal("0.94"), now=begun)
    shipped = begun + timedelta(days=9)
    shipment = _ship(cast, order, 160, "HT80-A", now=shipped)
    at_gate = shipped + timedelta(hours=28)
    _scan(cast, shipment.token, "arrived", at_gate)
    shipment.refresh_from_db()
    _inspect(cast, shipment, at=at_gate + timedelta(hours=1))
    warehouse = Facility.objects.filter(park=cast.park, kind=Facility.Kind.WAREHOUSE).order_by("pk").first()
    stored = {"quantity": "160", "facility": warehouse.pk}
    _scan(cast, shipment.lots.get().token, "stored", at_gate + timedelta(hours=2), facility=warehouse, data=stored)
    handed_over = at_gate + timedelta(days=3)
    _scan(cast, shipment.lots.get().token, "released", handed_over, data={"quantity": "160"})
    _scan(cast, shipment.token, "handed_over", handed_over + timedelta(minutes=20))
    signed = handed_over + timedelta(hours=1)
    shipment.refresh_from_db()
    receipt = issue_receipt(
        shipment=shipment,
        order=order,
        lines=draft_lines(shipment=shipment, order=order),
        by=cast.operator,
        now=signed,
        receiver=cast.buyer,
    )
    sign_receipt(receipt=receipt, by=cast.seller, now=signed + timedelta(minutes=5))
    receipt.refresh_from_db()
    sign_receipt(receipt=receipt, by=cast.buyer, now=signed + timedelta(minutes=9))
    billed = signed + timedelta(days=1)
    order.refresh_from_db()
    invoice = issue_invoice(order=order, said={"number": "26332000000080160001"}, by=cast.seller, now=billed)
    receive_invoice(invoice=invoice, by=cast.buyer, now=billed + timedelta(days=1))
    paid = billed + timedelta(days=20)
    payment = record_payment(
        order=order,
        organisation=cast.pump_maker,
        said={"amount": order.total_amount, "reference": "TZ-0915-0042"},
        by=cast.buyer,
        now=paid,
        invoice=invoice,
    )
    confirm_payment(payment=payment, by=cast.seller, now=paid + timedelta(days=1))
    order.refresh_from_db()
    rate(
        order=order,
        organisation=cast.pump_maker,
        stars=5,
        words="按期到货, 检验一次通过。",
        by=cast.buyer,
        now=paid + timedelta(days=2),
    )
    rate(
        order=order,
        organisation=cast.valve_maker,
        stars=5,
        words="付款及时, 沟通顺畅。",
        by=cast.seller,
        now=paid + timedelta(days=2),
    )
    order.refresh_from_db()
    close_order(order=order, by=cast.buyer, now=paid + timedelta(days=2))


def _order_at_the_gate(cast: Cast, *, now: datetime) -> None:
    """An order in two parts: the first has just passed the gate, the second is still to be sent."""
    order = _order(cast, 65, 300, discount=Decimal("0.95"), now=now - timedelta(days=6))
    shipment = _ship(cast, order, 180, "HT65-1", now=now - timedelta(hours=20), hours=19)
    _scan(cast, shipment.token, "arrived", now - timedelta(minutes=25))


def _open_negotiation(cast: Cast, *, now: datetime) -> None:
    """The seller came back with another price and waits for the buyer."""
    supply = _supply(cast, 40)
    price = Decimal(supply.price_max).quantize(Decimal("0.1"))
    begun = now - timedelta(days=1, hours=3)
    negotiation = _negotiate(cast, supply, now=begun)
    _offer(cast, negotiation, "buyer", [_line(supply, 240, price * Decimal("0.92"))], now=begun)
    say(
        negotiation=negotiation,
        by=cast.buyer,
        organisation=cast.pump_maker,
        text="年内还有两批, 价格能否按全年用量算?",
        clause="price",
        now=begun + timedelta(minutes=4),
    )
    answered = now - timedelta(hours=3)
    counter = (price * Decimal("0.97")).quantize(Decimal("0.1"))
    _offer(cast, negotiation, "seller", [_line(supply, 240, counter)], days=18, now=answered)
    say(
        negotiation=negotiation,
        by=cast.seller,
        organisation=cast.valve_maker,
        text="可以提前一周交货; 价格让到这里, 月结 30 天不变。",
        clause="window",
        now=answered + timedelta(minutes=2),
    )


def _open_request(cast: Cast, *, now: datetime) -> None:
    """The buyer asks three makers for ball valves of two sizes; one of them has quoted."""
    makers = (
        Organisation.objects.filter(listings__category__code="valve.ball", listings__side="supply", is_demo=True)
        .exclude(pk=cast.pump_maker.pk)
        .distinct()
        .order_by("pk")
    )
    others = [maker for maker in makers if maker.pk != cast.valve_maker.pk][:2]
    today = timezone.localdate(now)
    rfq = create_rfq(
        buyer=cast.pump_maker,
        by=cast.buyer,
        fields={
            "title": "304 法兰球阀 DN50 / DN80, 四季度",
            "description": "随泵出厂配套, 需材质单。 / Supplied with our pumps; material certificates needed.",
            "closes_at": now + timedelta(days=6),
            "currency": "CNY",
            "incoterm": "park_handover",
            "park": cast.park,
            "window_start": today + timedelta(days=14),
            "window_end": today + timedelta(days=45),
        },
        lines=[
            {"description": "304 不锈钢法兰球阀 DN50 PN16", "quantity": 400, "unit": "piece", "tiers": [800]},
            {"description": "304 不锈钢法兰球阀 DN80 PN16", "quantity": 120, "unit": "piece"},
        ],
        suppliers=[str(maker.pk) for maker in [cast.valve_maker, *others]],
        publish=True,
        now=now - timedelta(days=2),
    )
    lines = list(rfq.lines.order_by("position"))
    submit_at_once(
        rfq=rfq,
        supplier=cast.valve_maker,
        by=cast.seller,
        fields={
            "freight_amount": 600,
            "lead_days": 18,
            "valid_until": now + timedelta(days=30),
            "incoterm": "park_handover",
            "park": cast.park,
            "window_start": today + timedelta(days=14),
            "window_end": today + timedelta(days=40),
        },
        lines=[
            {"line": lines[0].pk, "quantity": 400, "unit_price": "118.5"},
            {"line": lines[0].pk, "quantity": 800, "unit_price": "114"},
            {"line": lines[1].pk, "quantity": 120, "unit_price": "206"},
        ],
        now=now - timedelta(days=1),
    )
