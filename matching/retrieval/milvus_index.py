"""The vector index over Milvus: the same questions and answers as VectorIndex, the vectors on other machines."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matching.retrieval.arrays import load_arrays, save_arrays
from matching.retrieval.exact_scores import ExactScores, inner_products
from matching.retrieval.milvus_store import MOST, MilvusStore
from matching.retrieval.ordering import best_slots
from matching.retrieval.slots import Slots, fit
from matching.retrieval.vector_index import SLACK

# A filter that allows no more is told to Milvus id by id.
LISTED = 10_000
# Beside a list of k so many are asked for, so that ties with the last show.
MARGIN = 16
# A snapshot is believed if Milvus still holds nearly all of so many of its ids.
LOOKED_FOR, NEARLY_ALL = 1000, 0.9


@dataclass(frozen=True)
class _State:
    """Which ids this process knows; a search sees one state from beginning to end."""

    alive: np.ndarray  # bool over slots
    ids: np.ndarray  # int64 over slots


class MilvusIndex(ExactScores):
    """Inner-product search over vectors that Milvus keeps; slots and filters stay in this process.

    Vectors are rounded to float16 as they come in, like those of VectorIndex, and kept as float32. Milvus proposes;
    what it proposes is checked against the filter of this process, fetched and scored here. So nothing that the
    filter forbids is ever served, scores and order are those of VectorIndex to the last digit, and ties break by id.

    What is found: a filter that allows up to LISTED vectors is told to Milvus id by id. Under a wider one Milvus is
    asked without a filter for more than is wanted, and for four times more as long as too few of them are allowed; at
    its limit of MOST the filter is told id by id again, in parts. So a page is never short while Milvus holds the
    vectors. With the index FLAT all this is brute force: what is found is exactly what is nearest, except that of
    more than MOST vectors with the very same score some may be missed. IVF_FLAT and HNSW promise 0.99, which only the
    nightly proof can keep them to.

    Many processes may share a collection: it holds no more than the truth elsewhere says, and each process brings it
    up to that. Rows unknown to this process (others are ahead) are not served; a row that another process, lagging
    behind, deleted or overwrote is made good by whoever reads that change last.
    """

    def __init__(self, dim: int, store: MilvusStore) -> None:
        self.dim, self._store = dim, store
        self._lock = threading.Lock()
        self._begin(Slots())

    def __len__(self) -> int:
        return int(np.count_nonzero(self._state.alive))

    @property
    def ids(self) -> np.ndarray:
        """The id of each slot: the order of ``allowed`` (see Slots)."""
        return self._state.ids

    @property
    def promised_recall(self) -> float:
        """The share of the truly best that a search finds, whatever the filter."""
        return 1.0 if self._store.place.index == "FLAT" else 0.99

    @property
    def fresh_count(self) -> int:
        """How many were added since the slots were laid out."""
        return self._fresh_count

    def build(self, ids: Sequence[int] | np.ndarray, vectors: np.ndarray) -> "MilvusIndex":
        """Hold exactly these vectors, shape (n, dim); the i-th id gets slot i. What is there already stays."""
        slots = Slots(ids)
        vectors = self._checked(vectors, len(slots.ids))
        with self._lock:
            self._store.write(slots.ids, vectors)
            gone = [part[~np.isin(part, slots.ids)] for part in self._store.ids()]
            self._store.delete(np.concatenate([np.zeros(0, dtype=np.int64), *gone]))
            # What is not sealed is searched many times slower.
            self._store.flush()
            self._begin(slots)
        return self

    def add(self, ids: Sequence[int] | np.ndarray, vectors: np.ndarray) -> None:
        """Hold these vectors under these ids, in place of what the ids held before."""
        ids = np.asarray(ids, dtype=np.int64).ravel()
        vectors = self._checked(vectors, len(ids))
        # Of an id given twice the last one counts.
        last = len(ids) - 1 - np.unique(ids[::-1], return_index=True)[1]
        with self._lock:
            self._store.write(ids[last], vectors[last])
            self._slots.place(ids)
            self._fresh_count += len(ids)
            self._publish()

    def remove(self, ids: Sequence[int] | np.ndarray) -> None:
        """Forget these ids; one that is not here is passed over."""
        ids = np.asarray(ids, dtype=np.int64).ravel()
        with self._lock:
            known = np.unique(ids[self._slots.find(ids) >= 0])
            self._slots.free(known)
            self._publish()
            self._store.delete(known)

    def search(self, vectors: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores, each of shape (queries, k), best first; (k,) for a single vector of shape (dim,).

        Where fewer than k are allowed, the rest is id -1 and score -inf. ``allowed`` is a bool array over slots, of
        the shape of ``ids``; slots beyond its end are not allowed.
        """
        queries = np.ascontiguousarray(np.atleast_2d(vectors), dtype=np.float32)
        state = self._state
        is_open = state.alive if allowed is None else state.alive & fit(allowed, len(state.alive))
        open_ids, total = np.sort(state.ids[is_open]), int(np.count_nonzero(state.alive))
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for place, query in enumerate(queries):
            candidates = self._candidates(query, k, open_ids, total)
            stored, found = self._store.vectors(candidates)
            exact, candidates = inner_products(stored, query), candidates[found]
            best = best_slots(exact, candidates, k)
            ids[place, : len(best)], scores[place, : len(best)] = candidates[best], exact[best]
        return (ids, scores) if np.ndim(vectors) > 1 else (ids[0], scores[0])

    def merge(self) -> None:
        """Let Milvus seal what was added, so that it is searched as fast as the rest."""
        self._store.flush()

    def rearranged(self, order: np.ndarray) -> "MilvusIndex":
        """Return an index of what these slots hold, in this order; no vector moves."""
        index = MilvusIndex(self.dim, self._store)
        index._begin(Slots(self._state.ids[order]))
        return index

    def save(self, folder: Path) -> None:
        """Write the slots into this folder; the vectors stay where they are."""
        state = self._state
        save_arrays(folder, {"ids": state.ids, "alive": state.alive, "in_milvus": np.array([self.dim])})

    @classmethod
    def load(cls, folder: Path, store: MilvusStore) -> "MilvusIndex":
        """Return the index that was saved to this folder.

        :raises ValueError: if Milvus holds its vectors no more
        :raises KeyError: if another engine saved it
        """
        arrays = load_arrays(folder)
        index = cls(int(arrays["in_milvus"][0]), store)
        index._begin(Slots.of_arrays(arrays))
        held = np.unique(index.ids[index._state.alive])
        some = held[np.linspace(0, len(held) - 1, min(LOOKED_FOR, len(held)), dtype=np.int64)]
        if store.holds(some) < NEARLY_ALL * len(some):
            raise ValueError("Milvus does not hold the vectors of this snapshot")
        return index

    def _checked(self, vectors: np.ndarray, count: int) -> np.ndarray:
        vectors = np.asarray(vectors)
        if vectors.shape != (count, self.dim):
            raise ValueError(f"vectors of shape ({count}, {self.dim}) are needed, not {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector holds a value that is not a number")
        return np.ascontiguousarray(vectors, dtype=np.float16)

    def _begin(self, slots: Slots) -> None:
        self._slots, self._fresh_count = slots, 0
        self._publish()

    def _publish(self) -> None:
        self._state = _State(self._slots.alive.copy(), self._slots.ids)

    def _stored(self, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of those ids that are here as float32, and which ids those are."""
        ids = np.asarray(ids, dtype=np.int64).ravel()
        with self._lock:
            found = self._slots.find(ids) >= 0
        stored, is_held = self._store.vectors(ids[found])
        found[found] = is_held
        return stored, found

    def _candidates(self, query: np.ndarray, k: int, open_ids: np.ndarray, total: int) -> np.ndarray:
        """Return the open ids that may be among the k best, ties with the k-th included."""
        if len(open_ids) <= k or not query.any():
            # All of them; or, where all are equally far, those that win every tie.
            return open_ids[:k]
        if len(open_ids) > LISTED:
            found, is_enough = self._widely(query, k, open_ids, total)
            if is_enough:
                return found
        parts = (open_ids[start : start + LISTED] for start in range(0, len(open_ids), LISTED))
        return np.concatenate([self._among(query, k, part) for part in parts])

    def _widely(self, query: np.ndarray, k: int, open_ids: np.ndarray, total: int) -> tuple[np.ndarray, bool]:
        """Return the open ones among the nearest of all, and whether all that may be of the k best are there."""
        limit = min(MOST, int(1.5 * k * total / len(open_ids)) + MARGIN)
        while True:
            ids, scores = self._store.nearest(query, limit)
            is_open = np.isin(ids, open_ids)
            near = _near_enough(scores, scores[is_open], k)
            # What is nearer than the last that came has come.
            if np.count_nonzero(is_open) >= k and (not near[-1] or limit == MOST):
                return ids[is_open & near], True
            if limit == MOST or len(ids) < limit:
                return ids[is_open], False
            limit = min(MOST, 4 * limit)

    def _among(self, query: np.ndarray, k: int, part: np.ndarray) -> np.ndarray:
        """Return those of these ids that may be among the k best."""
        limit = min(len(part), k + MARGIN, MOST)
        while True:
            ids, scores = self._store.nearest(query, limit, among=part)
            near = _near_enough(scores, scores, k)
            if len(ids) < limit or limit in {len(part), MOST} or not near[-1]:
                return ids[near]
            limit = min(len(part), MOST, 4 * limit)


def _near_enough(scores: np.ndarray, of: np.ndarray, k: int) -> np.ndarray:
    """Return which scores are as good as the k-th of those, or so near that rounding may have parted them."""
    if len(of) < k:
        return np.ones(len(scores), dtype=bool)
    bar = float(np.sort(of)[::-1][k - 1])
    return scores >= bar - SLACK * max(1.0, abs(bar))
