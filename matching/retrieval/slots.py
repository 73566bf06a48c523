"""Give each id a place in arrays that it keeps for life."""

from collections.abc import Sequence

import numpy as np


class Slots:
    """The places of ids: 0, 1, 2 … in the order of their first arrival.

    Replacing keeps a place, removing leaves a hole, and nothing moves, so two indexes that were told the same things
    in the same order share their slots, and one filter (a bool array over slots) serves both. A rebuild closes holes.

    >>> slots = Slots([70, 50])
    >>> slots.place([50, 90]), slots.ids
    (array([1, 2]), array([70, 50, 90]))
    >>> slots.free([50]), slots.alive, len(slots)
    (array([1]), array([ True, False,  True]), 2)
    """

    def __init__(self, ids: Sequence[int] | np.ndarray = ()) -> None:
        self._ids = np.array(ids, dtype=np.int64)
        self._alive = np.ones(len(self._ids), dtype=bool)
        self._count = len(self._ids)
        self._slot_of = dict(zip(self._ids.tolist(), range(self._count), strict=True))
        if len(self._slot_of) != self._count:
            raise ValueError("an id was given twice")

    def __len__(self) -> int:
        """Return how many ids are here now."""
        return int(np.count_nonzero(self.alive))

    def __contains__(self, item: int) -> bool:
        slot = self._slot_of.get(int(item))
        return slot is not None and bool(self._alive[slot])

    @property
    def ids(self) -> np.ndarray:
        """The id of each slot, also of those whose id was removed."""
        return self._ids[: self._count]

    @property
    def alive(self) -> np.ndarray:
        """Which slots hold an id that was not removed; a view that later changes may show through."""
        return self._alive[: self._count]

    def place(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the slot of each id, giving new ids new slots and removed ones their old slots back."""
        slots = np.empty(len(ids), dtype=np.int64)
        for place, item in enumerate(np.asarray(ids, dtype=np.int64).tolist()):
            slot = self._slot_of.setdefault(item, self._count)
            if slot == self._count:
                self._append(item)
            slots[place] = slot
        self._alive[slots] = True
        return slots

    def free(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the slots that these ids leave; an id that is not here is passed over."""
        slots = self.find(ids)
        slots = slots[slots >= 0]
        self._alive[slots] = False
        return slots

    def find(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the slot of each id, -1 for one that is not here."""
        items = np.asarray(ids, dtype=np.int64).tolist()
        slots = np.fromiter((self._slot_of.get(item, -1) for item in items), dtype=np.int64, count=len(items))
        known = np.flatnonzero(slots >= 0)
        slots[known[~self._alive[slots[known]]]] = -1
        return slots

    def _append(self, item: int) -> None:
        if self._count == len(self._ids):
            room = max(64, self._count // 2)
            # New arrays, never a resize in place: who reads the old ones goes on reading them.
            self._ids = np.concatenate([self._ids, np.zeros(room, dtype=np.int64)])
            self._alive = np.concatenate([self._alive, np.zeros(room, dtype=bool)])
        self._ids[self._count] = item
        self._count += 1


def fit(allowed: np.ndarray, count: int) -> np.ndarray:
    """Return the filter for this many slots; slots that came after it was made are not allowed.

    >>> fit(np.array([True, False]), 3)
    array([ True, False, False])
    """
    if len(allowed) >= count:
        return allowed[:count]
    return np.concatenate([allowed, np.zeros(count - len(allowed), dtype=bool)])
