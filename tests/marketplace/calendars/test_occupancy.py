from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.calendars.occupancy import levels, peak, too_full

# On a busy machine the first draws are slow.
CASES = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LOADS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 8), st.integers(1, 9)).map(
        lambda p: (p[0], p[0] + p[1], Decimal(p[2]))
    ),
    max_size=8,
)


def taken(loads, moment) -> Decimal:
    return sum((amount for start, end, amount in loads if start <= moment < end), Decimal(0))


@CASES
@given(LOADS, st.randoms())
def test_levels_say_how_much_is_taken_at_every_moment(loads, random):
    shuffled = loads[:]
    random.shuffle(shuffled)

    assert levels(shuffled) == levels(loads)
    for moment in range(30):
        assert taken(levels(loads), moment) == taken(loads, moment)


@CASES
@given(LOADS, st.integers(0, 20), st.integers(1, 10))
def test_peak_is_the_most_of_any_moment(loads, start, length):
    moments = range(start, start + length)

    assert peak(loads, (start, start + length)) == max(taken(loads, moment) for moment in moments)


@CASES
@given(LOADS, st.integers(1, 20), st.integers(1, 9))
def test_too_full_is_where_the_amount_does_not_fit(loads, capacity, amount):
    full = too_full(loads, capacity=Decimal(capacity), amount=Decimal(amount))

    for moment in range(30):
        is_full = any(start <= moment < end for start, end in full)
        # Untaken time is never full: more than there is at all is refused before.
        assert is_full == (taken(loads, moment) > 0 and taken(loads, moment) + amount > capacity)
