"""Find many known phrases in a folded text at once, the longest first."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

LATIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_STARTS = re.compile(r"[a-z0-9]+|[^a-z0-9 ]")


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """A phrase at text[start:end] and what it stands for."""

    start: int
    end: int
    phrase: str
    value: Value


class PhraseBook(Generic[Value]):
    """Phrases and what they stand for; latin ones only match whole words, a plural s allowed.

    >>> book = PhraseBook({"ball valve": 1, "球阀": 1, "阀": 2})
    >>> [(found.phrase, found.value) for found in book.find("ball valves, 球阀, 阀")]
    [('ball valve', 1), ('球阀', 1), ('阀', 2)]
    >>> list(book.find("football valve"))
    []
    """

    def __init__(self, phrases: Mapping[str, Value]) -> None:
        self._values = {phrase: value for phrase, value in phrases.items() if phrase}
        lengths: dict[str, set[int]] = {}
        for phrase in self._values:
            lengths.setdefault(phrase[:2], set()).add(len(phrase))
        self._lengths = {key: sorted(found, reverse=True) for key, found in lengths.items()}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, phrase: str) -> Value | None:
        """Return what the whole phrase stands for, or None."""
        return self._values.get(phrase)

    def find(self, text: str, *, overlapping: bool = False) -> Iterator[Found[Value]]:
        """Yield the phrases in the order of the text; unless overlapping, each character belongs to one at most."""
        lengths = self._lengths
        free = 0
        # A latin phrase starts where a word does, any other at any character.
        for start in _STARTS.finditer(text):
            position = start.start()
            if position < free or (text[position : position + 2] not in lengths and text[position] not in lengths):
                continue
            for match in self._at(text, position):
                yield match
                if not overlapping:
                    free = match.end
                    break

    def _at(self, text: str, start: int) -> Iterator[Found[Value]]:
        for key in (text[start : start + 2], text[start]):
            for length in self._lengths.get(key, ()):
                end = start + length
                phrase = text[start:end]
                if len(phrase) == length and phrase in self._values and (end := whole_word_end(text, end)):
                    yield Found(start, end, phrase, self._values[phrase])
            if len(key) == 1:
                break


def whole_word_end(text: str, end: int) -> int:
    """Return where the word that stops at `end` really ends (after a plural s), or 0 if it goes on.

    >>> whole_word_end("valves, ", 5), whole_word_end("valvex", 5), whole_word_end("阀门", 1)
    (6, 0, 1)
    """
    if text[end - 1] not in LATIN or end >= len(text) or text[end] not in LATIN:
        return end
    if text[end] == "s" and text[end - 1].isalpha() and (end + 1 >= len(text) or text[end + 1] not in LATIN):
        return end + 1
    return 0
