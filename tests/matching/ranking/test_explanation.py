from dataclasses import replace

import numpy as np
import pytest

from matching.ranking import rank
from matching.ranking.explanation import value_label
from matching.ranking.features import FEATURES
from matching.ranking.ranker import Ranker
from tests.matching.ranking.facts import DEMAND, PROPERTIES, SUPPLY, TODAY


def ranker(random_state=0):
    """Return a ranker with random steps for every feature."""
    random = np.random.default_rng(random_state)
    return Ranker(
        base=33.3,
        slope=20,
        edges={name: np.sort(random.uniform(-1, 2, 3)) for name in FEATURES},
        points={name: random.normal(0, 5, 4) for name in FEATURES},
        unknown={name: random.normal() for name in FEATURES},
    )


def ranked(query, *candidates, random_state=0):
    many = np.linspace(0.2, 0.9, len(candidates))
    return rank(
        query, candidates, keyword=many * 7, embedding=many, fused=many, today=TODAY, ranker=ranker(random_state)
    )


VARIANTS = [
    SUPPLY,
    replace(SUPPLY, id=3, attributes={}, price_min=None, price_max=None),
    replace(SUPPLY, id=4, attributes={"DN": 65, "PN": 10, "material": "wcb"}, region=""),
    replace(SUPPLY, id=5, attributes={"DN": 50}, on_time_rate=None, lead_days=None, category="", quantity=None),
    replace(SUPPLY, id=6, text="", region="650100", price_min=200),
]


@pytest.mark.parametrize("random_state", range(20))
def test_reasons_sum_to_the_score(random_state):
    for match in ranked(DEMAND, *VARIANTS, random_state=random_state):
        assert sum(reason.points for reason in match.reasons) == pytest.approx(match.score, abs=1e-9)


def test_reasons_sum_to_the_score_when_the_demand_states_no_attributes():
    for match in ranked(replace(DEMAND, attributes={}), *VARIANTS):
        assert sum(reason.points for reason in match.reasons) == pytest.approx(match.score, abs=1e-9)


def test_reasons_tell_the_main_story():
    (match,) = ranked(DEMAND, SUPPLY)

    told = {reason.feature: (reason.zh, reason.en) for reason in match.reasons}
    assert told["attribute.material"] == ("材质符合：304 不锈钢", "Material fits: Stainless steel 304")
    assert told["attribute.DN"] == ("公称直径符合：50 mm", "Nominal diameter fits: 50 mm")
    assert told["price"] == ("价格合适：比需方上限低 10%", "Price fits: 10% below what the buyer would pay")
    assert told["on_time"] == ("准时交货 96%（95 次）", "Delivers on time 96% (95 deliveries)")
    assert told["distance"][0].startswith("相距")


def test_rank_puts_the_best_first_and_breaks_ties_by_id():
    twin = replace(SUPPLY, id=0)

    matches = rank(
        DEMAND,
        [SUPPLY, twin],
        keyword=np.array([5.0, 5.0]),
        embedding=np.array([0.5, 0.5]),
        fused=np.array([0.5, 0.5]),
        today=TODAY,
        ranker=ranker(),
    )

    assert [match.position for match in matches] == [1, 0]


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        ("ss304", "304 不锈钢", "Stainless steel 304"),
        (["ss304", "wcb"], "304 不锈钢、wcb", "Stainless steel 304 / wcb"),
        (True, "是", "yes"),
        (2.5, "2.5", "2.5"),
        ({"min": 1, "max": 2}, "1–2", "1–2"),
    ],
)
def test_value_label_speaks_the_readers_language(value, zh, en):
    assert (value_label(value, PROPERTIES["material"], "zh"), value_label(value, PROPERTIES["material"], "en")) == (
        zh,
        en,
    )
