"""Which category a text speaks of: its names and synonyms, the head of a compound before what describes it."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from marketplace.parsing.catalogue import Catalogue
from marketplace.parsing.category_index import HAN, WORD, CategoryIndex, category_index, tokens_of
from marketplace.parsing.codes import Claims, Code
from marketplace.parsing.folding import Folded, fold
from marketplace.parsing.glossary import materials_book
from marketplace.parsing.materials import are_pieces
from marketplace.parsing.phrases import Found

# What stands after these words is what the goods are for, not what they are.
_FOR = re.compile(
    r"(?:用于|适用于?|适合|配套|应用于|(?<![a-z])(?:for|used in|used for|suitable for|applied in|of our))[ ]?[^,;，；。、]{0,4}$"
)
# 法兰式球阀, 水泵用电机: the last name is the thing.
_JOINT = re.compile(r"[ ]?(?:式|型|的|用|类|连接|接口)?[ ]?")
_TOGETHER = re.compile(r"[ ]?(?:、|,|/|和|及|与|以及|and|&|or|或|[ ])[ ]?")
_CHEMICAL_AFTER = frozenset("酸酯酐胺醇酮醛醚烯烷苯腈肟酚炔氯溴氟碘甲乙丙丁戊己")
_PAPER_WORDS = frozenset({"api", "iso", "ce", "gmp", "fda", "reach", "ul", "en", "gb", "din", "astm", "iatf"})
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


def _weight(phrase: str) -> float:
    """Return how much a phrase says: a point for each Chinese character and word, two thirds for a lone short word."""
    points = len(HAN.findall(phrase)) + sum(1.0 if len(word) > 2 else 0.7 for word in WORD.findall(phrase))
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
    index = category_index(catalogue)
    hits = _phrase_hits(folded.text, index, catalogue)
    if taken is not None:
        hits = [hit for hit in hits if not _is_paper(hit.phrase) or _has_free(taken, hit.start, hit.end)]
    for code in codes:
        if found := index.by_cas.get(code.token):
            hits.append(_Hit(found, code.start, code.end, code.token, 2.2 if code.kind == "cas" else 1.0))
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


def _is_paper(phrase: str) -> bool:
    return phrase.isascii() or "认证" in phrase


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


def _phrase_hits(text: str, index: CategoryIndex, catalogue: Catalogue) -> list[_Hit]:
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
        elif _is_material(hit.phrase) and any(
            later.start >= hit.end
            and not _is_material(later.phrase)
            and not _CLAUSE.search(text[hit.end : later.start])
            for later in kept[place + 1 : place + 7]
        ):
            hit.score *= 0.5  # 高密度聚乙烯 HDPE 闭口塑料桶 is a drum
        hit.score *= 1.0 - 0.12 * min(1.0, hit.start / 200)
    return kept


_CLAUSE = re.compile(r"[,;。；:]")


@lru_cache(maxsize=4096)
def _is_material(phrase: str) -> bool:
    sense = materials_book().get(phrase)
    return sense is not None and sense.entry.kind not in {"cas", "battery"}


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


def _refine(text: str, best: dict[str, _Hit], index: CategoryIndex, catalogue: Catalogue) -> None:
    """Let the best category give way to one below it whose name stands in the text, though not in one piece."""
    top = max(best.values(), key=lambda hit: hit.score)
    is_wide = not is_settled(top.codes[0], catalogue)
    for guess in _by_overlap(text, index, catalogue, None, 5, least=LEAST_COVERAGE if is_wide else 0.8):
        if guess.code in best or guess.code in top.codes:
            continue
        # "Wiring harness, high voltage" has every word of the high-voltage harness, and of no other.
        is_fuller = guess.covers and tokens_of(top.phrase) < tokens_of(fold(guess.evidence).text)
        if is_fuller or _is_above(catalogue, top.codes, (guess.code,)):
            best[guess.code] = _Hit((guess.code,), top.start, top.end, guess.evidence, top.score * 1.1)
            return
    if is_wide and (below := _spoken_of_below(text, top.codes[0], index, catalogue)):
        best[below] = _Hit((below,), top.start, top.end, top.phrase, top.score * 1.05)


def _spoken_of_below(text: str, code: str, index: CategoryIndex, catalogue: Catalogue) -> str | None:
    """Return the one category below that shares the most with the text: testing + 阀门 is the testing of valves."""
    spec = catalogue.get(code)
    said = tokens_of(text.replace("第三方", " ").replace("三方", " ")) - {
        token for name in (spec.names if spec else ()) for token in tokens_of(fold(name).text)
    }
    shared: dict[str, set[str]] = defaultdict(set)
    # API, ISO and CE name papers here as often as goods.
    for token in sorted(said - _PAPER_WORDS):
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
    text: str,
    index: CategoryIndex,
    catalogue: Catalogue,
    kind: str | None,
    limit: int,
    *,
    least: float = LEAST_COVERAGE,
) -> list[CategoryGuess]:
    """Return categories of whose name most stands in the text, though not in one piece."""
    tokens = tokens_of(text)
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
