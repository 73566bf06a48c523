import numpy as np

from finance.scoring.challenger_learning import RIVALS, missing_library
from finance.scoring.comparison import beside_rivals
from finance.scoring.evaluation import out_of_fold, scorecard_procedure
from tests.finance.scoring.test_learning import population


def test_rivals_are_judged_on_the_same_folds_and_the_missing_ones_named():
    values, labels = population(n=70)
    seen = np.ones((1, 70), bool)
    ours = out_of_fold(scorecard_procedure(penalties=(2.0,), rounds=1), values[None], labels, seen, seeds=1)
    rivals = ["constant", "plain_regression", "lightgbm", "monotone_tables"]
    rivals += [name for name in RIVALS if missing_library(name)]

    found = beside_rivals(values[None], labels, seen, ours, rivals=rivals, times=50)

    assert list(found) == rivals
    for name, row in found.items():
        if missing_library(name):
            assert row == {"left_out": f"the library {missing_library(name)} is not installed"}
        else:
            assert row["ours_minus_this"]["auc"]["says"]
    assert found["constant"]["ours_minus_this"]["brier"]["says"] == "ours is better"
