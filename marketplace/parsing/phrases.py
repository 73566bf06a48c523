"""Find many known phrases in a folded text at once, the longest first."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

LATIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_KEY = 3
_SHORT = (2, 1)


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
        # A latin phrase starts where a word does, any other at one of these characters.
        firsts = "".join(sorted({phrase[0] for phrase in self._values} - LATIN))
        self._starts = re.compile(f"[a-z0-9]+|[{re.escape(firsts)}]" if firsts else "[a-z0-9]+")
        # Where a text has these three characters, which lengths to try; shorter phrases are looked up themselves.
        lengths: dict[str, set[int]] = {}
        for phrase in self._values:
            if len(phrase) >= _KEY:
                lengths.setdefault(phrase[:_KEY], set()).add(len(phrase))
        self._lengths = {key: (*sorted(found, reverse=True), *_SHORT) for key, found in lengths.items()}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, phrase: str) -> Value | None:
        """Return what the whole phrase stands for, or None."""
        return self._values.get(phrase)

    def find(self, text: str, *, overlapping: bool = False) -> Iterator[Found[Value]]:
        """Yield the phrases in the order of the text; unless overlapping, each character belongs to one at most."""
        lengths_at, values, size, free = self._lengths, self._values, len(text), 0
        for begin in self._starts.finditer(text):
            start = begin.start()
            if start < free:
                continue
            for length in lengths_at.get(text[start : start + _KEY], _SHORT):
                end = start + length
                phrase = text[start:end]
                if end <= size and phrase in values and (end := whole_word_end(text, end)):
                    yield Found(start, end, phrase, values[phrase])
                    if not overlapping:
                        free = end
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
