import pytest

from config.errors import InputRefused
from marketplace.models import (
    Approval,
    Membership,
    Notification,
    Offer,
    Order,
)
from marketplace.services import (
    approvals,
    holds,
    memberships,
    negotiation_rules,
    offers,
)
from marketplace.services.organisations import OnlyMembersMay, OnlyOwnersMay
from tests.factories import ListingFactory
from tests.factories_negotiation import deal, trader_of

pytestmark = pytest.mark.django_db


def test_approve_sends_the_offer_that_waits(now):
    case = deal()
    earlier = case.offer("buyer")
    small, approver = trader_of(case.seller, limit=1000), trader_of(case.seller, "approver")
    offer = case.offer(by=small)

    approvals.approve(approval=Approval.objects.get(), by=approver, note="可以", now=now)

    offer.refresh_from_db()
    earlier.refresh_from_db()
    assert (offer.status, earlier.status, case.held()) == ("open", "countered", (500, 0))
    told = Notification.objects.get(event="approval.decided", channel="in_app")
    assert (told.user, told.body_zh) == (small, "可以")


def test_approve_accepts_the_offer_that_waits(now):
    case = deal()
    offer = case.offer()
    small = trader_of(case.buyer, limit=1000)
    approver = trader_of(case.buyer, "approver", limit=60_000)

    approval = case.accept(offer, by=small)
    assert (approval.act, Order.objects.count()) == ("accept", 0)
    with pytest.raises(offers.ApprovalAlreadyRequested):
        case.accept(offer, by=small)
    order = approvals.approve(approval=approval, by=approver, now=now)

    assert (order.confirmed_by, case.left()) == (approver, (500, 0))
    with pytest.raises(negotiation_rules.NegotiationNoLongerOpen):
        case.accept(offer)


def test_approve_takes_another_person_with_a_limit_high_enough(now):
    case = deal()
    small = trader_of(case.seller, "owner", limit=1000)
    case.offer(by=small)
    approval = Approval.objects.get()

    with pytest.raises(approvals.ApprovalTakesAnother):
        approvals.approve(approval=approval, by=small, now=now)
    with pytest.raises(approvals.AmountAboveYourLimit):
        approvals.approve(approval=approval, by=trader_of(case.seller, "approver", limit=2000), now=now)
    with pytest.raises(OnlyMembersMay):
        approvals.approve(approval=approval, by=case.salesman, now=now)
    with pytest.raises(OnlyMembersMay):
        approvals.refuse(approval=approval, by=trader_of(case.buyer, "approver"), now=now)
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_approve_is_refused_when_the_quantity_went_meanwhile(now):
    supply = ListingFactory(quantity=600)
    case, other = deal(supply=supply), deal(supply=supply)
    case.offer(by=trader_of(case.seller, limit=1000))
    other.accept(other.offer(quantity=400))

    with pytest.raises(holds.QuantityNoLongerAvailable):
        approvals.approve(approval=Approval.objects.get(), by=trader_of(case.seller, "approver"), now=now)

    assert (Approval.objects.get().status, Offer.objects.get(negotiation=case.negotiation).status) == (
        "pending",
        "awaiting_approval",
    )


def test_refuse_keeps_an_offer_from_ever_being_sent(now):
    case = deal()
    offer = case.offer(by=trader_of(case.seller, limit=1000))
    approver = trader_of(case.seller, "approver")

    approvals.refuse(approval=Approval.objects.get(), by=approver, note="太低", now=now)

    offer.refresh_from_db()
    assert (offer.status, offer.answer_note) == ("refused", "太低")
    with pytest.raises(approvals.ApprovalAlreadyDecided):
        approvals.approve(approval=Approval.objects.get(), by=approver, now=now)


def test_a_new_offer_overtakes_what_waits_for_approval(now):
    case = deal()
    small = trader_of(case.seller, limit=1000)
    waiting = case.offer(by=small)

    case.offer()

    waiting.refresh_from_db()
    assert (waiting.status, Approval.objects.get().status) == ("withdrawn", "overtaken")


def test_set_approval_limit_is_the_owners(now):
    case = deal()
    membership = case.seller.memberships.get(user=case.salesman)

    with pytest.raises(OnlyOwnersMay):
        memberships.set_approval_limit(membership=membership, limit=1, by=case.salesman)
    owner = trader_of(case.seller, Membership.Role.OWNER)
    with pytest.raises(InputRefused):
        memberships.set_approval_limit(membership=membership, limit=-1, by=owner)
    assert memberships.set_approval_limit(membership=membership, limit="5万", by=owner).approval_limit == 50_000
