"""A loan from the firm's request to the supplier's payment: two people, one amount, one line."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from finance.models import Drawdown, Instalment, LogLeaf, OfflineAct, Posting, Reservation
from finance.runs.lending import free_reservations, lapse_drawdowns
from finance.runs.lines import LineExhausted
from finance.services import drawdowns
from finance.services.ledger import check_ledger
from finance.services.lines import LineNotUsable, ScoreTooLow
from marketplace.models import Notification
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import NOON
from tests.factories_assessment import AssessmentFactory
from tests.factories_lending import make_bank, make_firm, make_loan, make_tree, supplier

pytestmark = pytest.mark.django_db
D = Decimal


def test_drawdown_is_kept_then_used_at_every_node():
    tree = make_tree()
    drawdown = tree.member.draw(tree.line, 300_000)

    assert [(node.reserved, node.used) for node in tree.nodes()] == [(D(300_000), D(0))] * 4
    drawdown = tree.bank.pay_out(tree.bank.approve(drawdown))

    assert [(node.reserved, node.used) for node in tree.nodes()] == [(D(0), D(300_000))] * 4
    assert (drawdown.status, drawdown.principal_left) == ("paid_out", D(300_000))
    assert drawdown.due_on == dt.date(2026, 5, 31)
    assert drawdown.reservation.status == "drawn"
    rows = drawdown.instalments.order_by("number").values_list("principal", "interest", "due_on")
    assert list(rows) == [
        (D(0), D("1033.33"), dt.date(2026, 4, 2)),
        (D(0), D("1000.00"), dt.date(2026, 5, 2)),
        (D(300_000), D("966.67"), dt.date(2026, 5, 31)),
    ]
    assert check_ledger() == []
    assert LogLeaf.objects.filter(kind="drawdown.paid").count() == 1


def test_drawdown_waits_for_whoever_acts_next():
    bank, firm = make_bank(), make_firm()
    drawdown = firm.draw(bank.line(borrower=firm.organisation), 1000)

    assert (drawdown.status, drawdown.waits_for) == ("requested", "maker")
    drawdown = drawdowns.propose_drawdown(drawdown=drawdown, by=bank.maker, at=NOON)
    assert (drawdown.status, drawdown.waits_for) == ("proposed", "checker")
    drawdown = drawdowns.return_drawdown(drawdown=drawdown, by=bank.checker, at=NOON, note="Contract missing")
    assert (drawdown.status, drawdown.waits_for, drawdown.note) == ("requested", "maker", "Contract missing")
    drawdown = bank.approve(drawdown)
    assert (drawdown.status, drawdown.waits_for, drawdown.checker) == ("approved", "maker", bank.checker)
    act = OfflineAct.objects.get(drawdown=drawdown, kind="funds_paid")
    assert act.expected_amount == D(1000)
    told = Notification.objects.filter(user=firm.trader, channel="in_app", event="drawdown.approved")
    assert told.count() == 1


def test_drawdown_is_not_approved_by_one_person():
    bank, firm = make_bank(), make_firm()
    line = bank.line(borrower=firm.organisation)
    drawdown = firm.draw(line, 1000)
    # Somebody who works for both sides, and is maker and later checker.
    bank.organisation.memberships.create(user=firm.trader, role="maker", created_at=NOON)

    with pytest.raises(drawdowns.SecondPersonNeeded):
        drawdowns.propose_drawdown(drawdown=drawdown, by=firm.trader, at=NOON)
    bank.organisation.memberships.filter(user=firm.trader).update(role="checker")
    drawdown = drawdowns.propose_drawdown(drawdown=drawdown, by=bank.maker, at=NOON)
    with pytest.raises(drawdowns.SecondPersonNeeded):
        drawdowns.approve_drawdown(drawdown=drawdown, by=firm.trader, at=NOON)
    with pytest.raises(OnlyMembersMay):
        drawdowns.approve_drawdown(drawdown=drawdown, by=bank.maker, at=NOON)
    bank.organisation.memberships.filter(user=bank.maker).update(role="checker")
    with pytest.raises(drawdowns.SecondPersonNeeded):
        drawdowns.approve_drawdown(drawdown=drawdown, by=bank.maker, at=NOON)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("drawdown_maker_is_not_its_checker", ("maker", "maker")),
        ("drawdown_requester_decides_nothing", ("maker", "trader")),
        ("drawdown_requester_decides_nothing", ("trader", "checker")),
    ],
)
def test_database_refuses_one_person_on_both_sides(constraint, changes):
    bank, firm = make_bank(), make_firm()
    drawdown = firm.draw(bank.line(borrower=firm.organisation), 1000)
    people = {"maker": bank.maker, "checker": bank.checker, "trader": firm.trader}
    maker, checker = (people[name] for name in changes)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Drawdown.objects.filter(pk=drawdown.pk).update(maker=maker, checker=checker)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("amount", {"amount": "0"}),
        ("amount", {"amount": "0.001"}),
        ("days", {"days": "0"}),
        ("days", {"days": "999"}),
        ("repayment", {"repayment": "weekly"}),
        ("use", {"use": ""}),
        ("payee", {"payee": None}),
    ],
)
def test_request_that_says_too_little_is_refused(field, said):
    bank, firm = make_bank(), make_firm()
    line = bank.line(borrower=firm.organisation)
    whole = {"amount": "1000", "days": "90", "repayment": "bullet", "use": "valves"} | said

    payee = whole.pop("payee", supplier())

    with pytest.raises(InputRefused) as refused:
        drawdowns.request_drawdown(line=line, said=whole, payee=payee, by=firm.trader, at=NOON)

    assert list(refused.value.errors) == [field]


def test_request_above_what_is_left_is_refused():
    tree = make_tree()
    tree.member.draw(tree.line, 900_000)

    with pytest.raises(LineExhausted):
        tree.member.draw(tree.line, 100_001)
    with pytest.raises(OnlyMembersMay):
        tree.core.draw(tree.line, 1)


def test_request_with_the_same_key_draws_once():
    bank, firm = make_bank(), make_firm()
    line, payee = bank.line(borrower=firm.organisation), supplier()
    first = firm.draw(line, 1000, payee=payee, key="k-1")

    again = firm.draw(line, 1000, payee=payee, key="k-1", now=NOON + dt.timedelta(days=400))

    assert again == first
    assert Drawdown.objects.count() == 1
    with pytest.raises(drawdowns.KeyUsedForAnother):
        firm.draw(line, 1001, payee=payee, key="k-1")
    other = firm.draw(line, 1, payee=payee)
    with pytest.raises(IntegrityError, match="drawdown_key_once_per_line"), transaction.atomic():
        Drawdown.objects.filter(pk=other.pk).update(key="k-1")


def test_lower_score_stops_new_draws_and_leaves_open_loans():
    bank, firm = make_bank(), make_firm()
    line = bank.line(borrower=firm.organisation, least_score=600)
    with pytest.raises(ScoreTooLow):
        firm.draw(line, 1000)
    first = AssessmentFactory(organisation=firm.organisation, score=640, as_of=NOON)
    loan = bank.pay_out(bank.approve(firm.draw(line, 1000)))
    asked = firm.draw(line, 1000)

    later = {"scorecard": first.scorecard, "as_of": NOON + dt.timedelta(days=1)}
    AssessmentFactory(organisation=firm.organisation, score=590, **later)

    with pytest.raises(ScoreTooLow):
        firm.draw(line, 1000)
    with pytest.raises(ScoreTooLow):
        bank.approve(asked)
    loan.refresh_from_db()
    assert (loan.status, loan.principal_left, loan.risk_class) == ("paid_out", D(1000), "normal")


def test_frozen_line_stops_a_request_on_its_way():
    bank, firm = make_bank(), make_firm()
    line = bank.line(borrower=firm.organisation)
    asked = firm.draw(line, 1000)
    bank.change(line, "freeze")

    with pytest.raises(LineNotUsable):
        drawdowns.propose_drawdown(drawdown=asked, by=bank.maker, at=NOON)


def test_request_taken_back_or_refused_frees_what_it_kept():
    tree = make_tree()
    mine, theirs = tree.member.draw(tree.line, 1000), tree.member.draw(tree.line, 2000)

    drawdowns.cancel_drawdown(drawdown=mine, by=tree.member.trader, at=NOON)
    with pytest.raises(InputRefused):
        drawdowns.decline_drawdown(drawdown=theirs, by=tree.bank.maker, at=NOON, note="")
    drawdowns.decline_drawdown(drawdown=theirs, by=tree.bank.maker, at=NOON, note="No contract")

    assert [node.reserved for node in tree.nodes()] == [D(0)] * 4
    assert set(Drawdown.objects.values_list("status", flat=True)) == {"cancelled"}
    assert set(Reservation.objects.values_list("status", flat=True)) == {"freed"}
    with pytest.raises(drawdowns.DrawdownNotInStateForThis):
        drawdowns.cancel_drawdown(drawdown=mine, by=tree.member.trader, at=NOON)
    with pytest.raises(drawdowns.DrawdownNotInStateForThis):
        drawdowns.propose_drawdown(drawdown=mine, by=tree.bank.maker, at=NOON)
    assert check_ledger() == []


def test_approved_drawdown_that_is_not_paid_is_given_up_by_a_checker():
    bank, firm = make_bank(), make_firm()
    drawdown = bank.approve(firm.draw(bank.line(borrower=firm.organisation), 1000))

    with pytest.raises(drawdowns.DrawdownNotInStateForThis):
        drawdowns.decline_drawdown(drawdown=drawdown, by=bank.maker, at=NOON, note="x")
    given_up = drawdowns.decline_drawdown(drawdown=drawdown, by=bank.checker, at=NOON, note="x")

    assert given_up.status == "cancelled"
    assert OfflineAct.objects.get(drawdown=drawdown).status == "cancelled"


def test_payment_is_confirmed_by_a_second_person_with_the_amount_approved():
    bank, firm = make_bank(), make_firm()
    drawdown = bank.approve(firm.draw(bank.line(borrower=firm.organisation), 1000))
    said = {"drawdown": drawdown, "reference": "R1", "paid_on": NOON.date(), "recorded_by": bank.maker, "at": NOON}

    with pytest.raises(drawdowns.SecondPersonNeeded):
        drawdowns.confirm_paid_out(**{**said, "recorded_by": bank.checker}, amount=D(1000), by=bank.checker)
    with pytest.raises(OnlyMembersMay):
        drawdowns.confirm_paid_out(**said, amount=D(1000), by=bank.maker)
    with pytest.raises(drawdowns.NotTheAmountApproved):
        drawdowns.confirm_paid_out(**said, amount=D(999), by=bank.checker)
    for day in (dt.date(2026, 3, 3), dt.date(2026, 3, 1)):
        with pytest.raises(InputRefused):
            drawdowns.confirm_paid_out(**{**said, "paid_on": day}, amount=D(1000), by=bank.checker)
    paid = drawdowns.confirm_paid_out(**said, amount=D(1000), by=bank.checker)
    again = drawdowns.confirm_paid_out(**{**said, "drawdown": paid}, amount=D(1000), by=bank.checker)
    assert again == paid
    assert Posting.objects.filter(kind="drawdown.paid").count() == 1
    with pytest.raises(drawdowns.DrawdownNotInStateForThis):
        drawdowns.confirm_paid_out(**{**said, "reference": "R2"}, amount=D(1000), by=bank.checker)


def test_supplier_is_told_that_it_was_paid_and_not_of_the_loan():
    bank, firm = make_bank(), make_firm()
    payee = supplier()
    payee.memberships.create(user=firm.owner, role="owner", created_at=NOON)
    bank.pay_out(bank.approve(firm.draw(bank.line(borrower=firm.organisation), 1000, payee=payee)))

    told = Notification.objects.filter(event="supplier.paid", user=firm.owner, channel="in_app").get()

    assert told.data == {"order": None, "amount": "1000.00"}


def test_requests_that_nobody_acts_on_lapse():
    tree = make_tree()
    tree.member.draw(tree.line, 1000)
    approved = tree.bank.approve(tree.member.draw(tree.line, 500))
    later = NOON + dt.timedelta(days=7, hours=1)

    assert (lapse_drawdowns(now=later), lapse_drawdowns(now=later)) == (1, 0)
    assert [node.reserved for node in tree.nodes()] == [D(500)] * 4
    approved.refresh_from_db()
    assert approved.status == "approved"
    assert free_reservations(now=later) == 0


def test_schedule_belongs_to_the_loan_and_is_paid_at_most_once():
    _bank, _firm, loan = make_loan(1000)
    one = loan.instalments.get(number=1)

    for constraint, rows, changes in (
        ("instalment_is_paid_at_most_once", Instalment.objects.filter(pk=one.pk), {"interest_paid": one.interest + 1}),
        ("instalment_paid_owes_nothing", Instalment.objects.filter(pk=one.pk), {"status": "paid"}),
        ("instalment_ends_after_it_starts", Instalment.objects.filter(pk=one.pk), {"due_on": "2020-01-01"}),
        ("drawdown_owes_at_most", Drawdown.objects.filter(pk=loan.pk), {"principal_left": D(1001)}),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            rows.update(**changes)
