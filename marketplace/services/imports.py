import csv
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
from marketplace.models import ListingImport, Membership, Organisation, User
from marketplace.parsing.import_columns import COLUMNS
from marketplace.parsing.tables import LARGEST_FILE
from marketplace.runs import imports as import_runs
from marketplace.services.organisations import require_role
from marketplace.tasks.imports import import_listings

EXAMPLE_ATTRIBUTES = {"DN": 50, "PN": 16, "material": "ss304"}


class ImportAlreadyRunning(RuleBroken):
    pass


def _request(*, file: File, organisation: Organisation, mode: str, by: User, now: datetime) -> ListingImport:
    require_role(by, organisation, *Membership.TRADING_ROLES)
    errors = {}
    if mode not in ListingImport.Mode.values:
        errors["mode"] = [_("Choose whether to import all good rows, or all or none.")]
    if not file.size:
        errors["file"] = [_("The file is empty.")]
    elif file.size > LARGEST_FILE:
        errors["file"] = [_("The file is larger than %(size)d MB.") % {"size": LARGEST_FILE // 1024**2}]
    if errors:
        raise InputRefused(errors)
    name = file.name.replace("\\", "/").rsplit("/", 1)[-1][-200:]
    run = ListingImport(organisation=organisation, by=by, mode=mode, file_name=name, requested_at=now)
    run.file.save(name[-60:], file, save=False)
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError as error:
        run.file.delete(save=False)
        raise ImportAlreadyRunning(
            _("Another import of “%(name)s” is not finished yet.") % {"name": organisation.name}
        ) from error
    return run


@transaction.atomic
def request_import(*, file: File, organisation: Organisation, mode: str, by: User, now: datetime) -> ListingImport:
    """Keep a file of listings for a worker to read.

    :raises OnlyMembersMay: if ``by`` does not trade for the organisation
    :raises InputRefused: if the file is empty or too large
    :raises ImportAlreadyRunning: if an earlier one is not finished
    """
    run = _request(file=file, organisation=organisation, mode=mode, by=by, now=now)
    import_listings.delay_on_commit(run.pk)
    return run


def import_at_once(*, file: File, organisation: Organisation, mode: str, by: User, now: datetime) -> ListingImport:
    """Import a file in this process, for commands that wait for the report; refuses what ``request_import`` refuses."""
    run = _request(file=file, organisation=organisation, mode=mode, by=by, now=now)
    if claimed := ListingImport.objects.claim(run.pk, now=now):
        import_runs.import_listings(claimed)
    run.refresh_from_db()
    return run


def _safe(cell: object) -> object:
    """Keep a spreadsheet from taking a stranger's text for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([_safe(cell) for cell in row] for row in rows)
    # The mark at the start tells spreadsheets that this is UTF-8.
    return out.getvalue().encode("utf-8-sig")


def _template_columns() -> list[tuple[str, str, str]]:
    english = get_language() == "en"
    columns = []
    for column in COLUMNS:
        if column.field == "attributes":
            mark = "attr:" if english else "属性:"
            columns += [(f"{mark}{key}", "", str(value)) for key, value in EXAMPLE_ATTRIBUTES.items()]
        elif column.example or column.help_zh:
            heading, advice = (column.en, column.help_en) if english else (column.zh, column.help_zh)
            columns.append((heading, advice, column.example))
    return columns


def template_csv() -> bytes:
    """Return an import file with the headings in the reader's language and one example row."""
    columns = _template_columns()
    return _csv([[heading for heading, _advice, _example in columns], [example for *_others, example in columns]])


def template_xlsx() -> bytes:
    """Return the same as a workbook, with a remark on each heading that says what to write."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for place, (heading, advice, example) in enumerate(_template_columns(), start=1):
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


def error_report_csv(run: ListingImport) -> bytes:
    """Return every bad row by number and column, in both languages."""
    heading = [_("row"), _("column"), _("code"), "中文", "English"]
    return _csv([heading, *([e["row"], e["column"], e["code"], e["zh"], e["en"]] for e in run.errors)])
