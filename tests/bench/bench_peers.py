"""Our index beside what a user would pick instead, all in one run: same data, same filters, same queries.

    BENCH_DATA=DIR DATABASE_URL=postgres://… .venv/bin/python -m tests.bench.bench_peers [--listings 20000] [--json OUT]

Quality: Chinese names of goods and their substitutes, of the test part that our embedding was not trained on; nDCG@10
and MRR@10 with 95 % bootstrap intervals. Where vectors are needed, all use our embedding. Filters: listings of the
simulated market; recall@50 of the truly nearest vectors, short pages (fewer than the filter leaves, up to 50), time of
a search, time until a new listing is found, memory. Each system runs in a process of its own, one thread.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from matching.retrieval.encoder import SHIPPED, load_encoder
from matching.retrieval.metrics import bootstrap_interval, ndcg_at, reciprocal_rank_at
from matching.retrieval.preparation import substitutes
from matching.retrieval.sources import SEED, read_goods
from tests.bench.peer_systems import (
    MilvusLite,
    Ours,
    OursByMeaning,
    OursByWords,
    Qdrant,
    System,
    Txtai,
    TxtaiHybrid,
    Where,
)
from tests.bench.peer_word_systems import Bm25s, PostgresText, Tantivy
from tests.bench.scale_market import market

K, MIB, INSERTS = 50, 2**20, 10
SHAPES = ("none", "side", "side, family", "side, region", "side, region, price", "other family")

SYSTEMS: dict[str, type[System]] = {
    "ours, fused": Ours,
    "ours, keyword": OursByWords,
    "ours, embedding": OursByMeaning,
    "qdrant-edge": Qdrant,
    "milvus-lite": MilvusLite,
    "txtai": Txtai,
    "txtai, hybrid": TxtaiHybrid,
    "tantivy": Tantivy,
    "bm25s": Bm25s,
    "PostgreSQL text": PostgresText,
}


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def resident() -> float:
    """Return how much memory this process holds, what it only forgot to give back not counted."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return psutil.Process().memory_info().rss / MIB


def quality(system: System, data: Path, asked: int) -> dict:
    """Return nDCG@10, MRR@10 and milliseconds over the test queries of the Chinese names."""
    benchmark = substitutes(read_goods(data), "test", seed=SEED)
    documents = sorted(benchmark.corpus)
    number = {document: place for place, document in enumerate(documents)}
    texts = [benchmark.corpus[document] for document in documents]
    nothing = {"side": "", "family": "", "region": ""}
    columns = {name: np.full(len(texts), value) for name, value in nothing.items()} | {"price": np.zeros(len(texts))}
    system.build(texts, system.encoder.encode(texts), columns)
    queries = sorted(benchmark.queries)
    chosen = np.random.default_rng(0).permutation(len(queries))[:asked]
    gains_of, reciprocal, took = [], [], []
    for place in chosen.tolist():
        query = queries[place]
        grades = {number[document]: grade for document, grade in benchmark.relevant[query].items()}
        began = time.perf_counter()
        found = system.search(benchmark.queries[query], None, 11, {})
        took.append(1000 * (time.perf_counter() - began))
        gains = [grades.get(item, 0.0) for item in found if item != number.get(query)][:10]
        gains_of.append(ndcg_at(gains, list(grades.values())))
        reciprocal.append(reciprocal_rank_at(gains))
    system.close()
    return {
        "documents": len(texts),
        "queries": len(chosen),
        **summary("ndcg@10", gains_of),
        **summary("mrr@10", reciprocal),
        "p50_ms": float(np.percentile(took, 50)),
        "p95_ms": float(np.percentile(took, 95)),
    }


def summary(metric: str, values: list[float]) -> dict:
    low, high = bootstrap_interval(np.array(values))
    return {metric: float(np.mean(values)), f"{metric} low": low, f"{metric} high": high}


def listings(count: int, cache: Path) -> tuple[list[str], np.ndarray, dict[str, np.ndarray]]:
    texts, parts, facts = [], [], []
    for some, vectors in market(count, cache, SHIPPED):
        texts.extend(one.text for one in some)
        parts.append(vectors.astype(np.float32))
        facts.extend((one.side, one.family, one.region, float(one.price_min or 0)) for one in some)
    columns = {name: np.array([one[place] for one in facts]) for place, name in enumerate(("side", "family", "region"))}
    return texts, np.concatenate(parts), columns | {"price": np.array([one[3] for one in facts])}


def conditions(shape: str, columns: dict[str, np.ndarray], place: int, other: int) -> Where:
    """Return the filter of this shape for a query: the other side of the market, its own family and region."""
    if shape == "none":
        return {}
    side = "supply" if columns["side"][place] == "demand" else "demand"
    where: dict[str, object] = {"side": side}
    if "region" in shape:
        where["region"] = columns["region"][place].item()
    if "price" in shape:
        where["price"] = float(np.median(columns["price"]))
    if "family" in shape:
        where["family"] = columns["family"][other if shape == "other family" else place].item()
    return where


