import numpy as np
import pytest

from finance.scoring.warnings import (
    customers_lost,
    disputes_rise,
    payment_delay,
    records_stopped,
    returns_rise,
    sales_drop,
    score_fall,
)

TODAY = 1000


def weekly(until=TODAY, since=300):
    return np.arange(since, until + 1, 7)


def test_sales_that_go_on_raise_no_sign():
    days = weekly()

    assert sales_drop(days, np.full(len(days), 100.0), today=TODAY) is None


@pytest.mark.parametrize(("share", "severity"), [(0.5, "notice"), (0.1, "serious")])
def test_sales_that_fell_raise_a_sign_by_how_far(share, severity):
    days = weekly()
    amounts = np.where(days > TODAY - 90, 100.0 * share, 100.0)

    sign = sales_drop(days, amounts, today=TODAY)

    assert (sign.kind, sign.severity) == ("sales_drop", severity)
    assert sign.facts["share"] == pytest.approx(share, abs=0.08)


def test_sales_low_as_in_every_winter_raise_no_sign():
    days = weekly()
    # The same quarter was as low a year before.
    low = (days > TODAY - 90) | ((days > TODAY - 455) & (days <= TODAY - 365))

    assert sales_drop(days, np.where(low, 30.0, 100.0), today=TODAY) is None


def test_sales_of_a_firm_known_for_a_quarter_raise_no_sign():
    days = weekly(since=TODAY - 120)

    assert sales_drop(days, np.where(days > TODAY - 60, 1.0, 100.0), today=TODAY) is None


def test_sales_after_today_do_not_matter():
    days = weekly()
    amounts = np.where(days > TODAY - 90, 10.0, 100.0)
    later = np.arange(TODAY + 1, TODAY + 200, 7)

    both = sales_drop(np.append(days, later), np.append(amounts, np.full(len(later), 500.0)), today=TODAY)

    assert both == sales_drop(days, amounts, today=TODAY)


def test_customer_that_left_is_named_with_its_share():
    days = np.concatenate([weekly(), weekly(until=TODAY - 120)])
    customers = np.array(["B1"] * len(weekly()) + ["B2"] * len(weekly(until=TODAY - 120)))

    signs = customers_lost(days, customers, np.full(len(days), 100.0), today=TODAY)

    assert [(sign.facts["customer"], sign.severity) for sign in signs] == [("B2", "serious")]
    assert signs[0].facts["days"] == TODAY - weekly(until=TODAY - 120).max()


def test_customer_that_buys_twice_a_year_has_not_left():
    days = np.concatenate([weekly(), np.array([380, 560, 740, 870])])
    customers = np.array(["B1"] * len(weekly()) + ["B2"] * 4)
    amounts = np.where(customers == "B2", 3000.0, 100.0)

    assert customers_lost(days, customers, amounts, today=TODAY) == []


def test_payments_that_come_later_raise_a_sign():
    due = np.arange(600, TODAY, 10).astype(float)
    settled = due + np.where(due > TODAY - 90, 20, 1)
    settled[settled > TODAY] = np.nan

    sign = payment_delay(due, settled, today=TODAY)

    assert (sign.kind, sign.severity) == ("payment_delay", "notice")


def test_payments_as_late_as_ever_raise_no_sign():
    due = np.arange(600, TODAY, 10).astype(float)

    assert payment_delay(due, due + 25, today=TODAY) is None


def test_returns_that_multiply_raise_a_sign():
    days = np.repeat(weekly(), 3)
    void = (days > TODAY - 90) & (np.arange(len(days)) % 2 == 0)

    sign = returns_rise(days, np.full(len(days), 10.0), void, today=TODAY)

    assert (sign.kind, sign.severity) == ("returns_rise", "serious")


def test_records_that_stopped_raise_a_sign_after_a_while():
    days = weekly(until=TODAY - 50)

    assert records_stopped(days, today=TODAY).severity == "notice"
    assert records_stopped(days, today=TODAY + 60).severity == "serious"
    assert records_stopped(weekly(), today=TODAY) is None


def test_disputes_that_multiply_raise_a_sign():
    assert disputes_rise(np.array([950, 960, 970]), 20, today=TODAY).severity == "notice"
    assert disputes_rise(np.array([950]), 20, today=TODAY) is None
    assert disputes_rise(np.array([950, 960]), 100, today=TODAY) is None


def test_score_below_what_the_line_asks_is_serious():
    sign = score_fall(then=610, now=595, grade_then="A", grade_now="BBB", least=600)

    assert sign.severity == "serious"
    assert sign.en.endswith("below the 600 that the line asks for")
