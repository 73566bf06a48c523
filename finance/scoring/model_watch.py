"""Everything that is looked at of a serving model, and which of it calls for somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from scipy.stats import binomtest

from finance.scoring.drift import Drift, drift, drift_of_classes
from finance.scoring.jeffreys import jeffreys_tests
from finance.scoring.measures import auc, interval
from finance.scoring.migration import concentration_test, migration
from finance.scoring.overrides import MANY, Decided, Overrides, override_table
from finance.scoring.vintages import AGES, Loan, vintages

AMBER, RED = "amber", "red"
# Fewer firms than these on a side say nothing that chance could not.
LEAST_REFERENCE, LEAST_CURRENT, LEAST_MOVED, LEAST_DECISIONS, LEAST_BAD = 20, 10, 10, 10, 5
MONTHS_OF_OUTCOME = (6, 12)


@dataclass(frozen=True)
class Assessed:
    """A firm's latest assessment of a period; features that it has no value for are left out."""

    firm: int
    score: float
    probability: float
    grade: str
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a firm's loan came to within a year: grade and probability when it was paid out."""

    grade: str
    probability: float
    bad: bool


@dataclass(frozen=True)
class Raised:
    """What calls for an answer; ``subject`` names the grade or feature, ``facts`` hold both sentences and the figures."""

    kind: str
    subject: str
    light: str
    facts: dict


@dataclass(frozen=True)
class Watched:
    """The tables of one look, and what they call for."""

    results: dict
    alarms: tuple[Raised, ...]


def watch_model(
    *,
    reference: Sequence[Assessed],
    current: Sequence[Assessed],
    outcomes: Sequence[Outcome],
    decisions: Sequence[Decided],
    loans: Sequence[Loan],
    grades: Sequence[str],
    expected_auc: float | None,
    today: date,
) -> Watched:
    """Return every table with the alarms.

    :param reference: the firms before the period looked at
    :param current: the firms of the period
    :param grades: all grades, best first
    :param expected_auc: what the model's card promises, if it says
    """
    parts = (
        _drifts(reference, current),
        _calibration(outcomes),
        _discrimination(outcomes, expected_auc),
        _concentration(reference, current, grades),
        _migration(reference, current, grades),
        _overrides(decisions),
    )
    results = {"reference": len(reference), "current": len(current)}
    alarms: list[Raised] = []
    for table, raised in parts:
        results |= table
        alarms += raised
    results["vintages"] = {
        "ages": list(AGES),
        "rows": [row.to_dict() for row in vintages(loans, today=today)],
    }
    return Watched(results, tuple(alarms))


def _drifts(reference: Sequence[Assessed], current: Sequence[Assessed]) -> tuple[dict, list[Raised]]:
    if len(reference) < LEAST_REFERENCE or len(current) < LEAST_CURRENT:
        return {"drift": None}, []
    score = drift("score", _column(reference, "score"), _column(current, "score"))
    grade = drift_of_classes("grade", _counts(reference), _counts(current))
    names = sorted({name for one in current for name in one.features})
    pairs = {name: (_feature(reference, name), _feature(current, name)) for name in names}
    enough = {
        name: both for name, both in pairs.items() if len(both[0]) >= LEAST_REFERENCE and len(both[1]) >= LEAST_CURRENT
    }
    features = [drift(name, *both, tests=len(enough)) for name, both in enough.items()]
    table = {
        "drift": {
            "score": score.to_dict(),
            "grade": grade.to_dict(),
            "features": [
                one.to_dict() for one in sorted(features, key=lambda one: (-one.index / one.critical, one.name))
            ],
        }
    }
    raised = [_drifted("score_drift", "", score)] if score.has_moved else []
    return table, raised + [_drifted("feature_drift", one.name, one) for one in features if one.has_moved]


