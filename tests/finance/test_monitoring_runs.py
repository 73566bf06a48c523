import datetime as dt

import pytest
from django.utils import timezone

from finance import tasks
from finance.models import Alarm, MonitoringRun
from finance.runs import monitoring
from finance.runs.monitoring_facts import decisions_of, outcomes_of
from finance.scoring.model_watch import Outcome, Raised
from marketplace.models import Notification
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_application import ApplicationFactory
from tests.factories_assessment import AssessmentFactory, ScorecardFactory
from tests.factories_monitoring import (
    AlarmFactory,
    DecisionFactory,
    LineFactory,
    LoanFactory,
    MonitoringRunFactory,
    bank_with,
)

pytestmark = pytest.mark.django_db


def look(run, now):
    claimed = MonitoringRun.objects.claim(run.pk, now=now)
    return monitoring.look_at_model(claimed, clock=lambda: now)


def assess(scorecard, *, bank, count, as_of, score, seed=0):
    for place in range(count):
        value = score + (place * 37 + seed) % 80
        AssessmentFactory(
            bank=bank,
            scorecard=scorecard,
            as_of=as_of,
            score=value,
            probability=0.02 if value >= 620 else 0.2,
            grade="A" if value >= 620 else "C",
            features={"void_sales": value / 1000, "sales_history": None},
        )


def test_look_at_a_model_without_assessments_is_done_and_empty(now):
    bank = OrganisationFactory(kind="bank")
    ScorecardFactory(bank=bank)

    run = look(MonitoringRunFactory(bank=bank), now)

    assert (run.status, run.results["reference"], run.results["drift"]) == ("done", 0, None)
    assert run.scorecard.bank == bank


def test_look_where_no_model_serves_is_done_without_one(now):
    run = look(MonitoringRunFactory(bank=None), now)

    assert (run.status, run.scorecard) == ("done", None)


def test_scores_that_moved_raise_an_alarm_and_tell_the_bank(now):
    owner, maker = UserFactory(), UserFactory()
    bank = bank_with(owner=owner, maker=maker)
    scorecard = ScorecardFactory(bank=bank)
    assess(scorecard, bank=bank, count=30, as_of=now - dt.timedelta(days=200), score=600)
    assess(scorecard, bank=bank, count=15, as_of=now - dt.timedelta(days=5), score=480)

    run = look(MonitoringRunFactory(bank=bank), now)

    alarms = Alarm.objects.filter(bank=bank)
    assert {"score_drift", "feature_drift"} <= set(alarms.values_list("kind", flat=True))
    assert run.results["drift"]["score"]["has_moved"] is True
    told = Notification.objects.filter(event="model.alarmed", channel="in_app")
    assert set(told.values_list("user", flat=True)) == {owner.pk}


def test_assessments_of_another_bank_are_not_looked_at(now):
    scorecard = ScorecardFactory(bank=None)
    mine, other = OrganisationFactory(kind="bank"), OrganisationFactory(kind="bank")
    assess(scorecard, bank=other, count=12, as_of=now - dt.timedelta(days=5), score=600)
    handed_in = AssessmentFactory(scorecard=scorecard, as_of=now - dt.timedelta(days=5))
    ApplicationFactory(bank=mine, product__bank=mine, assessment=handed_in, status="submitted")

    assert look(MonitoringRunFactory(bank=mine), now).results["current"] == 1


def raise_again(run, scorecard, now, *raised):
    return monitoring.raise_alarms(run, scorecard, [Raised(*one) for one in raised], now=now)


FACTS = {"zh": "…", "en": "…"}


def test_alarm_that_still_holds_is_refreshed_and_not_told_again(now):
    alarm = AlarmFactory()
    later = now + dt.timedelta(days=30)

    assert raise_again(alarm.run, alarm.scorecard, later, ("score_drift", "", "amber", FACTS)) == []

    alarm.refresh_from_db()
    assert (alarm.seen_at, alarm.status) == (later, "open")


def test_alarm_that_no_longer_holds_passes(now):
    alarm = AlarmFactory()

    raise_again(alarm.run, alarm.scorecard, now)

    alarm.refresh_from_db()
    assert (alarm.status, alarm.passed_at) == ("passed", now)


