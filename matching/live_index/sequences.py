"""Under which number each entry was last read: what a process compares with the rows when it starts."""

from collections.abc import Iterable
from typing import Self

import numpy as np


class Sequences:
    """The number of each entry by its listing's id, also of listings that cannot be found now.

    >>> sequences = Sequences(np.array([3, 7]), np.array([10, 11]))
    >>> sequences.note([(7, 12), (9, 13)])
    >>> sequences.forget([3])
    >>> [column.tolist() for column in sequences.arrays()]
    [[7, 9], [12, 13]]
    """

    def __init__(self, ids: np.ndarray | None = None, numbers: np.ndarray | None = None) -> None:
        """Begin with these ids, ascending, and their numbers; both may be memory-mapped."""
        self._ids = np.zeros(0, dtype=np.int64) if ids is None else ids
        self._numbers = np.zeros(0, dtype=np.int64) if numbers is None else numbers
        # What changed since: a million in a dict would be the largest thing that a process has for itself.
        self._later: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._ids) + len(self._later)

    def note(self, pairs: Iterable[tuple[int, int]]) -> None:
        self._later.update(pairs)

    def forget(self, ids: Iterable[int]) -> None:
        self._later.update(dict.fromkeys(ids, -1))

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all ids, ascending, and their numbers."""
        later = np.array(sorted(self._later.items()), dtype=np.int64).reshape(-1, 2)
        stays = np.isin(self._ids, later[:, 0], invert=True)
        later = later[later[:, 1] >= 0]
        ids = np.concatenate([self._ids[stays], later[:, 0]])
        order = np.argsort(ids, kind="stable")
        return ids[order], np.concatenate([self._numbers[stays], later[:, 1]])[order]

    def copy(self) -> Self:
        return type(self)(*self.arrays())

    def digest(self) -> tuple[int, int, int]:
        """Return how many there are and two sums that the database can form as well (see IndexEntry.digest)."""
        ids, numbers = self.arrays()
        return len(ids), int(numbers.sum()), int(((ids % 65536) * (numbers % 65536)).sum())

    def differing(self, ids: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compare with what the rows say; return the ids that are not there any more, and those that are another."""
        own_ids, own_numbers = self.arrays()
        gone = own_ids[np.isin(own_ids, ids, invert=True)]
        if not len(own_ids):
            return gone, ids
        places = np.minimum(np.searchsorted(own_ids, ids), len(own_ids) - 1)
        return gone, ids[(own_ids[places] != ids) | (own_numbers[places] != numbers)]
