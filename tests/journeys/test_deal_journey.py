"""The whole deal by three people in three browsers: from a match to goods received, a dispute settled and money paid."""

import io
import subprocess
import sys
import zipfile
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from marketplace import verify_dealfile
from marketplace.models import Inspection, Notification, Order, Shipment
from marketplace.services import listings
from marketplace.services.facilities import set_price
from tests.factories import OrganisationFactory
from tests.factories_park import FacilityFactory, ParkFactory
from tests.journeys import deal_steps as steps

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("worker", "catalogue"),
]
OFFER = "现货供应 304 不锈钢法兰球阀 DN50 PN16，5000 只，95-120 元/只，玉环发货，15 天交货"
WISH = "304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"
MOST_SCREENS, MOST_DECISIONS = 4, 6
RECORDED = (
    "negotiation.opened",
    "offer.made",
    "message.sent",
    "order.confirmed",
    "booking.confirmed",
    "shipment.dispatched",
    "shipment.arrived",
    "lot.inspected",
    "receipt.signed",
    "dispute.opened",
    "dispute.settled",
    "invoice.issued",
    "payment.confirmed",
    "order.closed",
)
ALL_DAY = [(day, time(0), time(0)) for day in range(1, 8)]


@pytest.fixture(params=["zh-hans", "en"])
def language(request):
    return request.param


@pytest.fixture
def stranger(browser, language):
    """Return the browser of somebody without an account, who reads the story's language."""
    context = browser.new_context(locale={"zh-hans": "zh-CN", "en": "en-GB"}[language])
    yield context.new_page()
    context.close()


@pytest.fixture
def picture() -> bytes:
    """Return a photograph of a cracked seat, as good as any."""
    image = Image.new("RGB", (120, 90), "#888")
    ImageDraw.Draw(image).line((10, 80, 60, 30, 110, 70), fill="#222", width=4)
    out = io.BytesIO()
    image.save(out, "png")
    return out.getvalue()


@pytest.fixture
def park(person, language, real_now):
    """Return a park that never closes, with a dock and a warehouse that have their prices."""
    operator = person("operator", language=language)
    park = ParkFactory(staff__operator=operator, name_zh="玉环泵阀产业园", name_en="Yuhuan Pump and Valve Park")
    dock = FacilityFactory(park=park, hours=ALL_DAY, name_zh="一号月台", name_en="Dock 1")
    warehouse = FacilityFactory(park=park, warehouse=True, capacity=2000, unit="piece", hours=ALL_DAY)
    for facility, per, price in ((dock, "slot", "80"), (warehouse, "day", "30")):
        set_price(facility=facility, kind="booking", per=per, price=Decimal(price), by=operator, now=real_now)
    return park


@pytest.fixture
def stage(live_server, new_context, person, enter, park, language, real_now):
    """Return the three people at their browsers; the seller's supply is posted."""
    buyer, seller = person("buyer", language=language), person("seller", language=language)
    OrganisationFactory(members=[buyer], name_zh="台州泵业有限公司", name_en="Taizhou Pumps", region="331000")
    maker = OrganisationFactory(members=[seller], name_zh="玉环阀门厂", name_en="Yuhuan Valves", region="331083")
    listings.post_listing(organisation=maker, by=seller, fields={"side": "supply", "text": OFFER}, now=real_now)
    pages = {}
    for name in ("buyer", "seller", "operator"):
        context = new_context()
        context.set_default_timeout(20_000)
        pages[name] = context.new_page()
        enter(pages[name], name)
    return steps.Stage(address=live_server.url, **pages)


