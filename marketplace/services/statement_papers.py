"""A statement as a file: a paper to print, a table for the books."""

import csv
import io

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from marketplace.models import PriceItem, Statement
from marketplace.papers.paper import Paper
from marketplace.parsing.units import unit_name
from marketplace.services.booths import BOOTH

LANGUAGES = {"en": "en"}


def _language() -> str:
    return LANGUAGES.get(get_language() or "", "zh")


def per_name(unit: str) -> str:
    """Return what the reader calls what a price is for."""
    # Two words that people pay for and that are no units of measure.
    if unit == PriceItem.SLOT:
        return _("slot")
    if unit == BOOTH:
        return _("booth")
    return unit_name(unit, _language(), plural=False)


def _lines(statement: Statement) -> list[list[str]]:
    return [
        [
            fee.accrued_on.isoformat(),
            str(fee.get_kind_display()),
            fee.facility.name if fee.facility else "",
            fee.note or (fee.booking.number if fee.booking else ""),
            f"{fee.quantity.normalize():f}",
            per_name(fee.unit),
            f"{fee.unit_price.normalize():f}",
            f"{fee.amount:f}",
        ]
        for fee in statement.fees.with_names().order_by("accrued_on", "pk")
    ]


def _header() -> list[str]:
    return [_("Day"), _("For"), _("Facility"), _("Note"), _("Quantity"), _("Unit"), _("Unit price"), _("Amount")]


def as_pdf(statement: Statement) -> bytes:
    """Return the statement as a PDF in the reader's language."""
    paper = Paper(_("Statement of park fees"), _language(), number=statement.number)
    park, firm = statement.park, statement.organisation
    paper.facts(
        [
            (_("Park"), park.name),
            (_("Operator"), park.organisation.name),
            (_("Firm"), f"{firm.name} ({firm.uscc or firm.foreign_identifier})"),
            (_("Month"), f"{statement.month:%Y-%m}"),
            (_("Issued"), date_format(statement.issued_at, "DATE_FORMAT")),
            (_("Total"), f"{statement.total:f} {statement.currency}"),
        ]
    )
    paper.table(_header(), _lines(statement))
    return paper.pdf()


def as_csv(statement: Statement) -> str:
    """Return the statement's lines as CSV, marked so that spreadsheets read it as UTF-8."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow([*_header(), _("Currency")])
    writer.writerows([*map(_inert, line), statement.currency] for line in _lines(statement))
    return out.getvalue()


def _inert(cell: str) -> str:
    """Keep a spreadsheet from taking what somebody wrote for a formula."""
    is_number = cell.lstrip("-").replace(".", "", 1).isdigit()
    return f"'{cell}" if cell[:1] in tuple("=+-@\t\r") and not is_number else cell
