"""What is wrong with a glossary of words, line by line, so that whoever extends it need not guess."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from marketplace.parsing.folding import fold
from marketplace.parsing.glossary import materials_book
from marketplace.parsing.terms import COLUMNS, NEEDED, Row, Spelling, Term, read_rows, term_of, token_of, variants

KINDS = ("product", "material", "process", "attribute", "service", "term")
TRADES = (
    "pumps_valves", "chemicals_plastics", "textiles", "nev_parts", "biomedicine", "tea", "industrial_services", "general",
)  # fmt: skip
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_SHORTEST_LATIN = 4
_SHORTEST_CHINESE = 2
_SHORTEST_TOKEN = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to mend: where, and why in both languages."""

    file: str
    line: int
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.en}"


class Glossary:
    """Rows taken in one after the other, each held to those before it.

    >>> glossary = Glossary()
    >>> [str(fault) for fault in glossary.take(Path("missing.tsv"))]
    ['missing.tsv:0: the file is not there']
    """

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self._spelled: dict[str, Term] = {}
        self._tokens: dict[str, Term] = {}

    def take(self, path: Path) -> list[Fault]:
        """Read a file and return what is wrong in it; its sound rows join the glossary."""
        try:
            rows = list(read_rows(path))
        except FileNotFoundError:
            return [Fault(path.name, 0, "没有这个文件", "the file is not there")]
        except UnicodeDecodeError:
            return [Fault(path.name, 0, "文件不是 UTF-8 编码", "the file is not in UTF-8")]
        if not rows:
            return [
                Fault(path.name, 0, "文件是空的，第一行应为列名", "the file is empty; its first line names the columns")
            ]
        heading = rows[0]
        if faults := list(_heading_faults(heading)):
            return faults
        return [fault for row in rows[1:] for fault in self._take_row(row, heading.cells)]

    def _take_row(self, row: Row, heading: tuple[str, ...]) -> list[Fault]:
        faults = list(_cell_faults(row, heading))
        if faults:
            return faults
        term = term_of(row, heading)
        faults = [*_term_faults(term), *self._clashes(term)]
        if not faults:
            self.terms.append(term)
            self._tokens[term.token] = term
            for spelling in (*term.zh, *term.en):
                for form in variants(spelling.text):
                    self._spelled.setdefault(form, term)
        return faults

    def _clashes(self, term: Term) -> Iterator[Fault]:
        if (other := self._tokens.get(term.token)) is not None:
            yield _fault(
                term,
                f"标准词“{term.normal}”已在 {other.file} 第 {other.line} 行",
                f"the normal form “{term.normal}” stands in {other.file} line {other.line} already",
            )
        seen: set[str] = set()
        for spelling in (*term.zh, *term.en):
            folded = fold(spelling.text).text
            if folded in seen:
                yield _fault(term, f"“{spelling.text}”写了两遍", f"“{spelling.text}” is written twice")
            seen.add(folded)
            other = self._spelled.get(folded)
            if other is not None:
                yield _fault(
                    term,
                    f"“{spelling.text}”在 {other.file} 第 {other.line} 行已表示“{other.normal}”",
                    f"“{spelling.text}” means “{other.normal}” in {other.file} line {other.line} already",
                )


def faults_of(paths: Iterable[Path]) -> list[Fault]:
    """Return everything that is wrong in these files, held to one another in their order."""
    glossary = Glossary()
    return [fault for path in paths for fault in glossary.take(path)]


def _fault(term: Term | Row, zh: str, en: str) -> Fault:
    return Fault(term.file, term.line, zh, en)


def _heading_faults(heading: Row) -> Iterator[Fault]:
    missing = [column for column in NEEDED if column not in heading.cells]
    unknown = [column for column in heading.cells if column not in COLUMNS]
    if missing:
        names = ", ".join(missing)
        yield _fault(
            heading, f"缺少列：{names}（列之间用制表符分隔）", f"columns are missing: {names} (a tab parts two columns)"
        )
    if unknown:
        names = ", ".join(unknown)
        yield _fault(heading, f"不认识的列：{names}", f"unknown columns: {names}")


