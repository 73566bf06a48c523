import json
import math
import re
from copy import deepcopy

import numpy as np
import pytest

from finance.scoring.advice import EXCLUDED, LEVERS, advise
from finance.scoring.default import PATH, default_scorecard
from finance.scoring.features import BY_NAME, NAMES, FeatureTable
from finance.scoring.reasons import FAMILIES, NO_RECORDS
from finance.scoring.scorecard import Scorecard, ScorecardUnreadable
from finance.scoring.scored import contributions, log_odds, score, score_all, whole_points

CARD = default_scorecard()


def drawn(generator):
    """Return features of a firm as no sane firm has them, unknown ones too: the card must stand anything."""
    found = {
        "sales_per_quarter": float(np.exp(generator.uniform(0, 22))),
        "sale_invoices_per_month": float(np.exp(generator.uniform(-2, 9))),
        "large_sale": float(np.exp(generator.uniform(0, 20))),
        "months_with_sales": generator.random(),
        "sales_swing": generator.random() * 6,
        "sales_history": float(generator.integers(0, 37)),
        "void_sales": generator.random(),
        "customers_per_month": float(np.exp(generator.uniform(-2, 7))),
        "purchases_per_quarter": float(np.exp(generator.uniform(0, 22))),
        "goods_in_sales": generator.random(),
        "goods_in_purchases": generator.random(),
    }
    for name in ("void_sales", "goods_in_sales", "goods_in_purchases"):
        if generator.random() < 0.1:
            found[name] = math.nan
    return found


def test_contributions_and_base_sum_to_the_log_odds_within_a_billionth():
    generator = np.random.default_rng(0)
    for _ in range(1000):
        features = drawn(generator)
        scored = score(CARD, "E1", features, records=1)

        parts = contributions(CARD, features)

        assert abs(scored.exact_base + math.fsum(parts.values()) - scored.exact) < 1e-9
        assert abs(CARD.scale.of_log_odds(log_odds(CARD, features)) - scored.exact) < 1e-9


def test_points_as_shown_sum_to_the_score_as_shown():
    generator = np.random.default_rng(1)
    for _ in range(1000):
        scored = score(CARD, "E1", drawn(generator), records=1)

        assert scored.base + scored.edge + sum(reason.points for reason in scored.reasons) == scored.score
        assert all(abs(reason.points - reason.exact) < 1 for reason in scored.reasons)
        assert CARD.scale.lowest <= scored.score <= CARD.scale.highest
        assert CARD.scale.lowest_pd <= scored.pd <= CARD.scale.highest_pd
        assert scored.edge == 0 or scored.score in {CARD.scale.lowest, CARD.scale.highest}


