import gzip
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from matching.retrieval.benchmark import Benchmark, write_benchmark, write_pairs
from matching.retrieval.sources import JudgedPair

METHODS = ["keyword", "embedding", "fused", "ranked"]
CORPUS = {
    "a": "不锈钢球阀",
    "b": "不锈钢闸阀",
    "c": "离心泵",
    "d": "龙井绿茶",
    "e": "stainless steel ball valve",
    "f": "green tea",
}


@pytest.fixture
def benchmark(tmp_path):
    queries = {"a": CORPUS["a"], "q": "绿茶"}
    relevant = {"a": {"b": 1.0, "e": 1.0}, "q": {"d": 2.0, "f": 1.0}}
    write_benchmark(tmp_path / "valves", {"test": Benchmark(CORPUS, queries, relevant)})
    return tmp_path / "valves"


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    good = [("球阀", "不锈钢球阀"), ("green tea", "龙井绿茶"), ("离心泵", "离心水泵")]
    bad = [("球阀", "龙井绿茶"), ("green tea", "ball valve"), ("离心泵", "印刷服务")]
    write_pairs(path, [JudgedPair(*texts, label) for texts, label in zip(good + bad, [1, 1, 2, 0, 0, 0], strict=True)])
    return path


def run(*arguments, **options):
    out = StringIO()
    call_command(*arguments, **options, stdout=out)
    return out.getvalue()


def test_evaluate_retrieval_writes_every_metric_of_exactly_the_four_methods(benchmark, tmp_path):
    printed = run("evaluate_retrieval", str(benchmark), json=tmp_path / "out.json")

    document = json.loads((tmp_path / "out.json").read_text())
    assert list(document) == METHODS
    for measured in document.values():
        assert list(measured) == ["ndcg@10", "mrr@10", "p@1", "recall@100", "ms_per_query"]
        assert measured["ms_per_query"] > 0
        for metric in ("ndcg@10", "mrr@10", "p@1", "recall@100"):
            assert 0 <= measured[metric]["low"] <= measured[metric]["value"] <= measured[metric]["high"] <= 1
    assert "6 documents, 2 queries" in printed
    assert "tfidf" in printed
    assert "fused - rrf" in printed


def test_evaluate_retrieval_never_returns_the_query_itself(tmp_path):
    corpus = {"a": "球阀", "b": "球阀", "c": "茶"}
    write_benchmark(tmp_path, {"test": Benchmark(corpus, {"a": "球阀"}, {"a": {"b": 1.0}})})

    run("evaluate_retrieval", str(tmp_path), json=tmp_path / "out.json")

    document = json.loads((tmp_path / "out.json").read_text())
    assert [document[method]["p@1"]["value"] for method in METHODS] == [1.0] * 4


def test_evaluate_retrieval_reads_gzip_and_gives_the_same_twice(benchmark, tmp_path):
    for path in [*benchmark.glob("*.jsonl"), benchmark / "qrels" / "test.tsv"]:
        (path.parent / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()

    found = []
    for name in ("one.json", "two.json"):
        run("evaluate_retrieval", str(benchmark), json=tmp_path / name)
        document = json.loads((tmp_path / name).read_text())
        found.append([{k: v for k, v in measured.items() if k != "ms_per_query"} for measured in document.values()])

    assert found[0] == found[1]


def test_evaluate_retrieval_writes_the_baseline_to_a_file_of_its_own(benchmark, tmp_path):
    run("evaluate_retrieval", str(benchmark), baseline=tmp_path / "baseline.json")

    assert list(json.loads((tmp_path / "baseline.json").read_text())) == ["tfidf", "rrf"]


@pytest.mark.parametrize("command", ["evaluate_retrieval", "evaluate_pairs"])
def test_evaluate_says_what_is_missing(command, tmp_path):
    with pytest.raises(CommandError, match="is missing"):
        run(command, str(tmp_path / "nowhere"))


def test_evaluate_retrieval_says_when_a_model_is_none(benchmark, tmp_path):
    with pytest.raises(CommandError, match=r"no modules\.json"):
        run("evaluate_retrieval", str(benchmark), model=tmp_path)


def test_evaluate_pairs_writes_auc_and_ap_of_exactly_the_four_methods(pairs, tmp_path):
    printed = run("evaluate_pairs", str(pairs), json=tmp_path / "out.json")

    document = json.loads((tmp_path / "out.json").read_text())
    assert list(document) == METHODS
    assert all(list(measured) == ["auc", "ap"] for measured in document.values())
    assert document["fused"]["auc"] == 1.0
    assert "6 pairs, 3 relevant" in printed


def test_evaluate_pairs_names_the_line_of_a_fault(tmp_path):
    (tmp_path / "pairs.tsv").write_text("a\tb\t1\nno tabs here\n")

    with pytest.raises(CommandError, match="line 2"):
        run("evaluate_pairs", str(tmp_path / "pairs.tsv"))


def test_prepare_benchmark_names_the_missing_file(tmp_path):
    with pytest.raises(CommandError, match=r"goods\.tsv is missing"):
        run("prepare_benchmark", str(tmp_path), str(tmp_path / "out"))


def test_train_embedding_names_the_missing_file(tmp_path):
    with pytest.raises(CommandError, match=r"goods\.tsv is missing"):
        run("train_embedding", str(tmp_path), out=tmp_path / "out")


def test_tune_fusion_says_what_is_missing_and_leaves_the_old_one(tmp_path):
    with pytest.raises(CommandError, match="is missing"):
        run("tune_fusion", str(tmp_path / "nowhere"), out=tmp_path / "fusion.json")

    assert not (tmp_path / "fusion.json").exists()
