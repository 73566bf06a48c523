"""Whether an index served the truly nearest vectors: brute force over all of them, a part at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Two kernels may differ by this much in the last digits of an inner product.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Asked:
    """What an index was asked and answered: ids ``allowed`` and ``served``, the latter best first, at most k."""

    vector: np.ndarray
    allowed: np.ndarray
    served: np.ndarray


@dataclass(frozen=True)
class Measured:
    """The share of the k nearest that was served; ``is_short``: fewer were served than the filter leaves."""

    recall: float
    allowed: int
    is_short: bool


class BruteForce:
    """Find the k nearest of every question while all vectors pass by once, so that memory stays small.

    Who is as near as the k-th counts as one of the k: ties are no loss.

    >>> rows = np.eye(3, dtype=np.float32)
    >>> asked = Asked(np.array([1, 0.5, 0], dtype=np.float32), np.array([10, 11, 12]), np.array([10, 12]))
    >>> BruteForce([asked], k=2).look(np.array([10, 11, 12]), rows).measured()
    [Measured(recall=0.5, allowed=3, is_short=False)]
    """

    def __init__(self, asked: Sequence[Asked], *, k: int) -> None:
        self.k = k
        # Many may be asked about the same ids: they are kept once.
        allowed = {id(one.allowed): one.allowed for one in asked}
        allowed = {key: np.unique(ids) for key, ids in allowed.items()}
        self._asked = [Asked(one.vector, allowed[id(one.allowed)], one.served[:k]) for one in asked]
        self._queries = np.stack([one.vector for one in asked]).astype(np.float32) if asked else np.zeros((0, 0))
        self._best = [np.zeros(0, dtype=np.float32) for _ in asked]
        self._served = [np.full(len(one.served), -np.inf, dtype=np.float32) for one in self._asked]
        self._seen = [0 for _ in asked]

    def look(self, ids: np.ndarray, vectors: np.ndarray) -> "BruteForce":
        """Take the next part of all vectors into account; return self.

        :param ids: ascending, shape (n,), none of which was here before
        :param vectors: shape (n, dim)
        """
        if not len(ids) or not self._asked:
            return self
        scores = vectors.astype(np.float32) @ self._queries.T
        for place, one in enumerate(self._asked):
            first, last = np.searchsorted(one.allowed, [ids[0], ids[-1] + 1])
            rows = np.flatnonzero(np.isin(ids, one.allowed[first:last], assume_unique=True))
            self._seen[place] += len(rows)
            best = np.concatenate([self._best[place], scores[rows, place]])
            if len(best) > self.k:
                best = np.partition(best, len(best) - self.k)[len(best) - self.k :]
            self._best[place] = best
            # Only what the filter allows was rightly served.
            found = np.flatnonzero(np.isin(one.served, ids[rows]))
            self._served[place][found] = scores[np.searchsorted(ids, one.served[found]), place]
        return self

    def measured(self) -> list[Measured]:
        """Return what was found of each question, in their order."""
        return [self._measure(place) for place in range(len(self._asked))]

    def _measure(self, place: int) -> Measured:
        best, seen = self._best[place], self._seen[place]
        wanted = min(self.k, seen)
        if not wanted:
            return Measured(1.0, 0, is_short=False)
        # The same listing twice would count once.
        _, first = np.unique(self._asked[place].served, return_index=True)
        right = int(np.count_nonzero(self._served[place][first] >= best.min() - ROUNDING))
        return Measured(min(right, wanted) / wanted, seen, is_short=len(first) < wanted)