@pytest.mark.parametrize("name", NAMES)
def test_score_never_moves_against_a_declared_sign(name):
    generator = np.random.default_rng(2)
    for _ in range(10_000 // len(NAMES) + 1):
        safer = drawn(generator)
        values = sorted([drawn(generator)[name], drawn(generator)[name]])
        if any(math.isnan(value) for value in values):
            continue
        low, high = (log_odds(CARD, safer | {name: value}) for value in values)

        assert (high - low) * BY_NAME[name].sign >= 0


def test_score_of_the_same_input_has_the_same_bits_alone_or_among_others():
    generator = np.random.default_rng(3)
    firms = [drawn(generator) for _ in range(50)]
    values = np.array([[firm[name] for name in NAMES] for firm in firms])
    table = FeatureTable(tuple(map(str, range(50))), values, np.ones(50, int), np.full(50, 12), None)

    together = score_all(CARD, table)
    again = Scorecard.from_dict(json.loads(CARD.to_json()))

    for place, firm in enumerate(firms):
        alone = score(again, str(place), firm, records=1)
        assert (alone.pd.hex(), alone.exact.hex()) == (together[place].pd.hex(), together[place].exact.hex())


def test_reasons_state_the_firms_own_value_in_both_languages():
    features = dict.fromkeys(NAMES, 0.5) | {"void_sales": 0.31, "sales_history": 7.0}

    reasons = {reason.feature: reason for reason in score(CARD, "E1", features, records=9).reasons}

    assert "31%" in reasons["voids"].en
    assert "31%" in reasons["voids"].zh
    assert "7 months" in reasons["history"].en
    assert "7个月" in reasons["history"].zh
    assert set(reasons) == {term.feature.family for term in CARD.terms}
    assert len(reasons) <= 10
    assert set(reasons) <= set(FAMILIES)


def test_reasons_come_from_what_lowers_most_and_four_are_principal():
    scored = score(CARD, "E1", dict.fromkeys(NAMES, 0.5) | {"months_with_sales": 0.1, "sales_history": 3.0}, records=9)

    exact = [reason.exact for reason in scored.reasons]

    assert exact == sorted(exact)
    assert scored.top == scored.reasons[:4]


def test_share_of_nothing_moves_nothing_and_is_said():
    scored = score(CARD, "E1", dict.fromkeys(NAMES, 0.5) | {"void_sales": math.nan}, records=9)

    voids = next(reason for reason in scored.reasons if reason.feature == "voids")

    assert voids.exact == 0
    assert voids.en == "Cancelled invoices: no sales invoice to judge by."


def test_firm_without_records_gets_one_honest_reason():
    nothing = dict.fromkeys(NAMES, 0.0) | dict.fromkeys(
        ("void_sales", "goods_in_sales", "goods_in_purchases"), math.nan
    )

    scored = score(CARD, "E1", nothing, records=0)

    assert [reason.feature for reason in scored.reasons] == [NO_RECORDS]
    assert scored.base + scored.edge + scored.reasons[0].points == scored.score
    assert scored.grade == "C"
    assert scored.to_dict()["features"]["void_sales"] is None
    json.dumps(scored.to_dict(), allow_nan=False)


def test_whole_points_keep_the_sum():
    assert whole_points({"a": 0.4, "b": 0.4, "c": 0.4}) == {"a": 1, "b": 0, "c": 0}
    assert whole_points({"a": -0.5, "b": 100.0}) == {"a": 0, "b": 100}


def test_prior_shifts_every_firm_by_the_same_log_odds():
    generator = np.random.default_rng(5)
    shifted = CARD.with_prior(0.02)
    shifts = {round(log_odds(CARD, one) - log_odds(shifted, one), 9) for one in (drawn(generator), drawn(generator))}

    assert len(shifts) == 1
    assert shifts.pop() > 0
    assert shifted.sha256 != CARD.sha256
    with pytest.raises(ValueError, match="between 0 and 1"):
        CARD.with_prior(1)


def test_default_scorecard_is_the_one_that_was_released_and_holds_no_firm():
    text = PATH.read_text(encoding="utf-8")

    assert CARD.to_json() == text
    assert re.findall(r"\bE\d+\b", text) == []
    assert CARD.card["data"]["defaults"] == 18
    assert {term.name for term in CARD.terms} == set(NAMES)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), "x", "format: this is no scorecard"),
        (("terms",), [], "terms: there is none"),
        (("terms", 0, "feature"), "rating", r"terms\[0\]\.feature: is none of"),
        (("terms", 0, "sign"), 1, r"terms\[0\]\.sign: sales_per_quarter is declared as -1"),
        (("terms", 0, "weight"), 0.5, r"terms\[0\]\.weight: goes against"),
        (("terms", 1, "sd"), 0, r"terms\[1\]: needs sd > 0"),
        (("terms", 1, "mean"), "1", r"terms\[1\]\.mean: is no number"),
        (("terms", 1, "mean"), math.inf, r"terms\[1\]\.mean: is no number"),
        (("intercept",), None, "intercept: is no number"),
        (("prior",), 1.5, "prior: lies between"),
        (("card",), [], "card: is not an object"),
        (("scale",), None, "scale: is missing"),
        (("scale", "pdo"), 0, "scale: needs odds > 0"),
        (("scale", "lowest_pd"), 1, "scale: needs 0 <= lowest_pd"),
        (("grades",), [], "grades: their highest PDs must rise"),
        (("grades", 0, "highest_pd"), 0.9, "grades: their highest PDs must rise"),
        (("grades", 0, "grade"), "", r"grades\[0\]\.grade: is missing"),
        (("grades", 0, "grade"), "B", "grades: a grade occurs twice"),
    ],
)
def test_scorecard_that_makes_no_sense_is_refused_by_place(path, value, message):
    document = deepcopy(CARD.to_dict())
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value

    with pytest.raises(ScorecardUnreadable, match=message):
        Scorecard.from_dict(document)


def test_scorecard_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "card.json").write_text("{", encoding="utf-8")

    with pytest.raises(ScorecardUnreadable, match="cannot be read"):
        Scorecard.read(tmp_path / "card.json")
    with pytest.raises(ScorecardUnreadable, match="cannot be read"):
        Scorecard.read(tmp_path / "none.json")


def test_scorecard_of_a_bank_may_use_fewer_features_and_own_grades():
    document = deepcopy(CARD.to_dict())
    document["terms"] = document["terms"][:3]
    document["grades"] = [{"grade": "pass", "highest_pd": 0.05}, {"grade": "fail", "highest_pd": 1}]

    bank = Scorecard.from_dict(document)

    assert score(bank, "E1", dict.fromkeys(NAMES, 0.5), records=1).grade in {"pass", "fail"}
    assert bank.families == ("scale", "contracts")


def test_advice_is_tried_on_the_card_and_never_promises_what_can_be_bought():
    features = dict.fromkeys(NAMES, 0.5) | {"void_sales": 0.3, "sales_swing": 2.0, "sales_history": 12.0}

    advices = advise(CARD, features, months=18)

    assert {advice.lever for advice in advices} == set(LEVERS)
    assert [advice.points for advice in advices] == sorted((advice.points for advice in advices), reverse=True)
    for advice in advices:
        before, after = (score(CARD, "E1", one, records=1).exact for one in (features, advice.features))
        assert after - before == pytest.approx(advice.points)
        assert advice.pd <= score(CARD, "E1", features, records=1).pd
        changed = {name for name in NAMES if advice.features[name] != features[name]}
        assert changed
        assert not changed & set(EXCLUDED)


def test_advice_is_not_given_where_there_is_nothing_to_gain():
    best = dict.fromkeys(NAMES, 0.5) | {
        "months_with_sales": 1.0,
        "sales_history": 36.0,
        "void_sales": 0.01,
        "sales_swing": 0.3,
        "customers_per_month": 1e6,
    }

    assert advise(CARD, best, months=36) == []


def test_every_feature_is_either_advised_or_excluded_with_a_reason():
    advised = {"months_with_sales", "sales_history", "void_sales", "sales_swing", "customers_per_month"}

    assert advised | set(EXCLUDED) == set(NAMES)
    assert not advised & set(EXCLUDED)
