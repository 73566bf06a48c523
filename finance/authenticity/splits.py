"""One sale invoiced in parts: consecutive numbers, one counterparty, one day, each just under a ceiling."""

from collections import defaultdict

import numpy as np

from finance.authenticity.facts import SALES, Facts
from finance.authenticity.findings import DOUBT, NOTE, Found, money

# Ceilings of one invoice, without tax, that tax offices set; many firms reach theirs every day.
CEILINGS = (1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0)
JUST_UNDER = 0.8
LEAST_PARTS = 3
# A larger invoice within this time shows that the ceiling was no reason.
HABIT_DAYS = 180
RECENT = 90


def find_splits(facts: Facts) -> list[Found]:
    """Return, per customer, the series of at least three invoices that look like one sale cut up.

    Their amounts are in truth one trade and count in full; what it proves is that the number of invoices says little.
    Many firms reach the ceiling of their invoices every day: that is a note. Where a firm that never did so before
    starts to, in the last 90 days and though it issues larger invoices, it is a doubt.
    """
    rows = np.flatnonzero(facts.of_kind(SALES) & (facts.net > 0) & (facts.number != ""))
    numbered = [
        (int(facts.day[row]), int(facts.partner[row]), int(facts.number[row]), int(row))
        for row in rows[_stand_together(facts, rows)]
        if str(facts.number[row]).isdecimal() and len(facts.number[row]) <= 20
    ]
    numbered.sort()
    splits: list[tuple[list[int], float]] = []
    series: list[tuple[int, int, int, int]] = []
    for one in [*numbered, None]:
        if series and (one is None or one[:2] != series[-1][:2] or one[2] != series[-1][2] + 1):
            cut = [row for *_same, row in series]
            if ceiling := _ceiling(facts, cut):
                splits.append((cut, ceiling))
            series = []
        if one is not None:
            series.append(one)
    return _by_customer(facts, splits, rows)


def _stand_together(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """Return which rows have enough others of the same day and counterparty: few of many."""
    pairs = facts.day[rows].astype(np.int64) * (len(facts.partners) + 1) + facts.partner[rows]
    _values, where, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    return counts[where] >= LEAST_PARTS


def _ceiling(facts: Facts, series: list[int]) -> float:
    """Return the ceiling that all these invoices lie just under, or 0; the last holds the rest and may be smaller."""
    if len(series) < LEAST_PARTS:
        return 0.0
    full, rest = facts.net[series[:-1]], facts.net[series[-1]]
    ceiling = next((one for one in CEILINGS if full.max() <= one), 0.0)
    return ceiling if full.min() >= JUST_UNDER * ceiling and rest <= ceiling else 0.0


def _by_customer(facts: Facts, splits: list[tuple[list[int], float]], sales: np.ndarray) -> list[Found]:
    if not splits:
        return []
    # Splits ascend by day; what was done before is the firm's habit, whatever its reason.
    is_habit = facts.day[-1] - facts.day[splits[0][0][0]] > RECENT
    customers: dict[int, list[tuple[list[int], float]]] = defaultdict(list)
    for series, ceiling in splits:
        customers[int(facts.partner[series[0]])].append((series, ceiling))
    found = []
    for _partner, cut in sorted(customers.items()):
        ceiling = max(one for _series, one in cut)
        near = np.abs(facts.day[sales] - facts.day[cut[0][0][0]]) <= HABIT_DAYS
        needless = not is_habit and bool((facts.net[sales][near] > ceiling).any())
        found.append(_split(facts, cut, ceiling, needless=needless))
    return found


def _split(facts: Facts, cut: list[tuple[list[int], float]], ceiling: float, *, needless: bool) -> Found:
    rows = sorted(row for series, _ceiling in cut for row in series)
    total, count, times = money(float(facts.net[rows].sum())), len(rows), len(cut)
    zh = f"同一天向同一客户连号开具多张略低于 {money(ceiling)} 的发票，共 {times} 次、{count} 张，合计 {total}：每次应为一笔交易。"
    en = f"On {times} days one customer got invoices with consecutive numbers, each just under {money(ceiling)}: {count} in all, {total}. Each day is one trade."
    if needless:
        zh += "以往没有这种做法，同期又开具过更大金额的发票，限额不能解释拆分。"
        en += " It was never done before, and larger invoices of that time show that no ceiling asked for it."
    return Found(
        kind="split",
        severity=DOUBT if needless else NOTE,
        rows=tuple(rows),
        weights=(1.0,) * count,
        zh=zh,
        en=en,
        figures={"times": times, "parts": count, "ceiling": ceiling, "amount": round(float(facts.net[rows].sum()), 2)},
        subject=facts.partner_of(rows[0]),
    )
