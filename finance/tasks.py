"""Celery's doorbells."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from finance.models import BankFile, CreditAssessment, FindingRun, MonitoringRun, RecordImport, WarningRun
from finance.runs import (
    applications,
    assessments,
    assignments,
    bank_files,
    checkpoints,
    covers,
    findings,
    lending,
    monitoring,
    offline_acts,
    overdue,
    platform_records,
    record_imports,
    warnings,
)

# Seconds; a file of a million rows takes about a hundred.
LONGEST_IMPORT = 600
LONGEST_ASSESSMENT = 120
LONGEST_COMPARISON = 120
LONGEST_LOOK = 900
# Redis hands out smaller numbers first: what nobody waits for lets everything else pass.
UNHURRIED = 9


@shared_task(time_limit=LONGEST_IMPORT, soft_time_limit=LONGEST_IMPORT - 20)
def import_records(import_id: int) -> None:
    if run := RecordImport.objects.claim(import_id, now=timezone.now()):
        record_imports.import_records(run)
        _ring_for_looks()


@shared_task(time_limit=LONGEST_IMPORT, soft_time_limit=LONGEST_IMPORT - 20)
def look_at_trade(run_id: int) -> None:
    if run := FindingRun.objects.claim(run_id, now=timezone.now()):
        findings.look_at_trade(run)


@shared_task
def gather_platform_records() -> None:
    """Write down what firms did here that is no record yet; scheduled every minute."""
    if platform_records.gather(now=timezone.now()):
        _ring_for_looks()


@shared_task
def request_missing_looks() -> None:
    """Ask for a look at each firm of which more is known than the last one saw; scheduled once a night."""
    for run_id in findings.request_missing_looks(now=timezone.now()):
        look_at_trade.delay(run_id)


def _ring_for_looks() -> None:
    for run_id in FindingRun.objects.waiting().order_by("pk").values_list("pk", flat=True):
        look_at_trade.delay(run_id)


@shared_task
def ring_records_again() -> None:
    """Ring for the imports of records and the looks at them that were left behind; scheduled every minute."""
    now = timezone.now()
    RecordImport.objects.release(since=now - timedelta(seconds=LONGEST_IMPORT + 30))
    FindingRun.objects.give_up(since=now - timedelta(seconds=LONGEST_IMPORT + 30), now=now)
    for import_id in RecordImport.objects.unheard(now).order_by("pk").values_list("pk", flat=True):
        import_records.delay(import_id)
    for run_id in FindingRun.objects.unheard(now).order_by("pk").values_list("pk", flat=True):
        look_at_trade.delay(run_id)


@shared_task(time_limit=LONGEST_ASSESSMENT, soft_time_limit=LONGEST_ASSESSMENT - 10)
def assess(assessment_id: int) -> None:
    if run := CreditAssessment.objects.claim(assessment_id, now=timezone.now()):
        assessments.assess(run, clock=timezone.now)


@shared_task
def ring_assessments_again() -> None:
    """Ring for the scores that were left behind; scheduled every minute."""
    now = timezone.now()
    CreditAssessment.objects.release(since=now - timedelta(seconds=LONGEST_ASSESSMENT + 30))
    for assessment_id in CreditAssessment.objects.unheard(since=now - timedelta(minutes=2)):
        assess.apply_async((assessment_id,), priority=UNHURRIED)


@shared_task
def request_due_assessments() -> None:
    """Score the firms whose records or findings changed, and in time all others; scheduled every five minutes."""
    now = timezone.now()
    for assessment_id in [*assessments.request_due(now=now), *assessments.request_watched(now=now)]:
        assess.apply_async((assessment_id,), priority=UNHURRIED)


@shared_task(time_limit=LONGEST_LOOK, soft_time_limit=LONGEST_LOOK - 30)
def look_at_model(run_id: int) -> None:
    if run := MonitoringRun.objects.claim(run_id, now=timezone.now()):
        monitoring.look_at_model(run, clock=timezone.now)


@shared_task
def request_looks_at_models() -> None:
    """Ask for this month's look at the model of every tenant that had none; scheduled once a night."""
    now = timezone.now()
    for run_id in monitoring.request_due(now=now):
        look_at_model.apply_async((run_id,), priority=UNHURRIED)


