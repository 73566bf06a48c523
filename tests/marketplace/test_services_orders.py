from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from marketplace.models import DealRecord, Notification, OrderMove
from marketplace.services import orders
from marketplace.services.order_lines import NotThatMuchThere, NoWayThere, move
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_order import NegotiationFactory, OfferFactory, OfferLineFactory, order_of
from tests.races import race

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


def accepted_offer(people, **changes):
    offer = OfferFactory(negotiation=NegotiationFactory(buyer=people[2], seller=people[3]), **changes)
    OfferLineFactory(offer=offer)
    return offer


def test_create_order_copies_terms_and_lines(people, now):
    offer = accepted_offer(people)
    OfferLineFactory(
        offer=offer, position=2, kind="charge", description="运费", quantity=1, unit="piece", unit_price=300
    )

    order = orders.create_order(offer=offer, by=people[0], now=now)

    goods, freight = order.lines.order_by("position")
    assert order.number.startswith("PO20260302-")
    assert order.terms() == offer.terms()
    assert (order.buyer, order.seller, order.kind) == (people[2], people[3], "spot")
    assert (order.total_amount, order.payable_amount) == (D("50000.00"), D("50300.00"))
    assert (goods.quantity, goods.outstanding, goods.listing_factor) == (500, 500, 1)
    assert goods.specification == {"attributes": {"DN": {"value": 50, "unit": "mm", "tolerance": 0.5}}, "text": ""}
    assert (freight.outstanding, freight.listing_factor) == (1, 0)


def test_create_order_opens_the_deal_file_and_tells_both(people, now):
    order = orders.create_order(offer=accepted_offer(people), by=people[0], now=now)

    kinds = DealRecord.objects.filter(order=order).order_by("sequence").values_list("kind", flat=True)
    assert list(kinds) == ["negotiation.opened", "offer.made", "order.confirmed"]
    told = Notification.objects.filter(event="order.confirmed", channel="in_app")
    assert {row.user_id for row in told} == {people[0].pk, people[1].pk}
    assert {row.url for row in told} == {f"/orders/{order.pk}/"}


def test_create_order_for_a_pools_member_takes_its_share(people, now):
    member = OrganisationFactory()
    offer = accepted_offer(people)

    order = orders.create_order(offer=offer, by=people[0], now=now, buyer=member, shares={1: D("120.500")})

    assert (order.buyer, order.demand) == (member, None)
    assert order.lines.get().quantity == D("120.500")
    assert (order.net_amount, order.tax_amount, order.total_amount) == (D("10663.72"), D("1386.28"), D("12050.00"))


@pytest.mark.parametrize(
    ("shares", "field"),
    [({1: D(501)}, "shares.1"), ({1: D(-1)}, "shares.1"), ({1: D("0.0001")}, "shares.1"), ({}, "shares")],
)
def test_create_order_refuses_a_share_that_is_none(people, now, shares, field):
    offer = accepted_offer(people)

    with pytest.raises(InputRefused) as refused:
        orders.create_order(offer=offer, by=people[0], now=now, buyer=OrganisationFactory(), shares=shares)

    assert list(refused.value.errors) == [field]


def test_create_order_makes_one_order_of_an_offer_and_buyer(people, now):
    offer = accepted_offer(people)
    orders.create_order(offer=offer, by=people[0], now=now)

    with pytest.raises(IntegrityError, match="order_one_per_offer_and_buyer"), transaction.atomic():
        orders.create_order(offer=offer, by=people[0], now=now)


def test_create_order_of_a_framework_is_paid_by_its_call_offs(people, now):
    offer = accepted_offer(people, is_framework=True)
    offer.negotiation.supply.minimum_order = 50
    offer.negotiation.supply.save()

    order = orders.create_order(offer=offer, by=people[0], now=now)

    assert (order.kind, order.payable_amount, order.next_due_on) == ("framework", 0, None)
    assert order.lines.get().minimum_call == 50


def test_move_takes_a_quantity_from_place_to_place(line, people, now):
    moved = move(line=line, quantity=D("200.5"), source="outstanding", target="in_delivery", by=people[1], at=now)

    assert (line.outstanding, line.in_delivery) == (D("299.500"), D("200.500"))
    assert list(OrderMove.objects.all()) == [moved]


