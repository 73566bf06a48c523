"""One normal form for grades, sizes and codes, in Chinese and in English, so that search and comparison see one thing."""

import re

from marketplace.parsing.codes import Claims, Code, apply_rules
from marketplace.parsing.designations import DESIGNATIONS
from marketplace.parsing.folding import Folded, fold
from marketplace.parsing.materials import find_materials
from marketplace.parsing.measures import TRADE_UNITS, find_measures

_SPACES = re.compile(r"\s+")
_BEFORE_STOP = re.compile(r" (?=[,;)\]。、]|\.(?:\s|$))")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789%/+")
_RANGE = re.compile(r"(?<![a-z0-9.-])(\d+(?:\.\d+)?)[ ]?~[ ]?(?=\d)")


def find_codes(folded: Folded) -> list[Code]:
    """Return the codes of a folded text in its order; each knows its place, its token and what it means.

    >>> [(code.token, code.zh) for code in find_codes(fold("球阀 公称直径50"))]
    [('dn50', '公称直径 50 mm')]
    """
    claims = Claims(len(folded.text))
    # Grades first: 1.4301, 65-45-12 or ASTM A105 look like figures and standards too.
    found = find_materials(folded, claims)
    found += apply_rules(folded, DESIGNATIONS, claims)
    found += find_measures(folded, claims)
    return sorted(found, key=lambda code: code.start)


def normalise(text: str) -> str:
    """Return the text in one plain spelling: half width, lower case, each code as its one token.

    >>> normalise("３０４不锈钢法兰球阀　ＤＮ－５０　ＰＮ1.6ＭＰａ")
    'ss304 不锈钢法兰球阀 dn50 pn16'
    >>> normalise("SUS304 flanged ball valve, nominal diameter 50 mm, class 150LB")
    'ss304 flanged ball valve, dn50, class150'
    """
    plain, glued = _spell(fold(text))
    # Spaces put around a code may free a code that stuck to it; there is seldom a second time, never many.
    for _ in range(4):
        if not glued:
            break
        plain, glued = _spell(fold(plain))
    return plain


def _spell(folded: Folded) -> tuple[str, bool]:
    """Return the text with its codes respelled, and whether a code stuck to a word."""
    pieces: list[str] = []
    position = 0
    glued = False
    before: Code | None = None
    for code in find_codes(folded):
        between = folded.text[position : code.start]
        pieces.append(between)
        if not (code.keeps_word and _says_again(before, code, between)):
            pieces.append(f" {code.token} ")
        if code.keeps_word:
            pieces.append(folded.text[code.start : code.end])
        elif folded.text[code.end : code.end + 1] in _WORD:
            glued = True
        if folded.text[code.start - 1 : code.start] in _WORD:
            glued = True
        before, position = code, code.end
    pieces.append(folded.text[position:])
    plain = _SPACES.sub(" ", "".join(pieces)).strip()
    return _BEFORE_STOP.sub("", _RANGE.sub(r"\1-", plain)), glued


def codes(text: str) -> list[str]:
    """Return the canonical tokens of the text in its order; weights, lengths and other amounts of trade are left out.

    >>> codes("500 只 304 不锈钢球阀 DN50 PN16, 20 kg")
    ['ss304', 'dn50', 'pn16']
    """
    found: list[str] = []
    before: Code | None = None
    folded = fold(text)
    for code in find_codes(folded):
        between = folded.text[before.end : code.start] if before else ""
        if not (code.kind == "measure" and code.unit in TRADE_UNITS) and not _says_again(before, code, between):
            found.extend(code.token.split(" "))
        before = code
    return found


def _says_again(before: Code | None, code: Code, between: str) -> bool:
    """Say whether a word only repeats the code before it, as in PP聚丙烯."""
    return code.keeps_word and before is not None and before.token == code.token and between.strip(" (（") == ""
