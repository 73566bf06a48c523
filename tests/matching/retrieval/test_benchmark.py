import gzip
import json

import pytest

from matching.retrieval.benchmark import (
    Benchmark,
    BenchmarkUnreadable,
    read_benchmark,
    read_pairs,
    write_benchmark,
    write_pairs,
)
from matching.retrieval.sources import JudgedPair

BENCHMARK = Benchmark({"a": "球阀 DN50", "b": "pump"}, {"q": "阀门"}, {"q": {"a": 1.0}})


def test_read_benchmark_gives_back_what_was_written(tmp_path):
    write_benchmark(tmp_path, {"test": BENCHMARK})

    assert read_benchmark(tmp_path) == BENCHMARK


def test_read_benchmark_reads_gzip_and_joins_title_and_text(tmp_path):
    write_benchmark(tmp_path, {"test": BENCHMARK})
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"_id": "a", "title": "球阀", "text": "DN50"}) + "\n")
    (tmp_path / "corpus.jsonl").unlink()

    assert read_benchmark(tmp_path).corpus == {"a": "球阀 DN50"}


def test_read_benchmark_leaves_out_a_query_that_is_its_only_answer(tmp_path):
    write_benchmark(
        tmp_path, {"test": Benchmark({"a": "x", "b": "y"}, {"a": "x", "b": "y"}, {"a": {"a": 1.0}, "b": {"a": 1.0}})}
    )

    assert read_benchmark(tmp_path).relevant == {"b": {"a": 1.0}}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": "a"}\n', "corpus.jsonl, line 1: text is missing"),
        ("corpus.jsonl", '{"_id": "a", "text": "x"}\n{no json\n', "corpus.jsonl, line 2"),
        ("corpus.jsonl", "[]\n", "corpus.jsonl, line 1: a JSON object is needed"),
        ("queries.jsonl", '{"text": "x"}\n', "queries.jsonl, line 1: _id is missing"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq a 1\n", "test.tsv, line 2"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nz\ta\t1\n", "line 2: no query has the id 'z'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\tz\t1\n", "line 2: no document has the id 'z'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n", "names no relevant document"),
    ],
)
def test_read_benchmark_names_file_and_line_of_a_fault(tmp_path, name, content, message):
    write_benchmark(tmp_path, {"test": BENCHMARK})
    (tmp_path / name).write_text(content, encoding="utf-8")

    with pytest.raises(BenchmarkUnreadable, match=message.replace(".", r"\.")):
        read_benchmark(tmp_path)


def test_read_benchmark_names_a_missing_file(tmp_path):
    with pytest.raises(BenchmarkUnreadable, match=r"corpus\.jsonl is missing"):
        read_benchmark(tmp_path)


def test_read_pairs_gives_back_what_was_written_but_for_line_ends(tmp_path):
    write_pairs(tmp_path / "pairs.tsv", [JudgedPair("a\tb", "c\nd", 2.0), JudgedPair("x", "y", 0.0)])

    assert read_pairs(tmp_path / "pairs.tsv") == [JudgedPair("a b", "c d", 2.0), JudgedPair("x", "y", 0.0)]


@pytest.mark.parametrize("line", ["a\tb", "a\tb\tgood", "a\tb\t1\t2"])
def test_read_pairs_names_the_line_of_a_fault(tmp_path, line):
    (tmp_path / "pairs.tsv").write_text(f"a\tb\t1\n{line}\n", encoding="utf-8")

    with pytest.raises(BenchmarkUnreadable, match=r"pairs\.tsv, line 2"):
        read_pairs(tmp_path / "pairs.tsv")


def test_read_pairs_needs_both_kinds(tmp_path):
    write_pairs(tmp_path / "pairs.tsv", [JudgedPair("a", "b", 1.0)])

    with pytest.raises(BenchmarkUnreadable, match="below it"):
        read_pairs(tmp_path / "pairs.tsv")
