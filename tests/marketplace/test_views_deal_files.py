import datetime as dt
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from marketplace.services import deal_files
from marketplace.services.attachments import store_attachment
from marketplace.services.deal_seals import public_key
from marketplace.services.deal_texts import rows_of
from marketplace.verify_dealfile import verify
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_order import order_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def buyer(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def order(buyer, now):
    order = order_of(buyer=OrganisationFactory(members=[buyer]), seller=OrganisationFactory())
    deal_files.open_deal(order, now)
    return order


def page_of(order, name="deal_file"):
    return reverse(f"marketplace:{name}", args=[order.pk])


def test_deal_file_tells_what_happened(client, order, buyer, now):
    attached = store_attachment(upload=SimpleUploadedFile("合格证.txt", b"a"), by=buyer, readers=[order.buyer], now=now)
    deal_files.record(
        order=order, kind="order.confirmed", by=buyer, at=now, payload={"clause": "price", "attachments": [attached]}
    )

    answer = client.get(page_of(order), headers={"Accept-Language": "en"})

    text = answer.content.decode()
    assert [entry.record.kind for entry in answer.context["entries"]] == [
        "negotiation.opened",
        "offer.made",
        "order.confirmed",
    ]
    assert "Order confirmed" in text
    assert "Price and currency" in text
    assert reverse("marketplace:attachment_download", args=[attached.pk]) in text
    assert public_key() in text


def test_deal_file_speaks_chinese(client, order):
    text = client.get(page_of(order), headers={"Accept-Language": "zh-hans"}).content.decode()

    assert "提出报价" in text
    assert "304 不锈钢法兰球阀" in text


def test_deal_file_is_not_found_by_strangers(client, order):
    api = APIClient()
    stranger = UserFactory()
    client.force_login(stranger)
    api.force_authenticate(stranger)

    pages = [client.get(page_of(order, name)).status_code for name in ("deal_file", "deal_file_download")]
    answers = [api.get(f"/api/v1/orders/{order.pk}/deal-file{end}").status_code for end in ("/", ".zip")]

    assert (pages, answers) == ([404, 404], [404, 404])


def test_deal_file_asks_the_same_number_of_queries_for_more_records(client, order, buyer, count_queries, now):
    def add():
        attached = store_attachment(upload=SimpleUploadedFile("a.txt", b"a"), by=buyer, readers=[order.buyer], now=now)
        deal_files.record(order=order, kind="message.sent", by=buyer, at=now, payload={"attachments": [attached]})

    add()
    one = count_queries(page_of(order))
    add()
    add()

    assert count_queries(page_of(order)) == one


def test_deal_file_download_gives_an_archive_that_verifies(client, order):
    answer = client.get(page_of(order, "deal_file_download"))

    assert answer["Content-Disposition"] == f'attachment; filename="deal-{order.number}.zip"'
    assert verify(b"".join(answer.streaming_content), public_key()).startswith(f"Order {order.number}: 2 records")


def test_deal_file_checker_is_there_for_everybody(client):
    answer = client.get(reverse("marketplace:deal_file_checker"))

    assert b"def verify(" in b"".join(answer.streaming_content)


def test_api_gives_the_chain_the_archive_and_the_key(order, buyer):
    cache.clear()
    api = APIClient()
    api.force_authenticate(buyer)

    chain = api.get(f"/api/v1/orders/{order.pk}/deal-file/").json()
    archive = api.get(f"/api/v1/orders/{order.pk}/deal-file.zip")
    api.force_authenticate(None)
    key = api.get("/api/v1/deal-file-key/").json()

    assert (chain["count"], chain["records"][-1]["hash"]) == (2, chain["last_hash"])
    assert verify(b"".join(archive.streaming_content), key["public_key"])


def test_rows_of_a_payload_are_said_in_either_language(now):
    payload = {
        "total_amount": str(Decimal("1.50")),
        "at": now.astimezone(dt.UTC).isoformat(),
        "price_includes_tax": True,
        "buyer": {"name_zh": "玉环泵业", "name_en": "", "identifier": "9133"},
        "reasons": [{"feature": "dn", "points": 8.0, "zh": "公称直径相同", "en": "Same diameter"}],
        "lines": [{"unit": "piece", "quantity": "500.000", "position": 1}],
        "window": {"opens": "2026-03-10"},
        "note": "",
        "empty": [],
        "status": "not a status",
    }

    assert rows_of(payload, "zh") == [
        ("买方", "玉环泵业"),
        ("明细", "行：1，数量：500.000，单位：只"),
        ("合计", "1.50"),
        ("时间", "2026-03-02 12:00"),
        ("含税价", "是"),
        ("依据", "公称直径相同 (+8.0)"),
        ("window", "opens：2026-03-10"),
        ("状态", "not a status"),
    ]
    assert rows_of(payload | {"incoterm": "pickup"}, "en")[3] == ("Delivery term", "Buyer collects")
    assert rows_of(payload, "en")[:2] == [("Buyer", "玉环泵业"), ("Lines", "Line: 1, Quantity: 500.000, Unit: piece")]


def test_rows_of_a_payload_name_places_and_what_is_referred_to():
    payload = {"place": "in_delivery", "source": "accepted", "references": [{"type": "event", "kind": "arrived"}]}

    assert rows_of(payload, "zh") == [
        ("地点", "交付中"),
        ("原状态", "已验收"),
        ("引用", "种类：履约事件，类别：到达门岗"),
    ]
