from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from marketplace.models import Dispute, Invoice, Order, OrderMove, OrderRecord, PriceReduction, Proposal, Rating
from marketplace.tasks.orders import close_orders, tell_overdue
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_order import OrderFactory, OrderLineFactory

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def order():
    return OrderFactory()


@pytest.fixture
def line(order):
    return OrderLineFactory(order=order)


def refused(constraint, act):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        act()


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("order_total_adds_up", {"total_amount": 1}),
        ("order_amounts_are_not_negative", {"payable_amount": -1}),
        ("order_accepted_at_goes_with_status", {"status": "accepted"}),
        ("order_ended_at_goes_with_status", {"status": "closed"}),
        ("order_call_off_has_a_framework", {"kind": "call_off"}),
        ("order_window_is_ordered", {"window_end": "2026-03-01"}),
        ("order_handed_over_in_a_park_names_it", {"incoterm": "park_handover"}),
        ("order_currency_has_three_letters", {"currency": "yua"}),
    ],
)
def test_an_order_is_refused_by_the_database(order, constraint, changes):
    refused(constraint, lambda: Order.objects.filter(pk=order.pk).update(**changes))


def test_an_order_is_between_two(order):
    refused("order_is_between_two", lambda: Order.objects.filter(pk=order.pk).update(buyer=order.seller))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("order_line_quantity_is_always_somewhere", {"outstanding": 499}),
        ("order_line_has_nowhere_less_than_nothing", {"outstanding": 501, "short": -1}),
        ("order_line_minimum_call_is_positive", {"minimum_call": 0}),
        ("orderline_price_is_not_negative", {"unit_price": -1}),
    ],
)
def test_a_line_is_refused_by_the_database(line, constraint, changes):
    refused(constraint, lambda: type(line).objects.filter(pk=line.pk).update(**changes))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("order_move_is_of_something", {"quantity": 0}),
        ("order_move_goes_from_place_to_place", {"target": "outstanding"}),
        ("order_move_goes_from_place_to_place", {"target": "nowhere"}),
    ],
)
def test_a_move_is_refused_by_the_database(line, constraint, changes):
    row = {"line": line, "quantity": 1, "source": "outstanding", "target": "short", "at": NOON, **changes}
    refused(constraint, lambda: OrderMove.objects.create(**row))


def proposal_of(order, **changes):
    row = {
        "order": order,
        "kind": "cancellation",
        "proposed_for": order.buyer,
        "proposed_by": order.confirmed_by,
        "proposed_at": NOON,
        "revision": 1,
        "reason": "x",
    }
    return Proposal.objects.create(**{**row, **changes})


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("proposal_answered_at_goes_with_status", {"status": "confirmed"}),
        ("proposal_is_about_a_line_where_it_must", {"kind": "return"}),
    ],
)
def test_a_proposal_is_refused_by_the_database(order, constraint, changes):
    refused(constraint, lambda: proposal_of(order, **changes))


def test_a_settlement_is_of_a_dispute(order, line):
    refused("proposal_settles_a_dispute", lambda: proposal_of(order, kind="settlement", line=line))


def test_one_proposal_of_a_kind_is_open(order):
    proposal_of(order)

    refused("proposal_one_open_per_kind_and_line", lambda: proposal_of(order))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("dispute_is_about_something", {"quantity": 0}),
        ("dispute_freezes_what_was_sent", {"source": "short"}),
        ("dispute_closed_at_goes_with_status", {"status": "settled"}),
    ],
)
def test_a_dispute_is_refused_by_the_database(order, line, constraint, changes):
    row = {
        "order": order,
        "line": line,
        "quantity": 1,
        "source": "accepted",
        "kind": "quality",
        "text": "x",
        "opened_for": order.buyer,
        "opened_by": order.confirmed_by,
        "opened_at": NOON,
    }
    refused(constraint, lambda: Dispute.objects.create(**{**row, **changes}))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("invoice_amount_is_positive", {"amount": 0}),
        ("invoice_tax_is_within_its_amount", {"tax_amount": 10}),
        ("invoice_issued_has_number_and_day", {"status": "issued"}),
    ],
)
def test_an_invoice_is_refused_by_the_database(order, constraint, changes):
    row = {"order": order, "seller": order.seller, "kind": "special", "title": "x", "amount": 10, **changes}
    refused(constraint, lambda: Invoice.objects.create(**row))


def test_an_invoice_number_is_one_sellers_once(order):
    row = {"order": order, "seller": order.seller, "kind": "special", "title": "x", "amount": 10, "number": "1"}
    Invoice.objects.create(**row)

    refused("invoice_number_once_per_seller", lambda: Invoice.objects.create(**row))


def test_a_reduction_is_positive(order):
    row = {"order": order, "amount": 0, "reason": "x", "by": order.confirmed_by, "at": NOON}
    refused("price_reduction_is_positive", lambda: PriceReduction.objects.create(**row))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("order_record_shares_are_shares", {"on_time": D("1.1")}),
        ("order_record_on_time_at_most_all", {"deliveries_on_time": 1}),
    ],
)
def test_a_record_is_refused_by_the_database(order, constraint, changes):
    row = {"order": order, "organisation": order.seller, "side": "seller", "at": NOON, **changes}
    refused(constraint, lambda: OrderRecord.objects.create(**row))


def test_a_record_is_written_once_per_side(order):
    row = {"order": order, "organisation": order.seller, "side": "seller", "at": NOON}
    OrderRecord.objects.create(**row)

    refused("order_record_once_per_side", lambda: OrderRecord.objects.create(**row))


def test_a_rating_is_of_the_other(order):
    row = {"order": order, "stars": 5, "by": order.confirmed_by, "at": NOON, "organisation": order.seller}
    refused("rating_is_of_the_other", lambda: Rating.objects.create(**row, by_organisation=order.seller))


def test_orders_are_seen_by_their_sides_and_the_platform(order):
    member, stranger, operator = UserFactory(), UserFactory(), UserFactory(is_staff=True)
    order.buyer.memberships.create(user=member, role="viewer", created_at=NOON)
    OrganisationFactory(members=[stranger])

    assert list(Order.objects.visible_to(member)) == [order]
    assert list(Order.objects.editable_by(member)) == []
    assert list(Order.objects.visible_to(stranger)) == []
    assert list(Order.objects.visible_to(operator)) == [order]
    assert list(Order.objects.of(operator)) == []


def test_tasks_of_orders_may_be_heard_twice(order):
    for _ in range(2):
        close_orders()
        tell_overdue()

    order.refresh_from_db()
    assert order.status == "confirmed"
