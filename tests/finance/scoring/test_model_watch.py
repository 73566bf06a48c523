from datetime import date

import numpy as np

from finance.scoring.model_watch import Assessed, Outcome, watch_model
from finance.scoring.overrides import Decided
from finance.scoring.vintages import Loan

GRADES = ("A", "B", "C")
NOTHING = {
    "reference": [],
    "current": [],
    "outcomes": [],
    "decisions": [],
    "loans": [],
    "grades": GRADES,
    "expected_auc": None,
    "today": date(2026, 3, 2),
}


def assessed(count, *, shift=0.0, seed=0, first=0):
    generator = np.random.default_rng(seed)
    scores = generator.normal(600 + shift, 40, count)
    return [
        Assessed(
            first + place,
            score,
            0.05,
            GRADES[min(2, max(0, int((640 - score) // 40)))],
            {"sales": generator.normal(), "voids": score / 100},
        )
        for place, score in enumerate(scores)
    ]


def watch(**changes):
    return watch_model(**NOTHING | changes)


def test_nothing_known_gives_empty_tables_and_no_alarm():
    watched = watch()

    assert watched.alarms == ()
    assert watched.results["drift"] is None
    assert watched.results["calibration"] == []
    assert watched.results["vintages"]["rows"] == []


def test_firms_like_before_raise_no_alarm():
    watched = watch(reference=assessed(200), current=assessed(80, seed=5, first=1000))

    assert watched.alarms == ()
    assert {one["name"] for one in watched.results["drift"]["features"]} == {"sales", "voids"}


def test_scores_that_moved_raise_an_alarm_for_score_and_feature():
    watched = watch(reference=assessed(200), current=assessed(80, shift=-45, seed=5, first=1000))

    assert {(alarm.kind, alarm.subject) for alarm in watched.alarms} >= {
        ("score_drift", ""),
        ("feature_drift", "voids"),
    }
    assert ("feature_drift", "sales") not in {(alarm.kind, alarm.subject) for alarm in watched.alarms}


def test_same_firms_that_sank_raise_an_alarm_of_migration():
    before = assessed(60)
    after = [Assessed(one.firm, one.score - 60, 0.2, GRADES[min(2, GRADES.index(one.grade) + 1)]) for one in before]

    watched = watch(reference=before, current=after)

    assert "migration" in {alarm.kind for alarm in watched.alarms}
    assert watched.results["migration"]["rose"] == 0


def test_more_defaults_than_said_raise_an_alarm_for_the_grade_and_all():
    outcomes = [Outcome("A", 0.02, place < 8) for place in range(60)] + [Outcome("B", 0.2, False)] * 5

    watched = watch(outcomes=outcomes)

    assert [(alarm.kind, alarm.subject, alarm.light) for alarm in watched.alarms] == [
        ("calibration", "A", "red"),
        ("calibration", "", "red"),
    ]


def test_ranking_surely_worse_than_promised_raises_an_alarm():
    generator = np.random.default_rng(0)
    outcomes = [Outcome("A", float(p), bool(generator.random() < 0.3)) for p in generator.uniform(0, 0.6, 200)]

    watched = watch(outcomes=outcomes, expected_auc=0.9)

    assert [alarm.kind for alarm in watched.alarms if alarm.kind == "discrimination"] == ["discrimination"]


def test_ranking_of_few_firms_is_not_held_against_the_model():
    outcomes = [Outcome("A", 0.1, place < 4) for place in range(40)]

    assert [
        alarm for alarm in watch(outcomes=outcomes, expected_auc=0.9).alarms if alarm.kind == "discrimination"
    ] == []


def test_many_overrides_and_their_losses_raise_alarms():
    decisions = [Decided("", "", "wang", (False, False))] * 40 + [Decided("low", "other", "li", (True, True))] * 12

    watched = watch(decisions=decisions)

    assert {alarm.kind for alarm in watched.alarms} == {"overrides", "override_losses"}


def test_few_overrides_that_pay_raise_no_alarm():
    decisions = [Decided("", "", "wang", (False, True))] * 40 + [Decided("low", "other", "li", (False, False))] * 4

    assert watch(decisions=decisions).alarms == ()


def test_vintages_are_shown_by_quarter():
    watched = watch(loans=[Loan(date(2025, 1, 5), 100.0, None)])

    assert [row["quarter"] for row in watched.results["vintages"]["rows"]] == ["2025Q1"]


def test_order_of_firms_changes_nothing():
    reference, current = assessed(100), assessed(50, shift=-20, seed=3)

    assert watch(reference=reference, current=current) == watch(reference=reference[::-1], current=current[::-1])
