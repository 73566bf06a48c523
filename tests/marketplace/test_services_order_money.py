import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from marketplace.models import Notification, OrderMove, OrderRecord, Payment, Rating
from marketplace.runs import orders as clock
from marketplace.runs.order_amounts import Due, list_dues
from marketplace.runs.order_records import buyer_facts
from marketplace.services import invoices, orders, payments, ratings
from marketplace.services.contracts import contract_paper
from marketplace.services.order_lines import move
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_order import order_of

pytestmark = pytest.mark.django_db
D = Decimal
DAY = dt.timedelta(days=1)


@pytest.fixture
def people():
    buyer, seller = UserFactory(), UserFactory()
    return buyer, seller, OrganisationFactory(members=[buyer]), OrganisationFactory(members=[seller])


@pytest.fixture
def order(people):
    return order_of(buyer=people[2], seller=people[3])


def deliver(order, people, at, quantity=500):
    line = order.lines.get()
    move(line=line, quantity=D(quantity), source="outstanding", target="in_delivery", by=people[1], at=at)
    move(line=line, quantity=D(quantity), source="in_delivery", target="accepted", by=people[0], at=at)
    return orders.refresh_status(order, at)


def pay(order, people, amount, now, **said):
    return payments.record_payment(
        order=order, organisation=people[2], said={"amount": amount, **said}, by=people[0], now=now
    )


# --- what is due ---
def due(order):
    return [(one.kind, one.amount, one.due_on.isoformat(), one.paid) for one in list_dues(order, order.lines.all())]


def test_dues_of_net_days_follow_each_acceptance(order, people, now):
    deliver(order, people, now, 200)
    order = deliver(order, people, now + 3 * DAY, 300)

    assert due(order) == [("acceptance", 20000, "2026-04-01", 0), ("acceptance", 30000, "2026-04-04", 0)]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"payment_term": "prepaid"}, [("advance", 50000, "2026-03-10", 0)]),
        ({"payment_term": "on_delivery"}, [("acceptance", 50000, "2026-03-02", 0)]),
        (
            {"payment_term": "deposit", "deposit_percent": 30},
            [("deposit", 15000, "2026-03-10", 0), ("acceptance", 35000, "2026-03-02", 0)],
        ),
    ],
)
def test_dues_follow_the_payment_terms(people, now, terms, expected):
    order = order_of(buyer=people[2], seller=people[3], **terms)

    order = deliver(order, people, now)

    assert due(order) == expected


def test_dues_are_covered_from_the_earliest(order, people, now):
    deliver(order, people, now, 200)
    order = deliver(order, people, now + 3 * DAY, 300)

    pay(order, people, "20500", now)

    order.refresh_from_db()
    assert [one[3] for one in due(order)] == [20000, 500]
    assert (order.next_due_on.isoformat(), order.next_due_amount) == ("2026-04-04", 29500)


# --- payments ---
def test_record_payment_waits_for_the_receiver(order, people, now):
    payment = pay(order, people, "50000", now)
    order.refresh_from_db()
    assert (payment.status, order.paid_amount, order.open_amount) == ("recorded", 50000, 0)

    with pytest.raises(OnlyMembersMay):
        payments.confirm_payment(payment=payment, by=people[0], now=now)
    assert payments.confirm_payment(payment=payment, by=people[1], now=now).status == "confirmed"
    with pytest.raises(payments.PaymentNotInStateForThis):
        payments.withdraw_payment(payment=payment, by=people[0], now=now)


def test_record_payment_by_the_receiver_is_confirmed(order, people, now):
    payment = payments.record_payment(order=order, organisation=people[3], said={"amount": "1"}, by=people[1], now=now)

    assert payment.status == "confirmed"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"amount": "50000.01"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "1.001"}, "amount"),
        ({"amount": "x"}, "amount"),
        ({"amount": "1", "paid_on": "2026-03-03"}, "paid_on"),
        ({"amount": "1", "paid_on": "3 March"}, "paid_on"),
        ({"amount": "1", "method": "barter"}, "method"),
        ({"amount": "1", "reference": "x" * 101}, "reference"),
    ],
)
def test_record_payment_refuses_bad_input_at_its_field(order, people, now, said, field):
    with pytest.raises(InputRefused) as refused:
        payments.record_payment(order=order, organisation=people[2], said=said, by=people[0], now=now)

    assert list(refused.value.errors) == [field]


def test_record_payment_never_exceeds_what_is_to_be_paid(order, people, now):
    pay(order, people, "30000", now)

    with pytest.raises(InputRefused):
        pay(order, people, "20000.01", now)


