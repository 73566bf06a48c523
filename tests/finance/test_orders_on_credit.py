"""Ordering on credit: the order and the reservation are one act, and time gives back what came to nothing."""

import datetime as dt
from decimal import Decimal

import pytest

from config.errors import InputRefused
from finance.models import LogLeaf, Reservation
from finance.runs.lending import free_reservations, keep_pledges
from finance.runs.lines import LineExhausted
from finance.services import reservations
from finance.services.ledger import check_ledger
from finance.services.lines import LineNotUsable
from finance.services.orders_on_credit import NeedsApprovalFirst, order_on_credit, order_pool_on_credit
from marketplace.models import Offer, Order, PoolCommitment
from marketplace.services import pool_offers, pools, proposals
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import OrganisationFactory
from tests.factories_lending import Firm, make_bank, make_firm, make_tree
from tests.factories_negotiation import deal
from tests.finance.pool_on_credit import pool_of, supplier_offers

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def asked():
    """Return a deal of 50,000 and a line of a million of its buyer."""
    found = deal()
    bank = make_bank()
    return found, bank, bank.line(borrower=found.buyer, limit=1_000_000)


def test_order_on_credit_accepts_and_reserves(asked, now):
    found, bank, line = asked

    order, kept = order_on_credit(offer=found.offer(), line=line, by=found.purchaser, at=now)

    line.refresh_from_db()
    bank.root.refresh_from_db()
    assert (order.status, kept.order, kept.amount) == ("confirmed", order, order.payable_amount)
    assert (line.reserved, bank.root.reserved) == (order.payable_amount, order.payable_amount)
    assert LogLeaf.objects.filter(kind="credit.reserved").count() == 1
    assert check_ledger() == []


def test_order_on_credit_above_the_line_orders_nothing(asked, now):
    found, bank, line = asked
    bank.change(line, "limit", limit=D(100))
    made = found.offer()

    with pytest.raises(LineExhausted):
        order_on_credit(offer=made, line=line, by=found.purchaser, at=now)

    assert Order.objects.count() == 0
    assert Offer.objects.get(pk=made.pk).status == "open"
    assert Reservation.objects.count() == 0


def test_order_on_credit_is_refused_on_another_line(asked, now):
    found, bank, line = asked
    made = found.offer()

    with pytest.raises(reservations.LineIsAnotherFirms):
        order_on_credit(offer=made, line=bank.line(borrower=make_firm().organisation), by=found.purchaser, at=now)
    bank.change(line, "freeze")
    with pytest.raises(LineNotUsable):
        order_on_credit(offer=made, line=line, by=found.purchaser, at=now)
    assert Order.objects.count() == 0


def test_order_on_credit_in_another_currency_is_refused(asked, now):
    found, _bank, line = asked

    with pytest.raises(reservations.OtherCurrency):
        order_on_credit(offer=found.offer(currency="USD"), line=line, by=found.purchaser, at=now)


def test_order_on_credit_above_ones_limit_needs_an_approver(asked, now):
    found, _bank, line = asked
    found.buyer.memberships.filter(user=found.purchaser).update(approval_limit=100)

    with pytest.raises(NeedsApprovalFirst):
        order_on_credit(offer=found.offer(), line=line, by=found.purchaser, at=now)

    assert Order.objects.count() == 0


def test_reservation_for_an_order_is_drawn_for_its_supplier(asked, now):
    found, bank, line = asked
    order = found.accept(found.offer())
    kept = reservations.reserve_for_order(line=line, order=order, by=found.purchaser, at=now)
    firm = Firm(found.buyer, found.purchaser, found.purchaser)

    with pytest.raises(reservations.OrderHasCredit):
        reservations.reserve_for_order(line=line, order=order, by=found.purchaser, at=now)
    with pytest.raises(OnlyMembersMay):
        reservations.reserve_for_order(line=line, order=order, by=found.salesman, at=now)
    with pytest.raises(InputRefused):
        firm.draw(line, order.payable_amount + 1, reservation=kept)
    drawdown = firm.draw(line, order.payable_amount - 1000, reservation=kept)
    line.refresh_from_db()
    assert (drawdown.payee, line.reserved) == (found.seller, order.payable_amount - 1000)
    with pytest.raises(reservations.NotHeldAnyMore):
        reservations.free_reservation(reservation=kept, by=found.purchaser, at=now)
    bank.pay_out(bank.approve(drawdown))
    line.refresh_from_db()
    assert (line.reserved, line.used) == (D(0), order.payable_amount - 1000)
    assert check_ledger() == []


def test_reservation_of_a_cancelled_order_is_freed_by_the_clock(asked, now):
    found, _bank, line = asked
    order, _kept = order_on_credit(offer=found.offer(), line=line, by=found.purchaser, at=now)
    lines = [{"line": 1, "quantity": "500"}]
    proposal = proposals.propose(
        order=order,
        organisation=found.buyer,
        kind="cancellation",
        said={"lines": lines},
        reason="x",
        by=found.purchaser,
        now=now,
    )
    proposals.confirm_proposal(proposal=proposal, by=found.salesman, now=now)

    assert (free_reservations(now=now), free_reservations(now=now)) == (1, 0)
    line.refresh_from_db()
    assert line.reserved == D(0)
    assert check_ledger() == []


