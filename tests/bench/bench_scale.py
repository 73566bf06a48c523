"""What the index costs as the market grows, to a million listings in one process.

Run by hand: ``python -m tests.bench.bench_scale --listings 10000 100000 --json figures.json``. Vectors, words and hard
facts as one process holds them, without the rows: ``bench_scale_rows`` measures the whole request. The listings are
drawn by the demo's generator and embedded by the shipped model, always the same; they are kept in --cache, since a
million take long to draw. Needs no running service.
"""

import argparse
import json
import multiprocessing
import os
import queue
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import numpy as np  # noqa: E402 - Django must be set up first
import psutil  # noqa: E402
from django.conf import settings  # noqa: E402

from matching.live_index import snapshot  # noqa: E402
from matching.live_index.sequences import Sequences  # noqa: E402
from matching.live_index.snapshot import NormalFormIndex, Parts  # noqa: E402
from matching.ranking.facts import ListingFacts  # noqa: E402
from matching.retrieval.candidate_table import CandidateTable  # noqa: E402
from matching.retrieval.vector_index import VectorIndex  # noqa: E402
from seeds.trades import catalogue  # noqa: E402
from tests.bench.scale_market import TODAY, market  # noqa: E402

# The filter shapes: which hard rules are put to the index; None is all of them.
SHAPES = {
    "none": (),
    "side": ("side",),
    "side and family": ("side", "family"),
    "side and region": ("side", "region"),
    "side, price and quantity": ("side", "price", "minimum_order", "unit"),
    "all hard rules": None,
}
K, DEPTH = 50, 200
# Listings that are not in the index: they are what is added while it is searched.
SPARE = 5_000
MIB = 2**20


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def whole(facts: ListingFacts) -> ListingFacts:
    return replace(facts, properties=catalogue().get(facts.category).attributes)


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    values = np.percentile(milliseconds, (50, 95, 99))
    return {name: round(float(value), 1) for name, value in zip(("p50", "p95", "p99"), values, strict=True)}


def build(count: int, cache: Path, embedding: Path, home: Path, figures: dict) -> None:
    """Build the three parts as a process does from rows, put them in order, and save the snapshot."""
    table, vectors, seconds = CandidateTable(), [], {"facts": 0.0, "words": 0.0}

    def texts():
        for facts, rows in market(count, cache, embedding):
            began = time.perf_counter()
            for one in facts:
                table.put(whole(one))
            seconds["facts"] += time.perf_counter() - began
            vectors.append(rows)
            # What the cache keeps is not read from it here: only what the index itself does is timed.
            began = time.perf_counter()
            yield from (one.normal for one in facts)
            seconds["words"] += time.perf_counter() - began

    keywords = NormalFormIndex().build(np.arange(1, count + 1), texts())
    stored = np.concatenate(vectors)
    vectors.clear()
    began = time.perf_counter()
    index = VectorIndex(stored.shape[1]).build(np.arange(1, count + 1), stored)
    del stored
    seconds["vectors and clusters"] = time.perf_counter() - began
    began = time.perf_counter()
    order = table.order()
    sequences = Sequences(np.arange(1, count + 1), np.arange(1, count + 1))
    parts = Parts(index.rearranged(order), keywords.rearranged(order), table.rearranged(order), sequences, count)
    del index, keywords
    seconds["put in order"] = time.perf_counter() - began
    began = time.perf_counter()
    name = snapshot.save(parts, home)
    seconds["saved"] = time.perf_counter() - began
    figures["build_seconds"] = {part: round(value, 1) for part, value in seconds.items()}
    figures["build_peak_mib"] = round(psutil.Process().memory_info().rss / MIB)
    sizes = {part: sum(path.stat().st_size for path in (home / name / part).rglob("*")) for part in snapshot.PARTS}
    figures["snapshot_mib"] = {part: round(size / MIB) for part, size in sizes.items()}
    figures["words"] = {
        "postings": len(parts.keywords._postings.slots),
        "different": len(parts.keywords._postings.terms),
    }
    if clusters := parts.vectors._state.clusters:
        figures["clusters"] = {"count": len(clusters.centroids), "looked_at": clusters.probes}


