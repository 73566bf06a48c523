import datetime as dt
from dataclasses import replace

import numpy as np

from matching.ranking.features import FEATURES
from matching.ranking.promotion import JudgedGroup, judge, learn, leaves_texts_in_order, quality
from matching.ranking.verdict import Comparison, Verdict, refusals_of
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


def test_judge_refuses_a_gain_below_the_margin():
    verdict = judge(groups("outcomes", fused_is_noise=True), must_gain=["outcomes"], trees=40, margin=0.9)

    assert verdict.comparisons["outcomes"].low > 0
    assert verdict.refusal.endswith("does not reach +0.90.")
    assert "未达到" in verdict.refusals[0].zh


def test_judge_measures_each_part_of_the_market_and_new_firms_apart():
    groups_ = [
        replace(group, slices={"industry": "valve" if place % 2 else "pump"})
        for place, group in enumerate(groups("outcomes", fused_is_noise=True))
    ]

    verdict = judge(groups_, must_gain=["outcomes"], trees=20)

    assert sorted(verdict.slices) == ["firm", "industry"]
    assert {part: one.queries for part, one in verdict.slices["industry"].items()} == {"pump": 60, "valve": 60}


def test_judge_compares_with_the_ranker_in_use():
    good = groups("outcomes", fused_is_noise=True)
    in_use = learn(good, trees=40)

    verdict = judge(good, must_gain=["outcomes"], trees=1, leaves=2, serving=in_use)

    assert verdict.serving.difference < 0
    assert any(one.en.startswith("It loses to the ranker in use") for one in verdict.refusals)


def test_judge_asks_about_the_last_days_and_learns_from_those_before():
    first = dt.date(2026, 1, 1)
    dated = [
        replace(group, day=first + dt.timedelta(days=place % 10))
        for place, group in enumerate(groups("outcomes", fused_is_noise=True))
    ]

    verdict = judge(dated, must_gain=["outcomes"], trees=10)

    assert verdict.comparisons["outcomes"].queries == 24


def test_judge_refuses_a_ranker_of_texts_that_nobody_judged():
    verdict = judge(groups("outcomes", fused_is_noise=True), must_gain=["outcomes"], trees=20, names=FEATURES)

    assert "reorders plain texts" in verdict.refusal
    assert not leaves_texts_in_order(learn(groups("outcomes", fused_is_noise=True), trees=20, names=FEATURES))


def comparison(**changes):
    return replace(Comparison(queries=100, fused=0.5, ranked=0.6, difference=0.1, low=0.05, high=0.15), **changes)


def test_refusals_of_name_the_part_of_the_market_that_loses_for_certain():
    lost = comparison(difference=-0.1, low=-0.15, high=-0.05, ceiling=-0.01)
    verdict = Verdict(
        {"outcomes": comparison()},
        {"industry": {"pump": lost, "tea": replace(lost, queries=10), "valve": replace(lost, ceiling=0.01)}},
    )

    found = refusals_of(verdict, must_gain=["outcomes"])

    assert [one.en for one in found] == ["On industry pump it loses to the fusion (-0.1500 … -0.0500)."]
    assert "行业" in found[0].zh
