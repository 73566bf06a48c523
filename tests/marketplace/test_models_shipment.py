"""What the database refuses of shipments, lots, stock, inspections and receipts."""

import uuid
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from marketplace.models import (
    FulfilmentEvent,
    Inspection,
    InspectionResult,
    Lot,
    Package,
    Receipt,
    ReceiptLine,
    ReceiptSignature,
    ScanConflict,
    Shipment,
    ShortMessage,
    SigningCode,
    StockMove,
)
from tests.factories import NOON
from tests.factories_shipment import Story

pytestmark = pytest.mark.django_db
D = Decimal
HASH = "0" * 64


@pytest.fixture
def story():
    story = Story()
    story.shipment = story.plan()
    story.lot = story.shipment.lots.get()
    return story


@pytest.fixture
def refused():
    """Return a way to see the database refuse, and by which constraint."""

    def see(act, name: str) -> None:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            act()

    return see


def receipt(story, **said) -> Receipt:
    said = {"number": f"RC-{uuid.uuid4().hex[:8]}", "issued_by": story.gatekeeper, "issued_at": NOON, **said}
    return Receipt.objects.create(order=story.order, shipment=story.shipment, sha256=HASH, **said)


def inspection(story, **said) -> Inspection:
    said = {"verdict": "pass", "inspected_quantity": 10, "accepted_quantity": 10, **said}
    return Inspection.objects.create(
        number=f"IN-{uuid.uuid4().hex[:8]}",
        lot=story.lot,
        organisation=story.park.organisation,
        by=story.gatekeeper,
        at=NOON,
        **said,
    )


def event(story, **said) -> FulfilmentEvent:
    return FulfilmentEvent.objects.create(
        **{
            "key": uuid.uuid4(),
            "shipment": story.shipment,
            "kind": "noted",
            "recorded_at": NOON,
            "received_at": NOON,
            "by": story.gatekeeper,
            "organisation": story.park.organisation,
            **said,
        }
    )


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"gross_weight_kg": 1, "tare_weight_kg": 2}, "shipment_weighs_no_less"),
        ({"status": "arrived"}, "shipment_dispatched_at_goes_with_status"),
        ({"dispatched_at": NOON}, "shipment_dispatched_at_goes_with_status"),
    ],
)
def test_a_shipment_that_cannot_be_is_refused(story, refused, changes, name):
    refused(lambda: Shipment.objects.filter(pk=story.shipment.pk).update(**changes), name)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"quantity": 0}, "lot_"),
        ({"accepted_quantity": 60, "rejected_quantity": 41}, "lot_is_judged_at_most_whole"),
        ({"received_quantity": 60, "short_quantity": 41}, "lot_goes_nowhere_more_than_once"),
        ({"sent_back_quantity": -1}, "lot_goes_nowhere_more_than_once"),
        ({"stored_quantity": 1}, "lot_in_stock_is_somewhere"),
        ({"stored_quantity": -1}, "lot_in_stock_is_somewhere"),
    ],
)
def test_a_lot_that_cannot_be_is_refused(story, refused, changes, name):
    refused(lambda: Lot.objects.filter(pk=story.lot.pk).update(**changes), name)


def test_a_lot_number_is_there_once_in_a_shipment(story, refused):
    twin = {"shipment": story.shipment, "order_line": story.line, "number": story.lot.number, "unit": "piece"}

    refused(lambda: Lot.objects.create(quantity=1, **twin), "lot_number_once_per_shipment")


def test_packages_hold_something_and_have_their_number(story, refused):
    Package.objects.create(lot=story.lot, number=1, quantity=1)

    refused(lambda: Package.objects.create(lot=story.lot, number=1, quantity=1), "package_number_once_per_lot")
    refused(lambda: Package.objects.create(lot=story.lot, number=2, quantity=0), "package_holds_something")


def test_an_event_is_written_once_and_never_changed(story, refused):
    row = event(story)

    refused(lambda: event(story, key=row.key), "key")
    refused(lambda: FulfilmentEvent.objects.filter(pk=row.pk).update(note="x"), "append-only")
    refused(row.delete, "append-only")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"kind": "in", "quantity": -1, "balance": 0}, "stock_move_goes_the_way_of_its_kind"),
        ({"kind": "out", "quantity": 1, "balance": 1}, "stock_move_goes_the_way_of_its_kind"),
        ({"kind": "out", "quantity": -1, "balance": -1}, "stock_move_leaves_no_less_than_nothing"),
        ({"kind": "count", "quantity": 1, "balance": 1}, "stock_move_of_a_count_says_why"),
        ({"kind": "in", "quantity": 2, "balance": 1}, "stock_move_adds_up_to_its_balance"),
    ],
)
def test_a_stock_move_that_cannot_be_is_refused(story, refused, said, name):
    move = {"lot": story.lot, "facility": story.warehouse, "by": story.gatekeeper, "at": NOON}

    refused(lambda: StockMove.objects.create(**move, **said), name)


def test_a_stock_move_is_only_added(story, refused):
    move = StockMove.objects.create(
        lot=story.lot, facility=story.warehouse, kind="in", quantity=1, balance=1, by=story.gatekeeper, at=NOON
    )

    refused(lambda: StockMove.objects.filter(pk=move.pk).update(quantity=2, balance=2), "append-only")
    refused(move.delete, "append-only")


