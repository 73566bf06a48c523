import datetime as dt
import json

import numpy as np
import pytest

from matching.ranking.additive import sigmoid
from matching.ranking.chance_learning import Rows, TooFewOutcomes, judge_chances, learn_acceptance, rows_of
from matching.ranking.chances import Chances
from matching.ranking.facts import ListingFacts
from matching.ranking.features import FEATURES
from matching.ranking.labels import Label
from matching.ranking.outcomes import Outcome, read_outcomes, record_of
from matching.ranking.promotion import JudgedGroup
from matching.ranking.propensity import power_law

DAY = dt.date(2026, 3, 2)
PRICE, ON_TIME = FEATURES.index("price"), FEATURES.index("on_time")


def drawn(rows=3000, *, seed=0) -> Rows:
    """Return rows in which who looks takes up by the price, and who delivers does so by the record."""
    random = np.random.default_rng(seed)
    features = np.full((rows, len(FEATURES)), np.nan)
    features[:, PRICE] = random.uniform(-0.5, 0.5, rows)
    features[:, ON_TIME] = random.uniform(0.3, 1.0, rows)
    would = random.random(rows) < sigmoid(6 * features[:, PRICE] - 1)
    seen = random.choice([1.0, 0.5, 0.2], rows)
    taken_up = would & (random.random(rows) < seen)
    fulfilled = np.where(random.random(rows) < 0.3, random.random(rows) < features[:, ON_TIME], np.nan)
    return Rows(
        pair=np.array([f"{seed} {number}" for number in range(rows)]),
        firm=random.integers(0, 200, rows),
        day=random.integers(0, 60, rows) + DAY.toordinal(),
        features=features,
        in_full=np.full(rows, np.nan),
        taken_up=taken_up.astype(float),
        seen=seen,
        fulfilled=fulfilled,
        would=would.astype(float),
    )


def test_acceptance_is_freed_from_the_place():
    rows = drawn()

    corrected = learn_acceptance(rows, "buyer").chances(rows.features)
    naive = learn_acceptance(rows, "buyer", corrected=False).chances(rows.features)

    assert corrected.mean() == pytest.approx(rows.would.mean(), abs=0.03)
    assert naive.mean() < rows.would.mean() - 0.08


def test_judged_chances_beat_the_mean_on_other_firms_later():
    learned, found = judge_chances(drawn(), drawn(seed=1))

    assert set(found) == {"buyer", "seller", "fulfilled"}
    assert all(held_out.gain_over_mean[1] > 0 for held_out in found.values())
    assert found["buyer"].truth["error_ours"] < found["buyer"].truth["error_uncorrected"]
    said = Chances.from_dict(learned.to_dict()).of_pairs(drawn().features, np.full(3000, np.nan))
    assert said.shape == (3000, 3)
    assert ((said >= 0) & (said <= 1)).all()


def test_chances_keep_to_the_directions():
    learned, _found = judge_chances(drawn(), drawn(seed=1))
    ladder = np.full((20, len(FEATURES)), np.nan)
    ladder[:, PRICE], ladder[:, ON_TIME] = np.linspace(-0.5, 0.5, 20), np.linspace(0.3, 1.0, 20)

    said = learned.of_pairs(ladder, np.full(20, np.nan))

    assert (np.diff(said[:, 0]) >= -1e-9).all()
    assert (np.diff(said[:, 2]) >= -1e-9).all()


def test_too_few_rows_are_refused():
    with pytest.raises(TooFewOutcomes, match="buyer"):
        learn_acceptance(drawn(40), "buyer")


def listing(pk, side, firm) -> ListingFacts:
    return ListingFacts(id=pk, organisation=firm, side=side, text="球阀")


def outcome(day, *labels, side="demand") -> tuple[Outcome, JudgedGroup]:
    other = "supply" if side == "demand" else "demand"
    candidates = [listing(10 + number, other, 20 + number) for number in range(len(labels))]
    features = np.arange(len(labels) * len(FEATURES), dtype=float).reshape(len(labels), -1)
    found = Outcome(
        DAY + dt.timedelta(days=day),
        listing(1, side, 7),
        candidates,
        np.array([label.grade for label in labels]),
        list(labels),
        np.full(len(labels), 0.9),
    )
    return found, JudgedGroup("outcomes", "7", features, found.grades)


def test_rows_take_a_pair_once_and_look_at_all_its_places():
    shown = [outcome(0, Label(0, position=2)), outcome(3, Label(2, position=1))]

    rows, curve = rows_of(shown, "demand", curve=power_law(1.0))

    # What came of it counts from the first day on, and the second place was looked at half the time.
    assert (rows.pair.tolist(), rows.taken_up.tolist()) == (["1 10"], [0.0])
    assert rows.seen.tolist() == [1.0]
    assert curve.at(2) == 0.5


def test_rows_of_who_was_asked_were_looked_at_and_of_who_had_met_are_none():
    shown = [outcome(0, Label(2, position=5, asked=True), Label(3, position=1, settled=True))]

    rows, _curve = rows_of(shown, "demand", curve=power_law(1.0))

    assert (rows.pair.tolist(), rows.seen.tolist()) == (["1 10"], [1.0])


def test_rows_of_a_side_that_was_shown_nothing_are_refused():
    with pytest.raises(TooFewOutcomes, match="supply"):
        rows_of([outcome(0, Label(0, position=1))], "supply")


def test_outcome_survives_being_written_and_read(tmp_path):
    said, _group = outcome(0, Label(2, position=None, acted=True, fulfilled=False, weight=2.5), Label(0, position=4))
    lines = [json.dumps({"model": {"name": "test"}}), json.dumps(record_of(said))]
    (tmp_path / "out.jsonl").write_text("\n".join(lines), encoding="utf-8")

    model, (again,) = read_outcomes(tmp_path / "out.jsonl")

    assert model == {"name": "test"}
    assert again.labels == said.labels
    assert again.in_full.tolist() == said.in_full.tolist()
    assert again.query == said.query
    assert again.weights.tolist() == [2.5, 1.0]