class Server:
    """One process's index: what ``LiveIndex`` does between reading the rows and reading the candidates' rows."""

    def __init__(self, home: Path) -> None:
        began = time.perf_counter()
        self.parts = snapshot.load(home)
        if self.parts is None:
            raise SystemExit(f"There is no sound snapshot of this program in {home}.")
        self.load_seconds = time.perf_counter() - began
        self.lock = threading.Lock()

    def candidates(self, query: ListingFacts, vector: np.ndarray, rules=None) -> tuple[np.ndarray, dict[str, float]]:
        parts, marks = self.parts, [time.perf_counter()]
        with self.lock:
            allowed = parts.table.allowed(query, TODAY, rules=rules)
            marks.append(time.perf_counter())
            by_words = parts.keywords.weigh(query.normal, DEPTH, allowed)
            by_word, _ = by_words.best(DEPTH)
            marks.append(time.perf_counter())
            by_meaning, _ = parts.vectors.search(vector, DEPTH, allowed)
            marks.append(time.perf_counter())
            ids = np.union1d(by_word, by_meaning[by_meaning >= 0])
            by_words.of(parts.table.find(ids))
            parts.vectors.scores(vector, ids)
        marks.append(time.perf_counter())
        took = dict(zip(("rules", "words", "vectors", "both_scores"), 1000 * np.diff(marks), strict=True))
        return allowed, took | {"all": 1000 * (marks[-1] - marks[0])}

    def add(self, facts: ListingFacts, vector: np.ndarray) -> None:
        with self.lock:
            self.parts.vectors.add([facts.id], vector[None])
            self.parts.keywords.add(facts.id, facts.normal)
            self.parts.table.put(facts)


def questions(count: int, asked: int, cache: Path, embedding: Path) -> list[tuple[ListingFacts, np.ndarray]]:
    """Return listings of the market, evenly spread, with their vectors."""
    chosen, found, start = set(np.linspace(0, count - 1, asked).astype(int).tolist()), [], 0
    for facts, vectors in market(count, cache, embedding):
        places = sorted(one - start for one in chosen if start <= one < start + len(facts))
        found.extend((whole(facts[place]), vectors[place].astype(np.float32)) for place in places)
        start += len(facts)
    # Neighbours in the market are of one trade and time.
    return [found[place] for place in np.random.default_rng(0).permutation(len(found))]


