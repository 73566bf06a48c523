import datetime as dt
import re
from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import (
    DealRecord,
    Lot,
    Mail,
    Membership,
    Notification,
    Order,
    OrderLine,
    Receipt,
    Shipment,
    ShortMessage,
    SigningCode,
)
from marketplace.services.inspections import inspect_lot
from marketplace.services.organisations import OnlyMembersMay
from marketplace.services.receipt_lines import ConcessionNotAnswered, draft_lines, is_intact
from marketplace.services.receipts import (
    AlreadySigned,
    NothingToReceive,
    ReceiptNoLongerOpen,
    ReceiptWaitsAlready,
    issue_receipt,
    sign_receipt,
    withdraw_receipt,
)
from marketplace.services.shipments import ShipmentNotInStateForThis, dispatch_shipment, plan_shipment
from marketplace.services.signing_codes import CodeJustSent, CodeNotValid, send_code, sign_with_code
from tests.factories import NOON, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_shipment import HOUR, Story
from tests.races import race

D = Decimal
LATER = NOON + 4 * HOUR


@pytest.fixture
def story(db):
    story = Story(quantity="100")
    story.shipment = story.dispatch()
    story.scan(story.shipment, "arrived")
    story.lot = Lot.objects.get()
    return story


def issued(story, **said) -> Receipt:
    line = {"lot": story.lot, "accepted": "100", **said.pop("line", {})}
    said = {"shipment": story.shipment, "order": story.order, "lines": [line], "by": story.gatekeeper, **said}
    return issue_receipt(**{"now": LATER, **said})


def signed(story, receipt: Receipt) -> Receipt:
    sign_receipt(receipt=receipt, by=story.salesman, now=LATER)
    return sign_receipt(receipt=receipt, by=story.purchaser, now=LATER)


def test_two_signatures_receive_the_goods(story):
    receipt = issued(story)

    first = sign_receipt(receipt=receipt, by=story.salesman, now=LATER)
    line_between = OrderLine.objects.get()
    second = sign_receipt(receipt=receipt, by=story.purchaser, now=LATER)

    line, order = OrderLine.objects.get(), Order.objects.get()
    assert (first.status, line_between.accepted, second.status) == ("to_sign", D(0), "signed")
    assert (line.in_delivery, line.accepted, order.status) == (D(0), D(100), Order.Status.ACCEPTED)
    story.lot.refresh_from_db()
    assert (story.lot.status, story.lot.received_quantity) == (Lot.Status.RECEIVED, D(100))
    assert Shipment.objects.get().status == Shipment.Status.RECEIVED
    kinds = set(DealRecord.objects.values_list("kind", flat=True))
    assert {"receipt.issued", "receipt.signed"} <= kinds
    for event in ("receipt.to_sign", "receipt.signed"):
        told = Notification.objects.filter(event=event, channel="in_app").values_list("user", flat=True)
        assert set(told) == {story.purchaser.pk, story.salesman.pk}


def test_short_and_rejected_quantities_go_where_they_belong(story):
    receipt = issued(story, line={"accepted": "90", "short": "4.5", "rejected": "5.5"})

    signed(story, receipt)

    line = OrderLine.objects.get()
    assert (line.accepted, line.short, line.returned, line.in_delivery) == (D(90), D("4.5"), D("5.5"), D(0))


def test_what_is_replaced_is_outstanding_again(story):
    signed(story, issued(story, line={"accepted": "90", "rejected": "10", "is_replaced": True}))

    line = OrderLine.objects.get()
    assert (line.outstanding, line.returned, Order.objects.get().status) == (D(10), D(0), Order.Status.IN_FULFILMENT)


def test_a_part_may_come_now_and_the_rest_later(story):
    signed(story, issued(story, line={"accepted": "60"}))
    half = Order.objects.get().status

    signed(story, issued(story, line={"accepted": "40"}))

    assert (half, Order.objects.get().status) == (Order.Status.IN_FULFILMENT, Order.Status.ACCEPTED)
    assert Receipt.objects.filter(status="signed").count() == 2


def test_goods_received_in_the_warehouse_stay_there_until_they_are_released(story):
    story.scan(story.lot, "stored", facility=story.warehouse.pk)
    signed(story, issued(story))
    stored = Shipment.objects.get().status

    story.scan(story.lot, "released", at=LATER)

    assert (stored, Shipment.objects.get().status) == (Shipment.Status.STORED, Shipment.Status.RECEIVED)


def test_draft_leaves_out_what_was_rejected(story):
    inspect_lot(lot=story.lot, by=story.gatekeeper, now=LATER, accepted="90", rejected="10")

    (line,) = draft_lines(shipment=story.shipment, order=story.order)

    assert (line["accepted"], line["rejected"]) == (D(90), D(10))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"accepted": "100.001"}, "lines.0.accepted"),
        ({"accepted": "99", "short": "2"}, "lines.0.accepted"),
        ({"accepted": "-1"}, "lines.0.accepted"),
        ({"accepted": "1.0001"}, "lines.0.accepted"),
        ({"short": "lots"}, "lines.0.short"),
        ({"accepted": "0"}, "lines"),
        ({"lot": 10**12}, "lines.0.lot"),
    ],
)
def test_what_cannot_have_come_is_refused_at_its_field(story, line, field):
    with pytest.raises(InputRefused) as refused:
        issued(story, line=line)

    assert list(refused.value.errors) == [field]


