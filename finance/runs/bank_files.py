"""Read a bank's file, lay it beside what stands here, and write what agrees, what is to be posted and where both differ."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from finance.lending.reconciliation import (
    MATCHED,
    MISSING_HERE,
    TO_POST,
    Finding,
    Here,
    There,
    reconcile,
)
from finance.models import BankFile, BankFileRow, Drawdown, OfflineAct, ReconciliationBreak, Repayment
from finance.reading.bank_files import DISBURSEMENT, REPAYMENT, BankPayment, read_bank_file
from finance.reading.problems import FileRefused, Problem
from finance.runs import evidence
from marketplace.models import Announcement, Notification
from marketplace.services.attachments import read_content

PROBLEMS_KEPT = 200
WHY = {
    "unknown_loan": ("没有这个放款编号。", "There is no such loan here."),
    "not_expected": ("此笔放款或贷款目前不待入账。", "Nothing is awaited for this loan."),
    "other_loan": ("流水号在本平台属于另一笔贷款。", "Here the reference belongs to another loan."),
}


def read_file(run: BankFile, *, clock: Callable[[], datetime] = timezone.now) -> None:
    """Read this run's file and write what came of each row; a file that is no table stands with its problem in line 0."""
    try:
        payments, problems = _read(run, clock())
        with transaction.atomic():
            _write(run, payments, problems, now=clock())
    except Exception as error:
        BankFile.objects.fail(run, now=clock(), failure=repr(error))
        raise


def _read(run: BankFile, now: datetime) -> tuple[list[BankPayment], list[Problem]]:
    payments, problems = [], []
    try:
        for row in read_bank_file(read_content(run.attachment), timezone.localdate(now)):
            (problems if isinstance(row, Problem) else payments).append(row)
    except FileRefused as refused:
        return [], [refused.problem]
    return payments, problems


def _write(run: BankFile, payments: list[BankPayment], problems: list[Problem], *, now: datetime) -> None:
    fresh, known, contradictions = _without_known(run, payments)
    problems = sorted([*problems, *contradictions], key=lambda one: one.line)
    theirs = [
        There(one.line, one.kind, one.reference, one.loan_number, one.amount, one.day, one.currency) for one in fresh
    ]
    loans = _loans(run, fresh)
    is_open = {number for number, loan in loans.items() if loan.status == Drawdown.Status.PAID_OUT}
    findings, lacking = reconcile(theirs, _ours(run), open_loans=is_open, known_loans=loans.keys())
    days = [one.day for one in payments]
    counts = {
        "rows": len(payments) + sum(one.line > 0 for one in problems) - len(contradictions),
        "known": known,
        "refused": len(problems),
        "matched": sum(one.outcome == MATCHED for one in findings),
        "to_post": sum(one.outcome == TO_POST for one in findings),
        "problems": [one.as_dict() for one in problems[:PROBLEMS_KEPT]],
        "first_on": min(days, default=None),
        "last_on": max(days, default=None),
    }
    if not BankFile.objects.finish(run, now=now, **counts):
        return
    by_line = {one.line: one for one in fresh}
    rows = BankFileRow.objects.bulk_create(_row(run, by_line[one.there.id], one, loans) for one in findings)
    ReconciliationBreak.objects.bulk_create(
        _break(run, row, finding)
        for row, finding in zip(rows, findings, strict=True)
        if finding.outcome not in (MATCHED, TO_POST)
    )
    _write_lacking(run, lacking)
    _settle_found(findings, now=now)
    Notification.objects.announce([_loaded(run, counts)], now=now)
    content = {"file": run.pk, "sha256": run.sha256, "rows": len(rows)}
    evidence.append(kind="bank_file.read", content=content, at=now)


def _without_known(run: BankFile, payments: list[BankPayment]) -> tuple[list[BankPayment], int, list[Problem]]:
    """Leave out what an earlier file brought already; what then said something else is a problem."""
    references = [one.reference for one in payments]
    earlier = BankFileRow.objects.filter(bank=run.bank_id, reference__in=references).exclude(
        state=BankFileRow.State.DROPPED
    )
    rows = {(row.kind, row.reference): row for row in earlier.select_related("file")}
    fresh, known, problems = [], 0, []
    for one in payments:
        row = rows.get((one.kind, one.reference))
        if row is None:
            fresh.append(one)
        elif (row.amount, row.paid_on, row.loan_number) == (one.amount, one.day, one.loan_number):
            known += 1
        else:
            name, line = row.file.name, row.line
            zh = f"文件“{name}”第 {line} 行已有此流水号，但金额、日期或贷款不同。"
            en = f"Line {line} of “{name}” has this reference with another amount, day or loan."
            problems.append(Problem(one.line, "", "reference_contradicts", zh, en))
    return fresh, known, problems


def _loans(run: BankFile, payments: list[BankPayment]) -> dict[str, Drawdown]:
    numbers = {one.loan_number for one in payments}
    found = Drawdown.objects.filter(line__bank=run.bank_id, number__in=numbers)
    return {loan.number: loan for loan in found}


