"""The console in a browser: no page of it is wider than a phone, and a lorry is let in by one tap."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from marketplace.models import Booking, Lot, Shipment
from tests.factories_park import BookingFactory
from tests.factories_park import FacilityFactory as BookableFactory
from tests.factories_shipment import HOUR, Story
from tests.journeys.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = ("console_board", "console_exceptions", "console_occupancy", "console_inventory")


def test_the_console_fits_a_phone_and_lets_a_lorry_in_by_one_tap(page, live_server, transactional_db, enter):
    story = Story()
    story.gatekeeper.set_password(PASSWORD)
    story.gatekeeper.language = "en"
    story.gatekeeper.save()
    now = timezone.now()
    dock = BookableFactory(park=story.park, name_zh="很长的月台名称" * 4)
    BookingFactory(facility=dock, start=now, status=Booking.Status.IN_USE, started_at=now)
    BookingFactory(facility=story.warehouse, start=now - HOUR, end=now + 50 * HOUR, quantity=300)
    inside = story.dispatch("250")
    story.scan(inside, "arrived")
    story.scan(inside, "stored", facility=story.warehouse)
    Lot.objects.update(status=Lot.Status.REJECTED, rejected_quantity=250)
    story.scan(story.dispatch("5"), "weighed", data={"gross_kg": "9000"})
    late = story.dispatch("100", vehicle="浙J0001")
    Shipment.objects.filter(pk=late.pk).update(expected_at=now - HOUR)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    enter(page, story.gatekeeper.username)

    too_wide = []
    paths = [reverse(f"marketplace:{name}", args=[story.park.pk]) for name in PAGES]
    paths += [reverse("marketplace:console_count", args=[inside.lots.get().pk]), reverse("marketplace:gate")]
    for path in paths:
        page.goto(live_server.url + path)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                too_wide.append((path, width))

    assert too_wide == []
    page.goto(live_server.url + paths[0])
    page.locator(".is-late").get_by_role("button").click()
    expect(page.locator(".is-late")).to_have_count(0)
    assert Shipment.objects.get(pk=late.pk).status == "arrived"
    assert complaints == []
