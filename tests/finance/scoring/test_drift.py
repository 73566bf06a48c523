import numpy as np
import pytest

from finance.scoring.drift import critical_value, drift, drift_of_classes, simulate_alarms, stability_index


def test_index_of_two_bins_is_what_the_formula_says():
    # (0.5 - 0.7) log(0.5 / 0.7) + (0.5 - 0.3) log(0.5 / 0.3)
    assert stability_index(np.array([50.0, 50.0]), np.array([70.0, 30.0])) == pytest.approx(0.16946, abs=1e-5)


def test_critical_value_is_the_chi_square_by_size():
    # chi-square with 9 degrees of freedom: 16.919.
    assert critical_value(300, 100) == pytest.approx((1 / 300 + 1 / 100) * 16.919, abs=1e-4)


def test_drift_does_not_depend_on_the_order_of_the_firms():
    generator = np.random.default_rng(0)
    reference, current = generator.normal(size=300), generator.normal(size=100)

    assert drift("x", reference, current) == drift("x", reference[::-1], generator.permutation(current))


def test_drift_raises_few_false_alarms_at_our_size():
    found = simulate_alarms(300, 100, shift=0.0, times=800)

    # Goal 5 %; three standard errors of 800 simulations are 2.3 points.
    assert found["critical_value"] <= 0.05 + 0.023
    assert found["fixed_0_10"] > 0.5


def test_drift_sees_a_shift_of_half_a_deviation():
    assert simulate_alarms(300, 300, shift=0.5, times=300)["critical_value"] >= 0.8


def test_drift_of_few_firms_uses_fewer_bins():
    generator = np.random.default_rng(0)

    assert len(drift("x", generator.normal(size=300), generator.normal(size=20)).bins) == 4


def test_drift_of_a_feature_that_is_always_the_same_is_none():
    found = drift("x", np.ones(50), np.ones(20))

    assert (found.index, found.has_moved) == (0.0, False)


def test_drift_of_many_features_is_held_to_a_stricter_value():
    generator = np.random.default_rng(0)
    reference, current = generator.normal(size=300), generator.normal(size=100)

    assert drift("x", reference, current, tests=20).critical > drift("x", reference, current).critical


def test_drift_of_classes_counts_those_that_are_new():
    found = drift_of_classes("grade", {"A": 60, "B": 40}, {"A": 10, "B": 10, "C": 40})

    assert found.has_moved
    assert found.bins[2] == {"bin": "C", "reference": 0, "current": 40}


def test_drift_from_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing to compare"):
        drift("x", np.array([]), np.ones(3))
