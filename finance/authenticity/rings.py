"""Trade in a circle: A sells to B, B to C, C back to A, at about the same amount, one after the other."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from finance.authenticity.facts import PURCHASES, SALES, Facts
from finance.authenticity.findings import Found, money
from finance.authenticity.round_trips import severity_of

WINDOW = 90  # days from the first sale to the last of a circle
TOLERANCE = 0.15  # every amount lies so near the first
LONGEST = 4  # firms in a circle
YEAR = 365
# A firm in the middle of everything would make the search endless: so many next steps are tried, the nearest amounts first.
MOST_STEPS = 50


@dataclass(frozen=True)
class Edges:
    """Sales between firms, each named by the code that the looked-at firm's records use; sorted by day, then id."""

    by_seller: dict[str, list[tuple[int, float, str, int]]]  # day, amount without tax, buyer, id

    @classmethod
    def of_sales(cls, sales: Iterable[tuple[str, str, int, float, int]]) -> Self:
        """Return edges of (seller, buyer, day number, amount without tax, id)."""
        by_seller: dict[str, list[tuple[int, float, str, int]]] = defaultdict(list)
        for seller, buyer, day, amount, number in sales:
            if seller and buyer and amount > 0:
                by_seller[seller].append((day, amount, buyer, number))
        return cls({seller: sorted(rows) for seller, rows in by_seller.items()})

    def after(self, seller: str, *, since: int, until: int, amount: float) -> list[tuple[int, float, str, int]]:
        """Return what a firm sold in these days at about this amount, the nearest amounts first."""
        rows = [
            row
            for row in self.by_seller.get(seller, ())
            if since <= row[0] <= until and abs(row[1] - amount) <= TOLERANCE * amount
        ]
        return sorted(rows, key=lambda row: (abs(row[1] - amount), row[0], row[3]))[:MOST_STEPS]


def find_rings(facts: Facts, edges: Edges) -> list[Found]:
    """Return the firm's sales that came back to it over one or two others; neither end counts.

    A circle starts with a sale of the firm and ends with a purchase of the firm; in between stand sales of others. Each
    record stands in one circle at most; circles over fewer firms are taken first.
    """
    bought: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(facts.of_kind(PURCHASES) & (facts.partner >= 0) & (facts.net > 0)):
        bought[facts.partner_of(row)].append(int(row))
    yearly = _yearly_sales(facts)
    found, used = [], set()
    for sale in np.flatnonzero(facts.of_kind(SALES) & (facts.partner >= 0) & (facts.net > 0)):
        if facts.partner_of(sale) not in edges.by_seller:
            continue
        circle = _circle(facts, int(sale), edges, bought, used)
        if circle is None:
            continue
        purchase, firms = circle
        used |= {int(sale), purchase}
        found.append(_ring(facts, int(sale), purchase, firms, yearly))
    return found


def _circle(facts: Facts, sale: int, edges: Edges, bought: dict, used: set[int]) -> tuple[int, list[str]] | None:
    amount, begun = float(facts.net[sale]), int(facts.day[sale])
    paths = [([facts.partner_of(sale)], begun)]
    for _length in range(2, LONGEST):
        further = []
        for firms, day in paths:
            for on, _amount, buyer, _number in edges.after(firms[-1], since=day, until=begun + WINDOW, amount=amount):
                if buyer in firms:
                    continue
                for row in bought.get(buyer, ()):
                    near = abs(facts.net[row] - amount) <= TOLERANCE * amount
                    if near and row not in used and on <= facts.day[row] <= begun + WINDOW:
                        return row, [*firms, buyer]
                further.append(([*firms, buyer], on))
        paths = further[:MOST_STEPS]
    return None


def _yearly_sales(facts: Facts) -> float:
    recent = facts.of_kind(SALES) & (facts.day > facts.day[-1] - YEAR)
    return float(facts.net[recent].sum())


def _ring(facts: Facts, sale: int, purchase: int, firms: list[str], yearly: float) -> Found:
    amount, count = float(facts.net[sale]), len(firms)
    first, last = facts.on(sale), facts.on(purchase)
    rows = tuple(sorted((sale, purchase)))
    return Found(
        kind="ring",
        severity=severity_of(amount, yearly),
        rows=rows,
        weights=(0.0, 0.0),
        zh=f"{first} 售出的 {money(amount)} 经 {count} 家企业于 {last} 以相近金额回到本企业，不计入。",
        en=f"The sale of {money(amount)} on {first} came back over {count} firms on {last} at about the same amount; it does not count.",
        figures={"firms": count, "amount": round(amount, 2)},
        subject=f"{facts.ids[sale]}-{facts.ids[purchase]}",
    )