def _cell_faults(row: Row, heading: tuple[str, ...]) -> Iterator[Fault]:
    if len(row.cells) > len(heading):
        yield _fault(
            row,
            f"有 {len(row.cells)} 格，列名只有 {len(heading)} 个",
            f"{len(row.cells)} cells stand under {len(heading)} headings",
        )
    cells = dict(zip(heading, row.cells, strict=False))
    for column in NEEDED:
        if not cells.get(column, "").strip(" |"):
            yield _fault(row, f"{column} 是空的", f"{column} is empty")
    for column, cell in cells.items():
        if cell != cell.strip() or " |" in cell or "| " in cell or "||" in cell:
            yield _fault(row, f"{column} 里有多余的空格或竖线", f"{column} holds a stray space or bar")


def _term_faults(term: Term) -> Iterator[Fault]:
    if not fold(term.normal).text.isascii() or len(term.token) < _SHORTEST_TOKEN:
        yield _fault(
            term,
            f"标准词“{term.normal}”要用至少 {_SHORTEST_TOKEN} 个英文字母写",
            f"the normal form “{term.normal}” must be English, of {_SHORTEST_TOKEN} letters at least",
        )
    if token_of(term.normal) in ("ss", "pa", "pe", "pc", "pp") or materials_book().get(term.token):
        yield _fault(
            term,
            f"“{term.token}”是牌号表里的牌号",
            f"“{term.token}” is a code of grades.tsv or chemicals.tsv",
        )
    if term.kind not in KINDS:
        yield _fault(term, f"不认识的 kind：{term.kind}", f"unknown kind: {term.kind}; known: {', '.join(KINDS)}")
    if term.trade not in TRADES:
        yield _fault(term, f"不认识的 trade：{term.trade}", f"unknown trade: {term.trade}; known: {', '.join(TRADES)}")
    yield from _language_faults(term)
    yield from _context_faults(term)
    for spelling in (*term.zh, *term.en):
        yield from _spelling_faults(term, spelling)


def _language_faults(term: Term) -> Iterator[Fault]:
    if not _CHINESE.search(term.zh[0].text):
        yield _fault(
            term, f"zh 的第一个词“{term.zh[0].text}”不是中文", f"zh begins with “{term.zh[0].text}”, not Chinese"
        )
    for spelling in term.en:
        if _CHINESE.search(spelling.text):
            yield _fault(term, f"en 里有中文：“{spelling.text}”", f"en holds Chinese: “{spelling.text}”")


def _context_faults(term: Term) -> Iterator[Fault]:
    unsure = [spelling for spelling in (*term.zh, *term.en) if spelling.unsure]
    if unsure and not term.context:
        yield _fault(
            term,
            f"“{unsure[0].text}?”需要 context 列",
            f"“{unsure[0].text}?” needs words in context beside which it means this",
        )
    if term.context and not unsure:
        yield _fault(term, "有 context，却没有带 ? 的写法", "context is given, but no spelling is marked with ?")


def _spelling_faults(term: Term, spelling: Spelling) -> Iterator[Fault]:
    text = fold(spelling.text).text
    if not text:
        yield _fault(term, "有一个写法是空的", "a spelling is empty")
        return
    known = materials_book().get(text)
    if known is not None:
        yield _fault(
            term,
            f"“{spelling.text}”是牌号表里的“{known.entry.code}”",
            f"“{spelling.text}” is {known.entry.code} of grades.tsv or chemicals.tsv already",
        )
    shortest = _SHORTEST_CHINESE if _CHINESE.search(text) else _SHORTEST_LATIN
    if len(text) < shortest and not (spelling.unsure or spelling.asserted):
        yield _fault(
            term,
            f"“{spelling.text}”太短，容易误认：写成“{spelling.text}?”并填 context；确实只有一个意思时写成“{spelling.text}!”",
            f"“{spelling.text}” is so short that it means other things too: write “{spelling.text}?” and fill context, "
            f"or “{spelling.text}!” if it has this one meaning",
        )
