from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import DealRecord, Inspection, Lot, Notification, OrderLine, Shipment
from marketplace.parsing.draft_fields import ProblemError
from marketplace.parsing.specifications import compare
from marketplace.services.inspection_answers import answer_concession, decide_rejected
from marketplace.services.inspections import (
    InspectionAlreadyAnswered,
    NothingToInspect,
    inspect_lot,
)
from marketplace.services.organisations import OnlyMembersMay
from marketplace.services.shipments import ShipmentNotInStateForThis
from tests.factories import NOON
from tests.factories_shipment import HOUR, Story

D = Decimal
SPECIFICATION = {
    "attributes": {
        "DN": {"value": 50, "unit": "mm", "tolerance": 0.5},
        "PN": 16,
        "length": {"min": 170, "max": 180, "unit": "mm"},
        "material": {"value": "ss304"},
    },
    "text": "",
}


@pytest.fixture
def story(db):
    story = Story(specification=SPECIFICATION)
    story.scan(story.dispatch(), "arrived")
    return story


@pytest.fixture
def lot(story):
    return Lot.objects.get()


def inspected(story, lot, **said):
    said = said or {"accepted": "100"}
    return inspect_lot(lot=lot, by=story.gatekeeper, now=NOON + 2 * HOUR, **said)


@pytest.mark.parametrize(
    ("rule", "said", "passed"),
    [
        ({"value": 50, "unit": "mm", "tolerance": 0.5}, "50.5", True),
        ({"value": 50, "unit": "mm", "tolerance": 0.5}, "50.51", False),
        ({"value": 50, "unit": "mm", "tolerance": 0.5}, {"measured": "5", "unit": "cm"}, True),
        ({"value": 50, "tolerance": "1%"}, "49.5", True),
        ({"value": 50, "tolerance": "±1%"}, "49.4", False),
        ({"value": 16}, "16.0", True),
        ({"value": 16}, "15.9", False),
        ({"min": 170}, "170", True),
        ({"max": 170}, "170.1", False),
        ({"value": "ss304"}, "SUS304", True),
        ({"value": "ss304"}, "304", True),
        ({"value": "ss304"}, "316L", False),
        ({"value": ["ss304", "ss316l"]}, "316L", True),
        ({"value": True}, "是", True),
    ],
)
def test_a_measured_value_is_held_to_its_rule(rule, said, passed):
    assert compare("x", rule, said).passed == passed


@pytest.mark.parametrize("said", ["", "about 50", {"measured": "50", "unit": "kg"}, {"unit": "mm"}])
def test_a_value_that_is_none_is_refused(said):
    with pytest.raises(ProblemError):
        compare("DN", {"value": 50, "unit": "mm"}, said)


def test_a_lot_within_specification_passes(story, lot):
    inspection = inspected(
        story,
        lot,
        accepted="100",
        results={"DN": "50.2", "PN": "16", "length": "175", "material": "304不锈钢"},
        method="GB/T 13927",
        sample_size=5,
    )

    lot.refresh_from_db()
    assert (inspection.verdict, inspection.results.filter(passed=True).count()) == ("pass", 4)
    assert (lot.status, lot.accepted_quantity) == (Lot.Status.PASSED, D(100))
    assert lot.shipment.status == Shipment.Status.INSPECTED
    record = DealRecord.objects.get(kind="lot.inspected")
    assert record.payload["results"][0]["attribute"] == "DN"
    told = Notification.objects.filter(event="lot.inspected", channel="in_app").values_list("user", flat=True)
    assert set(told) == {story.purchaser.pk, story.salesman.pk}


def test_an_attribute_out_of_tolerance_cannot_pass(story, lot):
    with pytest.raises(InputRefused) as refused:
        inspected(story, lot, accepted="100", results={"DN": "51"})

    assert list(refused.value.errors) == ["verdict"]
    assert not Inspection.objects.exists()


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"accepted": "101"}, ["accepted"]),
        ({"accepted": "0"}, ["accepted"]),
        ({"accepted": "many", "rejected": "-1"}, ["accepted", "rejected"]),
        ({"accepted": "100", "verdict": "reject"}, ["verdict"]),
        ({"accepted": "100", "verdict": "splendid"}, ["verdict"]),
        ({"accepted": "100", "price_reduction_percent": "5"}, ["price_reduction_percent"]),
        ({"concession": "100", "price_reduction_percent": "101"}, ["price_reduction_percent"]),
        ({"concession": "100", "price_reduction_percent": "some"}, ["price_reduction_percent"]),
        ({"accepted": "100", "results": {"colour": "red"}}, ["results.colour"]),
        ({"accepted": "100", "results": {"DN": "wide"}}, ["results.DN"]),
        ({"accepted": "100", "note": "x" * 1001}, ["note"]),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(story, lot, said, fields):
    with pytest.raises(InputRefused) as refused:
        inspected(story, lot, **said)

    assert list(refused.value.errors) == fields


def test_only_the_park_inspects_what_lies_there(story, lot):
    with pytest.raises(OnlyMembersMay):
        inspect_lot(lot=lot, by=story.purchaser, now=NOON, accepted="100")


def test_without_a_park_the_buyer_inspects(db):
    story = Story(with_park=False)
    lot = story.dispatch().lots.get()

    inspection = inspect_lot(lot=lot, by=story.purchaser, now=NOON, accepted="100")

    assert inspection.organisation == story.buyer


