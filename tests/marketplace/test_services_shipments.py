import datetime as dt
from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import Booking, DealRecord, Facility, Lot, Notification, Order, Shipment
from marketplace.services.lots import left_to_plan
from marketplace.services.order_lines import NotThatMuchThere, move
from marketplace.services.organisations import OnlyMembersMay
from marketplace.services.shipments import (
    ShipmentNotInStateForThis,
    cancel_shipment,
    dispatch_shipment,
    edit_shipment,
    plan_shipment,
)
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_shipment import FacilityFactory, ParkFactory, Story
from tests.races import race

D = Decimal
DAY = dt.timedelta(days=1)


@pytest.fixture
def story(db):
    return Story()


def booked(story, facility: Facility, **said) -> Booking:
    said = {"organisation": story.seller, "status": Booking.Status.CONFIRMED, "quantity": 100, "unit": "piece", **said}
    return Booking.objects.create(
        number=f"BK-{facility.pk}-{Booking.objects.count()}",
        facility=facility,
        mode=facility.mode,
        slot=(NOON + DAY, NOON + 2 * DAY),
        booked_by=story.salesman,
        booked_at=NOON,
        **said,
    )


def test_dispatch_moves_the_goods_on_their_way_and_tells_who_waits(story):
    shipment = dispatch_shipment(shipment=story.plan("120", "80"), by=story.salesman, now=NOON)

    story.line.refresh_from_db()
    assert (story.line.outstanding, story.line.in_delivery) == (D(300), D(200))
    assert (shipment.status, shipment.dispatched_at) == (Shipment.Status.DISPATCHED, NOON)
    assert Order.objects.get().status == Order.Status.IN_FULFILMENT
    assert set(shipment.lots.values_list("status", flat=True)) == {Lot.Status.IN_TRANSIT}
    assert DealRecord.objects.get(kind="shipment.dispatched").payload["shipment"] == shipment.number
    told = Notification.objects.filter(event="shipment.dispatched", channel="in_app").values_list("user", flat=True)
    assert set(told) == {story.purchaser.pk, story.gatekeeper.pk}


def test_what_is_planned_leaves_less_to_plan(story):
    story.plan("120")

    assert left_to_plan(story.order) == {story.line.pk: D(380)}
    with pytest.raises(InputRefused) as refused:
        story.plan("381")
    assert list(refused.value.errors) == ["lots.0.quantity"]


def test_what_was_cancelled_is_planned_anew(story):
    shipment = story.plan("500")

    cancel_shipment(shipment=shipment, by=story.salesman, now=NOON)

    assert story.plan("500").status == Shipment.Status.PLANNED
    with pytest.raises(ShipmentNotInStateForThis):
        dispatch_shipment(shipment=shipment, by=story.salesman, now=NOON)


def test_what_is_gone_is_neither_edited_nor_cancelled_nor_dispatched_again(story):
    shipment = story.dispatch()

    for act in (dispatch_shipment, cancel_shipment, edit_shipment):
        with pytest.raises(ShipmentNotInStateForThis):
            act(shipment=shipment, by=story.salesman, now=NOON)


def test_what_was_cancelled_from_the_order_does_not_go(story):
    shipment = story.plan("500")
    move(line=story.line, quantity=D(1), source="outstanding", target="cancelled", by=None, at=NOON)

    with pytest.raises(NotThatMuchThere):
        dispatch_shipment(shipment=shipment, by=story.salesman, now=NOON)
    shipment.refresh_from_db()
    assert shipment.status == Shipment.Status.PLANNED


def test_others_plan_and_dispatch_nothing(story):
    shipment = story.plan()

    for act in (dispatch_shipment, cancel_shipment, edit_shipment):
        with pytest.raises(OnlyMembersMay):
            act(shipment=shipment, by=story.purchaser, now=NOON)
    with pytest.raises(OnlyMembersMay):
        plan_shipment(seller=story.seller, lots=[], by=story.purchaser, now=NOON)


