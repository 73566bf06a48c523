import numpy as np
import pytest

from matching.retrieval.slots import Slots, fit


def test_slots_give_who_comes_again_a_new_row():
    slots = Slots([30, 10])

    slots.free([30])
    slots.place([20, 30, 10])

    assert slots.ids.tolist() == [30, 10, 20, 30, 10]
    assert slots.alive.tolist() == [False, False, True, True, True]
    assert slots.find([30, 10, 20, 99]).tolist() == [3, 4, 2, -1]


def test_slots_keep_the_last_of_an_id_that_comes_twice_at_once():
    slots = Slots([30])

    slots.place([20, 30, 20])

    assert slots.alive.tolist() == [False, False, True, True]
    assert slots.find([20, 30]).tolist() == [3, 2]


def test_slots_of_arrays_find_the_row_that_counts():
    slots = Slots([30, 10])
    slots.place([10, 30])
    slots.free([10])

    loaded = Slots.of_arrays(slots.arrays())

    assert loaded.find([30, 10]).tolist() == [3, -1]
    assert loaded.place([10]).tolist() == [4]
    assert loaded.find([30, 10]).tolist() == [3, 4]


def test_slots_do_not_find_what_was_removed():
    slots = Slots([30, 10])

    slots.free([30, 77])

    assert slots.find([30]).tolist() == [-1]
    assert (30 in slots, 10 in slots, len(slots)) == (False, True, 1)


def test_slots_grow_past_their_room():
    slots = Slots()

    slots.place(np.arange(1000))

    assert slots.find([999]).tolist() == [999]


def test_slots_refuse_an_id_given_twice():
    with pytest.raises(ValueError, match="twice"):
        Slots([1, 1])


def test_fit_cuts_a_filter_that_is_too_long():
    assert fit(np.array([True, False, True]), 2).tolist() == [True, False]
