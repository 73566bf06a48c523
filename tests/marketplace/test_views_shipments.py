import uuid
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Inspection, Lot, Mail, Receipt, Shipment
from marketplace.papers import qr_png
from marketplace.services.inspections import inspect_lot
from marketplace.services.receipts import issue_receipt, sign_receipt
from marketplace.services.scans import record_scan
from marketplace.services.shipments import dispatch_shipment, plan_shipment
from tests.factories_shipment import Story

D = Decimal
SPECIFICATION = {"attributes": {"DN": {"value": 50, "unit": "mm", "tolerance": 0.5}}, "text": "GB/T 12237"}


@pytest.fixture
def story(db):
    return Story(specification=SPECIFICATION)


@pytest.fixture(autouse=True)
def _english(client):
    client.cookies["django_language"] = "en"


def planned(story, quantity="100", **said):
    return plan_shipment(
        seller=story.seller,
        lots=[{"order_line": story.line, "quantity": quantity, **said}],
        park=story.park,
        by=story.salesman,
        now=timezone.now(),
    )


def arrived(story, **said):
    shipment = planned(story, **said)
    dispatch_shipment(shipment=shipment, by=story.salesman, now=timezone.now())
    record_scan(
        token=shipment.token,
        kind="arrived",
        key=uuid.uuid4(),
        by=story.gatekeeper,
        recorded_at=timezone.now(),
        now=timezone.now(),
    )
    return Shipment.objects.get(pk=shipment.pk)


def receipt_of(story, shipment) -> Receipt:
    lot = shipment.lots.get()
    return issue_receipt(
        shipment=shipment,
        order=story.order,
        lines=[{"lot": lot, "accepted": lot.open_quantity}],
        by=story.gatekeeper,
        now=timezone.now(),
    )


def test_shipment_create_is_filled_with_what_is_left(client, story):
    client.force_login(story.salesman)

    page = client.get(reverse("marketplace:shipment_create", args=[story.order.pk]))

    assert page.status_code == 200
    assert 'name="lots_0_quantity" value="500"' in page.content.decode()


def test_shipment_create_plans_and_leads_to_it(client, story):
    client.force_login(story.salesman)
    said = {
        "lots_0_quantity": "120",
        "lots_0_number": "A-1",
        "lots_0_packages": "3",
        "lots_0_public_maker": "玉环阀门",
        "park": story.park.pk,
        "vehicle": "浙J12345",
        "form_key": "k1",
    }

    answers = [client.post(reverse("marketplace:shipment_create", args=[story.order.pk]), said) for _ in range(2)]

    shipment = Shipment.objects.get()
    lot = shipment.lots.get()
    assert [answer.url for answer in answers] == [reverse("marketplace:shipment_detail", args=[shipment.pk])] * 2
    assert (lot.number, lot.quantity, lot.packages.count(), lot.public) == ("A-1", D(120), 3, {"maker": "玉环阀门"})
    assert (shipment.vehicle, shipment.park) == ("浙J12345", story.park)


def test_shipment_create_shows_what_is_wrong_at_its_field(client, story):
    client.force_login(story.salesman)

    page = client.post(
        reverse("marketplace:shipment_create", args=[story.order.pk]),
        {"lots_0_quantity": "501", "expected_at": "2020-01-01T08:00"},
    )

    assert page.status_code == 422
    assert {"lots_0_quantity"} <= set(page.context["form"].errors)
    assert not Shipment.objects.exists()


@pytest.mark.parametrize("who", ["purchaser", "gatekeeper", "stranger"])
def test_shipment_create_is_the_sellers(client, story, who):
    client.force_login(getattr(story, who))

    assert client.get(reverse("marketplace:shipment_create", args=[story.order.pk])).status_code == 404


def test_shipment_edit_changes_what_is_planned(client, story):
    shipment = planned(story)
    client.force_login(story.salesman)
    url = reverse("marketplace:shipment_edit", args=[shipment.pk])
    said = {"lots_0_quantity": "80", "lots_0_number": shipment.lots.get().number, "park": story.park.pk}

    assert client.get(url).status_code == 200
    assert client.post(url, said).status_code == 302
    assert shipment.lots.get().quantity == D(80)


def test_shipment_edit_is_over_once_it_left(client, story):
    shipment = arrived(story)
    client.force_login(story.salesman)

    assert client.get(reverse("marketplace:shipment_edit", args=[shipment.pk])).status_code == 404


