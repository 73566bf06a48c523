"""Find texts by the words they share with a query: BM25 over postings that can be added to while they are searched."""

import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from matching.retrieval.arrays import load_arrays, save_arrays
from matching.retrieval.ordering import best_slots
from matching.retrieval.postings import MOST_COUNTED, MOST_TERMS, Postings, hashes, packed
from matching.retrieval.slots import Slots, fit
from matching.retrieval.tokens import tokenise
from matching.retrieval.weighing import TermEntries, Weighed, weigh

SATURATION = 0.9
LENGTH_SHARE = 0.4
SMALLEST_MERGE = 2000
# A filter is looked at in blocks of so many slots; what lies between far-apart blocks is passed over.
BLOCK, FAR = 2048, 8


@dataclass
class Fresh:
    """The small part that was added since: row after row, each for the next slot."""

    lengths: array = field(default_factory=lambda: array("q"))
    postings: dict[str, tuple[array, array]] = field(default_factory=dict)

    def add(self, counts: Counter[str]) -> None:
        row = len(self.lengths)
        self.lengths.append(counts.total())
        for term, count in counts.items():
            rows, times = self.postings.setdefault(term, (array("q"), array("B")))
            rows.append(row)
            times.append(min(count, MOST_COUNTED))

    def copy(self) -> "Fresh":
        return Fresh(self.lengths[:], {term: (rows[:], times[:]) for term, (rows, times) in self.postings.items()})

    def entries(self, place: np.ndarray, terms: np.ndarray) -> np.ndarray:
        """Return the entries packed: rows as the slots of ``place`` (-1: gone), terms numbered by ``terms``."""
        numbers = np.searchsorted(terms, hashes(self.postings)).astype(np.uint64)
        sizes = [len(rows) for rows, _ in self.postings.values()]
        rows = np.frombuffer(b"".join(rows.tobytes() for rows, _ in self.postings.values()), dtype=np.int64)
        times = np.frombuffer(b"".join(times.tobytes() for _, times in self.postings.values()), dtype=np.uint8)
        slots = place[rows]
        stays = slots >= 0
        return packed(np.repeat(numbers, sizes)[stays], slots[stays], times[stays])


@dataclass(frozen=True, slots=True)
class Asked:
    """One term of a question: its number in the large part (-1: not there), its weight, and its fresh entries."""

    number: int
    weight: float
    rows: array | tuple
    counts: array | tuple


