import datetime as dt
import uuid
from decimal import Decimal

import pytest

from marketplace.models import DealRecord, Fee, FulfilmentEvent, Lot, Notification, ScanConflict, Shipment, StockMove
from marketplace.services.scans import record_scan, record_scans, token_of
from marketplace.services.shipments import edit_shipment
from tests.factories import NOON
from tests.factories_shipment import HOUR, Story
from tests.races import race

D = Decimal
MINUTE = dt.timedelta(minutes=1)
Status = Shipment.Status


@pytest.fixture
def story(db):
    return Story()


@pytest.fixture
def here(story):
    """Return a shipment of one lot that arrived an hour after it left."""
    shipment = story.dispatch()
    story.scan(shipment, "arrived")
    return Shipment.objects.get(pk=shipment.pk)


def test_token_is_read_out_of_the_address_of_a_trace_page():
    assert token_of("https://market.example.com/trace/abcDEF-123_456/") == "abcDEF-123_456"
    assert token_of(" abcDEF-123_456 ") == "abcDEF-123_456"


def test_arrival_is_recorded_with_event_record_and_news(story):
    shipment = story.dispatch()

    outcome = story.scan(shipment, "arrived", device="gate-1", note="左侧车门有划痕")

    shipment.refresh_from_db()
    assert (outcome.result, shipment.status, shipment.arrived_at) == ("done", Status.ARRIVED, NOON + HOUR)
    assert outcome.state["shipment_status"] == "arrived"
    event = shipment.events.get(kind="arrived")
    assert (event.by, event.organisation, event.device) == (story.gatekeeper, story.park.organisation, "gate-1")
    assert shipment.lots.get().status == Lot.Status.ARRIVED
    assert DealRecord.objects.filter(order=story.order, kind="shipment.arrived").count() == 1
    told = Notification.objects.filter(event="shipment.arrived", channel="in_app").values_list("user", flat=True)
    assert set(told) == {story.purchaser.pk, story.salesman.pk}


def test_the_same_scan_sent_twice_is_recorded_once(story):
    shipment, key = story.dispatch(), uuid.uuid4()

    first = story.scan(shipment, "arrived", key=key)
    again = story.scan(shipment, "arrived", key=key)

    assert (first.result, again.result) == ("done", "duplicate")
    assert again.event == first.event
    assert again.state == first.state
    assert shipment.events.filter(kind="arrived").count() == 1


def test_an_arrival_scanned_by_two_devices_is_recorded_once(story):
    shipment = story.dispatch()

    first = story.scan(shipment, "arrived", device="gate-1")
    other = story.scan(shipment, "arrived", device="gate-2", at=NOON + HOUR - 5 * MINUTE)

    assert (first.result, other.result) == ("done", "duplicate")
    assert shipment.events.filter(kind="arrived").count() == 1


def test_a_lot_or_a_package_stands_for_its_shipment_at_the_gate(story):
    shipment = story.plan("100")
    shipment.lots.get().packages.create(number=1, quantity=100)
    story.scan(shipment, "dispatched", by=story.salesman)
    outcome = story.scan(shipment.lots.get().packages.get(), "arrived")

    assert outcome.result == "done"
    assert outcome.state["package"] == 1


def test_a_key_used_for_another_scan_is_refused(story, here):
    key = here.events.get(kind="arrived").key

    outcome = story.scan(here, "weighed", key=key, data={"gross_kg": "100"})

    assert outcome.result == "refused"


@pytest.mark.parametrize("who", ["stranger", "purchaser", "salesman"])
def test_only_staff_of_the_park_records_an_arrival(story, who):
    shipment = story.dispatch()

    outcome = story.scan(shipment, "arrived", by=getattr(story, who))

    assert (outcome.result, outcome.event) == ("refused", None)
    assert (outcome.state == {}) == (who == "stranger")


def test_a_stranger_learns_no_more_than_of_a_code_that_does_not_exist(story):
    shipment = story.dispatch()

    there = story.scan(shipment, "arrived", by=story.stranger)
    nowhere = story.scan("no-such-code-anywhere", "arrived", by=story.stranger)

    assert (there.message, there.state) == (nowhere.message, nowhere.state)


def test_a_planned_shipment_at_the_gate_is_for_a_person_to_decide(story):
    shipment, key = story.plan(), uuid.uuid4()

    conflict = story.scan(shipment, "arrived", key=key)
    decided = story.scan(shipment, "arrived", key=key, choice="apply")

    assert (conflict.result, conflict.choices) == ("conflict", ["apply", "drop"])
    assert decided.result == "done"
    shipment.refresh_from_db()
    story.line.refresh_from_db()
    assert (shipment.status, story.line.in_delivery) == (Status.ARRIVED, D(100))
    assert ScanConflict.objects.get().outcome == ScanConflict.Outcome.APPLIED


