"""What buyer, seller and park operator do on the pages of a deal, one function for each act.

Nothing is found by its words, so that the same steps are taken in every language.
"""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.core import mail
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, Request, expect

from marketplace.models import Booking, Dispute, Negotiation, Notification, Order, Shipment
from marketplace.papers import read_qr

CODE = re.compile(r"\b\d{6}\b")


@dataclass
class Steps:
    """Which screens were opened and what was decided on them."""

    screens: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)


@dataclass
class Stage:
    """Three people, each in a browser of their own, and what their browsers complained of."""

    address: str
    buyer: Page
    seller: Page
    operator: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self):
        for page in (self.buyer, self.seller, self.operator):
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
            page.on("response", self._listen)

    def _listen(self, response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} {response.url}")

    def open(self, page: Page, name: str, *args: object) -> None:
        page.goto(self.address + reverse(f"marketplace:{name}", args=args))

    @contextmanager
    def counting(self) -> Iterator[Steps]:
        """Note every page that buyer or seller look at, and every form that they send; the bell leads, it asks nothing."""
        steps = Steps()

        def note(request: Request) -> None:
            if request.is_navigation_request() and request.frame.parent_frame is None:
                path = urlsplit(request.url).path
                if path.startswith(reverse("marketplace:notification_list")):
                    return
                if request.method == "POST":
                    steps.decisions.append(path)
                elif path not in steps.screens:
                    steps.screens.append(path)

        for page in (self.buyer, self.seller):
            page.on("request", note)
        yield steps
        for page in (self.buyer, self.seller):
            page.remove_listener("request", note)


def send(page: Page, form: str, **values: str) -> None:
    """Fill in fields of a form and press its main button."""
    box = page.locator(form)
    for name, value in values.items():
        element = box.locator(f"[name={name}]")
        if element.evaluate("element => element.tagName") == "SELECT":
            element.select_option(value)
        else:
            element.fill(value)
    box.locator("button.is-primary").last.click()


def press(page: Page, name: str, *args: object) -> None:
    """Press the button of the small form that goes to a page."""
    page.locator(f'form[action="{reverse(f"marketplace:{name}", args=args)}"] button').first.click()


def follow(page: Page, name: str, *args: object) -> None:
    """Click the link that leads to a page."""
    page.locator(f'main a[href^="{reverse(f"marketplace:{name}", args=args)}"]').first.click()


def expect_success(page: Page) -> None:
    expect(page.locator(".notice.is-success").first).to_be_visible()


# -- from the match to the order


def post_demand(stage: Stage, sentence: str) -> None:
    page = stage.buyer
    stage.open(page, "listing_create")
    page.fill("[name=text]", sentence)
    page.click("button[value=read]")
    page.click("button[name=side][value=demand]")
    expect(page.locator("#matches .match").first).to_be_visible()


def negotiate_from_match(stage: Stage) -> Negotiation:
    """Open a negotiation from the best match; what made it match is kept and shown."""
    page = stage.buyer
    page.locator("#matches .match").first.locator('form[action*="negotiate"] button').click()
    expect(page.locator("#offer-form")).to_be_visible()
    expect(page.locator(".reasons li").first).to_be_visible()
    return Negotiation.objects.get()


def make_first_offer(stage: Stage, *, park: int) -> None:
    """Send the offer as it was filled in from both listings, but for where the goods change hands."""
    page = stage.buyer
    expect(page.locator("#offer-form [name=lines_0_quantity]")).to_have_value("500")
    send(page, "#offer-form", incoterm="park_handover", park=str(park), lines_0_unit_price="98")
    expect_success(page)


def hear(page: Page, username: str, event: str) -> None:
    """Hear the bell on the page that is open, look what it is, and go where the notice of this event leads."""
    expect(page.locator(".bell-count")).to_be_visible()
    page.click("#bell")
    told = Notification.objects.filter(user__username=username, channel="in_app", event=event)
    press(page, "notification_open", told.latest("requested_at").pk)
    page.wait_for_load_state()


def counter(stage: Stage, *, price: str, quantity: str, tolerance: str) -> None:
    """Answer with another price and quantity and a tolerance; the difference is shown clause by clause."""
    page = stage.seller
    page.locator("#next-offer > details > summary").click()
    page.locator("#offer-form .offer-line details summary").click()
    send(
        page,
        "#offer-form",
        lines_0_unit_price=price,
        lines_0_quantity=quantity,
        lines_0_tolerance_DN=tolerance,
    )
    expect_success(page)
    expect(page.locator("table.changes").first).to_contain_text(price)
    assert page.locator("table.changes").first.locator("tbody tr").count() >= 3


def say(page: Page, negotiation: Negotiation, *, clause: str, text: str) -> None:
    form = f'form[action="{reverse("marketplace:message_say", args=[negotiation.pk])}"]'
    page.select_option(f"{form} [name=clause]", clause)
    page.fill(f"{form} [name=text]", text)
    page.locator(f"{form} .form-actions button").click()
    expect(page.locator("#messages")).to_contain_text(text)


