"""Look at the model that serves a tenant, keep the tables, and raise an alarm for what chance does not explain."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from finance.models import Alarm, MonitoringRun, Scorecard
from finance.runs import monitoring_facts as facts
from finance.scoring.model_watch import Raised, Watched, watch_model
from marketplace.models import Announcement, Notification, Organisation, User


def look_at_model(run: MonitoringRun, *, clock: Callable[[], datetime]) -> MonitoringRun:
    """Fill a claimed run; whatever goes wrong is written down, and raised again."""
    try:
        now = clock()
        facts.note_bad_loans(today=run.until, now=now)
        scorecard = Scorecard.objects.serving_for(run.bank)
        watched = _watched(run, scorecard, now) if scorecard else None
        results = watched.results if watched else {"reference": 0, "current": 0}
        with transaction.atomic():
            if not MonitoringRun.objects.finish(run, now=clock(), scorecard=scorecard, results=results):
                return run
            alarms = raise_alarms(run, scorecard, watched.alarms, now=now) if scorecard else []
            Notification.objects.announce((_told(alarm) for alarm in alarms), now=now)
    except Exception as error:
        MonitoringRun.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise
    run.refresh_from_db()
    return run


def request_due(*, now: datetime) -> list[int]:
    """Ask for a look at the model of every tenant that had none this month; return the runs to ring for."""
    today = timezone.localdate(now)
    due = MonitoringRun.objects.tenants_due(today)
    banks = Organisation.objects.in_bulk([pk for pk in due if pk])
    return [MonitoringRun.objects.request(bank=banks.get(pk), today=today, by=None, now=now).pk for pk in due]


def _watched(run: MonitoringRun, scorecard: Scorecard, now: datetime) -> Watched:
    assessments = facts.assessments_of(run.bank, scorecard)
    since = now - facts.PERIOD
    reference = facts.latest_by_firm(assessments, after=None, until=since)
    current = facts.latest_by_firm(assessments, after=since, until=now)
    outcomes = facts.outcomes_of(run.bank, assessments, today=run.until)
    known = {one.grade for one in outcomes}
    grades = facts.grades_of(run.bank, scorecard, [*reference, *current])
    return watch_model(
        reference=reference,
        current=current,
        outcomes=outcomes,
        decisions=facts.decisions_of(run.bank, today=run.until),
        loans=facts.loans_of(run.bank),
        grades=grades + sorted(known - set(grades)),
        expected_auc=facts.expected_auc(scorecard),
        today=run.until,
    )


def raise_alarms(run: MonitoringRun, scorecard: Scorecard, raised: Iterable[Raised], *, now: datetime) -> list[Alarm]:
    """Write what is new, refresh what still holds, pass what no longer does; return those that wait for an answer anew.

    What was answered stays answered while it is no worse; an amber alarm that turns red is a new one. Alarms of a model
    that no longer serves pass with it.
    """
    standing = Alarm.objects.select_for_update().filter(bank=run.bank).exclude(status=Alarm.Status.PASSED)
    rows = {(alarm.scorecard_id, alarm.kind, alarm.subject): alarm for alarm in standing.order_by("pk")}
    fresh = []
    for one in raised:
        row = rows.pop((scorecard.pk, one.kind, one.subject), None)
        worse = row is not None and row.light == Alarm.Light.AMBER and one.light == Alarm.Light.RED
        if row is not None and not worse:
            Alarm.objects.filter(pk=row.pk).update(light=one.light, facts=one.facts, seen_at=now, run=run)
            continue
        if row is not None:
            Alarm.objects.filter(pk=row.pk).become(Alarm.Status.PASSED, passed_at=now)
        fresh.append(
            Alarm(
                bank=run.bank,
                scorecard=scorecard,
                kind=one.kind,
                subject=one.subject,
                light=one.light,
                facts=one.facts,
                run=run,
                opened_at=now,
                seen_at=now,
            )
        )
    Alarm.objects.filter(pk__in=[row.pk for row in rows.values()]).become(Alarm.Status.PASSED, passed_at=now)
    return Alarm.objects.bulk_create(fresh)


def _told(alarm: Alarm) -> Announcement:
    label_zh, label_en = WORDS[alarm.kind]
    about = f" {alarm.subject}" if alarm.subject else ""
    light_zh, light_en = ("红灯", "red") if alarm.light == Alarm.Light.RED else ("黄灯", "amber")
    return Announcement(
        event="model.alarmed",
        deduplication_key=f"model.alarmed:{alarm.pk}",
        title_zh=f"评分模型监控{light_zh}：{label_zh}{about}",
        title_en=f"Model monitoring, {light_en}: {label_en}{about}",
        body_zh=alarm.facts["zh"],
        body_en=alarm.facts["en"],
        url=reverse("finance:bank_monitoring"),
        data={"alarm": alarm.pk, "kind": alarm.kind, "subject": alarm.subject, "light": alarm.light},
        **_recipients(alarm.bank),
    )


def _recipients(bank: Organisation | None) -> dict:
    """Tell the bank's people; of the platform's own model its operator."""
    if bank is not None:
        return {"organisation": bank}
    return {"users": User.objects.filter(is_staff=True, is_active=True)}


# The kinds in both languages: a notification carries its words, whoever reads it.
WORDS = {
    "score_drift": ("评分分布漂移", "the scores have moved"),
    "feature_drift": ("特征漂移", "a feature has moved:"),
    "calibration": ("违约多于模型预计", "more defaults than the model said"),
    "discrimination": ("区分度下降", "good and bad firms are told apart less well"),
    "concentration": ("等级过度集中", "firms bunch in few grades"),
    "migration": ("企业等级普遍下降", "firms sink to lower grades"),
    "overrides": ("推翻模型的决定过多", "many decisions go against the model"),
    "override_losses": ("推翻模型放出的贷款变坏更多", "loans given against the model go bad more often"),
}
