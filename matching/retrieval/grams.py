"""Cut a text into the overlapping pieces that the shipped embedding adds up: n-grams, whole words and whole codes."""

import re
import unicodedata
from collections.abc import Iterable

from matching.retrieval.tokens import stem

# A code keeps its inner signs (gb/t12237, m8x1.25, 67-64-1); Chinese runs have no spaces to cut at.
_RUN = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+|[^\W_\u3400-\u9fff]+(?:[./+%°:-]+[^\W_\u3400-\u9fff]+)*%?"
)
_SIGNS = re.compile(r"[./+%°:-]+")
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\W\d_]+")
_CHINESE_SIZES = (1, 2, 3)
_LATIN_SIZES = (3, 4, 5)
_LONGEST_WORD = 40


def grams(text: str) -> tuple[list[str], list[str]]:
    """Return the text's whole features and its partial ones, each once, in the order of their first appearance.

    *Whole* are Chinese characters and pairs, English words without their plural ending, codes and the letters and
    numbers in them: what a text is about even where nobody trained it. *Partial* are Chinese triples and the 3- to
    5-grams of words between word marks, as in fastText (Bojanowski et al., 2017): they say something only where they
    were trained. The last character and the last pair of a Chinese run stand a second time with an end mark, since
    Chinese names end in what the thing is (不锈钢球阀 is a 阀).

    >>> grams("球阀 DN50")
    (['球', '阀', '球阀', '阀>', '球阀>', '<dn50>', '<dn>', '<50>'], [])
    >>> grams("钢球阀")[1], grams("Valves")[1][:4]
    (['钢球阀'], ['<va', 'val', 'alv', 'lve'])
    """
    whole: dict[str, None] = {}
    partial: dict[str, None] = {}
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if "\u3400" <= run[0] <= "\ufaff":
            for size in _CHINESE_SIZES:
                found = whole if size < _CHINESE_SIZES[-1] else partial
                found.update(dict.fromkeys(run[place : place + size] for place in range(len(run) - size + 1)))
            whole[run[-1:] + ">"] = None
            if len(run) > 1:
                whole[run[-2:] + ">"] = None
        elif any(character.isdigit() for character in run):
            whole[f"<{run}>"] = None
            whole.update(dict.fromkeys(f"<{part}>" for part in _LETTERS_OR_DIGITS.findall(run)))
        else:
            _add_words(run, whole, partial)
    return list(whole), [part for part in partial if part not in whole]


def _add_words(run: str, whole: dict[str, None], partial: dict[str, None]) -> None:
    for word in _SIGNS.split(run):
        if word:
            marked = f"<{stem(word)[:_LONGEST_WORD]}>"
            whole[marked] = None
            for size in _LATIN_SIZES:
                partial.update(dict.fromkeys(marked[place : place + size] for place in range(len(marked) - size + 1)))


def counted(texts: Iterable[str]) -> dict[str, int]:
    """Return in how many of the texts each feature is, whole ones and partial ones.

    >>> counted(["球阀", "阀"])["阀"]
    2
    """
    seen: dict[str, int] = {}
    for text in texts:
        for part in grams(text):
            for gram in part:
                seen[gram] = seen.get(gram, 0) + 1
    return seen
