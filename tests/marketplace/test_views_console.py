import datetime as dt
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Booking, FulfilmentEvent, Lot, ScanConflict, Shipment
from marketplace.runs.bookings import span
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_park import BookingFactory
from tests.factories_park import FacilityFactory as BookableFactory
from tests.factories_shipment import HOUR, FacilityFactory, ParkFactory, Story

pytestmark = pytest.mark.django_db
PAGES = ["console_board", "console_occupancy", "console_exceptions", "console_inventory", "console_inventory_csv"]


@pytest.fixture
def story(client):
    story = Story()
    client.force_login(story.gatekeeper)
    return story


def page_of(story, name):
    return reverse(f"marketplace:{name}", args=[story.park.pk])


def stored(story, *quantities, **changes):
    """Return a shipment whose lots lie in the story's warehouse."""
    shipment = story.dispatch(*quantities, **changes)
    story.scan(shipment, "arrived")
    story.scan(shipment, "stored", facility=story.warehouse, at=NOON + 2 * HOUR)
    return Shipment.objects.get(pk=shipment.pk)


def scan_on_board(client, story, shipment, kind="arrived", **said):
    body = {"token": shipment.token, "kind": kind, "key": uuid.uuid4(), **said}
    return client.post(reverse("marketplace:console_scan", args=[story.park.pk]), body)


@pytest.mark.parametrize("name", PAGES)
def test_console_pages_answer_the_staff_and_nobody_else(client, story, name):
    stored(story, "40", "60")

    assert client.get(page_of(story, name)).status_code == 200
    for user in (story.salesman, story.purchaser, story.stranger, UserFactory(is_staff=True)):
        client.force_login(user)
        assert client.get(page_of(story, name)).status_code == 404
    client.logout()
    assert client.get(page_of(story, name)).status_code == 302


@pytest.mark.parametrize("name", PAGES[:4])
def test_console_pages_ask_as_much_for_three_shipments_as_for_one(client, story, count_queries, name):
    BookingFactory(facility=BookableFactory(park=story.park), start=timezone.now())
    stored(story, "10")
    story.dispatch("5", expected_at=NOON + HOUR)
    # The first visit writes down which park it was.
    client.get(page_of(story, name))
    first = count_queries(page_of(story, name))

    for _ in range(2):
        BookingFactory(facility=BookableFactory(park=story.park), start=timezone.now())
        other = OrganisationFactory(members=[UserFactory()])
        stored(story, "10", order=story.order_for(other))
        story.dispatch("5", expected_at=NOON + HOUR)

    assert count_queries(page_of(story, name)) == first


def test_console_home_goes_to_the_park_where_the_reader_was_last(client, story):
    second = ParkFactory(organisation=story.park.organisation)
    home = reverse("marketplace:console_home")
    assert client.get(home).url == page_of(story, "console_board")

    client.get(reverse("marketplace:console_board", args=[second.pk]))

    assert client.get(home).url == reverse("marketplace:console_board", args=[second.pk])
    client.force_login(story.purchaser)
    assert client.get(home).status_code == 404


def test_console_board_shows_who_is_late_who_comes_and_who_is_here(client, story):
    now = timezone.now()
    late = story.dispatch("10", expected_at=NOON + HOUR)
    here = story.dispatch("20")
    story.scan(here, "arrived")
    soon = story.dispatch("30")
    Shipment.objects.filter(pk=soon.pk).update(expected_at=now + dt.timedelta(seconds=5))
    tomorrow = story.dispatch("40")
    Shipment.objects.filter(pk=tomorrow.pk).update(expected_at=now + dt.timedelta(days=2))

    board = client.get(page_of(story, "console_board")).context["board"]

    assert [one.pk for one in board.late] == [late.pk]
    assert soon.pk in [one.pk for one in board.expected + board.late]
    assert [one.pk for one in board.here] == [here.pk]
    assert board.counts == {"weigh": 1, "inspect": 1}


