"""The hard rules over many listings at once: columns in numpy, one row ("slot") per listing.

Numbers stand in plain columns. What has few different values (units, places, audiences …) is interned: a rule looks
at each different value once, and its answers are gathered by the column of codes.
"""

import json
from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np

from matching.ranking.facts import ListingFacts
from matching.retrieval.arrays import load_arrays, save_arrays
from matching.retrieval.candidate_rules import CHECKS, LAST_DAY, Question
from matching.retrieval.columns import AttributeColumn, Column, Interned, frozen
from matching.retrieval.eligibility import delivery_places, price_terms
from matching.retrieval.slots import Slots

NUMBERS = ("quantity", "minimum_order", "price_min", "price_max")
INTERNED = ("side", "kind", "family", "category", "unit", "price_terms", "places", "certificates", "required", "access")
# What a table is put in order by: the first three are what the rules ask first, and so a query meets few stretches.
ORDER = ("side", "kind", "family", "category")
STRETCH = ORDER[:3]
# Days are proleptic ordinals; these stand where a listing names none.
DAYS_UNSTATED = {"window_start": 0, "window_end": LAST_DAY, "lead_days": 0, "open_until": LAST_DAY}
# A table with more stretches than this is in no order worth the name.
MOST_STRETCHES = 4096


class CandidateTable:
    """Say which of many listings the hard rules let a query match.

    ``put`` adds or replaces a listing, ``remove`` forgets one, ``allowed`` answers with a bool per slot of ``ids``.
    Not safe for concurrent use: its owner holds a lock.
    """

    def __init__(self) -> None:
        self._begin(Slots(), {}, {})

    def _begin(self, slots: Slots, arrays: Mapping[str, np.ndarray], interned: Mapping[str, Interned]) -> None:
        self._slots = slots
        self.organisations = Column(arrays.get("organisations", np.zeros(0, dtype=np.int64)))
        self.numbers = {name: Column(arrays.get(f"number.{name}", np.zeros(0))) for name in NUMBERS}
        self.days = {name: Column(arrays.get(f"day.{name}", np.zeros(0, np.int32))) for name in DAYS_UNSTATED}
        self.codes = {name: Column(arrays.get(f"code.{name}", np.zeros(0, np.int32))) for name in INTERNED}
        self.interned = {name: interned.get(name) or Interned() for name in INTERNED}
        self.attributes: dict[str, AttributeColumn] = {}
        # Attribute definitions by category code: the last listing put says how they are now.
        self.properties: dict[str, Mapping[str, Mapping]] = {}
        self._stretches = self._find_stretches()

    def __len__(self) -> int:
        """Return how many listings the table knows."""
        return len(self._slots)

    def __contains__(self, listing_id: int) -> bool:
        """Return whether the table knows this listing."""
        return listing_id in self._slots

    @property
    def ids(self) -> np.ndarray:
        """Return the listing id of every slot, dead ones included, shape (slots,)."""
        return self._slots.ids

    def find(self, listing_ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the slot of each listing, -1 for one that is not known."""
        return self._slots.find(listing_ids)

    @property
    def dead(self) -> int:
        """Return how many slots are of listings that were replaced or removed."""
        return len(self._slots.ids) - len(self._slots)

    def put(self, facts: ListingFacts) -> None:
        """Add a listing, or replace what was known of it."""
        slot = int(self._slots.place([facts.id])[0])
        self.organisations.append(facts.organisation)
        for name in NUMBERS:
            value = getattr(facts, name)
            self.numbers[name].append(np.nan if value is None else value)
        for name, unstated in DAYS_UNSTATED.items():
            value = getattr(facts, name)
            value = value.toordinal() if isinstance(value, date) else value
            is_closed = name == "open_until" and not facts.is_open
            self.days[name].append(0 if is_closed else unstated if value is None else value)
        for name, value in _interned(facts).items():
            self.codes[name].append(self.interned[name].code(value))
        if facts.category:
            self.properties[facts.category] = facts.properties
        for key, value in facts.attributes.items():
            if value is not None:
                if key not in self.attributes:
                    self.attributes[key] = AttributeColumn()
                self.attributes[key].put(slot, value)

    def remove(self, listing_id: int) -> None:
        """Forget a listing, if it is known."""
        self._slots.free([listing_id])

    def allowed(self, query: ListingFacts, today: date, *, rules: Collection[str] | None = None) -> np.ndarray:
        """Return for every slot whether the hard rules (all, or those named) let the query match it.

        :return: bool array of shape (slots,), in the order of ``ids``
        """
        slots = self._in_question(query, rules)
        for name, check in CHECKS.items():
            if rules is None or name in rules:
                passes = check(Question(self, slots, query, today))
                slots = slots if passes.all() else slots[passes]
        answer = np.zeros(len(self.ids), dtype=bool)
        answer[slots] = True
        return answer

    def _in_question(self, query: ListingFacts, rules: Collection[str] | None) -> np.ndarray:
        """Return the living slots, ascending, without the stretches that the first rules refuse as a whole."""
        alive = self._slots.alive
        asked = [name for name in STRETCH if rules is None or name in rules]
        if not len(self._stretches) or not asked:
            return np.flatnonzero(alive)
        begins, ends = self._stretches, np.append(self._stretches[1:], len(self._base_ids))
        heads = np.ones(len(begins), dtype=bool)
        for name in asked:
            heads &= CHECKS[name](Question(self, begins, query, date.min))
        parts = [
            begin + np.flatnonzero(alive[begin:end]) for begin, end in zip(begins[heads], ends[heads], strict=True)
        ]
        return np.concatenate([*parts, len(self._base_ids) + np.flatnonzero(alive[len(self._base_ids) :])])

    def _find_stretches(self) -> np.ndarray:
        """Return where stretches of one side, kind and family begin, where the table is in such an order."""
        self._base_ids = self._slots.ids
        codes = [self.codes[name].array() for name in STRETCH]
        changes = np.logical_or.reduce([np.diff(column) != 0 for column in codes])
        begins = np.concatenate([[0], np.flatnonzero(changes) + 1])
        return begins if len(self._base_ids) > 0 and len(begins) <= MOST_STRETCHES else np.zeros(0, dtype=np.int64)

    def order(self) -> np.ndarray:
        """Return the living slots in the order in which a search meets the fewest others."""
        alive = np.flatnonzero(self._slots.alive)
        # By value, not by code: then it does not matter what came first.
        ranks = []
        for name in ORDER:
            values = list(self.interned[name])
            rank = np.empty(len(values), dtype=np.int64)
            rank[sorted(range(len(values)), key=values.__getitem__)] = np.arange(len(values))
            ranks.append(rank[self.codes[name].take(alive)])
        return alive[np.lexsort((self.ids[alive], *reversed(ranks)))]

    def rearranged(self, order: np.ndarray) -> "CandidateTable":
        """Return a table of what these slots hold, in this order, and of nothing else."""
        place = np.full(len(self.ids), -1, dtype=np.int64)
        place[order] = np.arange(len(order))
        table = CandidateTable()
        arrays = {name: column.array()[order] for name, column in self._columns().items()}
        table._begin(Slots(self.ids[order]), arrays, {name: Interned(values) for name, values in self.interned.items()})
        moved = {key: column.moved(place) for key, column in self.attributes.items()}
        table.attributes = {key: column for key, column in moved.items() if column}
        table.properties = dict(self.properties)
        return table

    def _columns(self) -> dict[str, Column]:
        columns = {"organisations": self.organisations}
        for kind, by_name in (("number", self.numbers), ("day", self.days), ("code", self.codes)):
            columns |= {f"{kind}.{name}": column for name, column in by_name.items()}
        return columns

    def save(self, folder: Path) -> None:
        """Write the table into this folder."""
        arrays = {name: column.array() for name, column in self._columns().items()}
        for place, column in enumerate(self.attributes.values()):
            arrays |= {f"attribute.{place}.{part}": array for part, array in column.arrays().items()}
        save_arrays(folder, {**self._slots.arrays(), **arrays})
        words = {
            "interned": {name: list(values) for name, values in self.interned.items()},
            "attributes": {key: column.words for key, column in self.attributes.items()},
            "properties": self.properties,
        }
        (folder / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the table that ``save`` wrote; its columns are shared with all that load it."""
        table, arrays = cls(), load_arrays(folder)
        words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        interned = {name: Interned(map(frozen, values)) for name, values in words["interned"].items()}
        table._begin(Slots.of_arrays(arrays), arrays, interned)
        for place, (key, values) in enumerate(words["attributes"].items()):
            parts = {part: arrays[f"attribute.{place}.{part}"] for part in AttributeColumn.PARTS}
            table.attributes[key] = AttributeColumn(parts, values)
        table.properties = words["properties"]
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