def test_goods_on_the_road_are_not_inspected(db):
    story = Story()
    lot = story.dispatch().lots.get()

    with pytest.raises(ShipmentNotInStateForThis):
        inspected(story, lot)


def test_the_buyer_agrees_to_a_concession_and_pays_less(story, lot):
    inspection = inspected(
        story, lot, accepted="60", concession="40", price_reduction_percent="10", results={"DN": "51"}
    )

    answer_concession(inspection=inspection, is_agreed=True, by=story.purchaser, now=NOON + 3 * HOUR)

    lot.refresh_from_db()
    story.order.refresh_from_db()
    assert (lot.accepted_quantity, lot.status) == (D(100), Lot.Status.CONCESSION)
    # A tenth of 40 at 100 yuan.
    assert story.order.reductions.get().amount == D("400.00")
    assert story.order.payable_amount == D("49600.00")


def test_a_refused_concession_is_rejected(story, lot):
    inspection = inspected(story, lot, concession="100", price_reduction_percent="10")

    inspection = answer_concession(inspection=inspection, is_agreed=False, by=story.purchaser, now=NOON)

    lot.refresh_from_db()
    assert (lot.rejected_quantity, lot.status) == (D(100), Lot.Status.REJECTED)
    assert inspection.waits_for_remedy
    assert not story.order.reductions.exists()


def test_a_concession_is_answered_once_and_by_the_buyer(story, lot):
    inspection = inspected(story, lot, concession="100")

    with pytest.raises(OnlyMembersMay):
        answer_concession(inspection=inspection, is_agreed=True, by=story.salesman, now=NOON)
    answer_concession(inspection=inspection, is_agreed=True, by=story.purchaser, now=NOON)
    with pytest.raises(InspectionAlreadyAnswered):
        answer_concession(inspection=inspection, is_agreed=False, by=story.purchaser, now=NOON)


@pytest.mark.parametrize(("remedy", "place"), [("return", "returned"), ("replace", "outstanding")])
def test_the_buyer_sends_rejected_goods_back(story, lot, remedy, place):
    before = getattr(OrderLine.objects.get(), place)
    inspection = inspected(story, lot, accepted="90", rejected="10")

    decide_rejected(inspection=inspection, remedy=remedy, by=story.purchaser, now=NOON + 3 * HOUR)

    line = OrderLine.objects.get()
    lot.refresh_from_db()
    assert (line.in_delivery, getattr(line, place) - before) == (D(90), D(10))
    assert (lot.sent_back_quantity, lot.open_quantity, lot.undecided_quantity) == (D(10), D(90), D(0))
    assert lot.events.get(kind="returned").data["is_replaced"] == (remedy == "replace")


def test_rejected_stock_leaves_the_warehouse_when_it_goes_back(story, lot):
    story.scan(lot, "stored", facility=story.warehouse.pk)
    inspection = inspected(story, lot, accepted="90", rejected="10")

    decide_rejected(inspection=inspection, remedy="return", by=story.purchaser, now=NOON + 3 * HOUR)

    lot.refresh_from_db()
    assert lot.stored_quantity == D(90)


def test_a_lot_rejected_whole_is_returned_and_no_longer_inspected(story, lot):
    inspection = inspected(story, lot, rejected="100")
    decide_rejected(inspection=inspection, remedy="replace", by=story.purchaser, now=NOON)

    with pytest.raises(NothingToInspect):
        inspected(story, lot)
    lot.refresh_from_db()
    lot.shipment.refresh_from_db()
    assert (lot.status, lot.shipment.status) == (Lot.Status.RETURNED, Shipment.Status.RECEIVED)


def test_rejected_goods_are_decided_on_once_and_by_the_buyer(story, lot):
    inspection = inspected(story, lot, accepted="90", rejected="10")

    with pytest.raises(OnlyMembersMay):
        decide_rejected(inspection=inspection, remedy="return", by=story.gatekeeper, now=NOON)
    with pytest.raises(InputRefused):
        decide_rejected(inspection=inspection, remedy="burn", by=story.purchaser, now=NOON)
    decide_rejected(inspection=inspection, remedy="return", by=story.purchaser, now=NOON)
    with pytest.raises(InspectionAlreadyAnswered):
        decide_rejected(inspection=inspection, remedy="return", by=story.purchaser, now=NOON)


def test_a_later_inspection_takes_the_place_of_the_first(story, lot):
    first = inspected(story, lot, accepted="50", rejected="50")

    second = inspected(story, lot, accepted="95", rejected="5")

    first.refresh_from_db()
    lot.refresh_from_db()
    assert (first.superseded_at, list(Inspection.objects.current())) == (NOON + 2 * HOUR, [second])
    assert (lot.accepted_quantity, lot.rejected_quantity) == (D(95), D(5))
    with pytest.raises(InspectionAlreadyAnswered):
        decide_rejected(inspection=first, remedy="return", by=story.purchaser, now=NOON)


def test_what_was_agreed_is_not_inspected_away(story, lot):
    inspection = inspected(story, lot, concession="100")
    answer_concession(inspection=inspection, is_agreed=True, by=story.purchaser, now=NOON)

    with pytest.raises(InspectionAlreadyAnswered):
        inspected(story, lot)
