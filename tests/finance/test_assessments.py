"""A firm's score: from what was known, once, reproducible; with consent where another asks."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from finance import tasks
from finance.models import (
    CreditAssessment,
    Finding,
    FindingRecord,
    FindingRun,
    LogLeaf,
    RecordImport,
    RecordRead,
    ShadowScore,
    TransactionRecord,
)
from finance.runs import assessments as runs
from finance.runs import scorecards as registry
from finance.services import assessments
from finance.services.reads import NotConsented
from marketplace.models import Notification
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_assessment import AssessmentFactory, CutOffsFactory, ScorecardFactory, boosted, card, tamper, trade
from tests.factories_consent import ConsentFactory
from tests.factories_monitoring import LineFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def firm(owner):
    organisation = OrganisationFactory(members=[owner])
    trade(organisation)
    return organisation


@pytest.fixture
def serving():
    return ScorecardFactory()


def assessed(firm, by, *, now=NOON, **said):
    run = assessments.request_assessment(organisation=firm, by=by, now=now, **said)
    tasks.assess(run.pk)
    run.refresh_from_db()
    return run


def test_assessment_is_scored_with_reasons_that_add_up(firm, owner, serving):
    run = assessed(firm, owner)

    assert run.status == "done"
    assert sum(reason["points"] for reason in run.reasons) == run.score
    assert run.inputs["records"] == {"purchases": 69, "sales": 69}
    assert 0 < run.probability < 1


def test_a_score_at_the_top_of_its_scale_has_nothing_to_raise(firm, owner):
    low = ScorecardFactory(content=card() | {"scale": card()["scale"] | {"highest": 301}})
    run = assessed(firm, owner)

    assert (run.scorecard, run.score, run.advice) == (low, 301, [])
    assert run.reasons[-1]["feature"] == "edge"
    assert sum(reason["points"] for reason in run.reasons) == 301


def test_assessment_leaves_evidence(firm, owner, serving):
    run = assessed(firm, owner)

    leaf = LogLeaf.objects.get(kind="assessment.made")
    assert (leaf.content["assessment"], leaf.content["sha256"]) == (run.pk, run.sha256)


def test_assessment_heard_twice_works_once(firm, owner, serving):
    run = assessed(firm, owner)

    tasks.assess(run.pk)

    run.refresh_from_db()
    assert (run.attempt, LogLeaf.objects.filter(kind="assessment.made").count()) == (1, 1)


def test_assessment_asked_for_twice_is_one(firm, owner, serving):
    first = assessments.request_assessment(organisation=firm, by=owner, now=NOON)
    second = assessments.request_assessment(organisation=firm, by=owner, now=NOON + dt.timedelta(seconds=1))

    assert (first, CreditAssessment.objects.count()) == (second, 1)


def test_assessment_knows_nothing_of_the_future(firm, owner, serving):
    before = assessed(firm, owner)
    trade(firm, until=dt.date(2026, 6, 1), months=2, known_at=NOON + dt.timedelta(days=1))
    trade(firm, until=dt.date(2025, 12, 1), months=2, known_at=NOON + dt.timedelta(days=1), source="bank")

    again = assessments.recheck(assessment=before)
    TransactionRecord.objects.filter(known_at__gt=NOON).delete()
    and_again = assessments.recheck(assessment=before)

    assert (again.is_reproduced, again.has_same_records) == (True, True)
    assert (and_again.is_reproduced, and_again.has_same_records) == (True, True)


def test_assessment_does_not_depend_on_the_order_of_rows(firm, owner, serving):
    first = runs.snapshot_of(firm, as_of=NOON)
    rows = list(TransactionRecord.objects.order_by("-pk"))
    TransactionRecord.objects.all().delete()
    TransactionRecord.objects.bulk_create([_without_id(row) for row in rows])

    second = runs.snapshot_of(firm, as_of=NOON)

    assert first == second


def _without_id(row, **changes):
    """Return a copy of a record that is not written yet."""
    fields = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return TransactionRecord(**fields | {"id": None} | changes)


def test_recheck_tells_what_was_tampered_with(firm, owner, serving):
    run = assessed(firm, owner)
    CreditAssessment.objects.filter(pk=run.pk).update(score=800)
    TransactionRecord.objects.filter(organisation=firm, kind="sales").order_by("pk").first().delete()
    run.refresh_from_db()

    found = assessments.recheck(assessment=run)

    assert (found.is_reproduced, found.has_same_records, found.differences) == (False, False, ["score"])


def test_recheck_says_so_where_the_records_are_gone(firm, owner, serving):
    run = assessed(firm, owner)
    TransactionRecord.objects.filter(organisation=firm).delete()

    found = assessments.recheck(assessment=run)

    assert (found.is_reproduced, found.has_same_records) == (True, None)


def test_assessment_by_a_tampered_model_is_refused(firm, owner, serving):
    tamper("UPDATE finance_scorecard SET content = jsonb_set(content, '{intercept}', '-9')")

    with pytest.raises(registry.ScorecardTampered):
        assessments.request_assessment(organisation=firm, by=owner, now=NOON)


def test_findings_known_then_take_from_what_counts(firm, owner, serving):
    sound = runs.snapshot_of(firm, as_of=NOON)
    look = FindingRun.objects.create(organisation=firm, as_of=NOON, requested_at=NOON)
    finding = Finding.objects.create(
        organisation=firm, kind="ring", severity="grave", key="k", found_at=NOON, seen_at=NOON, run=look
    )
    sales = TransactionRecord.objects.filter(organisation=firm, kind="sales")
    FindingRecord.objects.bulk_create(FindingRecord(finding=finding, record=row, weight=0.2) for row in sales)

    doubted = runs.snapshot_of(firm, as_of=NOON)
    before = runs.snapshot_of(firm, as_of=NOON - dt.timedelta(hours=1))

    assert doubted.features["sales_per_quarter"] < 0.3 * sound.features["sales_per_quarter"]
    assert doubted.inputs["discounted"] == sales.count()
    assert before.features == sound.features


def test_assessment_looks_at_the_trade_first_where_nobody_has(firm, owner, serving):
    twin = TransactionRecord.objects.filter(organisation=firm, kind="sales").order_by("pk").first()
    TransactionRecord.objects.bulk_create(
        _without_id(twin, key=f"twin-{place}", sha256=f"{place:064d}") for place in range(3)
    )

    run = assessed(firm, owner)

    look = FindingRun.objects.get(organisation=firm)
    assert (look.status, look.as_of) == ("done", NOON)
    assert run.inputs["discounted"] >= 3


def test_a_changed_grade_is_told_once_and_the_same_is_no_news(firm, owner, serving):
    AssessmentFactory(organisation=firm, scorecard=serving, grade="Z", as_of=NOON - dt.timedelta(days=30))

    assessed(firm, owner)
    assessed(firm, owner, now=NOON + dt.timedelta(hours=1))

    told = Notification.objects.get(event="score.changed", channel="in_app")
    assert told.user == owner


def test_request_with_too_few_records_says_what_to_bring(owner, serving):
    firm = OrganisationFactory(members=[owner])
    trade(firm, months=1)

    with pytest.raises(assessments.TooFewRecords) as refused:
        assessments.request_assessment(organisation=firm, by=owner, now=NOON)

    assert [(one.what, one.need) for one in refused.value.missing] == [("sales", 12), ("months", 3)]


def test_assess_of_a_firm_that_lost_its_records_says_so(firm, owner, serving):
    run = assessments.request_assessment(organisation=firm, by=owner, now=NOON)
    TransactionRecord.objects.all().delete()

    tasks.assess(run.pk)

    run.refresh_from_db()
    assert (run.status, run.failure[:15]) == ("failed", "too few records")


def test_assess_that_breaks_leaves_failed(firm, owner, serving, monkeypatch):
    run = assessments.request_assessment(organisation=firm, by=owner, now=NOON)
    monkeypatch.setattr(runs, "_reasons", lambda _scored: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        tasks.assess(run.pk)

    run.refresh_from_db()
    assert run.status == "failed"


def test_request_by_a_stranger_is_refused(firm, serving):
    with pytest.raises(OnlyMembersMay):
        assessments.request_assessment(organisation=firm, by=UserFactory(), now=NOON)


# For a bank


@pytest.fixture
def maker():
    return UserFactory()


@pytest.fixture
def bank(maker):
    return OrganisationFactory(kind="bank", members__maker=maker)


def test_bank_without_consent_gets_nothing(firm, bank, maker, serving):
    with pytest.raises(NotConsented):
        assessments.request_assessment(organisation=firm, bank=bank, by=maker, now=NOON)

    assert not CreditAssessment.objects.exists()


def test_bank_with_consent_is_scored_by_its_own_model_and_seen(firm, bank, maker, serving):
    own = ScorecardFactory(bank=bank, content=card(-1.2))
    CutOffsFactory(bank=bank, scorecard=own, approve_from=300, refuse_below=299)
    ConsentFactory(firm=firm, reader=bank, groups=["score", "sales", "purchases"])

    run = assessed(firm, maker, bank=bank, subject="A-1")

    assert (run.bank, run.scorecard, run.recommended) == (bank, own, "approve")
    assert set(RecordRead.objects.values_list("group", "subject")) == {
        ("score", "A-1"),
        ("sales", "A-1"),
        ("purchases", "A-1"),
    }
    # The platform's rides beside the bank's own.
    assert list(ShadowScore.objects.values_list("scorecard", flat=True)) == [serving.pk]


def test_bank_without_a_model_is_scored_by_the_platforms_in_its_own_grades(firm, bank, maker, serving):
    CutOffsFactory(
        bank=bank, scorecard=serving, grades=[{"grade": "1", "below": 0.000001}, {"grade": "2", "below": 1.0}]
    )
    ConsentFactory(firm=firm, reader=bank, groups=["score", "sales", "purchases"])

    run = assessed(firm, maker, bank=bank)

    assert (run.scorecard, run.grade) == (serving, "2")


def test_firm_does_not_see_a_banks_own_assessment(firm, owner, bank, serving):
    AssessmentFactory(organisation=firm, bank=bank, scorecard=serving)

    assert not CreditAssessment.objects.visible_to(owner).exists()


def test_read_assessment_prefers_the_readers_own_and_is_logged(firm, bank, maker, serving):
    AssessmentFactory(organisation=firm, scorecard=serving)
    own = AssessmentFactory(organisation=firm, bank=bank, scorecard=serving)
    AssessmentFactory(organisation=firm, bank=OrganisationFactory(kind="bank"), scorecard=serving)
    ConsentFactory(firm=firm, reader=bank, groups=["score"])

    found = assessments.read_assessment(firm=firm, reader=bank, by=maker, purpose="review", now=NOON)

    assert (found, RecordRead.objects.count()) == (own, 1)


def test_read_assessment_without_consent_is_refused(firm, bank, maker, serving):
    AssessmentFactory(organisation=firm, scorecard=serving)

    with pytest.raises(NotConsented):
        assessments.read_assessment(firm=firm, reader=bank, by=maker, purpose="review", now=NOON)


# Challengers


def test_challenger_rides_beside_and_decides_nothing(firm, owner, serving):
    challenger = ScorecardFactory(status="shadow", content=card(-2.0))

    run = assessed(firm, owner)

    shadow = ShadowScore.objects.get(scorecard=challenger)
    assert (shadow.assessment, run.scorecard) == (run, serving)
    assert shadow.score != run.score


def test_challenger_of_boosted_trees_rides_beside(firm, owner, serving):
    challenger = ScorecardFactory(status="shadow", family="boosted", content=boosted())

    assessed(firm, owner)

    shadow = ShadowScore.objects.get(scorecard=challenger)
    assert 0 < shadow.probability < 1


def test_challenger_that_was_tampered_with_says_nothing(firm, owner, serving):
    challenger = ScorecardFactory(status="shadow")
    tamper("UPDATE finance_scorecard SET signature = 'ff' WHERE status = 'shadow'")

    run = assessed(firm, owner)

    assert (run.status, ShadowScore.objects.filter(scorecard=challenger).count()) == ("done", 0)


def test_shipped_model_serves_from_the_first_question_on(firm, owner):
    run = assessed(firm, owner)

    assert (run.status, run.scorecard.status, run.scorecard.is_shipped) == ("done", "serving", True)


# The clock


def due(now):
    return list(runs.firms_to_assess(now).values_list("pk", flat=True))


def handed_in(firm, at):
    return RecordImport.objects.create(
        organisation=firm,
        kind="sales",
        name="f",
        sha256="0" * 64,
        status="done",
        added=3,
        requested_at=at,
        finished_at=at,
    )


def test_firm_is_due_after_an_import_and_not_again(firm, owner, serving):
    assert due(NOON) == []
    handed_in(firm, NOON - dt.timedelta(hours=1))

    first = due(NOON)
    AssessmentFactory(organisation=firm, scorecard=serving, as_of=NOON)

    assert (first, due(NOON + dt.timedelta(days=1)), due(NOON + dt.timedelta(days=31))) == ([firm.pk], [], [firm.pk])


def test_firm_is_due_after_a_week_with_new_records(firm, owner, serving):
    AssessmentFactory(organisation=firm, scorecard=serving, as_of=NOON - dt.timedelta(days=8))

    assert (due(NOON - dt.timedelta(days=2)), due(NOON)) == ([], [firm.pk])


def test_firm_whose_trade_is_being_looked_at_waits(firm, serving):
    handed_in(firm, NOON)
    look = FindingRun.objects.create(organisation=firm, as_of=NOON, requested_at=NOON)
    waiting = due(NOON)
    FindingRun.objects.filter(pk=look.pk).update(status="done", finished_at=NOON)

    assert (waiting, due(NOON)) == ([], [firm.pk])


def test_request_due_assessments_scores_each_firm_once(firm, serving, django_capture_on_commit_callbacks):
    handed_in(firm, timezone.now())

    first = runs.request_due(now=timezone.now())
    second = runs.request_due(now=timezone.now())

    assert (len(first), second) == (1, [])


def test_firms_with_lines_are_scored_monthly_where_they_let_the_bank_watch(firm, bank, serving):
    line = LineFactory(bank=bank, borrower=firm)
    LineFactory(bank=bank)
    ConsentFactory(firm=firm, reader=bank, purpose="monitoring", groups=["score", "sales", "purchases"])

    first = runs.request_watched(now=NOON)
    again = runs.request_watched(now=NOON + dt.timedelta(days=1))

    one = CreditAssessment.objects.get()
    assert (first, again, one.purpose, one.bank) == ([one.pk], [], "monitoring", bank)
    assert set(RecordRead.objects.values_list("by", "subject")) == {(line.opened_by_id, line.number)}


def test_firms_that_let_the_bank_watch_only_sales_are_not_scored(firm, bank, serving):
    LineFactory(bank=bank, borrower=firm)
    ConsentFactory(firm=firm, reader=bank, purpose="monitoring", groups=["sales"])

    assert (runs.request_watched(now=NOON), RecordRead.objects.count()) == ([], 0)


def test_ring_assessments_again_wakes_the_dead_and_leaves_the_fresh(firm, serving, worker):
    other = OrganisationFactory()
    dead = timezone.now() - dt.timedelta(seconds=tasks.LONGEST_ASSESSMENT + 31)
    AssessmentFactory(
        organisation=firm,
        scorecard=serving,
        status="running",
        requested_at=dead,
        started_at=dead,
        attempt=1,
        as_of=dead,
    )
    AssessmentFactory(
        organisation=other, scorecard=serving, status="waiting", requested_at=timezone.now(), score=None, sha256=""
    )

    tasks.ring_assessments_again()

    statuses = dict(CreditAssessment.objects.values_list("organisation", "status"))
    assert statuses[other.pk] == "waiting"
    assert statuses[firm.pk] in {"done", "failed"}


# What the database refuses


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("credit_assessment_done_has_a_score", {"score": None}),
        ("credit_assessment_done_has_a_score", {"probability": 1.2}),
        ("credit_assessment_recommendation_goes_with_cut_offs", {"recommended": "approve"}),
    ],
)
def test_assessment_is_refused(serving, constraint, fields):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AssessmentFactory(scorecard=serving, **fields)


def test_assessment_is_one_unfinished_per_firm_and_model(serving):
    first = AssessmentFactory(scorecard=serving, status="waiting")

    with pytest.raises(IntegrityError, match="credit_assessment_one_unfinished_per_model"), transaction.atomic():
        AssessmentFactory(organisation=first.organisation, scorecard=serving, status="running")


def test_shadow_score_is_once_per_challenger(serving):
    one = AssessmentFactory(scorecard=serving)
    fields = {"assessment": one, "scorecard": serving, "score": 1, "probability": 0.5, "grade": "A"}
    ShadowScore.objects.create(**fields)

    with pytest.raises(IntegrityError, match="shadow_score_once_per_challenger"), transaction.atomic():
        ShadowScore.objects.create(**fields)
