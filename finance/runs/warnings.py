"""Search the firms that hold a bank's lines for early signs, each night, and tell the bank's makers what is new."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from finance.models import CreditLine, DataGroup, EarlyWarning, WarningRun
from finance.runs.warning_facts import Watch, signs_of, watched_groups
from finance.scoring.warnings import Sign
from marketplace.models import Announcement, Notification, Organisation

Kind, Severity, Status = EarlyWarning.Kind, EarlyWarning.Severity, EarlyWarning.Status
# How long a maker has to answer.
WAIT = {Severity.NOTICE: timedelta(days=7), Severity.SERIOUS: timedelta(days=2)}
# What was answered and is still seen after this time asks again.
ASK_AGAIN = timedelta(days=90)


def look_for_signs(run: WarningRun, *, clock: Callable[[], datetime]) -> WarningRun:
    """Fill a claimed run; whatever goes wrong is written down, and raised again."""
    try:
        now = clock()
        bank = Organisation.objects.get(pk=run.bank_id)
        watched = watched_groups(bank, now=now)
        lines = CreditLine.objects.filter(bank=bank, borrower__isnull=False).exclude(status=CreditLine.Status.CLOSED)
        watches = [
            Watch(line, line.borrower, bank, watched.get(line.borrower_id, frozenset()), now)
            for line in lines.select_related("borrower").order_by("pk")
        ]
        found = [(watch, signs_of(watch)) for watch in watches]
        _write(run, found, now=now, clock=clock)
    except Exception as error:
        WarningRun.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise
    run.refresh_from_db()
    return run


def request_due(*, now: datetime) -> list[int]:
    """Ask for tonight's look at every bank with lines that had none; return the runs to ring for."""
    day = timezone.localdate(now)
    lines = CreditLine.objects.filter(borrower__isnull=False).exclude(status=CreditLine.Status.CLOSED)
    banks = lines.order_by("bank").values_list("bank", flat=True).distinct()
    runs = [WarningRun.objects.request(bank_id=bank, day=day, now=now) for bank in banks]
    return [run.pk for run in runs if run]


@transaction.atomic
def _write(
    run: WarningRun, found: Sequence[tuple[Watch, list[Sign]]], *, now: datetime, clock: Callable[[], datetime]
) -> None:
    firms = {watch.firm.pk: bool(watch.groups) for watch, _signs in found}
    results = {"firms": len(firms), "unseen": sum(not seen for seen in firms.values())}
    if not WarningRun.objects.finish(run, now=clock(), **results):
        return
    opened, passed = [], 0
    for watch, signs in found:
        fresh, gone = _line(run, watch, signs, now)
        opened += fresh
        passed += gone
    opened = EarlyWarning.objects.bulk_create(opened)
    WarningRun.objects.filter(pk=run.pk).update(opened=len(opened), passed=passed)
    Notification.objects.announce(_told(run, opened), now=now)


def _line(run: WarningRun, watch: Watch, signs: list[Sign], now: datetime) -> tuple[list[EarlyWarning], int]:
    """Return the warnings of a line that are new, and how many have passed.

    Answered ones stay answered while they are no worse; what turns serious, or is still seen after 90 days, is asked
    again in a new row. What the bank may not look at tonight is left as it is.
    """
    standing = EarlyWarning.objects.standing().select_for_update().filter(line=watch.line).order_by("pk")
    rows = {(row.kind, row.subject): row for row in standing}
    fresh = []
    for sign in signs:
        subject = _subject(sign)
        row = rows.pop((sign.kind, subject), None)
        if row is not None and not _asks_again(row, sign, now):
            EarlyWarning.objects.filter(pk=row.pk).update(evidence=_evidence(watch, sign), seen_at=now, run=run)
            continue
        if row is not None:
            EarlyWarning.objects.filter(pk=row.pk).become(Status.PASSED, passed_at=now)
        fresh.append(_warning(run, watch, sign, subject, now))
    gone = [row.pk for row in rows.values() if not row.group or row.group in watch.groups]
    return fresh, EarlyWarning.objects.filter(pk__in=gone).become(Status.PASSED, passed_at=now)


def _asks_again(row: EarlyWarning, sign: Sign, now: datetime) -> bool:
    worse = row.severity == Severity.NOTICE and sign.severity == Severity.SERIOUS
    return worse or (row.answered_at is not None and row.answered_at < now - ASK_AGAIN)


def _subject(sign: Sign) -> str:
    """Return what tells two warnings of a kind apart, by a name that gives nothing away: which customer it is about."""
    customer = sign.facts.get("customer")
    return hashlib.sha256(customer.encode()).hexdigest()[:16] if customer else ""


def _evidence(watch: Watch, sign: Sign) -> dict:
    """Return what was seen; who the customer is only where the firm lets the bank see its counterparties."""
    named = DataGroup.COUNTERPARTIES in watch.groups
    facts = {name: value for name, value in sign.facts.items() if named or name != "customer"}
    return {**facts, "zh": sign.zh, "en": sign.en}


def _warning(run: WarningRun, watch: Watch, sign: Sign, subject: str, now: datetime) -> EarlyWarning:
    return EarlyWarning(
        bank=watch.bank,
        firm=watch.firm,
        line=watch.line,
        run=run,
        kind=sign.kind,
        subject=subject,
        group=EarlyWarning.GROUP_OF[sign.kind],
        severity=sign.severity,
        evidence=_evidence(watch, sign),
        opened_at=now,
        seen_at=now,
        act_by=now + WAIT[sign.severity],
    )


def _told(run: WarningRun, opened: Sequence[EarlyWarning]) -> list[Announcement]:
    """Tell a bank's makers once per firm that there is something to look at; what was seen stands on the page."""
    by_firm = defaultdict(list)
    for warning in opened:
        by_firm[warning.firm].append(warning)
    told = []
    for firm, warnings in by_firm.items():
        serious = any(warning.severity == Severity.SERIOUS for warning in warnings)
        how_zh, how_en = ("严重预警", "serious early warning") if serious else ("预警", "early warning")
        told.append(
            Announcement(
                event="credit.warned",
                deduplication_key=f"credit.warned:{run.pk}:{firm.pk}",
                organisation=run.bank,
                title_zh=f"{firm.name_zh or firm.name_en}：{len(warnings)} 项{how_zh}",
                title_en=f"{firm.name_en or firm.name_zh}: {len(warnings)} {how_en}{'s' if len(warnings) > 1 else ''}",
                url=reverse("finance:bank_warnings"),
                data={"firm": firm.pk, "warnings": [warning.pk for warning in warnings]},
            )
        )
    return told
