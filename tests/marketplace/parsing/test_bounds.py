import pytest

from marketplace.parsing.bounds import respell_bounds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 到 20", "10-20"),
        ("10 tons", "10 tons"),
        ("2026-10-01至2026-12-31", "2026-10-01至2026-12-31"),
        ("大于等于 5", "≥5"),
        ("no more than 5", "≤5"),
        ("5 or less", "≤5"),
        ("30天以内", "30天以内"),
        ("不低于国标", "不低于国标"),
    ],
)
def test_respell_bounds_writes_them_one_way(text, expected):
    assert respell_bounds(text) == expected
