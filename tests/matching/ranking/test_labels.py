from datetime import date, timedelta

import pytest

from matching.ranking.labels import HORIZON, Act, label_of, teaches_places
from matching.ranking.propensity import power_law

DAY = date(2026, 3, 2)
CURVE = power_law(1.0)


def label(*acts, side="demand", position=2, day=DAY):
    return label_of(
        [Act(DAY + timedelta(days=after), *act) for after, *act in acts],
        side=side,
        day=day,
        position=position,
        curve=CURVE,
    )


@pytest.mark.parametrize(
    ("acts", "grade"),
    [
        ([], 0),
        ([(0, "demand", "opened")], 1),
        ([(0, "supply", "opened")], 0),
        ([(0, "demand", "opened"), (2, "demand", "contacted")], 2),
        ([(0, "demand", "contacted"), (1, "supply", "quoted")], 2),
        ([(0, "supply", "contacted")], 0),
        ([(0, "demand", "contacted"), (1, "supply", "quoted"), (2, "demand", "accepted")], 3),
        ([(2, "demand", "accepted"), (60, "supply", "delivered")], 4),
        ([(2, "demand", "accepted"), (60, "supply", "delivered"), (61, "demand", "disputed")], 3),
        ([(2, "demand", "accepted"), (60, "supply", "delivered_late")], 3),
        ([(HORIZON.days + 1, "demand", "contacted")], 0),
    ],
)
def test_grade_says_how_far_a_side_went(acts, grade):
    assert label(*acts).grade == grade


def test_label_of_who_was_asked_first_owes_nothing_to_its_place():
    said = label((1, "supply", "contacted"), (2, "demand", "quoted"))

    assert (said.grade, said.asked, said.weight) == (2, True, 1.0)


def test_label_of_who_acted_first_weighs_what_the_place_hides():
    said = label((0, "demand", "contacted"), (1, "supply", "quoted"))

    assert (said.asked, said.acted, said.weight) == (False, True, 2.0)


def test_label_of_nothing_weighs_one():
    assert label(position=40).weight == 1.0


def test_label_of_who_were_in_touch_before_says_nothing_of_places():
    said = label((0, "demand", "contacted"), (3, "demand", "accepted"), day=DAY + timedelta(days=2))

    assert (said.settled, said.grade, said.weight, said.acted) == (True, 3, 1.0, False)


def test_fulfilled_is_open_until_something_was_delivered():
    assert label((1, "demand", "accepted")).fulfilled is None
    assert label((1, "demand", "accepted"), (9, "supply", "delivered_short")).fulfilled is False
    assert label((1, "demand", "accepted"), (9, "supply", "delivered")).fulfilled is True


def test_only_matches_that_were_at_most_opened_teach_places():
    assert teaches_places([Act(DAY, "demand", "opened")])
    assert not teaches_places([Act(DAY, "demand", "opened"), Act(DAY, "supply", "contacted")])
