import datetime as dt

import pytest
from django.utils import timezone

from finance import tasks
from finance.models import EarlyWarning, Finding, FindingRun, TransactionRecord, WarningRun
from finance.runs import warnings
from marketplace.models import Dispute, Notification
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_assessment import AssessmentFactory, ScorecardFactory
from tests.factories_consent import ConsentFactory
from tests.factories_monitoring import (
    EarlyWarningFactory,
    LineFactory,
    LoanFactory,
    WarningRunFactory,
    bank_with,
    invoice,
    payment,
)
from tests.factories_order import order_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def line():
    """Return the line of a firm that lets its bank watch everything."""
    line = LineFactory(bank=bank_with(maker=UserFactory()))
    ConsentFactory(firm=line.borrower, reader=line.bank, purpose="monitoring")
    return line


def look(line, now, *, days=0):
    """Look at the bank's firms on the night so many days later; return the kinds that stand."""
    at = now + dt.timedelta(days=days)
    run = WarningRun.objects.request(bank_id=line.bank_id, day=timezone.localdate(at), now=at)
    warnings.look_for_signs(WarningRun.objects.claim(run.pk, now=at), clock=lambda: at)
    return set(EarlyWarning.objects.standing().filter(line=line).values_list("kind", flat=True))


def sell(firm, now, *, amount_of, customer_of=lambda _day: "B1", until=0):
    """Write weekly sales of two years that end so many days ago."""
    rows = []
    for age in range(until, 700, 7):
        day = timezone.localdate(now) - dt.timedelta(days=age)
        net = amount_of(age)
        rows.append(
            TransactionRecord(
                organisation=firm,
                kind="sales",
                source="invoice",
                key=f"{day}",
                occurred_on=day,
                known_at=now - dt.timedelta(days=1),
                counterparty_code=customer_of(age),
                net_amount=net,
                total_amount=net,
                sha256="0" * 64,
            )
        )
    TransactionRecord.objects.bulk_create(rows)


def test_firm_that_sells_as_ever_is_not_warned_of(line, now):
    sell(line.borrower, now, amount_of=lambda _age: 1000)

    assert look(line, now) == set()
    run = WarningRun.objects.get()
    assert (run.status, run.firms, run.unseen, run.opened) == ("done", 1, 0, 0)


def test_sales_that_fell_are_warned_of_and_the_makers_told_once(line, now):
    sell(line.borrower, now, amount_of=lambda age: 200 if age < 90 else 1000)

    assert look(line, now) == {"sales_drop"}

    warning = EarlyWarning.objects.get()
    assert (warning.severity, warning.group, warning.act_by) == ("serious", "sales", now + dt.timedelta(days=2))
    assert warning.evidence["share"] < 0.3
    told = Notification.objects.filter(event="credit.warned", channel="in_app")
    assert told.count() == 1
    look(line, now, days=1)
    assert Notification.objects.filter(event="credit.warned", channel="in_app").count() == 1


def test_nothing_is_looked_at_without_a_standing_consent_to_watch(now):
    line = LineFactory(bank=bank_with(maker=UserFactory()))
    ConsentFactory(firm=line.borrower, reader=line.bank, purpose="review")
    ConsentFactory(firm=line.borrower, reader=line.bank, purpose="monitoring", groups=["score"])
    sell(line.borrower, now, amount_of=lambda age: 200 if age < 90 else 1000)

    assert look(line, now) == set()


def test_firms_that_let_nothing_be_watched_are_counted(now):
    line = LineFactory(bank=bank_with(maker=UserFactory()))

    look(line, now)

    assert WarningRun.objects.get().unseen == 1


def test_customer_that_left_is_named_only_where_counterparties_are_shown(line, now):
    sell(
        line.borrower,
        now,
        amount_of=lambda _age: 1000,
        customer_of=lambda age: "B2" if age // 7 % 2 and age > 130 else "B1",
    )

    assert "counterparty_lost" in look(line, now)
    warning = EarlyWarning.objects.get(kind="counterparty_lost")
    assert warning.evidence["customer"] == "B2"

    line.bank.consents_received.update(groups=["sales"])
    look(line, now, days=1)
    warning.refresh_from_db()
    assert "customer" not in warning.evidence


def test_records_that_stopped_are_warned_of_alone(line, now):
    sell(line.borrower, now, amount_of=lambda _age: 1000, until=120)

    assert look(line, now) == {"records_stopped"}


def test_score_that_fell_since_the_line_was_opened_is_warned_of(line, now):
    scorecard = ScorecardFactory()
    said = {"organisation": line.borrower, "scorecard": scorecard}
    AssessmentFactory(as_of=line.opened_at - dt.timedelta(days=1), score=650, **said)
    AssessmentFactory(as_of=now - dt.timedelta(days=1), score=610, **said)

    assert look(line, now) == {"score_fall"}
    assert EarlyWarning.objects.get().evidence["then"] == 650


