"""A PDF put together from headings, facts, tables, a code and places to sign."""

import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Self

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, SimpleDocTemplate, Spacer, Table, TableStyle

from marketplace.papers.flowables import GREY, INK, LINE, Code, Rule, Text
from marketplace.papers.text import FONT, font, printable, width

MARGIN = 51  # points: 18 mm
ROOM = A4[0] - 2 * MARGIN
CELL_PADDING = 4
NUMBER = re.compile(r"^[¥$€]?\s?[-+]?[\d,]+(\.\d+)?\s?%?$")
PAGE_OF = {"zh": "第 %(page)d 页，共 %(pages)d 页", "en": "Page %(page)d of %(pages)d"}


class Paper:
    """Put a PDF together, piece by piece; ``pdf()`` gives its bytes, the same for the same pieces.

    >>> paper = Paper("购销合同", "zh", number="O-2026-000001").heading("标的").paragraph("304 不锈钢球阀 DN50。")
    >>> paper.pdf()[:8], paper.pdf() == paper.pdf()
    (b'%PDF-1.4', True)
    """

    def __init__(self, title: str, language: str = "zh", *, number: str = "", subtitle: str = "") -> None:
        """``language`` (zh, en; a locale such as zh-hans will do) is that of the page numbers; ``number`` stands below."""
        font()
        self.title, self.number = title, number
        self.language = "en" if language.startswith("en") else "zh"
        self._story: list[Flowable] = [Text(title, size=18, align="center", gap=2)]
        if subtitle or number:
            self._story.append(Text(subtitle or number, size=9, color=GREY, align="center"))
        self._story.append(Rule())

    def heading(self, text: str) -> Self:
        # Not as the last line of a page.
        self._story += [CondPageBreak(60), Spacer(0, 8), Text(text, size=12.5, gap=3)]
        return self

    def paragraph(self, text: str) -> Self:
        self._story.append(Text(text, gap=4))
        return self

    def note(self, text: str) -> Self:
        """Add a paragraph in small grey letters."""
        self._story.append(Text(text, size=8, color=GREY, gap=4))
        return self

    def facts(self, pairs: Iterable[tuple[str, object]]) -> Self:
        """Add labels with their values; a pair whose value is empty is left out."""
        rows = [(Text(label, color=GREY), Text(value)) for label, value in pairs if value not in (None, "")]
        if rows:
            label_width = min(ROOM / 3, max(width(printable(row[0].text), 9.5) for row in rows) + 2 * CELL_PADDING + 4)
            self._table(rows, [label_width, ROOM - label_width], [])
        return self

    def table(self, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Self:
        """Add a table; its header is repeated on each page, columns of numbers stand to the right."""
        body = [["" if cell is None else cell for cell in row] for row in rows]
        widths = _column_widths([header, *body])
        right = [bool(body) and all(_is_number(row[place]) for row in body) for place in range(len(header))]
        align = ["right" if is_right else "left" for is_right in right]
        cells = [[Text(cell, size=8.5, color=GREY, align=align[place]) for place, cell in enumerate(header)]]
        cells += [[Text(cell, size=8.5, align=align[place]) for place, cell in enumerate(row)] for row in body]
        lines = [("LINEBELOW", (0, 0), (-1, 0), 0.8, INK), ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE)]
        self._table(cells, widths, lines, header_rows=1)
        return self

    def qr(self, text: str, caption: str = "") -> Self:
        """Add a QR code; beside it the caption, or the text itself for whoever cannot scan."""
        self._story += [Spacer(0, 6), Code(text, caption=caption)]
        return self

    def drawing(self, flowable: Flowable) -> Self:
        """Add a drawing of reportlab, kept on one page."""
        self._story += [CondPageBreak(flowable.wrap(ROOM, A4[1])[1] + 6), flowable, Spacer(0, 6)]
        return self

    def signatures(self, parties: Iterable[tuple[str, str] | str]) -> Self:
        """Add places to sign side by side, two in a row: (who, what is known of the signature) or only who."""
        places = [(party, "") if isinstance(party, str) else party for party in parties]
        cells = [[Text(who, color=GREY, gap=4), Text(signed, size=9.5, gap=0)] for who, signed in places]
        rows = [cells[start : start + 2] for start in range(0, len(cells), 2)]
        if rows and len(rows[-1]) == 1 and len(rows) > 1:
            rows[-1].append([])
        if rows:
            columns = len(rows[0])
            self._story += [CondPageBreak(90), Spacer(0, 10)]
            table = Table(rows, colWidths=[ROOM / columns] * columns, rowHeights=None, splitInRow=1)
            box = [
                ("BOX", (column, row), (column, row), 0.4, LINE)
                for row in range(len(rows))
                for column in range(columns)
            ]
            style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOTTOMPADDING", (0, 0), (-1, -1), 30), *box]
            table.setStyle(TableStyle(style))
            self._story.append(table)
        return self

    def _table(self, cells, widths, lines, *, header_rows=0) -> None:
        # A row higher than the page is parted as well, instead of failing.
        table = Table(cells, colWidths=widths, repeatRows=header_rows, splitInRow=1)
        style = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), CELL_PADDING),
            ("RIGHTPADDING", (0, 0), (-1, -1), CELL_PADDING),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
        table.setStyle(TableStyle([*style, *lines]))
        self._story += [table, Spacer(0, 6)]

    def pdf(self) -> bytes:
        """Return the PDF's bytes."""
        out = io.BytesIO()
        document = SimpleDocTemplate(
            out,
            pagesize=A4,
            leftMargin=MARGIN - 6,  # the frame adds 6 of its own on each side
            rightMargin=MARGIN - 6,
            topMargin=MARGIN - 6,
            bottomMargin=MARGIN,
            title=self.title,
            author="",
            subject=self.number,
            lang=self.language,
            invariant=1,
        )
        document.build(_copies(self._story), canvasmaker=self._canvas)
        return out.getvalue()

    def __bytes__(self) -> bytes:
        return self.pdf()

    def _canvas(self, *args, **options) -> "_NumberedCanvas":
        canvas = _NumberedCanvas(*args, **options)
        canvas.footer, canvas.page_of = printable(f"{self.title}  {self.number}".strip()), PAGE_OF[self.language]
        return canvas


