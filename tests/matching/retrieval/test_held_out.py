"""What the shipped model and fusion were published for, on names they were not trained on."""

import os
from pathlib import Path

import numpy as np
import pytest

from matching.retrieval.encoder import SHIPPED, load_encoder
from matching.retrieval.evaluation import Evaluation, pair_quality, score_pairs
from matching.retrieval.fusion import ScoreFusion
from matching.retrieval.metrics import auc, paired_difference, resampled_difference
from matching.retrieval.preparation import small_collection, substitutes, translations
from matching.retrieval.sources import SEED, read_goods, read_query_titles, split_pairs

DATA = os.environ.get("BENCH_DATA", "")
pytestmark = [
    pytest.mark.skipif(not DATA, reason="BENCH_DATA names no folder with the data to measure on"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(SHIPPED)


@pytest.fixture(scope="module")
def fusion():
    return ScoreFusion.load(SHIPPED.parent / "fusion.json")


@pytest.fixture(scope="module")
def goods():
    return read_goods(Path(DATA))


def by_fused(_query, texts, _keyword, _embedding, fused):
    assert len(texts) == len(fused)
    return fused


def test_fused_substitutes_beat_words_alone_and_tfidf_surely(encoder, fusion, goods):
    evaluation = Evaluation(substitutes(goods, "test", seed=SEED), encoder)
    quality = evaluation.measure(fusion, by_fused)
    fused = np.array(quality["fused"].per_query["mrr@10"])

    for theirs in (quality["keyword"], evaluation.tfidf()):
        _, low, _ = paired_difference(fused, np.array(theirs.per_query["mrr@10"]))
        assert low > 0

    assert fused.mean() > 0.59


def test_translations_are_found_among_three_thousand_names(encoder, goods):
    english = [item for item in goods if item.name_en]
    benchmark = translations(english, small_collection(english, seed=SEED), "test", seed=SEED)

    quality = Evaluation(benchmark, encoder).alone("embedding")

    assert np.mean(quality.per_query["mrr@10"]) > 0.62


def test_judged_queries_are_told_better_than_by_tfidf(encoder, fusion):
    pairs = split_pairs(read_query_titles(Path(DATA)), "test")
    scores = score_pairs(pairs, encoder, fusion, by_fused)
    relevant = np.array([pair.label >= 1 for pair in pairs])

    _, low, _ = resampled_difference(auc, relevant, scores["fused"], scores["tfidf"])

    assert low > 0
    assert pair_quality(pairs, scores["fused"])["auc"] > 0.75