def test_shipment_dispatch_and_cancel(client, story):
    first, second = planned(story), planned(story)
    client.force_login(story.salesman)

    client.post(reverse("marketplace:shipment_dispatch", args=[first.pk]))
    client.post(reverse("marketplace:shipment_cancel", args=[second.pk]))
    again = client.post(reverse("marketplace:shipment_cancel", args=[first.pk]))

    assert list(Shipment.objects.order_by("pk").values_list("status", flat=True)) == ["dispatched", "cancelled"]
    assert again.status_code == 409


@pytest.mark.parametrize("who", ["salesman", "purchaser", "gatekeeper"])
def test_shipment_detail_is_shown_to_its_parties(client, story, who):
    shipment = arrived(story)
    client.force_login(getattr(story, who))

    page = client.get(reverse("marketplace:shipment_detail", args=[shipment.pk]))

    assert page.status_code == 200
    assert shipment.number in page.content.decode()


PAGES = ["shipment_detail", "lot_labels", "shipment_note", "gate_pass"]


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_finds_no_shipment(client, story, name):
    shipment = planned(story)
    client.force_login(story.stranger)

    assert client.get(reverse(f"marketplace:{name}", args=[shipment.pk])).status_code == 404


@pytest.mark.parametrize("name", ["shipment_dispatch", "shipment_cancel"])
def test_only_the_seller_moves_a_shipment(client, story, name):
    shipment = planned(story)
    client.force_login(story.purchaser)

    assert client.post(reverse(f"marketplace:{name}", args=[shipment.pk])).status_code == 404


@pytest.mark.parametrize("name", ["shipment_note", "gate_pass"])
def test_papers_are_pdfs(client, story, name):
    shipment = planned(story)
    client.force_login(story.salesman)

    answer = client.get(reverse(f"marketplace:{name}", args=[shipment.pk]))

    assert b"".join(answer.streaming_content).startswith(b"%PDF")


def test_lot_labels_have_a_code_for_each_thing(client, story):
    shipment = planned(story, packages=3)
    client.force_login(story.salesman)

    page = client.get(reverse("marketplace:lot_labels", args=[shipment.pk]))

    kinds = [label.kind for label in page.context["labels"]]
    assert kinds == ["shipment", "lot", "package", "package", "package"]
    assert page.content.decode().count("<svg xmlns") == 5


def test_shipment_list_asks_as_much_for_three_as_for_one(client, story, count_queries):
    planned(story)
    client.force_login(story.salesman)
    url = reverse("marketplace:shipment_list")
    count_queries(url)
    one = count_queries(url)
    planned(story)
    planned(story)

    assert count_queries(url) == one


def test_shipment_detail_asks_as_much_for_three_lots_as_for_one(client, story, count_queries):
    def with_lots(count):
        return plan_shipment(
            seller=story.seller,
            lots=[{"order_line": story.line, "quantity": "10"}] * count,
            park=story.park,
            by=story.salesman,
            now=timezone.now(),
        )

    client.force_login(story.salesman)
    first, second = with_lots(1), with_lots(3)
    count_queries(reverse("marketplace:shipment_detail", args=[first.pk]))

    one = count_queries(reverse("marketplace:shipment_detail", args=[first.pk]))
    assert count_queries(reverse("marketplace:shipment_detail", args=[second.pk])) == one


def test_inspection_create_records_and_the_buyer_decides(client, story):
    lot = arrived(story).lots.get()
    client.force_login(story.gatekeeper)
    url = reverse("marketplace:inspection_create", args=[lot.pk])

    assert client.get(url).status_code == 200
    wrong = client.post(url, {"accepted": "100", "results_0": "wide"})
    failed = client.post(url, {"accepted": "100", "results_0": "51"})
    done = client.post(url, {"accepted": "60", "concession": "30", "rejected": "10", "results_0": "51"})

    inspection = Inspection.objects.get()
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["results_0"])
    assert list(failed.context["form"].errors) == ["accepted"]
    assert done.url == reverse("marketplace:inspection_detail", args=[inspection.pk])
    client.force_login(story.purchaser)
    assert client.get(done.url).status_code == 200
    client.post(reverse("marketplace:concession_answer", args=[inspection.pk]), {"answer": "agree"})
    client.post(reverse("marketplace:rejected_decide", args=[inspection.pk]), {"remedy": "replace"})
    inspection.refresh_from_db()
    assert (inspection.concession_status, inspection.remedy) == ("agreed", "replace")
    paper = client.get(reverse("marketplace:inspection_paper", args=[inspection.pk]))
    assert b"".join(paper.streaming_content).startswith(b"%PDF")


