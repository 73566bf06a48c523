"""Which category a text speaks of: its names and synonyms, the head of a compound before what describes it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log

from marketplace.parsing.catalogue import Catalogue
from marketplace.parsing.codes import Claims, Code
from marketplace.parsing.folding import Folded, fold
from marketplace.parsing.glossary import chemicals, grades
from marketplace.parsing.materials import are_pieces
from marketplace.parsing.phrases import Found, PhraseBook

_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[a-z0-9][a-z0-9.+-]*")
# What stands after these words is what the goods are for, not what they are.
_FOR = re.compile(
    r"(?:用于|适用于?|适合|配套|应用于|(?<![a-z])(?:for|used in|used for|suitable for|applied in|of our))[ ]?[^,;，；。、]{0,4}$"
)
# 法兰式球阀, 水泵用电机: the last name is the thing.
_JOINT = re.compile(r"[ ]?(?:式|型|的|用|类|连接|接口)?[ ]?")
_TOGETHER = re.compile(r"[ ]?(?:、|,|/|和|及|与|以及|and|&|or|或|[ ])[ ]?")
_CHEMICAL_AFTER = frozenset("酸酯酐胺醇酮醛醚烯烷苯腈肟酚炔氯溴氟碘甲乙丙丁戊己")
# Between Chinese and Latin some leave a space and some do not.
_SEAM_SPACE = re.compile(r"(?<=[\u3400-\u9fff]) (?=[a-z0-9])|(?<=[a-z0-9]) (?=[\u3400-\u9fff])")
_SEAM = re.compile(r"(?<=[\u3400-\u9fff])(?=[a-z0-9])|(?<=[a-z0-9])(?=[\u3400-\u9fff])")
_STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "for",
        "of",
        "with",
        "in",
        "on",
        "to",
        "by",
        "per",
        "other",
        "others",
        "general",
        "made",
        "parts",
    ]
)
LEAST_COVERAGE = 0.6


@dataclass(frozen=True, slots=True)
class CategoryGuess:
    """A category a text may mean; `evidence` is what says so, at folded text[start:end] if it stands there whole."""

    code: str
    score: float
    confidence: float
    evidence: str
    start: int
    end: int
    covers: bool = False


@dataclass(frozen=True, slots=True)
class _Index:
    book: PhraseBook[tuple[str, ...]]
    by_cas: dict[str, tuple[str, ...]]
    endings: PhraseBook[tuple[str, ...]]
    by_token: dict[str, list[tuple[str, int]]]
    names: list[tuple[str, str, frozenset[str]]]
    rarity: dict[str, float]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _tokens(text: str) -> frozenset[str]:
    """Return the pairs of Chinese characters and the words of a folded text."""
    found = {_stem(word) for word in _WORD.findall(text) if word not in _STOP_WORDS}
    for run in re.findall(r"[\u3400-\u9fff]+", text):
        found.update(run[place : place + 2] for place in range(len(run) - 1))
    return frozenset(found)


def _variants(name: str) -> set[str]:
    """Return a folded name and its parts where it joins two with a slash or brackets: 橡套电缆（YC）."""
    plain = fold(name).text
    found = {plain, plain.replace("-", " "), _SEAM_SPACE.sub("", plain), _SEAM.sub(" ", plain)}
    if bare := re.sub(r"[ ]?[(\[][^)\]]*[)\]]", "", plain).strip():
        found.add(bare)
    return {variant for variant in found if len(variant) >= 2 or _HAN.search(variant)}


def _endings(phrase: str) -> list[str]:
    """Return what a name may be shortened to: 口罩 for 医用口罩, green tea for Rizhao green tea."""
    if _HAN.match(phrase[-2:]) and _HAN.match(phrase[-1]):
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
def _index(catalogue: Catalogue) -> _Index:
    phrases: dict[str, dict[str, None]] = defaultdict(dict)
    names: list[tuple[str, str, frozenset[str]]] = []
    substances = _substances(catalogue)
    for spec in catalogue:
        for name in spec.names:
            for variant in _variants(name):
                phrases[variant][spec.code] = None
            # Half the name of a substance is another substance.
            if spec.code not in substances and (tokens := _tokens(fold(name).text)):
                names.append((spec.code, name, tokens))
    by_token: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for place, (code, _, tokens) in enumerate(names):
        for token in tokens:
            by_token[token].append((code, place))
    rarity = {token: log(1 + len(names) / len(found)) for token, found in by_token.items()}
    book = PhraseBook({phrase: tuple(codes) for phrase, codes in phrases.items()})
    return _Index(
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


def _weight(phrase: str) -> float:
    """Return how much a phrase says: a point for each Chinese character and word, two thirds for a lone short word."""
    points = len(_HAN.findall(phrase)) + sum(1.0 if len(word) > 2 else 0.7 for word in _WORD.findall(phrase))
    return points + 0.02 * len(phrase)


@dataclass(slots=True)
class _Hit:
    codes: tuple[str, ...]
    start: int
    end: int
    phrase: str
    score: float


def rank_categories(
    folded: Folded,
    codes: Sequence[Code],
    catalogue: Catalogue,
    *,
    kind: str | None = None,
    limit: int = 5,
    taken: Claims | None = None,
) -> list[CategoryGuess]:
    """Return the categories the text may mean, the likeliest first; none where nothing speaks for any.

    :param kind: what the text seems to be about (service, space …); it breaks ties
    :param taken: characters that say something else: MSDS is a paper, not several MSD switches
    """
    index = _index(catalogue)
    hits = _phrase_hits(folded.text, index, catalogue)
    if taken is not None:
        hits = [hit for hit in hits if not hit.phrase.isascii() or _has_free(taken, hit.start, hit.end)]
    for code in codes:
        if found := index.by_cas.get(code.token):
            hits.append(_Hit(found, code.start, code.end, code.token, 2.2))
    best = _best_hits(hits, kind, catalogue)
    if together := _together(folded.text, hits, catalogue):
        top = max(best.values(), key=lambda hit: hit.score).score
        best[together[0]] = _Hit(
            (together[0],), together[1], together[2], folded.text[together[1] : together[2]], top * 1.3
        )
    if not best:
        return _by_overlap(folded.text, index, catalogue, kind, limit)
    _refine(folded.text, best, index, catalogue)
    # What also names its parent is surer of itself.
    for category, hit in best.items():
        if any(above.code in best for above in catalogue.ancestors(category)):
            hit.score *= 1.1
    ranked = sorted(best.items(), key=lambda item: (-item[1].score, item[0]))
    return [
        CategoryGuess(code, round(hit.score, 3), _confidence(hit, ranked, catalogue), hit.phrase, hit.start, hit.end)
        for code, hit in ranked[:limit]
    ]


def _has_free(taken: Claims, start: int, end: int) -> bool:
    return any(taken.free(place, place + 1) for place in range(start, end))


def _best_hits(hits: Sequence[_Hit], kind: str | None, catalogue: Catalogue) -> dict[str, _Hit]:
    """Return the best hit of each category; names of several count less, those of the likely kind more."""
    best: dict[str, _Hit] = {}
    for hit in hits:
        for category in hit.codes:
            score = hit.score * (1.15 if kind and _kind(catalogue, category) == kind else 0.85 if kind else 1.0)
            score *= 1.0 if len(hit.codes) == 1 else 0.9
            if category not in best or score > best[category].score:
                best[category] = _Hit((category,), hit.start, hit.end, hit.phrase, score)
    return best


def _kind(catalogue: Catalogue, code: str) -> str:
    spec = catalogue.get(code)
    return spec.kind if spec else ""


def _phrase_hits(text: str, index: _Index, catalogue: Catalogue) -> list[_Hit]:
    found = [hit for hit in index.book.find(text, overlapping=True) if _is_whole(text, hit)]
    whole = {(hit.start, hit.end) for hit in found}
    found += [
        hit
        for hit in index.endings.find(text, overlapping=True)
        if (hit.start, hit.end) not in whole and _is_whole(text, hit)
    ]
    # A name inside a longer name says nothing of its own: 球阀 in 法兰球阀.
    found.sort(key=lambda hit: (hit.start, -hit.end))
    kept, furthest = [], -1
    for hit in found:
        if hit.end > furthest:
            share = 1.0 if (hit.start, hit.end) in whole else 0.75
            kept.append(_Hit(hit.value, hit.start, hit.end, hit.phrase, _weight(hit.phrase) * share))
            furthest = hit.end
    for place, hit in enumerate(kept):
        if _FOR.search(text[max(0, hit.start - 16) : hit.start]):
            hit.score *= 0.45
        # In 水泵 电机 and in "valve actuator" the last name is the thing, the others say of what kind.
        following = kept[place + 1] if place + 1 < len(kept) else None
        beside = following and following.start >= hit.end and _JOINT.fullmatch(text[hit.end : following.start])
        if beside and not _is_above(catalogue, following.codes, hit.codes):
            hit.score *= 0.6
        hit.score *= 1.0 - 0.12 * min(1.0, hit.start / 200)
    return kept


def _is_whole(text: str, hit: Found) -> bool:
    """Say whether a name stands for itself: pcs are no polycarbonate, 环氧氯丙烷 is no epoxy."""
    if are_pieces(text, hit.start, hit.end):
        return False
    return hit.phrase.isascii() or text[hit.end : hit.end + 1] not in _CHEMICAL_AFTER


def _is_above(catalogue: Catalogue, above: Sequence[str], below: Sequence[str]) -> bool:
    return any(spec.code in above for code in below for spec in catalogue.ancestors(code)) or bool(
        set(above) & set(below)
    )


def _together(text: str, hits: list[_Hit], catalogue: Catalogue) -> tuple[str, int, int] | None:
    """Return the parent of categories listed side by side: 球阀、闸阀 are valves."""
    ordered = sorted(hits, key=lambda hit: hit.start)
    for one, other in pairwise(ordered):
        if len(one.codes) > 1 or len(other.codes) > 1 or one.codes == other.codes or min(one.score, other.score) < 1.0:
            continue
        first, second = catalogue.get(one.codes[0]), catalogue.get(other.codes[0])
        between = text[one.end : other.start] if other.start >= one.end else "x"
        if first and second and first.parent and first.parent == second.parent and _TOGETHER.fullmatch(between):
            return first.parent, one.start, other.end
    return None


def _refine(text: str, best: dict[str, _Hit], index: _Index, catalogue: Catalogue) -> None:
    """Let the best category give way to one below it whose name stands in the text, though not in one piece."""
    top = max(best.values(), key=lambda hit: hit.score)
    is_wide = not is_settled(top.codes[0], catalogue)
    for guess in _by_overlap(text, index, catalogue, None, 5, least=LEAST_COVERAGE if is_wide else 0.8):
        if guess.code in best or guess.code in top.codes:
            continue
        # "Wiring harness, high voltage" has every word of the high-voltage harness, and of no other.
        is_fuller = guess.covers and _tokens(top.phrase) < _tokens(fold(guess.evidence).text)
        if is_fuller or _is_above(catalogue, top.codes, (guess.code,)):
            best[guess.code] = _Hit((guess.code,), top.start, top.end, guess.evidence, top.score * 1.1)
            return
    if is_wide and (below := _spoken_of_below(text, top.codes[0], index, catalogue)):
        best[below] = _Hit((below,), top.start, top.end, top.phrase, top.score * 1.05)


def _spoken_of_below(text: str, code: str, index: _Index, catalogue: Catalogue) -> str | None:
    """Return the one category below that shares the most with the text: testing + 阀门 is the testing of valves."""
    spec = catalogue.get(code)
    said = _tokens(text.replace("第三方", " ").replace("三方", " ")) - {
        token for name in (spec.names if spec else ()) for token in _tokens(fold(name).text)
    }
    shared: dict[str, set[str]] = defaultdict(set)
    # API, ISO and CE name papers here as often as goods.
    for token in sorted(token for token in said if len(token) > 3 or not token.isascii()):
        for below, _ in index.by_token.get(token, ()):
            if _is_above(catalogue, (code,), (below,)) and below != code:
                shared[below].add(token)
    points = sorted(
        ((sum(index.rarity[token] for token in tokens), below) for below, tokens in shared.items()), reverse=True
    )
    if not points or (len(points) > 1 and points[0][0] < 1.2 * points[1][0]):
        return None
    return points[0][1]


def _by_overlap(
    text: str, index: _Index, catalogue: Catalogue, kind: str | None, limit: int, *, least: float = LEAST_COVERAGE
) -> list[CategoryGuess]:
    """Return categories of whose name most stands in the text, though not in one piece."""
    tokens = _tokens(text)
    covered: dict[int, float] = defaultdict(float)
    for token in tokens:
        for _, place in index.by_token.get(token, ()):
            covered[place] += index.rarity[token]
    best: dict[str, tuple[float, str, bool]] = {}
    for place, points in covered.items():
        code, name, needed = index.names[place]
        coverage = points / sum(index.rarity[token] for token in needed)
        if coverage < least or len(needed & tokens) < 2:
            continue
        score = coverage * points * (1.15 if kind and _kind(catalogue, code) == kind else 1.0)
        if code not in best or score > best[code][0]:
            best[code] = (score, name, coverage > 0.999)
    ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
    return [
        CategoryGuess(code, round(score, 3), 0.4, name, 0, 0, covers) for code, (score, name, covers) in ranked[:limit]
    ]


def _confidence(hit: _Hit, ranked: list[tuple[str, _Hit]], catalogue: Catalogue) -> float:
    """Return 0 to 1: high where the name is long and no other category comes near."""
    base = min(0.97, 0.6 + 0.12 * hit.score)
    family = catalogue.family(hit.codes[0])
    rivals = [
        other.score
        for code, other in ranked
        if other is not hit and not _is_above(catalogue, (code,), hit.codes) and catalogue.family(code) != family
    ]
    if rivals and (share := max(rivals) / hit.score) > 0.5:
        base *= 1.25 - 0.5 * min(share, 1.3)
    return round(max(0.05, base), 2)


@lru_cache(maxsize=4096)
def is_settled(code: str, catalogue: Catalogue) -> bool:
    """Say whether a category is one to post under: below it, nothing is of another family.

    Tea leaf is too wide: green tea and black tea do not stand in for one another.
    """
    family = catalogue.family(code)
    return all(
        catalogue.family(spec.code) == family
        for spec in catalogue
        if any(above.code == code for above in catalogue.ancestors(spec.code))
    )
