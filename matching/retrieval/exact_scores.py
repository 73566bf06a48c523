"""What every engine answers from the vectors themselves, whatever finds the candidates."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np


class ExactScores(ABC):
    """Scores and vectors of given ids, by one kernel for all engines."""

    @abstractmethod
    def _stored(self, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of the ids that are here, and which those are, bool (len(ids),)."""

    def scores(self, vector: np.ndarray, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the inner product of the vector with each id's, float32; NaN for an id that is not here."""
        stored, found = self._stored(ids)
        scores = np.full(len(found), np.nan, dtype=np.float32)
        scores[found] = inner_products(stored, np.asarray(vector, dtype=np.float32).ravel())
        return scores

    def reconstruct(self, item: int) -> np.ndarray:
        """Return the stored vector of this id, float32.

        :raises KeyError: if the id is not here
        """
        stored, found = self._stored([item])
        if not found[0]:
            raise KeyError(item)
        return stored[0]


def inner_products(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the inner product of each row with the query, float32; a row's result does not depend on its place.

    >>> inner_products(np.array([[1, 0], [0.5, 0.5]], dtype=np.float16), np.array([2, 4], dtype=np.float32))
    array([2., 3.], dtype=float32)
    """
    return (vectors.astype(np.float32) * query).sum(axis=1)
