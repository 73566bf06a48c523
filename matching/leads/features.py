"""What speaks for a firm as a lead, one column each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from marketplace.parsing.regions import distance_km
from matching.leads.affinity import industry_rates, selling_rates
from matching.leads.book import Book, group_of
from matching.leads.history import own_history, related_history

FIRM_FEATURES = (
    "industry",
    "sells",
    "demands",
    "due",
    "related",
    "similar",
    "text",
    "distance",
    "elsewhere",
    "size",
    "ours",
    "experience",
    "lost",
)
HORIZON_DAYS = 90.0
# A pattern counts only where so many firms make it: nobody's own doings can be read out of it.
LEAST_FIRMS = 5
NEAR_KM = 500.0


@dataclass(frozen=True)
class Asked:
    """A supply that looks for customers, and what its own firm knows.

    ``vector`` (dim,) is the embedding of its words. ``ours`` are the asking firm's own past orders of such goods by
    buyer: (how many, days since the last). ``experience`` is by industry what calls led to, in log-odds above or below
    the usual; ``experience_projects`` the same for projects. ``lost`` are firms that said no: (by id) days since.
    ``aggregate`` are buyers by industry known from orders of at least five firms each.
    """

    category: str
    region: str
    vector: np.ndarray
    today: int
    ours: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    experience: Mapping[str, float] = field(default_factory=dict)
    experience_projects: Mapping[str, float] = field(default_factory=dict)
    lost: Mapping[int, int] = field(default_factory=dict)
    lost_projects: Mapping[int, int] = field(default_factory=dict)
    aggregate: Mapping[str, int] = field(default_factory=dict)


def log_odds(chance: np.ndarray) -> np.ndarray:
    """Return ln(p / (1 - p)).

    >>> float(log_odds(np.array([0.5]))[0])
    0.0
    """
    return np.log(chance) - np.log1p(-chance)


@dataclass(frozen=True)
class Facts:
    """What the features were made of, as the reasons tell it; arrays over the firms."""

    industry_rate: np.ndarray
    selling_rate: np.ndarray
    loudest: np.ndarray
    count: np.ndarray
    since: np.ndarray
    due: np.ndarray
    related: np.ndarray
    similar: np.ndarray
    text: np.ndarray
    km: np.ndarray
    elsewhere: np.ndarray
    size: np.ndarray
    ours: np.ndarray
    ours_since: np.ndarray


def firm_features(book: Book, asked: Asked) -> tuple[np.ndarray, Facts]:
    """Return the features of each firm, float (n, len(FIRM_FEATURES)), NaN where unknown, and what they stand for."""
    category, n = asked.category, len(book)
    counted = np.array([asked.aggregate.get(code, 0) for code in book.industries], dtype=np.float64)
    by_industry = industry_rates(book, category, np.where(counted >= LEAST_FIRMS, counted, 0.0))
    by_selling, loudest = selling_rates(book, category)
    count, since, chance = own_history(book, category, asked.today, horizon=HORIZON_DAYS)
    related = related_history(book, category, group_of(category), asked.today)
    similar = similarity_to_buyers(book, category)
    text = np.where(book.has_vector, book.vectors @ asked.vector.astype(np.float32), np.nan)
    km = distances(book, asked.region)
    posted = np.bincount(book.wanted_by, weights=book.wanted_count, minlength=n)
    elsewhere = np.where(count > 0, 0.0, posted)
    ours, ours_since = np.zeros(n), np.full(n, np.nan)
    lost = np.zeros(n)
    for firm, (orders, days) in asked.ours.items():
        if (place := place_of(book, firm)) is not None:
            ours[place], ours_since[place] = orders, days
    for firm, days in asked.lost.items():
        if (place := place_of(book, firm)) is not None:
            lost[place] = fading(days)
    experience = np.array([asked.experience.get(code, 0.0) for code in book.industries], dtype=np.float64)[
        book.industry
    ]
    columns = {
        "industry": log_odds(by_industry),
        "sells": log_odds(by_selling) - log_odds(by_industry),
        "demands": np.log1p(count),
        "due": chance,
        "related": np.log1p(related),
        "similar": similar,
        "text": text,
        "distance": np.exp(-km / NEAR_KM),
        # Who posts often and never this needs it less than who never posts.
        "elsewhere": np.log1p(elsewhere),
        "size": np.log1p(np.maximum(book.size - posted, 0.0)),
        "ours": np.log1p(ours) * np.where(ours > 0, np.exp(-np.nan_to_num(ours_since) / 730.0), 0.0),
        "experience": experience,
        "lost": lost,
    }
    facts = Facts(
        by_industry,
        by_selling,
        loudest,
        count,
        since,
        chance,
        related,
        similar,
        text,
        km,
        elsewhere,
        book.size,
        ours,
        ours_since,
    )
    return np.column_stack([columns[name] for name in FIRM_FEATURES]).reshape(n, len(FIRM_FEATURES)), facts


def fading(days: float) -> float:
    """Return how much a refusal still weighs: all on the day, half after 180 days.

    >>> fading(0), fading(180)
    (1.0, 0.5)
    """
    return 0.5 ** (max(days, 0) / 180.0)


def place_of(book: Book, firm: int) -> int | None:
    place = int(np.searchsorted(book.ids, firm))
    return place if place < len(book) and book.ids[place] == firm else None


def similarity_to_buyers(book: Book, category: str) -> np.ndarray:
    """Return how like the known buyers of the category each firm is, float (n,); NaN with fewer than five buyers.

    The cosine of its words with the mean of those firms' that posted public demands for the category, itself left out,
    above that with the mean of all firms.
    """
    buyers = np.flatnonzero(book.buyers(category) & book.has_vector)
    if len(buyers) <= LEAST_FIRMS:
        return np.full(len(book), np.nan)
    total = book.vectors[buyers].sum(axis=0)
    dots = book.vectors @ total
    self_dots = np.zeros(len(book), dtype=np.float32)
    self_dots[buyers] = (book.vectors[buyers] ** 2).sum(axis=1)
    # |total - own|² = |total|² - 2 total·own + |own|²
    length = np.full(len(book), float(total @ total))
    length[buyers] += self_dots[buyers] - 2 * dots[buyers]
    mean = book.vectors[book.has_vector].mean(axis=0)
    usual = book.vectors @ (mean / max(float(np.linalg.norm(mean)), 1e-9))
    found = (dots - self_dots) / np.sqrt(np.maximum(length, 1e-9)) - usual
    return np.where(book.has_vector, found, np.nan)


def distances(book: Book, region: str) -> np.ndarray:
    """Return the kilometres from the region to each firm, float (n,), NaN where one of the places is unknown."""
    found = [distance_km(region, other) for other in book.regions]
    return np.array([np.nan if km is None else km for km in found], dtype=np.float64)[book.region]
