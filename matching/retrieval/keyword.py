"""Find texts by the words they share with a query: BM25 over postings that can be added to while they are searched."""

import tempfile
import threading
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from matching.retrieval.ordering import best_slots
from matching.retrieval.slots import Slots, fit
from matching.retrieval.tokens import tokenise

SATURATION = 0.9
LENGTH_SHARE = 0.4
SMALLEST_MERGE = 2000


@dataclass(frozen=True)
class Postings:
    """The large, unchanging part: for each term the slots that hold it, and how often.

    ``starts`` has the shape (terms + 1,): term t has the entries starts[t] to starts[t + 1] of ``slots`` and
    ``counts``; ``impacts`` is the share of a count that BM25 lets through, in [0, 1).
    """

    terms: dict[str, int]
    starts: np.ndarray
    slots: np.ndarray
    counts: np.ndarray
    impacts: np.ndarray

    @classmethod
    def empty(cls) -> "Postings":
        return cls({}, np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.float32))


@dataclass
class Fresh:
    """The small part that was added since: rows in the order of their arrival, each for one slot."""

    slots: array = field(default_factory=lambda: array("q"))
    lengths: array = field(default_factory=lambda: array("q"))
    latest: dict[int, int] = field(default_factory=dict)
    postings: dict[str, tuple[array, array]] = field(default_factory=dict)

    def add(self, slot: int, counts: Counter[str]) -> None:
        row = len(self.slots)
        self.slots.append(slot)
        self.lengths.append(counts.total())
        self.latest[slot] = row
        for term, count in counts.items():
            rows, times = self.postings.setdefault(term, (array("q"), array("B")))
            rows.append(row)
            times.append(min(count, 255))