def test_answered_alarm_that_turns_red_asks_again(now):
    said = {"answer": "watch", "answer_text": "x", "answered_at": now, "answered_by": UserFactory()}
    alarm = AlarmFactory(status="answered", **said)

    assert raise_again(alarm.run, alarm.scorecard, now, ("score_drift", "", "amber", FACTS)) == []
    [fresh] = raise_again(alarm.run, alarm.scorecard, now, ("score_drift", "", "red", FACTS))

    alarm.refresh_from_db()
    assert (alarm.status, alarm.answer, fresh.status) == ("passed", "watch", "open")


def test_alarms_of_a_model_that_no_longer_serves_pass_with_it(now):
    alarm = AlarmFactory()
    other = ScorecardFactory(bank=alarm.bank, status="shadow")

    raise_again(alarm.run, other, now)

    alarm.refresh_from_db()
    assert alarm.status == "passed"


def test_outcome_is_of_the_first_loan_with_the_score_before_it(now):
    bank = OrganisationFactory(kind="bank")
    scorecard = ScorecardFactory(bank=bank)
    line = LineFactory(bank=bank)
    paid = now - dt.timedelta(days=500)
    for as_of, grade in ((paid - dt.timedelta(days=9), "B"), (paid + dt.timedelta(days=9), "C")):
        AssessmentFactory(organisation=line.borrower, bank=bank, scorecard=scorecard, as_of=as_of, grade=grade)
    loan = LoanFactory(line=line, paid_out_at=paid, overdue_since=(paid + dt.timedelta(days=100)).date())
    LoanFactory(line=line, paid_out_at=paid + dt.timedelta(days=30))
    LoanFactory(line__bank=bank, paid_out_at=now - dt.timedelta(days=100))
    look(MonitoringRunFactory(bank=bank), now)

    found = outcomes_of(bank, scorecard.assessments.all(), today=now.date())

    assert found == [Outcome("B", 0.024, True)]
    assert loan.bad.since == (paid + dt.timedelta(days=191)).date()


def test_decisions_are_sorted_by_side_with_what_came_of_them(now):
    bank = OrganisationFactory(kind="bank")
    at = now - dt.timedelta(days=400)
    low = DecisionFactory(
        application__product__bank=bank,
        recommended="refuse",
        is_override=True,
        override_reason="collateral",
        override_text="x",
        checked_at=at,
    )
    DecisionFactory(
        application__product__bank=bank,
        outcome="refuse",
        refusal_reasons=[{"code": "policy", "zh": "…", "en": "…"}],
        is_override=True,
        override_reason="policy",
        override_text="x",
        checked_at=at + dt.timedelta(days=1),
    )
    DecisionFactory(application__product__bank=bank, checked_at=at + dt.timedelta(days=2))
    DecisionFactory(checked_at=at)
    line = LineFactory(bank=bank, application=low.application)
    LoanFactory(line=line, paid_out_at=at, overdue_since=(at + dt.timedelta(days=120)).date())
    look(MonitoringRunFactory(bank=bank), now)

    found = decisions_of(bank, today=now.date())

    assert [(one.side, one.reason, one.bad) for one in found] == [
        ("low", "collateral", (False, True)),
        ("high", "policy", (None, None)),
        ("", "", (None, None)),
    ]


def test_look_heard_twice_is_done_once(now):
    run = MonitoringRunFactory()

    tasks.look_at_model(run.pk)
    tasks.look_at_model(run.pk)

    run.refresh_from_db()
    assert (run.status, run.attempt) == ("done", 1)


def test_look_that_breaks_says_why(now):
    run = MonitoringRunFactory(bank=None)
    AssessmentFactory(scorecard=ScorecardFactory(bank=None, content={"grades": 7}), as_of=now)

    with pytest.raises(TypeError):
        look(run, now)

    run.refresh_from_db()
    assert (run.status, run.failure.split(":")[0]) == ("failed", "TypeError")


def test_looks_are_asked_for_once_a_month_per_tenant(now):
    OrganisationFactory(kind="bank")

    assert len(monitoring.request_due(now=now)) == 2
    assert monitoring.request_due(now=now) == []


def test_looks_left_behind_are_done_by_the_next_worker_and_the_fresh_are_left(worker):
    dead = timezone.now() - dt.timedelta(seconds=tasks.LONGEST_LOOK + 60)
    run = MonitoringRunFactory(status="running", started_at=dead, requested_at=dead, attempt=1)
    fresh = MonitoringRunFactory(requested_at=timezone.now())

    tasks.ring_looks_again()

    run.refresh_from_db()
    fresh.refresh_from_db()
    assert (run.status, run.attempt, fresh.status) == ("done", 2, "waiting")
