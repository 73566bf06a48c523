import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from matching.ranking.reliability import FEATURES, Population, Record, Reliability, record_features
from matching.ranking.reliability_learning import SupplierWeeksUnreadable, order_rows, read_supplier_weeks

USUAL = Population(fill=0.9, full=0.7)
SHIPPED = Path(__file__).parents[3] / "matching" / "data" / "reliability.json"


def record(*filled, ordered=None):
    return Record(
        ordered=np.array(ordered or [10.0] * len(filled)),
        filled=np.array(filled, dtype=float),
        days=7.0 * np.arange(len(filled)),
    )


def said(one, name, *, ordered=10.0):
    values = record_features(one, ordered=ordered, day=7.0 * len(one.ordered), population=USUAL)
    return values[FEATURES.index(name)]


def test_record_features_by_hand():
    one = record(1.0, 0.5, 1.0, 1.0, ordered=[10.0, 10.0, 10.0, 40.0])

    assert said(one, "last") == 1.0
    assert said(one, "streak") == pytest.approx(np.log(3))
    assert said(one, "total") == pytest.approx((10 + 5 + 10 + 40) / 70)
    assert said(one, "gap") == pytest.approx(np.log(7))
    assert said(one, "size", ordered=40.0) == pytest.approx(np.log(40 / (10 * 10 * 10 * 40) ** 0.25))
    assert said(one, "size_to_last", ordered=20.0) == pytest.approx(np.log(0.5))


def test_record_of_nothing_or_of_unknown_size_says_so():
    assert np.isnan(record_features(record(), ordered=1.0, day=0.0, population=USUAL)).all()
    values = record_features(record(1.0, 1.0), ordered=None, day=14.0, population=USUAL)
    assert np.isnan(values[FEATURES.index("size")])
    assert not np.isnan(values[FEATURES.index("fill_5")])


def test_short_record_stays_near_what_all_deliver():
    assert USUAL.fill > said(record(0.0), "fill_5") > said(record(0.0, 0.0), "fill_5")


def test_shipped_forecast_follows_the_record_and_the_size():
    model = Reliability.load(SHIPPED)

    def full(one, ordered=10.0):
        return model.forecast(one, ordered=ordered, day=7.0 * len(one.ordered), population=USUAL).full

    assert full(record(*[1.0] * 20)) > 0.85 > full(record(*[1.0, 0.4] * 10)) > full(record(*[0.2] * 20))
    assert full(record(*[1.0] * 20), ordered=1000.0) < full(record(*[1.0] * 20))
    assert full(record()) == USUAL.full


def weeks(folder, rows=60, count=40, seed=0):
    random = np.random.default_rng(seed)
    ordered = np.where(random.random((rows, count)) < 0.6, random.integers(5, 50, (rows, count)), 0)
    capacity = random.integers(10, 40, (rows, 1))
    supplied = np.minimum(ordered, capacity) * (random.random((rows, count)) < random.uniform(0.6, 1, (rows, 1)))
    for name, table in (("ordered", ordered), ("supplied", supplied)):
        lines = ["id,kind," + ",".join(f"W{week:03}" for week in range(1, count + 1))]
        lines += [f"S{firm},A," + ",".join(map(str, row)) for firm, row in enumerate(table)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_rows_know_nothing_of_their_own_week_or_later(tmp_path):
    weeks(tmp_path, rows=5)
    found = read_supplier_weeks(tmp_path)
    rows = order_rows(found)
    found.supplied[:, 20:] = 0

    changed = order_rows(found)

    early = rows.week <= 20
    assert rows.features[early] == pytest.approx(changed.features[early], nan_ok=True)
    first_later = np.flatnonzero(rows.week == 21)
    assert rows.features[first_later] == pytest.approx(changed.features[first_later], nan_ok=True)


def test_evaluate_reliability_beats_the_running_mean_where_size_matters(tmp_path, capsys):
    weeks(tmp_path)

    call_command("evaluate_reliability", tmp_path, until=28, json=tmp_path / "out.json")

    figures = json.loads((tmp_path / "out.json").read_text())["against"]["running mean"]
    assert figures["full_squared"]["high"] < 0
    assert "Brier" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,kind,W1\nS1,A,-3\n", "line 2"),
        ("id,kind,W1\nS1,A,x\n", "line 2"),
        ("id,kind,W1\n", "names no firm"),
    ],
)
def test_supplier_weeks_name_the_line_that_cannot_be_read(tmp_path, text, message):
    for name in ("ordered", "supplied"):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")

    with pytest.raises(SupplierWeeksUnreadable, match=message):
        read_supplier_weeks(tmp_path)


def test_evaluate_reliability_of_an_empty_folder_says_what_is_missing(tmp_path):
    with pytest.raises(CommandError, match=r"neither suppliers\*\.xlsx nor ordered\.csv"):
        call_command("evaluate_reliability", tmp_path)