@shared_task(time_limit=LONGEST_LOOK, soft_time_limit=LONGEST_LOOK - 30)
def look_for_signs(run_id: int) -> None:
    if run := WarningRun.objects.claim(run_id, now=timezone.now()):
        warnings.look_for_signs(run, clock=timezone.now)


@shared_task
def request_looks_for_signs() -> None:
    """Ask for this night's search for early signs at every bank with lines; scheduled once a night."""
    for run_id in warnings.request_due(now=timezone.now()):
        look_for_signs.apply_async((run_id,), priority=UNHURRIED)


@shared_task
def ring_looks_again() -> None:
    """Ring for the looks at models and firms that were left behind; scheduled every five minutes."""
    now = timezone.now()
    for model, task in ((MonitoringRun, look_at_model), (WarningRun, look_for_signs)):
        model.objects.release(since=now - timedelta(seconds=LONGEST_LOOK + 30))
        unheard = model.objects.filter(status=model.Status.WAITING, requested_at__lt=now - timedelta(minutes=2))
        for run_id in unheard.order_by("pk").values_list("pk", flat=True):
            task.apply_async((run_id,), priority=UNHURRIED)


@shared_task
def watch_acts() -> None:
    """Tell of acts that are expected, overdue or wait for a second person; scheduled every minute."""
    offline_acts.watch_acts(now=timezone.now())


@shared_task
def watch_covers() -> None:
    """Bring guarantees into force with their lines and end them, lapse quotes, tell of late claims; every five minutes."""
    now = timezone.now()
    covers.watch_covers(now=now)
    covers.tell_late_claims(now=now)


@shared_task(time_limit=LONGEST_COMPARISON, soft_time_limit=LONGEST_COMPARISON - 10)
def read_bank_file(file_id: int) -> None:
    if run := BankFile.objects.claim(file_id, now=timezone.now()):
        bank_files.read_file(run)


@shared_task
def ring_bank_files_again() -> None:
    """Ring for the bank files that were left behind; scheduled every minute."""
    now = timezone.now()
    BankFile.objects.release(since=now - timedelta(seconds=LONGEST_COMPARISON + 30))
    for file_id in BankFile.objects.unheard(now).order_by("pk").values_list("pk", flat=True):
        read_bank_file.delay(file_id)


@shared_task
def tend_log() -> None:
    """Sign the evidence log if it grew, and have it co-signed; scheduled every ten minutes."""
    checkpoints.tend_log(now=timezone.now())


@shared_task
def lapse_assignments() -> None:
    """Give back the parts of receivables that no bank answered in time, or whose loan is repaid; every five minutes."""
    assignments.lapse_assignments(now=timezone.now())
    assignments.release_repaid(now=timezone.now())


@shared_task
def watch_lines() -> None:
    """Free what was kept for orders that ended, keep what was promised to pools, lapse requests; every minute."""
    now = timezone.now()
    lending.keep_pledges(now=now)
    lending.free_reservations(now=now)
    lending.lapse_drawdowns(now=now)


@shared_task
def watch_loans() -> None:
    """Write what falls due, class what is overdue, and remind whoever owes; scheduled every hour."""
    now = timezone.now()
    overdue.watch_loans(now=now)
    overdue.remind(now=now)


@shared_task
def watch_applications() -> None:
    """Lapse what firms left unanswered, close what is over, say what banks left waiting; scheduled every five minutes."""
    now = timezone.now()
    applications.lapse_due(now=now)
    applications.close_finished(now=now)
    applications.tell_left_waiting(now=now)
