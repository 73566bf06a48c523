"""The pieces a page is set from."""

from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable

from marketplace.papers import codes
from marketplace.papers.text import FONT, lines_of, width

INK = HexColor("#1a2332")
GREY = HexColor("#5b6675")
LINE = HexColor("#c9d0d9")
LEADING = 1.5


class Text(Flowable):
    """Lines of text that break as Chinese and Western readers expect, over pages if need be."""

    def __init__(self, text, *, size=9.5, color=INK, align="left", gap=0.0):
        super().__init__()
        self.text, self.size, self.color, self.align, self.gap = text, size, color, align, gap
        self.lines = None

    def wrap(self, available_width, available_height):
        self.width = available_width
        if self.lines is None or self.room != available_width:
            self.room, self.lines = available_width, lines_of(self.text, self.size, available_width)
        self.height = len(self.lines) * self.size * LEADING + self.gap
        return self.width, self.height

    def split(self, available_width, available_height):
        self.wrap(available_width, available_height)
        fitting = int(available_height // (self.size * LEADING))
        if fitting < 1:
            return []
        if fitting >= len(self.lines):
            # Only the gap below does not fit any more.
            return [self._part(self.lines, 0)]
        return [self._part(self.lines[:fitting], 0), self._part(self.lines[fitting:], self.gap)]

    def _part(self, lines, gap):
        return Text("\n".join(lines), size=self.size, color=self.color, align=self.align, gap=gap)

    def draw(self):
        self.canv.setFont(FONT, self.size)
        self.canv.setFillColor(self.color)
        for place, line in enumerate(self.lines, start=1):
            low = self.height - place * self.size * LEADING + self.size * 0.4
            free = self.width - width(line, self.size)
            left = {"left": 0, "right": free, "center": free / 2}[self.align]
            self.canv.drawString(left, low, line)


class Rule(Flowable):
    """A line over the whole width."""

    def wrap(self, available_width, available_height):
        self.width, self.height = available_width, 8
        return self.width, self.height

    def draw(self):
        self.canv.setStrokeColor(LINE)
        self.canv.line(0, 4, self.width, 4)


class Code(Flowable):
    """A QR code with a caption beside it, drawn as squares, sharp at every size."""

    def __init__(self, text, *, caption="", side=92.0):
        super().__init__()
        self.text, self.caption, self.side = text, caption, side

    def wrap(self, available_width, available_height):
        self.width, self.height = available_width, self.side + 6
        return self.width, self.height

    def draw(self):
        matrix = [bytearray(row) for row in codes.code_of(self.text).matrix]
        module = self.side / (len(matrix) + 4)
        self.canv.setFillColor(INK)
        for down, row in enumerate(matrix):
            for across, is_dark in enumerate(row):
                if is_dark:
                    left, low = (across + 2) * module, self.side - (down + 3) * module
                    # A hair wider than the grid, or viewers draw white seams between the squares.
                    self.canv.rect(left, low, module + 0.05, module + 0.05, stroke=0, fill=1)
        self.canv.setFillColor(GREY)
        self.canv.setFont(FONT, 8)
        captions = lines_of(self.caption or self.text, 8, self.width - self.side - 10)
        for place, line in enumerate(captions[:7]):
            self.canv.drawString(self.side + 8, self.side - 16 - place * 12, line)
