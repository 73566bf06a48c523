import datetime as dt
from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import DealRecord, Membership, Notification, OrderLine
from marketplace.services import disputes, orders, proposals
from marketplace.services.order_lines import NotThatMuchThere, move
from marketplace.services.organisations import OnlyMembersMay, OnlyPlatformOperatorMay
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_order import order_of
from tests.factories_park import DAY, HOUR, TEN, BookingFactory, ParkFactory, span

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def people():
    buyer, seller = UserFactory(), UserFactory()
    return buyer, seller, OrganisationFactory(members=[buyer]), OrganisationFactory(members=[seller])


@pytest.fixture
def order(people):
    return order_of(buyer=people[2], seller=people[3])


@pytest.fixture
def line(order):
    return order.lines.get()


@pytest.fixture
def propose(order, people, now):
    """Propose as the buyer (or ``side="seller"``), and confirm as the other side unless ``confirm=False``."""

    def act(kind, said, *, side="buyer", confirm=True, **more):
        mine, theirs = (0, 1) if side == "buyer" else (1, 0)
        proposal = proposals.propose(
            order=order,
            organisation=people[mine + 2],
            kind=kind,
            said=said,
            reason="市场变化",
            by=people[mine],
            now=now,
            **more,
        )
        return proposals.confirm_proposal(proposal=proposal, by=people[theirs], now=now) if confirm else proposal

    return act


def go(line, source, target, quantity, by, now):
    move(line=line, quantity=D(quantity), source=source, target=target, by=by, at=now)
    return orders.refresh_status(line.order, now)


def quantities(line):
    line = OrderLine.objects.get(pk=line.pk)
    return dict(line.places)


def test_amendment_changes_quantity_price_and_window_together(order, line, propose):
    proposal = propose(
        "amendment",
        {"lines": [{"line": 1, "quantity": "450", "unit_price": "98"}], "window_end": "2026-04-15"},
    )

    order.refresh_from_db()
    line.refresh_from_db()
    assert (line.quantity, line.outstanding, line.unit_price) == (450, 450, 98)
    assert (order.window_end, order.total_amount, order.payable_amount) == (dt.date(2026, 4, 15), 44100, 44100)
    assert order.revision == 2
    assert proposal.effects["total_before"] == "50000.00"
    assert proposal.effects["total_after"] == "44100.00"


def test_amendment_takes_and_gives_back_what_listings_have(order, propose):
    propose("amendment", {"lines": [{"line": 1, "quantity": "400"}]})
    order.supply.refresh_from_db()
    assert order.supply.quantity == 1100

    propose("amendment", {"lines": [{"line": 1, "quantity": "600"}]})

    order.supply.refresh_from_db()
    order.demand.refresh_from_db()
    assert (order.supply.quantity, order.demand.quantity) == (900, 400)


def test_amendment_of_a_price_leaves_what_was_sent(order, line, people, propose, now):
    go(line, "outstanding", "in_delivery", 200, people[1], now)

    propose("amendment", {"lines": [{"line": 1, "unit_price": "90"}]})

    sent, rest = order.lines.order_by("position")
    order.refresh_from_db()
    assert (sent.quantity, sent.in_delivery, sent.unit_price) == (200, 200, 100)
    assert (rest.position, rest.quantity, rest.outstanding, rest.unit_price) == (2, 300, 300, 90)
    assert order.total_amount == 200 * 100 + 300 * 90


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "terms"),
        ({"lines": [{"line": 1, "quantity": "500"}]}, "terms"),
        ({"lines": [{"line": 9, "quantity": "1"}]}, "lines.0.line"),
        ({"lines": [{"line": 1, "quantity": "-1"}]}, "lines.0.quantity"),
        ({"lines": [{"line": 1, "quantity": "1.0001"}]}, "lines.0.quantity"),
        ({"lines": [{"line": 1, "unit_price": "x"}]}, "lines.0.unit_price"),
        ({"window_end": "2026-03-01"}, "window_end"),
        ({"window_end": "soon"}, "window_end"),
        ({"park": 99999999}, "park"),
        ({"currency": "USD"}, "currency"),
    ],
)
def test_amendment_refuses_bad_input_at_its_field(propose, said, field):
    with pytest.raises(InputRefused) as refused:
        propose("amendment", said)

    assert list(refused.value.errors) == [field]


def test_amendment_cannot_go_below_what_was_sent(line, people, propose, now):
    go(line, "outstanding", "in_delivery", 200, people[1], now)

    with pytest.raises(InputRefused) as refused:
        propose("amendment", {"lines": [{"line": 1, "quantity": "199.999"}]})

    assert list(refused.value.errors) == ["lines.0.quantity"]


