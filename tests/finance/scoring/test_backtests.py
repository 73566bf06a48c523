from datetime import date

import pytest

from finance.scoring.jeffreys import jeffreys_test, jeffreys_tests
from finance.scoring.migration import concentration_test, herfindahl, migration
from finance.scoring.overrides import Decided, override_table
from finance.scoring.vintages import Loan, vintages


def test_jeffreys_without_default_is_green_and_its_interval_begins_at_none():
    test = jeffreys_test("A", firms=50, defaults=0, mean_probability=0.01)

    assert (test.light, test.low) == ("green", 0.0)
    assert test.p_low > 0.5


def test_jeffreys_of_one_firm_is_worked_out_by_hand():
    # Beta(1.5, 0.5) at 0.5: 1/2 - 1/pi.
    test = jeffreys_test("C", firms=1, defaults=1, mean_probability=0.5)

    assert test.p_low == pytest.approx(0.5 - 1 / 3.14159265, abs=1e-6)


def test_jeffreys_turns_red_when_defaults_are_far_more_than_said():
    assert jeffreys_test("A", firms=200, defaults=12, mean_probability=0.02).light == "red"


@pytest.mark.parametrize(("firms", "defaults", "probability"), [(0, 0, 0.1), (3, 4, 0.1), (3, 1, 1.5)])
def test_jeffreys_of_what_cannot_be_is_refused(firms, defaults, probability):
    with pytest.raises(ValueError, match="Grade A"):
        jeffreys_test("A", firms=firms, defaults=defaults, mean_probability=probability)


def test_jeffreys_per_grade_ends_with_all():
    tests = jeffreys_tests(["B", "A", "A", "B"], [0.2, 0.01, 0.03, 0.3], [True, False, False, False])

    assert [(test.grade, test.firms, test.defaults) for test in tests] == [("A", 2, 0), ("B", 2, 1), ("", 4, 1)]


def test_migration_weighs_how_far_firms_went():
    found = migration(["A", "A", "B", "C"], ["B", "C", "A", "C"], grades=["A", "B", "C"])

    # Two of A went 1 and 2 of 2 possible steps down; one of B went the 1 of 1 step up.
    assert (found.worse, found.better, found.stayed) == (0.75, 1.0, 0.25)


def test_migration_to_an_unknown_grade_is_refused():
    with pytest.raises(ValueError, match="Unknown grade: Z"):
        migration(["A"], ["Z"], grades=["A"])


def test_herfindahl_grows_as_firms_bunch():
    assert herfindahl([10, 10, 10]) < herfindahl([20, 5, 5]) < herfindahl([30, 0, 0])


def test_concentration_that_grew_much_is_hardly_chance():
    assert concentration_test([25, 25, 25, 25], [70, 10, 10, 10])[2] < 0.001


def test_vintage_counts_only_ages_that_all_its_loans_have_reached():
    loans = [
        Loan(date(2025, 1, 10), 100.0, date(2025, 3, 1)),
        Loan(date(2025, 3, 30), 300.0, None),
        Loan(date(2025, 5, 1), 50.0, None),
    ]

    rows = vintages(loans, today=date(2025, 9, 1), ages=(3, 6))

    assert [(row.quarter, row.bad, row.bad_amount) for row in rows] == [
        ("2025Q1", (0.5, None), (0.25, None)),
        ("2025Q2", (0.0, None), (0.0, None)),
    ]


def test_override_table_counts_sides_reasons_reviewers_and_what_came():
    decisions = [
        Decided("", "", "wang", (False, False)),
        Decided("", "", "li", (True, True)),
        Decided("low", "collateral", "wang", (False, True)),
        Decided("low", "known_customer", "li", (False, None)),
        Decided("high", "policy", "li", (None, None)),
    ]

    table = override_table(decisions)

    assert table.rate == 0.6
    assert [(row.name, row.decisions) for row in table.by_side] == [("", 2), ("high", 1), ("low", 2)]
    low = table.by_side[2]
    assert [(one["months"], one["known"], one["bad"]) for one in low.outcomes] == [(6, 2, 0), (12, 1, 1)]
    assert [(row.name, row.decisions) for row in table.by_reviewer] == [("li", 2), ("wang", 1)]


def test_override_table_of_nothing_is_empty():
    table = override_table([])

    assert (table.rate, table.by_side) == (0.0, ())
