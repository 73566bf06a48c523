"""A validation pack for people to read: the same blocks as a page that needs nothing else, and as a PDF."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.graphics import shapes as drawn

from finance.scoring import plots
from finance.scoring.pack import digest
from finance.services.validation_blocks import Block, Facts, Heading, Paragraph, Table, blocks
from marketplace.papers import Paper
from marketplace.papers.text import FONT

STYLE = Path(__file__).resolve().parent.parent.parent / "static" / "css" / "validation_pack.css"


def html(document: Mapping[str, Any], language: str) -> str:
    """Return the report as one page that needs no other file."""
    with override(language):
        context = {
            "title": _("Validation pack"),
            "language": language,
            "style": mark_safe(_style()),  # noqa: S308 - our own file
            "blocks": list(blocks(document)),
        }
        return render_to_string("finance/validation_pack.html", context)


def pdf(document: Mapping[str, Any], language: str) -> bytes:
    """Return the report as PDF, the same bytes for the same pack."""
    with override(language):
        paper = Paper(_("Validation pack"), language, number=digest(document["pack"])[:16])
        for block in blocks(document):
            _put(paper, block)
        return paper.pdf()


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def _put(paper: Paper, block: Block) -> None:
    if isinstance(block, Heading):
        paper.heading(block.text)
    elif isinstance(block, Paragraph):
        paper.paragraph(block.text)
    elif isinstance(block, Facts):
        paper.facts(block.pairs)
    elif isinstance(block, Table):
        paper.table(block.header, block.rows)
    else:
        paper.drawing(_drawing(block.plot))


def _drawing(plot: plots.Plot) -> drawn.Drawing:
    """Return a plot under its title as reportlab draws it: there y grows upwards."""
    scale, above = 0.72, 16
    drawing = drawn.Drawing(plot.width * scale, plot.height * scale + above)
    title = drawn.String(0, plot.height * scale + 5, plot.title, fontName=FONT, fontSize=8.5)
    title.fillColor = _color(plots.GREY)
    drawing.add(title)
    group = drawn.Group(transform=(scale, 0, 0, -scale, 0, plot.height * scale))
    for shape in plot.shapes:
        if isinstance(shape, plots.Line):
            group.add(
                drawn.Line(
                    shape.x1, shape.y1, shape.x2, shape.y2, strokeColor=_color(shape.color), strokeWidth=shape.width
                )
            )
        elif isinstance(shape, plots.Box):
            box = drawn.Rect(shape.x, shape.y, shape.width, shape.height, fillColor=_color(shape.color))
            box.strokeColor = None
            group.add(box)
        elif isinstance(shape, plots.Dot):
            dot = drawn.Circle(shape.x, shape.y, shape.radius, fillColor=_color(shape.color))
            dot.strokeColor = None
            group.add(dot)
        else:
            words = drawn.String(0, 0, shape.text, fontName=FONT, fontSize=shape.size, textAnchor=shape.anchor)
            words.fillColor = _color(shape.color)
            # Turned back, or the letters would stand on their heads.
            group.add(drawn.Group(words, transform=(1, 0, 0, -1, shape.x, shape.y)))
    drawing.add(group)
    return drawing


def _color(code: str):
    return drawn.colors.HexColor(code)