def test_strangers_neither_inspect_nor_read_nor_answer(client, story):
    lot = arrived(story).lots.get()
    inspection = inspect_lot(lot=lot, by=story.gatekeeper, now=timezone.now(), concession="100")
    client.force_login(story.stranger)

    assert client.get(reverse("marketplace:inspection_create", args=[lot.pk])).status_code == 404
    assert client.get(reverse("marketplace:inspection_detail", args=[inspection.pk])).status_code == 404
    assert client.get(reverse("marketplace:inspection_paper", args=[inspection.pk])).status_code == 404
    client.force_login(story.salesman)
    assert client.post(reverse("marketplace:concession_answer", args=[inspection.pk])).status_code == 404
    assert client.post(reverse("marketplace:rejected_decide", args=[inspection.pk])).status_code == 404


def test_receipt_create_then_both_sign(client, story):
    shipment = arrived(story)
    url = reverse("marketplace:receipt_create", args=[shipment.pk, story.order.pk])
    client.force_login(story.gatekeeper)

    assert 'name="lines_0_accepted" value="100"' in client.get(url).content.decode()
    wrong = client.post(url, {"lines_0_accepted": "101"})
    done = client.post(url, {"lines_0_accepted": "98", "lines_0_short": "2", "receiver_name": "王师傅"})

    receipt = Receipt.objects.get()
    assert list(wrong.context["form"].errors) == ["lines_0_accepted"]
    assert done.url == reverse("marketplace:receipt_detail", args=[receipt.pk])
    for person in (story.salesman, story.purchaser):
        client.force_login(person)
        assert client.get(done.url).status_code == 200
        client.post(reverse("marketplace:receipt_sign", args=[receipt.pk]))
    receipt.refresh_from_db()
    assert receipt.status == "signed"


def test_a_stranger_finds_no_receipt(client, story):
    shipment = arrived(story)
    receipt = receipt_of(story, shipment)
    client.force_login(story.stranger)

    for name in ("receipt_detail", "receipt_paper"):
        assert client.get(reverse(f"marketplace:{name}", args=[receipt.pk])).status_code == 404
    for name in ("receipt_sign", "receipt_withdraw", "receipt_send_code"):
        assert client.post(reverse(f"marketplace:{name}", args=[receipt.pk])).status_code == 404
    create = reverse("marketplace:receipt_create", args=[shipment.pk, story.order.pk])
    assert client.get(create).status_code == 404


def test_receipt_is_withdrawn(client, story):
    receipt = receipt_of(story, arrived(story))
    client.force_login(story.purchaser)

    client.post(reverse("marketplace:receipt_withdraw", args=[receipt.pk]))

    receipt.refresh_from_db()
    assert receipt.status == "withdrawn"


def test_a_receiver_without_an_account_signs_with_a_code(client, story):
    receipt = receipt_of(story, arrived(story))
    client.force_login(story.purchaser)
    sent = client.post(
        reverse("marketplace:receipt_send_code", args=[receipt.pk]),
        {"side": "buyer", "name": "王师傅", "contact": "wang@example.com"},
    )
    code = Mail.objects.get().body.split("验证码：")[1][:6]
    client.logout()

    assert client.get(sent.url).status_code == 200
    wrong = client.post(sent.url, {"side": "buyer", "code": "000000" if code != "000000" else "111111"})
    signed = client.post(sent.url, {"side": "buyer", "code": code})

    assert (wrong.status_code, signed.status_code) == (409, 302)
    assert receipt.signatures.get().name == "王师傅"


def test_a_code_is_refused_at_its_field(client, story):
    receipt = receipt_of(story, arrived(story))
    client.force_login(story.purchaser)

    page = client.post(
        reverse("marketplace:receipt_send_code", args=[receipt.pk]), {"side": "buyer", "name": "王", "contact": "12"}
    )

    assert (page.status_code, list(page.context["form"].errors)) == (422, ["contact"])


def test_receipt_verify_tells_anybody_whether_the_hash_matches(client, story):
    receipt = receipt_of(story, arrived(story))
    url = reverse("marketplace:receipt_verify", args=[receipt.token])

    right = client.get(url, {"hash": receipt.sha256}).content.decode()
    wrong = client.get(url, {"hash": "0" * 64}).content.decode()

    assert ("Matches" in right, "Does not match" in right) == (True, False)
    assert ("Matches" in wrong, "Does not match" in wrong) == (False, True)
    assert client.get(reverse("marketplace:receipt_verify", args=["no-such-token"])).status_code == 404