def test_a_weight_before_the_arrival_waits_for_a_decision(story):
    shipment, key = story.dispatch(), uuid.uuid4()

    conflict = story.scan(shipment, "weighed", key=key, data={"gross_kg": "12000"})
    again = story.scan(shipment, "weighed", key=key, data={"gross_kg": "12000"})
    decided = story.scan(shipment, "weighed", key=key, data={"gross_kg": "12000"}, choice="apply")

    assert [conflict.result, again.result, decided.result] == ["conflict", "conflict", "done"]
    assert list(shipment.events.order_by("pk").values_list("kind", flat=True)) == [
        "planned",
        "dispatched",
        "arrived",
        "weighed",
    ]
    assert ScanConflict.objects.count() == 1


def test_a_dropped_conflict_leaves_nothing_behind(story):
    shipment, key = story.dispatch(), uuid.uuid4()
    story.scan(shipment, "weighed", key=key, data={"gross_kg": "12000"})

    dropped = story.scan(shipment, "weighed", key=key, choice="drop")

    shipment.refresh_from_db()
    assert (dropped.result, dropped.event, shipment.status) == ("duplicate", None, Status.DISPATCHED)
    assert ScanConflict.objects.get().outcome == ScanConflict.Outcome.DROPPED


def test_gross_and_tare_give_the_net_weight(story, here):
    story.scan(here, "weighed", data={"which": "gross", "kg": "12000"})
    story.scan(here, "weighed", data={"tare_kg": "4000.5"})

    here.refresh_from_db()
    assert (here.status, here.net_weight_kg) == (Status.WEIGHED, D("7999.5"))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "gross_kg"),
        ({"gross_kg": "heavy"}, "gross_kg"),
        ({"gross_kg": "-1"}, "gross_kg"),
        ({"gross_kg": "1.25"}, "gross_kg"),
        ({"gross_kg": "NaN"}, "gross_kg"),
        ({"gross_kg": "2000000"}, "gross_kg"),
        ({"which": "net", "kg": "5"}, "which"),
        ({"gross_kg": "4000", "tare_kg": "4001"}, "tare_kg"),
    ],
)
def test_a_weight_that_cannot_be_is_refused_at_its_field(story, here, data, field):
    outcome = story.scan(here, "weighed", data=data)

    here.refresh_from_db()
    assert (outcome.result, list(outcome.errors)) == ("refused", [field])
    assert (here.status, here.gross_weight_kg) == (Status.ARRIVED, None)


def test_the_same_weight_from_two_devices_is_recorded_once(story, here):
    story.scan(here, "weighed", data={"gross_kg": "12000"}, device="one")

    other = story.scan(here, "weighed", data={"gross_kg": "12000.0"}, device="other")

    assert other.result == "duplicate"


def test_an_earlier_weight_that_comes_in_late_is_for_a_person_to_decide(story, here):
    story.scan(here, "weighed", data={"gross_kg": "12000"}, at=NOON + 3 * HOUR)

    late = story.scan(here, "weighed", data={"gross_kg": "12500"}, at=NOON + 2 * HOUR)
    later = story.scan(here, "weighed", data={"gross_kg": "11900"}, at=NOON + 4 * HOUR)

    here.refresh_from_db()
    assert (late.result, later.result, here.gross_weight_kg) == ("conflict", "done", D("11900.0"))


@pytest.mark.parametrize(
    ("specification", "net", "is_off"),
    [({}, "40200", False), ({}, "40201", True), ({"weight_tolerance_percent": 1}, "40400", False)],
)
def test_a_weight_beyond_the_tolerance_is_an_exception(db, specification, net, is_off):
    story = Story(quantity="40", unit="t", specification=specification)
    shipment = story.dispatch("40")
    story.scan(shipment, "arrived")

    story.scan(shipment, "weighed", data={"gross_kg": str(10000 + int(net)), "tare_kg": "10000"})

    shipment.refresh_from_db()
    assert shipment.is_weight_off == is_off
    assert shipment.events.get(kind="weighed").data["declared_kg"] == "40000.0"
    assert Notification.objects.filter(event="shipment.deviated").exists() == is_off


