"""The invoices of made-up firms: years of sales and purchases as an accountant would export them (no Django here)."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

MONTHS = 36
# Around the Spring Festival hardly anybody writes invoices, in December everybody does.
SEASON = (0.95, 0.45, 1.0, 1.05, 1.0, 1.05, 1.0, 0.95, 1.05, 1.0, 1.1, 1.35)
TAX_RATE = 0.13
SALES_HEADER = ("发票号码", "开票日期", "购方单位代号", "金额", "税额", "价税合计", "发票状态")
PURCHASES_HEADER = ("发票号码", "开票日期", "销方单位代号", "金额", "税额", "价税合计", "发票状态")
VALID, VOID = "有效发票", "作废发票"


@dataclass(frozen=True, slots=True)
class Trade:
    """How a firm trades: invoices a month, the median of their amounts (CNY) and its spread (of the logarithm), how many
    counterparties, growth a year, and which share is void or a refund.
    """

    per_month: float
    median: float
    spread: float = 1.0
    counterparties: int = 40
    growth: float = 0.08
    void: float = 0.06
    refunds: float = 0.012
    # Months before the end in which it fell silent.
    silent: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """What a firm sells and buys."""

    sales: Trade
    purchases: Trade


# From the sound to the failing.
SOUND = Book(Trade(46, 38_000, counterparties=55), Trade(62, 9_500, counterparties=70))
STEADY = Book(Trade(28, 26_000, counterparties=30, growth=0.03), Trade(36, 8_000, counterparties=40))
YOUNG = Book(Trade(18, 18_000, counterparties=14, growth=0.45), Trade(22, 7_000, counterparties=20, growth=0.4))
LEANING = Book(Trade(20, 30_000, counterparties=4, growth=-0.05), Trade(24, 9_000, counterparties=18))
FAILING = Book(
    Trade(3, 4_000, counterparties=4, growth=-0.5, void=0.3, refunds=0.03, silent=6),
    Trade(3, 2_500, counterparties=5, growth=-0.4, silent=5),
)


def sales_file(book: Book, *, name: str, until: date, known: date | None = None) -> bytes:
    """Return the sales of a firm as CSV, the same for the same name and month of ``until``.

    Every invoice lies before the month of ``until``; with ``known`` only those before that day are in it.
    """
    random = Random(f"sales {name}")  # noqa: S311 - made-up data
    return _file(SALES_HEADER, _invoices(book.sales, random, until, "B"), known or until)


def purchases_file(book: Book, *, name: str, until: date, known: date | None = None) -> bytes:
    """Return the purchases of a firm as CSV, as ``sales_file`` does its sales."""
    random = Random(f"purchases {name}")  # noqa: S311 - made-up data
    return _file(PURCHASES_HEADER, _invoices(book.purchases, random, until, "A"), known or until)


def _file(header: tuple[str, ...], rows: Iterator[tuple], known: date) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(row for row in rows if row[1] < known)
    return text.getvalue().encode("utf-8-sig")


def _invoices(trade: Trade, random: Random, until: date, letter: str) -> Iterator[tuple]:
    names = [f"{letter}{random.randrange(100_000):05d}" for _ in range(trade.counterparties)]
    # A few buy most: the usual shape of trade.
    weights = [1 / (place + 1.5) for place in range(trade.counterparties)]
    number = random.randrange(10_000_000, 80_000_000)
    for months_ago in range(MONTHS, trade.silent, -1):
        first = _month_before(until, months_ago)
        expected = trade.per_month * SEASON[first.month - 1] * (1 + trade.growth) ** (-months_ago / 12)
        days = sorted(random.randrange(28) for _ in range(round(random.gauss(expected, math.sqrt(expected)))))
        for day in days:
            number += random.choice((1, 1, 1, 2, 5))
            net = round(trade.median * math.exp(random.gauss(0, trade.spread)), 2)
            if random.random() < trade.refunds:
                net = -round(net * random.uniform(0.05, 0.4), 2)
            tax = round(net * TAX_RATE, 2)
            state = VOID if random.random() < trade.void else VALID
            name = random.choices(names, weights)[0]
            yield number, first + timedelta(days=day), name, net, tax, round(net + tax, 2), state


def _month_before(day: date, months: int) -> date:
    """Return the first day of the month that many months before."""
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)
