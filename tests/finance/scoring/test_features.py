import math
from datetime import date, timedelta

import numpy as np
import pytest

from finance.scoring.features import FEATURES, NAMES, WINDOW_MONTHS, features_of
from finance.scoring.looks import looks_at, months_before
from finance.scoring.trades import Trades
from tests.factories_invoices import invoice_rows, trades_of


def month(number, day=10):
    return date(2018 + number // 12, number % 12 + 1, day)


def row(trades, as_of):
    return features_of(trades, as_of=as_of).row("E1")


def test_features_of_a_small_firm_are_worked_out_by_hand():
    sales = [
        (month(0), "B1", 3000, 480),
        (month(0, 11), "B2", 1000, 30),
        (month(2), "B1", 5000, 800),
        (month(2), "B1", 9, 1, True),
    ]
    purchases = [(month(1), "A1", 2000, 320), (month(2), "A1", -500, -80), (month(2), "A2", 100, 3)]

    found = row(trades_of(sales=sales, purchases=purchases), month(2, 28))

    assert found["months_with_sales"] == pytest.approx(2 / 3)
    assert found["sales_history"] == 3
    assert found["void_sales"] == pytest.approx(1 / 4)
    assert found["large_sale"] == 1000
    assert found["sales_per_quarter"] == pytest.approx(9000)
    assert found["sale_invoices_per_month"] == pytest.approx((3 * 1 * 2) ** (1 / 3) - 1)
    assert found["customers_per_month"] == pytest.approx((3 * 1 * 2) ** (1 / 3) - 1)
    assert found["sales_swing"] == pytest.approx(np.std([4000, 0, 5000]) / 3000)
    assert found["purchases_per_quarter"] == pytest.approx(1600)
    assert found["goods_in_sales"] == pytest.approx(2 / 3)
    assert found["goods_in_purchases"] == pytest.approx(1 / 2)


def test_features_do_not_change_when_the_future_is_deleted():
    rows = invoice_rows("E1", seed=3, months=36)
    everything = trades_of(
        sales=[(date(*map(int, r[2].split("/"))), r[3], r[4], r[5], r[7] == "作废发票") for r in rows[0]],
        purchases=[(date(*map(int, r[2].split("/"))), r[3], r[4], r[5], False) for r in rows[1]],
    )
    for as_of in (date(2017, 12, 31), date(2018, 6, 15), date(2019, 1, 1)):
        known_then = everything.until(as_of)

        assert len(known_then) < len(everything)
        assert np.array_equal(features_of(everything, as_of=as_of).values, features_of(known_then, as_of=as_of).values)


def test_features_do_not_depend_on_the_order_of_rows_to_the_last_bit():
    rows = invoice_rows("E1", seed=5, months=20)[0]
    sales = [(date(*map(int, r[2].split("/"))), r[3], r[4], r[5], r[7] == "作废发票") for r in rows]
    shuffled = [sales[place] for place in np.random.default_rng(0).permutation(len(sales))]

    one = features_of(trades_of(sales=sales), as_of=date(2019, 1, 1)).values
    other = features_of(trades_of(sales=shuffled), as_of=date(2019, 1, 1)).values

    assert one.tobytes() == other.tobytes()


def test_features_of_a_firm_do_not_depend_on_who_else_is_in_the_table():
    mine = [(month(0), "B1", 3000, 480), (month(4), "B2", 1000, 30)]
    alone = trades_of("E1", sales=mine)
    together = Trades.of_columns(
        ["E0", "E1"],
        firm=["E0", "E1", "E1"],
        is_sale=[True] * 3,
        day=[*alone.day[:1], *alone.day],
        partner=["B9", "B1", "B2"],
        net=[7e6, 3000, 1000],
        tax=[0, 480, 30],
        is_void=[False] * 3,
    )

    assert np.array_equal(
        features_of(alone, as_of=month(5)).values[0], features_of(together, as_of=month(5)).values[1], equal_nan=True
    )


def test_silent_months_count_after_the_grace_of_half_a_year():
    trades = trades_of(sales=[(month(number), "B1", 1000, 60) for number in range(12)])

    assert row(trades, month(17))["months_with_sales"] == 1
    assert row(trades, month(23))["months_with_sales"] == pytest.approx(12 / 18)


def test_records_older_than_the_window_do_not_count():
    old = [(month(-WINDOW_MONTHS - number), "B1", 9e6, 0) for number in range(6)]
    new = [(month(number - 5), "B1", 1000, 60) for number in range(6)]

    assert row(trades_of(sales=old + new), month(0, 28)) == pytest.approx(
        row(trades_of(sales=new), month(0, 28)), nan_ok=True, rel=0
    )


def test_firm_without_records_has_nothing_and_no_share_of_it():
    for trades in (trades_of(), trades_of(sales=[(month(0), "B1", 5, 1, True)])):
        table = features_of(trades, as_of=month(1))

        assert table.records.tolist() == [0]
        assert table.row("E1")["sales_per_quarter"] == 0
        assert math.isnan(table.row("E1")["void_sales"])


def test_firm_that_only_buys_or_only_refunds_has_features():
    only_buys = row(trades_of(purchases=[(month(0), "A1", 100, 13)]), month(1))
    only_refunds = row(trades_of(sales=[(month(0), "B1", -100, -13), (month(1), "B1", -100, -13)]), month(1))

    assert only_buys["sales_history"] == 0
    assert only_buys["months_with_sales"] == 0
    assert only_refunds["sales_per_quarter"] == 0
    assert only_refunds["sales_swing"] == 1


def test_one_huge_month_moves_the_typical_quarter_little():
    steady = [(month(number), "B1", 10_000, 600) for number in range(24)]
    boosted = [*steady, (month(23, 20), "B2", 120_000, 7200)]

    before, after = (row(trades_of(sales=rows), month(23, 28)) for rows in (steady, boosted))

    assert sum(net for _, _, net, _ in boosted) == 1.5 * sum(net for _, _, net, _ in steady)
    assert after["sales_per_quarter"] < 1.25 * before["sales_per_quarter"]
    assert after["sales_swing"] > before["sales_swing"]


def test_every_feature_declares_a_sign_and_says_why_in_both_languages():
    assert len(set(NAMES)) == len(FEATURES)
    for feature in FEATURES:
        assert feature.sign in {-1, 1}
        assert feature.why_en
        assert feature.why_zh
        assert feature.known


def test_looks_show_a_firm_earlier_only_where_its_record_was_long_enough():
    long = [(month(number), "B1", 1000, 60) for number in range(30)]
    trades = trades_of(sales=long)

    table, values, seen = looks_at(trades, as_of=month(20, 28))

    assert values.shape == (3, 1, len(NAMES))
    assert seen.tolist() == [[True], [True], [False]]
    assert np.array_equal(
        values[1], features_of(trades.until(month(14, 28)), as_of=month(14, 28)).values, equal_nan=True
    )
    assert np.array_equal(values[0], table.values, equal_nan=True)


def test_months_before_ends_on_the_last_day_of_a_shorter_month():
    assert months_before(date(2019, 8, 31), 6) == date(2019, 2, 28)
    assert months_before(date(2019, 1, 15), 1) == date(2018, 12, 15)
    assert months_before(date(2019, 12, 31), 0) == date(2019, 12, 31)


def test_trades_of_a_firm_take_plain_rows():
    trades = Trades.of_firm(
        "E1",
        is_sale=[True, False],
        day=[month(0), month(0) + timedelta(days=1)],
        partner=["B1", ""],
        net=[1, 2],
        tax=[0, 0],
        is_void=[False, False],
    )

    assert trades.last_day() == month(0) + timedelta(days=1)
    assert features_of(trades).as_of == trades.last_day()
