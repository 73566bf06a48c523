import datetime as dt

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.calendars.intervals import covers, merge, overlaps
from marketplace.calendars.slots import free_slots, free_stays, is_on_grid, slots

# On a busy machine the first draws are slow.
CASES = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NINE = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAYS = [(NINE + n * 24 * HOUR, NINE + (n * 24 + 8) * HOUR) for n in range(4)]
BUSY = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 6)).map(lambda p: (NINE + p[0] * HOUR, NINE + sum(p) * HOUR)),
    max_size=8,
)


def test_slots_leave_a_rest_that_is_too_short():
    assert len(list(slots([(NINE, NINE + 2.5 * HOUR)], 60))) == 2


@CASES
@given(BUSY, st.integers(1, 4))
def test_free_slots_are_all_that_fit_and_nothing_else(busy, hours):
    found = list(free_slots(DAYS, busy, 60, hours * HOUR))
    possible = [(start, start + hours * HOUR) for start, _end in slots(DAYS, 60)]
    fitting = [span for span in possible if covers(DAYS, span) and not any(overlaps(span, one) for one in merge(busy))]

    assert found == fitting
    assert all(is_on_grid(DAYS, span, 60) for span in found)


@CASES
@given(BUSY, st.integers(1, 60))
def test_free_stays_begin_and_end_at_open_doors_and_meet_nobody(busy, hours):
    for start, end in free_stays(DAYS, busy, 60, hours * HOUR):
        assert end - start >= hours * HOUR
        assert all(any(one <= moment <= other for one, other in DAYS) for moment in (start, end))
        assert not any(overlaps((start, end), one) for one in merge(busy))


def test_free_slots_run_on_over_midnight():
    midnight = NINE + 15 * HOUR
    around_the_clock = [(midnight - 24 * HOUR, midnight), (midnight, midnight + 24 * HOUR)]

    assert (midnight - HOUR, midnight + HOUR) in list(free_slots(around_the_clock, [], 60, 2 * HOUR))


def test_is_on_grid_refuses_crooked_and_shut_times():
    assert is_on_grid(DAYS, (NINE, NINE + 3 * HOUR), 60)
    assert not is_on_grid(DAYS, (NINE + HOUR / 3, NINE + 3 * HOUR), 60)
    assert not is_on_grid(DAYS, (NINE + 7 * HOUR, NINE + 9 * HOUR), 60)
    assert not is_on_grid(DAYS, (NINE, NINE + 25 * HOUR), 60)
