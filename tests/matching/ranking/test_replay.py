import numpy as np

from matching.ranking.replay import compare_orders, summary_of


def test_compare_orders_counts_what_both_show_first():
    found = compare_orders([1, 2, 3, 4], np.array([4, 3, 2, 1]), np.array([1, 2, 3, 4]), np.zeros(4, dtype=int), top=2)

    assert found.overlap == 0.0
    assert [(place.id, place.model, place.against) for place in found.places] == [
        (1, 1, 4),
        (2, 2, 3),
        (3, 3, 2),
        (4, 4, 1),
    ]
    assert found.moved == 2.0
    assert (found.model, found.against) == (None, None)


def test_compare_orders_breaks_ties_by_id():
    found = compare_orders([9, 5], np.zeros(2), np.zeros(2), np.array([0, 3]))

    assert [place.id for place in found.places] == [5, 9]
    assert (found.overlap, found.model, found.against) == (1.0, 1.0, 1.0)


def test_summary_of_judges_only_lists_of_which_something_came():
    ids, better, worse = [1, 2], np.array([2, 1]), np.array([1, 2])
    lists = [
        compare_orders(ids, better, worse, np.array([4, 0])),
        compare_orders(ids, better, worse, np.array([0, 0])),
    ]

    told = summary_of(lists)

    assert (told["lists"], told["judged"], told["other_first"], told["overlap"]) == (2, 1, 2, 1.0)
    assert round(told["difference"], 3) == round(1 - 1 / np.log2(3), 3)


def test_summary_of_nothing_says_so():
    assert summary_of([]) == {"lists": 0, "overlap": None, "moved": None, "other_first": 0, "judged": 0}