class KeywordIndex:
    """BM25 with exact scores, divided by what a text with every word of the query in plenty would get.

    So a score lies in [0, 1] and says which share of the query's weight the text holds, also for words that no text
    has; within one query the order is that of plain BM25 (Robertson & Zaragoza, 2009, eq. 3.15).

    A search takes a lock against a concurrent add (both take milliseconds and hold the interpreter anyway).
    Removed and replaced texts count in the words' frequencies until the next merge, as in Lucene.
    """

    # How a text becomes tokens; who has texts in their normal form already says so in a subclass.
    cut = staticmethod(tokenise)

    def __init__(self, *, saturation: float = SATURATION, length_share: float = LENGTH_SHARE) -> None:
        self.saturation = saturation
        self.length_share = length_share
        self._lock = threading.RLock()
        self._reset(Slots(), Postings.empty(), np.zeros(0, np.int32))

    def _reset(self, slots: Slots, postings: Postings, lengths: np.ndarray) -> None:
        self._slots = slots
        self._postings = postings
        self._lengths = lengths  # of the slots in postings, in tokens
        self._stale = np.zeros(len(lengths), dtype=bool)  # slots whose entries in postings no longer hold
        self._fresh = Fresh()
        self._mean_length = _mean(lengths)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def ids(self) -> np.ndarray:
        """The id of each slot: the order of ``allowed`` and of ``scores`` (see Slots)."""
        return self._slots.ids

    def build(self, ids: np.ndarray, texts: Sequence[str]) -> "KeywordIndex":
        """Hold exactly these texts; the i-th id gets slot i."""
        counts = [Counter(self.cut(text)) for text in texts]
        with self._lock:
            self._reset(Slots(ids), Postings.empty(), np.zeros(0, np.int32))
            for slot, count in enumerate(counts):
                self._fresh.add(slot, count)
            self.merge()
        return self

    def add(self, item: int, text: str) -> None:
        """Hold this text under this id, in place of what the id held before."""
        counts = Counter(self.cut(text))
        with self._lock:
            slot = int(self._slots.place([item])[0])
            if slot < len(self._stale):
                self._stale[slot] = True
            self._fresh.add(slot, counts)
            if len(self._fresh.slots) > max(SMALLEST_MERGE, len(self._lengths) // 20):
                self.merge()

    def remove(self, item: int) -> None:
        """Forget this id, if it is here."""
        with self._lock:
            for slot in self._slots.free([item]).tolist():
                if slot < len(self._stale):
                    self._stale[slot] = True
                self._fresh.latest.pop(slot, None)

    def scores(self, text: str, slots: np.ndarray | None = None) -> np.ndarray:
        """Return the score of the text's words in each slot, float32 in [0, 1]; all slots unless some are named."""
        query = Counter(self.cut(text))
        with self._lock:
            scores = self._scores(query)
        return scores if slots is None else scores[slots]

    def search(self, text: str, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores of the k best texts that share a word with the query, best first.

        ``allowed`` is a bool array over slots, of the shape of ``ids``; slots beyond its end are not allowed.
        """
        return self.best(self.scores(text), k, allowed)

    def best(self, scores: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores of the k best of what `scores` gave for all slots, as `search` does."""
        ids = self._slots.ids
        hit = scores > 0 if allowed is None else (scores > 0) & fit(allowed, len(scores))
        found = np.flatnonzero(hit)
        best = found[best_slots(scores[found], ids[found], k)]
        return ids[best], scores[best]

    def _scores(self, query: Counter[str]) -> np.ndarray:
        postings, fresh = self._postings, self._fresh
        scores = np.zeros(len(self._slots.ids), dtype=np.float32)
        fresh_scores = np.zeros(len(fresh.slots), dtype=np.float32)
        held = int(np.count_nonzero(self._lengths)) + len(fresh.slots)
        norms = self._norms(np.array(fresh.lengths, dtype=np.int64)) if len(fresh.slots) else None
        limit = 0.0
        for term, asked in query.items():
            at = postings.terms.get(term)
            start, stop = (postings.starts[at], postings.starts[at + 1]) if at is not None else (0, 0)
            rows, counts = fresh.postings.get(term, ((), ()))
            frequency = (stop - start) + len(rows)
            weight = asked * float(np.log1p((held - frequency + 0.5) / (frequency + 0.5)))
            limit += weight
            if stop > start:
                # A slot stands once in a term's postings, so plain fancy addition is right, and fast.
                scores[postings.slots[start:stop]] += np.float32(weight) * postings.impacts[start:stop]
            if len(rows):
                places, times = np.array(rows, dtype=np.int64), np.array(counts, dtype=np.float32)
                fresh_scores[places] += weight * times / (times + norms[places])
        scores[: len(self._stale)][self._stale] = 0.0
        if fresh.latest:
            places = np.fromiter(fresh.latest.keys(), dtype=np.int64, count=len(fresh.latest))
            scores[places] = fresh_scores[np.fromiter(fresh.latest.values(), dtype=np.int64, count=len(fresh.latest))]
        return scores / np.float32(limit) if limit > 0 else scores

    def _norms(self, lengths: np.ndarray) -> np.ndarray:
        """Return how much a text's length holds its counts back, shape of ``lengths``."""
        mean = self._mean_length or max(1.0, float(lengths.mean()))
        return (self.saturation * (1 - self.length_share + self.length_share * lengths / mean)).astype(np.float32)

    def merge(self) -> None:
        """Move what was added into the large part, and drop what was removed; scores follow the new frequencies."""
        with self._lock:
            old, fresh = self._postings, self._fresh
            terms = dict(old.terms)
            numbers = [terms.setdefault(term, len(terms)) for term in fresh.postings]
            sizes = [len(rows) for rows, _ in fresh.postings.values()]
            rows = np.frombuffer(b"".join(rows.tobytes() for rows, _ in fresh.postings.values()), dtype=np.int64)
            times = np.frombuffer(b"".join(times.tobytes() for _, times in fresh.postings.values()), dtype=np.uint8)
            alive = np.zeros(len(fresh.slots), dtype=bool)
            alive[list(fresh.latest.values())] = True
            added, kept = alive[rows], ~self._stale[old.slots]
            old_number = np.repeat(np.arange(len(old.terms)), np.diff(old.starts))
            number = np.concatenate([old_number[kept], np.repeat(np.array(numbers, dtype=np.int64), sizes)[added]])
            fresh_slots = np.array(fresh.slots, dtype=np.int32)
            slots = np.concatenate([old.slots[kept], fresh_slots[rows[added]]])
            counts = np.concatenate([old.counts[kept], times[added]])
            order = np.lexsort((slots, number))
            starts = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=len(terms)))])
            lengths = np.zeros(len(self._slots.ids), dtype=np.int32)
            lengths[: len(self._lengths)] = np.where(self._stale, 0, self._lengths)
            fresh_lengths = np.array(fresh.lengths, dtype=np.int32)
            for slot, row in fresh.latest.items():
                lengths[slot] = fresh_lengths[row]
            self._mean_length = _mean(lengths)
            slots, counts = slots[order], counts[order]
            impacts = counts / (counts + self._norms(lengths)[slots])
            self._reset(self._slots, Postings(terms, starts, slots, counts, impacts.astype(np.float32)), lengths)

    def save(self, path: Path) -> None:
        """Write the index to this file; a reader sees the old file or the new one, never half of it."""
        with self._lock:
            self.merge()
            arrays = {
                "ids": self._slots.ids,
                "alive": self._slots.alive,
                "lengths": self._lengths,
                "terms": np.frombuffer("\n".join(self._postings.terms).encode(), dtype=np.uint8),
                "starts": self._postings.starts,
                "slots": self._postings.slots,
                "counts": self._postings.counts,
                "impacts": self._postings.impacts,
                "settings": np.array([self.saturation, self.length_share]),
            }
        path = Path(path)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
            np.savez(file, **arrays)
        Path(file.name).replace(path)

    @classmethod
    def load(cls, path: Path) -> "KeywordIndex":
        """Return the index that was saved to this file."""
        with np.load(path, allow_pickle=False) as arrays:
            saturation, length_share = arrays["settings"].tolist()
            index = cls(saturation=saturation, length_share=length_share)
            ids, alive = arrays["ids"], arrays["alive"]
            slots = Slots(ids)
            slots.free(ids[~alive])
            text = arrays["terms"].tobytes().decode()
            terms = {term: number for number, term in enumerate(text.split("\n") if text else [])}
            postings = Postings(terms, arrays["starts"], arrays["slots"], arrays["counts"], arrays["impacts"])
            index._reset(slots, postings, arrays["lengths"])
        return index


def _mean(lengths: np.ndarray) -> float:
    return float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 0.0
