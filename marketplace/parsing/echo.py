"""Where in a sentence each field was read, and how it was understood."""

from dataclasses import dataclass

from marketplace.parsing.folding import Folded


@dataclass(frozen=True, slots=True)
class Span:
    """The characters text[start:end] of the sentence as it was written, and how they were understood."""

    start: int
    end: int
    zh: str
    en: str
    is_ambiguous: bool = False


class Echo:
    """Collect the spans: where in the sentence each field was read."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self.spans: dict[str, Span] = {}
        self.found: dict[str, tuple[int, int]] = {}

    def say(self, name: str, start: int, end: int, zh: str, en: str, *, is_ambiguous: bool = False) -> None:
        if name not in self.spans:
            self.spans[name] = Span(*self._folded.span(start, end), zh, en, is_ambiguous)
            self.found[name] = (start, end)

    def overlaps(self, start: int, end: int) -> bool:
        """Say whether a field was read from these characters of the folded text."""
        return any(first < end and start < last for first, last in self.found.values())

    def say_more(self, name: str, start: int, end: int, zh: str, en: str, *, is_ambiguous: bool = False) -> None:
        """Add to what a field's span says already: a second place, say."""
        known, (start, end) = self.spans[name], self._folded.span(start, end)
        self.spans[name] = Span(
            min(start, known.start),
            max(end, known.end),
            f"{known.zh}、{zh}",
            f"{known.en}; {en}",
            known.is_ambiguous or is_ambiguous,
        )
