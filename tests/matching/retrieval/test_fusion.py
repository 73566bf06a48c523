import numpy as np
import pytest

from matching.retrieval.fusion import JudgedCandidates, ScoredPairs, ScoreFusion, reciprocal_rank_fusion


def judged(keyword, embedding, grades):
    ids = np.arange(len(grades))
    return JudgedCandidates(ids, np.array(keyword), np.array(embedding), np.array(grades), [g for g in grades if g])


def test_reciprocal_rank_fusion_adds_the_reciprocal_ranks():
    assert reciprocal_rank_fusion([[1, 2], [2, 1], [3]], k=1) == [1, 2, 3]


def test_fuse_weighs_both_legs():
    fused = ScoreFusion(weight=0.25, power=0.5).fuse(np.array([0.25, 1.0]), np.array([1.0, -1.0]))

    assert fused == pytest.approx([0.75 * 0.5 + 0.25, 0.75 - 0.25])


def test_fuse_gives_the_same_score_whatever_else_is_in_the_list():
    fusion, keyword, embedding = ScoreFusion(), np.array([0.1, 0.9, 0.4]), np.array([0.3, 0.2, 0.8])

    together = fusion.fuse(keyword, embedding)

    assert [fusion.fuse(keyword[n : n + 1], embedding[n : n + 1])[0] for n in range(3)] == together.tolist()


def test_fit_leans_on_the_leg_that_is_right():
    embedding_right = [judged([0.9, 0.1], [0.1, 0.9], [0, 1]), judged([0.8, 0.2], [0.3, 0.7], [0, 1])]

    fusion = ScoreFusion().fit(embedding_right)

    assert fusion.weight > 0.5
    assert fusion.quality_ == 1.0


def test_fit_counts_a_small_benchmark_as_much_as_a_large_one():
    embedding_right = judged([1.0, 0.0], [0.0, 1.0], [0, 1])
    keyword_right = judged([1.0, 0.0], [0.4, 0.5], [1, 0])

    fusion = ScoreFusion().fit([embedding_right] * 50, [keyword_right])

    assert fusion.quality_ == 1.0


def test_fit_listens_to_judged_pairs_too():
    indifferent = [judged([0.5, 0.5], [0.5, 0.5], [1, 0])]
    pairs = ScoredPairs(np.array([0.9, 0.1]), np.array([0.1, 0.9]), np.array([True, False]))

    right, wrong = ScoreFusion().fit(indifferent, pairs=[pairs]).fuse(pairs.keyword, pairs.embedding)

    assert right > wrong


def test_fit_is_the_same_for_every_order_of_the_queries():
    rng = np.random.default_rng(0)
    queries = [judged(rng.random(6), rng.random(6), rng.integers(0, 2, 6).tolist()) for _ in range(20)]

    forward, backward = ScoreFusion().fit(queries), ScoreFusion().fit(queries[::-1])

    assert (forward.weight, forward.power) == (backward.weight, backward.power)


def test_load_gives_back_what_was_saved(tmp_path):
    fusion = ScoreFusion(weight=0.3, power=0.75, origin="a test")

    fusion.save(tmp_path / "fusion.json")
    loaded = ScoreFusion.load(tmp_path / "fusion.json")

    assert vars(loaded) == vars(fusion)
    assert loaded.version == fusion.version != ScoreFusion().version