def agree(stage, park) -> Order:
    """Come from the match to the accepted order and count the way.

    A screen is an address that buyer or seller look at on the way; a decision is a form that one of them sends with
    all that was changed in it: to negotiate, to offer, to counter, to accept, and the message on the price. The list
    behind the bell, through which both come to the other's answer, is neither.
    """
    steps.post_demand(stage, WISH)
    with stage.counting() as way:
        way.screens.append(urlsplit(stage.buyer.url).path)
        negotiation = steps.negotiate_from_match(stage)
        steps.make_first_offer(stage, park=park.pk)
        steps.hear(stage.seller, "seller", "offer.received")
        steps.counter(stage, price="103.5", quantity="480", tolerance="0.5")
        steps.say(stage.seller, negotiation, clause="price", text="600 只以上可以再谈。")
        steps.hear(stage.buyer, "buyer", "offer.received")
        order = steps.accept_offer(stage, negotiation)
    assert len(way.screens) <= MOST_SCREENS, way.screens
    assert len(way.decisions) <= MOST_DECISIONS, way.decisions
    negotiation.refresh_from_db()
    assert negotiation.match_reasons
    assert negotiation.model_version
    assert [offer.status for offer in negotiation.offers.order_by("number")] == ["countered", "accepted"]
    line = order.lines.get()
    assert (line.quantity, line.unit_price) == (480, Decimal("103.5"))
    assert line.specification["attributes"]["DN"]["tolerance"] == 0.5
    told = Notification.objects.filter(event="order.confirmed", channel="in_app")
    assert {notice.user.username for notice in told} == {"buyer", "seller"}
    steps.hear(stage.seller, "seller", "order.confirmed")
    assert stage.seller.url == stage.buyer.url
    return order


def where(order) -> dict[str, Decimal]:
    """Return where the quantity of the order's line is, and see that nothing is lost."""
    line = order.lines.get()
    places = {name: getattr(line, name) for name in line.PLACES}
    assert sum(places.values()) == line.quantity
    return {name: int(quantity) for name, quantity in places.items() if quantity}


