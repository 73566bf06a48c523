"""What a firm's own public demands say: how often it needs goods, and whether it is due."""

import numpy as np

from matching.leads.book import Book

# A firm silent for so many of its usual intervals has probably found another way.
PATIENCE_INTERVALS = 2.0
RECENT_DAYS = 365.0


def due(count: np.ndarray, first: np.ndarray, last: np.ndarray, today: int, *, horizon: float) -> np.ndarray:
    """Return the chance that a firm with this history asks again within the horizon, float of the arrays' shape.

    A renewal in the manner of BG/NBD (Fader, Hardie and Lee, 2005): the rate is that of the demands so far, with half a
    demand and one horizon of patience added, and the chance that the firm still buys falls with each usual interval it
    was silent.

    >>> day = np.array
    >>> often = due(day([6]), day([0]), day([500]), 560, horizon=90.0)
    >>> bool(often[0] > due(day([6]), day([0]), day([100]), 560, horizon=90.0)[0])
    True
    """
    count, span = np.asarray(count, dtype=np.float64), np.asarray(last - first, dtype=np.float64)
    rate = (np.maximum(count - 1, 0) + 0.5) / (span + 2 * horizon)
    silent = np.maximum(today - np.asarray(last, dtype=np.float64), 0.0)
    overdue = np.maximum(silent * rate - 1.0, 0.0)
    alive = 1.0 / (1.0 + (overdue / PATIENCE_INTERVALS) ** 2)
    return np.where(count > 0, alive * (1.0 - np.exp(-rate * horizon)), 0.0)


def own_history(book: Book, category: str, today: int, *, horizon: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each firm how many public demands for the category it posted, days since the last (NaN: none), ``due``."""
    count, since, chance = np.zeros(len(book)), np.full(len(book), np.nan), np.zeros(len(book))
    place = book.place_of.get(category)
    if place is not None:
        rows = book.wanted == place
        firms = book.wanted_by[rows]
        count[firms] = book.wanted_count[rows]
        since[firms] = np.maximum(today - book.last_day[rows], 0)
        chance[firms] = due(book.wanted_count[rows], book.first_day[rows], book.last_day[rows], today, horizon=horizon)
    return count, since, chance


def related_history(book: Book, category: str, group: str, today: int) -> np.ndarray:
    """Return for each firm, float (n,), its public demands for other goods of the group, older ones counting less."""
    place = book.group_of.get(group)
    if place is None:
        return np.zeros(len(book))
    rows = (book.group[book.wanted] == place) & (book.wanted != book.place_of.get(category, -1))
    age = np.maximum(today - book.last_day[rows], 0)
    weight = np.log1p(book.wanted_count[rows]) * np.exp(-age / RECENT_DAYS)
    return np.bincount(book.wanted_by[rows], weights=weight, minlength=len(book))
