from dataclasses import replace

import pytest

from matching.ranking.agreement import attribute_agreements, bounds, meets
from tests.matching.ranking.facts import DEMAND, SUPPLY


@pytest.mark.parametrize(
    ("offered", "wanted", "rule", "is_met"),
    [
        (50, 50.0, "equal", True),
        (50, 65, "equal", False),
        ("SS304", "ss304", "equal", True),
        (["ss304", "ss316l"], "ss316l", "equal", True),
        (25, 16, "at_least", True),
        (10, 16, "at_least", False),
        (3, 5, "at_most", True),
        ({"min": 10, "max": 20}, {"min": 20}, "overlap", True),
        ([10, 20], 21, "overlap", False),
        ({"max": 40}, 30, "equal", True),
        (True, True, "equal", True),
    ],
)
def test_meets_follows_the_rule_of_the_attribute(offered, wanted, rule, is_met):
    assert meets(offered, wanted, rule) is is_met


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, (5.0, 5.0)), ([1, 2], (1.0, 2.0)), ({"min": 1}, (1.0, float("inf"))), ("ss304", None), (True, None)],
)
def test_bounds_are_the_ends_of_a_number_or_range(value, expected):
    assert bounds(value) == expected


def test_attribute_agreements_cover_what_the_demand_states_and_only_that():
    supply = replace(SUPPLY, attributes={"DN": 50, "material": "wcb", "colour": "red"})

    agreements = attribute_agreements(supply, DEMAND)

    assert [(agreement.attribute, agreement.is_met) for agreement in agreements] == [
        ("DN", True),
        ("PN", None),
        ("material", False),
    ]