def _drifted(kind: str, subject: str, found: Drift) -> Raised:
    return Raised(
        kind,
        subject,
        RED if found.index > 2 * found.critical else AMBER,
        {
            "index": round(found.index, 4),
            "critical": round(found.critical, 4),
            "reference": found.reference,
            "current": found.current,
            "zh": f"稳定性指数 {found.index:.3f}，超过该样本量下的临界值 {found.critical:.3f}"
            f"（{found.reference} 家对 {found.current} 家）",
            "en": f"Stability index {found.index:.3f}, above the critical value {found.critical:.3f} at this size "
            f"({found.reference} firms against {found.current})",
        },
    )


def _calibration(outcomes: Sequence[Outcome]) -> tuple[dict, list[Raised]]:
    tests = jeffreys_tests(
        [one.grade for one in outcomes], [one.probability for one in outcomes], [one.bad for one in outcomes]
    )
    raised = []
    for test in tests:
        if test.light == "green":
            continue
        name_zh, name_en = (f"{test.grade} 级", f"Grade {test.grade}") if test.grade else ("全部", "All grades")
        raised.append(
            Raised(
                "calibration",
                test.grade,
                test.light,
                {
                    **test.to_dict(),
                    "zh": f"{name_zh}：{test.firms} 家中 {test.defaults} 家违约，模型预计 {test.mean_probability:.1%}"
                    f"（Jeffreys 检验 p = {test.p_low:.3f}）",
                    "en": f"{name_en}: {test.defaults} of {test.firms} firms defaulted, the model said "
                    f"{test.mean_probability:.1%} (Jeffreys test, p = {test.p_low:.3f})",
                },
            )
        )
    return {"calibration": [test.to_dict() for test in tests]}, raised


def _discrimination(outcomes: Sequence[Outcome], expected: float | None) -> tuple[dict, list[Raised]]:
    bad = np.array([one.bad for one in outcomes], float)
    # With fewer the interval of a bootstrap says less than there is to doubt.
    if min(bad.sum(), len(bad) - bad.sum()) < LEAST_BAD:
        return {"discrimination": None}, []
    found = interval(auc, bad, np.array([one.probability for one in outcomes]), times=500)
    table = {"discrimination": {**found.to_dict(), "expected": expected, "firms": len(bad), "bad": int(bad.sum())}}
    # The whole interval lies below what was promised: then it is not chance.
    if expected is None or found.high >= expected:
        return table, []
    light = RED if found.high < (expected + 0.5) / 2 else AMBER
    facts = {
        **found.to_dict(),
        "expected": expected,
        "zh": f"区分度 AUC {found.value:.2f}（95% 区间 {found.low:.2f}–{found.high:.2f}），低于模型说明的 {expected:.2f}",
        "en": f"AUC {found.value:.2f} (95% interval {found.low:.2f} to {found.high:.2f}), below the {expected:.2f} "
        "of the model's card",
    }
    return table, [Raised("discrimination", "", light, facts)]


def _concentration(
    reference: Sequence[Assessed], current: Sequence[Assessed], grades: Sequence[str]
) -> tuple[dict, list[Raised]]:
    if len(reference) < LEAST_REFERENCE or len(current) < LEAST_CURRENT:
        return {"concentration": None}, []
    before, now = _counts(reference), _counts(current)
    counts = [before.get(grade, 0) for grade in grades], [now.get(grade, 0) for grade in grades]
    then_index, now_index, p = concentration_test(*counts)
    table = {
        "concentration": {"then": then_index, "now": now_index, "p": p, "grades": list(grades), "counts": counts[1]}
    }
    if p >= 0.01:
        return table, []
    facts = {
        "then": round(then_index, 4),
        "now": round(now_index, 4),
        "p": round(p, 4),
        "zh": f"等级集中度（赫芬达尔指数）由 {then_index:.2f} 升至 {now_index:.2f}",
        "en": f"Concentration in grades (Herfindahl) rose from {then_index:.2f} to {now_index:.2f}",
    }
    return table, [Raised("concentration", "", AMBER, facts)]


