"""Where orders and what was sent for them meet: status, evidence, and several people at once."""

from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import Order, Payment, Proposal
from marketplace.services import disputes, orders, payments, proposals
from tests.factories import NOON
from tests.factories_shipment import Story
from tests.races import race

D = Decimal


@pytest.mark.django_db
def test_a_dispute_takes_what_the_park_recorded_as_evidence():
    story = Story()
    shipment = story.dispatch("300")
    other = story.dispatch("100")
    story.scan(shipment, "arrived")

    dispute = disputes.open_dispute(
        line=story.line,
        organisation=story.buyer,
        quantity=D(20),
        kind="late",
        text="迟到",
        by=story.purchaser,
        now=NOON,
    )

    events = [(one["shipment"], one["kind"]) for one in dispute.references if one["type"] == "event"]
    assert (shipment.number, "arrived") in events
    assert {number for number, _kind in events} == {shipment.number, other.number}


@pytest.mark.django_db
def test_goods_that_come_by_shipment_are_received_with_it():
    story = Story()
    story.dispatch("300")

    with pytest.raises(orders.GoodsComeByShipment):
        orders.accept_delivery(order=story.order, quantities={1: D(300)}, by=story.purchaser, now=NOON)


@pytest.mark.django_db
def test_an_order_is_delivered_when_all_of_it_was_handed_over():
    story = Story(quantity="100")
    shipment = story.dispatch("100")
    assert Order.objects.get(pk=story.order.pk).status == "in_fulfilment"

    for kind in ("arrived", "handed_over"):
        story.scan(shipment, kind)

    assert orders.refresh_status(story.order, NOON).status == "delivered"


@pytest.mark.django_db(transaction=True)
def test_two_payments_at_once_never_exceed_what_is_to_be_paid():
    story = Story()

    def pay():
        return payments.record_payment(
            order=story.order, organisation=story.buyer, said={"amount": "30000"}, by=story.purchaser, now=NOON
        )

    outcomes = race(*[pay] * 3)

    assert sum(isinstance(one, Payment) for one in outcomes) == 1
    assert sum(isinstance(one, InputRefused) for one in outcomes) == 2
    assert Order.objects.get(pk=story.order.pk).paid_amount == 30000


@pytest.mark.django_db(transaction=True)
def test_a_proposal_confirmed_twice_at_once_is_carried_out_once():
    story = Story()
    proposal = proposals.propose(
        order=story.order,
        organisation=story.buyer,
        kind="cancellation",
        said={"lines": [{"line": 1, "quantity": "100"}]},
        reason="x",
        by=story.purchaser,
        now=NOON,
    )

    def confirm():
        return proposals.confirm_proposal(proposal=proposal, by=story.salesman, now=NOON)

    outcomes = race(*[confirm] * 3)

    assert sum(isinstance(one, Proposal) for one in outcomes) == 1
    assert sum(isinstance(one, proposals.ProposalAlreadyAnswered) for one in outcomes) == 2
    story.line.refresh_from_db()
    assert story.line.cancelled == 100
