"""Chinese and Western text on paper: the font, and where a line may end."""

import functools
import re
import unicodedata
from importlib import resources
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

# WenQuanYi Micro Hei (Apache-2.0): all of GBK, Western and Greek letters, units; one file, its outlines are embedded.
FONT = "WenQuanYiMicroHei"
# What may not begin a line, and what may not end one.
NOT_FIRST = frozenset("，。、；：？！）》」』】〉”’…—·％℃,.;:?!)]}%")
NOT_LAST = frozenset("（《「『【〈“‘([{¥$€")
# A Western word or number stays whole; a Chinese character is a word of its own.
TOKENS = re.compile(r"\n|[^\S\n]+|[!-~\u00a1-\u02af\u0370-\u04ff\u2000-\u206f]+|.", re.DOTALL)


@functools.cache
def font() -> TTFont:
    """Load the font, once per process; what a document embeds of it is only what the document says."""
    # Its package is data only.
    path = Path(str(resources.files("paperang_p2_fonts_cjk"))) / "fonts" / "wqy-microhei.ttc"
    loaded = TTFont(FONT, str(path), subfontIndex=0)
    pdfmetrics.registerFont(loaded)
    return loaded


def printable(text: object) -> str:
    r"""Return the text with what the font cannot draw named by its number, so that no name loses a character.

    >>> printable("丰田𠮷\x00")
    '丰田[U+20BB7]'
    """
    known = font().face.charToGlyph
    kept = []
    for char in str(text).replace("\r\n", "\n").replace("\t", " "):
        if char != "\n" and unicodedata.category(char).startswith("C"):
            continue  # nothing that anybody sees
        if char == "\n" or ord(char) in known:
            kept.append(char)
        else:
            kept.append(f"[U+{ord(char):04X}]")
    return "".join(kept)


def width(text: str, size: float) -> float:
    """Return the width in points."""
    return font().stringWidth(text, size)


def lines_of(text: object, size: float, room: float) -> list[str]:
    """Break a text into lines no wider than ``room`` points, as Chinese and Western readers expect.

    >>> lines_of("本合同一式两份，双方各执一份。", 10, 72)
    ['本合同一式两', '份，双方各执一', '份。']
    """
    lines = []
    for paragraph in printable(text).split("\n"):
        lines += _broken(_words(paragraph), size, room)
    return lines


def _words(paragraph: str) -> list[str]:
    """Return what is never parted: words with the punctuation that clings to them."""
    words: list[str] = []
    for token in TOKENS.findall(paragraph):
        clings = words and not words[-1].isspace() and (token[0] in NOT_FIRST or words[-1][-1] in NOT_LAST)
        if clings and not token.isspace():
            words[-1] += token
        else:
            words.append(token)
    return words


def _broken(words: list[str], size: float, room: float) -> list[str]:
    lines, line = [], ""
    for word in words:
        if not line and word.isspace() and lines:
            continue
        if width((line + word).rstrip(), size) <= room:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = word.lstrip()
        while line and width(line, size) > room:
            fitting = _fitting(line, size, room)
            lines.append(line[:fitting])
            line = line[fitting:]
    return [*lines, line.rstrip()]


def _fitting(word: str, size: float, room: float) -> int:
    """Return how many characters of a word wider than the line fit into it; at least one, or it would never end."""
    count = 1
    while count < len(word) and width(word[: count + 1], size) <= room:
        count += 1
    return count