def test_a_conflict_is_settled_by_somebody(story, refused):
    said = {"shipment": story.shipment, "kind": "arrived", "recorded_at": NOON, "received_at": NOON}
    said |= {"by": story.gatekeeper, "key": uuid.uuid4(), "message": "?"}

    refused(lambda: ScanConflict.objects.create(outcome="applied", **said), "scan_conflict_settled_at")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"accepted_quantity": 9}, "inspection_judges_all_it_inspected"),
        ({"inspected_quantity": 0, "accepted_quantity": 0}, "inspection_quantities_are_not_negative"),
        ({"accepted_quantity": 9, "rejected_quantity": 1}, "inspection_verdict_goes_with_quantities"),
        ({"verdict": "reject"}, "inspection_verdict_goes_with_quantities"),
        ({"price_reduction_percent": 101}, "inspection_price_reduction_is_a_percentage"),
        ({"concession_status": "asked"}, "inspection_concession_waits_for_its_answer"),
        ({"remedy": "return"}, "inspection_remedy_is_somebodys"),
    ],
)
def test_an_inspection_that_cannot_be_is_refused(story, refused, said, name):
    refused(lambda: inspection(story, **said), name)


def test_one_inspection_of_a_lot_is_current(story, refused):
    inspection(story)

    refused(lambda: inspection(story), "inspection_one_current_per_lot")


def test_a_result_is_written_once_and_never_changed(story, refused):
    said = {"inspection": inspection(story), "attribute": "DN", "measured": "50", "passed": True}
    row = InspectionResult.objects.create(**said)

    refused(lambda: InspectionResult.objects.create(**said), "inspection_result_once_per_attribute")
    refused(lambda: InspectionResult.objects.filter(pk=row.pk).update(measured="51"), "append-only")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"status": "signed"}, "receipt_signed_at_goes_with_status"),
        ({"signed_at": NOON}, "receipt_signed_at_goes_with_status"),
        ({"status": "withdrawn"}, "receipt_withdrawn_at_goes_with_status"),
    ],
)
def test_a_receipt_that_cannot_be_is_refused(story, refused, said, name):
    refused(lambda: receipt(story, **said), name)


def test_a_receipt_is_known_by_a_hash(story, refused):
    said = {"number": "RC-1", "issued_by": story.gatekeeper, "issued_at": NOON, "sha256": "short"}

    refused(
        lambda: Receipt.objects.create(order=story.order, shipment=story.shipment, **said),
        "receipt_is_known_by_its_hash",
    )


def test_one_receipt_waits_for_signatures_and_never_says_anything_else(story, refused):
    row = receipt(story)

    refused(lambda: receipt(story), "receipt_one_to_sign_per_shipment_and_order")
    refused(lambda: Receipt.objects.filter(pk=row.pk).update(content={"x": 1}), "never changed")
    refused(lambda: Receipt.objects.filter(pk=row.pk).update(sha256="1" * 64), "never changed")


def test_a_receipt_line_is_of_something_and_once_per_lot(story, refused):
    row = receipt(story)
    ReceiptLine.objects.create(receipt=row, lot=story.lot, accepted_quantity=1)

    refused(
        lambda: ReceiptLine.objects.create(receipt=row, lot=story.lot, accepted_quantity=1), "receipt_line_once_per_lot"
    )
    refused(
        lambda: ReceiptLine.objects.create(receipt=row, lot=story.lot, accepted_quantity=0),
        "receipt_line_is_of_something",
    )


def test_a_signature_is_somebodys_once_and_stays(story, refused):
    said = {"receipt": receipt(story), "side": "buyer", "name": "王", "at": NOON}
    refused(lambda: ReceiptSignature.objects.create(method="account", **said), "receipt_signature_is_somebodys")
    refused(lambda: ReceiptSignature.objects.create(method="code", **said), "receipt_signature_is_somebodys")

    row = ReceiptSignature.objects.create(method="account", signed_by=story.purchaser, **said)

    refused(
        lambda: ReceiptSignature.objects.create(method="code", contact="w***@x.example", **said),
        "receipt_signature_once_per_side",
    )
    refused(lambda: ReceiptSignature.objects.filter(pk=row.pk).update(name="李"), "append-only")
    refused(row.delete, "append-only")


def test_one_code_lives_and_is_guessed_five_times(story, refused):
    said = {"receipt": receipt(story), "side": "buyer", "name": "王", "contact": "w@example.com", "code_hash": HASH}
    said |= {"sent_by": story.purchaser, "created_at": NOON, "expires_at": NOON}
    row = SigningCode.objects.create(**said)

    refused(lambda: SigningCode.objects.create(**said), "signing_code_one_live_per_side")
    refused(lambda: SigningCode.objects.filter(pk=row.pk).update(attempts=6), "signing_code_is_guessed_five_times")


def test_a_short_message_that_was_sent_keeps_no_text(refused):
    said = {"to": "13905761234", "text": "123456", "requested_at": NOON, "due_at": NOON}

    refused(lambda: ShortMessage.objects.create(status="done", **said), "short_message_text_is_wiped")
