import pytest
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Lot, Package, Shipment
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_park import BookingFactory
from tests.factories_park import FacilityFactory as BookableFactory
from tests.factories_shipment import HOUR, Story

pytestmark = pytest.mark.django_db
NAMES = ["api_console_today", "api_console_warehouses", "api_console_exceptions", "api_console_inventory"]


@pytest.fixture
def story(client):
    story = Story()
    client.force_login(story.gatekeeper)
    return story


def ask(client, name, park, **query):
    return client.get(reverse(f"marketplace:{name}"), {"park": park, **query})


@pytest.mark.parametrize("name", [*NAMES, "api_console_find"])
def test_console_api_is_for_the_parks_staff_alone(client, story, name):
    shipment = story.dispatch("10")
    query = {"code": shipment.token} if name == "api_console_find" else {}

    assert ask(client, name, story.park.pk, **query).status_code == 200
    assert list(ask(client, name, "", **query).json()["errors"]) == ["park"]
    assert list(ask(client, name, "x", **query).json()["errors"]) == ["park"]
    for user in (story.salesman, story.purchaser, story.stranger):
        client.force_login(user)
        assert ask(client, name, story.park.pk, **query).status_code == 404
    client.logout()
    assert ask(client, name, story.park.pk, **query).status_code == 401


def test_console_today_lists_who_comes_and_who_is_here_with_their_lots(client, story):
    dock = BookingFactory(facility=BookableFactory(park=story.park), organisation=story.seller, start=NOON + HOUR)
    coming = story.dispatch("10", "20", vehicle="浙J12345", expected_at=NOON + HOUR, dock_booking=dock)
    Package.objects.create(lot=coming.lots.first(), number=1, quantity=5, token="package-one")
    story.plan("5")
    gone = story.dispatch("30")
    Shipment.objects.filter(pk=gone.pk).update(status=Shipment.Status.HANDED_OVER)

    day = ask(client, "api_console_today", story.park.pk).json()

    (shipment,) = day["shipments"]
    assert (day["user"], shipment["vehicle"], shipment["dock"]) == (
        story.gatekeeper.username,
        "浙J12345",
        dock.facility.name,
    )
    assert [(lot["quantity"], lot["packages"]) for lot in shipment["lots"]] == [
        ("10.000", ["package-one"]),
        ("20.000", []),
    ]
    assert [one["id"] for one in day["warehouses"]] == [story.warehouse.pk]


def test_console_today_asks_as_much_for_three_shipments_as_for_one(client, story, count_queries):
    path = f"{reverse('marketplace:api_console_today')}?park={story.park.pk}"
    story.dispatch("10")
    first = count_queries(path)

    for _ in range(2):
        story.dispatch("10", "20", order=story.order_for(OrganisationFactory(members=[UserFactory()])))

    assert count_queries(path) == first


def test_console_find_knows_a_shipment_by_all_that_is_written_on_it(client, story):
    old = story.dispatch("10", vehicle="浙J12345")
    shipment = story.dispatch("20", vehicle="浙J12345")
    lot = shipment.lots.get()
    Package.objects.create(lot=lot, number=1, quantity=5, token="package-one")

    for code in (shipment.token, lot.token, "package-one", shipment.number.lower(), "浙j12345"):
        assert ask(client, "api_console_find", story.park.pk, code=code).json()["id"] == shipment.pk
    assert ask(client, "api_console_find", story.park.pk, code=old.number).json()["id"] == old.pk
    assert ask(client, "api_console_find", story.park.pk, code="nothing").status_code == 404
    assert list(ask(client, "api_console_find", story.park.pk, code=" ").json()["errors"]) == ["code"]
    assert ask(client, "api_console_find", story.park.pk, code=Story().dispatch("1").token).status_code == 404


def test_console_warehouses_exceptions_and_inventory_say_what_the_pages_say(client, story):
    shipment = story.dispatch("250", vehicle="浙J12345", expected_at=NOON + HOUR)
    (late,) = ask(client, "api_console_exceptions", story.park.pk).json()
    assert (late["kind"], late["shipment"], late["conflict"]) == ("late", shipment.number, None)
    story.scan(shipment, "arrived")
    story.scan(shipment, "stored", facility=story.warehouse, at=NOON + 2 * HOUR)

    (warehouse,) = ask(client, "api_console_warehouses", story.park.pk).json()
    inventory = ask(client, "api_console_inventory", story.park.pk, q="浙J12345").json()

    assert (warehouse["stored"], warehouse["free"]) == ("250.000", "750.000")
    assert warehouse["shares"][0]["organisation"] == story.seller.name
    assert [(lot["owner"], lot["stored_quantity"]) for lot in inventory["results"]] == [(story.seller.name, "250.000")]
    assert ask(client, "api_console_inventory", story.park.pk, q="nobody").json()["count"] == 0
    assert list(ask(client, "api_console_inventory", story.park.pk, warehouse="x").json()["errors"]) == ["warehouse"]


def test_console_exceptions_names_the_key_of_a_scan_that_did_not_fit(client, story):
    outcome = story.scan(story.dispatch("10"), "weighed", data={"gross_kg": "500"}, at=timezone.now() - HOUR)

    (conflict,) = ask(client, "api_console_exceptions", story.park.pk).json()

    assert (conflict["kind"], conflict["conflict"]) == ("conflict", str(outcome.key))
    assert Lot.objects.get().status == Lot.Status.IN_TRANSIT
