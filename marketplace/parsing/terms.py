"""Words of the trades: many spellings of one thing, in Chinese and in English, and the one token they share."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from marketplace.parsing.folding import fold
from marketplace.parsing.glossary import FOLDER
from marketplace.parsing.phrases import Found, PhraseBook

COLUMNS = ("normal", "zh", "en", "kind", "trade", "context", "note")
NEEDED = COLUMNS[:5]
SHIPPED = FOLDER / "glossary"
PINYIN = "pinyin.txt"
_NO_LETTERS = re.compile(r"[^a-z]")
# The instance's own folder, set once when the process starts.
_own: list[Path] = []


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write a term; an unsure one means it only beside a word of the term's context."""

    text: str
    unsure: bool = False
    asserted: bool = False


# Compared by identity: a term is asked for in each text.
@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One row of a glossary of words."""

    normal: str
    zh: tuple[Spelling, ...]
    en: tuple[Spelling, ...]
    kind: str
    trade: str
    context: tuple[str, ...]
    file: str
    line: int

    @property
    def token(self) -> str:
        """Return the token that stands for every spelling: the letters of the normal form.

        >>> next(term for term in shipped_terms() if term.normal == "ball valve").token
        'ballvalve'
        """
        return token_of(self.normal)


def token_of(normal: str) -> str:
    return _NO_LETTERS.sub("", fold(normal).text)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a glossary file, cut into its cells and nothing more."""

    file: str
    line: int
    cells: tuple[str, ...]


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the lines of a glossary file, the heading first; empty ones and those that start with # are remarks.

    :raises UnicodeDecodeError: if the file is not UTF-8
    """
    with path.open(encoding="utf-8-sig") as lines:
        for place, line in enumerate(lines, start=1):
            if line.strip() and not line.startswith("#"):
                yield Row(path.name, place, tuple(line.rstrip("\r\n").split("\t")))


def term_of(row: Row, heading: tuple[str, ...]) -> Term:
    """Return the term of a row that has no fault."""
    cells = dict(zip(heading, row.cells, strict=False))
    return Term(
        cells["normal"],
        spellings_of(cells["zh"]),
        spellings_of(cells["en"]),
        cells["kind"],
        cells["trade"],
        tuple(fold(word).text for word in _listed(cells.get("context", ""))),
        row.file,
        row.line,
    )


def _listed(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def spellings_of(cell: str) -> tuple[Spelling, ...]:
    """Return the spellings of a cell; `?` after one says unsure, `!` says sure though short.

    >>> spellings_of("tap?|阀!|球阀")[0]
    Spelling(text='tap', unsure=True, asserted=False)
    """
    return tuple(Spelling(part.rstrip("?!"), part.endswith("?"), part.endswith("!")) for part in _listed(cell))


def files_of(folder: Path) -> list[Path]:
    """Return the glossary files of a folder in their order."""
    return sorted(folder.glob("*.tsv"))


def glossary_files() -> list[Path]:
    """Return every file that decides which words mean the same here, the instance's own last."""
    return [path for folder in (SHIPPED, *_own) for path in sorted((*folder.glob("*.tsv"), *folder.glob(PINYIN)))]


def use_own_folder(folder: Path | None) -> None:
    """Read this folder's glossaries too, from now on; what they spell goes before what the project ships."""
    _own[:] = [folder] if folder else []
    for cached in (_terms, _book, equal_words):
        cached.cache_clear()


def shipped_terms() -> tuple[Term, ...]:
    """Return the terms of the shipped glossaries."""
    return terms_in(SHIPPED)


def terms_in(folder: Path) -> tuple[Term, ...]:
    """Return the terms of a folder's files, which have no faults."""
    found = []
    for path in files_of(folder):
        rows = list(read_rows(path))
        found += [term_of(row, rows[0].cells) for row in rows[1:]]
    return tuple(found)


@cache
def _terms() -> tuple[Term, ...]:
    return tuple(term for folder in (*_own, SHIPPED) for term in terms_in(folder))


