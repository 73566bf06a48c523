"""Write down, as verified records of both sides, what firms did here: sales, deliveries and payments.

The missing row is the to-do list: each fact has a key, and what no record with that key was written for is taken up.
Gathered twice it is written once.

A sale is a record once. Whichever both sides do first counts: the invoice that the seller issues, or the acceptance of
the order for what no invoice was issued for yet; an invoice that comes after is written, too, yet only restates the
order's record. What makes an order cheaper after it was accepted, and a void invoice, is a negative record of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, Exists, F, OuterRef, Prefetch, QuerySet, Sum, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from finance.models import FindingRun, RecordKind, TransactionRecord
from finance.reading.batches import batch_root
from finance.reading.facts import Fact
from finance.runs import evidence
from finance.runs.record_imports import identity
from marketplace.models import Invoice, Order, OrderLine, Organisation, Payment, Receipt
from marketplace.models.receipt import ReceiptLine
from marketplace.models.terms import totals

BATCH = 500
CENT = Decimal("0.01")
LONGEST_GOODS = 200
ZERO = Decimal("0.00")
Direction = TransactionRecord.Direction
SIDES = (("seller", RecordKind.SALES, Direction.OUT), ("buyer", RecordKind.PURCHASES, Direction.IN))


def gather(*, now: datetime) -> int:
    """Write every record that is missing; return how many were."""
    count = 0
    for take in (_invoices, _void_invoices, _orders, _reductions, _receipts, _payments):
        while written := _write(take, now):
            count += written
    return count


@transaction.atomic
def _write(take: Callable[[], Iterator[TransactionRecord]], now: datetime) -> int:
    with connection.cursor() as cursor:
        # Two that gather at once would both find the same missing; the second has nothing to do.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", ["finance.platform_records"])
        if not cursor.fetchone()[0]:
            return 0
    drafts = list(take())
    if not drafts:
        return 0
    written = TransactionRecord.objects.bulk_create(drafts)
    FindingRun.objects.request({one.organisation_id for one in written}, now=now)
    evidence.append_all(entries=_batches(written), at=now)
    return len(written)


def _batches(records: Sequence[TransactionRecord]) -> list[evidence.Entry]:
    """Return a leaf for each firm: how many of its records were written, from which to which, and their root."""
    by_firm: dict[int, list[TransactionRecord]] = {}
    for record in sorted(records, key=lambda one: one.pk):
        by_firm.setdefault(record.organisation_id, []).append(record)
    firms = Organisation.objects.in_bulk(by_firm)
    entries = []
    for firm, rows in sorted(by_firm.items()):
        content = {
            "organisation": evidence.pseudonym(firms[firm]),
            "count": len(rows),
            "first": rows[0].pk,
            "last": rows[-1].pk,
            "root": batch_root(one.sha256 for one in rows),
        }
        entries.append(evidence.Entry("records.gathered", content))
    return entries


def _missing(rows: QuerySet, prefix: str, firm: str, kind: str) -> QuerySet:
    """Return the rows for which the firm has no record with the key ``prefix:id``."""
    key = Concat(Value(f"{prefix}:"), Cast(OuterRef("pk"), CharField()))
    recorded = TransactionRecord.objects.filter(organisation=OuterRef(firm), kind=kind, key=key)
    return rows.filter(~Exists(recorded)).order_by("pk")


def _record(
    order: Order,
    side: str,
    *,
    key: str,
    kind: str,
    at: datetime,
    amounts: Sequence[Decimal],
    restates: TransactionRecord | None = None,
    **said: Any,
) -> TransactionRecord:
    """Return the record of one side of an order; ``said`` are further fields of a Fact."""
    firm, other = _of(order, side)
    net, tax, total = amounts
    content = {
        "invoice_code": "",
        "number": order.number,
        "occurred_on": timezone.localdate(at),
        "counterparty_code": identity(other),
        "counterparty_name": other.name_zh or other.name_en,
        "direction": "",
        "currency": order.currency,
        "quantity": None,
        "unit": "",
        "goods": _goods(order),
        "reference": order.number,
    } | said
    amounts = {"net_amount": net, "tax_amount": tax, "total_amount": total}
    fact = Fact(line=0, kind=kind, is_void=False, **amounts, **content)
    fields = fact._asdict()
    del fields["line"]
    return TransactionRecord(
        organisation=firm,
        source=TransactionRecord.Source.PLATFORM,
        is_verified=True,
        key=key,
        known_at=at,
        counterparty=other,
        order=order,
        restates=restates,
        sha256=fact.sha256(identity(firm)),
        **fields,
    )


def _of(order: Order, side: str) -> tuple[Organisation, Organisation]:
    return (order.seller, order.buyer) if side == "seller" else (order.buyer, order.seller)


def _sold(order: Order, kind: str) -> Decimal:
    """Return how much of an order is on record as sold or bought, tax included."""
    firm = order.seller_id if kind == RecordKind.SALES else order.buyer_id
    rows = TransactionRecord.objects.filter(organisation=firm, kind=kind, order=order).counted()
    return rows.aggregate(sum=Sum("total_amount"))["sum"] or ZERO


def _split(order: Order, total: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """Return amount, tax and total of a part of an order, at the order's own share of tax."""
    if not order.total_amount:
        return total, ZERO, total
    tax = (total * order.tax_amount / order.total_amount).quantize(CENT, rounding=ROUND_HALF_UP)
    return total - tax, tax, total


