import numpy as np
import pytest

from matching.retrieval.slots import Slots, fit


def test_slots_keep_their_place_when_replaced_and_after_a_removal():
    slots = Slots([30, 10])

    slots.free([30])
    slots.place([20, 30])

    assert slots.ids.tolist() == [30, 10, 20]
    assert slots.find([30, 10, 20, 99]).tolist() == [0, 1, 2, -1]


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