def written_pinyin(folder: Path) -> dict[str, str]:
    """Return the pinyin of the folder's Chinese spellings, syllables parted by spaces, as check_glossary wrote it."""
    path = folder / PINYIN
    if not path.exists():
        return {}
    lines = (line.split("\t") for line in path.read_text("utf-8").splitlines() if "\t" in line)
    return {word: reading for word, reading, *_ in lines if not word.startswith("#")}


def variants(spelling: str) -> Iterator[str]:
    """Yield the folded spelling and what a hand makes of it: hyphens, spaces, one word, the plural of a word in -y, -s, -x.

    >>> list(variants("o-ring"))
    ['o-ring', 'o ring', 'oring']
    >>> list(variants("battery"))
    ['battery', 'batteries']
    """
    text = fold(spelling).text
    forms = [text]
    if text.isascii() and re.search(r"[a-z][ -][a-z]", text):
        forms += [text.replace("-", " "), text.replace(" ", "-")]
        if len(squashed := re.sub(r"[ -]", "", text)) > 4 and squashed.isalpha():
            forms.append(squashed)
    for form in dict.fromkeys(forms):
        yield form
        if re.search(r"[a-z]{2}[^aeiou\W\d]y$", form):
            yield form[:-1] + "ies"
        elif re.search(r"[a-z](?:s|x|ch|sh)$", form):
            yield form + "es"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a spelling stands for."""

    term: Term
    unsure: bool


@cache
def _book() -> PhraseBook[Meaning]:
    phrases: dict[str, Meaning] = {}
    terms = _terms()
    for term in terms:
        for spelling in (*term.zh, *term.en):
            for form in variants(spelling.text):
                phrases.setdefault(form, Meaning(term, spelling.unsure))
    for pinyin, term in _pinyin(terms).items():
        phrases.setdefault(pinyin, Meaning(term, False))
    return PhraseBook(phrases)


def _pinyin(terms: Iterable[Term]) -> dict[str, Term]:
    """Return the pinyin that means one term alone, written apart and together: dian ji is 电机 and 电极, so neither."""
    written = {zh: pinyin for folder in (SHIPPED, *_own) for zh, pinyin in written_pinyin(folder).items()}
    meant: dict[str, dict[str, Term]] = {}
    for term in terms:
        for spelling in term.zh:
            syllables = written.get(spelling.text)
            if syllables and not spelling.unsure:
                for form in (syllables, syllables.replace(" ", "")):
                    meant.setdefault(form, {})[term.token] = term
    return {form: next(iter(by.values())) for form, by in meant.items() if len(by) == 1 and len(form) > 4}


def find_terms(text: str) -> list[Found[Term]]:
    """Return the known words of a folded text, the longest where they overlap.

    >>> [found.value.token for found in find_terms("法兰球阀, gate valves")]
    ['flange', 'ballvalve', 'gatevalve']
    """
    found = []
    for hit in _book().find(text):
        term = hit.value.term
        if hit.value.unsure and not any(word in text for word in term.context):
            continue
        found.append(Found(hit.start, hit.end, hit.phrase, term))
    return found


@cache
def equal_words(term: Term) -> tuple[str, ...]:
    """Return the tokens a term is found by: its own, and those of the words within it that both languages say.

    A plunger pump is a pump in both; a mechanical seal (机械密封) is a machine (机械) in Chinese only.

    >>> equal_words(next(term for term in shipped_terms() if term.normal == "ball valve"))
    ('ballvalve', 'valve')
    """
    zh = {token for spelling in term.zh for token in _within(spelling.text)}
    en = {token for spelling in term.en for token in _within(spelling.text)}
    return (term.token, *sorted((zh & en) - {term.token}))


def _within(spelling: str) -> Iterator[str]:
    text = fold(spelling).text
    for hit in _book().find(text, overlapping=True):
        if hit.end - hit.start < len(text) and not hit.value.unsure:
            yield hit.value.term.token
