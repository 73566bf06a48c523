from dataclasses import replace

import numpy as np

from matching.ranking.features import FEATURES
from matching.ranking.slices import grades_by_firm, language_of, slices_of
from tests.matching.ranking.facts import DEMAND


def test_slices_of_says_industry_and_language():
    english = replace(DEMAND, text="304 stainless steel flanged ball valve DN50 PN16, 500 pieces\n球阀")

    assert slices_of(DEMAND) == {"industry": "valve", "language": "zh"}
    assert slices_of(english) == {"industry": "valve", "language": "en"}


def test_slices_of_leaves_out_what_is_not_known():
    assert slices_of(replace(DEMAND, family="", category="", text="304")) == {}
    assert language_of("球阀 ball valve") == "both"


def test_grades_by_firm_keep_only_what_suppliers_of_a_kind_earned():
    features = np.full((3, len(FEATURES)), np.nan)
    features[:, FEATURES.index("deliveries")] = [np.nan, np.log1p(4), np.log1p(30)]

    found = dict(grades_by_firm(features, np.array([2, 0, 3])))

    assert found["new"].tolist() == [2, 0, 0]
    assert found["known"].tolist() == [0, 0, 3]


def test_grades_by_firm_leave_out_a_kind_of_which_nothing_came():
    features = np.full((1, len(FEATURES)), np.nan)

    assert [part for part, _ in grades_by_firm(features, np.array([1]))] == ["new"]