def test_move_refuses_more_than_there_is(line, people, now):
    with pytest.raises(NotThatMuchThere):
        move(line=line, quantity=D("500.001"), source="outstanding", target="in_delivery", by=people[1], at=now)

    assert not OrderMove.objects.exists()


@pytest.mark.parametrize("quantity", [0, -1, "0.0001", "many", "NaN", "Infinity", 10**15])
def test_move_refuses_what_is_no_quantity(line, people, now, quantity):
    with pytest.raises(InputRefused):
        move(line=line, quantity=quantity, source="outstanding", target="in_delivery", by=people[1], at=now)


@pytest.mark.parametrize(("source", "target"), [("short", "accepted"), ("outstanding", "returned"), ("x", "short")])
def test_move_refuses_ways_that_nothing_goes(line, people, now, source, target):
    with pytest.raises(NoWayThere):
        move(line=line, quantity=D(1), source=source, target=target, by=people[1], at=now)


def test_a_line_is_always_wholly_somewhere(line):
    with pytest.raises(IntegrityError, match="order_line_quantity_is_always_somewhere"), transaction.atomic():
        type(line).objects.filter(pk=line.pk).update(outstanding=499)


@pytest.mark.django_db(transaction=True)
def test_move_from_several_threads_never_takes_more_than_there_is(line, people, now):
    def ship():
        return move(line=line, quantity=D(200), source="outstanding", target="in_delivery", by=people[1], at=now)

    outcomes = race(*[ship] * 4)

    line.refresh_from_db()
    assert sum(isinstance(one, OrderMove) for one in outcomes) == 2
    assert sum(isinstance(one, NotThatMuchThere) for one in outcomes) == 2
    assert (line.outstanding, line.in_delivery) == (100, 400)


def shift(line, way, quantity, now, by):
    source, target = way.split(">")
    move(line=line, quantity=D(quantity), source=source, target=target, by=by, at=now)
    return orders.refresh_status(line.order, now)


def test_the_status_follows_the_quantities(line, people, now):
    by = people[1]

    assert shift(line, "outstanding>in_delivery", 300, now, by).status == "in_fulfilment"
    assert shift(line, "in_delivery>accepted", 300, now, by).status == "in_fulfilment"
    assert shift(line, "outstanding>in_delivery", 200, now, by).status == "delivered"
    assert shift(line, "in_delivery>outstanding", 10, now, by).status == "in_fulfilment"
    assert shift(line, "in_delivery>accepted", 190, now, by).status == "in_fulfilment"
    accepted = shift(line, "outstanding>short", 10, now, by)
    assert (accepted.status, accepted.accepted_at, accepted.delivered_at) == ("accepted", now, now)
    assert shift(line, "accepted>disputed", 5, now, by).status == "delivered"
    assert shift(line, "disputed>accepted", 5, now, by).status == "accepted"


def test_an_order_of_which_all_was_cancelled_is_cancelled(line, people, now):
    order = shift(line, "outstanding>cancelled", 500, now, people[1])

    assert (order.status, order.closed_at, order.payable_amount) == ("cancelled", now, 0)


def test_amounts_follow_the_quantities(line, people, now):
    shift(line, "outstanding>in_delivery", 300, now, people[1])
    order = shift(line, "in_delivery>accepted", 300, now, people[1])
    assert (order.payable_amount, order.next_due_amount) == (50000, 30000)
    assert (order.next_due_on - now.date()).days == 30

    order = shift(line, "outstanding>short", 200, now, people[1])

    assert (order.payable_amount, order.next_due_amount) == (30000, 30000)


def test_confirm_and_accept_delivery_carry_a_service(order, people, now):
    orders.confirm_delivery(order=order, quantities={1: D(500)}, by=people[1], now=now)
    accepted = orders.accept_delivery(order=order, quantities={1: D(500)}, by=people[0], now=now)

    assert accepted.status == "accepted"
    assert accepted.lines.get().accepted == 500


def test_confirm_delivery_is_the_sellers(order, people, now):
    with pytest.raises(OnlyMembersMay):
        orders.confirm_delivery(order=order, quantities={1: D(500)}, by=people[0], now=now)


def test_accept_delivery_refuses_unknown_lines_and_nothing(order, people, now):
    for quantities in ({}, {7: D(1)}):
        with pytest.raises(InputRefused):
            orders.accept_delivery(order=order, quantities=quantities, by=people[0], now=now)
