"""Files of records that a firm hands in."""

import csv
import hashlib
import io
from collections.abc import Iterable
from datetime import datetime

import openpyxl
from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from openpyxl.comments import Comment
from openpyxl.styles import Font

from config.errors import InputRefused, RuleBroken
from finance.models import RecordImport, RecordKind
from finance.reading.layouts import template
from finance.runs import record_imports as import_runs
from finance.tasks import import_records
from marketplace.models import Membership, Organisation, User
from marketplace.services.attachments import clean_name, keep_attachment
from marketplace.services.organisations import require_role

# As it is handed in: packed it may hold ten times as much.
LARGEST_FILE = 64 * 1024**2
LONGEST_CODE = 60
TYPES = {
    ".csv": "text/csv",
    ".csv.gz": "application/gzip",
    ".gz": "application/gzip",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
}


class ImportAlreadyRunning(RuleBroken):
    """An earlier file of the same kind is not finished."""


def request_import(
    *, file: File, organisation: Organisation, kind: str, by: User, now: datetime, firm_code: str = ""
) -> RecordImport:
    """Keep a file of records for a worker to read.

    :raises OnlyMembersMay: if ``by`` does not trade for the organisation
    :raises InputRefused: if the kind is unknown, or the file is empty, too large or of a type that is not taken
    :raises ImportAlreadyRunning: if an earlier file of the same kind is not finished
    """
    with transaction.atomic():
        run = _request(file=file, organisation=organisation, kind=kind, by=by, now=now, firm_code=firm_code)
        import_records.delay_on_commit(run.pk)
    return run


def import_at_once(
    *, file: File, organisation: Organisation, kind: str, by: User, now: datetime, firm_code: str = ""
) -> RecordImport:
    """Import a file in this process, for commands that wait; refuses what ``request_import`` refuses."""
    with transaction.atomic():
        run = _request(file=file, organisation=organisation, kind=kind, by=by, now=now, firm_code=firm_code)
    if claimed := RecordImport.objects.claim(run.pk, now=now):
        import_runs.import_records(claimed, clock=lambda: now)
    run.refresh_from_db()
    return run


def _request(
    *, file: File, organisation: Organisation, kind: str, by: User, now: datetime, firm_code: str
) -> RecordImport:
    require_role(by, organisation, *Membership.TRADING_ROLES)
    name = clean_name(file.name or "")
    content_type = next((TYPES[ending] for ending in TYPES if name.lower().endswith(ending)), None)
    errors: dict[str, list[str]] = {}
    if kind not in RecordKind.values:
        errors["kind"] = [_("Choose one of these.")]
    if len(firm_code) > LONGEST_CODE:
        errors["firm_code"] = [_("At most %(count)d characters.") % {"count": LONGEST_CODE}]
    if not file.size:
        errors["file"] = [_("The file is empty.")]
    elif file.size > LARGEST_FILE:
        errors["file"] = [_("The file is larger than %(size)d MB.") % {"size": LARGEST_FILE // 1024**2}]
    elif content_type is None:
        types = ", ".join(ending[1:] for ending in TYPES)
        errors["file"] = [_("Files of this type are not taken. These are: %(types)s.") % {"types": types}]
    if errors:
        raise InputRefused(errors)
    file.seek(0)
    content = file.read()
    attachment = keep_attachment(
        name=name, content_type=content_type, content=content, by=by, readers=[organisation], now=now
    )
    try:
        with transaction.atomic():
            return RecordImport.objects.create(
                organisation=organisation,
                kind=kind,
                name=name,
                attachment=attachment,
                sha256=hashlib.sha256(content).hexdigest(),
                firm_code=firm_code.strip(),
                requested_by=by,
                requested_at=now,
            )
    except IntegrityError as error:
        words = {"kind": RecordKind(kind).label, "name": organisation.name}
        raise ImportAlreadyRunning(
            _("Another file of this kind (%(kind)s) of “%(name)s” is still being read.") % words
        ) from error


def _safe(cell: object) -> object:
    """Keep a spreadsheet from taking a stranger's text for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([_safe(cell) for cell in row] for row in rows)
    # The mark at the start tells spreadsheets that this is UTF-8.
    return out.getvalue().encode("utf-8-sig")


def template_csv(kind: str) -> bytes:
    """Return a file of this kind with the headings in the reader's language and one example row."""
    columns = template(kind, english=get_language() == "en")
    return _csv(
        [[heading for heading, _example, _advice in columns], [example for _heading, example, _advice in columns]]
    )


def template_xlsx(kind: str) -> bytes:
    """Return the same as a workbook, with a remark on each heading that needs one."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for place, (heading, example, advice) in enumerate(template(kind, english=get_language() == "en"), start=1):
        cell = sheet.cell(1, place, heading)
        cell.font = Font(bold=True)
        if advice:
            cell.comment = Comment(advice, "")
        sheet.cell(2, place, example or None).number_format = "@"
        sheet.column_dimensions[cell.column_letter].width = max(12, 2 * len(heading))
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def problems_csv(run: RecordImport) -> bytes:
    """Return every bad row that the report names, by line and heading, in both languages."""
    heading = [_("line"), _("column"), _("reason"), "中文", "English"]
    rows = ([one["line"], one["field"], one["reason"], one["zh"], one["en"]] for one in run.problems)
    return _csv([heading, *rows])