def shapes(server: Server, asked: list) -> dict[str, dict]:
    figures = {}
    exact = exact_scores(server, asked[: len(asked) // 2])
    for shape, rules in SHAPES.items():
        for query, vector in asked[:5]:
            server.candidates(query, vector, rules)
        took, recalls, word_recalls, shares = [], [], [], []
        for number, (query, vector) in enumerate(asked):
            allowed, each = server.candidates(query, vector, rules)
            took.append(each)
            shares.append(float(allowed.mean()))
            if number < len(exact):
                recalls.append(vector_recall(server, exact[number], vector, allowed))
            if number < 20:
                word_recalls.append(word_recall(server, query.normal, allowed))
        figures[shape] = {
            "allowed_share": round(float(np.mean(shares)), 4),
            "recall_at_50": round(float(np.mean(recalls)), 4),
            "worst_recall": round(min(recalls), 2),
            "word_recall_at_50": round(float(np.mean(word_recalls)), 4),
            **{f"{part}_ms": percentiles([each[part] for each in took]) for part in took[0]},
        }
        line = figures[shape]
        say(f"    {shape:<26} {line['allowed_share']:>7.2%}  recall {line['recall_at_50']:.4f}  {line['all_ms']}")
    return figures


def exact_scores(server: Server, asked: list) -> np.ndarray:
    """Return the score of every slot for each question by brute force, shape (questions, slots)."""
    stored = server.parts.vectors._state.stored
    queries = np.stack([vector for _, vector in asked])
    blocks = (stored[start : start + 50_000].astype(np.float32) for start in range(0, len(stored), 50_000))
    return np.concatenate([queries @ block.T for block in blocks], axis=1)


def vector_recall(server: Server, exact: np.ndarray, vector: np.ndarray, allowed: np.ndarray) -> float:
    found, _ = server.parts.vectors.search(vector, K, allowed)
    slots = np.flatnonzero(allowed)
    return share(found[found >= 0], exact[slots], server.parts.vectors.ids[slots])


def word_recall(server: Server, text: str, allowed: np.ndarray) -> float:
    exact = np.where(allowed, server.parts.keywords.scores(text), 0)
    found, _ = server.parts.keywords.search(text, K, allowed)
    hits = np.flatnonzero(exact > 0)
    return share(found, exact[hits], server.parts.keywords.ids[hits])


def share(found: np.ndarray, exact: np.ndarray, ids: np.ndarray) -> float:
    """Return the share of the K truly best that were found; who ties with the K-th counts as one of them."""
    count = min(K, len(exact))
    if not count:
        return 1.0
    least = np.partition(exact, len(exact) - count)[len(exact) - count]
    return len(np.intersect1d(found[:count], ids[exact >= least - 1e-4])) / count


def serve(home: str, todo, done) -> None:
    """Be a web process: take questions as they come, and answer."""
    server = Server(Path(home))
    for query, vector in iter(todo.get, None):
        server.candidates(query, vector)
        done.put(None)
    memory = psutil.Process().memory_full_info()
    sizes = {f"{name}_mib": getattr(memory, name) / MIB for name in ("uss", "pss", "rss")}
    done.put({"load_seconds": server.load_seconds, **sizes})


def clients(home: Path, asked: list, workers: int) -> dict:
    """Let 1, 4 and 16 clients ask one question after another of as many processes as there are cores."""
    context = multiprocessing.get_context("spawn")
    pairs = [(context.Queue(), context.Queue()) for _ in range(workers)]
    processes = [context.Process(target=serve, args=(str(home), *pair)) for pair in pairs]
    for process in processes:
        process.start()
    free: queue.Queue = queue.Queue()
    for pair in pairs:
        for question in asked[:3]:
            ask(pair, question)
        free.put(pair)
    figures = {"processes": workers, **{f"{number}_clients_ms": load(asked, number, free) for number in (1, 4, 16)}}
    for todo, _ in pairs:
        todo.put(None)
    memory = [done.get() for _, done in pairs]
    for process in processes:
        process.join()
    return figures | {name: [round(each[name], 2) for each in memory] for name in memory[0]}


def ask(pair: tuple, question: object) -> object:
    """Put a question to a process, and wait for its answer."""
    pair[0].put(question)
    return pair[1].get()


def load(asked: list, number: int, free: queue.Queue) -> dict[str, float]:
    """Let so many clients share the questions; return how long each took, waiting for a free process included."""
    took: list[float] = []

    def client(part: list) -> None:
        for question in part:
            began = time.perf_counter()
            pair = free.get()
            ask(pair, question)
            free.put(pair)
            took.append(1000 * (time.perf_counter() - began))

    threads = [threading.Thread(target=client, args=(asked[place::number],)) for place in range(number)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {**percentiles(took), "per_second": round(len(took) / (time.perf_counter() - began), 1)}


def updates(server: Server, asked: list, spare: list, *, per_second: int = 50, seconds: float = 30) -> dict:
    """Let listings come at a steady pace while one client asks without a pause.

    As ``LiveIndex`` does: what came since is taken in before the next answer, which waits for that.
    """
    took, waits, began = [], [], time.perf_counter()
    while len(waits) < min(len(spare), int(per_second * seconds)):
        query, vector = asked[len(took) % len(asked)]
        asked_at = time.perf_counter()
        for number in range(len(waits), min(len(spare), int((asked_at - began) * per_second))):
            server.add(*spare[number])
            waits.append(1000 * (time.perf_counter() - began - number / per_second))
        server.candidates(query, vector)
        took.append(1000 * (time.perf_counter() - asked_at))
    return {
        "per_second": per_second,
        "added": len(waits),
        "search_ms": percentiles(took),
        "wait_ms": percentiles(waits),
    }


def spares(count: int, cache: Path, embedding: Path) -> list[tuple[ListingFacts, np.ndarray]]:
    """Return listings to add: those of the market anew, under other ids."""
    facts, vectors = next(market(min(count, SPARE), cache, embedding))
    return [
        (whole(replace(one, id=one.id + 10**8)), vector.astype(np.float32))
        for one, vector in zip(facts, vectors, strict=True)
    ]


def measure(count: int, arguments: argparse.Namespace, home: Path) -> dict:
    embedding = Path(settings.EMBEDDING_MODEL)
    figures: dict = {"listings": count}
    say(f"{count:,} listings")
    if not (arguments.keep and snapshot.is_there(home)):
        build(count, arguments.cache, embedding, home, figures)
        say(f"    built: {figures['build_seconds']}, snapshot {figures['snapshot_mib']} MiB")
    asked = questions(count, arguments.queries, arguments.cache, embedding)
    server = Server(home)
    figures["promised_recall"] = server.parts.vectors.promised_recall
    figures["load_seconds"] = round(server.load_seconds, 2)
    figures["shapes"] = shapes(server, asked)
    figures["updates"] = updates(server, asked, spares(count, arguments.cache, embedding), seconds=arguments.seconds)
    say(f"    updates: {figures['updates']}")
    del server
    figures["clients"] = clients(home, asked, arguments.processes)
    say(f"    clients: {figures['clients']}")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listings", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20, help="how long listings are added")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "bench-scale")
    parser.add_argument("--keep", action="store_true", help="take snapshots that the cache holds from an earlier run")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = []
    for count in arguments.listings:
        figures.append(measure(count, arguments, arguments.cache / f"index-{count}"))
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