def test_console_board_says_what_is_to_be_done_until_the_receipt(client, story):
    def tasks():
        return client.get(page_of(story, "console_board")).context["board"].counts

    shipment = story.dispatch("10")
    assert tasks() == {}
    story.scan(shipment, "arrived")
    story.scan(shipment, "weighed", data={"gross_kg": "9000"}, at=NOON + 2 * HOUR)
    assert tasks() == {"weigh_empty": 1, "inspect": 1}

    story.scan(shipment, "weighed", data={"tare_kg": "8000"}, at=NOON + 3 * HOUR)
    Lot.objects.filter(shipment=shipment).update(status=Lot.Status.PASSED)
    Shipment.objects.filter(pk=shipment.pk).update(status=Shipment.Status.INSPECTED)
    assert tasks() == {"hand_over": 1}

    scan_on_board(client, story, shipment, kind="handed_over")

    assert tasks() == {"issue_receipt": 1}


def test_console_board_draws_the_docks_by_time(client, story):
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    dock = BookableFactory(park=story.park)
    booking = BookingFactory(facility=dock, start=noon, end=noon + dt.timedelta(minutes=90))
    BookingFactory(facility=dock, start=noon, status=Booking.Status.CANCELLED)

    response = client.get(page_of(story, "console_board"))

    (shown,) = response.context["board"].timeline.docks
    assert [(bar.booking, bar.x, bar.width) for bar in shown.bars] == [(booking, 360, 90)]
    assert booking.organisation.name in response.text


def test_console_scan_lets_a_lorry_in_once_however_often_the_button_is_pressed(client, story):
    shipment = story.dispatch("10")
    key = uuid.uuid4()

    first = scan_on_board(client, story, shipment, key=key)
    second = scan_on_board(client, story, shipment, key=key)

    assert first.url == second.url == page_of(story, "console_board")
    assert Shipment.objects.get().status == Shipment.Status.ARRIVED
    assert FulfilmentEvent.objects.filter(kind="arrived").count() == 1


def test_console_scan_takes_neither_another_kind_nor_another_park(client, story):
    shipment = story.dispatch("10")

    assert scan_on_board(client, story, shipment, kind="received").status_code == 400
    assert scan_on_board(client, story, shipment, key="no key").status_code == 400
    client.force_login(story.purchaser)
    assert scan_on_board(client, story, shipment).status_code == 404
    assert Shipment.objects.get().status == Shipment.Status.DISPATCHED


def test_console_occupancy_tells_each_owners_share_stored_and_booked(client, story):
    shipment = stored(story, "250")
    BookingFactory(
        facility=story.warehouse,
        organisation=story.buyer,
        start=timezone.now() - HOUR,
        end=timezone.now() + dt.timedelta(days=2),
        quantity=500,
    )
    kilograms = stored(story, "3", order=story.order_for(story.buyer, unit="kg"))
    Lot.objects.filter(shipment=kilograms).update(unit="kg")

    (one,) = client.get(page_of(story, "console_occupancy")).context["warehouses"]

    assert (one.stored, one.booked, one.taken, one.free, one.percent) == (250, 500, 750, 250, 75)
    assert [(share.organisation, share.stored, share.booked, share.x) for share in one.shares] == [
        (story.buyer, 0, 500, 0),
        (story.seller, 250, 0, 50),
    ]
    assert one.others == [(story.seller, 3, "kg")]
    assert [day.booked for day in one.days[:4]][:2] == [500, 500]
    assert one.days[5].booked == 0
    assert not one.is_over
    Lot.objects.filter(shipment=shipment).update(stored_quantity=250, quantity=2000)
    Lot.objects.filter(shipment=shipment).update(stored_quantity=1500)
    assert client.get(page_of(story, "console_occupancy")).context["warehouses"][0].is_over


