"""The hard rules over many listings at once: columns in numpy, one row ("slot") per listing.

Numbers stand in plain columns. What has few different values (units, places, audiences …) is interned: a rule looks
at each different value once, and its answers are gathered by the column of codes.
"""

import json
from collections.abc import Collection, Hashable, Mapping
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np

from matching.ranking.facts import ListingFacts
from matching.retrieval.candidate_rules import CHECKS, LAST_DAY, Question
from matching.retrieval.columns import AttributeColumn, Interned, frozen, with_room
from matching.retrieval.eligibility import delivery_places, price_terms

NUMBERS = ("quantity", "minimum_order", "price_min", "price_max")
INTERNED = ("side", "kind", "family", "category", "unit", "price_terms", "places", "certificates", "required", "access")
# Days are proleptic ordinals; these stand where a listing names none.
DAYS_UNSTATED = {"window_start": 0, "window_end": LAST_DAY, "lead_days": 0, "open_until": LAST_DAY}
# A table with more dead rows than this share is packed when it grows.
DEAD_SHARE = 0.25
SMALLEST = 1024


class CandidateTable:
    """Say which of many listings the hard rules let a query match.

    ``put`` adds or replaces a listing, ``remove`` forgets one, ``allowed`` answers with a bool per slot of ``ids``.
    Not safe for concurrent use: its owner holds a lock.
    """

    def __init__(self) -> None:
        self._size = 0
        self._slots: dict[int, int] = {}
        self._ids = np.zeros(SMALLEST, dtype=np.int64)
        self._alive = np.zeros(SMALLEST, dtype=bool)
        self.organisations = np.zeros(SMALLEST, dtype=np.int64)
        self.numbers = {name: np.zeros(SMALLEST) for name in NUMBERS}
        self.days = {name: np.zeros(SMALLEST, dtype=np.int32) for name in DAYS_UNSTATED}
        self.codes = {name: np.zeros(SMALLEST, dtype=np.int32) for name in INTERNED}
        self.interned = {name: Interned() for name in INTERNED}
        self.attributes: dict[str, AttributeColumn] = {}
        # Attribute definitions by category code: the last listing put says how they are now.
        self.properties: dict[str, Mapping[str, Mapping]] = {}

    def __len__(self) -> int:
        """Return how many listings the table knows."""
        return len(self._slots)

    def __contains__(self, listing_id: int) -> bool:
        """Return whether the table knows this listing."""
        return listing_id in self._slots

    @property
    def ids(self) -> np.ndarray:
        """Return the listing id of every slot, dead ones included, shape (slots,)."""
        return self._ids[: self._size]

    def put(self, facts: ListingFacts) -> None:
        """Add a listing, or replace what was known of it."""
        self.remove(facts.id)
        if self._size == len(self._ids):
            self._make_room()
        slot = self._size
        self._size += 1
        self._slots[facts.id] = slot
        self._ids[slot], self._alive[slot], self.organisations[slot] = facts.id, True, facts.organisation
        for name in NUMBERS:
            value = getattr(facts, name)
            self.numbers[name][slot] = np.nan if value is None else value
        for name, unstated in DAYS_UNSTATED.items():
            value = getattr(facts, name)
            value = value.toordinal() if isinstance(value, date) else value
            self.days[name][slot] = unstated if value is None else value
        if not facts.is_open:
            self.days["open_until"][slot] = 0
        for name, value in _interned(facts).items():
            self.codes[name][slot] = self.interned[name].code(value)
        if facts.category:
            self.properties[facts.category] = facts.properties
        for key, value in facts.attributes.items():
            if value is not None:
                self.attributes.setdefault(key, AttributeColumn()).put(slot, value)

    def remove(self, listing_id: int) -> None:
        """Forget a listing, if it is known."""
        slot = self._slots.pop(listing_id, None)
        if slot is not None:
            self._alive[slot] = False

    def allowed(self, query: ListingFacts, today: date, *, rules: Collection[str] | None = None) -> np.ndarray:
        """Return for every slot whether the hard rules (all, or those named) let the query match it.

        :return: bool array of shape (slots,), in the order of ``ids``
        """
        slots = np.flatnonzero(self._alive[: self._size])
        for name, check in CHECKS.items():
            if rules is None or name in rules:
                slots = slots[check(Question(self, slots, query, today))]
        answer = np.zeros(self._size, dtype=bool)
        answer[slots] = True
        return answer

    def pack(self) -> None:
        """Drop the rows of listings that were replaced or removed."""
        owned = np.zeros(self._size, dtype=bool)
        owned[list(self._slots.values())] = True
        keep = np.flatnonzero(owned)
        place = np.full(self._size, -1, dtype=np.int64)
        place[keep] = np.arange(len(keep))
        self._replace_columns(lambda column: with_room(column[keep], max(SMALLEST, len(keep))))
        for column in self.attributes.values():
            column.move(place)
        self._size = len(keep)
        self._slots = {listing_id: int(place[slot]) for listing_id, slot in self._slots.items()}

    def _make_room(self) -> None:
        if len(self._slots) < (1 - DEAD_SHARE) * self._size:
            self.pack()
        self._replace_columns(lambda column: with_room(column, max(SMALLEST, 2 * self._size)))

    def _replace_columns(self, change) -> None:
        self._ids, self._alive, self.organisations = map(change, (self._ids, self._alive, self.organisations))
        for columns in (self.numbers, self.days, self.codes):
            columns.update({name: change(column) for name, column in columns.items()})

    def save(self, folder: Path) -> None:
        """Write the table into a folder that exists."""
        self.pack()
        arrays = {"ids": self._ids, "alive": self._alive, "organisations": self.organisations}
        arrays |= {f"number.{name}": column for name, column in self.numbers.items()}
        arrays |= {f"day.{name}": column for name, column in self.days.items()}
        arrays |= {f"code.{name}": column for name, column in self.codes.items()}
        arrays = {name: column[: self._size] for name, column in arrays.items()}
        for place, column in enumerate(self.attributes.values()):
            arrays |= {f"attribute.{place}.{part}": array for part, array in column.arrays().items()}
        with (folder / "columns.npz").open("wb") as file:
            np.savez(file, **arrays)
        words = {
            "interned": {name: list(values) for name, values in self.interned.items()},
            "attributes": {key: column.words for key, column in self.attributes.items()},
            "properties": self.properties,
        }
        (folder / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the table that ``save`` wrote."""
        table = cls()
        words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        with np.load(folder / "columns.npz", allow_pickle=False) as arrays:
            table._size = len(arrays["ids"])
            capacity = max(SMALLEST, table._size)
            table._ids, table._alive = with_room(arrays["ids"], capacity), with_room(arrays["alive"], capacity)
            table.organisations = with_room(arrays["organisations"], capacity)
            for kind, columns in (("number", table.numbers), ("day", table.days), ("code", table.codes)):
                columns.update({name: with_room(arrays[f"{kind}.{name}"], capacity) for name in columns})
            for place, (key, values) in enumerate(words["attributes"].items()):
                parts = {part: arrays[f"attribute.{place}.{part}"] for part in AttributeColumn.PARTS}
                table.attributes[key] = AttributeColumn.of(values, parts)
        table.interned = {name: Interned(map(frozen, values)) for name, values in words["interned"].items()}
        table.properties = words["properties"]
        table._slots = {listing_id: slot for slot, listing_id in enumerate(table.ids.tolist())}
        return table


def _interned(facts: ListingFacts) -> dict[str, Hashable]:
    return {
        "side": facts.side,
        "kind": facts.kind,
        "family": facts.family,
        "category": facts.category,
        "unit": facts.unit,
        "price_terms": price_terms(facts),
        "places": delivery_places(facts),
        "certificates": tuple(sorted(facts.certificates)),
        "required": tuple(sorted(facts.required_certificates)),
        "access": (facts.visibility, tuple(sorted(facts.audience)), facts.is_verified),
    }
