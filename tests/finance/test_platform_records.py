from decimal import Decimal

import pytest

from finance.models import FindingRun, LogLeaf, TransactionRecord
from finance.runs.platform_records import gather
from marketplace.models import Invoice, Order, Payment
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_order import OrderFactory, OrderLineFactory

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def order():
    order = OrderFactory()
    OrderLineFactory(order=order)
    return order


def _accept(order, now):
    Order.objects.filter(pk=order.pk).update(status="accepted", accepted_at=now)


def _invoice(order, now, amount="50000.00", **said):
    issued = {"issued_by": UserFactory(), "issued_at": now, "issued_on": now.date(), "status": "issued"}
    return Invoice.objects.create(
        order=order,
        seller=order.seller,
        kind=Invoice.Kind.DIGITAL_SPECIAL,
        number=f"FP-{Invoice.objects.count() + 1}",
        title="买方",
        amount=D(amount),
        tax_amount=(D(amount) * 13 / 113).quantize(D("0.01")),
        **(issued | said),
    )


def _counted(order, kind="sales"):
    rows = TransactionRecord.objects.filter(order=order, kind=kind).counted().order_by("pk")
    return [(row.number, row.total_amount) for row in rows]


def test_nothing_is_gathered_of_what_is_only_confirmed(order, now):
    assert gather(now=now) == 0


def test_accepted_order_is_a_sale_and_a_purchase_once(order, now):
    _accept(order, now)

    assert (gather(now=now), gather(now=now)) == (2, 0)

    sale, purchase = TransactionRecord.objects.order_by("kind")[::-1]
    assert (sale.organisation, sale.counterparty, sale.kind) == (order.seller, order.buyer, "sales")
    assert (purchase.organisation, purchase.kind) == (order.buyer, "purchases")
    assert (sale.net_amount, sale.tax_amount, sale.total_amount) == (D("44247.79"), D("5752.21"), D(50000))
    assert (sale.is_verified, sale.known_at, sale.quantity, sale.unit) == (True, now, D(500), "piece")
    assert LogLeaf.objects.filter(kind="records.gathered").count() == 2
    assert set(FindingRun.objects.values_list("organisation", flat=True)) == {order.seller_id, order.buyer_id}


def test_invoice_after_acceptance_restates_the_sale(order, now):
    _accept(order, now)
    gather(now=now)
    _invoice(order, now)

    assert gather(now=now) == 2
    assert _counted(order) == [(order.number, D(50000))]


def test_invoices_before_acceptance_are_the_sale_and_the_order_counts_for_the_rest(order, now):
    _invoice(order, now, "20000.00")
    gather(now=now)
    _accept(order, now)
    gather(now=now)

    assert _counted(order) == [("FP-1", D(20000)), (order.number, D(30000))]
    assert _counted(order, "purchases") == _counted(order)


def test_order_that_was_invoiced_in_full_restates(order, now):
    _invoice(order, now)
    gather(now=now)
    _accept(order, now)
    gather(now=now)

    assert _counted(order) == [("FP-1", D(50000))]


def test_void_invoice_is_taken_back(order, now):
    invoice = _invoice(order, now)
    gather(now=now)
    Invoice.objects.filter(pk=invoice.pk).update(status="void", answered_at=now)

    assert (gather(now=now), gather(now=now)) == (2, 0)
    assert _counted(order) == [("FP-1", D(50000)), ("FP-1", D(-50000))]


def test_order_that_became_cheaper_is_corrected(order, now):
    _accept(order, now)
    gather(now=now)
    Order.objects.filter(pk=order.pk).update(payable_amount=D(45000))

    assert (gather(now=now), gather(now=now)) == (2, 0)
    assert _counted(order) == [(order.number, D(50000)), (order.number, D(-5000))]


def test_confirmed_payment_goes_out_of_one_and_in_to_the_other(order, now):
    said = {"order": order, "paid_on": now.date(), "recorded_for": order.buyer, "recorded_by": UserFactory()}
    Payment.objects.create(**said, amount=100, recorded_at=now)
    Payment.objects.create(**said, amount=70, recorded_at=now, status="confirmed", answered_at=now)
    Payment.objects.create(**said, amount=5, recorded_at=now, status="confirmed", answered_at=now, is_refund=True)

    assert gather(now=now) == 4
    rows = TransactionRecord.objects.order_by("pk").values_list("organisation", "direction", "total_amount")
    assert set(rows) == {
        (order.seller_id, "in", D(70)),
        (order.buyer_id, "out", D(70)),
        (order.seller_id, "out", D(5)),
        (order.buyer_id, "in", D(5)),
    }


def test_records_of_strangers_are_untouched(order, now):
    stranger = OrganisationFactory()
    _accept(order, now)

    gather(now=now)

    assert not TransactionRecord.objects.of(stranger).exists()