def test_rejected_goods_are_not_accepted(story):
    inspect_lot(lot=story.lot, by=story.gatekeeper, now=LATER, accepted="90", rejected="10")

    with pytest.raises(InputRefused) as refused:
        issued(story)

    assert list(refused.value.errors) == ["lines.0.accepted"]


def test_a_concession_is_answered_before_the_receipt(story):
    inspect_lot(lot=story.lot, by=story.gatekeeper, now=LATER, concession="100")

    with pytest.raises(ConcessionNotAnswered):
        issued(story)


def test_a_stranger_writes_no_receipt(story):
    with pytest.raises(OnlyMembersMay):
        issued(story, by=story.stranger)


def test_goods_on_the_road_are_not_received(story):
    shipment = Shipment.objects.get()
    Shipment.objects.update(status="dispatched")

    with pytest.raises(ShipmentNotInStateForThis):
        issued(story, shipment=shipment)


def test_one_receipt_waits_at_a_time(story):
    receipt = issued(story)

    with pytest.raises(ReceiptWaitsAlready):
        issued(story)
    withdraw_receipt(receipt=receipt, by=story.gatekeeper, now=LATER)
    assert issued(story).status == "to_sign"


def test_nothing_is_received_twice(story):
    signed(story, issued(story, line={"accepted": "100"}))
    Shipment.objects.update(status="handed_over")

    with pytest.raises(NothingToReceive):
        issued(story)


def test_a_receipt_is_signed_once_by_each_side(story):
    receipt = issued(story)
    sign_receipt(receipt=receipt, by=story.salesman, now=LATER)

    with pytest.raises(AlreadySigned):
        sign_receipt(receipt=receipt, by=story.salesman, now=LATER)
    with pytest.raises(OnlyMembersMay):
        sign_receipt(receipt=receipt, by=story.stranger, now=LATER)
    with pytest.raises(OnlyMembersMay):
        sign_receipt(receipt=receipt, by=story.salesman, now=LATER, side="buyer")


def test_a_signed_or_withdrawn_receipt_is_no_longer_open(story):
    receipt = issued(story)
    withdraw_receipt(receipt=receipt, by=story.purchaser, now=LATER)

    with pytest.raises(ReceiptNoLongerOpen):
        sign_receipt(receipt=receipt, by=story.salesman, now=LATER)
    with pytest.raises(ReceiptNoLongerOpen):
        withdraw_receipt(receipt=receipt, by=story.salesman, now=LATER)
    with pytest.raises(OnlyMembersMay):
        withdraw_receipt(receipt=receipt, by=story.stranger, now=LATER)


def test_the_named_receiver_signs_for_the_buyer(story):
    driver = UserFactory(first_name="Wang")
    receipt = issued(story, receiver=driver)
    sign_receipt(receipt=receipt, by=story.salesman, now=LATER)

    receipt = sign_receipt(receipt=receipt, by=driver, now=LATER)

    assert (receipt.status, receipt.signatures.get(side="buyer").signed_by) == ("signed", driver)


def test_a_receipt_knows_whether_it_was_changed(story):
    receipt = issued(story)
    before = is_intact(receipt)

    receipt.lines.update(accepted_quantity=D(99))

    assert (before, is_intact(receipt)) == (True, False)


def test_a_shared_shipment_has_a_receipt_for_each_order(db):
    story = Story(quantity="100")
    other_purchaser = UserFactory()
    other = story.order_for(OrganisationFactory(members=[other_purchaser]), quantity="50")
    shipment = plan_shipment(
        seller=story.seller,
        lots=[
            {"order_line": story.line, "quantity": "100"},
            {"order_line": other.lines.get(), "quantity": "50"},
        ],
        park=story.park,
        by=story.salesman,
        now=NOON,
    )
    dispatch_shipment(shipment=shipment, by=story.salesman, now=NOON)
    story.scan(shipment, "arrived")
    mine, theirs = Lot.objects.order_by("pk")
    story.shipment, story.lot = shipment, mine

    signed(story, issued(story))
    between = Shipment.objects.get().status
    receipt = issued(story, order=other, line={"lot": theirs, "accepted": "50"})
    sign_receipt(receipt=receipt, by=story.salesman, now=LATER)
    sign_receipt(receipt=receipt, by=other_purchaser, now=LATER)

    assert (between, Shipment.objects.get().status) == (Shipment.Status.ARRIVED, Shipment.Status.RECEIVED)
    assert list(Lot.objects.visible_to(other_purchaser)) == [theirs]


def code_in(text: str) -> str:
    return re.search(r"\b(\d{6})\b", text.replace("RC260302", ""))[1]


