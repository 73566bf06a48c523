"""Sales that rise all at once before an application, measured against the firm's own history."""

from datetime import date

import numpy as np

from finance.authenticity.facts import SALES, Facts
from finance.authenticity.findings import DOUBT, GRAVE, NOTE, Found, money
from finance.scoring.trades import day_number

WINDOW = 60  # days
LEAST_WINDOWS = 6  # of history, a year
# How far above the firm's usual window its last may lie: robust standard deviations, and the spread a firm has at least.
USUAL, LEAST_SPREAD = 3.5, 0.2
# Scales the median absolute deviation to the standard deviation of normal errors (Rousseeuw & Croux 1993).
MAD_SCALE = 1.4826
# Beside that it must be so many times the median, the highest other window, and the same season of last year.
FACTOR, ABOVE_HIGHEST, ABOVE_LAST_YEAR = 1.8, 1.2, 1.3
# New customers may buy so many times what new ones ever bought in a window, and this part of a usual window more.
NEW_FACTOR, NEW_SHARE = 1.5, 0.3
# A firm without sales in every fourth window has no usual one.
LEAST_ACTIVE = 0.75


def find_bursts(facts: Facts, *, as_of: date) -> list[Found]:
    """Return the sudden rise of sales in the last 60 days, if there is one.

    Sales without tax are summed over windows of 60 days counted back from ``as_of``. The last is a burst where it lies
    above the median of the others by ``USUAL`` robust deviations and well above every other and the same season of last
    year, or where firms that never bought before make up an unheard-of part of it. Then what is beyond the usual does not
    count, first of all what new customers bought. The bounds were set on firms whose outcome is not known.
    """
    last = day_number(as_of)
    rows = np.flatnonzero(facts.of_kind(SALES) & (facts.day <= last))
    if not len(rows):
        return []
    window = (last - facts.day[rows]) // WINDOW
    # The oldest window is not whole.
    count = int((last - facts.day[rows[0]] + 1) // WINDOW)
    if count < LEAST_WINDOWS + 1:
        return []
    inside = window < count
    rows, window = rows[inside], window[inside]
    sums = np.bincount(window, facts.net[rows], count)
    is_new = _is_new(facts, rows, window)
    # A firm's first customers are all new: the oldest third of history says nothing of them.
    told = max(LEAST_WINDOWS, 2 * count // 3)
    new_sums = np.bincount(window, facts.net[rows] * is_new, count)[:told]
    median, highest = float(np.median(sums[1:])), float(sums[1:].max())
    if median <= 0 or (sums[1:] > 0).mean() < LEAST_ACTIVE:
        return []
    usual, excess = _upper(sums[1:]), 0.0
    if sums[0] > max(usual, FACTOR * median, ABOVE_HIGHEST * highest, ABOVE_LAST_YEAR * _last_year(sums)):
        excess = float(sums[0]) - usual
    new_excess = float(new_sums[0]) - NEW_FACTOR * float(new_sums[1:].max())
    if new_excess <= NEW_SHARE * median or sums[0] <= median:
        new_excess = 0.0
    lost = max(excess, new_excess)
    if lost <= 0:
        return []
    return [_burst(facts, rows[window == 0], is_new[window == 0], lost, sums, last)]


def _is_new(facts: Facts, rows: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return which sales go to a counterparty that bought for the first time in that very window."""
    first: dict[int, int] = {}
    for partner, place in zip(facts.partner[rows], window, strict=True):
        first.setdefault(int(partner), int(place))
    return np.array([first[int(partner)] == place for partner, place in zip(facts.partner[rows], window, strict=True)])


def _upper(sums: np.ndarray) -> float:
    """Return the upper end of what is usual: median plus robust deviations."""
    median = float(np.median(sums))
    spread = MAD_SCALE * float(np.median(np.abs(sums - median)))
    return median + USUAL * max(spread, LEAST_SPREAD * abs(median))


def _last_year(sums: np.ndarray) -> float:
    """Return the sales of the same season a year ago: the larger of the two windows it may fall into."""
    return float(sums[5:8].max()) if len(sums) >= 8 else 0.0


def _burst(facts: Facts, rows: np.ndarray, is_new: np.ndarray, lost: float, sums: np.ndarray, last: int) -> Found:
    weights = np.ones(len(rows))
    positive = facts.net[rows] > 0
    new, rest = facts.net[rows][is_new & positive].sum(), facts.net[rows][~is_new & positive].sum()
    from_new = min(lost, new)
    if new > 0:
        weights[is_new & positive] = 1 - from_new / new
    if rest > 0:
        weights[~is_new & positive] = 1 - min(lost - from_new, rest) / rest
    doubted = weights < 1
    factor = sums[0] / max(float(np.median(sums[1:])), 1.0)
    amount, share = money(float(lost)), lost / sums[0]
    customers = len(set(facts.partner[rows[is_new]].tolist()))
    return Found(
        kind="burst",
        severity=NOTE if share < 0.1 else DOUBT if share < 0.4 else GRAVE,
        rows=tuple(int(row) for row in rows[doubted]),
        weights=tuple(float(weight) for weight in np.clip(weights[doubted], 0, 1)),
        zh=f"最近 {WINDOW} 天销售额是以往同长时段中位数的 {factor:.1f} 倍，其中新客户 {customers} 家；超出平常的 {amount} 不计入。",
        en=f"Sales of the last {WINDOW} days are {factor:.1f} times the firm's usual for such a time, with {customers} new customers; {amount} beyond the usual do not count.",
        figures={"factor": round(factor, 2), "new_customers": customers, "amount": round(float(lost), 2)},
    )