class _NumberedCanvas(Canvas):
    """A canvas that knows how many pages there are when it numbers them."""

    footer = page_of = ""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._pages = []

    def showPage(self):  # noqa: N802 - reportlab's name
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self):
        for place, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self.setFont(FONT, 8)
            self.setFillColor(GREY)
            self.drawString(MARGIN, 28, self.footer[:70])
            self.drawRightString(A4[0] - MARGIN, 28, self.page_of % {"page": place, "pages": len(self._pages)})
            super().showPage()
        super().save()


def _copies(story: list[Flowable]) -> list[Flowable]:
    """Return the list anew: building takes it apart."""
    return list(story)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float | Decimal) or bool(NUMBER.match(str(cell)))


def _column_widths(rows: Sequence[Sequence[object]]) -> list[float]:
    """Give each column what its widest cell asks, and take from the wide ones where that is too much."""
    columns = len(rows[0])
    asked = []
    for place in range(columns):
        lengths = [width(line, 8.5) for row in rows for line in printable(row[place]).split("\n")]
        # One long text in a table must not starve the other columns.
        asked.append(min(max(lengths, default=0) + 2 * CELL_PADDING + 2, ROOM * 0.7))
    if sum(asked) <= ROOM:
        # What is left goes to the widest, where texts are.
        asked[asked.index(max(asked))] += ROOM - sum(asked)
        return asked
    fair = ROOM / columns
    narrow = sum(one for one in asked if one <= fair)
    wide = sum(one for one in asked if one > fair)
    return [one if one <= fair else one / wide * (ROOM - narrow) for one in asked]
