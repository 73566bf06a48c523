"""Read the public data sets that the embedding is trained and measured on, and split them once for all.

The split is a hash of a key, not a shuffle: a row falls on the same side whatever else the files hold, so the
trainer and the benchmark agree without talking to each other. The keys keep relatives together: goods by their
similar group, judged queries by the query, sentences by the first sentence.
"""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SEED = 20261101
TEST_SHARE = 0.2
# The embedding is trained on "train" alone. What weighs its scores (fusion, ranker) learns on "dev": on pairs that the
# embedding has seen its scores are too good, and who learns there trusts it too much.
DEV_SHARE = 0.1
Part = Literal["train", "dev", "test"]


class SourceMissing(FileNotFoundError):  # noqa: N818 - named for the fact
    """The data folder lacks a file; the message names it."""


class SourceUnreadable(ValueError):  # noqa: N818
    """A row of a data file is not as its format says; the message names file and line."""


@dataclass(frozen=True)
class Goods:
    """One name of the Nice classification, in Chinese and, where known, in English.

    Names of one meaning share their official ``number``; ``key`` tells them apart.
    """

    key: str
    number: str
    group: str
    group_name_zh: str
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class JudgedPair:
    """Two texts and how well the second answers the first: 0 is not at all, more is better."""

    left: str
    right: str
    label: float


def part_of(key: str, *, seed: int = SEED, test_share: float = TEST_SHARE) -> Part:
    """Say which side of the split a key is on.

    >>> part_of("0102"), part_of("0102"), part_of("0102", test_share=1.0)
    ('train', 'train', 'test')
    """
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < test_share:
        return "test"
    return "dev" if place < test_share + DEV_SHARE else "train"


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise SourceMissing(f"{path} is missing: give the folder that holds {path.parent.name}/{path.name}")
    return path.read_text(encoding="utf-8").splitlines()


def read_goods(folder: Path) -> list[Goods]:
    """Return the goods and services names of `goods_zh_en/goods.tsv`.

    :raises SourceMissing: if the file is not there
    :raises SourceUnreadable: if a line lacks a column
    """
    path = folder / "goods_zh_en" / "goods.tsv"
    goods = []
    seen: Counter[str] = Counter()
    for number, row in enumerate(csv.DictReader(_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
        if row.get("name_en") is None:
            raise SourceUnreadable(f"{path}, line {number}: six tab-separated columns are needed")
        seen[row["basic_number"]] += 1
        goods.append(
            Goods(
                key=f"{row['basic_number']}.{seen[row['basic_number']]}",
                number=row["basic_number"],
                group=row["similar_group"],
                group_name_zh=row["similar_group_name_zh"],
                name_zh=row["name_zh"].strip().rstrip("*"),
                name_en=row["name_en"].strip().rstrip("*"),
            )
        )
    return goods


def english_names(name_en: str) -> list[str]:
    """Return the spellings that one official English entry holds, separated by slashes.

    >>> english_names("pen cases / boxes for pens")
    ['pen cases', 'boxes for pens']
    """
    return [name for name in re.split(r"\s+/\s+", name_en) if name]


def read_query_titles(folder: Path) -> list[JudgedPair]:
    """Return the judged search queries and page titles of `query_title/judged.json` (one object a line)."""
    path = folder / "query_title" / "judged.json"
    pairs = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
            pairs.append(JudgedPair(row["query"], row["title"], float(row["label"])))
        except (KeyError, ValueError) as error:
            raise SourceUnreadable(f"{path}, line {number}: {error}") from error
    return pairs


def read_sentence_pairs(folder: Path, name: str) -> list[JudgedPair]:
    """Return the judged Chinese sentence pairs of `sentence_pairs/<name>.txt`, tab-separated."""
    path = folder / "sentence_pairs" / f"{name}.txt"
    return [_judged(path, number, line.split("\t")) for number, line in enumerate(_lines(path), start=1)]


def read_product_pairs(folder: Path, shop: str, name: str) -> list[JudgedPair]:
    """Return the judged English product offers of `product_pairs/<shop>/<name>.txt` as plain texts."""
    path = folder / "product_pairs" / shop / f"{name}.txt"
    pairs = [_judged(path, number, line.split("\t")) for number, line in enumerate(_lines(path), start=1)]
    return [JudgedPair(plain_offer(pair.left), plain_offer(pair.right), pair.label) for pair in pairs]


def _judged(path: Path, number: int, columns: Sequence[str]) -> JudgedPair:
    try:
        left, right, label = columns
        return JudgedPair(left.strip(), right.strip(), float(label))
    except ValueError as error:
        raise SourceUnreadable(f"{path}, line {number}: text, tab, text, tab, number are needed") from error


def plain_offer(text: str) -> str:
    """Return an offer's values without the names of its columns.

    >>> plain_offer("COL title VAL microsoft visio COL price VAL 129.95 ")
    'microsoft visio 129.95'
    """
    return " ".join(re.sub(r"COL \S+ VAL", " ", text).split())


def split_pairs(pairs: Iterable[JudgedPair], part: Part, *, seed: int = SEED) -> list[JudgedPair]:
    """Return the pairs of one side; pairs with the same left text are on the same side."""
    return [pair for pair in pairs if part_of(pair.left, seed=seed) == part]


def split_goods(goods: Iterable[Goods], part: Part, *, seed: int = SEED, test_share: float = TEST_SHARE) -> list[Goods]:
    """Return the goods of one side; a similar group is on one side as a whole."""
    return [item for item in goods if part_of(item.group, seed=seed, test_share=test_share) == part]
