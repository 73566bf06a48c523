import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matching.retrieval.ordering import best_slots


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=30), st.integers(0, 35), st.randoms())
def test_best_slots_is_the_full_sort_cut_off(scores, k, random):
    ids = list(range(len(scores)))
    random.shuffle(ids)

    found = best_slots(np.array(scores), np.array(ids), k)

    assert found.tolist() == sorted(range(len(scores)), key=lambda place: (-scores[place], ids[place]))[:k]


def test_best_slots_never_returns_what_is_out_of_reach():
    assert best_slots(np.array([-np.inf, 0.1]), np.array([1, 2]), 5).tolist() == [1]
