"""Put scores in order; ties go to the smaller id, so that the same input always gives the same order."""

import numpy as np


def best_slots(scores: np.ndarray, ids: np.ndarray, k: int) -> np.ndarray:
    """Return the places of the k highest scores, best first; of equal scores the smaller id comes first.

    ``scores`` and ``ids`` have the shape (n,); -inf marks what may not be returned.

    >>> best_slots(np.array([0.2, 0.9, 0.2, -np.inf]), np.array([7, 8, 5, 1]), 3)
    array([1, 2, 0])
    """
    places = np.arange(len(scores))
    if 0 < k < len(scores):
        # Everything that ties with the k-th is kept until ids decide, however many that are.
        places = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    places = places[scores[places] > -np.inf]
    return places[np.lexsort((ids[places], -scores[places]))][: max(k, 0)]
