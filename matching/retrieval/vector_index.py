"""Find the vectors nearest to a query, exactly, among those a filter allows."""

import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import faiss
import numpy as np

from matching.retrieval.ordering import best_slots
from matching.retrieval.slots import Slots, fit

SMALLEST_MERGE = 2000
# Below this share of allowed slots it is quicker to gather them than to let FAISS walk past the others.
GATHERED_SHARE = 0.005
# Two kernels may differ by this much in the last digits; candidates this close are compared again by one.
SLACK = 1e-5


@dataclass(frozen=True)
class _State:
    """What one search sees from beginning to end; writers make a new one and put it in place of the old."""

    main: faiss.IndexScalarQuantizer  # slots 0 … main.ntotal - 1
    stored: np.ndarray  # the same vectors, seen as float16 (n, dim)
    in_main: np.ndarray  # bool over slots: alive, and its vector in main is the one that counts
    fresh: np.ndarray  # float16 (capacity, dim): what was added since the last merge
    fresh_slots: np.ndarray  # int64 (capacity,): the slot of each fresh row, -1 where a later row or a removal undid it
    fresh_count: int
    ids: np.ndarray  # int64 over slots


class VectorIndex:
    """Exact inner-product search over vectors kept as float16.

    Vectors are rounded to float16 once, when they come in; every score is a float32 inner product with what is
    stored, so the result is that of brute force over the same vectors, whatever the filter: nothing is approximate.
    float16 halves memory and, being bound by it, nearly the time of float32; int8 would lose recall.

    Several threads may search while one writes: a search works on a state that no writer changes (copy on write);
    writers take turns under a lock. A merge holds the vectors twice for a moment.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._lock = threading.Lock()
        self._slots = Slots()
        self._state = self._fresh_state(np.zeros((0, dim), dtype=np.float16))

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def ids(self) -> np.ndarray:
        """The id of each slot: the order of ``allowed`` (see Slots)."""
        return self._state.ids

    def build(self, ids: Sequence[int] | np.ndarray, vectors: np.ndarray) -> "VectorIndex":
        """Hold exactly these vectors, shape (n, dim); the i-th id gets slot i."""
        slots = Slots(ids)
        vectors = self._checked(vectors, len(slots.ids))
        with self._lock:
            self._slots = slots
            self._state = self._fresh_state(vectors)
        return self

    def add(self, ids: Sequence[int] | np.ndarray, vectors: np.ndarray) -> None:
        """Hold these vectors under these ids, in place of what the ids held before."""
        vectors = self._checked(vectors, len(ids))
        with self._lock:
            slots = self._slots.place(ids)
            state = self._with_room(self._state, len(slots))
            start, stop = state.fresh_count, state.fresh_count + len(slots)
            # Rows beyond a state's count are seen by nobody, so they may be written in place.
            state.fresh[start:stop] = vectors
            fresh_slots = self._undo(state, slots)
            fresh_slots[start:stop] = slots
            # Of an id given twice the last vector counts.
            _, first_from_behind = np.unique(slots[::-1], return_index=True)
            undone = np.setdiff1d(np.arange(len(slots)), len(slots) - 1 - first_from_behind)
            fresh_slots[start + undone] = -1
            self._state = replace(
                state,
                in_main=self._in_main(state, slots),
                fresh_slots=fresh_slots,
                fresh_count=stop,
                ids=self._slots.ids,
            )
            if stop > max(SMALLEST_MERGE, state.main.ntotal // 50):
                self._merge()

    def remove(self, ids: Sequence[int] | np.ndarray) -> None:
        """Forget these ids; one that is not here is passed over."""
        with self._lock:
            slots = self._slots.free(ids)
            self._state = replace(
                self._state,
                in_main=self._in_main(self._state, slots),
                fresh_slots=self._undo(self._state, slots),
            )

    def search(self, vectors: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores, each of shape (queries, k), best first; (k,) for a single vector of shape (dim,).

        Where fewer than k are allowed, the rest is id -1 and score -inf. ``allowed`` is a bool array over slots, of
        the shape of ``ids``; slots beyond its end are not allowed.
        """
        queries = np.ascontiguousarray(np.atleast_2d(vectors), dtype=np.float32)
        state = self._state
        open_main = state.in_main if allowed is None else state.in_main & fit(allowed, len(state.in_main))
        rows = np.flatnonzero(state.fresh_slots[: state.fresh_count] >= 0)
        if allowed is not None:
            rows = rows[fit(allowed, len(state.ids))[state.fresh_slots[rows]]]
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for place, query in enumerate(queries):
            main_slots = self._candidates(state, query, k, open_main)
            found = np.concatenate([state.stored[main_slots], state.fresh[rows]])
            found_ids = state.ids[np.concatenate([main_slots, state.fresh_slots[rows]])]
            exact = inner_products(found, query)
            best = best_slots(exact, found_ids, k)
            ids[place, : len(best)] = found_ids[best]
            scores[place, : len(best)] = exact[best]
        return (ids, scores) if np.ndim(vectors) > 1 else (ids[0], scores[0])

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
        return stored[0].astype(np.float32)

    def merge(self) -> None:
        """Move what was added since the last merge into the main part; searches go on meanwhile."""
        with self._lock:
            self._merge()

    def save(self, path: Path) -> None:
        """Write the index to this file; a reader sees the old file or the new one, never half of it."""
        with self._lock:
            self._merge()
            state, alive = self._state, self._slots.alive.copy()
        path = Path(path)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
            np.savez(file, ids=state.ids, alive=alive, vectors=state.stored)
        Path(file.name).replace(path)

    @classmethod
    def load(cls, path: Path) -> "VectorIndex":
        """Return the index that was saved to this file."""
        with np.load(path, allow_pickle=False) as arrays:
            vectors, ids, alive = arrays["vectors"], arrays["ids"], arrays["alive"]
        index = cls(vectors.shape[1])
        index.build(ids, vectors)
        index.remove(ids[~alive])
        return index

    def _candidates(self, state: _State, query: np.ndarray, k: int, is_open: np.ndarray) -> np.ndarray:
        """Return the slots of the main part that may be among the k best, ties with the k-th included."""
        count = int(np.count_nonzero(is_open))
        if count <= max(k, GATHERED_SHARE * len(is_open)) or not query.any():
            return np.flatnonzero(is_open)
        selector = faiss.IDSelectorBitmap(np.packbits(is_open, bitorder="little"))
        parameters = faiss.SearchParameters(sel=selector)
        wanted = k + 8
        while True:
            scores, slots = state.main.search(query[None], min(wanted, count), params=parameters)
            if wanted >= count or scores[0, -1] < scores[0, k - 1] - SLACK:
                return slots[0, slots[0] >= 0]
            # The list may end inside a run of equal scores: look further, so that ids decide and not the memory.
            wanted *= 4

    def _checked(self, vectors: np.ndarray, count: int) -> np.ndarray:
        vectors = np.asarray(vectors)
        if vectors.shape != (count, self.dim):
            raise ValueError(f"vectors of shape ({count}, {self.dim}) are needed, not {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector holds a value that is not a number")
        return vectors.astype(np.float16)

    def _fresh_state(self, vectors: np.ndarray) -> _State:
        """Return the state in which all these vectors, one for each slot, are in the main part."""
        main = faiss.IndexScalarQuantizer(self.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        if len(vectors):
            main.add_sa_codes(vectors.view(np.uint8))
        # A view of FAISS's own memory, so that the vectors are there once; _State keeps both together.
        stored = faiss.rev_swig_ptr(main.codes.data(), vectors.nbytes) if len(vectors) else np.zeros(0, np.uint8)
        return _State(
            main=main,
            stored=stored.view(np.float16).reshape(len(vectors), self.dim),
            in_main=self._slots.alive.copy(),
            fresh=np.zeros((0, self.dim), dtype=np.float16),
            fresh_slots=np.zeros(0, dtype=np.int64),
            fresh_count=0,
            ids=self._slots.ids,
        )

    def _with_room(self, state: _State, count: int) -> _State:
        needed = state.fresh_count + count
        if needed <= len(state.fresh):
            return state
        room = max(needed, 2 * len(state.fresh), 64)
        fresh = np.zeros((room, self.dim), dtype=np.float16)
        fresh[: state.fresh_count] = state.fresh[: state.fresh_count]
        fresh_slots = np.full(room, -1, dtype=np.int64)
        fresh_slots[: state.fresh_count] = state.fresh_slots[: state.fresh_count]
        return replace(state, fresh=fresh, fresh_slots=fresh_slots)

    def _in_main(self, state: _State, slots: np.ndarray) -> np.ndarray:
        in_main = state.in_main.copy()
        in_main[slots[slots < len(in_main)]] = False
        return in_main

    def _undo(self, state: _State, slots: np.ndarray) -> np.ndarray:
        fresh_slots = state.fresh_slots.copy()
        fresh_slots[np.isin(fresh_slots, slots)] = -1
        return fresh_slots

    def _merge(self) -> None:
        state = self._state
        vectors = np.zeros((len(state.ids), self.dim), dtype=np.float16)
        vectors[: len(state.stored)] = state.stored
        rows = np.flatnonzero(state.fresh_slots[: state.fresh_count] >= 0)
        vectors[state.fresh_slots[rows]] = state.fresh[rows]
        self._state = self._fresh_state(vectors)

    def _stored(self, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the float16 vectors of those ids that are here, and which ids those are."""
        with self._lock:
            state, slots = self._state, self._slots.find(ids)
        found = slots >= 0
        slots = slots[found]
        row_of = np.full(len(state.ids), -1, dtype=np.int64)
        rows = np.flatnonzero(state.fresh_slots[: state.fresh_count] >= 0)
        row_of[state.fresh_slots[rows]] = rows
        vectors = np.empty((len(slots), self.dim), dtype=np.float16)
        fresh = row_of[slots] >= 0
        vectors[fresh] = state.fresh[row_of[slots[fresh]]]
        vectors[~fresh] = state.stored[slots[~fresh]]
        return vectors, found


def inner_products(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the inner product of each row with the query, float32; a row's result does not depend on its place.

    >>> inner_products(np.array([[1, 0], [0.5, 0.5]], dtype=np.float16), np.array([2, 4], dtype=np.float32))
    array([2., 3.], dtype=float32)
    """
    return (vectors.astype(np.float32) * query).sum(axis=1)
