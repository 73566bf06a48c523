from datetime import date

import pytest

from marketplace.parsing.codes import Claims
from marketplace.parsing.dates import add_months, find_moments
from marketplace.parsing.folding import fold
from marketplace.parsing.windows import find_window

TODAY = date(2026, 11, 22)


def window_in(text, today=TODAY):
    folded = fold(text)
    return [
        (str(one.first or ""), str(one.last or ""), one.lead_days)
        for one in find_window(folded, Claims(len(folded.text)), today)
    ]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("30 天内", "", "2026-12-22"), ("三十天内", "", "2026-12-22"), ("within 30 days", "", "2026-12-22"), ("within two weeks", "", "2026-12-06"),
        ("一个月内", "", "2026-12-22"), ("10个工作日内", "", "2026-12-06"), ("1-2周内", "", "2026-12-06"), ("24小时内", "", "2026-11-23"),
        ("下月底前", "", "2026-12-31"), ("月底前", "", "2026-11-30"), ("年底前", "", "2026-12-31"), ("2026-12-31前", "", "2026-12-31"),
        ("2026年12月31日前", "", "2026-12-31"), ("2026.12.5", "", "2026-12-05"), ("before end of March", "", "2027-03-31"),
        ("before March 31", "", "2027-03-31"), ("by 31 December", "", "2026-12-31"), ("by Dec 15, 2026", "", "2026-12-15"),
        ("明年3月前", "", "2027-02-28"), ("12月10日到20日", "2026-12-10", "2026-12-20"), ("Dec 10 to 20", "2026-12-10", "2026-12-20"),
        ("10-20 December 2026", "2026-12-10", "2026-12-20"), ("2026年12月1日至2026年12月20日", "2026-12-01", "2026-12-20"),
        ("下周五前", "", "2026-11-27"), ("next Friday", "", "2026-11-27"), ("最迟下周三", "", "2026-11-25"), ("12月上旬到货", "2026-12-01", "2026-12-10"),
        ("2027年一季度", "2027-01-01", "2027-03-31"), ("Q1 2027", "2027-01-01", "2027-03-31"), ("mid-January", "2027-01-11", "2027-01-20"),
        ("自2026-12-01起", "2026-12-01", ""), ("from 1 March", "2027-03-01", ""), ("in March", "2027-03-01", "2027-03-31"),
        ("元旦前", "", "2027-01-01"), ("end of next month", "", "2026-12-31"), ("不晚于12月25日", "", "2026-12-25"),
    ],
)  # fmt: skip
def test_find_window_reads_when(text, first, last):
    assert window_in(text) == [(first, last, None)]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("交期15天", 15),
        ("lead time 20 days", 20),
        ("货期 7-10 天", 10),
        ("45天交货", 45),
        ("5天左右发货", 5),
        ("delivery 3 weeks", 21),
    ],
)
def test_find_window_reads_a_lead_time(text, days):
    assert window_in(text) == [("", "", days)]


@pytest.mark.parametrize(
    "text",
    [
        "500 只",
        "DN50",
        "租期3年",
        "证书有效期至2027-05-01",
        "since 2010",
        "300吨/月",
        "asap",
        "market",
        "it may be",
        "2024-01-01前",
    ],
)
def test_find_window_leaves_what_is_no_window(text):
    assert window_in(text) == []


def test_find_window_of_a_day_that_is_past_this_year_is_next_years():
    assert window_in("3月5日前", date(2026, 3, 6)) == [("", "2027-03-05", None)]
    assert window_in("3月5日前", date(2026, 3, 5)) == [("", "2026-03-05", None)]


def test_find_moments_waits_for_a_leap_year():
    assert [moment.first for moment in find_moments("2月29日", date(2026, 11, 22))] == [date(2028, 2, 29)]


def test_add_months_stays_in_the_month():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 11, 30), 3) == date(2027, 2, 28)
