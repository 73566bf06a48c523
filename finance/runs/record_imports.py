"""Read the file of an import and write its records."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from finance.models import FindingRun, RecordImport, RecordKind, TransactionRecord
from finance.reading.batches import batch_root
from finance.reading.e_invoices import is_xml, read_e_invoice
from finance.reading.facts import Fact, Keys, read_facts
from finance.reading.problems import FileRefused, Problem
from finance.reading.tables import unpack
from finance.runs import evidence
from finance.runs.record_stage import RecordStage, record_stage
from marketplace.models import Announcement, Notification, Organisation
from marketplace.services.attachments import read_content

Source = TransactionRecord.Source
SOURCES = {
    RecordKind.SALES: Source.INVOICE,
    RecordKind.PURCHASES: Source.INVOICE,
    RecordKind.PAYMENT: Source.BANK,
    RecordKind.DELIVERY: Source.LOGISTICS,
    RecordKind.PRODUCTION: Source.WORKSHOP,
}


@dataclass
class Reading:
    """How far a file was read: rows seen, and what was refused."""

    rows: int = 0
    refused: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, problem: Problem) -> None:
        self.refused += 1
        if len(self.problems) < RecordImport.PROBLEMS_KEPT:
            self.problems.append(problem.as_dict())


def import_records(run: RecordImport, *, clock: Callable[[], datetime] = timezone.now) -> None:
    """Write the good rows of this run's file that the firm does not have yet, and report every bad one.

    What the file as a whole is refused for stands as the problem of line 0; then nothing of it is written.
    """
    try:
        # Everything that asks the database comes first: while rows are copied nothing else can be asked.
        reading, content, firm = Reading(), read_content(run.attachment), run.organisation
        with record_stage(run) as stage:
            try:
                good = stage.fill(_keyed(firm, _read(run, content, firm, reading, clock())))
            except FileRefused as refused:
                _finish(run, None, Reading(problems=[refused.problem.as_dict()]), 0, clock())
            else:
                _finish(run, stage, reading, good, clock())
    except Exception as error:
        RecordImport.objects.fail(run, now=clock(), failure=repr(error))
        raise


def identity(firm: Organisation) -> str:
    """Return the code by which the hash of a record names its firm."""
    return firm.uscc or f"{firm.country}/{firm.foreign_identifier}"


def _read(run: RecordImport, content: bytes, firm: Organisation, reading: Reading, now: datetime) -> Iterator[Fact]:
    content, today = unpack(content), timezone.localdate(now)
    if is_xml(content):
        own = (identity(firm), firm.name_zh, firm.name_en)
        reading.rows = 1
        yield read_e_invoice(content, run.kind, today=today, own=own)
        return
    for row in read_facts(content, run.kind, today=today, firm=run.firm_code):
        reading.rows += 1
        if isinstance(row, Problem):
            reading.refuse(row)
        else:
            yield row


def _keyed(firm: Organisation, facts: Iterator[Fact]) -> Iterator[tuple[Fact, str, str]]:
    keys, code = Keys(), identity(firm)
    for fact in facts:
        sha256 = fact.sha256(code)
        yield fact, keys.key(sha256, number=fact.number), sha256


@transaction.atomic
def _finish(run: RecordImport, stage: RecordStage | None, reading: Reading, good: int, now: datetime) -> None:
    # First of all the claim: a slow worker may have been replaced.
    counts = {"rows": reading.rows, "refused": reading.refused, "problems": reading.problems}
    if not RecordImport.objects.finish(run, now=now, **counts):
        return
    added = stage.insert(run, source=SOURCES[run.kind], known_at=now) if stage and good else 0
    counts |= {"added": added, "known": good - added}
    root = ""
    if added:
        records = TransactionRecord.objects.filter(imported_by=run).order_by("line")
        root = batch_root(records.values_list("sha256", flat=True).iterator(chunk_size=20_000))
        FindingRun.objects.request([run.organisation_id], now=now)
    RecordImport.objects.filter(pk=run.pk).update(added=added, known=counts["known"], root=root)
    Notification.objects.announce([_finished(run, counts)], now=now)
    if added:
        content = {
            "import": run.pk,
            "organisation": evidence.pseudonym(run.organisation),
            "record_kind": run.kind,
            "file": run.sha256,
            "count": added,
            "root": root,
        }
        evidence.append(kind="records.imported", content=content, at=now)


def _finished(run: RecordImport, counts: dict[str, Any]) -> Announcement:
    said = {name: counts[name] for name in ("added", "known", "refused")}
    return Announcement(
        event="record_import.finished",
        deduplication_key=f"record_import.finished:{run.pk}",
        organisation=run.organisation,
        title_zh=f"“{run.name}”的交易记录已导入",
        title_en=f"The records of “{run.name}” were imported",
        body_zh="新增 {added} 条，已有 {known} 条，拒绝 {refused} 条。".format(**said),
        body_en="{added} new, {known} already known, {refused} refused.".format(**said),
        url=reverse("finance:import_detail", args=[run.pk]),
        data={"import": run.pk, **said},
    )