def _goods(order: Order) -> str:
    return "；".join(line.description for line in _goods_lines(order))[:LONGEST_GOODS]


def _with_order(rows: QuerySet) -> QuerySet:
    lines = Prefetch("order__lines", OrderLine.objects.order_by("position"))
    return rows.select_related("order__buyer", "order__seller").prefetch_related(lines)


def _invoices() -> Iterator[TransactionRecord]:
    """Take the invoices that were issued: a sale of the seller and a purchase of the buyer."""
    for side, kind, _direction in SIDES:
        rows = _missing(Invoice.objects.valid(), "invoice", f"order__{side}", kind)
        for invoice in _with_order(rows)[:BATCH]:
            firm, _other = _of(invoice.order, side)
            # Where the order's record is the sale, the invoice says it again.
            sales = TransactionRecord.objects.filter(organisation=firm, kind=kind, restates=None)
            yield _record(
                invoice.order,
                side,
                key=f"invoice:{invoice.pk}",
                kind=kind,
                at=invoice.issued_at,
                number=invoice.number,
                occurred_on=invoice.issued_on,
                amounts=(invoice.amount - invoice.tax_amount, invoice.tax_amount, invoice.amount),
                restates=sales.filter(key=f"order:{invoice.order_id}").first(),
            )


def _void_invoices() -> Iterator[TransactionRecord]:
    """Take back what was recorded of an invoice that is void now."""
    for side, kind, _direction in SIDES:
        key = Concat(Value("invoice:"), Cast(OuterRef("pk"), CharField()))
        recorded = TransactionRecord.objects.filter(
            organisation=OuterRef(f"order__{side}"), kind=kind, key=key, restates=None
        )
        gone = Invoice.objects.filter(Exists(recorded), status__in=[Invoice.Status.VOID, Invoice.Status.REFUSED])
        rows = _missing(gone.exclude(answered_at=None), "void-invoice", f"order__{side}", kind)
        for invoice in _with_order(rows)[:BATCH]:
            net = invoice.amount - invoice.tax_amount
            yield _record(
                invoice.order,
                side,
                key=f"void-invoice:{invoice.pk}",
                kind=kind,
                at=invoice.answered_at,
                number=invoice.number,
                amounts=(-net, -invoice.tax_amount, -invoice.amount),
            )


def _orders() -> Iterator[TransactionRecord]:
    """Take the accepted orders: what of them is payable and no invoice was issued for."""
    accepted = Order.objects.exclude(accepted_at=None).exclude(kind=Order.Kind.FRAMEWORK)
    accepted = accepted.exclude(status=Order.Status.CANCELLED)
    for side, kind, _direction in SIDES:
        lines = Prefetch("lines", OrderLine.objects.order_by("position"))
        rows = _missing(accepted, "order", side, kind).select_related("buyer", "seller").prefetch_related(lines)
        for order in rows[:BATCH]:
            firm, _other = _of(order, side)
            sold = _sold(order, kind)
            left = order.payable_amount - sold
            invoiced = (
                TransactionRecord.objects.filter(organisation=firm, kind=kind, order=order).order_by("pk").first()
            )
            yield _record(
                order,
                side,
                key=f"order:{order.pk}",
                kind=kind,
                at=order.accepted_at,
                amounts=_split(order, left if left > 0 else order.payable_amount),
                **_quantity([(line.billable, line.unit) for line in _goods_lines(order)]),
                # All of it was invoiced before: the invoices are the sale.
                restates=invoiced if left <= 0 and sold > 0 else None,
            )


