from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.calendars.intervals import clip, covers, merge, overlaps, subtract

# On a busy machine the first draws are slow.
CASES = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple), max_size=8)


def moments(spans) -> set[int]:
    return {moment for start, end in spans for moment in range(start, end)}


@CASES
@given(SPANS, st.randoms())
def test_merge_keeps_the_moments_whatever_the_order(spans, random):
    merged = merge(spans)
    shuffled = spans[:]
    random.shuffle(shuffled)

    assert moments(merged) == moments(spans)
    assert merge(shuffled) == merged
    assert all(one[1] < other[0] for one, other in pairwise(merged))


@CASES
@given(SPANS, SPANS)
def test_subtract_leaves_exactly_what_was_not_taken(spans, taken):
    assert moments(subtract(spans, taken)) == moments(spans) - moments(taken)


@CASES
@given(SPANS, st.integers(0, 30), st.integers(0, 30))
def test_clip_keeps_what_lies_between(spans, start, end):
    assert moments(clip(spans, start, end)) == moments(spans) & set(range(start, end))


@CASES
@given(SPANS, st.integers(0, 29), st.integers(1, 5))
def test_covers_says_whether_every_moment_is_there(spans, start, length):
    assert covers(spans, (start, start + length)) == (set(range(start, start + length)) <= moments(spans))


def test_overlaps_lets_neighbours_touch():
    assert not overlaps((1, 3), (3, 4))
    assert overlaps((1, 4), (3, 4))