class KeywordIndex:
    """BM25 with exact scores, divided by what a text with every word of the query in plenty would get.

    So a score lies in [0, 1] and says which share of the query's weight the text holds, also for words that no text
    has; within one query the order is that of plain BM25 (Robertson & Zaragoza, 2009, eq. 3.15).

    A search reads the postings of the slots that its filter allows, as far as these stand together. It takes a lock
    against a concurrent add (both take milliseconds and hold the interpreter anyway). Removed and replaced texts count
    in the words' frequencies until they are merged away, as in Lucene.
    """

    # How a text becomes tokens; who has texts in their normal form already says so in a subclass.
    cut = staticmethod(tokenise)

    def __init__(self, *, saturation: float = SATURATION, length_share: float = LENGTH_SHARE) -> None:
        self.saturation = saturation
        self.length_share = length_share
        self._lock = threading.RLock()
        self._begin(Slots(), Postings.empty(), np.zeros(0, np.int32))

    def _begin(self, slots: Slots, postings: Postings, lengths: np.ndarray) -> None:
        self._slots = slots
        self._postings = postings
        self._lengths = lengths  # of the slots in postings, in tokens
        self._held = int(np.count_nonzero(lengths))
        self._mean_length = _mean(lengths)
        self._fresh = Fresh()

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def ids(self) -> np.ndarray:
        """The id of each slot: the order of ``allowed`` and of ``scores`` (see Slots)."""
        return self._slots.ids

    @property
    def fresh_count(self) -> int:
        """How many were added since the last merge."""
        return len(self._fresh.lengths)

    def build(self, ids: Sequence[int] | np.ndarray, texts: Iterable[str]) -> "KeywordIndex":
        """Hold exactly these texts; the i-th id gets slot i. The texts are read one by one, and not kept.

        ``ids`` are looked at when all texts were read: who makes the texts may fill them meanwhile.
        """
        numbers: dict[str, int] = {}
        entries, lengths = array("Q"), array("i")
        for slot, text in enumerate(texts):
            counts = Counter(self.cut(text))
            lengths.append(counts.total())
            place = slot << 8
            entries.extend(
                [
                    numbers.setdefault(term, len(numbers)) << 40 | place | min(count, MOST_COUNTED)
                    for term, count in counts.items()
                ]
            )
        slots = Slots(ids)
        if len(slots.ids) != len(lengths) or len(numbers) >= MOST_TERMS:
            raise ValueError(f"{len(slots.ids)} ids for {len(lengths)} texts with {len(numbers)} different words")
        terms = hashes(numbers)
        order = np.argsort(terms)
        number = np.empty(len(terms), dtype=np.uint64)
        number[order] = np.arange(len(terms), dtype=np.uint64)
        packed_entries = np.array(entries, dtype=np.uint64)
        del entries, numbers
        low = np.uint64(2**40 - 1)
        for start in range(0, len(packed_entries), 5_000_000):
            block = packed_entries[start : start + 5_000_000]
            block[:] = number[block >> np.uint64(40)] << np.uint64(40) | block & low
        with self._lock:
            self._put(slots, terms[order], packed_entries, np.array(lengths, dtype=np.int32))
        return self

    def add(self, item: int, text: str) -> None:
        """Hold this text under this id, in place of what the id held before."""
        counts = Counter(self.cut(text))
        with self._lock:
            self._slots.place([item])
            self._fresh.add(counts)
            if len(self._fresh.lengths) > max(SMALLEST_MERGE, len(self._lengths) // 20):
                self.merge()

    def remove(self, item: int) -> None:
        """Forget this id, if it is here."""
        with self._lock:
            self._slots.free([item])

    def scores(self, text: str, slots: np.ndarray | None = None) -> np.ndarray:
        """Return the score of the text's words in each slot, float32 in [0, 1]; all slots unless some are named."""
        with self._lock:
            asked, limit = self._question(text)
            count, alive = len(self._slots.ids), self._slots.alive
            terms, fresh = self._terms(asked, 0, count), self._fresh_part(asked, 0, count)
            # Nobody asks for the best alone: everything is added up.
            scores = weigh(0, fresh, terms, alive, count).scores / np.float32(limit or 1)
        return scores if slots is None else scores[slots]

    def search(self, text: str, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores of the k best texts that share a word with the query, best first.

        ``allowed`` is a bool array over slots, of the shape of ``ids``; slots beyond its end are not allowed.
        """
        return self.weigh(text, k, allowed).best(k)

    def weigh(self, text: str, k: int, allowed: np.ndarray | None = None) -> Weighed:
        """Return how the text's words weigh in what the filter allows: for the k best of it, and for any of it."""
        with self._lock:
            asked, limit = self._question(text)
            count = len(self._slots.ids)
            allowed = np.ones(count, dtype=bool) if allowed is None else fit(allowed, count)
            allowed = allowed & self._slots.alive
            stretches = [
                weigh(
                    start, self._fresh_part(asked, start, stop), self._terms(asked, start, stop), allowed[start:stop], k
                )
                for start, stop in spans(allowed)
            ]
            return Weighed(self._slots.ids, stretches, np.float32(limit or 1))

    def best(self, scores: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores of the k best of what `scores` gave for all slots, as `search` does."""
        ids = self._slots.ids
        hit = scores > 0 if allowed is None else (scores > 0) & fit(allowed, len(scores))
        found = np.flatnonzero(hit)
        best = found[best_slots(scores[found], ids[found], k)]
        return ids[best], scores[best]

    def _question(self, text: str) -> tuple[list[Asked], float]:
        """Return the terms of a text that some text here has, and the score of a text that has all in plenty."""
        query = Counter(self.cut(text))
        postings, fresh = self._postings, self._fresh
        held = self._held + len(fresh.lengths)
        asked, limit = [], 0.0
        for (term, times), number in zip(query.items(), postings.find(list(query)).tolist(), strict=True):
            rows, counts = fresh.postings.get(term, ((), ()))
            frequency = len(rows) + (int(postings.starts[number + 1] - postings.starts[number]) if number >= 0 else 0)
            weight = times * float(np.log1p((held - frequency + 0.5) / (frequency + 0.5)))
            limit += weight
            if frequency:
                asked.append(Asked(number, weight, rows, counts))
        return asked, limit

    def _fresh_part(self, asked: list[Asked], start: int, stop: int) -> np.ndarray:
        """Return the undivided scores from start to stop as far as they are fresh, 0 for the others."""
        scores, base = np.zeros(stop - start, dtype=np.float32), len(self._lengths)
        if stop > base:
            first = max(start - base, 0)
            scores[base + first - start :] = self._fresh_scores(asked)[first : stop - base]
        return scores

    def _terms(self, asked: list[Asked], start: int, stop: int) -> list[TermEntries]:
        """Return the entries of each term from start to stop in the large part, where there are any."""
        found, postings = [], self._postings
        for term in asked:
            if term.number >= 0:
                first, last = self._entries_of(term, start, stop)
                if last > first:
                    peak = float(postings.peaks[term.number])
                    found.append(
                        TermEntries(term.weight, peak, postings.slots[first:last], postings.impacts[first:last])
                    )
        return found

    def _entries_of(self, term: Asked, start: int, stop: int) -> tuple[int, int]:
        """Return where a term's postings for the slots from start to stop begin and end."""
        first, last = self._postings.starts[term.number : term.number + 2].tolist()
        if start == 0 and stop >= len(self._lengths):
            return first, last
        return tuple((first + np.searchsorted(self._postings.slots[first:last], (start, stop))).tolist())

    def _fresh_scores(self, asked: list[Asked]) -> np.ndarray:
        """Return the undivided score of each fresh row."""
        lengths = np.frombuffer(self._fresh.lengths, dtype=np.int64)
        scores, norms = np.zeros(len(lengths), dtype=np.float32), self._norms(lengths)
        for term in asked:
            if len(term.rows):
                rows = np.frombuffer(term.rows, dtype=np.int64)
                times = np.frombuffer(term.counts, dtype=np.uint8).astype(np.float32)
                scores[rows] += np.float32(term.weight) * times / (times + norms[rows])
        return scores

    def _norms(self, lengths: np.ndarray) -> np.ndarray:
        """Return how much a text's length holds its counts back, shape of ``lengths``."""
        mean = self._mean_length or (max(1.0, float(lengths.mean())) if len(lengths) else 1.0)
        return (self.saturation * (1 - self.length_share + self.length_share * lengths / mean)).astype(np.float32)

    def merge(self) -> None:
        """Move what was added into the large part, and drop what was removed; scores follow the new frequencies."""
        with self._lock:
            place = np.where(self._slots.alive, np.arange(len(self._slots.ids)), -1)
            self._put(self._slots, *self._gatherer()(place, len(place)))

    def rearranged(self, order: np.ndarray) -> "KeywordIndex":
        """Return an index of what these slots hold, in this order, and of nothing else; searches go on meanwhile."""
        with self._lock:
            ids, gather = self._slots.ids, self._gatherer()
        place = np.full(len(ids), -1)
        place[order] = np.arange(len(order))
        return self._made(self.saturation, self.length_share, Slots(ids[order]), gather(place, len(order)))

    @classmethod
    def _made(cls, saturation: float, length_share: float, slots: Slots, gathered: tuple) -> "KeywordIndex":
        index = cls(saturation=saturation, length_share=length_share)
        index._put(slots, *gathered)
        return index

    def _gatherer(self) -> Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return what gathers the present terms, packed entries and lengths, each slot moved to its place (-1: gone).

        It may be called later, without the lock: it goes by a copy of what may change.
        """
        old, fresh = self._postings, self._fresh.copy()
        known = np.concatenate([self._lengths, np.array(fresh.lengths, dtype=np.int32)])
        base = len(self._lengths)

        def gather(place: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            place = place[: len(known)]
            terms = np.union1d(old.terms, hashes(fresh.postings)) if fresh.postings else old.terms
            entries = np.concatenate([old.entries(place[:base], terms), fresh.entries(place[base:], terms)])
            lengths = np.zeros(count, dtype=np.int32)
            lengths[place[place >= 0]] = known[place >= 0]
            return terms, entries, lengths

        return gather

    def _put(self, slots: Slots, terms: np.ndarray, entries: np.ndarray, lengths: np.ndarray) -> None:
        self._mean_length = _mean(lengths)
        self._begin(slots, Postings.of_entries(terms, entries, self._norms(lengths)), lengths)

    def save(self, folder: Path) -> None:
        """Write the index into this folder."""
        with self._lock:
            self.merge()
            arrays = {**self._slots.arrays(), "lengths": self._lengths, **self._postings.arrays()}
        save_arrays(folder, {**arrays, "settings": np.array([self.saturation, self.length_share])})

    @classmethod
    def load(cls, folder: Path) -> "KeywordIndex":
        """Return the index that was saved to this folder; its postings are shared with all that load it."""
        arrays = load_arrays(folder)
        saturation, length_share = arrays["settings"].tolist()
        index = cls(saturation=saturation, length_share=length_share)
        index._begin(Slots.of_arrays(arrays), Postings.of_arrays(arrays), arrays["lengths"])
        return index


def spans(allowed: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield where stretches of slots begin and end that hold all that is allowed; few, and far from one another.

    >>> list(spans(np.arange(100_000) % 50_000 < 10))
    [(0, 2048), (49152, 51200)]
    """
    blocks = np.flatnonzero(np.logical_or.reduceat(allowed, np.arange(0, len(allowed), BLOCK))) if len(allowed) else []
    if len(blocks):
        parts = np.split(blocks, np.flatnonzero(np.diff(blocks) > FAR) + 1)
        for part in parts:
            yield int(part[0]) * BLOCK, min((int(part[-1]) + 1) * BLOCK, len(allowed))


def _mean(lengths: np.ndarray) -> float:
    return float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 0.0