def _goods_lines(order: Order) -> list[OrderLine]:
    return [line for line in order.lines.all() if line.kind == OrderLine.Kind.GOODS]


def _quantity(said: list[tuple[Decimal, str]]) -> dict[str, object]:
    """Return the sum of quantities of one unit; nothing where units differ."""
    units = {unit for _quantity, unit in said}
    if len(units) != 1:
        return {}
    return {"quantity": sum((quantity for quantity, _unit in said), Decimal(0)), "unit": units.pop()}


def _reductions() -> Iterator[TransactionRecord]:
    """Take what made an accepted order cheaper after its sale was written down: returns, settlements, decisions."""
    for side, kind, _direction in SIDES:
        recorded = TransactionRecord.objects.filter(order=OuterRef("pk"), organisation=OuterRef(side), kind=kind)
        sold = (
            recorded.filter(is_void=False, restates=None).order_by().values("order").annotate(sum=Sum("total_amount"))
        )
        rows = Order.objects.filter(
            Exists(recorded.filter(key=Concat(Value("order:"), Cast(OuterRef("pk"), CharField()))))
        )
        rows = rows.annotate(sold=sold.values("sum")).filter(sold__gt=F("payable_amount"))
        for order in rows.select_related("buyer", "seller").prefetch_related("lines").order_by("pk")[:BATCH]:
            firm, _other = _of(order, side)
            count = TransactionRecord.objects.filter(organisation=firm, kind=kind, order=order).count()
            yield _record(
                order,
                side,
                key=f"reduction:{order.pk}:{count}",
                kind=kind,
                at=order.updated_at,
                amounts=_split(order, order.payable_amount - order.sold),
            )


def _receipts() -> Iterator[TransactionRecord]:
    """Take the receipts that both sides signed: goods went out of one and came in to the other."""
    signed = Receipt.objects.filter(status=Receipt.Status.SIGNED)
    lines = Prefetch("lines", ReceiptLine.objects.order_by("pk").select_related("lot__order_line"))
    for side, _kind, direction in SIDES:
        rows = _missing(signed, "receipt", f"order__{side}", RecordKind.DELIVERY)
        for receipt in rows.select_related("order__buyer", "order__seller").prefetch_related(lines)[:BATCH]:
            said = [(line.accepted_quantity, line.lot.order_line) for line in receipt.lines.all()]
            value = sum((quantity * line.unit_price for quantity, line in said), Decimal(0)).quantize(
                CENT, ROUND_HALF_UP
            )
            rate, is_with_tax = receipt.order.tax_rate, receipt.order.price_includes_tax
            yield _record(
                receipt.order,
                side,
                key=f"receipt:{receipt.pk}",
                kind=RecordKind.DELIVERY,
                at=receipt.signed_at,
                number=receipt.number,
                amounts=totals(value, tax_rate=rate, price_includes_tax=is_with_tax),
                direction=direction,
                goods="；".join(dict.fromkeys(line.description for _accepted, line in said))[:LONGEST_GOODS],
                **_quantity([(quantity, line.unit) for quantity, line in said]),
            )


def _payments() -> Iterator[TransactionRecord]:
    """Take the payments that their receiver confirmed; a refund goes the other way."""
    confirmed = Payment.objects.filter(status=Payment.Status.CONFIRMED)
    for side, _kind, _direction in SIDES:
        rows = _missing(confirmed, "payment", f"order__{side}", RecordKind.PAYMENT)
        for payment in rows.select_related("order__buyer", "order__seller")[:BATCH]:
            pays = (side == "buyer") != payment.is_refund
            yield _record(
                payment.order,
                side,
                key=f"payment:{payment.pk}",
                kind=RecordKind.PAYMENT,
                at=payment.answered_at,
                number=payment.reference[:60],
                occurred_on=payment.paid_on,
                amounts=(payment.amount, ZERO, payment.amount),
                direction=Direction.OUT if pays else Direction.IN,
                goods=payment.note[:LONGEST_GOODS],
            )