def test_score_below_what_the_line_asks_is_serious(line, now):
    line.least_score = 630
    line.save()
    AssessmentFactory(organisation=line.borrower, as_of=now - dt.timedelta(days=1), score=625)

    look(line, now)

    assert EarlyWarning.objects.get().severity == "serious"


def test_overdue_loan_is_warned_of_without_any_consent(now):
    line = LineFactory(bank=bank_with(maker=UserFactory()))
    LoanFactory(line=line, overdue_since=timezone.localdate(now) - dt.timedelta(days=40))

    assert look(line, now) == {"overdue"}
    assert EarlyWarning.objects.get().severity == "serious"


def test_new_findings_are_warned_of(line, now):
    run = FindingRun.objects.create(organisation=line.borrower, as_of=now, requested_at=now)
    at = {"found_at": now - dt.timedelta(days=3), "seen_at": now, "run": run}
    Finding.objects.create(organisation=line.borrower, kind="ring", severity="grave", key="1", discount=5, **at)
    Finding.objects.create(organisation=line.borrower, kind="burst", severity="note", key="2", **at)

    assert look(line, now) == {"findings"}
    assert EarlyWarning.objects.get().evidence["grave"] == 1


def test_disputes_that_multiply_are_warned_of(line, now):
    order = order_of(buyer=OrganisationFactory(), seller=line.borrower)
    for days in (3, 9, 15):
        Dispute.objects.create(
            order=order,
            line=order.lines.get(),
            quantity=1,
            source="in_delivery",
            kind="quality",
            text="x",
            opened_for=order.buyer,
            opened_by=order.confirmed_by,
            opened_at=now - dt.timedelta(days=days),
        )

    assert look(line, now) == {"disputes"}


def test_suppliers_paid_later_are_warned_of(line, now):
    order = order_of(buyer=line.borrower, seller=OrganisationFactory())
    today = timezone.localdate(now)
    for place in range(28):
        due = today - dt.timedelta(days=300 - place * 10)
        one = invoice(order, number=str(place), issued=due - dt.timedelta(days=30), due=due)
        late = 40 if due > today - dt.timedelta(days=90) else 1
        if due + dt.timedelta(days=late) <= today:
            payment(order, amount="1000", on=due + dt.timedelta(days=late), invoice=one)

    assert look(line, now) == {"payment_delay"}


def test_warning_passes_when_the_sign_is_gone(line, now):
    loan = LoanFactory(line=line, overdue_since=timezone.localdate(now) - dt.timedelta(days=4))
    look(line, now)
    loan.overdue_since = None
    loan.save()

    assert look(line, now, days=1) == set()
    assert WarningRun.objects.latest("day").passed == 1


def test_warning_stays_when_the_bank_may_no_longer_look(line, now):
    warning = EarlyWarningFactory(line=line, run=WarningRunFactory(bank=line.bank, day=dt.date(2026, 1, 1)))
    line.bank.consents_received.all().delete()

    look(line, now)

    warning.refresh_from_db()
    assert warning.status == "open"


def test_answered_warning_asks_again_when_it_turns_serious(line, now):
    loan = LoanFactory(line=line, overdue_since=timezone.localdate(now) - dt.timedelta(days=10))
    look(line, now)
    said = {"answer": "contact", "answer_text": "x", "answered_by": UserFactory(), "answered_at": now}
    EarlyWarning.objects.update(status="answered", **said)

    look(line, now, days=5)
    assert EarlyWarning.objects.standing().get().status == "answered"

    look(line, now, days=30)
    first, second = EarlyWarning.objects.order_by("pk")
    assert (first.status, first.answer, second.status, second.severity) == ("passed", "contact", "open", "serious")
    assert loan.line_id == second.line_id


def test_look_heard_twice_is_done_once(line, now):
    run = WarningRun.objects.request(bank_id=line.bank_id, day=now.date(), now=now)

    tasks.look_for_signs(run.pk)
    tasks.look_for_signs(run.pk)

    run.refresh_from_db()
    assert (run.status, run.attempt) == ("done", 1)


def test_look_that_breaks_says_why(line, now, monkeypatch):
    monkeypatch.setattr(warnings, "signs_of", lambda _watch: 1 / 0)
    run = WarningRun.objects.request(bank_id=line.bank_id, day=now.date(), now=now)

    with pytest.raises(ZeroDivisionError):
        warnings.look_for_signs(WarningRun.objects.claim(run.pk, now=now), clock=lambda: now)

    run.refresh_from_db()
    assert (run.status, run.failure) == ("failed", "ZeroDivisionError: division by zero")


def test_looks_are_asked_for_once_a_night_and_bank(line, now):
    assert len(warnings.request_due(now=now)) == 1
    assert warnings.request_due(now=now) == []
    assert len(warnings.request_due(now=now + dt.timedelta(days=1))) == 1
