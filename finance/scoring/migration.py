"""How firms moved between grades, and how bunched they stand (ECB validation reporting 2019, sections 2.5.5.1-2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Migration:
    """Counts of firms by grade then (row) and now (column), best grade first.

    ``worse`` and ``better`` are the matrix weighted bandwidths: how far those who moved went, of how far they could.
    """

    grades: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    stayed: float
    worse: float
    better: float

    def to_dict(self) -> dict:
        return {
            "grades": list(self.grades),
            "counts": [list(row) for row in self.counts],
            "stayed": self.stayed,
            "worse": self.worse,
            "better": self.better,
        }


def migration(then: Sequence[str], now: Sequence[str], *, grades: Sequence[str]) -> Migration:
    """Return the migration matrix of the same firms at two moments.

    :param then: grade of each firm at the start, shape (n,)
    :param now: its grade at the end, shape (n,)
    :param grades: all grades, best first
    :raises ValueError: if a grade is unknown

    >>> found = migration(["A", "A", "B"], ["A", "C", "B"], grades=["A", "B", "C"])
    >>> found.counts
    ((1, 0, 1), (0, 1, 0), (0, 0, 0))
    >>> round(found.stayed, 3), found.worse, found.better
    (0.667, 1.0, 0.0)
    """
    places = {grade: place for place, grade in enumerate(grades)}
    if unknown := sorted({*then, *now} - set(places)):
        raise ValueError(f"Unknown grade: {unknown[0]}")
    size = len(places)
    counts = np.zeros((size, size), int)
    for before, after in zip(then, now, strict=True):
        counts[places[before], places[after]] += 1
    total = int(counts.sum())
    return Migration(
        tuple(grades),
        tuple(tuple(int(count) for count in row) for row in counts),
        float(np.trace(counts) / total) if total else 0.0,
        _bandwidth(np.triu(counts, 1)),
        _bandwidth(np.tril(counts, -1)),
    )


def _bandwidth(moved: np.ndarray) -> float:
    """Return the sum of steps taken over the sum of the steps that could have been: ECB's MWB."""
    rows, columns = np.indices(moved.shape)
    furthest = np.maximum(rows, len(moved) - 1 - rows)
    possible = (furthest * moved).sum()
    return float((np.abs(rows - columns) * moved).sum() / possible) if possible else 0.0


def herfindahl(counts: Sequence[int]) -> float:
    """Return how bunched firms stand in the grades: 0 where each grade holds equally many, 1 where one holds all.

    ECB 2019, 2.5.5.2: 1 + log((CV^2 + 1) / K) / log(K), CV the coefficient of variation of the shares.

    >>> herfindahl([5, 5, 5, 5])
    0.0
    >>> herfindahl([20, 0, 0, 0])
    1.0
    """
    counts = np.asarray(counts, float)
    if len(counts) < 2 or not counts.sum():
        return 1.0
    shares, grades = counts / counts.sum(), len(counts)
    variation = grades * np.sum((shares - 1 / grades) ** 2)
    return abs(float(1 + np.log((variation + 1) / grades) / np.log(grades)))


def concentration_test(before: Sequence[int], now: Sequence[int]) -> tuple[float, float, float]:
    """Return Herfindahl then, now, and the chance of a rise as great if nothing had changed (ECB 2019, 2.5.5.2).

    >>> then, now, p = concentration_test([25, 25, 25, 25], [26, 24, 25, 25])
    >>> round(then, 3), round(now, 4), p > 0.4
    (0.0, 0.0006, True)
    """
    then_index, now_index = herfindahl(before), herfindahl(now)
    # Drawn, not the normal approximation: with the few firms of a grade here its tail does not hold.
    generator = np.random.default_rng(0)
    total = int(np.sum(now))
    if not total or not np.sum(before):
        return then_index, now_index, 1.0
    shares = (np.asarray(before, float) + 0.5) / (np.sum(before) + 0.5 * len(before))
    draws = generator.multinomial(total, shares, size=2000)
    rises = np.array([herfindahl(draw) for draw in draws])
    return then_index, now_index, float((1 + np.sum(rises >= now_index)) / 2001)
