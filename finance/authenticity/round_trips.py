"""Goods sold to a firm and bought back from it, at about the same amount and time: sales that are none."""

from collections import defaultdict

import numpy as np

from finance.authenticity.facts import PURCHASES, SALES, Facts
from finance.authenticity.findings import DOUBT, GRAVE, NOTE, Found, money

WINDOW = 90  # days between there and back
TOLERANCE = 0.1  # of the larger amount
# Of the sales of the last year: below the first it is a note (returns, processing), from the second on grave.
NOTEWORTHY, LARGE = 0.01, 0.05
YEAR = 365


def find_round_trips(facts: Facts) -> list[Found]:
    """Return, per counterparty, the sales that came back as purchases; neither counts.

    Each sale is paired with at most one purchase from the same counterparty within ``WINDOW`` days whose amount differs
    by no more than ``TOLERANCE``, nearest amounts first.
    """
    sales, purchases = _by_partner(facts, SALES), _by_partner(facts, PURCHASES)
    yearly = _yearly_sales(facts)
    found = []
    for partner in sorted(sales.keys() & purchases.keys()):
        pairs = pair(facts, sales[partner], purchases[partner])
        if pairs:
            found.append(_round_trip(facts, partner, pairs, yearly))
    return found


def pair(facts: Facts, sales: list[int], purchases: list[int]) -> list[tuple[int, int]]:
    """Pair sales with purchases of about the same amount and time; the nearest amounts first, ties by row.

    Purchases are looked up by day, so that the work grows with what lies in the window.
    """
    bought = np.array(purchases)
    days = facts.day[bought]
    candidates = []
    for sale in sales:
        first, last = np.searchsorted(days, [facts.day[sale] - WINDOW, facts.day[sale] + WINDOW + 1])
        near = bought[first:last]
        apart = np.abs(facts.net[near] - facts.net[sale]) / np.maximum(facts.net[near], facts.net[sale])
        close = apart <= TOLERANCE
        candidates += [(float(gap), sale, int(row)) for gap, row in zip(apart[close], near[close], strict=True)]
    pairs, used = [], set()
    for _gap, sale, purchase in sorted(candidates):
        if sale not in used and purchase not in used:
            used |= {sale, purchase}
            pairs.append((sale, purchase))
    return sorted(pairs)


def _by_partner(facts: Facts, kind: str) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(facts.of_kind(kind) & (facts.partner >= 0) & (facts.net > 0)):
        rows[int(facts.partner[row])].append(int(row))
    return rows


def _yearly_sales(facts: Facts) -> float:
    if not len(facts):
        return 0.0
    recent = facts.of_kind(SALES) & (facts.day > facts.day[-1] - YEAR)
    return float(facts.net[recent].sum())


def severity_of(amount: float, yearly: float) -> str:
    share = amount / yearly if yearly > 0 else 1.0
    return NOTE if share < NOTEWORTHY else DOUBT if share < LARGE else GRAVE


def _round_trip(facts: Facts, partner: int, pairs: list[tuple[int, int]], yearly: float) -> Found:
    rows = tuple(sorted(row for one in pairs for row in one))
    amount = float(sum(facts.net[sale] for sale, _purchase in pairs))
    name, count = facts.partners[partner], len(pairs)
    return Found(
        kind="round_trip",
        severity=severity_of(amount, yearly),
        rows=rows,
        weights=(0.0,) * len(rows),
        zh=f"对同一企业的 {count} 笔销售（合计 {money(amount)}）在 {WINDOW} 天内以相近金额买回，不计入。",
        en=f"{count} sales to one firm ({money(amount)}) were bought back within {WINDOW} days at about the same amounts; they do not count.",
        figures={"partner": name, "pairs": count, "amount": round(amount, 2)},
        subject=name,
    )