# Acts and repayments have ids of their own: what stands here is told apart by kind.
def _ours(run: BankFile) -> list[Here]:
    acts = OfflineAct.objects.filter(
        recorder=run.bank_id,
        kind=OfflineAct.Kind.FUNDS_PAID,
        status__in=[*OfflineAct.RUNNING, OfflineAct.Status.CONFIRMED],
    ).select_related("drawdown")
    # What was paid out some other way is awaited no more.
    acts = acts.exclude(~Q(drawdown__status=Drawdown.Status.APPROVED), status__in=OfflineAct.RUNNING)
    ours = [
        Here(
            id=act.pk,
            kind=DISBURSEMENT,
            reference=act.reference if act.status in _SAID else "",
            loan_number=act.drawdown.number,
            amount=act.amount if act.status in _SAID else act.drawdown.amount,
            day=act.occurred_on if act.status in _SAID else None,
            currency=act.currency,
            is_settled=act.status == OfflineAct.Status.CONFIRMED,
        )
        for act in acts.exclude(Exists(_seen(act=OuterRef("pk"))))
    ]
    repayments = Repayment.objects.filter(drawdown__line__bank=run.bank_id).exclude(status=Repayment.Status.REFUSED)
    ours += [
        Here(
            id=one.pk,
            kind=REPAYMENT,
            reference=one.reference or one.key,
            loan_number=one.drawdown.number,
            amount=one.amount,
            day=one.paid_on,
            currency=one.currency,
            is_settled=one.status == Repayment.Status.BOOKED,
        )
        for one in repayments.exclude(Exists(_seen(repayment=OuterRef("pk")))).select_related("drawdown")
    ]
    return ours


_SAID = (OfflineAct.Status.RECORDED, OfflineAct.Status.CONFIRMED)


def _seen(**of: Any):
    """Return the rows by which an earlier file settled this."""
    return BankFileRow.objects.filter(state__in=[BankFileRow.State.MATCHED, BankFileRow.State.POSTED], **of)


def _row(run: BankFile, payment: BankPayment, finding: Finding, loans: dict[str, Drawdown]) -> BankFileRow:
    here = finding.here
    is_break = finding.outcome not in (MATCHED, TO_POST)
    return BankFileRow(
        bank_id=run.bank_id,
        file=run,
        line=payment.line,
        kind=payment.kind,
        reference=payment.reference,
        loan_number=payment.loan_number,
        amount=payment.amount,
        currency=payment.currency,
        paid_on=payment.day,
        party=payment.party,
        note=payment.note,
        is_early=payment.is_early,
        state=BankFileRow.State.BREAK if is_break else finding.outcome,
        drawdown=loans.get(payment.loan_number),
        act_id=here.id if here and here.kind == DISBURSEMENT else None,
        repayment_id=here.id if here and here.kind == REPAYMENT else None,
    )


def _side(amount: object, currency: str, day: object) -> dict[str, str]:
    return {"amount": f"{amount:.2f}", "currency": currency, "day": day.isoformat() if day else ""}


def _break(run: BankFile, row: BankFileRow, finding: Finding) -> ReconciliationBreak:
    here = finding.here
    details: dict[str, Any] = {"there": _side(row.amount, row.currency, row.paid_on)}
    if here:
        details["here"] = _side(here.amount, here.currency, here.day)
    if finding.reason:
        details["why"] = dict(zip(("zh", "en"), WHY[finding.reason], strict=True))
    return ReconciliationBreak(
        file=run, kind=finding.outcome, row=row, act_id=row.act_id, repayment_id=row.repayment_id, details=details
    )


def _write_lacking(run: BankFile, lacking: list[Here]) -> None:
    """Write what the bank's file should have and has not; what is an open break already stays the one it is."""
    ReconciliationBreak.objects.bulk_create(
        [
            ReconciliationBreak(
                file=run,
                kind=ReconciliationBreak.Kind.MISSING_THERE,
                act_id=one.id if one.kind == DISBURSEMENT else None,
                repayment_id=one.id if one.kind == REPAYMENT else None,
                details={"here": _side(one.amount, one.currency, one.day)},
            )
            for one in lacking
        ],
        ignore_conflicts=True,
    )


def _settle_found(findings: list[Finding], *, now: datetime) -> None:
    """Settle the breaks of what earlier files lacked and this one brought."""
    found = [one.here for one in findings if one.here and one.outcome != MISSING_HERE]
    lacked = ReconciliationBreak.objects.open().filter(kind=ReconciliationBreak.Kind.MISSING_THERE)
    settled = {"resolution": ReconciliationBreak.Resolution.FOUND_LATER, "resolved_at": now}
    lacked.filter(act__in=[one.id for one in found if one.kind == DISBURSEMENT]).update(**settled)
    lacked.filter(repayment__in=[one.id for one in found if one.kind == REPAYMENT]).update(**settled)


def _loaded(run: BankFile, counts: dict[str, Any]) -> Announcement:
    return Announcement(
        event="bank_file.loaded",
        deduplication_key=f"bank_file.loaded:{run.pk}",
        organisation=run.bank,
        title_zh=f"银行文件“{run.name}”已核对：待入账 {counts['to_post']} 笔，待复核",
        title_en=f"Bank file “{run.name}” was compared: {counts['to_post']} to post, waits for the second person",
        url=reverse("finance:bank_file_detail", args=[run.pk]),
        data={"bank_file": run.pk, "rows": counts["rows"], "to_post": counts["to_post"]},
    )