def test_console_exceptions_lists_what_is_not_as_planned(client, story):
    assert client.get(page_of(story, "console_exceptions")).context["exceptions"] == []
    story.dispatch("10", expected_at=NOON + HOUR)
    off = story.dispatch("10")
    story.scan(off, "arrived")
    Shipment.objects.filter(pk=off.pk).update(is_weight_off=True, gross_weight_kg=900, tare_weight_kg=100)
    rejected = stored(story, "7")
    Lot.objects.filter(shipment=rejected).update(status=Lot.Status.REJECTED, rejected_quantity=7)
    story.scan(story.dispatch("10"), "weighed", data={"gross_kg": "500"})
    dock = BookableFactory(park=story.park)
    BookingFactory(facility=dock, start=NOON)
    BookingFactory(facility=dock, start=NOON + 3 * HOUR, status=Booking.Status.IN_USE, started_at=NOON)
    stay = BookingFactory(
        facility=story.warehouse, organisation=story.seller, start=NOON, end=NOON + dt.timedelta(days=200), quantity=20
    )
    booked = stored(story, "20", warehouse_booking=stay)
    Booking.objects.filter(pk=stay.pk).update(slot=span(NOON, NOON + HOUR), quantity=5)

    response = client.get(page_of(story, "console_exceptions"))

    found = response.context["exceptions"]
    kinds = ["conflict", "late", "weight", "rejected", "no_show", "overstay", "overstay", "overrun"]
    assert [one.kind for one in found] == kinds
    assert {one.shipment for one in found if one.kind == "overstay"} == {None, booked}
    assert (found[-1].quantity, found[-1].limit) == (20, 5)


@pytest.mark.parametrize(
    ("choice", "status", "outcome"), [("apply", "weighed", "applied"), ("drop", "dispatched", "dropped")]
)
def test_console_settle_decides_on_a_scan_that_did_not_fit(client, story, choice, status, outcome):
    shipment = story.dispatch("10")
    story.scan(shipment, "weighed", data={"gross_kg": "500"}, at=timezone.now() - HOUR)
    conflict = ScanConflict.objects.get()
    settle = reverse("marketplace:console_settle", args=[conflict.pk])
    client.force_login(story.purchaser)
    assert client.post(settle, {"choice": choice}).status_code == 404
    client.force_login(story.gatekeeper)
    assert client.post(settle, {"choice": "maybe"}).status_code == 400

    response = client.post(settle, {"choice": choice})

    assert response.url == page_of(story, "console_exceptions")
    assert Shipment.objects.get().status == status
    assert ScanConflict.objects.get().outcome == outcome
    assert client.post(settle, {"choice": choice}).status_code == 404


def test_console_inventory_finds_by_owner_lot_goods_and_warehouse(client, story):
    shipment = stored(story, "40", "60")
    elsewhere = FacilityFactory(park=story.park)
    other = Story()
    stored(other, "10")

    def found(**query):
        return [lot.shipment for lot in client.get(page_of(story, "console_inventory"), query).context["page"]]

    assert found() == [shipment, shipment]
    assert found(q=f"{story.seller.name_en} 球阀") == [shipment, shipment]
    assert found(q=shipment.lots.first().token) == [shipment]
    assert found(q="nobody") == found(warehouse=elsewhere.pk) == []
    totals = client.get(page_of(story, "console_inventory")).context["totals"]
    assert totals == [(story.seller, [(100, "piece")])]


def test_console_inventory_csv_is_a_table_that_no_spreadsheet_runs(client, story):
    shipment = stored(story, "40")
    Lot.objects.filter(shipment=shipment).update(number="=1+1")

    response = client.get(page_of(story, "console_inventory_csv"))

    header, row = response.content.decode("utf-8-sig").splitlines()
    assert len(header.split(",")) == len(row.split(","))
    assert row.split(",")[1:4] == ["'=1+1", "304 不锈钢法兰球阀 DN50 PN16", "40.000"]
    assert response["Content-Disposition"].endswith('.csv"')


def test_console_count_puts_the_books_right_and_says_why(client, story):
    lot = stored(story, "40").lots.get()
    count = reverse("marketplace:console_count", args=[lot.pk])

    assert client.post(count, {"quantity": "38", "reason": ""}).status_code == 422
    response = client.post(count, {"quantity": "38", "reason": "两只破损"})

    assert response.url == page_of(story, "console_inventory")
    assert Lot.objects.get().stored_quantity == 38
    assert "两只破损" in client.get(count).text
    client.force_login(story.salesman)
    assert client.get(count).status_code == 404


def test_console_count_refuses_more_than_the_lot(client, story):
    lot = stored(story, "40").lots.get()

    response = client.post(reverse("marketplace:console_count", args=[lot.pk]), {"quantity": "41", "reason": "?"})

    assert list(response.context["form"].errors) == ["quantity"]
    assert Lot.objects.get().stored_quantity == 40
