import datetime as dt

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from marketplace.models import Award, Order, Quote, RequestForQuotation
from marketplace.services.attachments import store_attachment
from tests.factories import ListingFactory, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_rfq import make_quote, make_rfq, member_of, rfq_line, suppliers_of

pytestmark = pytest.mark.django_db
RFQS = "/api/v1/rfqs/"
Status = RequestForQuotation.Status


def client(user=None) -> APIClient:
    cache.clear()
    made = APIClient(headers={"Accept-Language": "en"})
    if user:
        made.force_authenticate(user)
    return made


@pytest.fixture
def rfq(real_now):
    return make_rfq(now=real_now, lines=[rfq_line(tiers=[500]), rfq_line(description="垫片", quantity=50)])


@pytest.fixture
def buyer(rfq):
    return client(member_of(rfq.buyer))


@pytest.fixture
def supplier(rfq):
    return suppliers_of(rfq)[0]


@pytest.fixture
def seller(supplier):
    return client(member_of(supplier))


def closed(rfq):
    RequestForQuotation.objects.filter(pk=rfq.pk).update(
        status=Status.CLOSED, closed_at=rfq.created_at, closes_at=rfq.created_at
    )


def body(now, organisation, **changes):
    today = now.date()
    return {
        "organisation": organisation.uscc,
        "title": "球阀",
        "closes_at": str(today + dt.timedelta(days=5)),
        "window_start": str(today + dt.timedelta(days=6)),
        "window_end": str(today + dt.timedelta(days=40)),
        "region": "台州",
        "lines": [{"description": "球阀", "quantity": 500, "unit": "只", "tiers": [2000]}],
    } | changes


def test_rfqs_create_sends_a_request_once_per_key(real_now):
    user, one = UserFactory(), OrganisationFactory()
    organisation = OrganisationFactory(members=[user])
    api, said = client(user), body(real_now, organisation, suppliers=[one.uscc], publish=True)
    demand = ListingFactory(organisation=organisation, side="demand")
    supply = ListingFactory()
    said |= {"demand": demand.pk, "supplies": [supply.pk]}

    first, again = [api.post(RFQS, said, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    other = api.post(RFQS, said | {"title": "别的"}, headers={"Idempotency-Key": "k"})

    made = first.json()
    assert (first.status_code, again.status_code, again["Idempotent-Replay"]) == (201, 201, "true")
    assert made == again.json()
    assert (made["status"], made["region"], made["demand"]) == ("open", "331000", demand.pk)
    assert made["lines"][0]["tiers"] == [2000]
    assert [(row["supplier"]["uscc"], row["supply"]) for row in made["invitations"]] == [
        (supply.organisation.uscc, supply.pk),
        (one.uscc, None),
    ]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"organisation": "9"}, "organisation"),
        ({"title": None}, "title"),
        ({"title": {"a": 1}}, "title"),
        ({"closes_at": "2020-01-01"}, "closes_at"),
        ({"closes_at": ["x"]}, "closes_at"),
        ({"is_sealed": "perhaps"}, "is_sealed"),
        ({"park": {"a": 1}}, "park"),
        ({"lines": [{"description": "a", "quantity": 1, "unit": "furlong"}]}, "lines.0.unit"),
        ({"lines": [{"description": "a", "quantity": {}, "unit": "t"}]}, "lines.0.quantity"),
        ({"lines": "none"}, "lines"),
        ({"suppliers": ["nobody at all"]}, "suppliers"),
        ({"demand": 0}, "demand"),
        ({"supplies": [0]}, "supplies"),
        ({"attachments": [0]}, "attachments"),
    ],
)
def test_rfqs_create_names_the_field_that_is_wrong(real_now, changes, field):
    user = UserFactory()
    organisation = OrganisationFactory(members=[user])

    answer = client(user).post(RFQS, body(real_now, organisation) | changes)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert next(iter(answer.json()["errors"])).startswith(field)
    assert not RequestForQuotation.objects.exists()


