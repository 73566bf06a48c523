import numpy as np

from matching.ranking.features import FEATURES
from matching.ranking.promotion import JudgedGroup, judge, quality
from tests.matching.ranking.test_learning import market


def groups(source, *, fused_is_noise, random_state=0, queries=120, candidates=20):
    """Return groups in which the fused score is either noise or says all that there is to say."""
    features, labels, _ = market(queries=queries, candidates=candidates, random_state=random_state)
    random = np.random.default_rng([7, random_state])
    fused = random.uniform(0, 1, len(labels)) if fused_is_noise else labels + random.uniform(0, 0.5, len(labels))
    features[:, FEATURES.index("fused")] = fused
    return [
        JudgedGroup(source, str(query % 30), features[rows], labels[rows])
        for query in range(queries)
        for rows in [slice(query * candidates, (query + 1) * candidates)]
    ]


def test_judge_promotes_what_beats_the_fusion_on_held_out_queries():
    verdict = judge(groups("outcomes", fused_is_noise=True), must_gain=["outcomes"], trees=40)

    assert verdict.is_promoted
    assert verdict.comparisons["outcomes"].low > 0
    assert verdict.comparisons["outcomes"].queries == 120


def test_judge_refuses_what_does_not_beat_the_fusion():
    verdict = judge(groups("outcomes", fused_is_noise=False), must_gain=["outcomes"], trees=40)

    assert not verdict.is_promoted
    assert "outcomes" in verdict.refusal


def test_judge_refuses_without_anything_to_measure_on():
    verdict = judge(groups("outcomes", fused_is_noise=True), must_gain=["outcomes", "substitutes"], trees=10)

    assert verdict.refusal == "There is nothing to measure it on: substitutes."


def test_judge_twice_says_the_same():
    first, second = (
        judge(groups("outcomes", fused_is_noise=True, queries=40), must_gain=[], trees=5).to_dict() for _ in range(2)
    )

    assert first == second


def test_judge_leaves_judged_texts_in_the_order_of_the_fusion():
    both = [group for source in ("outcomes", "substitutes") for group in groups(source, fused_is_noise=True)]
    for group in both:
        if group.source == "substitutes":
            group.features[:, FEATURES.index("category") :] = np.nan

    verdict = judge(both, must_gain=["outcomes"], trees=40)

    assert verdict.is_promoted
    assert verdict.comparisons["substitutes"].difference == 0.0


def test_judge_refuses_what_loses_on_a_source_it_need_not_gain_on():
    good = groups("outcomes", fused_is_noise=True)
    spoilt = groups("other", fused_is_noise=False, random_state=1)
    for group in spoilt:
        distance = group.features[:, FEATURES.index("distance")]
        distance[:] = group.grades * 300.0

    verdict = judge(good + spoilt, must_gain=["outcomes"], trees=40)

    assert verdict.refusal.startswith("On other it loses")


def test_quality_is_one_for_the_best_order_and_keeps_ties_in_place():
    assert quality(np.array([3.0, 2.0, 1.0]), np.array([2, 1, 0])) == 1.0
    assert quality(np.zeros(3), np.array([2, 1, 0])) == 1.0
