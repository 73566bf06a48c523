import uuid
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.models import Attachment, Inspection, Lot, Mail, Receipt, Shipment
from marketplace.services.attachments import store_attachment
from marketplace.services.shipments import dispatch_shipment, plan_shipment
from tests.factories_shipment import Story

D = Decimal
API = "/api/v1"
SPECIFICATION = {"attributes": {"DN": {"value": 50, "unit": "mm", "tolerance": 0.5}}}


@pytest.fixture
def story(db):
    cache.clear()
    return Story(specification=SPECIFICATION)


def api(user=None, **headers) -> APIClient:
    client = APIClient(headers={"Accept-Language": "en", **headers})
    if user is not None:
        client.force_authenticate(user)
    return client


def said(story, **changed) -> dict:
    lot = {"order_line": story.line.pk, "quantity": "100", "number": "L-1", "packages": 2}
    return {"seller": story.seller.pk, "park": story.park.pk, "lots": [lot], **changed}


def scan(token, kind, **more) -> dict:
    return {"key": str(uuid.uuid4()), "token": token, "kind": kind, "recorded_at": timezone.now().isoformat(), **more}


def on_its_way(story) -> Shipment:
    shipment = plan_shipment(
        seller=story.seller,
        lots=[{"order_line": story.line, "quantity": "100"}],
        park=story.park,
        by=story.salesman,
        now=timezone.now(),
    )
    return dispatch_shipment(shipment=shipment, by=story.salesman, now=timezone.now())


def arrived(story) -> Shipment:
    shipment = on_its_way(story)
    api(story.gatekeeper).post(f"{API}/scans/", {"scans": [scan(shipment.token, "arrived")]}, format="json")
    return shipment


