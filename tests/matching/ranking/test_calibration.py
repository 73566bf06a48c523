import numpy as np
import pytest

from matching.ranking.calibration import (
    IsotonicCalibration,
    brier,
    calibration_error,
    reliability_table,
    wilson_interval,
)


def overconfident(rows, seed=0):
    random = np.random.default_rng(seed)
    truth = random.uniform(0.1, 0.9, rows)
    raw = np.clip(0.5 + 1.8 * (truth - 0.5), 0.001, 0.999)
    return raw, random.random(rows) < truth


@pytest.mark.parametrize("rows", [120, 6000])
def test_calibration_makes_overconfident_chances_come_true(rows):
    raw, came = overconfident(rows)
    later, then = overconfident(6000, seed=1)

    said = IsotonicCalibration().fit(raw, came).chances(later)

    assert calibration_error(said, then) < calibration_error(later, then) / 2
    assert brier(said, then) < brier(later, then)


def test_calibration_never_falls_and_survives_being_written_down():
    raw, came = overconfident(3000)
    calibration = IsotonicCalibration().fit(raw, came)
    grid = np.linspace(0, 1, 101)

    assert (np.diff(calibration.chances(grid)) >= -1e-12).all()
    again = IsotonicCalibration.from_dict(calibration.to_dict())
    assert again.chances(grid) == pytest.approx(calibration.chances(grid), abs=1e-5)


def test_reliability_table_has_as_many_rows_in_each_group_and_loses_none():
    raw, came = overconfident(1003)

    table = reliability_table(raw, came)

    assert sum(one.count for one in table) == 1003
    assert max(one.count for one in table) - min(one.count for one in table) <= 1
    assert all(one.low <= one.came <= one.high for one in table)


def test_reliability_of_nothing_is_empty():
    assert reliability_table(np.array([]), np.array([])) == []
    assert calibration_error(np.array([]), np.array([])) == 0.0
    assert wilson_interval(0.0, 0) == (0.0, 1.0)
