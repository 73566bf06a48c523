import datetime as dt
import itertools
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from marketplace.models import Dispute, Invoice, Membership, Order, Payment, Proposal
from marketplace.services import disputes, orders, proposals
from marketplace.services.order_lines import move
from tests.factories import MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_order import order_of

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def people():
    buyer, seller = UserFactory(), UserFactory()
    return buyer, seller, OrganisationFactory(members=[buyer]), OrganisationFactory(members=[seller])


@pytest.fixture
def order(people, real_now):
    today = timezone.localdate(real_now)
    return order_of(
        buyer=people[2],
        seller=people[3],
        window_start=today,
        window_end=today + dt.timedelta(days=20),
        confirmed_at=real_now,
    )


@pytest.fixture
def as_buyer(client, people):
    client.force_login(people[0])
    return client


def sent(order, people, now, accepted=300):
    line = order.lines.get()
    move(line=line, quantity=D(500), source="outstanding", target="in_delivery", by=people[1], at=now)
    move(line=line, quantity=D(accepted), source="in_delivery", target="accepted", by=people[0], at=now)
    orders.refresh_status(order, now)
    return line


def opened(order, people, now):
    line = sent(order, people, now)
    return disputes.open_dispute(
        line=line, organisation=people[2], quantity=D(60), kind="quality", text="划伤", by=people[0], now=now
    )


GET_PAGES = (
    "", "deliver/", "accept/", "rate/", "call-off/", "amend/", "cancel/", "shortage/", "return/", "dispute/",
    "invoices/request/", "invoices/new/", "payments/new/", "refunds/new/", "contract.pdf",
)  # fmt: skip


@pytest.mark.parametrize("page", GET_PAGES)
def test_pages_of_an_order_are_its_sides_alone(client, order, people, page):
    client.force_login(UserFactory())
    assert client.get(f"/orders/{order.pk}/{page}").status_code == 404

    client.force_login(people[0])
    assert client.get(f"/orders/{order.pk}/{page}").status_code == 200


@pytest.mark.parametrize("page", ["close/", "end/", "repeat/"])
def test_acts_on_an_order_are_its_sides_alone(client, order, page):
    client.force_login(UserFactory())

    assert client.post(f"/orders/{order.pk}/{page}").status_code == 404


def test_viewers_see_an_order_and_change_nothing(client, order, people):
    viewer = UserFactory()
    MembershipFactory(user=viewer, organisation=people[2], role=Membership.Role.VIEWER)
    client.force_login(viewer)

    page = client.get(f"/orders/{order.pk}/")

    assert page.status_code == 200
    assert "/amend/" not in page.content.decode()
    assert client.get(f"/orders/{order.pk}/amend/").status_code == 404


def test_order_list_asks_as_much_for_three_as_for_one(as_buyer, people, order, count_queries):
    one = count_queries("/orders/")
    for _ in range(2):
        order_of(buyer=people[2], seller=OrganisationFactory())

    assert count_queries("/orders/") == one


def test_order_list_filters(as_buyer, people, order, real_now):
    mine = order_of(buyer=OrganisationFactory(), seller=people[2])
    late = order_of(
        buyer=people[2],
        seller=OrganisationFactory(),
        next_due_on=timezone.localdate(real_now) - dt.timedelta(days=9),
        next_due_amount=10,
    )

    def shown(query):
        return {row.pk for row in as_buyer.get(f"/orders/?{query}").context["page"].object_list}

    assert shown("") == {order.pk, mine.pk, late.pk}
    assert shown("side=seller") == {mine.pk}
    assert shown("due=overdue") == {late.pk}
    assert shown("status=closed") == set()


def test_order_detail_asks_as_much_for_three_lines_as_for_one(as_buyer, order, count_queries):
    path = f"/orders/{order.pk}/"
    count_queries(path)
    one = count_queries(path)
    for position in (2, 3):
        line = order.lines.get(position=1)
        line.pk, line.position = None, position
        line.save(force_insert=True)

    assert count_queries(path) == one


def test_order_amend_shows_what_it_does_before_it_is_proposed(as_buyer, order):
    path = f"/orders/{order.pk}/amend/"
    said = {
        "incoterm": "delivered",
        "address": order.address,
        "window_start": order.window_start,
        "window_end": order.window_end,
        "payment_term": "net",
        "payment_days": 30,
        "lines_0_quantity": "450",
        "lines_0_unit_price": "100",
        "reason": "少要 50 只",
    }

    shown = as_buyer.post(path, {**said, "step": "show"})
    assert "45,000.00" in shown.content.decode()
    assert not Proposal.objects.exists()

    answer = as_buyer.post(path, {**said, "form_key": "k1"})
    again = as_buyer.post(path, {**said, "form_key": "k1"})
    assert (answer.status_code, answer.url, again.url) == (302, f"/orders/{order.pk}/", f"/orders/{order.pk}/")
    assert Proposal.objects.get().effects["total_after"] == "45000.00"