def test_receipt_verify_knows_its_own_paper(client, story):
    receipt = receipt_of(story, arrived(story))
    sign_receipt(receipt=receipt, by=story.purchaser, now=timezone.now())
    client.force_login(story.purchaser)
    answer = client.get(reverse("marketplace:receipt_paper", args=[receipt.pk]) + "?language=zh")
    paper = b"".join(answer.streaming_content)
    url = reverse("marketplace:receipt_verify", args=[receipt.token])

    same = client.post(url, {"paper": SimpleUploadedFile("r.pdf", paper)})
    other = client.post(url, {"paper": SimpleUploadedFile("r.pdf", paper[:-1] + b"x")})

    assert (same.context["is_same_paper"], other.context["is_same_paper"]) == (True, False)


TEA = {
    "product": {"zh": "天台云雾茶", "en": "Tiantai Yunwu tea"},
    "garden": "华顶山 3 号茶园",
    "picked_on": "2026-04-02",
    "made_on": "2026-04-03",
    "processing": {"zh": "杀青、揉捻、烘干", "en": "Fixed, rolled, dried"},
}


def test_trace_shows_a_strangers_way_from_garden_to_receiver(client, story):
    shipment = arrived(story, public=TEA)
    lot = shipment.lots.get()
    inspect_lot(lot=lot, by=story.gatekeeper, now=timezone.now(), accepted="100", results={"DN": "50"}, note="secret")
    receipt = receipt_of(story, shipment)
    sign_receipt(receipt=receipt, by=story.salesman, now=timezone.now())
    sign_receipt(receipt=receipt, by=story.purchaser, now=timezone.now())

    page = client.get(reverse("marketplace:trace", args=[lot.token]))

    text = page.content.decode()
    kinds = [step.kind for _label, step in page.context["steps"]]
    assert kinds == ["picked", "made", "dispatched", "arrived", "inspected", "received"]
    assert "Tiantai Yunwu tea" in text
    assert "Yuhuan Pump and Valve Park" in text
    for hidden in (story.buyer.name_en, story.seller.name_en, "secret", "100.00", story.order.number):
        assert hidden not in text


def test_trace_reads_chinese_too(client, story):
    lot = arrived(story, public=TEA).lots.get()
    client.cookies["django_language"] = "zh-hans"

    assert "天台云雾茶" in client.get(reverse("marketplace:trace", args=[lot.token])).content.decode()


def test_trace_of_what_has_not_left_is_the_parties_alone(client, story):
    shipment = planned(story)
    url = reverse("marketplace:trace", args=[shipment.lots.get().token])

    assert client.get(url).status_code == 404
    client.force_login(story.salesman)
    assert client.get(url).url == reverse("marketplace:shipment_detail", args=[shipment.pk])


def test_trace_of_a_shipment_leads_its_parties_to_it(client, story):
    shipment = arrived(story)
    url = reverse("marketplace:trace", args=[shipment.token])

    assert client.get(url).status_code == 404
    client.force_login(story.purchaser)
    assert client.get(url).url == reverse("marketplace:shipment_detail", args=[shipment.pk])


def test_stock_list_shows_what_is_ours(client, story, count_queries):
    lot = arrived(story).lots.get()
    record_scan(
        token=lot.token,
        kind="stored",
        key=uuid.uuid4(),
        by=story.gatekeeper,
        recorded_at=timezone.now(),
        now=timezone.now(),
        facility=story.warehouse.pk,
    )
    url = reverse("marketplace:stock_list")

    client.force_login(story.salesman)
    mine = client.get(url).context["page"].object_list
    client.force_login(story.purchaser)
    theirs = client.get(url).context["page"].object_list

    assert (list(mine), list(theirs)) == ([lot], [])


def test_scan_leads_to_what_was_scanned(client, story):
    shipment = planned(story)
    client.force_login(story.salesman)
    url = reverse("marketplace:scan")

    assert client.get(url).status_code == 200
    assert client.get(url, {"code": shipment.token}).url == reverse("marketplace:shipment_detail", args=[shipment.pk])
    assert client.get(url, {"code": "nonsense"}).status_code == 404
    client.force_login(story.stranger)
    assert client.get(url, {"code": shipment.token}).status_code == 404


def test_a_photo_of_a_label_is_read(client, story):
    shipment = planned(story)
    client.force_login(story.salesman)
    url = reverse("marketplace:api_scan_photo")

    found = client.post(
        url, {"photo": SimpleUploadedFile("p.png", qr_png(f"https://x.example/trace/{shipment.token}/"))}
    )
    none = client.post(url, {"photo": SimpleUploadedFile("p.png", b"no picture")})

    assert found.json()["token"] == shipment.token
    assert (none.status_code, list(none.json()["errors"])) == (400, ["photo"])
    assert Lot.objects.count() == 1