def filtered(system: System, count: int, cache: Path, asked: int) -> dict:
    """Return memory, times, recall and short pages under each shape of filter."""
    texts, vectors, columns = listings(count + INSERTS, cache)
    later = slice(count, count + INSERTS)
    before, began = resident(), time.perf_counter()
    system.build(texts[:count], vectors[:count], {name: column[:count] for name, column in columns.items()})
    built = time.perf_counter() - began
    figures = {"build_seconds": built, "build_mib": resident() - before, "elsewhere_mib": system.elsewhere()}
    figures["shapes"] = {}
    chosen = np.random.default_rng(1).choice(count, asked, replace=False).tolist()
    stored = vectors[:count]
    for shape in SHAPES:
        took, recalls, short = [], [], 0
        for number, place in enumerate(chosen):
            where = conditions(shape, columns, place, chosen[number - 1])
            began = time.perf_counter()
            found = system.search(texts[place], vectors[place], K, where)
            took.append(1000 * (time.perf_counter() - began))
            allowed = np.ones(count, dtype=bool)
            for name, value in where.items():
                column = columns[name][:count]
                allowed &= column <= value if name == "price" else column == value
            wanted = min(K, int(np.count_nonzero(allowed)))
            if system.by != "vectors" or not wanted:
                continue
            scores = np.where(allowed, stored @ vectors[place], -np.inf)
            bar = np.sort(scores)[::-1][wanted - 1] - 1e-5
            right = {item for item in found if scores[item] >= bar}
            recalls.append(min(len(right), wanted) / wanted)
            short += len(found) < wanted
        figures["shapes"][shape] = {
            "p50_ms": float(np.percentile(took, 50)),
            "p95_ms": float(np.percentile(took, 95)),
            "recall@50": float(np.mean(recalls)) if recalls else None,
            "short": short if recalls else None,
        }
    waits = []
    for place in range(later.start, later.stop):
        facts = {name: column[place].item() for name, column in columns.items()}
        began = time.perf_counter()
        system.add(place, texts[place], vectors[place], facts)
        while place not in system.search(texts[place], vectors[place], K, {}):
            if time.perf_counter() - began > 30:
                break
        waits.append(1000 * (time.perf_counter() - began))
    figures["insert_to_found_ms"] = float(np.median(waits))
    system.close()
    return figures


def one(options: argparse.Namespace) -> None:
    """Measure one system in this process and write what was found."""
    encoder = load_encoder(SHIPPED)
    kind = SYSTEMS[options.system]
    if options.data:
        figures = {"quality": quality(kind(encoder), options.data, options.queries)}
    else:
        figures = {"filters": filtered(kind(encoder), options.listings, options.cache, options.asked)}
    options.json.write_text(json.dumps(figures), encoding="utf-8")


def in_its_own_process(name: str, arguments: list[str]) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.bench.bench_peers", "--system", name, "--json", str(out), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=900)
        if done.returncode:
            say(f"{name} failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")
            return {}
        return json.loads(out.read_text(encoding="utf-8"))


def tell(figures: dict[str, dict]) -> None:
    if any("quality" in found for found in figures.values()):
        say(f"\n{'substitute goods, zh':20}{'nDCG@10':>26}{'MRR@10':>26}{'p50 ms':>9}{'p95 ms':>9}")
    for name, found in figures.items():
        if of := found.get("quality"):
            cells = [f"{of[m]:.3f} [{of[f'{m} low']:.3f}, {of[f'{m} high']:.3f}]" for m in ("ndcg@10", "mrr@10")]
            say(f"{name:20}{cells[0]:>26}{cells[1]:>26}{of['p50_ms']:>9.1f}{of['p95_ms']:>9.1f}")
    for what, form in (("recall@50", ".4f"), ("short", "d"), ("p50_ms", ".1f"), ("p95_ms", ".1f")):
        say(f"\n{what:20}" + "".join(f"{shape:>21}" for shape in SHAPES))
        for name, found in figures.items():
            if "filters" in found:
                cells = [found["filters"]["shapes"][shape][what] for shape in SHAPES]
                if any(cell is not None for cell in cells):
                    said = "".join(f"{'-' if cell is None else format(cell, form):>21}" for cell in cells)
                    say(f"{name:20}{said}")
    say(f"\n{'market':20}{'build s':>12}{'memory MiB':>12}{'elsewhere MiB':>15}{'insert to found ms':>20}")
    for name, found in figures.items():
        if of := found.get("filters"):
            sizes = f"{of['build_seconds']:>12.1f}{of['build_mib']:>12.0f}{of['elsewhere_mib']:>15.0f}"
            say(f"{name:20}{sizes}{of['insert_to_found_ms']:>20.1f}")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listings", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=300, help="of the names of goods")
    parser.add_argument("--asked", type=int, default=50, help="searches under each filter")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "bench-scale")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--system", choices=SYSTEMS, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.system:
        one(options)
        return
    data = os.environ.get("BENCH_DATA", "")
    if not data:
        say("Quality is left out: BENCH_DATA names no folder of real data.")
    # Drawn once, before any system is measured.
    for _part in market(options.listings + INSERTS, options.cache, SHIPPED):
        pass
    figures: dict[str, dict] = {}
    for name in options.only:
        kind = SYSTEMS[name]
        if kind.is_missing():
            say(f"{name} is left out: {kind.needs or 'DATABASE_URL'} is not there.")
            continue
        sizes = ["--listings", str(options.listings), "--asked", str(options.asked), "--cache", str(options.cache)]
        figures[name] = in_its_own_process(name, sizes)
        if data:
            figures[name] |= in_its_own_process(name, ["--data", data, "--queries", str(options.queries)])
        say(f"{name}: measured")
    tell(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