def test_a_disputed_payment_counts_no_more_until_it_is_found(order, people, now):
    payment = pay(order, people, "50000", now)

    payments.dispute_payment(payment=payment, note="未到账", by=people[1], now=now)
    order.refresh_from_db()
    assert order.paid_amount == 0
    second = pay(order, people, "50000", now)
    with pytest.raises(InputRefused):
        payments.confirm_payment(payment=payment, by=people[1], now=now)
    payments.withdraw_payment(payment=second, by=people[0], now=now)
    payments.confirm_payment(payment=payment, by=people[1], now=now)

    order.refresh_from_db()
    assert order.paid_amount == 50000


def test_a_refund_is_at_most_what_was_paid(order, people, now):
    pay(order, people, "30000", now)
    refund = {"order": order, "organisation": people[3], "by": people[1], "now": now, "is_refund": True}
    with pytest.raises(InputRefused):
        payments.record_payment(said={"amount": "30000.01"}, **refund)

    payments.record_payment(said={"amount": "5000"}, **refund)

    order.refresh_from_db()
    assert order.paid_amount == 25000


def test_reduce_price_lowers_what_is_to_be_paid(order, people, now):
    payments.reduce_price(order=order, line=None, amount=D("250.50"), reason="让步接收", by=people[0], now=now)

    order.refresh_from_db()
    assert order.payable_amount == D("49749.50")
    with pytest.raises(InputRefused):
        payments.reduce_price(order=order, line=None, amount=D(50000), reason="x", by=people[0], now=now)


def test_payments_are_positive_in_the_database(order, people, now):
    payment = pay(order, people, "1", now)

    with pytest.raises(IntegrityError, match="payment_amount_is_positive"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(amount=0)


# --- invoices ---
def test_an_invoice_is_asked_for_issued_and_received(order, people, now):
    invoice = invoices.request_invoice(order=order, said={}, by=people[0], now=now)
    assert (invoice.amount, invoice.tax_identifier, invoice.status) == (50000, people[2].uscc, "requested")

    invoice = invoices.issue_invoice(order=order, invoice=invoice, said={"number": "2533"}, by=people[1], now=now)
    invoice = invoices.receive_invoice(invoice=invoice, by=people[0], now=now)

    assert invoice.status == "received"
    with pytest.raises(invoices.InvoiceNotInStateForThis):
        invoices.receive_invoice(invoice=invoice, by=people[0], now=now)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "number"),
        ({"number": "1", "amount": "50000.01"}, "amount"),
        ({"number": "1", "tax_amount": "50000"}, "tax_amount"),
        ({"number": "1", "issued_on": "2026-03-03"}, "issued_on"),
        ({"number": "1", "due_on": "2026-03-01"}, "due_on"),
        ({"number": "1", "kind": "receipt"}, "kind"),
    ],
)
def test_issue_invoice_refuses_bad_input_at_its_field(order, people, now, said, field):
    with pytest.raises(InputRefused) as refused:
        invoices.issue_invoice(order=order, said=said, by=people[1], now=now)

    assert list(refused.value.errors) == [field]


def test_an_invoice_number_is_used_once_per_seller(order, people, now):
    invoices.issue_invoice(order=order, said={"number": "1", "amount": "10"}, by=people[1], now=now)

    with pytest.raises(invoices.InvoiceNumberTaken):
        invoices.issue_invoice(order=order, said={"number": "1", "amount": "10"}, by=people[1], now=now)


def test_a_paid_invoice_is_not_made_void(order, people, now):
    invoice = invoices.issue_invoice(order=order, said={"number": "1"}, by=people[1], now=now)
    payments.record_payment(
        order=order, organisation=people[2], said={"amount": "1"}, invoice=invoice, by=people[0], now=now
    )

    with pytest.raises(invoices.InvoiceIsPaid):
        invoices.void_invoice(invoice=invoice, note="", by=people[1], now=now)


# --- closing, records, ratings ---
def test_close_order_takes_an_accepted_and_paid_one(order, people, now):
    with pytest.raises(orders.OrderNotInStateForThis):
        orders.close_order(order=order, by=people[0], now=now)
    deliver(order, people, now)
    with pytest.raises(orders.OrderNotPaid):
        orders.close_order(order=order, by=people[0], now=now)
    payment = pay(order, people, "50000", now)
    payments.confirm_payment(payment=payment, by=people[1], now=now)
    with pytest.raises(orders.NotYourSideOfTheOrder):
        orders.close_order(order=order, by=UserFactory(), now=now)

    orders.close_order(order=order, by=people[0], now=now)

    order.refresh_from_db()
    people[3].refresh_from_db()
    assert order.status == "closed"
    assert (people[3].deliveries, people[3].deliveries_on_time) == (1, 1)
    with pytest.raises(orders.OrderHasEnded):
        orders.close_order(order=order, by=people[0], now=now)


