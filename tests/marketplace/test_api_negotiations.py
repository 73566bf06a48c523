import datetime as dt

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from marketplace.models import Approval, Message, Negotiation, Offer, Order
from tests.factories import ListingFactory, OrganisationFactory
from tests.factories_negotiation import LINE, TERMS, deal, trader_of

pytestmark = pytest.mark.django_db


def client(user) -> APIClient:
    cache.clear()
    made = APIClient(headers={"Accept-Language": "en"})
    made.force_authenticate(user)
    return made


@pytest.fixture
def case(real_now):
    return deal()


@pytest.fixture
def body(real_now):
    """Return an offer that holds at this moment."""
    day = lambda days: (real_now + dt.timedelta(days=days)).date().isoformat()  # noqa: E731
    terms = TERMS | {"window_start": day(10), "window_end": day(30)}
    return {"terms": terms, "lines": [LINE | {"quantity": "500"}], "valid_until": day(7)}


def offers_path(case) -> str:
    return f"/api/v1/negotiations/{case.negotiation.pk}/offers/"


def test_negotiation_list_opens_one_once_per_key(case):
    supply, buyer = ListingFactory(), OrganisationFactory()
    api = client(trader_of(buyer))
    said = {"organisation": buyer.uscc, "supply": supply.pk}

    first = api.post("/api/v1/negotiations/", said, format="json", headers={"Idempotency-Key": "a"})
    again = api.post("/api/v1/negotiations/", said, format="json", headers={"Idempotency-Key": "a"})
    other = api.post("/api/v1/negotiations/", {**said, "supply": 1}, format="json", headers={"Idempotency-Key": "a"})

    assert (first.status_code, again.json(), other.status_code) == (201, first.json(), 409)
    assert (first.json()["seller"]["id"], first.json()["is_our_turn"]) == (supply.organisation_id, False)
    found = api.get("/api/v1/negotiations/", {"turn": "theirs"}).json()
    assert [row["id"] for row in found["results"]] == [first.json()["id"]]
    assert Negotiation.objects.count() == 2


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"organisation": "nobody"}, "organisation"),
        ({"supply": 10**9}, "supply"),
        ({"supply": None}, "supply"),
        ({"counterpart": "nobody"}, "counterpart"),
    ],
)
def test_negotiation_list_names_the_field_it_refuses(said, field):
    buyer = OrganisationFactory()
    sent = {"organisation": buyer.pk, "supply": ListingFactory().pk} | said

    answer = client(trader_of(buyer)).post("/api/v1/negotiations/", sent, format="json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_offers_are_made_countered_and_accepted(case, body):
    seller, buyer = client(case.salesman), client(case.purchaser)

    made = seller.post(offers_path(case), body, format="json")
    cheaper = body | {"lines": [LINE | {"quantity": "500", "unit_price": "95"}]}
    countered = buyer.post(offers_path(case), cheaper, format="json")
    chain = seller.get(offers_path(case)).json()
    accepted = seller.post(f"/api/v1/offers/{countered.json()['id']}/accept/")

    assert (made.status_code, made.json()["total_amount"], made.json()["made_by"]) == (
        201,
        "50000.00",
        case.salesman.username,
    )
    assert [row["changes"] for row in chain] == [
        None,
        [{"clause": "price", "field": "unit_price", "line": 1, "before": 100, "after": 95}],
    ]
    assert chain[1]["made_by"] is None
    order = Order.objects.get()
    assert accepted.json() == {"order": order.pk, "order_number": order.number, "approval": None}


def test_an_offer_is_made_once_per_key(case, body):
    seller = client(case.salesman)

    answers = [
        seller.post(offers_path(case), body, format="json", headers={"Idempotency-Key": "k"}).json() for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert Offer.objects.count() == 1


def test_an_offer_names_each_field_it_refuses(case, body):
    wrong = body | {"lines": [LINE | {"quantity": "501"}, LINE | {"unit": "kg", "quantity": 1}]}
    wrong["terms"] = wrong["terms"] | {"window_end": "2020-01-01"}

    answer = client(case.salesman).post(offers_path(case), wrong, format="json")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"lines.1.unit", "window_end"}
    assert Offer.objects.count() == 0


def test_draft_terms_come_from_the_listings(case):
    draft = client(case.purchaser).get(f"/api/v1/negotiations/{case.negotiation.pk}/draft/").json()

    assert (draft["terms"]["region"], draft["lines"][0]["unit"]) == ("331002", "piece")


def test_offers_are_declined_and_withdrawn(case, body):
    seller, buyer = client(case.salesman), client(case.purchaser)
    first = seller.post(offers_path(case), body, format="json").json()["id"]

    declined = buyer.post(f"/api/v1/offers/{first}/decline/", {"note": "太贵"}, format="json").json()
    second = seller.post(offers_path(case), body, format="json").json()["id"]
    withdrawn = seller.post(f"/api/v1/offers/{second}/withdraw/").json()
    again = seller.post(f"/api/v1/offers/{second}/withdraw/")

    assert (declined["status"], declined["answer_note"], withdrawn["status"]) == ("declined", "太贵", "withdrawn")
    assert (again.status_code, again.json()["code"]) == (409, "offer_no_longer_open")


def test_messages_hang_on_a_clause(case):
    path = f"/api/v1/negotiations/{case.negotiation.pk}/messages/"

    said = client(case.purchaser).post(path, {"clause": "price", "text": "能否 95 元？"}, format="json")
    empty = client(case.purchaser).post(path, {"text": ""}, format="json")

    assert (said.status_code, said.json()["clause"]) == (201, "price")
    assert list(empty.json()["errors"]) == ["text"]
    assert client(case.salesman).get(path).json()[0]["text"] == Message.objects.get().text


def test_approvals_are_decided(case, body):
    small, approver = trader_of(case.seller, limit=10), trader_of(case.seller, "approver")
    offer = client(small).post(offers_path(case), body, format="json").json()
    api = client(approver)

    waiting = api.get("/api/v1/approvals/", {"mine": "true"}).json()["results"]
    decided = api.post(f"/api/v1/approvals/{waiting[0]['id']}/decide/", {"answer": "approve"}, format="json")

    assert (offer["status"], Approval.objects.get().status) == ("awaiting_approval", "approved")
    assert (decided.status_code, api.get(f"/api/v1/offers/{offer['id']}/").json()["status"]) == (201, "open")
    assert client(small).get("/api/v1/approvals/", {"mine": "true"}).json()["results"] == []


def test_negotiation_end_ends(case):
    ended = client(case.purchaser).post(f"/api/v1/negotiations/{case.negotiation.pk}/end/")

    assert ended.json()["status"] == "ended"


def test_nothing_of_it_is_found_by_a_stranger(case, body):
    offer = client(case.salesman).post(offers_path(case), body, format="json").json()["id"]
    stranger, negotiation = client(trader_of(OrganisationFactory())), f"/api/v1/negotiations/{case.negotiation.pk}/"

    assert stranger.get("/api/v1/negotiations/").json()["count"] == 0
    for path in (negotiation, f"{negotiation}offers/", f"{negotiation}messages/", f"/api/v1/offers/{offer}/"):
        assert (path, stranger.get(path).status_code) == (path, 404)
    for path in (
        f"{negotiation}end/",
        f"/api/v1/offers/{offer}/accept/",
        f"/api/v1/offers/{offer}/decline/",
        f"/api/v1/offers/{offer}/withdraw/",
    ):
        assert (path, stranger.post(path).status_code) == (path, 404)


def test_negotiation_list_asks_as_many_queries_for_three_as_for_one(case, django_assert_num_queries):
    api = client(case.purchaser)
    api.get("/api/v1/negotiations/")
    with django_assert_num_queries(3):
        api.get("/api/v1/negotiations/")
    for _ in range(2):
        deal(demand=ListingFactory(organisation=case.buyer, side="demand", quantity=500))
    with django_assert_num_queries(3):
        api.get("/api/v1/negotiations/")


def test_disclosure_is_the_owners_to_choose(case):
    owner = trader_of(case.seller, "owner")
    path = f"/api/v1/organisations/{case.seller.pk}/disclosure/"

    assert client(owner).get(path).json() == {
        "name_from": 0,
        "contact_from": 2,
        "documents_from": 2,
        "documents": [],
        "is_lead": True,
    }
    chosen = client(owner).put(
        path, {"is_lead": False, "name_from": 1, "contact_from": 3, "documents_from": 3}, format="json"
    )
    refused = client(owner).put(path, {"name_from": 3, "contact_from": 1, "documents_from": 3}, format="json")

    assert (chosen.status_code, chosen.json()["contact_from"], chosen.json()["is_lead"]) == (200, 3, False)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["contact_from"])
    assert client(case.salesman).get(path).status_code == 404


def test_membership_limit_is_the_owners_to_set(case):
    owner = trader_of(case.seller, "owner")
    path = f"/api/v1/members/{case.seller.memberships.get(user=case.salesman).pk}/limit/"

    assert client(owner).post(path, {"approval_limit": "5000"}, format="json").json()["approval_limit"] == "5000.00"
    assert client(owner).post(path, {"approval_limit": None}, format="json").json()["approval_limit"] is None
    assert client(owner).post(path, {"approval_limit": -1}, format="json").status_code == 400
    assert client(case.salesman).post(path, {"approval_limit": 1}, format="json").status_code == 404
