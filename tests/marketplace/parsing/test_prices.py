import pytest

from marketplace.parsing.codes import Claims
from marketplace.parsing.folding import fold
from marketplace.parsing.prices import find_prices


def prices_in(text):
    folded = fold(text)
    return [
        (price.low, price.high, price.currency, price.unit) for price in find_prices(folded, Claims(len(folded.text)))
    ]


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("¥38/只", (38, 38, "CNY", "piece")), ("38元/只", (38, 38, "CNY", "piece")), ("RMB 38 per piece", (38, 38, "CNY", "piece")),
        ("CNY 3,200/t", (3200, 3200, "CNY", "t")), ("3.2-3.5万/吨", (32_000, 35_000, "CNY", "t")), ("38-42元/只", (38, 42, "CNY", "piece")),
        ("预算10万以内", (None, 100_000, "CNY", None)), ("under $5 each", (None, 5, "USD", "piece")), ("USD 1,200 per t", (1200, 1200, "USD", "t")),
        ("单价不超过38元", (None, 38, "CNY", None)), ("$1.2-1.5/pc", (1.2, 1.5, "USD", "piece")), ("租金0.8元/㎡/天", (0.8, 0.8, "CNY", "m2·day")),
        ("25元/平米/月", (25, 25, "CNY", "m2·month")), ("38块一只", (38, 38, "CNY", "piece")), ("6800元/吨起", (6800, None, "CNY", "t")),
        ("€45 per set", (45, 45, "EUR", "set")), ("2万/台", (20_000, 20_000, "CNY", "piece")), ("8350-8400/吨", (8350, 8400, "CNY", "t")),
        ("45元每米", (45, 45, "CNY", "m")), ("no more than EUR 3.20 per piece", (None, 3.2, "EUR", "piece")), ("8-12元/机时", (8, 12, "CNY", "hour")),
        ("from $3.5/m", (3.5, None, "USD", "m")), ("PN16，850元/只", (850, 850, "CNY", "piece")), ("￥１，２８０．００", (1280, 1280, "CNY", None)),
    ],
)  # fmt: skip
def test_find_prices_reads_a_price(text, price):
    assert prices_in(text) == [price]


@pytest.mark.parametrize(
    "text",
    [
        "价格面议",
        "500 只 304 球阀",
        "DN50 PN16",
        "3万米",
        "10万只",
        "注册资本500万元",
        "100万吨",
        "5k/月",
        "2026-12-31",
        "电话13800138000",
        "25kg/袋",
        "300吨/月",
    ],
)
def test_find_prices_leaves_what_is_no_money(text):
    assert prices_in(text) == []


def test_find_prices_reads_a_range_written_with_two_currencies():
    assert prices_in("¥85-¥95/只") == [(85, 95, "CNY", "piece")]


def test_price_reads_in_both_languages():
    folded = fold("预算10万以内")
    (price,) = find_prices(folded, Claims(len(folded.text)))

    assert (price.zh, price.en) == ("不超过 100,000 CNY（总额）", "at most 100,000 CNY in total")