def test_records_say_what_came_on_time_in_full_and_in_specification(order, people, now):
    line = order.lines.get()
    deliver(order, people, now, 200)
    deliver(order, people, now + 40 * DAY, 200)
    move(line=line, quantity=D(60), source="outstanding", target="in_delivery", by=people[1], at=now + 40 * DAY)
    move(line=line, quantity=D(60), source="in_delivery", target="returned", by=people[0], at=now + 40 * DAY)
    move(line=line, quantity=D(40), source="outstanding", target="short", by=people[1], at=now + 40 * DAY)
    orders.refresh_status(order, now + 40 * DAY)
    pay(order, people, "40000", now + 41 * DAY, paid_on="2026-04-02")
    payments.confirm_payment(payment=Payment.objects.get(), by=people[1], now=now + 41 * DAY)

    orders.close_order(order=order, by=people[0], now=now + 41 * DAY)

    seller = OrderRecord.objects.get(side="seller")
    assert (seller.on_time, seller.in_full, seller.in_spec) == (D("0.5000"), D("0.8000"), D("0.8696"))
    assert (seller.days_late, seller.deliveries, seller.deliveries_on_time) == (11, 2, 1)
    buyer = OrderRecord.objects.get(side="buyer")
    # 20,000 were due on 1 April and came a day later; the other 20,000 came before their day.
    assert (buyer.on_time, buyer.in_full, buyer.days_late) == (D("0.5000"), D("1.0000"), 1)


def test_buyer_facts_count_what_was_never_paid_as_late_until_today():
    facts = buyer_facts([Due("x", D(100), dt.date(2026, 3, 1))], [], D(100), D(0), dt.date(2026, 3, 11))

    assert (facts["on_time"], facts["in_full"], facts["days_late"]) == (0, 0, 10)


def test_the_clock_closes_what_nobody_objects_to(order, people, now):
    deliver(order, people, now)
    pay(order, people, "50000", now)

    assert clock.close_orders(now=now + 29 * DAY) == 0
    assert clock.close_orders(now=now + 31 * DAY) == 1
    assert clock.close_orders(now=now + 31 * DAY) == 0
    assert OrderRecord.objects.count() == 2


def test_the_clock_leaves_open_what_is_still_to_be_paid(order, people, now):
    deliver(order, people, now)

    assert clock.close_orders(now=now + 31 * DAY) == 0
    assert clock.close_orders(now=now + 62 * DAY) == 1


def test_the_clock_tells_once_of_what_is_overdue(order, people, now):
    deliver(order, people, now)

    assert clock.tell_overdue(now=now + 30 * DAY) == 0
    assert clock.tell_overdue(now=now + 31 * DAY) > 0
    assert clock.tell_overdue(now=now + 32 * DAY) == 0
    assert Notification.objects.filter(event="payment.overdue", channel="in_app").count() == 2


def test_rate_is_said_once_by_each_side(order, people, now):
    said = {"order": order, "stars": 4, "words": "准时", "now": now}
    with pytest.raises(orders.OrderNotInStateForThis):
        ratings.rate(organisation=people[2], by=people[0], **said)
    deliver(order, people, now)

    rating = ratings.rate(organisation=people[2], by=people[0], **said)

    assert (rating.organisation, rating.stars) == (people[3], 4)
    with pytest.raises(ratings.AlreadyRated):
        ratings.rate(organisation=people[2], by=people[0], **said)
    with pytest.raises(InputRefused):
        ratings.rate(organisation=people[3], by=people[1], **{**said, "stars": 6})
    with pytest.raises(IntegrityError, match="rating_of_one_to_five_stars"), transaction.atomic():
        Rating.objects.update(stars=0)


def test_contract_paper_is_the_same_for_the_same_order(order):
    for language in ("zh", "en"):
        paper = contract_paper(order, language)
        assert paper[:4] == b"%PDF"
        assert paper == contract_paper(order, language)


def test_moves_are_only_added(order, people, now):
    deliver(order, people, now)

    with pytest.raises(Exception, match=r"only|append"), transaction.atomic():
        OrderMove.objects.update(quantity=1)
