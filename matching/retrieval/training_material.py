"""Gather what the embedding learns from: pairs that mean the same, groups that belong together, pairs that were judged."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from marketplace.parsing.terms import Term, shipped_terms
from matching.retrieval.lexicon import Entry, read_lexicon
from matching.retrieval.sources import (
    SEED,
    TEST_SHARE,
    Goods,
    JudgedPair,
    english_names,
    read_goods,
    read_product_pairs,
    read_query_titles,
    read_sentence_pairs,
    split_goods,
    split_pairs,
)

# The sources that are written in the words of trade; the others are everyday texts.
DOMAIN = ("goods", "glossary", "lexicon")
SHOPS = ("abt_buy", "amazon_google", "walmart_amazon")
_BRACKETS = re.compile(r"\s*[（(\[].*?[)）\]]")


class SamePair(NamedTuple):
    """Two texts of one meaning; pairs with the same ``meaning`` are never used against each other."""

    left: str
    right: str
    meaning: str


@dataclass
class Material:
    """Everything the embedding is trained on, by where it comes from."""

    same: dict[str, list[SamePair]] = field(default_factory=dict)
    judged: dict[str, list[JudgedPair]] = field(default_factory=dict)
    groups: list[list[str]] = field(default_factory=list)
    sections: list[list[str]] = field(default_factory=list)

    def texts(self) -> list[str]:
        """Return all texts, each once, in the order of their first appearance."""
        found: dict[str, None] = {}
        for pairs in (*self.same.values(), *self.judged.values()):
            for pair in pairs:
                found[pair.left] = found[pair.right] = None
        for group in (*self.groups, *self.sections):
            found.update(dict.fromkeys(group))
        return list(found)

    def domain_texts(self) -> list[str]:
        """Return the texts written in the words of trade, each once."""
        return list(dict.fromkeys(text for name in DOMAIN for pair in self.same.get(name, ()) for text in pair[:2]))


def gather(
    folder: Path,
    glossary: Path | None = None,
    lexicon: Path | None = None,
    *,
    seed: int = SEED,
    test_share: float = TEST_SHARE,
) -> Material:
    """Return the training part of the data folder, and all of the project's own: catalogue, lexicon, terms of trade.

    :raises SourceMissing: if the folder lacks one of its files
    :raises LexiconUnreadable: if a line of the lexicon is at fault
    """
    material = Material()
    _add_goods(material, split_goods(read_goods(folder), "train", seed=seed, test_share=test_share))
    _add_judged(material, "query_title", split_pairs(read_query_titles(folder), "train", seed=seed), at_least=1)
    for name in ("afqmc_train", "lcqmc_dev"):
        _add_judged(material, name, split_pairs(read_sentence_pairs(folder, name), "train", seed=seed), at_least=1)
    _add_judged(material, "stsb_train", read_sentence_pairs(folder, "stsb_train"), at_least=4)
    offers = [pair for shop in SHOPS for pair in read_product_pairs(folder, shop, "train")]
    _add_judged(material, "product_pairs", offers, at_least=1)
    if glossary is not None:
        _add_glossary(material, glossary)
    if lexicon is not None:
        _add_lexicon(material, [*read_lexicon(lexicon), *map(_entry, shipped_terms())])
    return material


def without_brackets(name: str) -> str:
    """Return the name without what stands in brackets, unless nothing would be left.

    >>> without_brackets("醋酸盐(化学品)"), without_brackets("acetates [chemicals]")
    ('醋酸盐', 'acetates')
    """
    return _BRACKETS.sub("", name).strip() or name


def _add_goods(material: Material, goods: Iterable[Goods]) -> None:
    translations, groups = [], defaultdict(list)
    for item in goods:
        meaning = f"goods {item.number}"
        spellings = english_names(item.name_en)
        for chinese in dict.fromkeys([item.name_zh, without_brackets(item.name_zh)]):
            english = dict.fromkeys([*spellings, *map(without_brackets, spellings)])
            translations += [SamePair(chinese, spelling, meaning) for spelling in english]
        groups[item.group] += [item.name_zh, *spellings[:1]]
    material.same["goods"] = translations
    material.groups += [members for members in groups.values() if len(members) > 1]


def _add_judged(material: Material, name: str, pairs: list[JudgedPair], *, at_least: float) -> None:
    material.judged[name] = pairs
    material.same[name] = [SamePair(pair.left, pair.right, pair.left) for pair in pairs if pair.label >= at_least]


def _add_glossary(material: Material, folder: Path) -> None:
    # A dict, because the same attribute and value stand in many categories.
    pairs: dict[SamePair, None] = {}
    for path in sorted(folder.glob("*.json")):
        for category in json.loads(path.read_text(encoding="utf-8"))["categories"]:
            for meaning, chinese, english in _glossary_entries(category):
                names = list(dict.fromkeys([*chinese, *english]))
                for place, left in enumerate(names):
                    # Each with the next and with the first of the other language: enough to tie all together.
                    others = dict.fromkeys([*names[place + 1 : place + 2], *chinese[:1], *english[:1]])
                    pairs.update({SamePair(left, right, meaning): None for right in others if right != left})
    material.same["glossary"] = list(pairs)


def _entry(term: Term) -> Entry:
    """Return a term of the normal forms' glossary as an entry of no section, without what it means only at times."""
    chinese, english = (
        tuple(spelling.text for spelling in spellings if not spelling.unsure) for spellings in (term.zh, term.en)
    )
    return Entry(chinese, english, "")


def _add_lexicon(material: Material, entries: Iterable[Entry]) -> None:
    pairs: dict[SamePair, None] = {}
    sections = defaultdict(list)
    for entry in entries:
        if not entry.chinese or not entry.english:
            continue
        first, *others = entry.chinese
        # Two entries with one Chinese name (银 silver, 银行业 silver …) are never each other's negatives.
        meaning = f"lexicon {first}"
        pairs.update(
            {SamePair(chinese, english, meaning): None for chinese in entry.chinese for english in entry.english}
        )
        pairs.update({SamePair(first, other, meaning): None for other in others})
        if entry.section:
            sections[entry.section] += [first, entry.english[0]]
    material.same["lexicon"] = list(pairs)
    material.sections += [list(dict.fromkeys(members)) for members in sections.values() if len(members) > 2]


def _glossary_entries(category: dict) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield (meaning, Chinese names, English names) of a category, its attributes and their values."""
    code = category["code"]
    yield (
        f"category {code}",
        [category["name_zh"], *category.get("synonyms_zh", ())],
        [category["name_en"], *category.get("synonyms_en", ())],
    )
    for name, schema in category.get("schema", {}).get("properties", {}).items():
        titles = [schema.get("title_zh", ""), schema.get("title_en", "")]
        if all(titles):
            # The same attribute stands in many categories: its title is its meaning.
            yield f"attribute {titles[1].lower()}", titles[:1], titles[1:]
        for value, label in schema.get("labels", {}).items():
            aliases = label.get("aliases", [])
            chinese = [label.get("zh", ""), *(text for text in aliases if re.search(r"[\u4e00-\u9fff]", text))]
            english = [label.get("en", ""), *(text for text in aliases if text.isascii())]
            if chinese[0] and english[0]:
                yield f"value {name} {value}", chinese, english
