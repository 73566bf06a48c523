"""The comparison of quotes as a workbook."""

import io
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from marketplace.parsing.units import unit_name
from marketplace.services.comparisons import Comparison, Entry

BOLD = Font(bold=True)
BEST = PatternFill("solid", fgColor="D9F2E1")


def _write(
    sheet: Worksheet, row: int, column: int, value: Any, *, is_best: bool = False, is_head: bool = False
) -> None:
    cell: Cell = sheet.cell(row=row, column=column)
    if isinstance(value, str):
        # What people typed is text, also where it begins like a formula.
        cell.value, cell.data_type = "".join(char for char in value if char >= " " or char in "\n\t"), "s"
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    else:
        cell.value = value
    if is_best:
        cell.fill = BEST
    if is_head:
        cell.font = BOLD


def _note(entry: Entry) -> str:
    if entry.line is None or entry.line.is_declined:
        return _("declined")
    parts = [entry.line.deviations]
    if entry.line.minimum_quantity:
        parts.append(_("minimum %(quantity)s") % {"quantity": f"{entry.line.minimum_quantity.normalize():f}"})
    return "; ".join(filter(None, parts))


def comparison_sheet(comparison: Comparison) -> bytes:
    """Return an XLSX file: a sheet with every line and quantity, one with the totals."""
    book = Workbook()
    _lines(book.active, comparison)
    _totals(book.create_sheet(_("Totals")), comparison)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _lines(sheet: Worksheet, comparison: Comparison) -> None:
    sheet.title = _("Lines")
    heads = [_("Line"), _("What"), _("Quantity"), _("Unit")]
    for quote in comparison.quotes:
        name = quote.shown_name
        heads += [
            f"{name}: {_('unit price')} ({quote.currency})",
            f"{name}: {_('landed')} ({comparison.rfq.currency})",
            f"{name}: {_('days')}",
            f"{name}: {_('remarks')}",
        ]
    for column, head in enumerate(heads, start=1):
        _write(sheet, 1, column, head, is_head=True)
    for number, row in enumerate(comparison.rows, start=2):
        first = [
            row.line.position,
            row.line.description,
            row.quantity,
            unit_name(row.line.unit, get_language() or "zh"),
        ]
        for column, value in enumerate(first, start=1):
            _write(sheet, number, column, value)
        for place, entry in enumerate(row.entries):
            column, cell = 5 + 4 * place, entry.cell
            _write(sheet, number, column, cell.price.unit_price if cell else None)
            _write(sheet, number, column + 1, cell.landed if cell else None, is_best=bool(cell and cell.is_cheapest))
            _write(sheet, number, column + 2, cell.lead_days if cell else None, is_best=bool(cell and cell.is_fastest))
            _write(sheet, number, column + 3, _note(entry))
    _widths(sheet)


def _totals(sheet: Worksheet, comparison: Comparison) -> None:
    currency = comparison.rfq.currency
    heads = [
        _("Supplier"), _("Version"), _("Currency"), _("Quoted, with freight and charges"),
        f"{_('Landed')} ({currency})", _("Lines covered"), _("days"), _("Deliveries"), _("On time, %"), _("Valid until"),
    ]  # fmt: skip
    for column, head in enumerate(heads, start=1):
        _write(sheet, 1, column, head, is_head=True)
    for number, (quote, total) in enumerate(comparison.totals(), start=2):
        rate = quote.supplier.on_time_rate
        values = [
            quote.shown_name, quote.version, quote.currency, total.amount, total.landed, total.covered,
            total.lead_days, quote.supplier.deliveries,
            None if rate is None else Decimal(str(round(100 * rate, 1))),
            timezone.localtime(quote.valid_until).strftime("%Y-%m-%d %H:%M"),
        ]  # fmt: skip
        for column, value in enumerate(values, start=1):
            best = (column == 5 and total.is_cheapest) or (column == 7 and total.is_fastest)
            _write(sheet, number, column, value, is_best=best)
    if comparison.table.mix_landed is not None:
        number = len(comparison.quotes) + 3
        _write(sheet, number, 1, _("Cheapest quote of each line"), is_head=True)
        _write(sheet, number, 5, comparison.table.mix_landed, is_head=True)
    _widths(sheet)


def _widths(sheet: Worksheet) -> None:
    for column in sheet.columns:
        longest = max(len(str(cell.value or "")) for cell in column)
        sheet.column_dimensions[column[0].column_letter].width = min(40, max(9, longest + 2))
    sheet.freeze_panes = "A2"
