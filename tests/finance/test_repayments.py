"""Money that came back: two people, penalty before interest before principal, and never booked twice."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from finance.models import Drawdown, Entry, Posting, Repayment
from finance.runs.ledger import AlreadyReversed, Leg, PostingKeyReused, balance_of, post, reverse
from finance.runs.overdue import remind, watch_loans
from finance.services import repayments
from finance.services.ledger import check_ledger
from marketplace.models import Notification
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import NOON
from tests.factories_lending import make_bank, make_firm, make_loan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
D = Decimal
DAY = dt.timedelta(days=1)
FIRST, SECOND, LAST = dt.date(2026, 4, 2), dt.date(2026, 5, 2), dt.date(2026, 5, 31)


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, NOON.timetz())


def test_loan_is_repaid_by_its_schedule():
    bank, _firm, loan = make_loan(300_000)

    for number, (day, amount) in enumerate([(FIRST, "1033.33"), (SECOND, "1000"), (LAST, "300966.67")]):
        bank.repay(loan, amount, on=day, reference=f"R{number}")

    loan.refresh_from_db()
    bank.root.refresh_from_db()
    assert (loan.status, loan.principal_left, loan.risk_class) == ("repaid", D(0), "normal")
    assert (bank.root.used, bank.root.available) == (D(0), bank.root.limit)
    assert set(loan.instalments.values_list("status", flat=True)) == {"paid"}
    balance = balance_of(loan)
    assert (balance["principal"], balance["interest"], balance["penalty"], balance["used"]) == (D(0),) * 4
    assert {name: balance[name] for name in ("paid_out", "received", "interest_earned")} == {
        "paid_out": D(-300_000),
        "received": D(303_000),
        "interest_earned": D(-3000),
    }
    assert check_ledger() == []


@pytest.mark.parametrize("method", ["equal_principal", "annuity", "at_maturity"])
def test_loan_paid_as_scheduled_owes_nothing_in_between(method):
    bank, _firm, loan = make_loan(300_000, repayment=method)

    for one in loan.instalments.order_by("number"):
        bank.repay(loan, one.principal + one.interest, on=one.due_on, reference=f"R{one.number}")
        assert repayments.owed_at(loan, one.due_on)["due"] == D(0)

    loan.refresh_from_db()
    assert (loan.status, loan.principal_left) == ("repaid", D(0))
    assert not Repayment.objects.filter(penalty_part__gt=0).exists()
    assert check_ledger() == []


def test_late_payment_bears_penalty_interest_by_the_day():
    bank, _firm, loan = make_loan(300_000)
    late = FIRST + 10 * DAY
    # 4 % raised by half is 6 %: of 1,033.33 0.17 a day.
    assert repayments.owed_at(loan, late)["penalty"] == D("1.70")

    booked = bank.repay(loan, 1000, on=late, reference="R1")

    assert (booked.penalty_part, booked.interest_part, booked.principal_part) == (D("1.70"), D("998.30"), D(0))
    assert repayments.owed_at(loan, late)["due"] == D("35.03")
    assert repayments.owed_at(loan, late + DAY)["penalty"] == D("0.01")
    assert check_ledger() == []


def test_repayment_said_twice_is_booked_once():
    bank, _firm, loan = make_loan(300_000)

    first = bank.repay(loan, "1033.33", on=FIRST, reference="R1")
    again = bank.repay(loan, "1033.33", on=FIRST, reference="R1")

    assert again == first
    assert Posting.objects.filter(kind="repayment.booked").count() == 1
    with pytest.raises(repayments.RepaymentKnownWithOtherContent):
        bank.repay(loan, "1000", on=FIRST, reference="R1")


def test_repayment_is_recorded_by_one_and_confirmed_by_another():
    bank, _firm, loan = make_loan(300_000)
    said = {"amount": "1033.33", "paid_on": FIRST, "reference": "R1"}
    now = noon(FIRST)

    with pytest.raises(OnlyMembersMay):
        repayments.record_repayment(drawdown=loan, said=said, by=bank.checker, at=now)
    recorded = repayments.record_repayment(drawdown=loan, said=said, by=bank.maker, at=now)
    assert repayments.record_repayment(drawdown=loan, said=said, by=bank.maker, at=now) == recorded
    assert Posting.objects.filter(kind="repayment.booked").count() == 0
    with pytest.raises(OnlyMembersMay):
        repayments.confirm_repayment(repayment=recorded, by=bank.maker, at=now)
    bank.organisation.memberships.filter(user=bank.maker).update(role="checker")
    with pytest.raises(repayments.SecondPersonNeeded):
        repayments.confirm_repayment(repayment=recorded, by=bank.maker, at=now)
    booked = repayments.confirm_repayment(repayment=recorded, by=bank.checker, at=now)
    assert (booked.status, booked.interest_part) == ("booked", D("1033.33"))
    with pytest.raises(repayments.RepaymentNotInStateForThis):
        repayments.confirm_repayment(repayment=recorded, by=bank.checker, at=now)
    with pytest.raises(IntegrityError, match="repayment_recorder_is_not_its_checker"), transaction.atomic():
        Repayment.objects.filter(pk=booked.pk).update(checked_by=bank.maker)
    with pytest.raises(IntegrityError, match="repayment_booked_is_divided_wholly"), transaction.atomic():
        Repayment.objects.filter(pk=booked.pk).update(interest_part=1)


def test_refused_repayment_gives_its_reference_back():
    bank, _firm, loan = make_loan(300_000)
    said = {"amount": "500", "paid_on": FIRST, "reference": "R1"}
    recorded = repayments.record_repayment(drawdown=loan, said=said, by=bank.maker, at=noon(FIRST))

    with pytest.raises(InputRefused):
        repayments.refuse_repayment(repayment=recorded, by=bank.checker, at=noon(FIRST), note="")
    repayments.refuse_repayment(repayment=recorded, by=bank.checker, at=noon(FIRST), note="not ours")
    booked = bank.repay(loan, "1033.33", on=FIRST, reference="R1")

    assert booked.status == "booked"
    assert check_ledger() == []


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("amount", {"amount": "0"}),
        ("paid_on", {"paid_on": FIRST + DAY}),
        ("paid_on", {"paid_on": dt.date(2026, 3, 1)}),
        ("reference", {"reference": " "}),
        ("amount", {"amount": "3000"}),
        ("amount", {"amount": "400000", "is_early": True}),
        ("amount", {"amount": "1033.34", "is_early": False}),
    ],
)
def test_impossible_repayment_is_refused(field, said):
    bank, _firm, loan = make_loan(300_000)
    whole = {"amount": "1033.33", "paid_on": FIRST, "reference": "R1"} | said
    # The day before the second is paid as scheduled, the second may be paid ahead, nothing more.
    if said.get("amount") == "1033.34":
        bank.repay(loan, "1033.33", on=FIRST, reference="R0")
        whole["amount"] = "1000.01"

    with pytest.raises(InputRefused) as refused:
        repayments.record_repayment(drawdown=loan, said=whole, by=bank.maker, at=noon(FIRST))

    assert list(refused.value.errors) == [field]


def test_early_repayment_saves_the_interest_of_the_rest():
    bank, _firm, loan = make_loan(300_000)
    day = dt.date(2026, 3, 22)
    # 20 days of 300,000 at 4 %: 666.67; the rest off the principal.
    booked = bank.repay(loan, "100666.67", on=day, reference="R1", early=True)

    assert (booked.interest_part, booked.principal_part) == (D("666.67"), D(100_000))
    loan.refresh_from_db()
    assert loan.principal_left == D(200_000)
    rows = loan.instalments.standing().values_list("number", "due_on", "principal", "interest", "status")
    assert list(rows) == [
        (1, day, D(100_000), D("666.67"), "paid"),
        (2, FIRST, D(0), D("244.44"), "open"),
        (3, SECOND, D(0), D("666.67"), "open"),
        (4, LAST, D(200_000), D("644.44"), "open"),
    ]
    ended = bank.repay(loan, "200244.44", on=FIRST, reference="R2", early=True)
    loan.refresh_from_db()
    assert (ended.principal_part, loan.status) == (D(200_000), "repaid")
    assert check_ledger() == []


def test_early_repayment_recorded_late_takes_back_interest_that_was_written():
    bank, _firm, loan = make_loan(300_000)
    watch_loans(now=noon(FIRST + 5 * DAY))
    assert balance_of(loan)["interest"] == D("1033.33")

    day = dt.date(2026, 3, 22)
    bank.repay(loan, "300666.67", on=day, reference="R1", early=True, now=noon(FIRST + 6 * DAY))

    loan.refresh_from_db()
    assert (loan.status, loan.overdue_since, loan.risk_class) == ("repaid", None, "normal")
    assert balance_of(loan)["interest_earned"] == D("-666.67")
    assert Posting.objects.filter(kind="reversal").count() == 1
    assert check_ledger() == []


def test_next_instalment_may_be_paid_ahead_and_the_rest_ended():
    bank, _firm, loan = make_loan(300_000)
    bank.repay(loan, "1033.33", on=dt.date(2026, 3, 25), reference="R1")

    bank.repay(loan, "300000", on=dt.date(2026, 3, 28), reference="R2", early=True)

    loan.refresh_from_db()
    assert loan.status == "repaid"
    assert check_ledger() == []


def test_repayment_before_one_that_was_booked_is_refused():
    bank, _firm, loan = make_loan(300_000)
    bank.repay(loan, 100, on=FIRST, reference="R1")

    with pytest.raises(InputRefused, match="later day"):
        bank.repay(loan, 100, on=FIRST - DAY, reference="R2", now=noon(FIRST))


def test_nothing_is_repaid_of_a_loan_that_is_not_open():
    bank, firm = make_bank(), make_firm()
    asked = firm.draw(bank.line(borrower=firm.organisation), 1000)

    with pytest.raises(repayments.LoanNotOpen):
        bank.repay(asked, 10, on=NOON.date(), reference="R1")


def test_overdue_loan_goes_down_the_five_classes_and_back():
    bank, firm, loan = make_loan(300_000)

    classes = []
    for days in (0, 1, 90, 91, 270, 271, 360, 361):
        watch_loans(now=noon(FIRST + days * DAY))
        classes.append(Drawdown.objects.get(pk=loan.pk).risk_class)

    mention = "special_mention"
    assert classes == ["normal", mention, mention, *["substandard"] * 2, *["doubtful"] * 2, "loss"]
    steps = loan.class_changes.order_by("pk").values_list("before", "after", "days_overdue")
    assert list(steps) == [
        ("normal", "special_mention", 1),
        ("special_mention", "substandard", 91),
        ("substandard", "doubtful", 271),
        ("doubtful", "loss", 361),
    ]
    told = Notification.objects.filter(event="repayment.overdue", channel="in_app")
    assert (told.filter(user=firm.trader).count(), told.filter(user=bank.maker).count()) == (4, 4)
    assert watch_loans(now=noon(FIRST + 361 * DAY)) == 0

    day = FIRST + 362 * DAY
    owed = repayments.owed_at(loan, day)["to_end"]
    bank.repay(loan, owed, on=day, reference="R1")
    loan.refresh_from_db()
    assert (loan.status, loan.risk_class, loan.overdue_since) == ("repaid", "normal", None)
    assert check_ledger() == []


def test_firm_is_reminded_seven_and_three_days_before_and_on_the_day():
    _bank, firm, loan = make_loan(300_000)

    for days in range(10, -1, -1):
        remind(now=noon(FIRST - days * DAY))
        remind(now=noon(FIRST - days * DAY))

    told = Notification.objects.filter(event="repayment.due", user=firm.trader, channel="in_app")
    assert told.count() == 3
    assert {row.data["drawdown"] for row in told} == {loan.pk}


def test_period_without_interest_is_never_overdue():
    bank, _firm, loan = make_loan(300_000, rate_bp=0)

    watch_loans(now=noon(SECOND + DAY))
    loan.refresh_from_db()
    assert (loan.risk_class, loan.overdue_since) == ("normal", None)
    bank.repay(loan, 300_000, on=LAST, reference="R1")
    loan.refresh_from_db()
    assert loan.status == "repaid"


def test_posting_is_known_by_its_key():
    bank, _firm, loan = make_loan(1000)
    said = {"key": "k", "kind": "x", "line": loan.line, "at": NOON, "booked_on": NOON.date()}
    first = post(**said, legs=[Leg("received", "principal", D(5))])

    assert post(**said, legs=[Leg("received", "principal", D(5))]) == first
    assert first.entries.count() == 2
    with pytest.raises(PostingKeyReused):
        post(**said, legs=[Leg("received", "principal", D(6))])
    assert [str(one.what) for one in check_ledger()] == []
    opposite = reverse(posting=first, at=NOON, booked_on=NOON.date())
    assert reverse(posting=first, at=NOON, booked_on=NOON.date()) == opposite
    with pytest.raises(AlreadyReversed):
        reverse(posting=opposite, at=NOON, booked_on=NOON.date())
    both = Entry.objects.filter(posting__in=[first, opposite]).balances()
    assert both == {"received": D(0), "principal": D(0)}
    assert bank.organisation.pk == first.bank_id


def test_ledger_refuses_changes_and_what_does_not_balance():
    _bank, _firm, loan = make_loan(1000)
    posting = Posting.objects.filter(drawdown=loan).first()

    for write in (
        lambda: Posting.objects.filter(pk=posting.pk).update(kind="y"),
        lambda: posting.entries.update(account="used"),
        lambda: posting.entries.all().delete(),
        lambda: Entry.objects.create(posting=posting, account="used", debit=D(1)),
        lambda: Entry.objects.create(posting=posting, account="used", debit=D(1), credit=D(1)),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_check_of_the_ledger_finds_what_was_written_around_it():
    _bank, _firm, loan = make_loan(1000)

    Drawdown.objects.filter(pk=loan.pk).update(principal_left=D(900))

    found = {(one.what, one.account) for one in check_ledger()}
    assert (f"loan {loan.number}", "principal") in found
    assert (f"line {loan.line.number}", "owed") in found