def test_shipments_are_planned_once_per_key(story):
    client = api(story.salesman, **{"Idempotency-Key": "k-1"})

    first = client.post(f"{API}/shipments/", said(story), format="json")
    again = client.post(f"{API}/shipments/", said(story), format="json")
    other = client.post(f"{API}/shipments/", said(story, vehicle="浙J1"), format="json")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert again.json() == first.json()
    lot = first.json()["lots"][0]
    assert (lot["number"], lot["quantity"], len(lot["packages"])) == ("L-1", 100, 2)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"seller": 10**9}, "seller"),
        ({"park": 10**9}, "park"),
        ({"lots": []}, "lots"),
        ({"lots": [{"order_line": 10**9, "quantity": "1"}]}, "lots.0.order_line"),
        ({"vehicle": "x" * 21}, "vehicle"),
        ({"expected_at": "2020-01-01T00:00:00Z"}, "expected_at"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field(story, changed, field):
    answer = api(story.salesman).post(f"{API}/shipments/", said(story, **changed), format="json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not Shipment.objects.exists()


@pytest.mark.parametrize(
    ("lot", "field"),
    [
        ({"quantity": "500.001"}, "lots.0.quantity"),
        ({"quantity": "0"}, "lots.0.quantity"),
        ({"quantity": "many"}, "lots.0.quantity"),
        ({"unit": "t"}, "lots.0.unit"),
        ({"unit": "furlong"}, "lots.0.unit"),
        ({"packages": 1001}, "lots.0.packages"),
        ({"packages": ["60", "41"]}, "lots.0.packages"),
        ({"public": {"price": "5"}}, "lots.0.public.price"),
        ({"public": {"maker": "x" * 301}}, "lots.0.public.maker"),
    ],
)
def test_a_lot_that_cannot_be_is_refused_at_its_field(story, lot, field):
    lots = [{"order_line": story.line.pk, "quantity": "100", **lot}]

    answer = api(story.salesman).post(f"{API}/shipments/", said(story, lots=lots), format="json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_a_lot_may_be_said_in_another_unit(story):
    lots = [{"order_line": story.line.pk, "quantity": "10", "unit": "打"}]

    answer = api(story.salesman).post(f"{API}/shipments/", said(story, lots=lots), format="json")

    assert (answer.json()["lots"][0]["quantity"], answer.json()["lots"][0]["unit"]) == (120, "piece")


def test_what_is_planned_is_not_planned_twice(story):
    client = api(story.salesman)
    client.post(f"{API}/shipments/", said(story), format="json")
    lots = [{"order_line": story.line.pk, "quantity": "401"}]

    answer = client.post(f"{API}/shipments/", said(story, lots=lots), format="json")

    assert list(answer.json()["errors"]) == ["lots.0.quantity"]


def test_the_sender_changes_dispatches_and_cancels(story):
    client = api(story.salesman)
    first = client.post(f"{API}/shipments/", said(story), format="json").json()["id"]
    second = client.post(f"{API}/shipments/", said(story), format="json").json()["id"]

    changed = client.patch(f"{API}/shipments/{first}/", {"vehicle": "浙j9"}, format="json").json()
    sent = client.post(f"{API}/shipments/{first}/dispatch/").json()
    gone = client.post(f"{API}/shipments/{second}/cancel/").json()

    assert (changed["vehicle"], sent["status"], gone["status"]) == ("浙J9", "dispatched", "cancelled")
    assert client.post(f"{API}/shipments/{first}/dispatch/").status_code == 409
    assert client.patch(f"{API}/shipments/{first}/", {"vehicle": "x"}, format="json").status_code == 409


def test_a_stranger_finds_nothing(story):
    shipment = arrived(story)
    lot = shipment.lots.get()
    client = api(story.stranger)

    for path in (f"shipments/{shipment.pk}/", f"shipments/{shipment.pk}/events/", f"shipments/{shipment.pk}/note.pdf"):
        assert client.get(f"{API}/{path}").status_code == 404
    for path in (f"shipments/{shipment.pk}/dispatch/", f"shipments/{shipment.pk}/cancel/", f"lots/{lot.pk}/count/"):
        assert client.post(f"{API}/{path}", {"quantity": "1"}, format="json").status_code == 404
    assert client.get(f"{API}/scans/lookup/?token={shipment.token}").status_code == 404
    assert client.get(f"{API}/lots/{lot.pk}/stock-moves/").status_code == 404
    assert client.get(f"{API}/shipments/").json()["count"] == 0


def test_lists_ask_as_much_for_three_as_for_one(story, django_assert_num_queries):
    client = api(story.salesman)
    client.post(f"{API}/shipments/", said(story), format="json")
    with CaptureQueriesContext(connection) as asked:
        client.get(f"{API}/shipments/")
    one = len(asked)
    client.post(f"{API}/shipments/", said(story), format="json")
    client.post(f"{API}/shipments/", said(story), format="json")

    with django_assert_num_queries(one):
        assert client.get(f"{API}/shipments/").json()["count"] == 3


def test_scans_are_answered_one_by_one(story):
    shipment = on_its_way(story)
    lot = shipment.lots.get()
    queue = [
        scan(shipment.token, "arrived", device="gate-1"),
        scan(f"https://market.example/trace/{lot.token}/", "stored", facility=str(story.warehouse.pk)),
        scan("nonsense-nonsense", "arrived"),
        scan(shipment.token, "weighed", data={"gross_kg": "heavy"}),
    ]

    answer = api(story.gatekeeper).post(f"{API}/scans/", {"scans": queue}, format="json")

    outcomes = answer.json()["outcomes"]
    assert [one["result"] for one in outcomes] == ["done", "done", "refused", "refused"]
    assert [one["key"] for one in outcomes] == [one["key"] for one in queue]
    assert outcomes[1]["state"]["shipment_status"] == "stored"
    assert "number" not in outcomes[2]["state"]
    assert list(outcomes[3]["errors"]) == ["gross_kg"]


def test_scans_keep_their_photos(story):
    shipment = on_its_way(story)
    photo = store_attachment(
        upload=SimpleUploadedFile("note.txt", "铅封完好".encode()),
        by=story.gatekeeper,
        readers=[story.park.organisation],
        now=timezone.now(),
    )

    api(story.gatekeeper).post(
        f"{API}/scans/", {"scans": [scan(shipment.token, "arrived", attachments=[photo.pk])]}, format="json"
    )

    assert list(shipment.events.get(kind="arrived").attachments.all()) == [photo]
    assert Attachment.objects.readable_by(story.purchaser).filter(pk=photo.pk).exists()


def test_a_scan_that_cannot_be_read_is_named(story):
    answer = api(story.gatekeeper).post(
        f"{API}/scans/", {"scans": [scan("t", "arrived"), scan("t", "eaten")]}, format="json"
    )

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["scans.1.kind"])


def test_lookup_says_what_may_come_next(story):
    shipment = arrived(story)

    state = api(story.gatekeeper).get(f"{API}/scans/lookup/?token={shipment.lots.get().token}").json()

    assert (state["shipment_status"], state["lot"]) == ("arrived", shipment.lots.get().pk)
    assert state["next"] == ["weighed", "stored", "handed_over"]


def test_stock_is_counted_and_its_moves_are_listed(story):
    lot = arrived(story).lots.get()
    client = api(story.gatekeeper)
    client.post(
        f"{API}/scans/", {"scans": [scan(lot.token, "stored", facility=str(story.warehouse.pk))]}, format="json"
    )

    counted = client.post(f"{API}/lots/{lot.pk}/count/", {"quantity": "97", "reason": "破损"}, format="json")
    silent = client.post(f"{API}/lots/{lot.pk}/count/", {"quantity": "90"}, format="json")
    moves = client.get(f"{API}/lots/{lot.pk}/stock-moves/").json()["results"]

    assert (counted.json()["stored_quantity"], list(silent.json()["errors"])) == (97, ["reason"])
    assert [(one["kind"], one["quantity"]) for one in moves] == [("in", 100), ("count", -3)]
    assert [one["id"] for one in api(story.salesman).get(f"{API}/stock/").json()["results"]] == [lot.pk]
    assert api(story.purchaser).get(f"{API}/stock/").json()["count"] == 0
    assert api(story.purchaser).post(f"{API}/lots/{lot.pk}/count/", {"quantity": "1"}).status_code == 404


def test_a_lot_is_inspected_and_the_buyer_answers(story):
    lot = arrived(story).lots.get()
    inspected = {"lot": lot.pk, "accepted": "60", "concession": "30", "rejected": "10", "results": {"DN": "51"}}

    answer = api(story.gatekeeper).post(f"{API}/inspections/", inspected, format="json")
    inspection = answer.json()["id"]
    buyer = api(story.purchaser)
    agreed = buyer.post(f"{API}/inspections/{inspection}/concession/", {"is_agreed": True}, format="json")
    decided = buyer.post(f"{API}/inspections/{inspection}/rejected/", {"remedy": "return"}, format="json")

    assert (answer.status_code, answer.json()["results"][0]["passed"]) == (201, False)
    assert (agreed.json()["concession_status"], decided.json()["remedy"]) == ("agreed", "return")
    assert buyer.get(f"{API}/inspections/").json()["count"] == 1
    assert b"".join(buyer.get(f"{API}/inspections/{inspection}/report.pdf").streaming_content).startswith(b"%PDF")


@pytest.mark.parametrize("who", ["purchaser", "salesman", "stranger"])
def test_only_the_park_inspects(story, who):
    lot = arrived(story).lots.get()

    answer = api(getattr(story, who)).post(f"{API}/inspections/", {"lot": lot.pk, "accepted": "100"}, format="json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["lot"])
    assert not Inspection.objects.exists()


def test_a_receipt_is_written_signed_and_verified(story):
    shipment = arrived(story)
    lines = [{"lot": shipment.lots.get().pk, "accepted": "99.5", "short": "0.5"}]
    written = api(story.gatekeeper).post(
        f"{API}/receipts/", {"shipment": shipment.pk, "order": story.order.pk, "lines": lines}, format="json"
    )
    receipt = written.json()["id"]

    api(story.salesman).post(f"{API}/receipts/{receipt}/sign/")
    signed = api(story.purchaser).post(f"{API}/receipts/{receipt}/sign/")
    found = api().get(written.json()["verify_url"].replace("/receipts/verify/", f"{API}/receipts/verify/"))

    assert (written.status_code, signed.json()["status"]) == (201, "signed")
    assert len(signed.json()["signatures"]) == 2
    assert (found.json()["matches"], found.json()["is_intact"]) == (True, True)
    paper = api(story.purchaser).get(f"{API}/receipts/{receipt}/receipt.pdf?language=en")
    assert b"".join(paper.streaming_content).startswith(b"%PDF")


def test_a_receipt_is_signed_with_a_code(story):
    shipment = arrived(story)
    lines = [{"lot": shipment.lots.get().pk, "accepted": "100"}]
    api(story.gatekeeper).post(
        f"{API}/receipts/", {"shipment": shipment.pk, "order": story.order.pk, "lines": lines}, format="json"
    )
    receipt = Receipt.objects.get()

    sent = api(story.purchaser).post(
        f"{API}/receipts/{receipt.pk}/code/", {"side": "buyer", "name": "王", "contact": "w@example.com"}, format="json"
    )
    code = Mail.objects.get().body.split("验证码：")[1][:6]
    answer = api().post(
        f"{API}/receipts/sign-with-code/{receipt.token}/", {"side": "buyer", "code": code}, format="json"
    )
    again = api().post(
        f"{API}/receipts/sign-with-code/{receipt.token}/", {"side": "buyer", "code": code}, format="json"
    )

    assert (sent.status_code, sent.json()["contact"]) == (202, "w***@example.com")
    assert (answer.status_code, again.status_code, again.json()["code"]) == (200, 409, "code_not_valid")


def test_a_stranger_signs_nothing(story):
    shipment = arrived(story)
    lines = [{"lot": shipment.lots.get().pk, "accepted": "100"}]
    body = {"shipment": shipment.pk, "order": story.order.pk, "lines": lines}
    api(story.gatekeeper).post(f"{API}/receipts/", body, format="json")
    receipt = Receipt.objects.get().pk
    client = api(story.stranger)

    assert client.post(f"{API}/receipts/", body, format="json").status_code == 400
    for act in ("sign", "withdraw", "code"):
        assert client.post(f"{API}/receipts/{receipt}/{act}/").status_code == 404
    assert client.get(f"{API}/receipts/{receipt}/").status_code == 404


def test_a_trace_is_anybodys(story):
    lot = arrived(story).lots.get()

    trace = api().get(f"{API}/trace/{lot.token}/").json()

    assert [step["kind"] for step in trace["steps"]] == ["dispatched", "arrived"]
    assert api().get(f"{API}/trace/nonsense/").status_code == 404
    assert Lot.objects.count() == 1