def _migration(
    reference: Sequence[Assessed], current: Sequence[Assessed], grades: Sequence[str]
) -> tuple[dict, list[Raised]]:
    then = {one.firm: one.grade for one in reference}
    both = [(then[one.firm], one.grade) for one in current if one.firm in then]
    if not both:
        return {"migration": None}, []
    found = migration([one[0] for one in both], [one[1] for one in both], grades=grades)
    places = {grade: place for place, grade in enumerate(grades)}
    worse = sum(places[now] > places[before] for before, now in both)
    better = sum(places[now] < places[before] for before, now in both)
    # A sign test: of firms that moved at all, as many should rise as sink.
    p = float(binomtest(worse, worse + better, alternative="greater").pvalue) if worse + better else 1.0
    table = {"migration": {**found.to_dict(), "firms": len(both), "sank": worse, "rose": better, "p": p}}
    if worse + better < LEAST_MOVED or p >= 0.01:
        return table, []
    facts = {
        "sank": worse,
        "rose": better,
        "p": round(p, 5),
        "zh": f"{worse} 家企业等级下降，{better} 家上升（p = {p:.4f}）",
        "en": f"{worse} firms sank to a lower grade, {better} rose (p = {p:.4f})",
    }
    return table, [Raised("migration", "", RED if p < 0.001 else AMBER, facts)]


def _overrides(decisions: Sequence[Decided]) -> tuple[dict, list[Raised]]:
    table = override_table(decisions, ages=MONTHS_OF_OUTCOME)
    raised = []
    if table.decisions >= LEAST_DECISIONS and table.rate > MANY:
        facts = {
            "decisions": table.decisions,
            "overrides": table.overrides,
            "zh": f"{table.decisions} 项决定中有 {table.overrides} 项推翻模型建议（{table.rate:.0%}）",
            "en": f"{table.overrides} of {table.decisions} decisions went against the model ({table.rate:.0%})",
        }
        raised.append(Raised("overrides", "", RED if table.rate > 2 * MANY else AMBER, facts))
    return {"overrides": table.to_dict() | {"ages": list(MONTHS_OF_OUTCOME)}}, raised + _losses(table)


def _losses(table: Overrides) -> list[Raised]:
    """Return an alarm where loans against the model are surely worse than those that followed it."""
    rows = {row.name: row for row in table.by_side}
    low, followed = rows.get("low"), rows.get("")
    if low is None or followed is None:
        return []
    for place in range(len(MONTHS_OF_OUTCOME) - 1, -1, -1):
        against, with_it = low.outcomes[place], followed.outcomes[place]
        if not against["known"] or not with_it["known"]:
            continue
        usual = with_it["bad"] / with_it["known"]
        if against["low"] > usual and against["bad"] > 1:
            months = against["months"]
            facts = {
                "months": months,
                "known": against["known"],
                "bad": against["bad"],
                "usual": round(usual, 4),
                "zh": f"推翻模型放出的 {against['known']} 笔中 {against['bad']} 笔在 {months} 个月内变坏，"
                f"按模型建议放出的为 {usual:.0%}",
                "en": f"Of {against['known']} loans given against the model {against['bad']} went bad within {months} "
                f"months; of those that followed it {usual:.0%}",
            }
            return [Raised("override_losses", "", RED if against["low"] > 2 * usual else AMBER, facts)]
    return []


def _column(assessed: Sequence[Assessed], name: str) -> np.ndarray:
    return np.array([getattr(one, name) for one in assessed], float)


def _feature(assessed: Sequence[Assessed], name: str) -> np.ndarray:
    values = np.array([one.features.get(name, np.nan) for one in assessed], float)
    return values[np.isfinite(values)]


def _counts(assessed: Sequence[Assessed]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in assessed:
        counts[one.grade] = counts.get(one.grade, 0) + 1
    return counts
