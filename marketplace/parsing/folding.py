"""One plain spelling of any text, with the way back to where each character came from."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TRADITIONAL = Path(__file__).parent.parent / "data" / "normal_forms" / "traditional.txt"
# Spellings that NFKC leaves apart although people type them for one another.
_SIGNS = str.maketrans(
    {
        "×": "x", "✕": "x", "✖": "x", "╳": "x",
        "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "‒": "-", "―": "-", "﹣": "-",
        "〜": "~", "∼": "~", "⁄": "/", "∕": "/",
        "“": '"', "”": '"', "″": '"', "〞": '"', "‘": "'", "’": "'", "′": "'",
        "≧": "≥", "⩾": "≥", "≦": "≤", "⩽": "≤",
        "µ": "μ", "ø": "φ", "∅": "φ", "⌀": "φ", "【": "[", "】": "]", "〔": "[", "〕": "]",
    }
)  # fmt: skip


_WIDE_DIGITS = frozenset("０１２３４５６７８９")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; character i of `text` was written at `source[starts[i]:ends[i]]`."""

    source: str
    text: str
    starts: list[int] | range
    ends: list[int] | range

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where text[start:end] stands in the source.

        >>> fold("Ｄ Ｎ").span(2, 3)
        (2, 3)
        """
        if start >= end:
            position = self.starts[start] if start < len(self.text) else len(self.source)
            return position, position
        return self.starts[start], self.ends[end - 1]


@cache
def _same() -> dict[int, str]:
    """Return every character that is written as another one: signs, and traditional characters as simplified."""
    lines = (line for line in TRADITIONAL.read_text("utf-8").splitlines() if not line.startswith("#"))
    return _SIGNS | str.maketrans({pair[0]: pair[1] for line in lines for pair in line.split()})


@cache
def _fold_character(character: str) -> str:
    if character.isspace() or character == "\u3000":
        return " "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs"):
        return " " if character == "\x00" else ""
    plain = unicodedata.normalize("NFKC", character).translate(_same()).lower()
    plain = unicodedata.normalize("NFKC", plain).translate(_same())
    # Some compatibility characters stand for a space and a mark; the words around them must stay apart.
    return "".join(" " if c.isspace() else c for c in plain)


def fold(text: str) -> Folded:
    """Return the text in lower case, half width, simplified, NFKC, one space for each run of white space.

    >>> fold("ＤＮ５０　　ＰＮ１６　㎡").text
    'dn50 pn16 m2'
    >>> fold("不鏽鋼閥門").text
    '不锈钢阀门'
    """
    pieces = [_fold_character(character) for character in text]
    if "，" in text:
        # PN16，850元 are two figures; 16,850 is one, and so is １，２８０.
        for position, character in enumerate(text):
            if character == "，" and text[position + 1 : position + 2] not in _WIDE_DIGITS:
                pieces[position] = ", "
    plain = "".join(pieces)
    size = len(text)
    starts: list[int] | range
    ends: list[int] | range
    if len(plain) == size and "" not in pieces:
        starts, ends = range(size), range(1, size + 1)
    else:
        starts = [position for position, piece in enumerate(pieces) for _ in piece]
        ends = [position + 1 for position in starts]
    if "  " in plain or plain[:1] == " " or plain[-1:] == " ":
        last = len(plain.rstrip(" "))
        kept = [k for k in range(last) if plain[k] != " " or (k and plain[k - 1] != " ")]
        plain = "".join([plain[k] for k in kept])
        starts, ends = [starts[k] for k in kept], [ends[k] for k in kept]
    return Folded(text, plain, starts, ends)