def test_rfqs_list_is_filtered_by_side_and_costs_the_same_for_one_and_three(rfq, buyer, seller, supplier, real_now):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            found = seller.get(RFQS, {"side": "supplier", "status": "open"}).json()
        return len(asked), found["count"]

    queries()
    one, _count = queries()
    for _ in range(2):
        make_rfq(suppliers=[supplier], now=real_now)

    assert queries() == (one, 3)
    assert buyer.get(RFQS, {"side": "buyer"}).json()["count"] == 1
    assert buyer.get(RFQS, {"side": "supplier"}).json()["count"] == 0
    assert client(UserFactory()).get(RFQS).json()["count"] == 0


def test_rfqs_detail_shows_the_supplier_neither_rivals_nor_what_was_awarded(rfq, buyer, seller):
    own, theirs = buyer.get(f"{RFQS}{rfq.pk}/").json(), seller.get(f"{RFQS}{rfq.pk}/").json()

    assert (len(own["invitations"]), len(theirs["invitations"])) == (2, 1)
    assert (own["quote_count"], theirs["quote_count"]) == (0, None)
    assert theirs["lines"][0]["awarded"] is None
    assert client(UserFactory()).get(f"{RFQS}{rfq.pk}/").status_code == 404
    assert client().get(f"{RFQS}{rfq.pk}/").status_code == 401


def test_rfqs_are_amended_extended_closed_copied_and_cancelled(rfq, buyer, seller):
    path, later = f"{RFQS}{rfq.pk}/", rfq.closes_at + dt.timedelta(days=2)
    amended = buyer.patch(path, {"note": "木箱", "change_note": "包装", "revision": 1})
    stale = buyer.patch(path, {"note": "x", "revision": 1})
    extended = buyer.post(f"{path}extend/", {"closes_at": later.isoformat()})
    foreign = seller.patch(path, {"note": "x"})
    ended = buyer.post(f"{path}close/")
    copy = buyer.post(f"{path}copy/", headers={"Idempotency-Key": "k"})
    twice = buyer.post(f"{path}copy/", headers={"Idempotency-Key": "k"})
    cancelled = buyer.post(f"{path}cancel/", {"reason": "停产"})

    assert (amended.json()["revision"], amended.json()["amendments"][0]["note"]) == (2, "包装")
    assert (stale.status_code, stale.json()["code"]) == (409, "rfq_changed_meanwhile")
    assert dt.datetime.fromisoformat(extended.json()["closes_at"]) == later
    assert (foreign.status_code, ended.json()["status"]) == (404, "closed")
    assert (copy.json()["status"], copy.json()["id"]) == ("draft", twice.json()["id"])
    assert cancelled.json()["status"] == "cancelled"


def test_rfqs_drafts_are_published_and_suppliers_added_and_taken_off(real_now):
    rfq = make_rfq(publish=False, now=real_now)
    api, path, new = client(member_of(rfq.buyer)), f"{RFQS}{rfq.pk}/", OrganisationFactory()
    api.post(f"{path}suppliers/", {"suppliers": [new.uscc]})
    taken_off = api.delete(f"/api/v1/rfq-invitations/{rfq.invitations.first().pk}/")
    published = api.post(f"{path}publish/")
    again = api.post(f"{path}publish/")

    assert (taken_off.status_code, published.json()["status"]) == (204, "open")
    assert len(published.json()["invitations"]) == 2
    assert (again.status_code, again.json()["code"]) == (409, "rfq_not_in_status_for_this")


def test_rfqs_questions_and_refusals_to_quote(rfq, buyer, seller, supplier):
    said = {"organisation": supplier.uscc, "text": "法兰？"}
    question = seller.post(f"{RFQS}{rfq.pk}/questions/", said)
    answered = buyer.post(f"/api/v1/rfq-questions/{question.json()['id']}/answer/", {"answer": "HG"})
    not_theirs = seller.post(f"/api/v1/rfq-questions/{question.json()['id']}/answer/", {"answer": "HG"})
    invitation = rfq.invitations.get(supplier=supplier).pk
    declined = seller.post(f"/api/v1/rfq-invitations/{invitation}/decline/", {"reason": "满产"})

    assert (question.status_code, answered.json()["answer"], not_theirs.status_code) == (201, "HG", 404)
    assert declined.json()["decline_reason"] == "满产"