def test_order_amend_shows_a_refusal_at_its_field(as_buyer, order):
    answer = as_buyer.post(f"/orders/{order.pk}/amend/", {"lines_0_quantity": "0", "window_start": "x"})

    assert answer.status_code == 422
    assert "window_start" in answer.context["form"].errors


def test_a_proposal_is_confirmed_on_the_page_of_the_other_side(client, order, people, real_now):
    client.force_login(people[0])
    client.post(f"/orders/{order.pk}/cancel/", {"lines_0_quantity": "100", "reason": "少要"})
    proposal = Proposal.objects.get()
    assert client.post(f"/proposals/{proposal.pk}/confirm/").status_code == 404

    client.force_login(people[1])
    assert f"/proposals/{proposal.pk}/confirm/" in client.get(f"/orders/{order.pk}/").content.decode()
    client.post(f"/proposals/{proposal.pk}/confirm/", {"note": "同意"})

    proposal.refresh_from_db()
    assert (proposal.status, proposal.answer_note, order.lines.get().cancelled) == ("confirmed", "同意", 100)


@pytest.mark.parametrize("act", ["decline", "withdraw"])
def test_proposals_are_declined_and_withdrawn(client, order, people, real_now, act):
    proposal = proposals.propose(
        order=order, organisation=people[2], kind="cancellation", said={}, reason="x", by=people[0], now=real_now
    )
    client.force_login(UserFactory())
    assert client.post(f"/proposals/{proposal.pk}/{act}/").status_code == 404

    client.force_login(people[1] if act == "decline" else people[0])
    client.post(f"/proposals/{proposal.pk}/{act}/")

    proposal.refresh_from_db()
    assert proposal.status == {"decline": "declined", "withdraw": "withdrawn"}[act]


def test_shortage_and_return_are_proposed(as_buyer, order, people, real_now):
    sent(order, people, real_now)

    as_buyer.post(
        f"/orders/{order.pk}/shortage/", {"line": "1", "quantity": "5", "place": "in_delivery", "reason": "少 5 只"}
    )
    as_buyer.post(f"/orders/{order.pk}/return/", {"line": "1", "quantity": "7", "replace": "on", "reason": "换"})
    refused = as_buyer.post(f"/orders/{order.pk}/return/", {"line": "1", "quantity": "999", "reason": "换"})

    assert sorted(Proposal.objects.values_list("kind", flat=True)) == ["return", "shortage"]
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["quantity"])


def test_a_service_is_delivered_and_accepted_on_pages(client, order, people):
    client.force_login(people[1])
    client.post(f"/orders/{order.pk}/deliver/", {"quantities_1": "500"})
    client.force_login(people[0])
    client.post(f"/orders/{order.pk}/accept/", {"quantities_1": "500"})
    client.post(f"/orders/{order.pk}/rate/", {"stars": "5", "words": "准时"})
    client.post(
        f"/orders/{order.pk}/payments/new/", {"amount": "50000", "paid_on": timezone.localdate(), "method": "transfer"}
    )
    client.force_login(people[1])
    client.post(f"/payments/{Payment.objects.get().pk}/confirm/")
    client.post(f"/orders/{order.pk}/close/")

    order.refresh_from_db()
    assert order.status == "closed"
    page = client.get(f"/orders/{order.pk}/").content.decode()
    assert "准时" in page
    firm = client.get(f"/organisations/{people[3].pk}/").content.decode()
    assert "准时" in firm


def test_a_dispute_is_argued_settled_and_decided_on_pages(client, order, people, real_now):
    sent(order, people, real_now)
    client.force_login(people[0])
    photo = SimpleUploadedFile("说明.txt", "60 只划伤".encode(), "text/plain")
    answer = client.post(
        f"/orders/{order.pk}/dispute/",
        {"line": "1", "quantity": "60", "kind": "quality", "text": "密封面划伤", "files": [photo]},
    )
    dispute = Dispute.objects.get()
    assert answer.url == f"/disputes/{dispute.pk}/"
    assert dispute.evidence.get().attachments.get().is_shown_to_operator

    client.force_login(people[1])
    client.post(f"/disputes/{dispute.pk}/argue/", {"text": "出厂合格"})
    client.post(f"/disputes/{dispute.pk}/settle/", {"accept": "60", "price_reduction": "600", "reason": "折价"})
    refused = client.post(f"/disputes/{dispute.pk}/settle/", {"accept": "59", "reason": "x"})
    assert refused.status_code == 422
    assert client.post(f"/disputes/{dispute.pk}/decide/", {"accept": "60", "note": "x"}).status_code == 302
    dispute.refresh_from_db()
    assert dispute.status == "open"

    client.force_login(UserFactory(is_staff=True))
    assert dispute.pk in [row.pk for row in client.get("/disputes/").context["page"].object_list]
    assert "出厂合格" in client.get(f"/disputes/{dispute.pk}/").content.decode()
    client.post(f"/disputes/{dispute.pk}/decide/", {"return": "60", "note": "检验记录成立"})

    dispute.refresh_from_db()
    assert (dispute.status, dispute.outcome["return"]) == ("decided", "60.000")
    assert Proposal.objects.get().status == "overtaken"


