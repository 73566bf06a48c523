import datetime as dt
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.models import Dispute, Order, Payment, Proposal
from marketplace.services import orders
from marketplace.services.order_lines import move
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_order import order_of

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def people():
    buyer, seller = UserFactory(), UserFactory()
    return buyer, seller, OrganisationFactory(members=[buyer]), OrganisationFactory(members=[seller])


@pytest.fixture
def order(people):
    today = timezone.localdate()
    return order_of(buyer=people[2], seller=people[3], window_start=today, window_end=today + dt.timedelta(days=20))


def client_of(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def buyer(people):
    return client_of(people[0])


@pytest.fixture
def seller(people):
    return client_of(people[1])


@pytest.fixture
def stranger():
    return client_of(UserFactory())


def deliver(order, people, now, quantity=500):
    line = order.lines.get()
    move(line=line, quantity=D(quantity), source="outstanding", target="in_delivery", by=people[1], at=now)
    move(line=line, quantity=D(quantity), source="in_delivery", target="accepted", by=people[0], at=now)
    orders.refresh_status(order, now)


def test_orders_are_listed_to_their_sides(order, buyer, stranger):
    found = buyer.get("/api/v1/orders/?side=buyer").json()["results"]

    assert [one["number"] for one in found] == [order.number]
    assert found[0]["lines"][0]["places"]["outstanding"] == 500
    assert found[0]["payable_amount"] == 50000
    assert buyer.get("/api/v1/orders/?side=seller").json()["count"] == 0
    assert stranger.get("/api/v1/orders/").json()["count"] == 0


GETS = ("", "dues/", "records/", "contract/", "ratings/", "call-offs/", "proposals/", "invoices/", "payments/")


@pytest.mark.parametrize("path", GETS)
def test_what_belongs_to_an_order_is_its_sides_alone(order, buyer, stranger, path):
    assert buyer.get(f"/api/v1/orders/{order.pk}/{path}").status_code == 200
    assert stranger.get(f"/api/v1/orders/{order.pk}/{path}").status_code == 404
    assert APIClient().get(f"/api/v1/orders/{order.pk}/{path}").status_code == 401


POSTS = (
    "deliver/", "accept/", "close/", "ratings/", "call-offs/", "end/", "repeat/", "proposals/", "proposals/preview/",
    "disputes/", "invoices/", "invoices/request/", "payments/",
)  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
def test_acts_on_an_order_are_its_sides_alone(order, stranger, path):
    assert stranger.post(f"/api/v1/orders/{order.pk}/{path}", {}, format="json").status_code in (400, 404)
    assert not Proposal.objects.exists()


def test_order_list_asks_as_much_for_three_as_for_one(order, people, buyer):
    with CaptureQueriesContext(connection) as one:
        buyer.get("/api/v1/orders/")
    for _ in range(2):
        order_of(buyer=people[2], seller=OrganisationFactory())

    with CaptureQueriesContext(connection) as three:
        buyer.get("/api/v1/orders/")
    assert len(three) == len(one)


def test_a_proposal_is_previewed_made_once_and_confirmed(order, buyer, seller, stranger):
    said = {"kind": "amendment", "terms": {"lines": [{"line": 1, "quantity": "450"}]}, "reason": "少要"}
    path = f"/api/v1/orders/{order.pk}/proposals/"

    shown = buyer.post(f"{path}preview/", said, format="json").json()
    assert (shown["total_before"], shown["total_after"]) == ("50000.00", "45000.00")
    first = buyer.post(path, said, format="json", headers={"Idempotency-Key": "k1"})
    again = buyer.post(path, said, format="json", headers={"Idempotency-Key": "k1"})
    other = buyer.post(path, {**said, "reason": "x"}, format="json", headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.json(), other.status_code) == (201, first.json(), 409)
    assert other.json()["code"] == "idempotency_key_reused"

    pk = first.json()["id"]
    assert stranger.post(f"/api/v1/proposals/{pk}/confirm/").status_code == 404
    assert buyer.post(f"/api/v1/proposals/{pk}/confirm/").status_code == 404
    assert seller.post(f"/api/v1/proposals/{pk}/confirm/").json()["status"] == "confirmed"
    assert seller.post(f"/api/v1/proposals/{pk}/decline/").status_code == 409
    assert Order.objects.get(pk=order.pk).total_amount == 45000


def test_a_proposal_is_refused_at_its_field(order, buyer):
    said = {"kind": "amendment", "terms": {"lines": [{"line": 1, "quantity": "0"}]}, "reason": "x"}

    answer = buyer.post(f"/api/v1/orders/{order.pk}/proposals/", said, format="json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["lines.0.quantity"])


def test_a_proposal_is_withdrawn(order, buyer, seller):
    said = {"kind": "cancellation", "terms": {}, "reason": "x"}
    pk = buyer.post(f"/api/v1/orders/{order.pk}/proposals/", said, format="json").json()["id"]

    assert seller.post(f"/api/v1/proposals/{pk}/withdraw/").status_code == 404
    assert buyer.post(f"/api/v1/proposals/{pk}/withdraw/").json()["status"] == "withdrawn"


def test_a_dispute_goes_its_way(order, people, buyer, seller, stranger, real_now):
    deliver(order, people, real_now)
    upload = {"file": SimpleUploadedFile("说明.txt", "划伤".encode()), "organisation": people[2].pk}
    file = buyer.post("/api/v1/attachments/", upload, format="multipart").json()["id"]
    said = {"line": 1, "quantity": "60", "kind": "quality", "text": "划伤", "attachments": [file]}
    path = f"/api/v1/orders/{order.pk}/disputes/"

    assert buyer.post(path, {**said, "attachments": [file + 1]}, format="json").status_code == 400
    assert list(buyer.post(path, {**said, "quantity": "501"}, format="json").json()["errors"]) == ["quantity"]
    pk = buyer.post(path, said, format="json").json()["id"]

    assert stranger.get(f"/api/v1/disputes/{pk}/").status_code == 404
    assert seller.get("/api/v1/disputes/?status=open").json()["count"] == 1
    assert seller.post(f"/api/v1/disputes/{pk}/evidence/", {"text": "合格"}, format="json").status_code == 201
    settling = seller.post(
        f"/api/v1/disputes/{pk}/settle/", {"accept": 50, "return": 10, "reason": "折中"}, format="json"
    )
    assert settling.status_code == 201
    decision = {"accept": "50", "return": "10", "price_reduction": "100", "note": "裁决"}
    assert seller.post(f"/api/v1/disputes/{pk}/decide/", decision, format="json").status_code == 409
    operator = client_of(UserFactory(is_staff=True))
    decided = operator.post(f"/api/v1/disputes/{pk}/decide/", decision, format="json").json()

    assert (decided["status"], decided["outcome"]["return"]) == ("decided", "10.000")
    assert Dispute.objects.get().line.returned == 10
    assert buyer.post(f"/api/v1/disputes/{pk}/withdraw/").status_code == 409


def test_invoices_and_payments_go_their_way(order, people, buyer, seller, real_now):
    deliver(order, people, real_now)
    base = f"/api/v1/orders/{order.pk}"

    invoice = buyer.post(f"{base}/invoices/request/", {}, format="json").json()["id"]
    issued = seller.post(f"/api/v1/invoices/{invoice}/issue/", {"number": "2533"}, format="json")
    assert issued.json()["status"] == "issued"
    assert buyer.post(f"/api/v1/invoices/{invoice}/refuse/", {"note": "抬头错"}).json()["status"] == "refused"
    seller.post(f"/api/v1/invoices/{invoice}/issue/", {"number": "2534"}, format="json")
    assert buyer.post(f"/api/v1/invoices/{invoice}/receive/").json()["status"] == "received"
    assert seller.post(f"{base}/invoices/", {"number": "2535"}, format="json").status_code == 400

    too_much = buyer.post(f"{base}/payments/", {"amount": "50000.01"}, format="json")
    assert (too_much.status_code, list(too_much.json()["errors"])) == (400, ["amount"])
    said = {"amount": "50000", "invoice": invoice}
    once = [buyer.post(f"{base}/payments/", said, format="json", headers={"Idempotency-Key": "p"}) for _ in range(2)]
    assert [one.json() for one in once] == [once[0].json()] * 2
    payment = Payment.objects.get().pk
    assert buyer.post(f"/api/v1/payments/{payment}/confirm/").status_code == 409
    assert seller.post(f"/api/v1/invoices/{invoice}/void/", {}).status_code == 409
    assert seller.post(f"/api/v1/payments/{payment}/dispute/", {"note": "未到账"}).json()["status"] == "disputed"
    assert seller.post(f"/api/v1/payments/{payment}/confirm/").json()["status"] == "confirmed"
    assert [one["paid"] for one in buyer.get(f"{base}/dues/").json()] == [50000]

    assert buyer.post(f"{base}/ratings/", {"stars": 5, "words": "好"}, format="json").status_code == 201
    assert buyer.post(f"{base}/close/").json()["status"] == "closed"
    assert {one["side"] for one in seller.get(f"{base}/records/").json()} == {"buyer", "seller"}
    assert buyer.post(f"/api/v1/payments/{payment}/withdraw/").status_code == 409


def test_a_service_is_delivered_and_accepted(order, buyer, seller):
    base, said = f"/api/v1/orders/{order.pk}", {"lines": [{"line": 1, "quantity": "500"}]}

    assert seller.post(f"{base}/deliver/", said, format="json").json()["status"] == "delivered"
    assert buyer.post(f"{base}/accept/", said, format="json").json()["status"] == "accepted"
    assert buyer.post(f"{base}/accept/", said, format="json").status_code == 409


def test_a_framework_is_called_off_and_ordered_again(people, buyer):
    today = timezone.localdate()
    framework = order_of(
        buyer=people[2],
        seller=people[3],
        kind=Order.Kind.FRAMEWORK,
        payable_amount=0,
        window_start=today,
        window_end=today + dt.timedelta(days=60),
    )
    base = f"/api/v1/orders/{framework.pk}"

    called = buyer.post(f"{base}/call-offs/", {"lines": [{"line": 1, "quantity": 120}]}, format="json")

    assert (called.status_code, called.json()["kind"], called.json()["framework"]) == (
        201,
        "call_off",
        framework.number,
    )
    assert buyer.post(f"{base}/end/").status_code == 409
    again = buyer.post(f"{base}/repeat/")
    assert (again.status_code, set(again.json())) == (201, {"negotiation", "offer"})
