import datetime as dt

import pytest

from config.errors import InputRefused
from finance.models import Alarm, EarlyWarning, LineChange, LogLeaf, MonitoringRun, RecordRead
from finance.runs.monitoring import look_at_model
from finance.services import monitoring, warnings
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import UserFactory
from tests.factories_assessment import AssessmentFactory, ScorecardFactory
from tests.factories_consent import ConsentFactory
from tests.factories_monitoring import (
    AlarmFactory,
    DecisionFactory,
    EarlyWarningFactory,
    LineFactory,
    LoanFactory,
    MonitoringRunFactory,
    bank_with,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    """Return a bank with its owner, maker and checker."""
    owner, maker, checker = UserFactory(), UserFactory(), UserFactory()
    return bank_with(owner=owner, maker=maker, checker=checker), owner, maker, checker


def full_look(bank, now):
    """Return a look with something in every table."""
    scorecard = ScorecardFactory(bank=bank)
    for place in range(45):
        early = place < 30
        AssessmentFactory(
            bank=bank,
            scorecard=scorecard,
            as_of=now - dt.timedelta(days=600 if early else 5),
            score=600 + place,
            grade="A" if place % 3 else "B",
            probability=0.02 + place % 3 / 50,
            features={"void_sales": place / 100},
        )
    for firm in scorecard.assessments.order_by("pk")[:4]:
        AssessmentFactory(organisation=firm.organisation, bank=bank, scorecard=scorecard, as_of=now, grade="B")
        line = LineFactory(bank=bank, borrower=firm.organisation)
        paid = now - dt.timedelta(days=500)
        bad = (paid + dt.timedelta(days=100)).date() if firm.probability > 0.05 else None
        LoanFactory(line=line, paid_out_at=paid, overdue_since=bad)
    DecisionFactory(
        application__product__bank=bank,
        recommended="refuse",
        is_override=True,
        override_reason="policy",
        override_text="x",
        checked_at=now - dt.timedelta(days=300),
    )
    run = MonitoringRunFactory(bank=bank, until=now.date())
    return look_at_model(MonitoringRun.objects.claim(run.pk, now=now), clock=lambda: now)


def test_bank_monitoring_shows_every_table(client, clock, people, now):
    bank, owner, _maker, _checker = people
    run = full_look(bank, now)
    client.force_login(owner)

    page = client.get("/bank/monitoring/")

    assert page.status_code == 200
    assert set(page.context["figures"]) == {"grades", "drift", "calibration", "migration", "vintages"}
    assert page.context["run"] == run
    assert client.get(f"/bank/monitoring/?run={run.pk}").status_code == 200


def test_bank_monitoring_is_not_a_stranger_s(client, clock, people):
    bank, *_ = people
    run = MonitoringRunFactory(bank=bank, status="done")
    client.force_login(UserFactory())

    assert client.get("/bank/monitoring/").status_code == 404
    assert client.post("/bank/monitoring/look/", {"tenant": bank.pk}).status_code == 404
    assert client.get(f"/api/v1/finance/monitoring/{run.pk}/").status_code == 404
    assert client.post("/api/v1/finance/monitoring/", {"bank": bank.pk}).status_code == 404
    assert client.get("/api/v1/finance/monitoring/").json()["results"] == []


def test_bank_monitoring_shows_the_operator_the_platform_s(client, clock):
    client.force_login(UserFactory(is_staff=True))

    assert client.get("/bank/monitoring/").context["tenant"] == "platform"
    assert client.post("/bank/monitoring/look/", {"tenant": "platform"}).status_code == 302
    assert MonitoringRun.objects.get().bank is None


def test_monitoring_request_asks_once_however_often_it_is_pressed(client, clock, people):
    bank, _owner, maker, _checker = people
    client.force_login(maker)

    for _ in range(2):
        assert client.post("/bank/monitoring/look/", {"tenant": bank.pk}).status_code == 302

    assert MonitoringRun.objects.get().requested_by == maker
    assert client.get("/bank/monitoring/").context["is_waiting"] is True


def test_bank_monitoring_asks_as_many_queries_for_three_alarms_as_for_one(client, clock, people, count_queries):
    bank, owner, *_ = people
    client.force_login(owner)
    alarm = AlarmFactory(run__bank=bank)
    one = count_queries("/bank/monitoring/")
    for kind in ("migration", "concentration"):
        AlarmFactory(run=alarm.run, scorecard=alarm.scorecard, kind=kind)

    assert count_queries("/bank/monitoring/") == one


def test_alarm_is_answered_by_a_checker_once_and_leaves_a_leaf(client, clock, people):
    bank, _owner, _maker, checker = people
    alarm = AlarmFactory(run__bank=bank)
    client.force_login(checker)
    said = {"answer": "recalibrate", "reason": "The portfolio is another one"}

    assert client.post(f"/bank/alarms/{alarm.pk}/answer/", said).status_code == 302

    alarm.refresh_from_db()
    assert (alarm.status, alarm.answered_by) == ("answered", checker)
    assert LogLeaf.objects.get(kind="alarm.answered").content["alarm"] == alarm.pk
    assert client.post(f"/bank/alarms/{alarm.pk}/answer/", said).status_code == 409
    assert "recalibrate" not in client.get("/bank/monitoring/").content.decode()


def test_alarm_answered_without_a_reason_is_shown_again(client, clock, people):
    bank, owner, *_ = people
    alarm = AlarmFactory(run__bank=bank)
    client.force_login(owner)

    page = client.post(f"/bank/alarms/{alarm.pk}/answer/", {"answer": "watch", "reason": " "})

    assert page.status_code == 422
    assert page.context["answering"] == alarm.pk


def test_alarm_is_not_answered_by_a_maker(client, clock, people, now):
    bank, _owner, maker, _checker = people
    alarm = AlarmFactory(run__bank=bank)
    client.force_login(maker)

    assert client.post(f"/bank/alarms/{alarm.pk}/answer/", {"answer": "watch", "reason": "x"}).status_code == 404
    with pytest.raises(OnlyMembersMay):
        monitoring.answer_alarm(alarm=alarm, answer="watch", reason="x", by=maker, now=now)


def test_platform_alarm_is_answered_by_the_operator_alone(now, people):
    _bank, owner, *_ = people
    alarm = AlarmFactory(run__bank=None)

    with pytest.raises(monitoring.OnlyTheOperatorMay):
        monitoring.answer_alarm(alarm=alarm, answer="watch", reason="x", by=owner, now=now)
    monitoring.answer_alarm(alarm=alarm, answer="watch", reason="x", by=UserFactory(is_staff=True), now=now)

    assert Alarm.objects.get().status == "answered"


@pytest.mark.parametrize("said", [{"answer": "?", "reason": "x"}, {"answer": "watch", "reason": "x" * 2001}])
def test_alarm_answer_that_cannot_be_taken_names_the_field(now, people, said):
    bank, owner, *_ = people
    alarm = AlarmFactory(run__bank=bank)

    with pytest.raises(InputRefused):
        monitoring.answer_alarm(alarm=alarm, by=owner, now=now, **said)


def test_alarms_and_looks_by_api(client, clock, people):
    bank, owner, *_ = people
    alarm = AlarmFactory(run__bank=bank)
    client.force_login(owner)

    assert [one["kind"] for one in client.get("/api/v1/finance/alarms/?status=open").json()["results"]] == [alarm.kind]
    asked = client.post("/api/v1/finance/monitoring/", {"bank": bank.pk}, content_type="application/json")
    assert (asked.status_code, asked.json()["status"]) == (201, "waiting")
    said = {"answer": "watch", "reason": "Two quarters more"}
    answered = client.post(f"/api/v1/finance/alarms/{alarm.pk}/answer/", said, content_type="application/json")
    assert answered.json()["status"] == "answered"
    assert client.get(f"/api/v1/finance/monitoring/{alarm.run_id}/").json()["results"] == {}


@pytest.fixture
def warned(people):
    """Return a warning that its bank may read."""
    warning = EarlyWarningFactory(line__bank=people[0])
    ConsentFactory(firm=warning.firm, reader=warning.bank, purpose="monitoring", groups=["sales"])
    return warning


def test_bank_warnings_lists_what_waits(client, clock, people, warned):
    client.force_login(people[2])

    assert list(client.get("/bank/warnings/").context["page"]) == [warned]
    assert list(client.get("/bank/warnings/?kind=disputes").context["page"]) == []
    assert list(client.get("/bank/warnings/?show=answered").context["page"]) == []


def test_bank_warnings_asks_as_many_queries_for_three_as_for_one(client, clock, people, warned, count_queries):
    client.force_login(people[2])
    one = count_queries("/bank/warnings/")
    for _ in range(2):
        other = EarlyWarningFactory(line__bank=people[0])
        ConsentFactory(firm=other.firm, reader=other.bank, purpose="monitoring")

    assert count_queries("/bank/warnings/") == one


def test_bank_warnings_are_not_a_stranger_s(client, clock, warned):
    client.force_login(UserFactory())

    assert client.get("/bank/warnings/").status_code == 404
    assert client.get(f"/bank/warnings/{warned.pk}/").status_code == 404
    assert client.post(f"/bank/warnings/{warned.pk}/answer/", {}).status_code == 404
    assert client.get("/api/v1/finance/warnings/").json()["results"] == []
    assert client.get(f"/api/v1/finance/warnings/{warned.pk}/").status_code == 404


def test_warning_detail_leaves_a_read_with_the_firm(client, clock, people, warned):
    client.force_login(people[2])

    page = client.get(f"/bank/warnings/{warned.pk}/")

    assert page.context["may_answer"] is True
    read = RecordRead.objects.get()
    assert (read.firm, read.reader, read.group, read.subject) == (warned.firm, warned.bank, "sales", warned.line.number)


def test_warning_detail_of_the_bank_s_own_books_leaves_no_read(client, clock, people):
    warning = EarlyWarningFactory(line__bank=people[0], kind="overdue")
    client.force_login(people[3])

    page = client.get(f"/bank/warnings/{warning.pk}/")

    assert (page.status_code, page.context["may_answer"], RecordRead.objects.count()) == (200, False, 0)


def test_warning_is_answered_by_a_maker_once(client, clock, people, warned):
    client.force_login(people[2])
    said = {"answer": "contact", "reason": "I called the owner"}

    assert client.post(f"/bank/warnings/{warned.pk}/answer/", said).status_code == 302

    warned.refresh_from_db()
    assert (warned.status, warned.answered_by) == ("answered", people[2])
    assert client.post(f"/bank/warnings/{warned.pk}/answer/", said).status_code == 409


def test_freeze_is_proposed_to_a_second_person(client, clock, people, warned):
    client.force_login(people[2])

    client.post(f"/bank/warnings/{warned.pk}/answer/", {"answer": "freeze", "reason": "Sales are gone"})

    change = LineChange.objects.get()
    warned.refresh_from_db()
    assert (change.kind, change.verdict, change.made_by) == ("freeze", "waiting", people[2])
    assert (warned.change, warned.line.status) == (change, "open")


def test_warning_answered_by_a_checker_is_refused(now, people, warned):
    with pytest.raises(OnlyMembersMay):
        warnings.answer_warning(warning=warned, answer="watch", reason="x", by=people[3], now=now)


@pytest.mark.parametrize("said", [{"answer": "?", "reason": "x"}, {"answer": "freeze", "reason": "x" * 301}])
def test_warning_answer_that_cannot_be_taken_leaves_nothing(now, people, warned, said):
    with pytest.raises(InputRefused):
        warnings.answer_warning(warning=warned, by=people[2], now=now, **said)

    assert LineChange.objects.count() == 0


def test_warning_answered_twice_proposes_one_freeze(now, people, warned):
    said = {"warning": warned, "answer": "freeze", "reason": "x", "by": people[2], "now": now}
    EarlyWarning.objects.filter(pk=warned.pk).update(
        status="answered", answer="watch", answer_text="x", answered_by=people[2], answered_at=now
    )

    with pytest.raises(warnings.WarningAlreadyAnswered):
        warnings.answer_warning(**said)

    assert LineChange.objects.count() == 0


def test_warnings_by_api(client, clock, people, warned):
    client.force_login(people[2])

    listed = client.get("/api/v1/finance/warnings/?status=open&kind=sales_drop").json()["results"]
    shown = client.get(f"/api/v1/finance/warnings/{warned.pk}/").json()

    assert [one["id"] for one in listed] == [warned.pk]
    assert "evidence" not in listed[0]
    assert shown["evidence"]["en"] == "Sales fell"
    assert RecordRead.objects.count() == 1
    said = {"answer": "watch", "reason": "Season"}
    answered = client.post(f"/api/v1/finance/warnings/{warned.pk}/answer/", said, content_type="application/json")
    assert answered.json()["status"] == "answered"
