import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from finance.models import Alarm, BadLoan, EarlyWarning, MonitoringRun, WarningRun
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_consent import ConsentFactory
from tests.factories_monitoring import (
    AlarmFactory,
    EarlyWarningFactory,
    LoanFactory,
    MonitoringRunFactory,
    WarningRunFactory,
    bank_with,
)

pytestmark = pytest.mark.django_db


def refused(make, **fields):
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        make(**fields)
    return error.value.__cause__.diag.constraint_name


def test_monitoring_run_waits_once_per_tenant():
    run = MonitoringRunFactory()

    assert refused(MonitoringRunFactory, bank=run.bank) == "monitoring_run_one_waits_per_tenant"
    MonitoringRunFactory(bank=None)
    assert refused(MonitoringRunFactory, bank=None) == "monitoring_run_one_waits_per_tenant"


def test_monitoring_run_asked_for_twice_is_the_same(now):
    bank = OrganisationFactory(kind="bank")

    first = MonitoringRun.objects.request(bank=bank, today=now.date(), by=None, now=now)
    second = MonitoringRun.objects.request(bank=bank, today=now.date(), by=None, now=now)

    assert first == second


def test_tenants_due_are_those_not_looked_at_this_month(now):
    seen, old, failed = (OrganisationFactory(kind="bank") for _ in range(3))
    MonitoringRunFactory(bank=seen, until=now.date())
    MonitoringRunFactory(bank=old, until=now.date() - dt.timedelta(days=30))
    MonitoringRunFactory(bank=failed, until=now.date(), status="failed")
    OrganisationFactory(kind="insurer")

    assert MonitoringRun.objects.tenants_due(now.date()) == [None, old.pk, failed.pk]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"answer": "watch"}, "alarm_answer_says_who_and_why"),
        ({"status": "answered"}, "alarm_answered_was_answered"),
        ({"status": "passed"}, "alarm_passed_at_goes_with_status"),
    ],
)
def test_alarm_that_cannot_be_is_refused(fields, name):
    assert refused(AlarmFactory, **fields) == name


def test_alarm_open_was_not_answered(now):
    said = {"answer": "watch", "answer_text": "x", "answered_at": now, "answered_by": UserFactory()}

    assert refused(AlarmFactory, **said) == "alarm_open_was_not_answered"


def test_alarm_holds_once():
    alarm = AlarmFactory()

    twice = {"run": alarm.run, "scorecard": alarm.scorecard}
    assert refused(AlarmFactory, **twice) == "alarm_holds_once"
    AlarmFactory(subject="void_sales", kind="feature_drift", **twice)


def test_alarms_of_a_bank_are_its_people_s_and_the_platform_s_its_operator_s():
    owner, maker, operator = UserFactory(), UserFactory(), UserFactory(is_staff=True)
    alarm = AlarmFactory(run__bank=bank_with(owner=owner, maker=maker))
    platform = AlarmFactory(run__bank=None)

    assert list(Alarm.objects.visible_to(maker)) == [alarm]
    assert list(Alarm.objects.editable_by(maker)) == []
    assert list(Alarm.objects.editable_by(owner)) == [alarm]
    assert list(Alarm.objects.editable_by(operator)) == [platform]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"answer": "watch"}, "early_warning_answer_says_who_and_why"),
        ({"status": "answered"}, "early_warning_answered_was_answered"),
        ({"status": "passed"}, "early_warning_passed_at_goes_with_status"),
    ],
)
def test_warning_that_cannot_be_is_refused(fields, name):
    assert refused(EarlyWarningFactory, **fields) == name


def test_warning_open_was_not_answered(now):
    said = {"answer": "watch", "answer_text": "x", "answered_at": now, "answered_by": UserFactory()}

    assert refused(EarlyWarningFactory, **said) == "early_warning_open_was_not_answered"


def test_warning_freeze_is_proposed_with_its_answer(now):
    said = {"answer": "freeze", "answer_text": "x", "answered_at": now, "answered_by": UserFactory()}

    assert refused(EarlyWarningFactory, status="answered", **said) == "early_warning_freeze_is_proposed_with_its_answer"


def test_warning_stands_once_per_line_and_kind(now):
    warning = EarlyWarningFactory()

    assert refused(EarlyWarningFactory, line=warning.line) == "early_warning_stands_once"
    EarlyWarningFactory(line=warning.line, status="passed", passed_at=now)


def test_warning_run_is_once_per_bank_and_day():
    run = WarningRunFactory()

    assert refused(WarningRunFactory, bank=run.bank) == "warning_run_once_per_bank_and_day"
    assert WarningRun.objects.request(bank_id=run.bank_id, day=run.day, now=run.requested_at) is None


def test_warnings_are_visible_while_the_firm_lets_the_bank_watch(now):
    maker, viewer = UserFactory(), UserFactory()
    bank = bank_with(maker=maker, viewer=viewer)
    warning = EarlyWarningFactory(line__bank=bank)
    consent = ConsentFactory(firm=warning.firm, reader=bank, purpose="monitoring", groups=["sales"])
    EarlyWarningFactory(line=warning.line, kind="score_fall")
    late = EarlyWarningFactory(line=warning.line, kind="overdue")

    visible = EarlyWarning.objects.visible_to(maker, now=now)

    assert set(visible) == {warning, late}
    assert list(EarlyWarning.objects.visible_to(viewer, now=now)) == []
    consent.withdrawn_at, consent.withdrawn_by = now, consent.given_by
    consent.save()
    assert list(EarlyWarning.objects.visible_to(maker, now=now)) == [late]


def test_bad_loan_is_known_from_the_ninety_first_day_and_stays(now):
    today = now.date()
    late = LoanFactory(overdue_since=today - dt.timedelta(days=95))
    judged = LoanFactory(risk_class="substandard")
    LoanFactory(overdue_since=today - dt.timedelta(days=90))

    assert BadLoan.objects.find(today=today, now=now) == 2
    assert BadLoan.objects.find(today=today, now=now) == 0

    assert late.bad.since == today - dt.timedelta(days=4)
    assert judged.bad.since == today