def deliver_first_part(stage, order, park, stranger) -> Shipment:
    """Send 300 in two lots; one passes, the other is rejected and to be replaced; the first is received."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    dock = steps.book(stage, order, kind="dock", start=start, hours=1)
    warehouse = steps.book(stage, order, kind="warehouse", start=start, hours=48, quantity="300", unit="piece")
    shipment = steps.plan_shipment(
        stage,
        order,
        {"HT-A": "200", "HT-B": "100"},
        dock_booking=str(dock.pk),
        warehouse_booking=str(warehouse.pk),
        expected_at=steps.clock(start),
        vehicle="浙J·A63K2",
        driver_name="陈师傅",
    )
    assert where(order) == {"outstanding": 180, "in_delivery": 300}
    scanned = steps.read_label(stage, shipment, "shipment")
    steps.record_arrival(stage, scanned, gross="12300", tare="8100")
    steps.inspect(stage, shipment, "HT-A", measured={"DN": "50.2", "PN": "16"})
    steps.inspect(stage, shipment, "HT-B", measured={"DN": "50.9", "PN": "16"}, accepted="", rejected="100")
    steps.store(stage, shipment, "HT-A")

    rejected = Inspection.objects.get(verdict="reject")
    stage.open(stage.buyer, "inspection_detail", rejected.pk)
    stage.buyer.click("button[value=replace]")
    steps.expect_success(stage.buyer)
    assert where(order) == {"outstanding": 280, "in_delivery": 200}

    steps.hand_over_at_gate(stage, shipment)
    receipt = steps.write_receipt(stage, shipment, order)
    steps.sign(stage, stage.seller, receipt)
    steps.sign_with_code(stage, receipt, stranger, contact="buyer@example.com")
    assert where(order) == {"outstanding": 280, "accepted": 200}
    shipment.refresh_from_db()
    assert shipment.status == Shipment.Status.RECEIVED
    return shipment


def quarrel_and_settle(stage, order, picture) -> None:
    """Dispute 20 of what was received; 13 are replaced, 5 kept at a lower price, 2 go back for good."""
    dispute = steps.open_dispute(stage, order, quantity="20", text="阀座开裂, 打压渗漏。", picture=picture)
    assert where(order) == {"outstanding": 280, "accepted": 180, "disputed": 20}
    shares = {"accept": "5", "replace": "13", "return": "2", "price_reduction": "120"}
    steps.settle(stage, dispute, **shares, reason="同批密封圈硬度偏低。")
    assert where(order) == {"outstanding": 293, "accepted": 185, "returned": 2}


def deliver_the_rest(stage, order) -> None:
    """Send all that is left without a slot of the dock; one is missing when it is counted."""
    shipment = steps.plan_shipment(stage, order, {"HT-C": "293"}, vehicle="浙J·B77L8")
    steps.record_arrival(stage, shipment.number, gross="12200", tare="8100")
    steps.inspect(stage, shipment, "HT-C", measured={"DN": "50.1", "PN": "16"})
    steps.hand_over_on_board(stage, shipment)
    receipt = steps.write_receipt(stage, shipment, order, lines_0_accepted="292", lines_0_short="1")
    steps.sign(stage, stage.seller, receipt)
    steps.sign(stage, stage.buyer, receipt)
    assert where(order) == {"accepted": 477, "returned": 2, "short": 1}


def settle_accounts(stage, order, picture) -> None:
    order.refresh_from_db()
    assert order.status == Order.Status.ACCEPTED
    steps.invoice(stage, order, number="26332000000080160001", picture=picture)
    steps.pay(stage, order, reference="TZ-0042")
    order.refresh_from_db()
    assert order.open_amount == 0
    steps.rate(stage, stage.buyer, order, words="换货及时。")
    steps.rate(stage, stage.seller, order, words="付款及时。")
    stage.open(stage.buyer, "order_detail", order.pk)
    steps.press(stage.buyer, "order_close", order.pk)
    steps.expect_success(stage.buyer)
    order.refresh_from_db()
    assert order.status == Order.Status.CLOSED


def download_and_verify(stage, order, folder: Path) -> None:
    """Download the deal file as the seller, and check it as a stranger would, without any of our packages."""
    page = stage.seller
    stage.open(page, "order_detail", order.pk)
    steps.follow(page, "deal_file", order.pk)
    with page.expect_download() as waiting:
        steps.follow(page, "deal_file_download", order.pk)
    archive = folder / waiting.value.suggested_filename
    waiting.value.save_as(archive)
    checker = Path(verify_dealfile.__file__)
    done = subprocess.run(
        [sys.executable, "-I", str(checker), str(archive)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(archive) as kept:
        assert any(name.endswith(".pdf") for name in kept.namelist())
    assert set(RECORDED) - set(order.deal_records.values_list("kind", flat=True)) == set()


def trace_as_stranger(stage, shipment, stranger, language) -> None:
    """Scan a lot's label without an account: its way is told, its price and its firms are not."""
    scanned = steps.read_label(stage, shipment, "lot")
    lot = shipment.lots.get(number="HT-A")
    assert urlsplit(scanned).path == reverse("marketplace:trace", args=[lot.token])
    stranger.goto(stage.address + urlsplit(scanned).path)
    expect(stranger.locator("html")).to_have_attribute("lang", language)
    expect(stranger.locator("main")).to_contain_text("HT-A")
    expect(stranger.locator("main")).to_contain_text("浙江玉环")
    assert stranger.locator(".timeline li").count() >= 4
    shown = stranger.content()
    for secret in ("103.5", "台州泵业", "玉环阀门厂", "Taizhou Pumps", "Yuhuan Valves", "浙J·A63K2", "陈师傅"):
        assert secret not in shown


def test_a_match_becomes_delivered_goods_and_paid_money(stage, park, stranger, picture, tmp_path, language):
    order = agree(stage, park)
    shipment = deliver_first_part(stage, order, park, stranger)
    quarrel_and_settle(stage, order, picture)
    deliver_the_rest(stage, order)
    settle_accounts(stage, order, picture)
    download_and_verify(stage, order, tmp_path)
    trace_as_stranger(stage, shipment, stranger, language)

    assert where(order) == {"accepted": 477, "returned": 2, "short": 1}
    assert stage.complaints == []