def test_the_receiver_signs_with_a_code_sent_by_mail(story):
    receipt = issued(story)
    sign_receipt(receipt=receipt, by=story.salesman, now=LATER)
    send_code(receipt=receipt, side="buyer", name="王师傅", contact="Wang@example.com", by=story.purchaser, now=LATER)

    receipt = sign_with_code(receipt=receipt, side="buyer", code=code_in(Mail.objects.get().body), now=LATER)

    signature = receipt.signatures.get(side="buyer")
    assert (receipt.status, signature.method, signature.name) == ("signed", "code", "王师傅")
    assert signature.contact == "w***@example.com"


def test_the_receiver_signs_with_a_code_sent_to_a_phone(story):
    receipt = issued(story)
    send_code(receipt=receipt, side="buyer", name="王师傅", contact="139 0576 1234", by=story.purchaser, now=LATER)

    message = ShortMessage.objects.get()
    receipt = sign_with_code(receipt=receipt, side="buyer", code=code_in(message.text), now=LATER)

    assert (message.to, receipt.signatures.get().side) == ("13905761234", "buyer")


def test_a_code_is_guessed_five_times_at_most(story):
    receipt = issued(story)
    send_code(receipt=receipt, side="buyer", name="王", contact="w@example.com", by=story.purchaser, now=LATER)
    code = code_in(Mail.objects.get().body)
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    for _ in range(5):
        with pytest.raises(CodeNotValid):
            sign_with_code(receipt=receipt, side="buyer", code=wrong, now=LATER)

    with pytest.raises(CodeNotValid):
        sign_with_code(receipt=receipt, side="buyer", code=code, now=LATER)
    assert SigningCode.objects.get().attempts == 5


def test_a_code_is_used_once_and_lasts_a_quarter_of_an_hour(story):
    receipt = issued(story)
    send_code(receipt=receipt, side="buyer", name="王", contact="w@example.com", by=story.purchaser, now=LATER)
    code = code_in(Mail.objects.get().body)

    with pytest.raises(CodeNotValid):
        sign_with_code(receipt=receipt, side="buyer", code=code, now=LATER + dt.timedelta(minutes=16))
    with pytest.raises(CodeNotValid):
        sign_with_code(receipt=receipt, side="seller", code=code, now=LATER)
    sign_with_code(receipt=receipt, side="buyer", code=code, now=LATER)
    with pytest.raises(CodeNotValid):
        sign_with_code(receipt=receipt, side="buyer", code=code, now=LATER)


def test_codes_are_sent_a_minute_apart_and_only_the_last_counts(story):
    receipt = issued(story)
    said = {"receipt": receipt, "side": "buyer", "name": "王", "contact": "w@example.com", "by": story.purchaser}
    send_code(**said, now=LATER)

    with pytest.raises(CodeJustSent):
        send_code(**said, now=LATER + dt.timedelta(seconds=59))
    send_code(**said, now=LATER + dt.timedelta(seconds=61))

    assert receipt.codes.usable(LATER).count() == 1


def test_nobody_has_a_code_sent_for_the_other_side(story):
    receipt = issued(story)
    said = {"receipt": receipt, "side": "buyer", "name": "王", "now": LATER}

    for sender in (story.salesman, story.gatekeeper, story.stranger):
        with pytest.raises(OnlyMembersMay):
            send_code(**said, contact="friend@example.com", by=sender)
    keeper = UserFactory(phone="13905761234")
    MembershipFactory(organisation=story.buyer, user=keeper, role=Membership.Role.VIEWER)

    assert send_code(**said, contact="13905761234", by=story.gatekeeper).sent_by == story.gatekeeper


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"side": "park"}, "side"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"contact": "12"}, "contact"),
        ({"contact": "not@an@address"}, "contact"),
    ],
)
def test_a_code_says_who_and_where(story, said, field):
    receipt = issued(story)

    with pytest.raises(InputRefused) as refused:
        send_code(
            **{
                "receipt": receipt,
                "side": "buyer",
                "name": "王",
                "contact": "w@example.com",
                "by": story.purchaser,
                "now": LATER,
                **said,
            }
        )

    assert list(refused.value.errors) == [field]


def test_no_code_is_sent_for_a_side_that_has_signed(story):
    receipt = issued(story)
    sign_receipt(receipt=receipt, by=story.purchaser, now=LATER)

    with pytest.raises(AlreadySigned):
        send_code(receipt=receipt, side="buyer", name="王", contact="w@example.com", by=story.purchaser, now=LATER)


@pytest.mark.django_db(transaction=True)
def test_both_sides_signing_at_once_receive_the_goods_once():
    story = Story(quantity="100")
    story.shipment = story.dispatch()
    story.scan(story.shipment, "arrived")
    story.lot = Lot.objects.get()
    receipt = issued(story)

    race(
        *[lambda: sign_receipt(receipt=receipt, by=story.salesman, now=LATER)] * 3,
        *[lambda: sign_receipt(receipt=receipt, by=story.purchaser, now=LATER)] * 3,
    )

    assert OrderLine.objects.get().accepted == D(100)
    assert receipt.signatures.count() == 2
