"""Small plots as lists of shapes: drawn as SVG by ``svg`` here, and by whoever puts them on paper."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

INK, GREY, LINE, BLUE, RED = "#1a2332", "#5b6675", "#c9d0d9", "#0b5a8c", "#a8231f"
WIDTH, ROW, LABELS, RIGHT, TOP, BOTTOM = 680.0, 22.0, 240.0, 20.0, 8.0, 30.0
TICKS = 5


@dataclass(frozen=True)
class Line:
    """From one point to another; y grows downwards."""

    x1: float
    y1: float
    x2: float
    y2: float
    color: str = LINE
    width: float = 1.0


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    color: str = BLUE


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    radius: float = 4.0
    color: str = BLUE


@dataclass(frozen=True)
class Words:
    """``anchor``: start, middle or end of the words stands at x; y is their base line."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    size: float = 11.0
    color: str = INK


@dataclass(frozen=True)
class Plot:
    """A title and shapes on a ground of this size."""

    title: str
    width: float
    height: float
    shapes: tuple[Line | Box | Dot | Words, ...]


@dataclass(frozen=True)
class Row:
    """A label with a value and, where there is one, its interval; ``is_ours`` stands out."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    is_ours: bool = False


def interval_plot(title: str, rows: Sequence[Row], *, low: float, high: float, mark: float | None = None) -> Plot:
    """Draw values with their intervals, one below another; ``mark`` is a line to compare with.

    >>> plot = interval_plot("AUC", [Row("ours", 0.9, 0.8, 0.95)], low=0.5, high=1.0)
    >>> plot.height, sum(isinstance(shape, Dot) for shape in plot.shapes)
    (60.0, 1)
    """
    height, shapes = TOP + ROW * len(rows) + BOTTOM, []
    shapes += _axis(low, high, height)
    if mark is not None:
        shapes.append(Line(_x(mark, low, high), TOP, _x(mark, low, high), height - BOTTOM, RED))
    for place, row in enumerate(rows):
        y = TOP + ROW * (place + 0.5)
        color = BLUE if row.is_ours else GREY
        shapes.append(Words(LABELS - 10, y + 4, row.label, "end"))
        if row.low is not None and row.high is not None:
            shapes.append(Line(_x(row.low, low, high), y, _x(row.high, low, high), y, color, 2))
        shapes.append(Dot(_x(row.value, low, high), y, 4, color))
    return Plot(title, WIDTH, height, tuple(shapes))


def bar_plot(title: str, rows: Sequence[Row], *, low: float, high: float, mark: float | None = None) -> Plot:
    """Draw values as bars from 0, one below another; ``mark`` is a line to compare with."""
    height, shapes = TOP + ROW * len(rows) + BOTTOM, []
    shapes += _axis(low, high, height)
    for place, row in enumerate(rows):
        y = TOP + ROW * place + 4
        start, end = sorted((_x(0.0, low, high), _x(row.value, low, high)))
        shapes.append(Words(LABELS - 10, y + ROW / 2, row.label, "end"))
        shapes.append(Box(start, y, max(end - start, 1.0), ROW - 8, BLUE if row.is_ours else GREY))
    if mark is not None:
        shapes.append(Line(_x(mark, low, high), TOP, _x(mark, low, high), height - BOTTOM, RED, 1.5))
    return Plot(title, WIDTH, height, tuple(shapes))


def curve_plot(title: str, points: Sequence[tuple[float, float]], *, names: tuple[str, str]) -> Plot:
    """Draw a curve from (0, 0) to (1, 1) with the diagonal; ``names`` are those of the axes."""
    size, left = 240.0, 60.0
    bottom = TOP + size

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return left + point[0] * size, bottom - point[1] * size

    shapes: list = [Line(left, bottom, left + size, TOP), Line(left, bottom, left + size, bottom, GREY)]
    shapes.append(Line(left, TOP, left, bottom, GREY))
    shapes += [Line(*at(one), *at(other), BLUE, 2) for one, other in itertools.pairwise(points)]
    for share in (0.0, 0.5, 1.0):
        shapes.append(Words(left + share * size, bottom + 14, f"{share:g}", "middle", 10, GREY))
        shapes.append(Words(left - 6, bottom - share * size + 4, f"{share:g}", "end", 10, GREY))
    shapes.append(Words(left + size / 2, bottom + 30, names[0], "middle", 11, GREY))
    shapes.append(Words(left + size + 14, TOP + size / 2, names[1], "start", 11, GREY))
    return Plot(title, WIDTH, size + TOP + 40, tuple(shapes))


def _x(value: float, low: float, high: float) -> float:
    share = (min(max(value, low), high) - low) / (high - low)
    return LABELS + share * (WIDTH - LABELS - RIGHT)


def _axis(low: float, high: float, height: float) -> list[Line | Words]:
    shapes: list[Line | Words] = []
    for tick in range(TICKS + 1):
        value = low + (high - low) * tick / TICKS
        shapes.append(Line(_x(value, low, high), TOP, _x(value, low, high), height - BOTTOM))
        shapes.append(Words(_x(value, low, high), height - BOTTOM + 16, f"{value:g}"[:6], "middle", 10, GREY))
    return shapes


def svg(plot: Plot) -> str:
    """Return the plot as SVG to stand in a page.

    >>> svg(Plot("t", 10, 10, (Words(1, 2, "a < b"),)))
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" role="img" aria-label="t"><text x="1" y="2" text-anchor="start" font-size="11" fill="#1a2332">a &lt; b</text></svg>'
    """
    inside = "".join(map(_svg, plot.shapes))
    size = f"0 0 {plot.width:g} {plot.height:g}"
    label = escape(plot.title, quote=True)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img" aria-label="{label}">{inside}</svg>'


def _svg(shape: Line | Box | Dot | Words) -> str:
    if isinstance(shape, Line):
        ends = f'x1="{shape.x1:.4g}" y1="{shape.y1:.4g}" x2="{shape.x2:.4g}" y2="{shape.y2:.4g}"'
        return f'<line {ends} stroke="{shape.color}" stroke-width="{shape.width:g}"/>'
    if isinstance(shape, Box):
        box = f'x="{shape.x:.4g}" y="{shape.y:.4g}" width="{shape.width:.4g}" height="{shape.height:.4g}"'
        return f'<rect {box} fill="{shape.color}"/>'
    if isinstance(shape, Dot):
        return f'<circle cx="{shape.x:.4g}" cy="{shape.y:.4g}" r="{shape.radius:g}" fill="{shape.color}"/>'
    place = f'x="{shape.x:.4g}" y="{shape.y:.4g}" text-anchor="{shape.anchor}"'
    return f'<text {place} font-size="{shape.size:g}" fill="{shape.color}">{escape(shape.text)}</text>'