def test_a_lot_is_stored_counted_and_released(story, here):
    lot = here.lots.get()

    stored = story.scan(lot, "stored", facility=story.warehouse.pk, data={"quantity": "100"})
    counted = story.scan(lot, "counted", data={"quantity": "98", "reason": "两只破损"}, at=NOON + 2 * HOUR)
    released = story.scan(lot, "released", data={"quantity": "50"}, at=NOON + 3 * HOUR)

    lot.refresh_from_db()
    here.refresh_from_db()
    assert [one.result for one in (stored, counted, released)] == ["done", "done", "done"]
    assert (lot.status, lot.stored_quantity, lot.location) == (Lot.Status.STORED, D(48), story.warehouse)
    assert here.status == Status.STORED
    moves = lot.stock_moves.order_by("pk").values_list("kind", "quantity", "balance")
    assert list(moves) == [("in", D(100), D(100)), ("count", D(-2), D(98)), ("out", D(-50), D(48))]


def test_what_is_released_whole_is_handed_over(story, here):
    lot = here.lots.get()
    story.scan(lot, "stored", facility=story.warehouse.code)

    story.scan(lot, "released")

    here.refresh_from_db()
    lot.refresh_from_db()
    assert (here.status, lot.status, lot.stored_quantity) == (Status.HANDED_OVER, Lot.Status.RELEASED, D(0))


def test_storing_a_shipment_stores_all_its_lots(story):
    shipment = story.dispatch("100", "50")
    story.scan(shipment, "arrived")

    outcome = story.scan(shipment, "stored", facility=story.warehouse.pk)

    assert outcome.result == "done"
    assert list(shipment.lots.order_by("pk").values_list("stored_quantity", flat=True)) == [D(100), D(50)]
    assert story.scan(shipment, "stored", facility=story.warehouse.pk).result == "duplicate"


def test_the_same_storing_by_two_devices_is_recorded_once(story, here):
    lot = here.lots.get()

    first = story.scan(lot, "stored", facility=story.warehouse.pk, data={"quantity": "40"}, device="one")
    other = story.scan(lot, "stored", facility=story.warehouse.pk, data={"quantity": "40"}, device="other")
    more = story.scan(lot, "stored", facility=story.warehouse.pk, data={"quantity": "40"}, device="one")

    lot.refresh_from_db()
    assert [first.result, other.result, more.result] == ["done", "duplicate", "done"]
    assert lot.stored_quantity == D(80)


def test_a_package_is_stored_once(story):
    shipment = story.plan("100")
    line = story.line
    edit_shipment(
        shipment=shipment,
        by=story.salesman,
        now=NOON,
        lots=[{"order_line": line, "quantity": "100", "packages": 4}],
    )
    story.scan(shipment, "dispatched", by=story.salesman)
    story.scan(shipment, "arrived")
    package = shipment.lots.get().packages.first()

    first = story.scan(package, "stored", facility=story.warehouse.pk)
    again = story.scan(package, "stored", facility=story.warehouse.pk)

    assert (first.result, again.result) == ("done", "duplicate")
    assert shipment.lots.get().stored_quantity == D(25)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"data": {"quantity": "101"}}, "quantity"),
        ({"data": {"quantity": "0"}}, "quantity"),
        ({"data": {"quantity": "1.0001"}}, "quantity"),
        ({"facility": "NOWHERE"}, "facility"),
        ({"facility": None}, "facility"),
        ({"facility": "1" * 17}, "facility"),
    ],
)
def test_a_storing_that_cannot_be_is_refused_at_its_field(story, here, said, field):
    outcome = story.scan(here.lots.get(), "stored", **{"facility": story.warehouse.pk, **said})

    assert (outcome.result, list(outcome.errors)) == ("refused", [field])
    assert not StockMove.objects.exists()


def test_a_full_warehouse_takes_no_more(story, here):
    story.warehouse.capacity = 99
    story.warehouse.save()

    outcome = story.scan(here.lots.get(), "stored", facility=story.warehouse.pk)

    assert outcome.result == "refused"
    assert not FulfilmentEvent.objects.filter(kind="stored").exists()


def test_storing_charges_the_handling(story, here):
    story.warehouse.prices.create(
        kind="handling", per="piece", price=2, valid_from=NOON.date(), created_by=story.gatekeeper, created_at=NOON
    )

    story.scan(here.lots.get(), "stored", facility=story.warehouse.pk)

    assert Fee.objects.get().amount == D("200.00")


def test_a_count_that_differs_says_why(story, here):
    lot = here.lots.get()
    story.scan(lot, "stored", facility=story.warehouse.pk)

    silent = story.scan(lot, "counted", data={"quantity": "90"}, at=NOON + 2 * HOUR)
    more = story.scan(lot, "counted", data={"quantity": "101", "reason": "?"}, at=NOON + 2 * HOUR)

    assert (list(silent.errors), list(more.errors)) == (["reason"], ["quantity"])


