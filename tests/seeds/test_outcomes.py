import gzip
import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from django.core.management import CommandError, call_command

from matching.ranking.facts import ListingFacts
from matching.ranking.outcomes import read_outcomes
from matching.retrieval.eligibility import why_not
from seeds.outcomes import COEFFICIENTS, draw_grade, draw_outcomes, terms, utility

TODAY = date(2026, 3, 2)
SUPPLY = ListingFacts(
    id=1, organisation=1, side="supply", text="304 不锈钢法兰球阀 DN50", category="valve.ball", family="valve",
    attributes={"DN": 50, "seat": "ptfe"}, properties={"DN": {"match": "equal"}, "seat": {"match": "soft"}},
    quantity=250, unit="piece", price_min=90, price_unit="piece", region="331083", lead_days=10,
    on_time_rate=0.98, deliveries=40,
)  # fmt: skip
DEMAND = ListingFacts(
    id=2, organisation=2, side="demand", text="304 不锈钢法兰球阀 DN50", category="valve.ball", family="valve",
    attributes={"DN": 50, "seat": "peek"}, properties={"DN": {"match": "equal"}, "seat": {"match": "soft"}},
    quantity=1000, unit="piece", price_max=100, price_unit="piece", region="331083",
    window_end=TODAY + timedelta(days=10),
)  # fmt: skip


def test_terms_are_what_the_docstring_says():
    found = terms(SUPPLY, DEMAND, TODAY)

    assert found["category"] == 1
    assert found["attributes"] == pytest.approx(1 / 1.5)  # the seat only ranks, so it counts half
    assert found["text"] == 1
    assert found["price"] == pytest.approx(0.1)
    assert found["quantity"] == pytest.approx(0.5)
    assert found["nearness"] == 1
    assert found["punctuality"] == 0.5
    assert found["record"] == pytest.approx(0.08)


def test_utility_is_the_weighted_sum_of_its_terms():
    expected = sum(COEFFICIENTS[name] * value for name, value in terms(SUPPLY, DEMAND, TODAY).items())

    assert utility(SUPPLY, DEMAND, TODAY) == pytest.approx(expected)


@pytest.mark.parametrize(
    "worse",
    [
        {"category": "valve.gate"},
        {"attributes": {"DN": 65}},
        {"text": "闸阀"},
        {"price_min": 99},
        {"quantity": 10},
        {"region": "500112"},
        {"lead_days": 40},
        {"on_time_rate": 0.7},
    ],
    ids=str,
)
def test_utility_falls_with_each_thing_that_fits_less(worse):
    assert utility(replace(SUPPLY, **worse), DEMAND, TODAY) < utility(SUPPLY, DEMAND, TODAY)


def test_grades_rise_with_the_utility():
    def mean(supply):
        return sum(draw_grade(supply, DEMAND, Random(number), TODAY) for number in range(200)) / 200

    assert mean(replace(SUPPLY, region="500112", price_min=99)) < mean(SUPPLY) < mean(replace(SUPPLY, price_min=60))


def test_outcomes_are_of_pairs_that_the_hard_rules_allow(tmp_path):
    call_command("simulate_outcomes", out=tmp_path / "outcomes.jsonl", pairs=150, verbosity=0)

    _model, outcomes = read_outcomes(tmp_path / "outcomes.jsonl")

    assert sum(len(outcome.candidates) for outcome in outcomes) == 150
    for outcome in outcomes:
        for candidate in outcome.candidates:
            pair = (outcome.query, candidate) if outcome.query.side == "supply" else (candidate, outcome.query)
            assert why_not(*pair, outcome.day) == []


def test_outcomes_are_the_same_for_the_same_seed_and_others_for_another():
    once, twice, other = (list(draw_outcomes(30, random_state=state, today=TODAY)) for state in (0, 0, 1))

    assert once == twice
    assert once != other


def test_outcomes_have_all_grades():
    grades = Counter(
        candidate["grade"] for outcome in draw_outcomes(700, today=TODAY) for candidate in outcome["candidates"]
    )

    assert set(grades) == {0, 1, 2, 3, 4}
    assert 0.3 < grades[0] / grades.total() < 0.7


def test_simulate_outcomes_writes_its_model_first_and_packs_gz(tmp_path):
    call_command("simulate_outcomes", out=tmp_path / "outcomes.jsonl.gz", pairs=20, verbosity=0)

    with gzip.open(tmp_path / "outcomes.jsonl.gz", "rt", encoding="utf-8") as file:
        header = json.loads(next(file))
    assert header["model"]["coefficients"] == COEFFICIENTS


def test_simulate_outcomes_says_what_is_wrong(tmp_path):
    with pytest.raises(CommandError, match="at least 1"):
        call_command("simulate_outcomes", out=tmp_path / "outcomes.jsonl", pairs=0)
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("simulate_outcomes", out=tmp_path / "no folder" / "outcomes.jsonl", pairs=10)
