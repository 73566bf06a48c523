import numpy as np
import pytest

from finance.scoring.reject_inference import infer, judge


def population(count=400, seed=0):
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, 3))
    labels = (rows[:, 0] + generator.normal(size=count) > 1).astype(float)
    return rows, labels


def test_methods_stand_side_by_side():
    rows, labels = population()

    found = infer(rows[:300], labels[:300], rows[300:])

    assert [one.method for one in found] == ["accept_only", "fuzzy", "parcelled_1", "parcelled_2", "parcelled_4"]
    assert all(one.chances.shape == (400,) for one in found)


def test_refused_taken_to_be_worse_are_said_to_be_worse():
    rows, labels = population()

    rates = {one.method: one.refused_rate for one in infer(rows[:300], labels[:300], rows[300:])}

    assert rates["parcelled_1"] < rates["parcelled_2"] < rates["parcelled_4"]


def test_refused_like_the_accepted_are_said_to_be_like_them():
    rows, labels = population(4000)

    alone = infer(rows[:2000], labels[:2000], rows[2000:])[0]

    assert alone.refused_rate == pytest.approx(labels[2000:].mean(), abs=0.03)


def test_judged_range_holds_what_each_method_says():
    rows, labels = population()
    refused = rows[:, 0] > 0.8

    found = judge(rows, labels, refused)

    said = [row["refused_rate"] for row in found["methods"]]
    assert found["range"] == [min(said), max(said)]
    assert found["refused"] == int(refused.sum())


def test_nobody_refused_is_refused():
    rows, labels = population(20)

    with pytest.raises(ValueError, match="refused ones"):
        infer(rows, labels, rows[:0])
