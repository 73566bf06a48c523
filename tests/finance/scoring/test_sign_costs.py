import numpy as np

from finance.scoring.features import NAMES
from finance.scoring.sign_costs import sign_costs
from tests.finance.scoring.test_learning import population


def test_sign_costs_cover_every_feature():
    values, labels = population(n=60)

    found = sign_costs(values[None], labels, np.ones((1, 60), bool), seeds=1)

    assert [row["feature"] for row in found["features"]] == list(NAMES)
    assert all(row["weight"] * row["sign"] >= 0 for row in found["features"])
    assert set(found["all_free"]) == {"auc", "brier"}
