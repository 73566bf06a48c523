"""Give each listing that comes in the next row of arrays that only grow."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np


class Slots:
    """The rows of ids: 0, 1, 2 … in the order of their arrival.

    Who comes again gets a new row at the end, and the old one is dead; nothing moves and nothing is used twice. So
    indexes that were told the same things in the same order share their slots, and one filter (a bool array over
    slots) serves them all. Whoever owns them closes the holes of all at once.

    >>> slots = Slots([70, 50])
    >>> slots.place([50, 90]), slots.ids, slots.alive
    (array([2, 3]), array([70, 50, 50, 90]), array([ True, False,  True,  True]))
    >>> slots.free([70]), len(slots)
    (array([0]), 2)
    """

    def __init__(self, ids: Sequence[int] | np.ndarray = ()) -> None:
        self._ids = np.asarray(ids, dtype=np.int64)
        self._count = self._base = len(self._ids)
        self._order = np.argsort(self._ids, kind="stable")
        ascending = self._ids[self._order]
        if (ascending[1:] == ascending[:-1]).any():
            raise ValueError("an id was given twice")
        self._alive = np.ones(self._count, dtype=bool)
        # Where ids that came later stand now; the first ones are found by bisection, which takes no memory.
        self._later: dict[int, int] = {}

    def __len__(self) -> int:
        """Return how many ids are here now."""
        return int(np.count_nonzero(self.alive))

    def __contains__(self, item: int) -> bool:
        return bool(self.find([item])[0] >= 0)

    @property
    def ids(self) -> np.ndarray:
        """The id of each slot, dead ones included."""
        return self._ids[: self._count]

    @property
    def alive(self) -> np.ndarray:
        """Which slots count; a view that later changes may show through."""
        return self._alive[: self._count]

    def place(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return a new slot for each id; of an id given twice the last one counts."""
        ids = np.asarray(ids, dtype=np.int64)
        self.free(ids)
        start, stop = self._count, self._count + len(ids)
        self._make_room(stop)
        self._ids[start:stop], self._alive[start:stop] = ids, True
        for slot, item in enumerate(ids.tolist(), start=start):
            if (earlier := self._later.get(item)) is not None and earlier >= start:
                self._alive[earlier] = False
            self._later[item] = slot
        self._count = stop
        return np.arange(start, stop)

    def free(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the slots that these ids leave; an id that is not here is passed over."""
        slots = self.find(ids)
        slots = slots[slots >= 0]
        self._alive[slots] = False
        return slots

    def find(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the slot of each id, -1 for one that is not here."""
        ids = np.asarray(ids, dtype=np.int64).ravel()
        slots = np.full(len(ids), -1, dtype=np.int64)
        if self._base:
            places = np.searchsorted(self._ids[: self._base], ids, side="right", sorter=self._order) - 1
            found = self._order[np.maximum(places, 0)]
            is_here = self._ids[found] == ids
            slots[is_here] = found[is_here]
        if self._later:
            for place, item in enumerate(ids.tolist()):
                slots[place] = self._later.get(item, slots[place])
        here = slots >= 0
        slots[here] = np.where(self._alive[slots[here]], slots[here], -1)
        return slots

    def arrays(self) -> dict[str, np.ndarray]:
        return {"ids": self.ids, "alive": self.alive}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the slots that ``arrays`` gave; where an id came several times, its last row may count."""
        slots = cls()
        slots._ids, slots._alive = arrays["ids"], np.array(arrays["alive"])
        slots._count = slots._base = len(slots._ids)
        # Dead rows go first, so that a bisection for an id from the right meets the living one.
        slots._order = np.lexsort((slots._alive, slots._ids))
        return slots

    def _make_room(self, count: int) -> None:
        if count > len(self._ids) or not self._ids.flags.writeable:
            room = max(count + 64, self._count + self._count // 8)
            # New arrays, never a resize in place: who reads the old ones goes on reading them.
            for name in ("_ids", "_alive"):
                old = getattr(self, name)[: self._count]
                setattr(self, name, with_room(old, room))


def with_room(column: np.ndarray, capacity: int) -> np.ndarray:
    """Return an own copy of a column, zeros behind it up to the capacity."""
    roomy = np.zeros((capacity, *column.shape[1:]), dtype=column.dtype)
    roomy[: len(column)] = column
    return roomy


def fit(allowed: np.ndarray, count: int) -> np.ndarray:
    """Return the filter for this many slots; slots that came after it was made are not allowed.

    >>> fit(np.array([True, False]), 3)
    array([ True, False, False])
    """
    if len(allowed) >= count:
        return allowed[:count]
    return np.concatenate([allowed, np.zeros(count - len(allowed), dtype=bool)])