def test_quotes_are_drafted_handed_in_revised_and_withdrawn(rfq, buyer, seller, supplier, real_now):
    user = member_of(supplier)
    file = store_attachment(upload=SimpleUploadedFile("iso.txt", b"9001"), by=user, readers=[supplier], now=real_now)
    path, lines = f"{RFQS}{rfq.pk}/quotes/", list(rfq.lines.order_by("position"))
    priced = [
        {"line": lines[0].pk, "quantity": 100, "unit_price": 10},
        {"line": lines[0].pk, "quantity": 500, "unit_price": "9.5", "lead_days": 20},
        {"line": lines[1].pk, "is_declined": True},
    ]
    until = str(rfq.closes_at.date() + dt.timedelta(days=20))

    draft = seller.post(path, {"organisation": supplier.uscc, "lines": priced[:1], "attachments": [file.pk]})
    hidden = buyer.get(f"/api/v1/quotes/{draft.json()['id']}/")
    incomplete = seller.post(f"/api/v1/quotes/{draft.json()['id']}/submit/")
    seller.post(path, {"organisation": supplier.uscc, "lines": priced[1:], "valid_until": until})
    handed_in = seller.post(f"/api/v1/quotes/{draft.json()['id']}/submit/")
    revised = seller.post(
        path,
        {"organisation": supplier.uscc, "lines": [priced[0] | {"unit_price": 8}], "submit": True},
        headers={"Idempotency-Key": "k"},
    )
    again = seller.post(
        path,
        {"organisation": supplier.uscc, "lines": [priced[0] | {"unit_price": 8}], "submit": True},
        headers={"Idempotency-Key": "k"},
    )
    shown = buyer.get(f"/api/v1/quotes/{revised.json()['id']}/")
    changed = buyer.get(f"/api/v1/quotes/{revised.json()['id']}/differences/").json()
    listed = buyer.get("/api/v1/quotes/", {"rfq": rfq.pk, "status": "submitted"}).json()
    extended = seller.post(f"/api/v1/quotes/{revised.json()['id']}/extend/", {"valid_until": "2020-01-01"})
    buyer.patch(f"{RFQS}{rfq.pk}/", {"note": "木箱"})
    confirmed = seller.post(f"/api/v1/quotes/{revised.json()['id']}/confirm/")
    withdrawn = seller.post(f"/api/v1/quotes/{revised.json()['id']}/withdraw/")

    assert (draft.status_code, draft.json()["status"], hidden.status_code) == (201, "draft", 404)
    assert [one["name"] for one in draft.json()["attachments"]] == ["iso.txt"]
    assert sorted(incomplete.json()["errors"]) == ["lines.1.unit_price", "lines.2.unit_price", "valid_until"]
    assert (handed_in.json()["status"], handed_in.json()["version"]) == ("submitted", 1)
    assert (revised.json()["version"], revised.json()["id"]) == (2, again.json()["id"])
    assert [line["unit_price"] for line in shown.json()["lines"]] == [8, 9.5, None]
    assert [(one["field"], one["before"], one["after"]) for one in changed] == [("unit_price", "10.0000", "8.0000")]
    assert listed["count"] == 1
    assert list(extended.json()["errors"]) == ["valid_until"]
    assert (confirmed.json()["rfq_revision"], withdrawn.json()["status"]) == (2, "withdrawn")


def test_quotes_of_others_and_of_who_is_not_invited_are_404(rfq, supplier, real_now):
    quote = make_quote(rfq, supplier, "10", now=real_now)
    stranger = UserFactory()
    organisation = OrganisationFactory(members=[stranger])
    api = client(stranger)

    assert api.get(f"/api/v1/quotes/{quote.pk}/").status_code == 404
    assert api.post(f"{RFQS}{rfq.pk}/quotes/", {"organisation": organisation.uscc}).status_code == 404
    assert api.post(f"/api/v1/quotes/{quote.pk}/withdraw/").status_code == 404
    assert client(member_of(suppliers_of(rfq)[1])).get(f"/api/v1/quotes/{quote.pk}/").status_code == 404


