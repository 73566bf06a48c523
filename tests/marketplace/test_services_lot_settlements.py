"""Lots follow what the two sides agree on, so that no goods are sent back or received twice."""

from decimal import Decimal

import pytest

from marketplace.models import Proposal
from marketplace.services.disputes import decide_dispute, open_dispute, propose_settlement
from marketplace.services.inspection_answers import InspectionAlreadyAnswered, decide_rejected
from marketplace.services.inspections import inspect_lot
from marketplace.services.lot_settlements import ReceiptWaitsForSignatures
from marketplace.services.proposals import confirm_proposal, propose
from marketplace.services.receipt_lines import draft_lines
from marketplace.services.receipts import issue_receipt, sign_receipt
from tests.factories import NOON, UserFactory
from tests.factories_shipment import Story

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def story():
    """Return a story in which lot A of 200 passed and lot B of 100 was rejected."""
    story = Story()
    story.shipment = story.dispatch("200", "100")
    story.scan(story.shipment, "arrived")
    story.passed, story.rejected = story.shipment.lots.order_by("pk")
    inspect_lot(lot=story.passed, by=story.gatekeeper, now=NOON, accepted=200)
    story.inspection = inspect_lot(lot=story.rejected, by=story.gatekeeper, now=NOON, rejected=100)
    return story


def dispute_of(story, quantity: int):
    return open_dispute(
        line=story.line,
        organisation=story.buyer,
        quantity=D(quantity),
        kind="quality",
        text="尺寸超差",
        by=story.purchaser,
        now=NOON,
    )


def settle(story, dispute, **shares):
    proposal = propose_settlement(
        dispute=dispute, organisation=story.seller, said=shares, reason="同意", by=story.salesman, now=NOON
    )
    return confirm_proposal(proposal=proposal, by=story.purchaser, now=NOON)


def receipt_of(story):
    lines = draft_lines(shipment=story.shipment, order=story.order)
    return issue_receipt(shipment=story.shipment, order=story.order, lines=lines, by=story.gatekeeper, now=NOON)


def sign(story, receipt):
    sign_receipt(receipt=receipt, by=story.salesman, now=NOON)
    sign_receipt(receipt=receipt, by=story.purchaser, now=NOON)


def where(story):
    story.line.refresh_from_db()
    return {place: int(getattr(story.line, place)) for place in story.line.PLACES if getattr(story.line, place)}


def open_quantities(story):
    return [lot.open_quantity for lot in story.shipment.lots.order_by("pk")]


def test_a_settled_dispute_sends_the_rejected_lot_back_once(story):
    settle(story, dispute_of(story, 100), replace="60", **{"return": "40"})

    assert where(story) == {"outstanding": 260, "in_delivery": 200, "returned": 40}
    assert open_quantities(story) == [200, 0]
    story.inspection = type(story.inspection).objects.get(pk=story.inspection.pk)
    assert not story.inspection.waits_for_remedy
    with pytest.raises(InspectionAlreadyAnswered):
        decide_rejected(inspection=story.inspection, remedy="replace", by=story.purchaser, now=NOON)
    sign(story, receipt_of(story))
    assert where(story) == {"outstanding": 260, "accepted": 200, "returned": 40}


def test_a_decided_dispute_lets_lots_be_received_or_missing(story):
    dispute = dispute_of(story, 120)

    said = {"accept": "90", "short": "30"}
    decide_dispute(dispute=dispute, said=said, note="抽检合格", by=UserFactory(is_staff=True), now=NOON)

    assert where(story) == {"outstanding": 200, "in_delivery": 180, "accepted": 90, "short": 30}
    assert open_quantities(story) == [180, 0]
    story.rejected.refresh_from_db()
    assert (story.rejected.short_quantity, story.rejected.received_quantity) == (30, 70)
    assert story.rejected.undecided_quantity == 0


def test_a_dispute_is_not_settled_while_a_receipt_of_its_lots_waits(story):
    dispute = dispute_of(story, 100)
    receipt_of(story)

    with pytest.raises(ReceiptWaitsForSignatures):
        settle(story, dispute, accept="100")

    assert where(story) == {"outstanding": 200, "in_delivery": 200, "disputed": 100}
    assert open_quantities(story) == [200, 100]


def test_what_was_received_is_disputed_without_its_lots(story):
    decide_rejected(inspection=story.inspection, remedy="return", by=story.purchaser, now=NOON)
    sign(story, receipt_of(story))
    dispute = dispute_of(story, 20)

    settle(story, dispute, replace="20")

    assert where(story) == {"outstanding": 220, "accepted": 180, "returned": 100}
    assert open_quantities(story) == [0, 0]


def test_a_shortage_that_both_agree_on_leaves_nothing_of_it_to_receive(story):
    decide_rejected(inspection=story.inspection, remedy="return", by=story.purchaser, now=NOON)
    proposal = propose(
        order=story.order,
        organisation=story.seller,
        kind=Proposal.Kind.SHORTAGE,
        said={"line": 1, "quantity": "8", "place": "in_delivery"},
        reason="少装一箱",
        by=story.salesman,
        now=NOON,
    )

    confirm_proposal(proposal=proposal, by=story.purchaser, now=NOON)

    assert where(story) == {"outstanding": 200, "in_delivery": 192, "returned": 100, "short": 8}
    assert open_quantities(story) == [192, 0]


def test_what_a_receipt_sends_back_waits_for_no_decision(story):
    sign(story, receipt_of(story))

    assert where(story) == {"outstanding": 200, "accepted": 200, "returned": 100}
    with pytest.raises(InspectionAlreadyAnswered):
        decide_rejected(inspection=story.inspection, remedy="return", by=story.purchaser, now=NOON)
