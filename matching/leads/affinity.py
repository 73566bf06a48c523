"""How much firms of an industry, or firms that sell something, need goods of a category.

An input–output table in small: the rate at which firms of a class demand a category, drawn towards the class above
it, and that towards a curated table of who buys what (``data/leads/industry_needs.tsv``). With n demanding firms among
N of a class and the rate p of the class above, the shrunken rate is (n + k p) / (N + k).
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np

from matching.leads.book import Book

NEEDS = Path(__file__).parent.parent / "data" / "leads" / "industry_needs.tsv"
# What the curated table's words mean until demands say better.
CURATED = {"core": 0.20, "often": 0.08, "some": 0.03}
# So many firms of a class weigh as much as what the class above says.
PATIENCE = 12.0
LEAST = 1e-4


@cache
def curated_needs() -> tuple[tuple[str, str, float], ...]:
    """Return (start of an industry code, start of a category code, rate) as the curated table has them."""
    with NEEDS.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t")
        return tuple((row["industry"], row["category"], CURATED[row["need"]]) for row in rows)


@cache
def curated_rate(industry: str, category: str) -> float:
    """Return the rate at which the curated table expects firms of an industry to need a category, 0 where it is silent.

    >>> curated_rate("3441", "valve.ball") > curated_rate("1530", "valve.ball")
    True
    """
    if not industry:
        return 0.0
    rates = [
        rate
        for start, goods, rate in curated_needs()
        if industry.startswith(start) and (category == goods or category.startswith(f"{goods}."))
    ]
    return max(rates, default=0.0)


def industry_rates(book: Book, category: str, aggregate: np.ndarray | None = None) -> np.ndarray:
    """Return for each firm, float (n,), the rate at which firms of its industry need the category.

    ``aggregate``, float (industries,), are buyers known beside the public demands, counted over at least five firms
    each.
    """
    is_buyer = book.buyers(category).astype(np.float64)
    overall = (is_buyer.sum() + 1.0) / (len(book) + 50.0)
    expected = np.array([curated_rate(code, category) for code in book.industries], dtype=np.float64)
    rate = np.where(expected > 0, np.maximum(expected, overall), overall)[book.industry]
    for digits in (2, 3, 4):
        starts = [code[:digits] if len(code) >= digits else "" for code in book.industries]
        names = {name: place for place, name in enumerate(sorted(set(starts)))}
        of_industry = np.array([names[start] for start in starts], dtype=np.int64)
        of_firm = of_industry[book.industry]
        firms = np.bincount(of_firm, minlength=len(names))
        buyers = np.bincount(of_firm, weights=is_buyer, minlength=len(names))
        if aggregate is not None:
            hidden = np.bincount(of_industry, weights=aggregate, minlength=len(names))
            buyers = np.minimum(np.maximum(buyers, hidden), firms)
        shrunk = (buyers[of_firm] + PATIENCE * rate) / (firms[of_firm] + PATIENCE)
        # A firm that says no industry is of no class.
        is_told = np.array([len(code) >= digits for code in book.industries], dtype=bool)[book.industry]
        rate = np.where(is_told, shrunk, rate)
    return np.clip(rate, LEAST, 1 - LEAST)


def selling_rates(book: Book, category: str) -> tuple[np.ndarray, np.ndarray]:
    """Return for each firm, float (n,), the rate at which firms need the category that sell what it sells; NaN: unknown.

    The mean over what it sells. The second array, int (n,), is the place of the category it sells that speaks loudest
    for it, -1 where it sells nothing.
    """
    is_buyer = book.buyers(category).astype(np.float64)
    overall = (is_buyer.sum() + 1.0) / (len(book) + 50.0)
    own = is_buyer[book.sold_by]
    group = book.group[book.sold] if len(book.sold) else np.zeros(0, dtype=np.int64)
    group_rate = _shrunken(group, own, overall)
    rate = _shrunken(book.sold, own, group_rate)
    count = np.bincount(book.sold_by, minlength=len(book))
    total = np.bincount(book.sold_by, weights=rate, minlength=len(book))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    loudest = np.full(len(book), -1, dtype=np.int64)
    # Written in ascending order of rate, the last one stands; ties go to the smaller category.
    order = np.lexsort((-book.sold, rate))
    loudest[book.sold_by[order]] = book.sold[order]
    return np.clip(mean, LEAST, 1 - LEAST), loudest


def _shrunken(kind: np.ndarray, is_buyer: np.ndarray, prior: np.ndarray | float) -> np.ndarray:
    """Return for each row the shrunken rate of buyers among the rows of its kind."""
    if not len(kind):
        return np.zeros(0)
    rows = np.bincount(kind)[kind]
    buyers = np.bincount(kind, weights=is_buyer)[kind]
    return (buyers + PATIENCE * prior) / (rows + PATIENCE)