def test_a_count_that_comes_in_late_leaves_what_moved_since(story, here):
    lot = here.lots.get()
    story.scan(lot, "stored", facility=story.warehouse.pk)
    story.scan(lot, "released", data={"quantity": "30"}, at=NOON + 5 * HOUR)

    story.scan(lot, "counted", data={"quantity": "99", "reason": "少一只"}, at=NOON + 3 * HOUR, now=NOON + 6 * HOUR)

    lot.refresh_from_db()
    assert lot.stored_quantity == D(69)


def test_nothing_is_released_that_is_not_in_stock(story, here):
    lot = here.lots.get()

    nothing = story.scan(lot, "released")
    story.scan(lot, "stored", facility=story.warehouse.pk, data={"quantity": "10"})
    too_much = story.scan(lot, "released", data={"quantity": "11"}, at=NOON + 2 * HOUR)

    assert (nothing.result, list(too_much.errors)) == ("conflict", ["quantity"])


def test_handing_over_takes_everything_out_of_stock(story):
    shipment = story.dispatch("100", "50")
    story.scan(shipment, "arrived")
    first, second = shipment.lots.order_by("pk")
    story.scan(first, "stored", facility=story.warehouse.pk)

    one = story.scan(second, "handed_over", at=NOON + 2 * HOUR)
    rest = story.scan(shipment, "handed_over", at=NOON + 3 * HOUR)
    again = story.scan(shipment, "handed_over", at=NOON + 4 * HOUR)

    shipment.refresh_from_db()
    first.refresh_from_db()
    assert [one.result, rest.result, again.result] == ["done", "done", "duplicate"]
    assert (shipment.status, first.stored_quantity) == (Status.HANDED_OVER, D(0))


def test_without_a_park_the_buyer_receives_what_the_seller_dispatched(db):
    story = Story(with_park=False)
    shipment = story.plan()

    sent = story.scan(shipment, "dispatched", by=story.salesman)
    came = story.scan(shipment, "received", by=story.purchaser, at=NOON + 2 * HOUR)
    again = story.scan(shipment, "received", by=story.purchaser, at=NOON + 3 * HOUR)

    shipment.refresh_from_db()
    assert [sent.result, came.result, again.result] == ["done", "done", "duplicate"]
    assert shipment.status == Status.HANDED_OVER


def test_a_note_needs_words(story, here):
    empty = story.scan(here, "noted")
    said = story.scan(here, "noted", note="车厢进水")

    assert (list(empty.errors), said.result) == (["note"], "done")


@pytest.mark.parametrize(("at", "now"), [(NOON + 2 * HOUR, NOON + HOUR), (NOON - dt.timedelta(days=32), NOON)])
def test_a_moment_that_cannot_be_is_refused(story, at, now):
    shipment = story.dispatch()

    outcome = story.scan(shipment, "arrived", at=at, now=now)

    assert (outcome.result, list(outcome.errors)) == ("refused", ["recorded_at"])


def test_a_queue_is_merged_in_the_order_in_which_it_was_recorded(story):
    shipment = story.dispatch()
    keys = [uuid.uuid4() for _ in range(3)]
    queue = [
        {
            "key": keys[0],
            "token": shipment.token,
            "kind": "weighed",
            "recorded_at": NOON + 2 * HOUR,
            "data": {"gross_kg": 9000},
        },
        {"key": keys[1], "token": shipment.token, "kind": "arrived", "recorded_at": NOON + HOUR},
        {"key": keys[2], "token": "nonsense", "kind": "arrived", "recorded_at": NOON},
    ]

    outcomes = record_scans(scans=queue, by=story.gatekeeper, now=NOON + 5 * HOUR)
    again = record_scans(scans=queue, by=story.gatekeeper, now=NOON + 5 * HOUR)

    assert [one.key for one in outcomes] == keys
    assert [one.result for one in outcomes] == ["done", "done", "refused"]
    assert [one.result for one in again] == ["duplicate", "duplicate", "refused"]
    assert shipment.events.get(kind="arrived").received_at == NOON + 5 * HOUR


@pytest.mark.django_db(transaction=True)
def test_an_arrival_scanned_at_once_by_many_is_recorded_once():
    story = Story()
    shipment = story.dispatch()

    def scan():
        return record_scan(
            token=shipment.token, kind="arrived", key=uuid.uuid4(), by=story.gatekeeper, recorded_at=NOON, now=NOON
        ).result

    results = race(*[scan] * 8)

    assert sorted(results) == ["done"] + ["duplicate"] * 7
    assert shipment.events.filter(kind="arrived").count() == 1
