from hypothesis import given
from hypothesis import strategies as st

from finance.lending.pricing import price

RATES = st.integers(0, 3600)


def test_price_adds_the_grade_and_takes_off_the_guarantee():
    found = price(300, {"B": 120}, grade="B", discount_bp=40, is_guaranteed=True)

    assert (found.rate_bp, [line["feature"] for line in found.lines]) == (380, ["base", "grade", "guarantee"])


def test_price_without_a_guarantee_takes_nothing_off():
    assert price(300, {"B": 120}, grade="B", discount_bp=40).rate_bp == 420


def test_price_of_a_grade_that_is_not_lent_to_is_none():
    assert price(300, {"B": 120}, grade="") is None


@given(RATES, RATES, RATES, st.booleans())
def test_price_lines_add_up_and_never_fall_below_zero(base, spread, discount, is_guaranteed):
    found = price(base, {"A": spread}, grade="A", discount_bp=discount, is_guaranteed=is_guaranteed)

    assert found.rate_bp == sum(line["bp"] for line in found.lines) >= 0
