import json
import math
from copy import deepcopy

import numpy as np
import pytest

from finance.scoring import measures
from finance.scoring.challenger_learning import TablesLearner
from finance.scoring.challengers import Tables, judge, model_of
from finance.scoring.default import default_scorecard
from finance.scoring.features import BY_NAME, NAMES
from finance.scoring.scorecard import Scorecard, ScorecardUnreadable
from finance.scoring.scored import score
from tests.finance.scoring.test_learning import population


@pytest.fixture(scope="module")
def learned():
    values, labels = population()
    return TablesLearner().fit(values, labels), values, labels


def test_tables_learn_and_never_go_against_a_sign(learned):
    learner, values, labels = learned

    assert measures.auc(labels, learner.predict(values)) > 0.85
    assert learner.predict(values).mean() == pytest.approx(labels.mean(), abs=0.01)
    for table in learner.tables_:
        steps = np.diff(table.steps) * BY_NAME[table.name].sign
        assert np.all(steps >= -1e-12)


def test_tables_score_in_plain_python_as_the_learner_does(learned):
    learner, values, _ = learned
    model = model_of(json.loads(learner.scorecard(card={}).to_json()))

    scored = [judge(model, dict(zip(NAMES, row, strict=True))).pd for row in values[:30].tolist()]

    assert isinstance(model, Tables)
    assert scored == pytest.approx(learner.predict(values[:30]), abs=1e-3)
    assert model.sha256 == learner.scorecard(card={}).sha256


def test_judge_says_of_a_scorecard_what_its_score_says():
    card = default_scorecard()
    features = dict.fromkeys(NAMES, 0.4) | {"void_sales": math.nan}
    scored = score(card, "E1", features, records=1)

    judged = judge(model_of(card.to_dict()), features)

    assert isinstance(model_of(card.to_dict()), Scorecard)
    assert (judged.score, judged.pd, judged.grade) == (scored.score, scored.pd, scored.grade)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), "boosted", "format: this is no scorecard"),
        (("tables",), [], "tables: there is none"),
        (("tables", 0, "feature"), "rating", r"tables\[0\]\.feature: is none of"),
        (("tables", 0, "steps"), [0.0], r"tables\[0\]: needs rising edges"),
        (("tables", 0, "steps"), [0.0, 1.0], r"tables\[0\]\.steps: go against the declared sign"),
        (("tables", 0, "edges"), ["1"], r"tables\[0\]\.edges\.number: is no number"),
        (("tables", 0, "unknown"), None, r"tables\[0\]\.unknown: is no number"),
        (("prior",), 0, "prior: lies between"),
        (("card",), 3, "card: is not an object"),
    ],
)
def test_tables_that_make_no_sense_are_refused_by_place(path, value, message):
    table = {"feature": "sales_history", "edges": [12.0], "steps": [0.5, -0.5], "unknown": 0.0}
    document = Tables((), 0.0, 0.2).to_dict() | {"tables": [deepcopy(table)]}
    assert model_of(document).log_odds({"sales_history": 30.0}) == -0.5
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value

    with pytest.raises(ScorecardUnreadable, match=message):
        model_of(document)
