"""What a code in a text is, and how rules of spelling find them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from marketplace.parsing.folding import Folded


@dataclass(frozen=True, slots=True)
class Code:
    """A designation found at folded text[start:end]; `token` is its one spelling, `value` its figure or range."""

    kind: str
    token: str
    start: int
    end: int
    value: float | tuple[float, float] | None = None
    unit: str | None = None
    zh: str = ""
    en: str = ""
    # A word (聚丙烯) stays in the normal form beside its code; a designation (SUS304) gives way to it.
    keeps_word: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A spelling: tried only where one of the triggers stands in the text, read by `read`, which may refuse."""

    triggers: tuple[str, ...]
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Code | None]


class Claims:
    """Which characters of a text belong to a code already: who comes first keeps them."""

    def __init__(self, size: int) -> None:
        self._taken = bytearray(size)

    def free(self, start: int, end: int) -> bool:
        return start < end and not any(self._taken[start:end])

    def take(self, start: int, end: int) -> bool:
        """Claim text[start:end] if nobody has; say whether it worked."""
        if not self.free(start, end):
            return False
        self._taken[start:end] = b"\x01" * (end - start)
        return True


def apply_rules(folded: Folded, rules: Iterable[Rule], claims: Claims) -> list[Code]:
    """Return the codes the rules read, earlier rules first, each character claimed once."""
    text = folded.text
    found = []
    for rule in rules:
        for trigger in rule.triggers:
            if trigger in text:
                break
        else:
            continue
        position = 0
        while match := rule.pattern.search(text, position):
            code = rule.read(match)
            if code is not None and claims.take(code.start, code.end):
                found.append(code)
                position = max(match.end(), match.start() + 1)
            else:
                # A refused match may hide a good one that begins inside it: DN50,380V.
                position = match.start() + 1
    return found


def number(text: str) -> float:
    """Return the figure of a folded text with thousands separators.

    >>> number("2,000"), number("1.5")
    (2000.0, 1.5)
    """
    return float(text.replace(",", "").replace(" ", ""))


def plain(value: float) -> str:
    """Return the figure as people write it.

    >>> plain(16.0), plain(1.25)
    ('16', '1.25')
    """
    return f"{value:.10g}"
