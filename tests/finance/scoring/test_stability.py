import numpy as np

from finance.scoring.stability import reason_stability
from tests.finance.scoring.test_learning import population


def test_reasons_of_a_clear_case_are_stable():
    values, labels = population(n=80)

    found = reason_stability(values[None], labels, np.ones((1, 80), bool), refits=3)

    assert found["families"] <= 10
    assert 0.5 < found["top_4_jaccard"] <= 1
    assert 0 <= found["top_1_agreement"] <= 1
