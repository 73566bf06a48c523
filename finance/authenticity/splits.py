"""One sale invoiced in parts: consecutive numbers, one counterparty, one day, each just under a ceiling."""

import numpy as np

from finance.authenticity.facts import SALES, Facts
from finance.authenticity.findings import DOUBT, NOTE, Found, money

# Ceilings of one invoice, without tax, that tax offices set; many firms reach theirs every day.
CEILINGS = (1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0)
JUST_UNDER = 0.8
LEAST_PARTS = 3
# A larger invoice within this time shows that the ceiling was no reason.
HABIT_DAYS = 180


def find_splits(facts: Facts) -> list[Found]:
    """Return the series of at least three invoices that look like one sale cut up.

    Their amounts are in truth one trade and count in full; what it proves is that the number of invoices says little.
    Where the firm issued larger invoices in the half year around, the ceiling does not explain it: a doubt, else a note.
    """
    rows = np.flatnonzero(facts.of_kind(SALES) & (facts.net > 0) & (facts.number != ""))
    numbered = [
        (int(facts.day[row]), int(facts.partner[row]), int(facts.number[row]), int(row))
        for row in rows
        if str(facts.number[row]).isdecimal() and len(facts.number[row]) <= 20
    ]
    numbered.sort()
    found, series = [], []
    for one in [*numbered, None]:
        if series and (one is None or one[:2] != series[-1][:2] or one[2] != series[-1][2] + 1):
            found += _split(facts, [row for *_same, row in series], rows)
            series = []
        if one is not None:
            series.append(one)
    return found


def _split(facts: Facts, series: list[int], rows: np.ndarray) -> list[Found]:
    if len(series) < LEAST_PARTS:
        return []
    # The last part holds the rest and may be of any size.
    full = facts.net[series[:-1]]
    ceiling = next((one for one in CEILINGS if full.max() <= one), None)
    if ceiling is None or full.min() < JUST_UNDER * ceiling or facts.net[series[-1]] > ceiling:
        return []
    near = np.abs(facts.day[rows] - facts.day[series[0]]) <= HABIT_DAYS
    has_larger = bool((facts.net[rows][near] > ceiling).any())
    total, count, on = money(float(facts.net[series].sum())), len(series), facts.on(series[0])
    zh = f"{on} 向同一客户连号开具 {count} 张发票，每张略低于 {money(ceiling)}，合计 {total}，应为一笔交易。"
    en = f"On {on} {count} invoices with consecutive numbers went to one customer, each just under {money(ceiling)}, {total} in all: one trade."
    if has_larger:
        zh += "同期开具过更大金额的发票，限额不能解释拆分。"
        en += " Larger invoices of that time show that no ceiling asked for it."
    return [
        Found(
            kind="split",
            severity=DOUBT if has_larger else NOTE,
            rows=tuple(series),
            weights=(1.0,) * count,
            zh=zh,
            en=en,
            figures={"parts": count, "ceiling": ceiling, "amount": round(float(facts.net[series].sum()), 2)},
        )
    ]
