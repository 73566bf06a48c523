"""The trades' glossaries: many spellings of one material, substance or certificate, zh and en."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from marketplace.parsing.folding import fold
from marketplace.parsing.phrases import PhraseBook

FOLDER = Path(__file__).parent.parent / "data" / "normal_forms"
_DESIGNATION = re.compile(r"\d|^[A-Z0-9][A-Z0-9 +/.-]*$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a glossary."""

    code: str
    kind: str
    zh: str
    en: str
    near: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sense:
    """What a synonym stands for, and whether it is a word that stays beside its code."""

    entry: Entry
    keeps_word: bool


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a glossary file; lines that start with # are remarks.

    >>> read_rows("grades.tsv")[0]["code"]
    'ss201'
    """
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        kept = (line for line in lines if not line.startswith("#") and line.strip())
        return list(csv.DictReader(kept, delimiter="\t", quoting=csv.QUOTE_NONE))


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


@cache
def grades() -> dict[str, Entry]:
    """Return the materials by code.

    >>> grades()["ss304"].en
    'Stainless steel 304'
    """
    return {
        row["code"]: Entry(
            row["code"], row["kind"], row["zh"], row["en"], _listed(row["near"]), _listed(row["synonyms"])
        )
        for row in read_rows("grades.tsv")
    }


@cache
def chemicals() -> dict[str, Entry]:
    """Return the substances by code, which is `cas` and the CAS number.

    >>> chemicals()["cas67-64-1"].zh
    '丙酮'
    """
    entries = {}
    for row in read_rows("chemicals.tsv"):
        names = (row["zh"], row["en"], *_listed(row["synonyms"]))
        formula = row["formula"]
        # C3H6O names more than one substance; NaOH, TiO2, LiPF6 name one.
        if len(formula) > 2 and not re.match(r"C\d*H|C[2-9]", formula):
            names = (*names, formula)
        code = f"cas{row['cas']}"
        entries[code] = Entry(code, "cas", row["zh"], row["en"], (), names)
    return entries


@cache
def certificates() -> dict[str, Entry]:
    """Return the certificates by code.

    >>> certificates()["iso9001"].zh
    'ISO 9001 质量管理体系'
    """
    return {
        row["code"]: Entry(row["code"], "certificate", row["zh"], row["en"], (), _listed(row["synonyms"]))
        for row in read_rows("certificates.tsv")
    }


@cache
def materials_book() -> PhraseBook[Sense]:
    """Return every spelling of every material and substance, folded; the code itself is one of them."""
    phrases: dict[str, Sense] = {}
    for entry in (*grades().values(), *chemicals().values()):
        phrases.setdefault(fold(entry.code).text, Sense(entry, keeps_word=False))
        for synonym in entry.synonyms:
            designation = bool(_DESIGNATION.search(synonym))
            phrases.setdefault(fold(synonym).text, Sense(entry, keeps_word=not designation))
    return PhraseBook(phrases)


def near_codes(code: str) -> tuple[str, ...]:
    """Return the codes a trader takes for the same material where this one is not on offer.

    >>> near_codes("cf8")
    ('ss304',)
    """
    entry = grades().get(code)
    return entry.near if entry else ()


def names_of(code: str) -> tuple[str, str] | None:
    """Return how a material or substance is called in Chinese and English, if it is known.

    >>> names_of("cas67-64-1")
    ('丙酮', 'Acetone')
    """
    entry = grades().get(code) or chemicals().get(code)
    return (entry.zh, entry.en) if entry else None
