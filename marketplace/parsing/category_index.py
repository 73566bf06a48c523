"""The names of a catalogue, laid out so that a text can be searched for all of them at once."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log

from marketplace.parsing.catalogue import Catalogue
from marketplace.parsing.folding import fold
from marketplace.parsing.glossary import chemicals, grades
from marketplace.parsing.phrases import PhraseBook

HAN = re.compile(r"[\u3400-\u9fff]")
WORD = re.compile(r"[a-z0-9][a-z0-9.+-]*")
# Between Chinese and Latin some leave a space and some do not.
_SEAM_SPACE = re.compile(r"(?<=[\u3400-\u9fff]) (?=[a-z0-9])|(?<=[a-z0-9]) (?=[\u3400-\u9fff])")
_SEAM = re.compile(r"(?<=[\u3400-\u9fff])(?=[a-z0-9])|(?<=[a-z0-9])(?=[\u3400-\u9fff])")
_STOP_WORDS = frozenset({
    "a", "an", "the", "and", "or", "for", "of", "with", "in", "on", "to", "by", "per", "other", "others", "general", "made", "parts",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class CategoryIndex:
    book: PhraseBook[tuple[str, ...]]
    by_cas: dict[str, tuple[str, ...]]
    endings: PhraseBook[tuple[str, ...]]
    by_token: dict[str, list[tuple[str, int]]]
    names: list[tuple[str, str, frozenset[str]]]
    rarity: dict[str, float]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def tokens_of(text: str) -> frozenset[str]:
    """Return the pairs of Chinese characters and the words of a folded text."""
    found = {_stem(word) for word in WORD.findall(text) if word not in _STOP_WORDS}
    for run in re.findall(r"[\u3400-\u9fff]+", text):
        found.update(run[place : place + 2] for place in range(len(run) - 1))
    return frozenset(found)


def _variants(name: str) -> set[str]:
    """Return a folded name and its parts where it joins two with a slash or brackets: 橡套电缆（YC）."""
    plain = fold(name).text
    found = {plain, plain.replace("-", " "), _SEAM_SPACE.sub("", plain), _SEAM.sub(" ", plain)}
    if bare := re.sub(r"[ ]?[(\[][^)\]]*[)\]]", "", plain).strip():
        found.add(bare)
    return {variant for variant in found if len(variant) >= 2 or HAN.search(variant)}


def _endings(phrase: str) -> list[str]:
    """Return what a name may be shortened to: 口罩 for 医用口罩, green tea for Rizhao green tea."""
    if HAN.match(phrase[-2:]) and HAN.match(phrase[-1]):
        return [phrase[place:] for place in range(max(1, len(phrase) - 4), len(phrase) - 1)]
    words = phrase.split(" ")
    is_name = len(words) > 2 and len(words[-1]) > 2 and not _STOP_WORDS & set(words[-2:])
    return [" ".join(words[-2:])] if is_name else []


def _common(codes: Iterable[str], catalogue: Catalogue) -> str | None:
    """Return the one category, or the parent that all of them share."""
    codes = list(codes)
    if len(codes) == 1:
        return codes[0]
    parents = {spec.parent if (spec := catalogue.get(code)) else None for code in codes}
    return parents.pop() if len(parents) == 1 else None


@lru_cache(maxsize=8)
def category_index(catalogue: Catalogue) -> CategoryIndex:
    phrases: dict[str, dict[str, None]] = defaultdict(dict)
    names: list[tuple[str, str, frozenset[str]]] = []
    substances = _substances(catalogue)
    for spec in catalogue:
        for name in spec.names:
            for variant in _variants(name):
                phrases[variant][spec.code] = None
            # Half the name of a substance is another substance.
            if spec.code not in substances and (tokens := tokens_of(fold(name).text)):
                names.append((spec.code, name, tokens))
    by_token: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for place, (code, _, tokens) in enumerate(names):
        for token in tokens:
            by_token[token].append((code, place))
    rarity = {token: log(1 + len(names) / len(found)) for token, found in by_token.items()}
    book = PhraseBook({phrase: tuple(codes) for phrase, codes in phrases.items()})
    return CategoryIndex(
        book, _by_substance(catalogue, phrases), _ending_book(catalogue, phrases), dict(by_token), names, rarity
    )


def _by_substance(catalogue: Catalogue, phrases: Mapping[str, Mapping]) -> dict[str, tuple[str, ...]]:
    """Return the categories of each substance and grade: 二甲基酮 and 67-64-1 are acetone."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for spec in catalogue:
        for rules in spec.attributes.values():
            examples = rules.get("examples") or rules.get("enum") or ()
            if rules.get("codes") == "cas" and len(examples) == 1:
                found[f"cas{examples[0]}"][spec.code] = None
    for entry in (*chemicals().values(), *grades().values()):
        known = (entry.zh, entry.en, entry.code, *entry.synonyms)
        codes = {code for name in known for code in phrases.get(fold(name).text, ())} | set(found.get(entry.code, ()))
        if len(codes) == 1:
            found[entry.code].setdefault(next(iter(codes)), None)
    return {token: tuple(codes) for token, codes in found.items()}


def _substances(catalogue: Catalogue) -> set[str]:
    return {spec.code for spec in catalogue if any(rules.get("codes") == "cas" for rules in spec.attributes.values())}


def _ending_book(catalogue: Catalogue, phrases: Mapping[str, Mapping]) -> PhraseBook[tuple[str, ...]]:
    endings: dict[str, dict[str, None]] = defaultdict(dict)
    # 霉素 ends the names of many substances and is none of them.
    substances = _substances(catalogue)
    for phrase, codes in phrases.items():
        for ending in _endings(phrase):
            if ending not in phrases and not substances & set(codes):
                endings[ending] |= codes
    return PhraseBook({ending: (code,) for ending, codes in endings.items() if (code := _common(codes, catalogue))})
