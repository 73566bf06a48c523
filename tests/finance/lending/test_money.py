from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from finance.lending.allocation import Owed, allocate
from finance.lending.classes import class_of
from finance.lending.cost import cost_of, yearly_cost
from finance.lending.interest import interest_for, penalty_for, to_fen
from finance.lending.schedule import METHODS, schedule
from finance.lending.sharing import share, share_in_tree

D = Decimal
fen = st.integers(min_value=0, max_value=10**12).map(lambda n: D(n) / 100)


@pytest.mark.parametrize("method", METHODS)
def test_yearly_cost_equals_what_a_root_finder_of_scipy_says(method):
    start = date(2026, 1, 15)
    dues = schedule(D(1_000_000), 435, start, 300, method)

    found = cost_of(D(1_000_000), start, dues, fees=D(5000))

    def worth(rate: float) -> float:
        paid = sum(float(one.total) / (1 + rate) ** ((one.due_on - start).days / 365) for one in dues)
        return 995_000 - paid

    assert found == pytest.approx(brentq(worth, -0.5, 5), abs=1e-9)


def test_yearly_cost_of_nothing_is_not_known():
    assert yearly_cost([]) is None
    assert yearly_cost([(date(2026, 1, 1), D(5)), (date(2026, 2, 1), D(5))]) is None


@given(fen, st.integers(0, 3600), st.integers(0, 3660))
def test_interest_is_never_half_a_fen_off(principal, rate_bp, days):
    exact = Fraction(principal) * rate_bp * days / (10_000 * 360)

    assert abs(Fraction(interest_for(principal, rate_bp, days)) - exact) <= Fraction(5, 1000)


@given(fen, st.integers(0, 3600), st.integers(0, 100), st.integers(0, 400), st.integers(0, 400))
def test_penalty_does_not_depend_on_the_days_on_which_it_was_reckoned(base, rate_bp, penalty, first, second):
    parts = penalty_for(base, rate_bp, penalty, first) + penalty_for(base, rate_bp, penalty, second)

    assert parts == penalty_for(base, rate_bp, penalty, first + second)


def test_to_fen_rounds_halves_up():
    assert [to_fen(Fraction(n, 1000)) for n in (4, 5, 14, 15)] == [D("0.00"), D("0.01"), D("0.01"), D("0.02")]


@given(fen, st.lists(st.tuples(fen, fen, fen), max_size=5))
def test_allocation_pays_penalty_before_interest_before_principal(amount, parts):
    owed = [Owed(place, *part) for place, part in enumerate(parts)]

    paid, left = allocate(amount, owed)

    assert sum(one.total for one in paid) + left == amount
    for was, got in zip(owed, paid, strict=True):
        assert all(D(0) <= getattr(got, name) <= getattr(was, name) for name in ("penalty", "interest", "principal"))
    short = [
        any(getattr(w, n) > getattr(g, n) for w, g in zip(owed, paid, strict=True)) for n in ("penalty", "interest")
    ]
    if short[0]:
        assert all(one.interest == 0 for one in paid)
    if short[0] or short[1]:
        assert all(one.principal == 0 for one in paid)
    assert left == 0 or paid == owed


@given(st.dictionaries(st.integers(1, 50), fen, max_size=8), fen)
def test_share_gives_all_there_is_and_nobody_more_than_wanted(wants, capacity):
    parts = share(wants, capacity)

    assert sum(parts.values()) == min(sum(wants.values()), capacity)
    total = sum(wants.values())
    for one, want in wants.items():
        assert parts[one] <= want
        if total > capacity:
            assert abs(parts[one] - want * capacity / total) < D("0.0100001")


@given(st.lists(fen, min_size=3, max_size=3), st.lists(fen, min_size=4, max_size=4))
def test_share_in_tree_never_takes_more_than_a_node_has(wanted, left):
    wants = dict(enumerate(wanted))
    paths = {0: [10, 11, 13], 1: [10, 11], 2: [10, 12]}
    available = dict(zip((10, 11, 12, 13), left, strict=True))

    parts = share_in_tree(wants, paths, available)

    for node, room in available.items():
        assert sum(part for one, part in parts.items() if node in paths[one]) <= room
    assert all(D(0) <= parts[one] <= want for one, want in wants.items())


def test_classes_begin_on_their_days():
    order = [class_of(days) for days in range(400)]

    assert [order.index(name) for name in ("special_mention", "substandard", "doubtful", "loss")] == [1, 91, 271, 361]
    assert len(set(order)) == 5
