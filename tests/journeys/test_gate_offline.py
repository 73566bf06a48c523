"""A gatekeeper works through a network cut: the page opens, scans and weights stay in the phone and are merged after."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from marketplace.models import FulfilmentEvent, ScanConflict, Shipment
from marketplace.papers import qr_png
from tests.factories import MembershipFactory
from tests.factories_shipment import Story
from tests.journeys.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PLATES = ("浙J0001", "浙J0002", "浙J0003")


@pytest.fixture
def story(transactional_db):
    story = Story()
    story.gatekeeper.set_password(PASSWORD)
    story.gatekeeper.save()
    return story


@pytest.fixture
def lorries(story):
    """Return three shipments that are expected today."""
    shipments = [story.dispatch("100", vehicle=plate) for plate in PLATES]
    Shipment.objects.update(expected_at=timezone.now())
    return shipments


@pytest.fixture
def open_gate(page, context, live_server, story, enter):
    """Return a function that opens the gate on a phone, ready to work offline."""

    def open_it():
        page.set_viewport_size({"width": 390, "height": 844})
        enter(page, story.gatekeeper.username)
        page.goto(live_server.url + reverse("marketplace:gate"))
        expect(page.locator("body[data-ready]")).to_be_visible()
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.wait_for_function("navigator.serviceWorker.controller !== null")
        return page

    yield open_it
    # The page asks now and then: what it asked last is over before the next test empties the tables.
    context.set_offline(False)
    page.wait_for_load_state("networkidle")
    page.goto("about:blank")


def find(page, text):
    page.evaluate("location.hash = ''")
    page.fill("#code", text)
    page.press("#code", "Enter")
    expect(page.locator("#view-shipment")).to_be_visible()


def test_scans_and_weights_are_kept_through_a_network_cut_and_merged_after(open_gate, context, lorries):
    page = open_gate()
    expect(page.locator(".gate-row")).to_have_count(3)
    photo = qr_png(f"https://market.example/trace/{lorries[1].token}/")
    page.set_input_files("#photo-code", {"name": "note.png", "mimeType": "image/png", "buffer": photo})
    expect(page.locator("#shipment h1")).to_have_text(PLATES[1])

    context.set_offline(True)
    page.reload()
    expect(page.locator("body[data-ready]")).to_be_visible()
    expect(page.locator("#shipment h1")).to_have_text(PLATES[1])
    page.click("#back")
    expect(page.locator(".gate-row")).to_have_count(3)
    # By its code, by the address that its QR holds, by its plate.
    for typed in (lorries[0].token, f"https://market.example/trace/{lorries[1].token}/", PLATES[2]):
        find(page, typed)
        page.click("[data-kind=arrived]")
        expect(page.locator("#shipment [data-status=arrived]")).to_be_visible()
    page.click("[data-kind=weighed]")
    page.fill("#entry-gross", "12300")
    page.fill("#entry-tare", "8100.5")
    expect(page.locator("#net")).to_contain_text("4,199.5")
    page.click("#entry-save")
    expect(page.locator("#shipment [data-status=weighed]")).to_be_visible()
    expect(page.locator("#count")).to_have_text(re.compile("4"))
    page.reload()
    expect(page.locator("#count")).to_have_text(re.compile("4"))
    assert FulfilmentEvent.objects.filter(kind="arrived").count() == 0

    context.set_offline(False)

    expect(page.locator("#count")).to_have_text("")
    assert sorted(Shipment.objects.values_list("status", flat=True)) == ["arrived", "arrived", "weighed"]
    weighed = Shipment.objects.get(vehicle=PLATES[2])
    assert (weighed.gross_weight_kg, weighed.net_weight_kg) == (12300, weighed.gross_weight_kg - weighed.tare_weight_kg)
    assert {event.by.username for event in FulfilmentEvent.objects.filter(kind="arrived")}
    page.click("#queue-link")
    expect(page.locator("#queue .is-good").first).to_be_visible()


def test_what_does_not_fit_after_the_cut_is_decided_by_the_gatekeeper(open_gate, context, story, lorries):
    page = open_gate()
    context.set_offline(True)
    for number, plate in enumerate(PLATES):
        find(page, plate)
        page.click("[data-kind=weighed]")
        page.fill("#entry-gross", str(9000 + number))
        page.click("#entry-save")
        expect(page.locator("#dialog")).to_be_hidden()

    context.set_offline(False)
    page.click("#queue-link")
    cards = page.locator("#queue .is-bad[data-key]")
    expect(cards).to_have_count(3)
    expect(cards.first).to_contain_text("9,000")
    page.reload()
    expect(cards).to_have_count(3)

    cards.first.locator("[data-action=apply]").click()
    expect(cards).to_have_count(2)
    page.once("dialog", lambda dialog: dialog.accept())
    cards.first.locator("[data-action=drop]").click()
    expect(cards).to_have_count(1)
    cards.first.locator("[data-action=edit]").click()
    page.fill("#entry-code", lorries[0].token)
    page.fill("#entry-gross", "")
    page.fill("#entry-tare", "7000")
    page.click("#entry-save")
    expect(cards).to_have_count(0)
    expect(page.locator("#count")).to_have_text("")

    first, second, third = (Shipment.objects.get(vehicle=plate) for plate in PLATES)
    assert (first.status, first.gross_weight_kg, first.tare_weight_kg) == ("weighed", 9000, 7000)
    assert (second.status, third.status) == ("dispatched", "dispatched")
    assert sorted(ScanConflict.objects.values_list("outcome", flat=True)) == ["applied", "dropped", "dropped"]


def test_a_code_that_nobody_knows_is_kept_and_refused_without_stopping_the_others(open_gate, context, lorries):
    page = open_gate()
    context.set_offline(True)
    find(page, "nobody-knows-this-code")
    page.click("[data-kind=arrived]")
    find(page, PLATES[0])
    page.click("[data-kind=arrived]")

    context.set_offline(False)
    page.click("#queue-link")

    card = page.locator("#queue .is-bad[data-key]")
    expect(card).to_have_count(1)
    expect(page.locator("#queue .is-warn")).to_have_count(0)
    assert Shipment.objects.get(vehicle=PLATES[0]).status == "arrived"
    page.once("dialog", lambda dialog: dialog.accept())
    card.locator("[data-action=drop]").click()
    expect(card).to_have_count(0)


def test_a_session_that_ended_keeps_the_queue_until_somebody_logs_in(open_gate, context, story, lorries, live_server):
    page = open_gate()
    context.set_offline(True)
    find(page, PLATES[0])
    page.click("[data-kind=arrived]")
    context.clear_cookies(name="sessionid")

    context.set_offline(False)
    expect(page.locator("#log-in")).to_be_visible()
    assert Shipment.objects.get(vehicle=PLATES[0]).status == "dispatched"
    page.click("#log-in")
    page.fill("[name=username]", story.gatekeeper.username)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")

    page.wait_for_url("**" + reverse("marketplace:gate"))
    expect(page.locator(".gate-row")).to_have_count(3)
    expect(page.locator("#count")).to_have_text("")
    assert Shipment.objects.get(vehicle=PLATES[0]).status == "arrived"


def test_what_one_gatekeeper_recorded_waits_for_them_with_its_photo(open_gate, context, story, lorries, enter, person):
    other = person("other")
    MembershipFactory(user=other, organisation=story.park.organisation, role="gatekeeper")
    page = open_gate()
    context.set_offline(True)
    find(page, PLATES[0])
    page.click("[data-kind=noted]")
    page.set_input_files("#entry-photos", {"name": "seal.png", "mimeType": "image/png", "buffer": qr_png("seal 7781")})
    page.click("#entry-save")
    expect(page.locator("#count")).to_have_text(re.compile("1"))
    context.clear_cookies(name="sessionid")
    context.set_offline(False)

    enter(page, other.username)
    page.goto(page.url.replace(reverse("marketplace:workspace"), reverse("marketplace:gate")))
    expect(page.locator(".gate-row")).to_have_count(3)
    expect(page.locator("#count")).to_have_text(re.compile("1"))
    assert not FulfilmentEvent.objects.filter(kind="noted").exists()
    context.clear_cookies(name="sessionid")
    enter(page, story.gatekeeper.username)
    page.goto(page.url.replace(reverse("marketplace:workspace"), reverse("marketplace:gate")))

    expect(page.locator("body[data-ready]")).to_be_visible()
    expect(page.locator("#count")).to_have_text("")
    noted = FulfilmentEvent.objects.get(kind="noted")
    assert noted.by == story.gatekeeper
    assert [photo.content_type for photo in noted.attachments.all()] == ["image/jpeg"]
