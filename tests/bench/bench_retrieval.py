"""Time both legs of retrieval and prove filtered recall, beside plain FAISS in the same run.

    .venv/bin/python tests/bench/bench_retrieval.py --listings 100000

Listings are synthetic: vectors in clusters, texts drawn from the trades' own words. Read ratios within one table.
What a user would pick instead stands beside ours in bench_peers.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from matching.retrieval.keyword import KeywordIndex
from matching.retrieval.tokens import tokenise
from matching.retrieval.vector_index import VectorIndex

NOUNS = [
    "不锈钢法兰球阀",
    "闸阀",
    "截止阀",
    "蝶阀",
    "离心泵",
    "齿轮泵",
    "聚丙烯",
    "聚乙烯",
    "改性塑料",
    "涤纶长丝",
    "针织面料",
    "印花布",
    "龙井绿茶",
    "红茶",
    "原料药",
    "注射器",
    "电池托盘",
    "压铸件",
    "线束",
    "电机壳体",
    "轴承",
    "密封圈",
    "仓储服务",
    "冷链运输",
    "注塑加工",
    "模具设计",
]
GRADES = [
    "304",
    "316L",
    "WCB",
    "Q235B",
    "45#",
    "6061-T6",
    "T30S",
    "DN50",
    "DN80",
    "DN100",
    "PN16",
    "PN25",
    "PN40",
    "40支",
    "150gsm",
    "99.5%",
    "IP65",
    "M8×1.25",
]
WORDS = [
    "现货供应",
    "长期稳定",
    "出口品质",
    "可定制",
    "批量采购",
    "需要提供检测报告",
    "合格证",
    "三十天内交货",
    "浙江台州",
    "浙江舟山",
    "绍兴柯桥",
    "重庆",
    "山东日照",
    "杭州",
    "stainless",
    "steel",
    "ball",
    "valve",
    "pump",
    "fabric",
    "resin",
    "green",
    "tea",
    "supplier",
]


def texts(count: int, rng: np.random.Generator) -> list[str]:
    pick = lambda words, size: " ".join(rng.choice(words, size))  # noqa: E731
    return [f"{pick(NOUNS, 2)} {pick(GRADES, 3)} {pick(WORDS, 5)} {rng.integers(1, 9000)}" for _ in range(count)]


def vectors(count: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    centres = rng.normal(size=(200, dim)).astype(np.float32)
    rows = centres[rng.integers(0, 200, count)] + rng.normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def filters(count: int, rows: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray | None]:
    """Return six filter shapes; the last allows what lies farthest from the first query, where graphs lose their way."""
    region, side, price = rng.integers(0, 30, count), rng.integers(0, 2, count), rng.random(count)
    far = rows @ rows[0] < np.quantile(rows @ rows[0], 0.025)
    return {
        "none": None,
        "side, 50 %": side == 0,
        "region, 3.3 %": region == 7,
        "side and price, 10 %": (side == 0) & (price < 0.2),
        "region and side and price, 0.4 %": (region == 7) & (side == 0) & (price < 0.25),
        "opposed category, 2.5 %": far,
    }


def percentile(action: Callable[[int], object], queries: int) -> tuple[float, float]:
    """Return p50 and p95 in milliseconds of one call at a time."""
    action(0)
    seconds = []
    for number in range(queries):
        started = time.perf_counter()
        action(number)
        seconds.append(time.perf_counter() - started)
    return tuple(1000 * np.percentile(seconds, (50, 95)))


def line(*cells: object) -> None:
    print(f"{cells[0]!s:44}" + "".join(f"{cell:>14}" for cell in cells[1:]), flush=True)  # noqa: T201


def bench_vectors(count: int, dim: int, queries: int, k: int, rng: np.random.Generator) -> None:
    rows = vectors(count, dim, rng)
    stored = rows.astype(np.float16).astype(np.float32)
    asked = rows[rng.integers(0, count, queries)] + 0.5 * vectors(queries, dim, rng)
    shapes = filters(count, rows, rng)
    ids = np.arange(count)
    started = time.perf_counter()
    ours = VectorIndex(dim).build(ids, rows)
    line("our vector index: build", f"{time.perf_counter() - started:.2f} s")
    flat = faiss.IndexFlatIP(dim)
    flat.add(rows)
    line("vectors: filter", "p50 ms", "p95 ms", f"recall@{k}", "short pages")
    for shape, allowed in shapes.items():
        p50, p95 = percentile(lambda n, allowed=allowed: ours.search(asked[n], k, allowed), queries)
        wanted = k if allowed is None else min(k, int(allowed.sum()))
        found, truth = ours.search(asked, wanted, allowed)[0], []
        for query in asked:
            scores = stored @ query if allowed is None else np.where(allowed, stored @ query, -np.inf)
            truth.append(np.argsort(-scores, kind="stable")[:wanted])
        recall = np.mean([np.isin(one, other).mean() for one, other in zip(truth, found, strict=True)])
        line(f"  ours, {shape}", f"{p50:.2f}", f"{p95:.2f}", f"{recall:.4f}", int((found < 0).any(axis=1).sum()))
    p50, p95 = percentile(lambda n: flat.search(asked[n : n + 1], k), queries)
    line("  faiss IndexFlatIP float32, none", f"{p50:.2f}", f"{p95:.2f}")
    p50, p95 = percentile(lambda n: ours.add([count + n], asked[n : n + 1]), queries)
    line("  ours, add one", f"{p50:.2f}", f"{p95:.2f}")


def bench_keywords(count: int, queries: int, k: int, rng: np.random.Generator) -> None:
    documents = texts(count, rng)
    asked = [" ".join(document.split()[:4]) for document in rng.choice(documents, queries)]
    started = time.perf_counter()
    ours = KeywordIndex().build(np.arange(count), documents)
    line("our keyword index: build", f"{time.perf_counter() - started:.1f} s")
    mean = np.mean([len(tokenise(query)) for query in asked])
    line(f"words ({mean:.0f} tokens a query)", "p50 ms", "p95 ms")
    line("  ours, all", *(f"{ms:.2f}" for ms in percentile(lambda n: ours.search(asked[n], k), queries)))
    allowed = rng.random(count) < 0.033
    line("  ours, 3.3 %", *(f"{ms:.2f}" for ms in percentile(lambda n: ours.search(asked[n], k, allowed), queries)))
    adding = percentile(lambda n: ours.add(count + n, documents[n]), queries)
    line("  ours, add one", *(f"{ms:.2f}" for ms in adding))
    line("  ours after adding", *(f"{ms:.2f}" for ms in percentile(lambda n: ours.search(asked[n], k), queries)))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("-k", type=int, default=50)
    options = parser.parse_args(arguments)
    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    bench_vectors(options.listings, options.dim, options.queries, options.k, rng)
    bench_keywords(options.listings, options.queries, options.k, rng)


if __name__ == "__main__":
    main(sys.argv[1:])
