import json

import numpy as np
import pytest

from finance.scoring.late_payment import DIRECTIONS, FEATURES, Invoices, LatePayment, features_of
from finance.scoring.late_payment_learning import InvoicesUnreadable, fit, judge, learn, read_invoices, training_day


def invoices_of(count=600, payers=30, seed=0):
    """Payers each with a habit of their own; some send paper."""
    generator = np.random.default_rng(seed)
    payer = generator.integers(0, payers, count)
    issued = np.sort(generator.integers(0, 700, count)).astype(float)
    habit = generator.normal(-3, 9, payers)
    electronic = generator.integers(0, 2, count).astype(float)
    days = np.round(habit[payer] + generator.normal(0, 5, count) - 4 * electronic)
    amount = np.exp(generator.normal(4, 0.3, count))
    return Invoices(payer, issued, issued + 30, np.maximum(issued, issued + 30 + days), amount, electronic)


def test_features_do_not_move_when_the_future_is_deleted():
    invoices = invoices_of()
    day = float(np.quantile(invoices.issued, 0.5))
    asked = invoices.take(invoices.issued <= day)
    past = invoices.take(invoices.settled < day)

    assert np.array_equal(features_of(asked, invoices), features_of(asked, past))


def test_features_do_not_depend_on_the_order_of_the_history():
    invoices = invoices_of(200)
    shuffled = invoices.take(np.random.default_rng(1).permutation(len(invoices)))

    assert np.array_equal(features_of(invoices, invoices), features_of(invoices, shuffled))


def test_features_of_a_payer_without_record_are_what_all_do():
    history = Invoices(
        np.array([1, 1]), np.zeros(2), np.full(2, 30.0), np.array([20.0, 40.0]), np.ones(2), np.full(2, np.nan)
    )
    asked = Invoices(
        np.array([2]), np.array([100.0]), np.array([130.0]), np.array([np.nan]), np.ones(1), np.array([np.nan])
    )

    row = dict(zip(FEATURES, features_of(asked, history)[0], strict=True))

    # 1 of 2 was late, drawn to 35 % as of ten invoices: 4.5 / 12.
    assert row["late_share"] == pytest.approx(np.log(0.375 / 0.625))
    assert row["electronic"] == 0.0
    assert row["amount"] == 0.0


def test_fit_keeps_declared_signs():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(400, len(FEATURES)))
    # Everything the wrong way round: the fit may only leave it out.
    late = (features @ -np.array([way or 1 for way in DIRECTIONS.values()]) + generator.normal(size=400) > 0).astype(
        float
    )

    model = fit(features, late, penalty=0.01)

    assert all(weight * way >= 0 for weight, way in zip(model.weights, DIRECTIONS.values(), strict=True))


def test_chance_rises_with_what_is_declared_to_raise_it():
    invoices = invoices_of()
    model = learn(invoices, features_of(invoices, invoices), until=700).model
    rows = np.random.default_rng(2).normal(size=(1000, len(FEATURES)))

    for place, way in enumerate(DIRECTIONS.values()):
        more = rows.copy()
        more[:, place] += 1
        if way:
            assert (way * (model.chances(more) - model.chances(rows)) >= 0).all()


def test_contributions_sum_to_the_log_odds():
    invoices = invoices_of()
    features = features_of(invoices, invoices)
    model = fit(features, invoices.late(), penalty=0.01)

    odds = model.contributions(features).sum(axis=1) + model.intercept

    assert np.allclose(odds, np.log(model.chances(features) / (1 - model.chances(features))), atol=1e-9)


def test_judge_learns_only_of_what_was_settled_before():
    invoices = invoices_of()
    features = features_of(invoices, invoices)

    judged = judge(invoices, features)
    figures = judged.to_dict(times=50)

    assert judged.until == training_day(invoices)
    assert judged.learned.rows == int((invoices.settled <= judged.until).sum())
    assert len(judged.late) == int((invoices.issued > judged.until).sum())
    assert figures["models"]["late_payment"]["auc"]["value"] > 0.75


def test_model_read_back_says_the_same(tmp_path):
    invoices = invoices_of()
    features = features_of(invoices, invoices)
    model = fit(features, invoices.late(), penalty=0.01)
    file = tmp_path / "model.json"
    file.write_text(json.dumps(model.to_dict()))

    assert np.array_equal(LatePayment.load(file).chances(features), model.chances(features))


def test_model_changed_by_hand_is_refused(tmp_path):
    invoices = invoices_of()
    document = fit(features_of(invoices, invoices), invoices.late(), penalty=0.01).to_dict()
    document["intercept"] += 0.1
    file = tmp_path / "model.json"
    file.write_text(json.dumps(document))

    with pytest.raises(ValueError, match="does not hold what its version says"):
        LatePayment.load(file)


HEAD = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,SettledDate,PaperlessBill\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("customerID,InvoiceDate\n", "The column invoiceNumber is missing."),
        (HEAD, "There is no invoice in the file."),
        (HEAD + "a,1,1/2/2013,2/1/2013,five,1/15/2013,Paper\n", "line 2: InvoiceAmount is not a number."),
        (HEAD + "a,1,1/2/2013,2/1/2013,-5,1/15/2013,Paper\n", "line 2: InvoiceAmount must be positive."),
        (HEAD + "a,1,2013-13-02,2/1/2013,5,1/15/2013,Paper\n", "line 2: InvoiceDate is no date."),
        (HEAD + "a,1,1/2/2013,2/1/2013,5,1/15/2012,Paper\n", "line 2: due or settled before it was issued."),
        (HEAD + "a,1,1/2/2013,2/1/2013,5,1/15/2013,pigeon\n", "line 2: PaperlessBill is neither Electronic nor Paper."),
    ],
)
def test_file_that_cannot_be_is_refused_by_line(tmp_path, text, message):
    file = tmp_path / "invoices.csv"
    file.write_text(text)

    with pytest.raises(InvoicesUnreadable, match=message):
        read_invoices(file)


def test_file_in_our_words_reads_like_one_in_theirs(tmp_path):
    theirs, ours = tmp_path / "a.csv", tmp_path / "b.csv"
    theirs.write_text(HEAD + "a,1,1/2/2013,2/1/2013,5,1/15/2013,Paper\n")
    ours.write_text(
        "customer,number,issued_on,due_on,amount,settled_on,sent\na,1,2013-01-02,2013-02-01,5,2013-01-15,paper\n"
    )

    assert [list(getattr(read_invoices(theirs), name)) for name in Invoices.__dataclass_fields__] == [
        list(getattr(read_invoices(ours), name)) for name in Invoices.__dataclass_fields__
    ]