def test_quotes_take_only_files_of_the_own_organisation(rfq, seller, supplier, real_now):
    elsewhere = OrganisationFactory(members=[member_of(supplier)])
    file = store_attachment(
        upload=SimpleUploadedFile("a.txt", b"a"), by=member_of(supplier), readers=[elsewhere], now=real_now
    )

    answer = seller.post(f"{RFQS}{rfq.pk}/quotes/", {"organisation": supplier.uscc, "attachments": [file.pk]})

    assert list(answer.json()["errors"]) == ["attachments"]


def test_sealed_quotes_are_compared_after_they_are_opened(real_now):
    rfq = make_rfq(is_sealed=True, now=real_now)
    make_quote(rfq, suppliers_of(rfq)[0], "10", now=real_now)
    api = client(member_of(rfq.buyer))
    sealed = api.get(f"{RFQS}{rfq.pk}/comparison/")
    early = api.post(f"{RFQS}{rfq.pk}/open/")
    closed(rfq)

    opened = api.post(f"{RFQS}{rfq.pk}/open/")

    assert (sealed.status_code, sealed.json()["code"]) == (409, "quotes_sealed")
    assert (early.status_code, early.json()["code"]) == (409, "deadline_not_past")
    assert opened.json()["opened_at"] is not None
    assert api.get(f"{RFQS}{rfq.pk}/comparison/").json()["totals"][0]["amount"] == 1000


def test_comparison_rates_sheet_and_awards(rfq, buyer, seller, real_now):
    first, second = suppliers_of(rfq)
    one = make_quote(rfq, first, "10", "9", "3", now=real_now)
    two = make_quote(rfq, second, "1.2", "1.1", "0.4", currency="USD", now=real_now)
    valves, gaskets = rfq.lines.order_by("position")
    path = f"{RFQS}{rfq.pk}/"
    rates = buyer.put(f"{path}rates/", {"rates": {"USD": 7}})
    wrong = buyer.put(f"{path}rates/", {"rates": {"USD": "much"}})
    found = buyer.get(f"{path}comparison/").json()
    sheet = buyer.get(f"{path}comparison/sheet/")
    closed(rfq)
    pick = {"quote": two.pk, "line": valves.pk, "quantity": 100}
    too_much = buyer.post(f"{path}awards/", {"picks": [pick | {"quantity": 501}]})
    made = buyer.post(f"{path}awards/", {"picks": [pick]}, headers={"Idempotency-Key": "k"})
    again = buyer.post(f"{path}awards/", {"picks": [pick]}, headers={"Idempotency-Key": "k"})

    assert rates.json()["rates"] == {"USD": "7"}
    assert list(wrong.json()["errors"]) == ["rates.USD"]
    assert [row["quantity"] for row in found["rows"]] == [100, 500, 50]
    assert found["mix"] == [{"line": valves.pk, "quote": two.pk}, {"line": gaskets.pk, "quote": two.pk}]
    assert [total["is_cheapest"] for total in found["totals"]] == [False, True]
    assert found["totals"][0]["quote"] == one.pk
    assert b"".join(sheet.streaming_content)[:2] == b"PK"
    assert list(too_much.json()["errors"]) == ["picks.0.quantity"]
    assert (made.status_code, made.json()) == (201, again.json())
    assert made.json()[0]["orders"] == [Order.objects.get().pk]
    assert [row["id"] for row in buyer.get(f"{path}awards/").json()] == [Award.objects.get().pk]
    assert seller.get(f"{path}awards/").status_code == seller.get(f"{path}comparison/").status_code == 404


def test_awards_that_wait_are_called_off(rfq, real_now):
    trader = MembershipFactory(organisation=rfq.buyer, role="trader", approval_limit=1).user
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10", now=real_now)
    closed(rfq)
    api = client(trader)
    pick = {"quote": quote.pk, "line": rfq.lines.get(position=1).pk, "quantity": 100}
    made = api.post(f"{RFQS}{rfq.pk}/awards/", {"picks": [pick]}).json()[0]

    voided = api.post(f"/api/v1/awards/{made['id']}/void/")

    assert (made["offer_status"], made["orders"]) == ("open", [])
    assert voided.json()["voided_at"] is not None
    assert Quote.objects.get(pk=quote.pk).status == "submitted"