def test_amendment_shows_the_bookings_that_fall_out(order, people, propose):
    inside, outside = (
        BookingFactory(order=order, organisation=people[3], slot=span(TEN + days * DAY, TEN + days * DAY + HOUR))
        for days in (10, 40)
    )
    park = ParkFactory()

    proposal = propose("amendment", {"window_end": "2026-04-01"}, confirm=False)
    shown = [(one["number"], one["reasons"]) for one in proposal.effects["bookings"]]
    assert shown == [(outside.number, ["window"])]

    moved = proposals.preview(order=order, kind="amendment", said={"park": park.pk}, now=TEN)
    assert {one["number"]: one["reasons"] for one in moved["bookings"]} == {
        inside.number: ["park"],
        outside.number: ["park"],
    }
    outside.status = "cancelled"
    outside.save()
    assert proposals.effects_now(proposal)["bookings"] == []


def test_amendment_is_overtaken_by_another(order, people, propose, now):
    cancelling = propose("cancellation", {}, side="seller", confirm=False)
    propose("amendment", {"lines": [{"line": 1, "quantity": "450"}]})

    with pytest.raises(proposals.ProposalAlreadyAnswered):
        proposals.confirm_proposal(proposal=cancelling, by=people[0], now=now)

    cancelling.refresh_from_db()
    assert cancelling.status == "overtaken"


def test_amendment_that_raises_the_order_above_the_limit_takes_an_approver(order, people, propose):
    Membership.objects.filter(user=people[0]).update(approval_limit=50000)

    with pytest.raises(proposals.AmendmentAboveYourLimit):
        propose("amendment", {"lines": [{"line": 1, "quantity": "501"}]})


def test_cancellation_by_agreement_gives_back(order, line, propose):
    propose("cancellation", {"give_back": True})

    order.refresh_from_db()
    order.supply.refresh_from_db()
    assert (order.status, order.supply.quantity) == ("cancelled", 1500)
    assert quantities(line) == {"cancelled": 500}


def test_cancellation_of_a_part_leaves_the_rest(order, line, propose):
    proposal = propose("cancellation", {"lines": [{"line": 1, "quantity": "100.5"}]})

    order.refresh_from_db()
    assert quantities(line) == {"outstanding": D("399.500"), "cancelled": D("100.500")}
    assert (order.status, order.payable_amount) == ("confirmed", 39950)
    assert proposal.effects["payable_after"] == "39950.00"


def test_shortage_and_return_move_what_was_agreed(order, line, people, propose, now):
    go(line, "outstanding", "in_delivery", 400, people[1], now)
    go(line, "in_delivery", "accepted", 390, people[0], now)

    propose("shortage", {"line": 1, "quantity": "100"}, side="seller")
    propose("shortage", {"line": 1, "quantity": "10", "place": "in_delivery"})
    propose("return", {"line": 1, "quantity": "40"})
    assert quantities(line) == {"accepted": 350, "short": 110, "returned": 40}
    order.refresh_from_db()
    assert (order.status, order.payable_amount) == ("accepted", 35000)

    propose("return", {"line": 1, "quantity": "50", "replace": True})

    order.refresh_from_db()
    assert order.status == "in_fulfilment"
    assert quantities(line) == {"accepted": 300, "short": 110, "returned": 40, "outstanding": 50}


def test_a_proposal_is_answered_by_the_other_side_once(order, people, propose, now):
    proposal = propose("cancellation", {}, confirm=False)

    with pytest.raises(proposals.NotYoursToAnswer):
        proposals.confirm_proposal(proposal=proposal, by=people[0], now=now)
    proposals.decline_proposal(proposal=proposal, by=people[1], now=now, note="不同意")
    with pytest.raises(proposals.ProposalAlreadyAnswered):
        proposals.confirm_proposal(proposal=proposal, by=people[1], now=now)

    assert order.lines.get().outstanding == 500
    told = Notification.objects.filter(channel="in_app").order_by("event").values_list("event", "user_id")
    assert list(told) == [("proposal.answered", people[0].pk), ("proposal.received", people[1].pk)]
    kinds = DealRecord.objects.filter(order=order).order_by("sequence").values_list("kind", flat=True)
    assert list(kinds) == ["proposal.made", "proposal.declined"]


def test_a_proposal_is_withdrawn_by_its_side(people, propose, now):
    proposal = propose("cancellation", {}, confirm=False)

    with pytest.raises(OnlyMembersMay):
        proposals.withdraw_proposal(proposal=proposal, by=people[1], now=now)

    assert proposals.withdraw_proposal(proposal=proposal, by=people[0], now=now).status == "withdrawn"


def test_one_proposal_of_a_kind_waits_at_a_time(propose):
    propose("cancellation", {}, confirm=False)

    with pytest.raises(proposals.ProposalAlreadyOpen):
        propose("cancellation", {}, side="seller", confirm=False)


def test_a_proposal_that_no_longer_fits_changes_nothing(line, people, propose, now):
    proposal = propose("cancellation", {}, confirm=False)
    go(line, "outstanding", "in_delivery", 1, people[1], now)

    with pytest.raises(NotThatMuchThere):
        proposals.confirm_proposal(proposal=proposal, by=people[1], now=now)

    proposal.refresh_from_db()
    assert proposal.status == "open"


def test_nothing_is_proposed_for_an_order_that_is_over(propose):
    propose("cancellation", {})

    with pytest.raises(orders.OrderHasEnded):
        propose("amendment", {"window_end": "2026-04-15"})


