"""The same invoice is never lent on twice, by whatever bank, in whatever parts."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from config.errors import InputRefused
from finance import tasks
from finance.models import Actor, Assignment, Drawdown, LogLeaf, Receivable
from finance.services import assignments, receivables
from finance.vouchers.fingerprint import fingerprint, invoice_identity
from marketplace.models import Notification, Payment
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_consent import TransactionRecordFactory
from tests.factories_lending import make_loan
from tests.factories_receivable import invoice_of, member, part_of, receivable_of
from tests.factories_voucher import bank
from tests.races import race

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def seller():
    return OrganisationFactory()


@pytest.fixture
def buyer():
    return OrganisationFactory()


@pytest.fixture
def lender():
    return bank()


def act(service, assignment, role, *, organisation=None, now=NOON, **said):
    by = member(organisation or assignment.bank, role)
    service(assignment=assignment, by=by, now=now, **said)
    assignment.refresh_from_db()


# --- The fingerprint ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("033002100211", "00123456"), ("33002100211", "123456")),
        (("033002100211", "00123456"), ("", "03300210021100123456")),
        (("０３３００２１００２１１", "00 123-456"), ("033002100211", "00123456")),
        (("", "inv-0042"), ("", "INV 0042")),
        (("", "24332000000012345678"), ("243320000000", "24332000000012345678")),
    ],
)
def test_identity_is_the_same_however_an_invoice_was_typed(one, other):
    assert invoice_identity(*one) == invoice_identity(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("033002100211", "00123456"), ("033002100211", "00123457")),
        (("033002100211", "00123456"), ("033002100212", "00123456")),
        (("", "A1"), ("", "A2")),
        (("12", "3"), ("1", "23")),
    ],
)
def test_identity_differs_for_another_invoice(one, other):
    assert invoice_identity(*one) != invoice_identity(*other)


def test_fingerprint_needs_a_seller_and_a_number():
    said = {"buyer": "B", "invoice_code": "", "face": D(1), "currency": "CNY", "issued_on": dt.date(2026, 3, 1)}

    for seller, number in (("", "1"), ("S", "--")):
        with pytest.raises(ValueError, match="named by"):
            fingerprint(seller=seller, invoice_number=number, **said)


# --- Register and accept ---


def test_register_of_a_received_invoice_is_accepted_at_once(seller, buyer):
    made = receivable_of(seller, buyer)

    assert made.status == Receivable.Status.ACCEPTED
    assert (made.face, made.free, made.due_on) == (D("50000.00"), D("50000.00"), dt.date(2026, 5, 30))
    assert LogLeaf.objects.get().content["fingerprint"] == made.fingerprint


def test_register_of_an_issued_invoice_waits_for_its_buyer(seller, buyer):
    approver = member(buyer, "approver")

    made = receivable_of(seller, buyer, status="issued")

    assert made.status == Receivable.Status.REGISTERED
    assert Notification.objects.filter(event="receivable.registered", user=approver).exists()


def test_register_the_same_invoice_again_is_refused(seller, buyer):
    made = receivable_of(seller, buyer)

    with pytest.raises(receivables.ReceivableAlreadyRegistered):
        receivables.register_invoice(invoice=made.invoice, by=member(seller, "trader"), now=NOON)
    upload = TransactionRecordFactory(
        organisation=seller,
        counterparty=buyer,
        number="24332000000012345678",
        net_amount=44000,
        tax_amount=5720,
        total_amount=49720,
    )
    with pytest.raises(receivables.ReceivableAlreadyRegistered):
        receivables.register_record(record=upload, by=member(seller, "trader"), now=NOON)
    assert Receivable.objects.count() == 1


@pytest.mark.parametrize("status", ["requested", "refused", "void"])
def test_register_of_an_invoice_that_does_not_stand_is_refused(status, seller, buyer):
    invoice = invoice_of(seller, buyer, status="received")
    type(invoice).objects.filter(pk=invoice.pk).update(status=status)

    with pytest.raises(receivables.InvoiceNotToLendOn):
        receivables.register_invoice(invoice=invoice, by=member(seller, "trader"), now=NOON)


def test_register_of_an_upload_needs_a_buyer_that_is_here(seller, buyer):
    trader = member(seller, "trader")
    unknown = TransactionRecordFactory(organisation=seller)
    known = TransactionRecordFactory(organisation=seller, counterparty=buyer)

    with pytest.raises(receivables.InvoiceNotToLendOn):
        receivables.register_record(record=unknown, by=trader, now=NOON)
    with pytest.raises(InputRefused):
        receivables.register_record(record=known, due_on=dt.date(2020, 1, 1), by=trader, now=NOON)
    made = receivables.register_record(record=known, by=trader, now=NOON)
    assert made.status == Receivable.Status.REGISTERED
    assert made.face == known.total_amount


def test_answer_is_the_buyers_and_final(seller, buyer):
    made = receivable_of(seller, buyer, status="issued")
    approver = member(buyer, "approver")

    with pytest.raises(OnlyMembersMay):
        receivables.answer_receivable(receivable=made, accepts=True, by=member(seller, "owner"), now=NOON)
    receivables.answer_receivable(receivable=made, accepts=True, note="ok", by=approver, now=NOON)
    with pytest.raises(receivables.ReceivableNotInStateForThis):
        receivables.answer_receivable(receivable=made, accepts=False, by=approver, now=NOON)

    made.refresh_from_db()
    assert (made.status, made.answer_note) == (Receivable.Status.ACCEPTED, "ok")


def test_cancel_keeps_the_invoice_known(seller, buyer, lender):
    made, trader = receivable_of(seller, buyer), member(seller, "trader")
    part = part_of(made, lender)
    with pytest.raises(receivables.ReceivableIsAssigned):
        receivables.cancel_receivable(receivable=made, by=trader, now=NOON)
    act(assignments.withdraw_assignment, part, "trader", organisation=seller)

    receivables.cancel_receivable(receivable=made, by=trader, now=NOON)

    with pytest.raises(receivables.ReceivableNotInStateForThis):
        receivables.cancel_receivable(receivable=made, by=trader, now=NOON)
    with pytest.raises(receivables.ReceivableAlreadyRegistered):
        receivables.register_invoice(invoice=made.invoice, by=trader, now=NOON)


# --- Parts ---


def test_parts_never_exceed_the_face(seller, buyer, lender):
    made = receivable_of(seller, buyer)
    part_of(made, lender, "30000")
    part_of(made, bank(), "20000")

    with pytest.raises(assignments.NotSoMuchIsFree):
        part_of(made, bank(), "0.01")
    made.refresh_from_db()
    assert made.assigned == made.face


def test_parts_leave_out_what_the_buyer_paid(seller, buyer, lender):
    made = receivable_of(seller, buyer)
    Payment.objects.create(
        order=made.invoice.order,
        invoice=made.invoice,
        amount=D(45000),
        paid_on=dt.date(2026, 3, 2),
        recorded_for=buyer,
        recorded_by=UserFactory(),
        recorded_at=NOON,
    )

    with pytest.raises(assignments.NotSoMuchIsFree, match="5,000"):
        part_of(made, lender, "5000.01")
    part_of(made, lender, "5000")


def test_parts_are_of_accepted_receivables_alone(seller, buyer, lender):
    made = receivable_of(seller, buyer, status="issued")

    with pytest.raises(assignments.NotSoMuchIsFree):
        part_of(made, lender)


@pytest.mark.parametrize("said", [{"amount": "0"}, {"amount": "x"}, {"amount": "1", "kind": "gift"}])
def test_part_that_cannot_be_is_refused(said, seller, buyer, lender):
    made = receivable_of(seller, buyer)

    with pytest.raises(InputRefused):
        assignments.offer_assignment(receivable=made, bank=lender, said=said, by=member(seller, "trader"), now=NOON)
    with pytest.raises(InputRefused):
        assignments.offer_assignment(
            receivable=made, bank=buyer, said={"amount": "1"}, by=member(seller, "trader"), now=NOON
        )


def test_part_is_taken_with_four_eyes_and_released(seller, buyer, lender):
    made = receivable_of(seller, buyer)
    part = part_of(made, lender)

    act(assignments.propose_assignment, part, "maker")
    assert (part.status, part.waits_for) == (Assignment.Status.PROPOSED, Actor.CHECKER)
    act(assignments.confirm_assignment, part, "checker")
    assert (part.status, part.waits_for, part.act_by) == (Assignment.Status.STANDING, Actor.NOBODY, None)
    act(assignments.release_assignment, part, "checker", note="repaid")

    made.refresh_from_db()
    assert (part.status, made.assigned) == (Assignment.Status.RELEASED, 0)
    kinds = list(LogLeaf.objects.in_order().values_list("kind", flat=True))
    assert kinds == [
        "receivable.registered",
        "receivable.offered",
        "receivable.proposed",
        "receivable.assigned",
        "receivable.released",
    ]


def test_maker_cannot_check(seller, buyer, lender):
    part = part_of(receivable_of(seller, buyer), lender)
    act(assignments.propose_assignment, part, "maker")
    part.bank.memberships.filter(user=part.made_by).update(role="checker")

    with pytest.raises(assignments.MakerCannotCheck):
        assignments.confirm_assignment(assignment=part, by=part.made_by, now=NOON)
    with pytest.raises(IntegrityError, match="two_pairs_of_eyes"), transaction.atomic():
        Assignment.objects.filter(pk=part.pk).update(checked_by=part.made_by)


def test_steps_out_of_turn_are_refused(seller, buyer, lender):
    made = receivable_of(seller, buyer)
    part = part_of(made, lender)

    for service, role in (
        (assignments.confirm_assignment, "checker"),
        (assignments.release_assignment, "checker"),
    ):
        with pytest.raises(assignments.AssignmentNotInStateForThis):
            act(service, part, role)
    act(assignments.decline_assignment, part, "maker", note="no")
    for service in (assignments.propose_assignment, assignments.decline_assignment):
        with pytest.raises(assignments.AssignmentNotInStateForThis):
            act(service, part, "maker")
    made.refresh_from_db()
    assert made.assigned == 0


def test_offer_lapses_when_the_bank_says_nothing(seller, buyer, lender):
    made = receivable_of(seller, buyer)
    part = part_of(made, lender)
    late = part.act_by + dt.timedelta(seconds=1)

    with pytest.raises(assignments.AssignmentNotInStateForThis):
        act(assignments.propose_assignment, part, "maker", now=late)
    # The clock of the task is the real one, long after the offer.
    tasks.lapse_assignments()
    tasks.lapse_assignments()

    part.refresh_from_db()
    made.refresh_from_db()
    assert (part.status, made.assigned) == (Assignment.Status.LAPSED, 0)


def test_part_comes_free_when_its_loan_is_repaid(seller, buyer, lender):
    made = receivable_of(seller, buyer)
    part = part_of(made, lender)
    act(assignments.propose_assignment, part, "maker")
    act(assignments.confirm_assignment, part, "checker")
    _bank, _firm, loan = make_loan()
    Assignment.objects.filter(pk=part.pk).update(drawdown=loan)

    tasks.lapse_assignments()
    part.refresh_from_db()
    assert part.status == Assignment.Status.STANDING
    Drawdown.objects.filter(pk=loan.pk).update(status=Drawdown.Status.REPAID, principal_left=0, ended_at=NOON)
    tasks.lapse_assignments()
    tasks.lapse_assignments()

    part.refresh_from_db()
    made.refresh_from_db()
    assert (part.status, made.assigned) == (Assignment.Status.RELEASED, 0)


@pytest.mark.django_db(transaction=True)
def test_two_banks_at_once_get_no_more_than_there_is():
    made = receivable_of(OrganisationFactory(), OrganisationFactory())
    banks = [bank() for _ in range(4)]
    member(made.seller, "trader")

    outcomes = race(*[lambda one=one: part_of(made, one, "20000") for one in banks])

    taken = [one for one in outcomes if isinstance(one, Assignment)]
    assert len(taken) == 2
    made.refresh_from_db()
    assert made.assigned == D(40000)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"assigned": 60000}, "receivable_is_assigned_up_to_its_face"),
        ({"assigned": -1}, "receivable_is_assigned_up_to_its_face"),
        ({"face": 0}, "receivable_face_is_positive"),
        ({"due_on": dt.date(2020, 1, 1)}, "receivable_due_after_issue"),
        ({"status": "registered", "assigned": 5}, "receivable_is_assigned_only_once_accepted"),
        ({"invoice": None}, "receivable_comes_from_one_source"),
        ({"answered_by": None}, "receivable_answered_at_goes_with_answered_by"),
        ({"answered_by": None, "answered_at": None}, "receivable_accepted_was_answered"),
    ],
)
def test_database_refuses_a_receivable_that_cannot_be(change, constraint, seller, buyer):
    made = receivable_of(seller, buyer)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Receivable.objects.filter(pk=made.pk).update(**change)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"amount": 0}, "assignment_amount_is_positive"),
        ({"status": "standing", "act_by": None, "waits_for": "nobody"}, "assignment_standing_was_made_and_checked"),
        ({"act_by": None}, "assignment_waiting_has_a_clock"),
        ({"status": "declined", "act_by": None, "waits_for": "nobody"}, "assignment_ended_at_goes_with_status"),
    ],
)
def test_database_refuses_a_part_that_cannot_be(change, constraint, seller, buyer, lender):
    part = part_of(receivable_of(seller, buyer), lender)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Assignment.objects.filter(pk=part.pk).update(**change)


# --- What others learn ---


def asked(receivable, **changes):
    return {
        "seller": receivable.seller.uscc,
        "buyer": receivable.buyer.uscc,
        "invoice_code": "",
        "invoice_number": receivable.invoice_number,
        "face": "50000.00",
        "currency": "CNY",
        "issued_on": "2026-03-01",
        **changes,
    }


def test_check_tells_whether_somebody_lends_and_never_who(seller, buyer, lender):
    made, other = receivable_of(seller, buyer), bank()
    api = APIClient()
    api.force_authenticate(member(other, "maker"))
    url = "/api/v1/finance/receivables/check/"

    unknown = api.post(url, asked(made, invoice_number="9")).json()
    free = api.post(url, asked(made)).json()
    part_of(made, lender, "20000")
    partly = api.post(url, asked(made)).json()
    part_of(made, lender, "30000")
    whole = api.post(url, asked(made)).json()
    differs = api.post(url, asked(made, face="49999.99")).json()

    states = [one["state"] for one in (unknown, free, partly, whole, differs)]
    assert states == ["unknown", "free", "partly_assigned", "assigned", "differs"]
    assert set(whole) == {"fingerprint", "state", "is_accepted"}
    assert api.get(f"/api/v1/finance/receivables/{made.pk}/").status_code == 404
    firm = APIClient()
    firm.force_authenticate(member(seller, "owner"))
    assert firm.post(url, asked(made)).status_code == 403
    assert api.post(url, asked(made, invoice_number="-")).status_code == 400


def test_bank_sees_its_own_part_and_not_the_others(client, seller, buyer, lender):
    made, other = receivable_of(seller, buyer), bank(uscc=None, identifier_type="lei", foreign_identifier="X1")
    type(other).objects.filter(pk=other.pk).update(name_zh="别家银行")
    part_of(made, lender, "20000")
    part_of(made, other, "30000")
    client.force_login(member(lender, "maker"))
    api = APIClient()
    api.force_authenticate(member(lender, "maker"))

    page = client.get(reverse("finance:receivable_detail", args=[made.pk])).content.decode()
    row = api.get(f"/api/v1/finance/receivables/{made.pk}/").json()

    assert "20,000" in page
    assert "别家银行" not in page
    assert "30,000" not in page
    assert row["assigned"] is None
    assert [one["amount"] for one in row["parts"]] == ["20000.00"]


# --- Pages and API ---


def test_receivable_pages_carry_it_from_invoice_to_release(client, seller, buyer, lender):
    invoice = invoice_of(seller, buyer, status="issued")
    trader, approver = member(seller, "trader"), member(buyer, "approver")
    client.force_login(trader)
    made = client.post(reverse("finance:receivable_create"), {"invoice": invoice.pk})
    receivable = Receivable.objects.get()
    page = reverse("finance:receivable_detail", args=[receivable.pk])
    assert made.url == page
    client.force_login(approver)
    assert 'name="answer"' in client.get(page).content.decode()
    client.post(reverse("finance:receivable_answer", args=[receivable.pk]), {"answer": "accept"})
    client.force_login(trader)
    offer = reverse("finance:receivable_offer", args=[receivable.pk])
    said = {"bank": lender.pk, "kind": "pledged", "amount": "60000"}
    assert client.post(offer, said).status_code == 409
    client.post(offer, {**said, "amount": "20000"})
    part = Assignment.objects.get()
    client.force_login(member(lender, "maker"))
    client.post(reverse("finance:assignment_propose", args=[part.pk]))
    client.force_login(member(lender, "checker"))
    client.post(reverse("finance:assignment_act", args=[part.pk, "confirm"]))
    part.refresh_from_db()
    assert (part.status, part.kind) == ("standing", "pledged")
    assert receivable.number in client.get(reverse("finance:receivable_list")).content.decode()
    client.post(reverse("finance:assignment_act", args=[part.pk, "release"]))
    client.force_login(trader)
    client.post(reverse("finance:receivable_cancel", args=[receivable.pk]))
    receivable.refresh_from_db()
    assert receivable.status == "cancelled"
    for show in ("owed", "owing", "nonsense"):
        assert client.get(reverse("finance:receivable_list"), {"show": show}).status_code == 200
    assert client.post(reverse("finance:receivable_create"), {"invoice": ""}).status_code == 422


def test_receivable_pages_are_not_for_strangers(client, seller, buyer, lender):
    part = part_of(receivable_of(seller, buyer), lender)
    client.force_login(member(OrganisationFactory(), "owner"))

    assert client.get(reverse("finance:receivable_detail", args=[part.receivable_id])).status_code == 404
    for name in ("receivable_answer", "receivable_cancel", "receivable_offer"):
        assert client.post(reverse(f"finance:{name}", args=[part.receivable_id])).status_code == 404
    assert client.post(reverse("finance:assignment_propose", args=[part.pk])).status_code == 404
    assert client.post(reverse("finance:assignment_act", args=[part.pk, "confirm"])).status_code == 404
    assert client.get(reverse("finance:receivable_check")).status_code == 404


def test_receivable_list_asks_as_much_for_three_as_for_one(client, seller, buyer):
    client.force_login(member(seller, "trader"))
    receivable_of(seller, buyer)
    queries(client)
    one = queries(client)
    for n in range(2):
        receivable_of(seller, buyer, number=f"2433200000001234567{n}")

    assert queries(client) == one


def queries(client):
    with CaptureQueriesContext(connection) as asked_for:
        client.get(reverse("finance:receivable_list"))
    return len(asked_for)


def test_check_page_says_what_the_bank_may_know(client, seller, buyer, lender):
    made = receivable_of(seller, buyer)
    client.force_login(member(lender, "maker"))
    url = reverse("finance:receivable_check")

    free = client.get(url, asked(made)).content.decode()
    part_of(made, bank(), "50000")
    taken = client.get(url, asked(made)).content.decode()

    assert "notice is-success" in free
    assert "notice is-error" in taken
    assert client.get(url).status_code == 200
    assert client.get(url, {"seller": "x"}).status_code == 422


def test_api_carries_it_from_record_to_release(seller, buyer, lender):
    record = TransactionRecordFactory(organisation=seller, counterparty=buyer)
    people = {name: APIClient() for name in ("trader", "approver", "maker", "checker")}
    for name, organisation in (("trader", seller), ("approver", buyer), ("maker", lender), ("checker", lender)):
        people[name].force_authenticate(member(organisation, name))
    base = "/api/v1/finance/"

    made = people["trader"].post(f"{base}receivables/", {"record": record.pk}).json()
    answered = people["approver"].post(f"{base}receivables/{made['id']}/answer/", {"accepts": True}).json()
    part = people["trader"].post(f"{base}receivables/{made['id']}/parts/", {"bank": lender.pk, "amount": "100"}).json()
    people["maker"].post(f"{base}assignments/{part['id']}/propose/", {})
    standing = people["checker"].post(f"{base}assignments/{part['id']}/confirm/").json()
    released = people["checker"].post(f"{base}assignments/{part['id']}/release/", {"note": "paid"}).json()
    second = people["trader"].post(f"{base}receivables/{made['id']}/parts/", {"bank": lender.pk, "amount": "50"}).json()
    third = people["trader"].post(f"{base}receivables/{made['id']}/parts/", {"bank": lender.pk, "amount": "50"}).json()
    withdrawn = people["trader"].post(f"{base}assignments/{second['id']}/withdraw/").json()
    declined = people["maker"].post(f"{base}assignments/{third['id']}/decline/", {}).json()
    cancelled = people["trader"].post(f"{base}receivables/{made['id']}/cancel/").json()

    assert answered["status"] == "accepted"
    states = [one["status"] for one in (standing, released, withdrawn, declined, cancelled)]
    assert states == ["standing", "released", "withdrawn", "declined", "cancelled"]
    assert people["trader"].post(f"{base}receivables/", {}).status_code == 400
    assert len(people["maker"].get(f"{base}receivables/").json()["results"]) == 1
    assert people["maker"].get(f"{base}receivables/{made['id']}/").json()["number"] == made["number"]
