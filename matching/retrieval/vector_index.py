"""Find the vectors nearest to a query among those a filter allows: exactly, or among very many nearly so."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import faiss
import numpy as np

from matching.retrieval.arrays import load_arrays, save_arrays
from matching.retrieval.clusters import Clusters
from matching.retrieval.exact_scores import ExactScores, inner_products
from matching.retrieval.ordering import best_slots
from matching.retrieval.slots import Slots, fit, with_room

SMALLEST_MERGE = 2000
# A filter that allows more than this is answered from the nearest clusters; below, every vector is looked at.
EXACT_UP_TO = 300_000
# So few are scored by hand sooner than FAISS walks past all others.
GATHERED = 256
# Two kernels may differ by this much in the last digits; candidates this close are compared again by one.
SLACK = 1e-5


@dataclass(frozen=True)
class _State:
    """What one search sees from beginning to end; writers make a new one and put it in place of the old."""

    stored: np.ndarray  # float16 (n, dim): slots 0 … n - 1, perhaps memory-mapped
    clusters: Clusters | None  # of the stored vectors, where there are very many
    fresh: np.ndarray  # float32 (capacity, dim): slots n …, what was added since, rounded to float16 as well
    fresh_count: int
    alive: np.ndarray  # bool over slots
    ids: np.ndarray  # int64 over slots


class VectorIndex(ExactScores):
    """Inner-product search over vectors kept as float16.

    Vectors are rounded to float16 once, when they come in; every score is a float32 inner product with what is
    stored. A search that a filter narrows to EXACT_UP_TO vectors is that of brute force over the same vectors,
    whatever the filter. A wider one looks only at the clusters nearest to the query, as many as the calibration says
    (see Clusters); scores and order of what it finds are exact as well. float16 halves memory and, being bound by it,
    nearly the time of float32; int8 would lose recall.

    Several threads may search while one writes: a search works on a state that no writer changes (copy on write);
    writers take turns under a lock. A merge holds the vectors twice for a moment.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._lock = threading.Lock()
        self._begin(Slots(), np.zeros((0, dim), dtype=np.float16), None)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def ids(self) -> np.ndarray:
        """The id of each slot: the order of ``allowed`` (see Slots)."""
        return self._state.ids

    @property
    def promised_recall(self) -> float:
        """The share of the truly best that a search finds, whatever the filter."""
        return 0.99 if self._state.clusters else 1.0

    @property
    def fresh_count(self) -> int:
        """How many were added since the last merge: each search looks at all of these."""
        return self._state.fresh_count

    def build(self, ids: Sequence[int] | np.ndarray, vectors: np.ndarray) -> "VectorIndex":
        """Hold exactly these vectors, shape (n, dim); the i-th id gets slot i."""
        slots = Slots(ids)
        vectors = self._checked(vectors, len(slots.ids))
        clusters = _clusters(vectors)
        with self._lock:
            self._begin(slots, vectors, clusters)
        return self

    def add(self, ids: Sequence[int] | np.ndarray, vectors: np.ndarray) -> None:
        """Hold these vectors under these ids, in place of what the ids held before."""
        vectors = self._checked(vectors, len(ids))
        with self._lock:
            self._slots.place(ids)
            state = self._state
            start, stop = state.fresh_count, state.fresh_count + len(vectors)
            fresh = state.fresh if stop <= len(state.fresh) else with_room(state.fresh[:start], max(64, stop + start))
            # Rows beyond a state's count are seen by nobody, so they may be written in place.
            fresh[start:stop] = vectors
            self._state = replace(
                state, fresh=fresh, fresh_count=stop, alive=self._slots.alive.copy(), ids=self._slots.ids
            )
            if stop > max(SMALLEST_MERGE, len(state.stored) // 20):
                self._merge()

    def remove(self, ids: Sequence[int] | np.ndarray) -> None:
        """Forget these ids; one that is not here is passed over."""
        with self._lock:
            self._slots.free(ids)
            self._state = replace(self._state, alive=self._slots.alive.copy())

    def search(self, vectors: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores, each of shape (queries, k), best first; (k,) for a single vector of shape (dim,).

        Where fewer than k are allowed, the rest is id -1 and score -inf. ``allowed`` is a bool array over slots, of
        the shape of ``ids``; slots beyond its end are not allowed.
        """
        queries = np.ascontiguousarray(np.atleast_2d(vectors), dtype=np.float32)
        state = self._state
        is_open = state.alive if allowed is None else state.alive & fit(allowed, len(state.alive))
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for place, query in enumerate(queries):
            slots = np.concatenate(
                [
                    _candidates(state, query, k, is_open[: len(state.stored)]),
                    _fresh_candidates(state, query, k, is_open),
                ]
            )
            exact = inner_products(_vectors(state, slots), query)
            best = best_slots(exact, state.ids[slots], k)
            ids[place, : len(best)] = state.ids[slots[best]]
            scores[place, : len(best)] = exact[best]
        return (ids, scores) if np.ndim(vectors) > 1 else (ids[0], scores[0])

    def merge(self) -> None:
        """Move what was added since the last merge into the main part; searches go on meanwhile."""
        with self._lock:
            self._merge()

    def rearranged(self, order: np.ndarray) -> "VectorIndex":
        """Return an index of what these slots hold, in this order, and of nothing else."""
        with self._lock:
            state = self._state
        index = VectorIndex(self.dim)
        vectors = np.empty((len(order), self.dim), dtype=np.float16)
        is_fresh = order >= len(state.stored)
        vectors[~is_fresh] = state.stored[order[~is_fresh]]
        vectors[is_fresh] = state.fresh[order[is_fresh] - len(state.stored)]
        clusters = _clusters(vectors, old=state.clusters, order=order)
        index._begin(Slots(state.ids[order]), vectors, clusters)
        return index

    def save(self, folder: Path) -> None:
        """Write the index into this folder."""
        with self._lock:
            self._merge()
            state = self._state
        clusters = state.clusters.arrays() if state.clusters else {}
        save_arrays(folder, {"ids": state.ids, "alive": state.alive, "vectors": state.stored, **clusters})

    @classmethod
    def load(cls, folder: Path) -> "VectorIndex":
        """Return the index that was saved to this folder; its vectors are shared with all that load it."""
        arrays = load_arrays(folder)
        index = cls(arrays["vectors"].shape[1])
        index._begin(Slots.of_arrays(arrays), arrays["vectors"], Clusters.of_arrays(arrays))
        return index

    def _checked(self, vectors: np.ndarray, count: int) -> np.ndarray:
        vectors = np.asarray(vectors)
        if vectors.shape != (count, self.dim):
            raise ValueError(f"vectors of shape ({count}, {self.dim}) are needed, not {vectors.shape}")
        if not all(np.isfinite(vectors[start : start + 100_000]).all() for start in range(0, count, 100_000)):
            raise ValueError("a vector holds a value that is not a number")
        return np.ascontiguousarray(vectors, dtype=np.float16)

    def _begin(self, slots: Slots, stored: np.ndarray, clusters: Clusters | None) -> None:
        """Take these, one vector for each slot, as the main part."""
        self._slots = slots
        self._state = _State(
            stored=stored,
            clusters=clusters,
            fresh=np.zeros((0, self.dim), dtype=np.float32),
            fresh_count=0,
            alive=slots.alive.copy(),
            ids=slots.ids,
        )

    def _merge(self) -> None:
        state = self._state
        if not state.fresh_count:
            return
        added = state.fresh[: state.fresh_count].astype(np.float16)
        stored = np.concatenate([state.stored, added])
        clusters = state.clusters.extended(added) if state.clusters else _clusters(stored)
        self._state = replace(
            state, stored=stored, clusters=clusters, fresh=np.zeros((0, self.dim), dtype=np.float32), fresh_count=0
        )

    def _stored(self, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of those ids that are here as float32, and which ids those are."""
        with self._lock:
            state, slots = self._state, self._slots.find(ids)
        return _vectors(state, slots[slots >= 0]), slots >= 0


def _clusters(vectors: np.ndarray, *, old: Clusters | None = None, order: np.ndarray | None = None) -> Clusters | None:
    """Return the clusters of so many vectors that some searches need them; those there are, where they still serve."""
    if len(vectors) <= EXACT_UP_TO:
        return None
    if old is not None and order is not None and len(order) < 1.3 * len(old.of):
        known = order[order < len(old.of)]
        # Those that are new stand anywhere in the new order.
        of = np.empty(len(order), dtype=np.uint16)
        of[order < len(old.of)] = old.of[known]
        new = np.flatnonzero(order >= len(old.of))
        of[new] = old.extended(vectors[new]).of[len(old.of) :]
        return replace(old, of=of)
    return Clusters.fit(vectors, narrowest=EXACT_UP_TO / len(vectors))


def _candidates(state: _State, query: np.ndarray, k: int, is_open: np.ndarray) -> np.ndarray:
    """Return the slots of the main part that may be among the k best, ties with the k-th included."""
    count = int(np.count_nonzero(is_open))
    if count > EXACT_UP_TO and state.clusters and query.any():
        is_open = is_open & state.clusters.probed(query)
        count = int(np.count_nonzero(is_open))
    if count <= max(k, GATHERED) or not query.any():
        return np.flatnonzero(is_open)
    # What a filter allows often stands together: FAISS need not walk past the rest.
    first, last = int(np.argmax(is_open)), len(is_open) - int(np.argmax(is_open[::-1]))
    within = faiss_index(state.stored[first:last])
    selector = faiss.IDSelectorBitmap(np.packbits(is_open[first:last], bitorder="little"))
    parameters = None if count == last - first else faiss.SearchParameters(sel=selector)
    wanted = k + 8
    while True:
        scores, slots = within.search(query[None], min(wanted, count), params=parameters)
        if wanted >= count or scores[0, -1] < scores[0, k - 1] - SLACK:
            return first + slots[0, slots[0] >= 0]
        # The list may end inside a run of equal scores: look further, so that ids decide and not the memory.
        wanted *= 4


def _fresh_candidates(state: _State, query: np.ndarray, k: int, is_open: np.ndarray) -> np.ndarray:
    """Return the slots of the fresh part that may be among the k best."""
    rows = np.flatnonzero(is_open[len(state.stored) :])
    if len(rows) > max(k, GATHERED):
        scores = (state.fresh[: state.fresh_count] @ query)[rows]
        rows = rows[scores >= np.partition(scores, len(scores) - k)[len(scores) - k] - SLACK]
    return rows + len(state.stored)


def _vectors(state: _State, slots: np.ndarray) -> np.ndarray:
    """Return what these slots hold, float32."""
    vectors = np.empty((len(slots), state.stored.shape[1]), dtype=np.float32)
    is_fresh = slots >= len(state.stored)
    vectors[~is_fresh] = state.stored[slots[~is_fresh]]
    vectors[is_fresh] = state.fresh[slots[is_fresh] - len(state.stored)]
    return vectors


def faiss_index(vectors: np.ndarray) -> faiss.IndexScalarQuantizer:
    """Return a flat index over these float16 vectors where they stand, be it in a file; keep them while it is used."""
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    nobody = faiss.MaybeOwnedVectorUInt8()
    codes = vectors.view(np.uint8).ravel()
    index.codes = faiss.MaybeOwnedVectorUInt8.create_view(faiss.swig_ptr(codes), codes.size, nobody.owner)
    index.ntotal, index.is_trained = len(vectors), True
    return index
