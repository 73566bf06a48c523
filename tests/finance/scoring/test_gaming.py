import datetime as dt

import numpy as np
import pytest

from finance.management.commands.evaluate_gaming import one_firm, weights_of
from finance.scoring.default import default_scorecard
from finance.scoring.gaming import ATTACKS, WINDOW, fit_for_attack, gains
from finance.scoring.trades import Trades


def firm(name="E1", *, months=24, a_month=8, seed=0):
    generator = np.random.default_rng(seed)
    days = [
        dt.date(2024, 1, 5) + dt.timedelta(days=int(day))
        for day in np.sort(generator.integers(0, 30 * months, months * a_month))
    ]
    net = np.round(np.exp(generator.normal(9, 0.6, len(days))), 2)
    return Trades.of_firm(
        name,
        is_sale=generator.random(len(days)) < 0.6,
        day=days,
        partner=[f"B{number}" for number in generator.integers(0, 12, len(days))],
        net=net,
        tax=net * 0.13,
        is_void=generator.random(len(days)) < 0.05,
    )


@pytest.mark.parametrize("attack", ["circular_sales", "bought_volume"])
def test_fake_sales_are_a_fifth_of_a_years_and_of_the_last_days(attack):
    trades = firm()
    faked = ATTACKS[attack](trades, np.random.default_rng(0))
    today = trades.day.max()

    added = (faked.partner > trades.partner.max()) & faked.is_sale
    genuine = trades.is_sale & ~trades.is_void & (trades.net > 0) & (trades.day > today - 365)

    assert faked.net[added].sum() == pytest.approx(0.2 * trades.net[genuine].sum())
    assert (faked.day[added] > today - WINDOW).all()
    assert (faked.day[added] <= today).all()


def test_circular_sales_come_back_as_purchases():
    faked = ATTACKS["circular_sales"](firm(), np.random.default_rng(0))
    new = faked.partner > firm().partner.max()

    assert faked.net[new & ~faked.is_sale].sum() == pytest.approx(0.98 * faked.net[new & faked.is_sale].sum())


def test_split_invoices_keep_the_total():
    trades = firm()
    split = ATTACKS["split_invoices"](trades, np.random.default_rng(0))

    assert split.net.sum() == pytest.approx(trades.net.sum())
    assert len(split) > len(trades)


def test_gains_are_the_same_each_time():
    firms = [firm("E1", seed=1), firm("E2", seed=2)]

    first = gains(default_scorecard(), firms, "bought_volume")

    assert np.array_equal(first.points, gains(default_scorecard(), firms, "bought_volume").points)
    assert first.half_grade == 20.0


def test_looks_leave_little_of_circular_sales():
    firms = [firm(f"E{seed}", seed=seed) for seed in range(6)]

    seen = gains(default_scorecard(), firms, "circular_sales", weigh=weights_of)

    assert seen.to_dict(times=100)["mean"] < 5


def test_firm_that_sold_nothing_has_nothing_to_inflate():
    nothing = Trades.of_firm("E1", is_sale=[], day=[], partner=[], net=[], tax=[], is_void=[])

    assert not fit_for_attack(nothing)
    assert fit_for_attack(firm())


def test_one_firm_is_cut_out_whole():
    trades = firm()

    assert np.array_equal(one_firm(trades)(0).net, trades.net)
