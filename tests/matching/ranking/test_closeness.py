import pytest

from matching.ranking.closeness import closeness


@pytest.mark.parametrize(
    ("offered", "wanted", "rule", "expected"),
    [
        (9, 8, "at_least", "met"),
        (7.2, 8, "at_least", "nearly"),
        (7.1, 8, "at_least", "not"),
        (22, 20, "rather_less", "nearly"),
        (23, 20, "rather_less", "not"),
        (22, 20, "soft", "nearly"),
        ("a", "b", "equal", "not"),
        (21, 20, "equal", "not"),
        (None, 20, "soft", "unknown"),
        (20, None, "soft", ""),
        (True, True, "soft", "met"),
        (False, True, "soft", "not"),
    ],
)
def test_closeness_says_how_near_a_value_comes(offered, wanted, rule, expected):
    assert closeness(offered, wanted, rule) == expected