def test_a_stranger_proposes_nothing(order, now):
    stranger = UserFactory()
    with pytest.raises(orders.NotYourSideOfTheOrder):
        proposals.propose(
            order=order,
            organisation=OrganisationFactory(members=[stranger]),
            kind="cancellation",
            said={},
            reason="x",
            by=stranger,
            now=now,
        )


@pytest.fixture
def dispute(order, line, people, now):
    go(line, "outstanding", "in_delivery", 500, people[1], now)
    go(line, "in_delivery", "accepted", 300, people[0], now)
    return disputes.open_dispute(
        organisation=people[2],
        line=line,
        quantity=D(60),
        kind="quality",
        text="60 只阀门密封面划伤",
        by=people[0],
        now=now,
    )


def test_a_dispute_freezes_its_part_alone(dispute, line, order, people, now):
    assert quantities(line) == {"in_delivery": 140, "accepted": 300, "disputed": 60}

    go(line, "in_delivery", "accepted", 140, people[0], now)

    order.refresh_from_db()
    assert order.status == "delivered"


def test_a_dispute_is_settled_by_both(dispute, line, order, people, now):
    said = {"accept": "40", "return": "10", "short": "5", "replace": "5", "price_reduction": "800.00"}
    proposal = disputes.propose_settlement(
        dispute=dispute, organisation=people[3], said=said, reason="折中", by=people[1], now=now
    )

    proposals.confirm_proposal(proposal=proposal, by=people[0], now=now)

    dispute.refresh_from_db()
    order.refresh_from_db()
    assert dispute.status == "settled"
    assert quantities(line) == {"outstanding": 5, "in_delivery": 140, "accepted": 340, "short": 5, "returned": 10}
    assert order.payable_amount == 50000 - 1500 - 800


def test_a_settlement_shares_out_exactly_what_is_disputed(dispute, people, now):
    for said, field in (
        ({"accept": "59.999"}, "accept"),
        ({"accept": "-1", "return": "61"}, "accept"),
        ({"accept": "60", "price_reduction": "50000.01"}, "price_reduction"),
        ({"accept": "60", "price_reduction": "0.001"}, "price_reduction"),
    ):
        with pytest.raises(InputRefused) as refused:
            disputes.propose_settlement(
                dispute=dispute, organisation=people[2], said=said, reason="x", by=people[0], now=now
            )
        assert list(refused.value.errors) == [field]


def test_a_dispute_is_decided_by_the_platform(dispute, line, people, now):
    operator = UserFactory(is_staff=True)
    with pytest.raises(OnlyPlatformOperatorMay):
        disputes.decide_dispute(dispute=dispute, said={"accept": "60"}, note="x", by=people[0], now=now)
    with pytest.raises(InputRefused):
        disputes.decide_dispute(dispute=dispute, said={"accept": "60"}, note=" ", by=operator, now=now)

    disputes.decide_dispute(dispute=dispute, said={"return": "60"}, note="检验报告成立", by=operator, now=now)

    dispute.refresh_from_db()
    assert (dispute.status, dispute.outcome["return"]) == ("decided", "60.000")
    assert quantities(line) == {"in_delivery": 140, "accepted": 300, "returned": 60}
    with pytest.raises(disputes.DisputeIsOver):
        disputes.decide_dispute(dispute=dispute, said={"return": "60"}, note="x", by=operator, now=now)


def test_a_dispute_is_withdrawn_by_who_opened_it(dispute, line, people, now):
    with pytest.raises(disputes.NotYourDispute):
        disputes.withdraw_dispute(dispute=dispute, by=people[1], now=now)

    disputes.withdraw_dispute(dispute=dispute, by=people[0], now=now)

    assert quantities(line) == {"in_delivery": 200, "accepted": 300}


def test_evidence_is_said_by_both_sides_while_it_is_open(dispute, people, now):
    disputes.add_evidence(dispute=dispute, organisation=people[3], text="出厂检验合格", by=people[1], now=now)
    disputes.withdraw_dispute(dispute=dispute, by=people[0], now=now)

    with pytest.raises(disputes.DisputeIsOver):
        disputes.add_evidence(dispute=dispute, organisation=people[2], text="再看", by=people[0], now=now)

    assert [one.text for one in dispute.evidence.all()] == ["出厂检验合格"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"quantity": D(501)}, "quantity"),
        ({"quantity": D(0)}, "quantity"),
        ({"kind": "mood"}, "kind"),
        ({"text": " "}, "text"),
        ({"source": "outstanding"}, "source"),
    ],
)
def test_a_dispute_refuses_bad_input_at_its_field(order, line, people, now, said, field):
    go(line, "outstanding", "in_delivery", 500, people[1], now)
    values = {"line": line, "quantity": D(10), "kind": "quality", "text": "划伤", **said}

    with pytest.raises(InputRefused) as refused:
        disputes.open_dispute(organisation=people[2], by=people[0], now=now, **values)

    assert list(refused.value.errors) == [field]
