"""Write the data folder as benchmarks, in the same split that the embedding is trained by."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from matching.retrieval.benchmark import Benchmark, write_benchmark, write_pairs
from matching.retrieval.sources import (
    Goods,
    JudgedPair,
    Part,
    read_goods,
    read_product_pairs,
    read_query_titles,
    read_sentence_pairs,
    split_goods,
    split_pairs,
)
from matching.retrieval.training_material import SHOPS

PARTS: tuple[Part, ...] = get_args(Part)
# The size of the collection in which the published floor of zh -> en was measured.
SMALL = 3000


def prepare(folder: Path, out: Path, *, seed: int) -> Iterator[tuple[str, str]]:
    """Write all benchmarks below ``out``; yield the name and size of each as soon as it is there.

    Each has the parts train (the embedding's own), dev (for what weighs its scores) and test.

    :raises SourceMissing: if the folder lacks one of its files
    """
    goods = read_goods(folder)
    english = [item for item in goods if item.name_en]
    small = small_collection(english, seed=seed)
    for name, benchmarks in (
        ("goods_zh", {part: substitutes(goods, part, seed=seed) for part in PARTS}),
        ("goods_zh_en", {part: translations(english, english, part, seed=seed) for part in PARTS}),
        ("goods_zh_en_3000", {"test": translations(english, small, "test", seed=seed)}),
    ):
        write_benchmark(out / name, benchmarks)
        sizes = ", ".join(f"{len(benchmark.queries)} {part}" for part, benchmark in benchmarks.items())
        yield name, f"{len(benchmarks[next(iter(benchmarks))].corpus)} documents, queries: {sizes}"
    for name, parts in _pair_files(folder, seed=seed).items():
        for part, pairs in parts.items():
            write_pairs(out / "pairs" / f"{name}.{part}.tsv", pairs)
            yield f"pairs/{name}.{part}.tsv", f"{len(pairs)} pairs"


def small_collection(goods: Sequence[Goods], *, seed: int) -> list[Goods]:
    """Return the names of the test part and, as far as there is room, others: 3,000 in all where there are so many."""
    asked = {item.key for item in split_goods(goods, "test", seed=seed)}
    return sorted(goods, key=lambda item: (item.key not in asked, item.key))[: max(SMALL, len(asked))]


def substitutes(goods: Sequence[Goods], part: Part, *, seed: int) -> Benchmark:
    """Return the task to find, for a Chinese name, the other names of its similar group among all names."""
    groups = defaultdict(list)
    for item in goods:
        groups[item.group].append(item.key)
    queries = [item for item in split_goods(goods, part, seed=seed) if len(groups[item.group]) > 1]
    return Benchmark(
        corpus={item.key: item.name_zh for item in goods},
        queries={item.key: item.name_zh for item in queries},
        relevant={item.key: {other: 1.0 for other in groups[item.group] if other != item.key} for item in queries},
    )


def translations(goods: Sequence[Goods], collection: Sequence[Goods], part: Part, *, seed: int) -> Benchmark:
    """Return the task to find, for a Chinese name, its own official translation in the collection."""
    numbers = defaultdict(list)
    for item in collection:
        numbers[item.number].append(f"en-{item.key}")
    queries = split_goods(goods, part, seed=seed)
    return Benchmark(
        corpus={f"en-{item.key}": item.name_en for item in collection},
        queries={f"zh-{item.key}": item.name_zh for item in queries},
        relevant={f"zh-{item.key}": dict.fromkeys(numbers[item.number], 1.0) for item in queries},
    )


def _pair_files(folder: Path, *, seed: int) -> dict[str, dict[str, list[JudgedPair]]]:
    split = {
        "query_title": read_query_titles(folder),
        "afqmc": read_sentence_pairs(folder, "afqmc_train"),
        "lcqmc": read_sentence_pairs(folder, "lcqmc_dev"),
    }
    files = {name: {part: split_pairs(pairs, part, seed=seed) for part in PARTS} for name, pairs in split.items()}
    files["stsb"] = {
        "train": _alike(read_sentence_pairs(folder, "stsb_train")),
        "test": _alike(read_sentence_pairs(folder, "stsb_dev")),
    }
    for shop in SHOPS:
        offers = {
            part: read_product_pairs(folder, shop, name) for part, name in (("train", "train"), ("test", "valid"))
        }
        files[f"product_{shop}"] = offers
    return files


def _alike(pairs: Sequence[JudgedPair]) -> list[JudgedPair]:
    """Return pairs graded 0 to 5 as relevant (4 and 5: the same but for details) or not."""
    return [JudgedPair(pair.left, pair.right, float(pair.label >= 4)) for pair in pairs]