def test_a_dispute_is_seen_by_its_sides_alone(client, order, people, real_now):
    dispute = opened(order, people, real_now)
    client.force_login(UserFactory())
    for page, verb in itertools.product(("", "argue/", "settle/", "withdraw/"), ("get", "post")):
        if (verb == "get") == (page == ""):
            assert getattr(client, verb)(f"/disputes/{dispute.pk}/{page}").status_code == 404

    client.force_login(people[0])
    client.post(f"/disputes/{dispute.pk}/withdraw/")

    dispute.refresh_from_db()
    assert dispute.status == "withdrawn"


def test_an_invoice_goes_to_and_fro(client, order, people):
    client.force_login(people[0])
    client.post(
        f"/orders/{order.pk}/invoices/request/",
        {"kind": "digital_special", "title": "泵业", "tax_identifier": "91331021", "amount": "50000"},
    )
    invoice = Invoice.objects.get()
    client.force_login(people[1])
    said = {"kind": "digital_special", "amount": "50000", "issued_on": timezone.localdate()}
    refused = client.post(f"/invoices/{invoice.pk}/issue/", said)
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["number"])
    client.post(f"/invoices/{invoice.pk}/issue/", {**said, "number": "25332000000012345678"})
    client.force_login(people[0])
    client.post(f"/invoices/{invoice.pk}/refuse/", {"note": "抬头错"})
    client.force_login(people[1])
    client.post(f"/invoices/{invoice.pk}/issue/", {**said, "number": "25332000000012345679"})
    client.force_login(people[0])
    client.post(f"/invoices/{invoice.pk}/receive/")

    invoice.refresh_from_db()
    assert (invoice.status, invoice.number) == ("received", "25332000000012345679")
    client.force_login(UserFactory())
    for act in ("issue", "receive", "refuse", "void"):
        assert client.post(f"/invoices/{invoice.pk}/{act}/").status_code == 404


def test_a_payment_is_missed_and_withdrawn(client, order, people):
    client.force_login(people[0])
    said = {"amount": "100", "paid_on": timezone.localdate(), "method": "transfer"}
    client.post(f"/orders/{order.pk}/payments/new/", said)
    payment = Payment.objects.get()
    refused = client.post(f"/orders/{order.pk}/payments/new/", {**said, "amount": "49900.01"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["amount"])
    client.force_login(people[1])
    client.post(f"/payments/{payment.pk}/dispute/", {"note": "未到账"})
    client.force_login(people[0])
    client.post(f"/payments/{payment.pk}/withdraw/")

    payment.refresh_from_db()
    assert payment.status == "withdrawn"
    client.force_login(UserFactory())
    for act in ("confirm", "dispute", "withdraw"):
        assert client.post(f"/payments/{payment.pk}/{act}/").status_code == 404


def test_a_framework_is_called_off_on_its_page(as_buyer, people, real_now):
    framework = order_of(
        buyer=people[2],
        seller=people[3],
        kind=Order.Kind.FRAMEWORK,
        payable_amount=0,
        window_start=timezone.localdate(real_now),
        window_end=timezone.localdate(real_now) + dt.timedelta(days=90),
    )

    answer = as_buyer.post(f"/orders/{framework.pk}/call-off/", {"lines_0_quantity": "120"})

    order = Order.objects.get(kind="call_off")
    assert (answer.url, order.framework) == (f"/orders/{order.pk}/", framework)
    assert as_buyer.get(f"/orders/{framework.pk}/").status_code == 200


def test_the_contract_is_a_pdf_in_both_languages(as_buyer, order):
    for language in ("zh", "en"):
        answer = as_buyer.get(f"/orders/{order.pk}/contract.pdf?language={language}")
        content = b"".join(answer.streaming_content)
        assert (answer["Content-Type"], content[:4]) == ("application/pdf", b"%PDF")
