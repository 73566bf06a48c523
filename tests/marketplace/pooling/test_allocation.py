import datetime as dt
import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.pooling.allocation import EQUAL, FIRST_COME, PRO_RATA, RULES, SMALLEST_FIRST, Want, allocate
from marketplace.pooling.proportion import in_proportion

MONDAY = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
CASES = settings(max_examples=200, deadline=None)
STEPS = st.sampled_from([Decimal("0.001"), Decimal("0.5"), Decimal(1), Decimal(25)])


@st.composite
def shortages(draw):
    """Draw members who want whole steps, and what is available, which may be more than they want."""
    step = draw(STEPS)
    counts = draw(st.lists(st.integers(0, 3000), min_size=1, max_size=12))
    hours = draw(st.lists(st.integers(0, 5), min_size=len(counts), max_size=len(counts)))
    wants = [
        Want(number, count * step, MONDAY + dt.timedelta(hours=hour))
        for number, (count, hour) in enumerate(zip(counts, hours, strict=True), start=1)
    ]
    available = draw(st.integers(0, sum(counts) + 50)) * step
    return wants, available, draw(st.sampled_from(RULES)), step


@CASES
@given(shortages())
def test_allocation_gives_out_all_that_is_there_and_no_more(shortage):
    wants, available, rule, step = shortage

    parts = allocate(wants, available, rule, step)

    assert sum(parts.values()) == min(available, sum(want.quantity for want in wants))
    assert all(0 <= parts[want.id] <= want.quantity for want in wants)
    assert all(part % step == 0 for part in parts.values())


@CASES
@given(shortages(), st.randoms(use_true_random=False))
def test_allocation_does_not_depend_on_the_order_of_members(shortage, random):
    wants, available, rule, step = shortage
    shuffled = list(wants)
    random.shuffle(shuffled)

    assert allocate(shuffled, available, rule, step) == allocate(wants, available, rule, step)


@CASES
@given(shortages(), st.integers(1, 200))
def test_allocation_gives_nobody_less_when_there_is_more(shortage, more):
    wants, available, rule, step = shortage

    fewer = allocate(wants, available, rule, step)
    parts = allocate(wants, available + more * step, rule, step)

    assert all(parts[member] >= fewer[member] for member in parts)


@CASES
@given(shortages())
def test_allocation_in_proportion_gives_nobody_more_than_somebody_who_wants_more(shortage):
    wants, available, _rule, step = shortage

    parts = allocate(wants, available, PRO_RATA, step)

    by_size = sorted(wants, key=lambda want: want.quantity)
    for smaller, larger in itertools.pairwise(by_size):
        if smaller.quantity < larger.quantity:
            assert parts[smaller.id] <= parts[larger.id]


@CASES
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12), st.data())
def test_proportion_is_one_divisor_and_rounding(weights, data):
    total = data.draw(st.integers(0, sum(weights)))

    parts = in_proportion(weights, total)

    # A divisor exists that rounds each weight to its part: no part's lower bound lies above another's upper bound.
    most = [Fraction(2 * weight, 2 * part - 1) for weight, part in zip(weights, parts, strict=True) if part]
    least = [Fraction(2 * weight, 2 * part + 1) for weight, part in zip(weights, parts, strict=True)]
    assert sum(parts) == total
    assert not most or max(least) <= min(most)


def wants(*quantities):
    """Return members 1, 2, … who committed an hour apart, the last first."""
    return [
        Want(number, Decimal(quantity), MONDAY - dt.timedelta(hours=number))
        for number, quantity in enumerate(quantities, start=1)
    ]


@pytest.mark.parametrize(
    ("rule", "quantities", "parts"),
    [
        (PRO_RATA, (30, 20, 10), ["25.000", "16.667", "8.333"]),
        (FIRST_COME, (30, 20, 30), ["0.000", "20.000", "30.000"]),
        (EQUAL, (30, 30, 30), ["16.666", "16.667", "16.667"]),
        (EQUAL, (30, 30, 4), ["23.000", "23.000", "4.000"]),
        (SMALLEST_FIRST, (30, 20, 10), ["20.000", "20.000", "10.000"]),
    ],
)
def test_allocation_by_hand(rule, quantities, parts):
    found = allocate(wants(*quantities), Decimal(50), rule, Decimal("0.001"))

    assert [str(part) for part in found.values()] == parts


def test_allocation_of_enough_gives_all_they_want():
    assert list(allocate(wants(3, 4), Decimal(100), PRO_RATA, Decimal(1)).values()) == [3, 4]


def test_allocation_leaves_what_is_less_than_a_step():
    assert list(allocate(wants(3, 4), Decimal("5.9"), EQUAL, Decimal(1)).values()) == [2, 3]


def test_allocation_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="loudest_first"):
        allocate(wants(1), Decimal(1), "loudest_first", Decimal(1))
    with pytest.raises(ValueError, match="0"):
        allocate(wants(1), Decimal(1), PRO_RATA, Decimal(0))
