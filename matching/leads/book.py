"""Firms as buyers, in arrays: what is asked of twenty thousand of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Firm:
    """What everybody may know of a firm; ``demands`` are its public ones by category: (how many, first day, last day).

    Days are ordinals. ``vector`` has length one, or 0 where nothing was read; it may be None.
    """

    id: int
    industry: str = ""
    region: str = ""
    sells: tuple[str, ...] = ()
    demands: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    size: int = 0
    vector: np.ndarray | None = None


def group_of(category: str) -> str:
    """Return the group of goods a category belongs to: what stands before the first dot of its code.

    >>> group_of("valve.ball"), group_of("valve")
    ('valve', 'valve')
    """
    return category.partition(".")[0]


class Book:
    """The firms, sorted by id, as columns; immutable.

    ids, size (n,); vectors float32 (n, dim), zeros where unknown; industry and region, int (n,), are places in
    ``industries`` and ``regions``. Pairs of a firm and a category stand in parallel arrays: ``sold_by`` (place of the
    firm) and ``sold`` (place in ``categories``); ``wanted_by``, ``wanted``, ``wanted_count``, ``first_day``,
    ``last_day`` for the public demands.
    """

    def __init__(self, firms: Sequence[Firm], *, dim: int) -> None:
        firms = sorted(firms, key=lambda firm: firm.id)
        self.ids = np.array([firm.id for firm in firms], dtype=np.int64)
        self.size = np.array([firm.size for firm in firms], dtype=np.float64)
        self.industries, self.industry = _coded([firm.industry for firm in firms])
        self.regions, self.region = _coded([firm.region for firm in firms])
        self.vectors = np.zeros((len(firms), dim), dtype=np.float32)
        for place, firm in enumerate(firms):
            if firm.vector is not None:
                self.vectors[place] = firm.vector
        self.has_vector = self.vectors.any(axis=1)
        self.categories = sorted({code for firm in firms for code in (*firm.sells, *firm.demands)})
        self.place_of = {code: place for place, code in enumerate(self.categories)}
        groups, self.group = _coded([group_of(code) for code in self.categories])
        self.group_of = {name: place for place, name in enumerate(groups)}
        sold = [(place, self.place_of[code]) for place, firm in enumerate(firms) for code in firm.sells]
        self.sold_by, self.sold = np.array(sold, dtype=np.int64).reshape(-1, 2).T
        wanted = [
            (place, self.place_of[code], *facts)
            for place, firm in enumerate(firms)
            for code, facts in sorted(firm.demands.items())
        ]
        columns = np.array(wanted, dtype=np.int64).reshape(-1, 5).T
        self.wanted_by, self.wanted, self.wanted_count, self.first_day, self.last_day = columns

    def __len__(self) -> int:
        return len(self.ids)

    def buyers(self, category: str) -> np.ndarray:
        """Return which firms, bool (n,), posted a public demand for the category."""
        found = np.zeros(len(self), dtype=bool)
        place = self.place_of.get(category)
        if place is not None:
            found[self.wanted_by[self.wanted == place]] = True
        return found


def _coded(values: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Return the distinct values in order, and the place of each value among them."""
    distinct = sorted(set(values))
    place = {value: number for number, value in enumerate(distinct)}
    return distinct, np.array([place[value] for value in values], dtype=np.int64)
