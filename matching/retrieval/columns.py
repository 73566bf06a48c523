"""Columns that the table of candidates is made of."""

import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Self

import numpy as np

from matching.retrieval.eligibility import attribute_fits


def with_room(column: np.ndarray, capacity: int) -> np.ndarray:
    """Return an own copy of a column, zeros behind it up to the capacity."""
    roomy = np.zeros(capacity, dtype=column.dtype)
    roomy[: len(column)] = column
    return roomy


class Interned:
    """Different values, each under the number of its first appearance.

    >>> units = Interned()
    >>> units.code("t"), units.code("kg"), units.code("t"), list(units)
    (0, 1, 0, ['t', 'kg'])
    """

    def __init__(self, values: Iterable[Hashable] = ()) -> None:
        self._codes = {value: code for code, value in enumerate(values)}

    def __iter__(self) -> Iterator:
        """Return the values in the order of their codes."""
        return iter(self._codes)

    def __len__(self) -> int:
        """Return how many different values there are."""
        return len(self._codes)

    def code(self, value: Hashable) -> int:
        return self._codes.setdefault(value, len(self._codes))


class AttributeColumn:
    """The values of one attribute, for the few slots that state it.

    Single numbers stand in an array; ranges, lists and words are interned.
    """

    PARTS = ("slots", "numbers", "codes")

    def __init__(self) -> None:
        self._size = 0
        self._slots = np.zeros(16, dtype=np.int32)
        self._numbers = np.zeros(16)
        self._codes = np.zeros(16, dtype=np.int32)
        self._words = Interned()

    def put(self, slot: int, value: object) -> None:
        """State the value of a slot that has none yet."""
        if self._size == len(self._slots):
            for name in self.PARTS:
                setattr(self, f"_{name}", with_room(getattr(self, f"_{name}"), 2 * self._size))
        place = self._size
        self._size += 1
        self._slots[place] = slot
        if is_number(value):
            self._numbers[place], self._codes[place] = value, -1
        else:
            word = json.dumps(value, sort_keys=True, ensure_ascii=False)
            self._numbers[place], self._codes[place] = np.nan, self._words.code(word)

    def fits(
        self, slots: np.ndarray, slot_count: int, value: object, rule: str, *, value_is_offered: bool
    ) -> np.ndarray:
        """Return for these slots whether their value and this one let a pair match; True where they state none.

        :param value_is_offered: this value is the supply's and theirs are the demands', or the other way round
        """

        def fit(theirs: object) -> bool:
            return attribute_fits(value, theirs, rule) if value_is_offered else attribute_fits(theirs, value, rule)

        numbers, codes = self._numbers[: self._size], self._codes[: self._size]
        by_word = np.array([*(fit(json.loads(word)) for word in self._words), True])
        answers = by_word[codes]
        is_single = codes < 0
        answers[is_single] = self._compare(numbers[is_single], value, rule, fit, value_is_offered=value_is_offered)
        dense = np.ones(slot_count, dtype=bool)
        dense[self._slots[: self._size]] = answers
        return dense[slots]

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

    def move(self, place: np.ndarray) -> None:
        """Follow the slots to their new places; -1 means that a slot is gone."""
        moved = place[self._slots[: self._size]]
        stays = moved >= 0
        for name in self.PARTS:
            setattr(self, f"_{name}", getattr(self, f"_{name}")[: self._size][stays])
        self._slots = moved[stays].astype(np.int32)
        self._size = len(self._slots)
        if not self._size:
            self.__init__()

    @property
    def words(self) -> list[str]:
        return list(self._words)

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, f"_{name}")[: self._size] for name in self.PARTS}

    @classmethod
    def of(cls, words: Sequence[str], arrays: dict[str, np.ndarray]) -> Self:
        """Return the column whose ``words`` and ``arrays`` were kept."""
        column = cls()
        column._size = len(arrays["slots"])
        column._words = Interned(words)
        for name in cls.PARTS:
            setattr(column, f"_{name}", with_room(arrays[name], max(16, column._size)))
        return column


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def frozen(value: object) -> object:
    """Return the value with tuples for lists, all the way down: what JSON made of tuples is hashable again."""
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value
