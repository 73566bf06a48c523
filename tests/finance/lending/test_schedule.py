import random
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from finance.lending.schedule import METHODS, due_dates, schedule, schedule_on
from tests.finance.lending.oracle import reckon

LOANS = 1000


def loans(count: int, seed: int = 20260302):
    draw = random.Random(seed)
    for _ in range(count):
        principal = Decimal(draw.choice([draw.randint(1, 10**4), draw.randint(10**4, 10**11)])) / 100
        start = date(2024, 1, 1) + timedelta(days=draw.randint(0, 1500))
        yield principal, draw.randint(0, 2400), start, draw.randint(1, 400), draw.choice(METHODS)


def test_schedule_equals_an_independent_oracle_to_the_fen_on_1000_random_loans():
    for loan in loans(LOANS):
        found = [(one.due_on, one.principal, one.interest) for one in schedule(*loan)]

        assert found == reckon(*loan), loan


def test_schedule_repays_exactly_what_was_lent():
    for principal, *rest in loans(200, seed=7):
        dues = schedule(principal, *rest)

        assert sum(one.principal for one in dues) == principal
        assert dues[-1].left == 0
        assert all(one.principal >= 0 and one.interest >= 0 for one in dues)
        assert all(one.due_on == two.starts_on for one, two in pairwise(dues))


def test_instalments_of_an_annuity_are_equal_but_for_the_last():
    dues = schedule(Decimal(1_000_000), 400, date(2026, 1, 15), 360, "annuity")

    [payment] = {one.total for one in dues[:-1]}
    assert payment == Decimal("85163.93")
    # At most half a fen of rounding in each of twelve periods.
    assert abs(dues[-1].total - payment) <= Decimal("0.06")


def test_due_dates_take_the_last_day_of_short_months():
    assert due_dates(date(2026, 1, 30), 120, "bullet")[:2] == [date(2026, 2, 28), date(2026, 3, 30)]


def test_schedule_of_nonsense_is_refused():
    start = date(2026, 1, 1)
    for principal, method in ((Decimal(0), "bullet"), (Decimal("0.001"), "bullet"), (Decimal(1), "weekly")):
        with pytest.raises(ValueError, match=r"principal|repayment"):
            schedule(principal, 400, start, 90, method)
    with pytest.raises(ValueError, match="due dates"):
        schedule_on(Decimal(1), 400, start, [start], "bullet")