def test_a_lot_that_keeps_its_number_keeps_its_label(story):
    shipment = story.plan("100", "50")
    kept, gone = shipment.lots.order_by("pk")

    edit_shipment(
        shipment=shipment,
        by=story.salesman,
        now=NOON,
        vehicle="浙j 1",
        lots=[
            {"order_line": story.line, "quantity": "90", "number": kept.number},
            {"order_line": story.line, "quantity": "10", "number": "NEW"},
        ],
    )

    shipment.refresh_from_db()
    assert {lot.number: (lot.quantity, lot.token == kept.token) for lot in shipment.lots.all()} == {
        kept.number: (D(90), True),
        "NEW": (D(10), False),
    }
    assert (shipment.vehicle, Lot.objects.filter(pk=gone.pk).exists()) == ("浙J 1", False)


def test_orders_of_several_buyers_go_on_one_lorry_and_each_sees_its_own(story):
    other_purchaser = UserFactory()
    other = story.order_for(OrganisationFactory(members=[other_purchaser]))
    lots = [{"order_line": line, "quantity": "10"} for line in (story.line, other.lines.get())]

    shipment = plan_shipment(seller=story.seller, lots=lots, park=story.park, by=story.salesman, now=NOON)

    assert Lot.objects.visible_to(story.purchaser).count() == 1
    assert Lot.objects.visible_to(other_purchaser).count() == 1
    assert Lot.objects.visible_to(story.salesman).filter(shipment=shipment).count() == 2


def test_a_line_of_another_seller_or_an_ended_order_is_not_sent(story):
    foreign = Story().line
    ended = story.order_for(story.buyer)
    Order.objects.filter(pk=ended.pk).update(status="cancelled", closed_at=NOON)

    for line in (foreign, ended.lines.get()):
        with pytest.raises(InputRefused) as refused:
            plan_shipment(
                seller=story.seller, lots=[{"order_line": line, "quantity": "1"}], by=story.salesman, now=NOON
            )
        assert list(refused.value.errors) == ["lots.0.order_line"]


@pytest.mark.parametrize("count", [0, 201])
def test_a_shipment_has_some_lots_and_not_too_many(story, count):
    lots = [{"order_line": story.line, "quantity": "1"}] * count

    with pytest.raises(InputRefused) as refused:
        plan_shipment(seller=story.seller, lots=lots, by=story.salesman, now=NOON)

    assert list(refused.value.errors) == ["lots"]


def test_two_lots_of_one_number_are_refused(story):
    lots = [{"order_line": story.line, "quantity": "1", "number": "A"}] * 2

    with pytest.raises(InputRefused) as refused:
        plan_shipment(seller=story.seller, lots=lots, by=story.salesman, now=NOON)

    assert list(refused.value.errors) == ["lots.1.number"]


def test_bookings_go_with_a_shipment_if_they_are_the_parties_own_and_there(story):
    dock = FacilityFactory(park=story.park, kind="dock", mode="slot", capacity=None, unit="")
    elsewhere = FacilityFactory(park=ParkFactory(), kind="dock", mode="slot", capacity=None, unit="")
    good = booked(story, dock, quantity=None, unit="")
    wrong = [
        booked(story, story.warehouse),
        booked(story, elsewhere, quantity=None, unit=""),
        booked(story, dock, organisation=OrganisationFactory(), status="cancelled"),
        booked(story, dock, status="cancelled"),
    ]

    assert story.plan("1", dock_booking=good).dock_booking == good
    for booking in wrong:
        with pytest.raises(InputRefused) as refused:
            story.plan("1", dock_booking=booking)
        assert list(refused.value.errors) == ["dock_booking"]


def test_a_warehouse_booking_holds_no_more_than_was_booked(story):
    booking = booked(story, story.warehouse, quantity=60)
    shipment = story.plan("100", warehouse_booking=booking)
    dispatch_shipment(shipment=shipment, by=story.salesman, now=NOON)
    story.scan(shipment, "arrived")

    too_much = story.scan(shipment, "stored")
    enough = story.scan(shipment.lots.get(), "stored", data={"quantity": "60"})

    assert (too_much.result, enough.result) == ("refused", "done")


def test_a_park_out_of_service_takes_nothing(story):
    story.park.is_active = False
    story.park.save()

    with pytest.raises(InputRefused) as refused:
        story.plan()

    assert list(refused.value.errors) == ["park"]


@pytest.mark.django_db(transaction=True)
def test_two_plans_at_once_never_send_the_same_goods():
    story = Story()

    outcomes = race(*[lambda: story.plan("300")] * 3)

    assert sorted(type(one).__name__ for one in outcomes) == ["InputRefused", "InputRefused", "Shipment"]