def test_reservation_follows_an_order_that_became_smaller(asked, now):
    found, _bank, line = asked
    order, _kept = order_on_credit(offer=found.offer(), line=line, by=found.purchaser, at=now)
    Order.objects.filter(pk=order.pk).update(payable_amount=order.payable_amount - 500)

    assert (free_reservations(now=now), free_reservations(now=now)) == (1, 0)
    line.refresh_from_db()
    assert line.reserved == order.payable_amount - 500


def test_reservation_lapses_and_is_given_back(asked, now):
    found, _bank, line = asked
    _order, kept = order_on_credit(offer=found.offer(), line=line, by=found.purchaser, at=now)

    assert free_reservations(now=now + dt.timedelta(days=89)) == 0
    assert free_reservations(now=now + dt.timedelta(days=90)) == 1
    with pytest.raises(reservations.NotHeldAnyMore):
        reservations.free_reservation(reservation=kept, by=found.purchaser, at=now)


def test_pool_is_ordered_on_credit_of_its_members(now):
    tree = make_tree()
    pool, organiser, commitments = pool_of([60, 100, 140], members=[tree.member.organisation], now=now)
    pledge = reservations.pledge_to_pool(line=tree.line, pool=pool, amount=D(20_000), by=tree.member.trader, at=now)
    assert pledge.status == "pledged"
    made = supplier_offers(pool, organiser, now=now)

    orders, kept = order_pool_on_credit(pool=pool, offer=made, by=organiser, at=now)

    [mine] = [one for one in orders if one.buyer == tree.member.organisation]
    assert len(orders) == len(commitments)
    assert [(one.order, one.amount, one.status) for one in kept] == [(mine, mine.payable_amount, "held")]
    assert [node.reserved for node in tree.nodes()] == [mine.payable_amount] * 4
    assert check_ledger() == []


def test_pool_shares_too_little_credit_in_proportion(now):
    tree = make_tree()
    other = make_firm()
    second = tree.bank.line("member", limit=1_000_000, parent=tree.programme, borrower=other.organisation)
    tree.bank.change(tree.programme, "limit", limit=D(6_000))
    pool, organiser, _all = pool_of([60, 140], members=[tree.member.organisation, other.organisation], now=now)
    for line, firm in ((tree.line, tree.member), (second, other)):
        reservations.pledge_to_pool(line=line, pool=pool, amount=D(50_000), by=firm.trader, at=now)
    made = supplier_offers(pool, organiser, quantity=200, now=now)

    _orders, kept = order_pool_on_credit(pool=pool, offer=made, by=organiser, at=now)

    # 60 and 140 of 200 pieces: three and seven tenths of what the programme has left.
    assert {one.line: one.amount for one in kept} == {tree.line: D("1800.00"), second: D("4200.00")}
    assert check_ledger() == []


def test_pool_ordered_without_asking_for_credit_is_kept_by_the_clock(now):
    tree = make_tree()
    pool, organiser, _all = pool_of([60, 100], members=[tree.member.organisation], now=now)
    reservations.pledge_to_pool(line=tree.line, pool=pool, amount=D(50_000), by=tree.member.trader, at=now)
    made = supplier_offers(pool, organiser, quantity=160, now=now)
    assert keep_pledges(now=now) == 0
    pool_offers.accept_pool_offer(pool=pool, offer=made, by=organiser, now=now)

    assert (keep_pledges(now=now), keep_pledges(now=now)) == (1, 0)
    assert Reservation.objects.held().count() == 1


def test_pledge_is_a_members_and_made_once(now):
    tree, stranger = make_tree(), make_firm()
    pool, organiser, _all = pool_of([60], members=[tree.member.organisation], now=now)
    theirs = tree.bank.line("single", borrower=stranger.organisation)
    said = {"pool": pool, "amount": D(100), "at": now}

    with pytest.raises(reservations.NotAMember):
        reservations.pledge_to_pool(line=theirs, by=stranger.trader, **said)
    with pytest.raises(OnlyMembersMay):
        reservations.pledge_to_pool(line=tree.line, by=stranger.trader, **said)
    with pytest.raises(InputRefused):
        reservations.pledge_to_pool(line=tree.line, by=tree.member.trader, **{**said, "amount": "x"})
    pledge = reservations.pledge_to_pool(line=tree.line, by=tree.member.trader, **said)
    with pytest.raises(reservations.NotAMember):
        reservations.pledge_to_pool(line=tree.line, by=tree.member.trader, **said)
    reservations.withdraw_pledge(reservation=pledge, by=tree.member.trader, at=now)
    with pytest.raises(reservations.NotHeldAnyMore):
        reservations.withdraw_pledge(reservation=pledge, by=tree.member.trader, at=now)
    again = reservations.pledge_to_pool(line=tree.line, by=tree.member.trader, **said)
    pools.cancel_pool(pool=pool, by=organiser, reason="x", now=now)
    free_reservations(now=now)
    again.refresh_from_db()
    assert again.status == "freed"


def test_foreseen_amount_is_the_members_part_with_tax(now):
    pool, _organiser, [commitment] = pool_of([60], members=[OrganisationFactory()], now=now)
    commitment = PoolCommitment.objects.select_related("pool").get(pk=commitment.pk)
    rate = D(0) if pool.price_includes_tax else pool.tax_rate

    assert reservations.foreseen_amount(commitment) == (D(6000) * (100 + rate) / 100).quantize(D("0.01"))
