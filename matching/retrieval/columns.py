"""Columns that the table of candidates is made of."""

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from matching.retrieval.eligibility import attribute_fits
from matching.retrieval.slots import with_room

SMALLEST = 1024


class Column:
    """One number for each slot: a base that is never written, perhaps memory-mapped, and what came since."""

    def __init__(self, base: np.ndarray) -> None:
        self._base = base
        self._since = np.zeros(SMALLEST, dtype=base.dtype)
        self._count = 0

    def __len__(self) -> int:
        return len(self._base) + self._count

    def append(self, value: float) -> None:
        if self._count == len(self._since):
            self._since = with_room(self._since, 2 * self._count)
        self._since[self._count] = value
        self._count += 1

    def take(self, slots: np.ndarray) -> np.ndarray:
        """Return the numbers of these slots, which ascend."""
        cut = np.searchsorted(slots, len(self._base))
        if cut == len(slots):
            return self._base[slots]
        since = self._since[slots[cut:] - len(self._base)]
        return np.concatenate([self._base[slots[:cut]], since]) if cut else since

    def between(self, low: int, high: int) -> tuple[np.ndarray, int]:
        """Return the numbers from low to high of a column that ascends, and where the first of them stands."""
        since = self._since[: self._count]
        first, last = np.searchsorted(self._base, (low, high + 1)).tolist()
        if last < len(self._base) or not self._count:
            return self._base[first:last], first
        start, stop = np.searchsorted(since, (low, high + 1)).tolist()
        within = since[start:stop]
        if first == last:
            return within, len(self._base) + start
        return np.concatenate([self._base[first:last], within]), first

    def array(self) -> np.ndarray:
        """Return the numbers of all slots."""
        return np.concatenate([self._base, self._since[: self._count]])


class Interned:
    """Different values, each under the number of its first appearance.

    >>> units = Interned()
    >>> units.code("t"), units.code("kg"), units.code("t"), list(units)
    (0, 1, 0, ['t', 'kg'])
    """

    def __init__(self, values: Iterable[Hashable] = ()) -> None:
        self._codes = {value: code for code, value in enumerate(values)}
        self._values = list(self._codes)

    def __iter__(self) -> Iterator:
        """Return the values in the order of their codes."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many different values there are."""
        return len(self._values)

    def __getitem__(self, code: int) -> Hashable:
        return self._values[code]

    def code(self, value: Hashable) -> int:
        code = self._codes.setdefault(value, len(self._codes))
        if code == len(self._values):
            self._values.append(value)
        return code


class AttributeColumn:
    """The values of one attribute, for the few slots that state it, which ascend.

    Single numbers stand in an array; ranges, lists and words are interned.
    """

    PARTS = ("slots", "numbers", "codes")

    def __init__(self, parts: Mapping[str, np.ndarray] | None = None, words: Iterable[str] = ()) -> None:
        empty = {"slots": np.zeros(0, np.int32), "numbers": np.zeros(0), "codes": np.zeros(0, np.int32)}
        self._columns = {name: Column((parts or empty)[name]) for name in self.PARTS}
        self._words = Interned(words)

    def put(self, slot: int, value: object) -> None:
        """State the value of a slot behind all others."""
        if is_number(value):
            number, code = value, -1
        else:
            number, code = np.nan, self._words.code(json.dumps(value, sort_keys=True, ensure_ascii=False))
        for name, part in (("slots", slot), ("numbers", number), ("codes", code)):
            self._columns[name].append(part)

    def fits(self, slots: np.ndarray, value: object, rule: str, *, value_is_offered: bool) -> np.ndarray:
        """Return for these slots, which ascend, whether their value and this one let a pair match.

        A slot that states none fits.

        :param value_is_offered: this value is the supply's and theirs are the demands', or the other way round
        """

        def fit(theirs: object) -> bool:
            return attribute_fits(value, theirs, rule) if value_is_offered else attribute_fits(theirs, value, rule)

        answer = np.ones(len(slots), dtype=bool)
        stating, places = self._stated_by(slots)
        if len(places):
            numbers, codes = self._columns["numbers"].take(places), self._columns["codes"].take(places)
            by_word = ask_each(self._words, codes[codes >= 0], lambda word: fit(json.loads(word)))
            answers = by_word[codes] if len(by_word) else np.ones(len(codes), dtype=bool)
            is_single = codes < 0
            answers[is_single] = self._compare(numbers[is_single], value, rule, fit, value_is_offered=value_is_offered)
            answer[stating] = answers
        return answer

    def _stated_by(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of these slots state a value (as places among them), and where in the columns it stands."""
        column = self._columns["slots"]
        if not len(slots) or not len(column):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        stated, first = column.between(int(slots[0]), int(slots[-1]))
        # Whichever is fewer is looked up among the others.
        if len(stated) <= len(slots):
            at = np.minimum(np.searchsorted(slots, stated), len(slots) - 1)
            is_here = slots[at] == stated
            return at[is_here], first + np.flatnonzero(is_here)
        at = np.minimum(np.searchsorted(stated, slots), len(stated) - 1)
        is_here = stated[at] == slots
        return np.flatnonzero(is_here), first + at[is_here]

    @staticmethod
    def _compare(numbers: np.ndarray, value: object, rule: str, fit, *, value_is_offered: bool) -> np.ndarray:
        if not is_number(value):
            different, places = np.unique(numbers, return_inverse=True)
            return np.array([fit(number) for number in different.tolist()], dtype=bool)[places]
        offered, wanted = (value, numbers) if value_is_offered else (numbers, value)
        if rule == "at_least":
            return offered >= wanted
        if rule == "at_most":
            return offered <= wanted
        return numbers == value

    def moved(self, place: np.ndarray) -> "AttributeColumn | None":
        """Return the column with the slots at their new places (-1: gone), None where none is left."""
        parts = self.arrays()
        moved = place[parts["slots"]]
        order = np.argsort(moved, kind="stable")
        order = order[moved[order] >= 0]
        if not len(order):
            return None
        parts = {
            "slots": moved[order].astype(np.int32),
            "numbers": parts["numbers"][order],
            "codes": parts["codes"][order],
        }
        return AttributeColumn(parts, self._words)

    @property
    def words(self) -> Sequence[str]:
        return list(self._words)

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: column.array() for name, column in self._columns.items()}


def ask_each(values: Sequence, codes: np.ndarray, question) -> np.ndarray:
    """Put a question to each value whose code occurs; return an answer for each code, False for those that do not."""
    occurs = np.zeros(len(values), dtype=bool)
    occurs[codes] = True
    for code in np.flatnonzero(occurs).tolist():
        occurs[code] = question(values[code])
    return occurs


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def frozen(value: object) -> object:
    """Return the value with tuples for lists, all the way down: what JSON made of tuples is hashable again."""
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value
