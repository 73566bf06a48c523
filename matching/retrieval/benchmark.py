"""Read and write retrieval benchmarks in the BEIR layout, and judged pairs as tab-separated lines; plain or .gz.

BEIR: ``corpus.jsonl`` {_id, title, text}, ``queries.jsonl`` {_id, text}, ``qrels/test.tsv`` with the header
query-id, corpus-id, score.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matching.retrieval.sources import JudgedPair


class BenchmarkUnreadable(ValueError):  # noqa: N818 - named for the fact
    """The benchmark is not as its layout says; the message names file and line."""


@dataclass(frozen=True)
class Benchmark:
    """Documents and queries by id, and for each query its relevant documents with their grades (above 0)."""

    corpus: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, dict[str, float]]


def read_benchmark(folder: Path, *, part: str = "test") -> Benchmark:
    """Return the benchmark of this folder; a document's text is its title and its text.

    Queries without a relevant document are left out, for nothing can be said about them.

    :raises BenchmarkUnreadable: if a file is missing or a line is not as the layout says
    """
    corpus = {}
    for where, row in _objects(folder / "corpus.jsonl"):
        corpus[_field(where, row, "_id")] = f"{row.get('title') or ''} {_field(where, row, 'text')}".strip()
    queries = {
        _field(where, row, "_id"): _field(where, row, "text") for where, row in _objects(folder / "queries.jsonl")
    }
    relevant: dict[str, dict[str, float]] = {}
    path = _existing(folder / "qrels" / f"{part}.tsv")
    for number, line in enumerate(_lines(path), start=1):
        columns = line.split("\t")
        if number == 1 and columns[0] == "query-id":
            continue
        try:
            query, document, grade = columns
            grade = float(grade)
        except ValueError as error:
            raise BenchmarkUnreadable(f"{path}, line {number}: query-id, corpus-id, score are needed") from error
        if query not in queries:
            raise BenchmarkUnreadable(f"{path}, line {number}: no query has the id {query!r}")
        if document not in corpus:
            raise BenchmarkUnreadable(f"{path}, line {number}: no document has the id {document!r}")
        # A document never answers the query it is itself.
        if grade > 0 and document != query:
            relevant.setdefault(query, {})[document] = grade
    if not relevant:
        raise BenchmarkUnreadable(f"{path} names no relevant document")
    return Benchmark(corpus, {query: text for query, text in queries.items() if query in relevant}, relevant)


def write_benchmark(folder: Path, benchmarks: Mapping[str, Benchmark]) -> None:
    """Write benchmarks that share a corpus: one ``qrels/<part>.tsv`` for each part, queries together."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    corpus = {item: text for benchmark in benchmarks.values() for item, text in benchmark.corpus.items()}
    queries = {item: text for benchmark in benchmarks.values() for item, text in benchmark.queries.items()}
    write_lines(folder / "corpus.jsonl", (_json({"_id": i, "title": "", "text": t}) for i, t in corpus.items()))
    write_lines(folder / "queries.jsonl", (_json({"_id": i, "text": t}) for i, t in queries.items()))
    for part, benchmark in benchmarks.items():
        rows = (
            f"{query}\t{document}\t{grade:g}"
            for query, grades in benchmark.relevant.items()
            for document, grade in grades.items()
        )
        write_lines(folder / "qrels" / f"{part}.tsv", ["query-id\tcorpus-id\tscore", *rows])


def read_pairs(path: Path) -> list[JudgedPair]:
    """Return the judged pairs of a file without header: text_a, text_b, label, separated by tabs.

    :raises BenchmarkUnreadable: if a line is not so; the message names it
    """
    pairs = []
    for number, line in enumerate(_lines(_existing(path)), start=1):
        try:
            left, right, label = line.split("\t")
            pairs.append(JudgedPair(left, right, float(label)))
        except ValueError as error:
            raise BenchmarkUnreadable(
                f"{path}, line {number}: text_a, text_b and a number are needed, separated by tabs"
            ) from error
    if len({pair.label >= 1 for pair in pairs}) < 2:
        raise BenchmarkUnreadable(f"{path} needs pairs of label 1 or more and pairs below it")
    return pairs


def write_pairs(path: Path, pairs: Iterable[JudgedPair]) -> None:
    """Write judged pairs so that `read_pairs` reads them; tabs and line ends inside a text become spaces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lines(path, (f"{_one_line(p.left)}\t{_one_line(p.right)}\t{p.label:g}" for p in pairs))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)


def _existing(path: Path) -> Path:
    for candidate in (path, path.with_name(path.name + ".gz")):
        if candidate.is_file():
            return candidate
    raise BenchmarkUnreadable(f"{path} is missing (nor is there a {path.name}.gz)")


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a plain or gzipped UTF-8 file; only a line feed ends a line, as in JSON Lines."""
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="\n")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="\n") as file
        ):
            for line in file:
                if text := line.rstrip("\r\n"):
                    yield text
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise BenchmarkUnreadable(f"{path} cannot be read: {error}") from error


def _objects(path: Path) -> Iterator[tuple[str, dict]]:
    path = _existing(path)
    for number, line in enumerate(_lines(path), start=1):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BenchmarkUnreadable(f"{where}: {error}") from error
        if not isinstance(row, dict):
            raise BenchmarkUnreadable(f"{where}: a JSON object is needed")
        yield where, row


def _field(where: str, row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str | int):
        raise BenchmarkUnreadable(f"{where}: {name} is missing or no text")
    return str(value)
