"""A list of leads as a file, for whoever calls them."""

import csv
import io
from collections.abc import Callable, Sequence

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font

from marketplace.models.disclosure import Reader
from marketplace.parsing.industries import industries
from marketplace.parsing.regions import place_name
from matching.services.leads import Lead

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
REASONS = 3
# A cell that begins so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_leads(leads: Sequence[Lead], *, reader: Reader, suffix: str) -> tuple[bytes, str]:
    """Return the leads as a CSV or XLSX file, with what the reader may see of each, and its content type."""
    rows = [_heads(), *(_row(lead, reader) for lead in leads)]
    write, content_type = WRITERS[suffix]
    return write(rows), content_type


def _heads() -> list[str]:
    return [
        _("Rank"),
        _("Points"),
        _("Kind"),
        _("Name"),
        _("Building owner"),
        _("Industry"),
        _("Region"),
        _("Stage"),
        _("Contact"),
        _("Phone"),
        _("E-mail"),
        _("Contacted"),
        _("Note"),
        _("Reasons"),
    ]


def _row(lead: Lead, reader: Reader) -> list[object]:
    language = "en" if get_language() == "en" else "zh"
    subject, firm, project = lead.subject, lead.firm, lead.project
    sees = project is not None or reader.sees_contact(firm)
    contact = [subject.contact_name, subject.contact_phone, subject.contact_email] if sees else ["", "", ""]
    is_known = project is not None or reader.knows(firm)
    telling = [reason for reason in lead.reasons if reason["points"] > 0 and reason["feature"] != "base"][:REASONS]
    return [
        lead.rank,
        round(lead.score, 1),
        _("Firm") if firm else _("Building project"),
        reader.name_of(firm) if firm else project.name,
        project.owner_name if project else "",
        industries().get(subject.industry, "") if is_known else "",
        place_name(subject.region if is_known else f"{subject.region[:4]}00", language) if subject.region else "",
        project.get_stage_display() if project else "",
        *contact,
        lead.contact.get_outcome_display() if lead.contact else "",
        lead.contact.note if lead.contact else "",
        "; ".join(reason[language] for reason in telling),
    ]


def _plain(value: object) -> object:
    return "".join(char for char in value if char >= " " or char in "\n\t") if isinstance(value, str) else value


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows:
        writer.writerow(
            [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else _plain(cell) for cell in row]
        )
    # The mark at the start tells spreadsheets that this is UTF-8.
    return out.getvalue().encode("utf-8-sig")


def _xlsx(rows: Sequence[Sequence[object]]) -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = _("Leads")
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(row=number, column=column)
            cell.value = _plain(value)
            if isinstance(value, str):
                # What people typed is text, also where it begins like a formula.
                cell.data_type = "s"
            if number == 1:
                cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


WRITERS: dict[str, tuple[Callable[[Sequence[Sequence[object]]], bytes], str]] = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "xlsx": (_xlsx, XLSX),
}