def accept_offer(stage: Stage, negotiation: Negotiation) -> Order:
    page = stage.buyer
    expect(page.locator("table.changes").first).to_be_visible()
    press(page, "offer_accept", negotiation.offers.order_by("-number").first().pk)
    page.wait_for_url(re.compile(r"/orders/\d+/$"))
    return Order.objects.get()


# -- the park


def book(
    stage: Stage, order: Order, *, kind: str, start: datetime, hours: int, quantity: str = "", unit: str = ""
) -> Booking:
    """Look from the order's page when a facility of this kind is free, and book the first time found."""
    page = stage.seller
    stage.open(page, "order_detail", order.pk)
    follow(page, "facility_free")
    form = f'form[action="{reverse("marketplace:facility_free")}"]'
    end = start + timedelta(hours=hours + 6)
    values = {"kind": kind, "start": clock(start), "end": clock(end), "hours": str(hours), "quantity": quantity}
    send(page, form, **values, unit=unit)
    page.locator("#found table form button").first.click()
    page.wait_for_url(re.compile(r"/bookings/\d+/$"))
    return Booking.objects.order_by("-pk").first()


def clock(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def plan_shipment(stage: Stage, order: Order, quantities: Mapping[str, str], **way: str) -> Shipment:
    """Plan a shipment from the order's page: a lot for each number, with so much in it; and dispatch it."""
    page = stage.seller
    stage.open(page, "order_detail", order.pk)
    follow(page, "shipment_create", order.pk)
    if len(quantities) > 1:
        page.locator(f'main a[href="?lots={len(quantities)}"]').click()
    for place, (number, quantity) in enumerate(quantities.items()):
        page.fill(f"[name=lots_{place}_number]", number)
        page.fill(f"[name=lots_{place}_quantity]", quantity)
    page.locator("main form details summary").first.click()
    page.fill("[name=lots_0_public_origin]", "浙江玉环")
    send(page, "main form", **way)
    page.wait_for_url(re.compile(r"/shipments/\d+/$"))
    shipment = Shipment.objects.order_by("-pk").first()
    assert shipment.status == Shipment.Status.PLANNED
    press(page, "shipment_dispatch", shipment.pk)
    expect_success(page)
    return shipment


def read_label(stage: Stage, shipment: Shipment, kind: str, place: int = 0) -> str:
    """Return what a scanner reads of a label that the seller printed."""
    stage.open(stage.seller, "lot_labels", shipment.pk)
    picture = stage.seller.locator(f".label.is-{kind} .label-code").nth(place).screenshot()
    # Twice as large, as a phone held close sees it.
    with Image.open(io.BytesIO(picture)) as image:
        large, out = image.resize((image.width * 3, image.height * 3)), io.BytesIO()
    large.save(out, "png")
    [said] = read_qr(out.getvalue())
    return said


def find_at_gate(stage: Stage, code: str) -> None:
    """Type a code at the gate."""
    page = stage.operator
    stage.open(page, "gate")
    expect(page.locator("body[data-ready]")).to_be_visible()
    page.fill("#code", code)
    page.press("#code", "Enter")
    expect(page.locator("#view-shipment")).to_be_visible()


def record_arrival(stage: Stage, code: str, *, gross: str, tare: str) -> None:
    find_at_gate(stage, code)
    page = stage.operator
    page.click("#actions [data-kind=arrived]")
    expect(page.locator("#shipment [data-status=arrived]")).to_be_visible()
    page.click("#actions [data-kind=weighed]")
    page.fill("#entry-gross", gross)
    page.fill("#entry-tare", tare)
    page.click("#entry-save")
    expect(page.locator("#shipment [data-status=weighed]")).to_be_visible()
    expect(page.locator("#count")).to_have_text("")


def inspect(stage: Stage, shipment: Shipment, lot: str, *, measured: Mapping[str, str], **verdict: str) -> None:
    """Inspect a lot from the park's board; ``measured`` is by attribute."""
    page = stage.operator
    stage.open(page, "console_board", shipment.park_id)
    found = shipment.lots.get(number=lot)
    follow(page, "inspection_create", found.pk)
    attributes = list(found.order_line.specification["attributes"])
    for key, value in measured.items():
        page.fill(f"[name=results_{attributes.index(key)}]", value)
    send(page, "main form", method="GB/T 13927", sample_size="8", **verdict)
    page.wait_for_url(re.compile(r"/inspections/\d+/$"))


def store(stage: Stage, shipment: Shipment, lot: str) -> None:
    find_at_gate(stage, shipment.lots.get(number=lot).token)
    page = stage.operator
    page.click("#actions [data-kind=stored]")
    page.select_option("#entry-facility", index=1)
    page.click("#entry-save")
    expect(page.locator("#shipment .gate-badge[data-status=inspected]")).to_be_hidden()
    expect(page.locator("#count")).to_have_text("")


def hand_over_at_gate(stage: Stage, shipment: Shipment) -> None:
    find_at_gate(stage, shipment.token)
    page = stage.operator
    page.click("#actions [data-kind=handed_over]")
    page.fill("#entry-note", "叉车装车")
    page.click("#entry-save")
    expect(page.locator("#shipment [data-status=handed_over]")).to_be_visible()
    expect(page.locator("#count")).to_have_text("")


def hand_over_on_board(stage: Stage, shipment: Shipment) -> None:
    """Hand over with a click what leaves today, as the board proposes."""
    page = stage.operator
    stage.open(page, "console_board", shipment.park_id)
    page.locator(f'form:has([name=token][value="{shipment.token}"]) button[value=handed_over]').first.click()
    expect_success(page)


# -- the receipt


def write_receipt(stage: Stage, shipment: Shipment, order: Order, **quantities: str) -> int:
    page = stage.operator
    stage.open(page, "shipment_detail", shipment.pk)
    follow(page, "receipt_create", shipment.pk, order.pk)
    send(page, "main form", receiver_name="王师傅", **quantities)
    page.wait_for_url(re.compile(r"/receipts/\d+/$"))
    return int(re.search(r"/receipts/(\d+)/$", page.url)[1])


def sign(stage: Stage, page: Page, receipt: int) -> None:
    """Sign with the account."""
    stage.open(page, "receipt_detail", receipt)
    press(page, "receipt_sign", receipt)
    expect_success(page)


def sign_with_code(stage: Stage, receipt: int, stranger: Page, *, contact: str) -> None:
    """Let the operator send a code to the buyer's mailbox; who reads it there signs without an account."""
    page = stage.operator
    stage.open(page, "receipt_detail", receipt)
    form = f'form[action="{reverse("marketplace:receipt_send_code", args=[receipt])}"]'
    page.select_option(f"{form} [name=side]", "buyer")
    page.fill(f"{form} [name=name]", "王师傅")
    page.fill(f"{form} [name=contact]", contact)
    page.locator(f"{form} .form-actions button").click()
    page.wait_for_url("**/receipts/sign/**")
    letter = next(one for one in reversed(mail.outbox) if contact in one.to and CODE.search(one.body))
    stranger.goto(page.url)
    stranger.select_option("[name=side]", "buyer")
    stranger.fill("[name=code]", CODE.search(letter.body)[0])
    stranger.locator("main form button").last.click()
    expect_success(stranger)


# -- the dispute


def open_dispute(stage: Stage, order: Order, *, quantity: str, text: str, picture: bytes) -> Dispute:
    page = stage.buyer
    stage.open(page, "order_detail", order.pk)
    follow(page, "order_dispute", order.pk)
    page.set_input_files("[name=files]", {"name": "crack.png", "mimeType": "image/png", "buffer": picture})
    send(page, "main form", quantity=quantity, kind="quality", text=text)
    page.wait_for_url(re.compile(r"/disputes/\d+/$|/orders/\d+/$"))
    return Dispute.objects.order_by("-pk").first()


def settle(stage: Stage, dispute: Dispute, **shares: str) -> None:
    """Propose a settlement as the seller and confirm it as the buyer, who saw what it changes."""
    seller, buyer = stage.seller, stage.buyer
    stage.open(seller, "dispute_detail", dispute.pk)
    expect(seller.locator('a[href*="/attachments/"]').first).to_be_visible()
    send(seller, f'form[action="{reverse("marketplace:dispute_settle", args=[dispute.pk])}"]', **shares)
    expect_success(seller)
    stage.open(buyer, "order_detail", dispute.order_id)
    press(buyer, "proposal_confirm", dispute.proposals.get(status="open").pk)
    expect_success(buyer)


# -- the money


def invoice(stage: Stage, order: Order, *, number: str, picture: bytes) -> None:
    seller = stage.seller
    stage.open(seller, "order_detail", order.pk)
    follow(seller, "invoice_create", order.pk)
    seller.set_input_files("[name=file]", {"name": "fapiao.png", "mimeType": "image/png", "buffer": picture})
    send(seller, "main form", number=number)
    expect_success(seller)
    stage.open(stage.buyer, "order_detail", order.pk)
    press(stage.buyer, "invoice_receive", order.invoices.get().pk)
    expect_success(stage.buyer)


def pay(stage: Stage, order: Order, *, reference: str) -> None:
    """Write down the payment of all that is open, and let the seller confirm it."""
    buyer = stage.buyer
    follow(buyer, "payment_record", order.pk)
    send(buyer, "main form", reference=reference)
    expect_success(buyer)
    stage.open(stage.seller, "order_detail", order.pk)
    press(stage.seller, "payment_confirm", order.payments.get().pk)
    expect_success(stage.seller)


def rate(stage: Stage, page: Page, order: Order, *, words: str) -> None:
    stage.open(page, "order_detail", order.pk)
    follow(page, "order_rate", order.pk)
    send(page, "main form", stars="5", words=words)
    expect_success(page)
