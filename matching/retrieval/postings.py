"""Which texts hold a term, and how often: the large part of a keyword index, which does not change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

# How an entry is packed into 64 bits, so that plain numbers are sorted: term, slot, count.
SLOT_BITS, COUNT_BITS = 32, 8
MOST_TERMS, MOST_COUNTED = 2 ** (64 - SLOT_BITS - COUNT_BITS), 2**COUNT_BITS - 1
BLOCK = 5_000_000
PARTS = ("terms", "starts", "slots", "counts", "impacts", "peaks")


@dataclass(frozen=True)
class Postings:
    """For each term the slots that hold it, ascending, and how often.

    ``terms`` are the ascending hashes of the terms, shape (terms,): a million listings have millions of terms, most of
    them prices and sizes, and as words they would fill the memory of every process. ``starts`` has the shape
    (terms + 1,): term t has the entries starts[t] to starts[t + 1] of ``slots`` and ``counts``. ``impacts`` is the
    share of a count that BM25 lets through, in [0, 1), and ``peaks`` each term's highest.
    """

    terms: np.ndarray
    starts: np.ndarray
    slots: np.ndarray
    counts: np.ndarray
    impacts: np.ndarray
    peaks: np.ndarray

    @classmethod
    def empty(cls) -> "Postings":
        return cls.of_entries(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.float32))

    @classmethod
    def of_entries(cls, terms: np.ndarray, entries: np.ndarray, norms: np.ndarray) -> "Postings":
        """Return the postings of these entries (see ``packed``), which are sorted in place.

        ``norms``, shape (slots,), is how much each text's length holds its counts back.
        """
        entries.sort()
        sizes = np.zeros(len(terms) + 1, dtype=np.int64)
        slots, counts = np.empty(len(entries), dtype=np.int32), np.empty(len(entries), dtype=np.uint8)
        impacts = np.empty(len(entries), dtype=np.float32)
        # Block by block: a copy of all would be the largest thing in memory.
        for start in range(0, len(entries), BLOCK):
            block = slice(start, start + BLOCK)
            numbers = (entries[block] >> np.uint64(SLOT_BITS + COUNT_BITS)).astype(np.int64)
            sizes[1:] += np.bincount(numbers, minlength=len(terms))
            slots[block] = (entries[block] >> np.uint64(COUNT_BITS)) & np.uint64(2**SLOT_BITS - 1)
            counts[block] = entries[block] & np.uint64(MOST_COUNTED)
            impacts[block] = counts[block] / (counts[block] + norms[slots[block]])
        starts, peaks = np.cumsum(sizes), np.zeros(len(terms), dtype=np.float32)
        if (held := sizes[1:] > 0).any():
            peaks[held] = np.maximum.reduceat(impacts, starts[:-1][held])
        return cls(terms, starts, slots, counts, impacts, peaks)

    def find(self, terms: Sequence[str]) -> np.ndarray:
        """Return the number of each term, -1 for one that no text has."""
        wanted = hashes(terms)
        places = np.searchsorted(self.terms, wanted)
        if not len(self.terms):
            return np.full(len(wanted), -1)
        is_here = self.terms[np.minimum(places, len(self.terms) - 1)] == wanted
        return np.where(is_here, places, -1)

    def entries(self, place: np.ndarray, terms: np.ndarray) -> np.ndarray:
        """Return the entries packed anew: slots moved to ``place`` (-1: gone), terms numbered by ``terms``."""
        numbers = np.searchsorted(terms, self.terms).astype(np.uint64)
        found = []
        for start in range(0, len(self.slots), BLOCK):
            block = np.arange(start, min(start + BLOCK, len(self.slots)))
            slots = place[self.slots[block]]
            stays = slots >= 0
            of = numbers[np.searchsorted(self.starts, block[stays], side="right") - 1]
            found.append(packed(of, slots[stays], self.counts[block[stays]]))
        return np.concatenate(found) if found else np.zeros(0, dtype=np.uint64)

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in PARTS}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Postings":
        return cls(*(arrays[name] for name in PARTS))


def packed(terms: np.ndarray, slots: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return entries as numbers that sort by term, then slot.

    >>> [hex(entry) for entry in packed(np.array([2]), np.array([3]), np.array([1])).tolist()]
    ['0x20000000301']
    """
    packed = terms.astype(np.uint64) << np.uint64(SLOT_BITS + COUNT_BITS)
    packed |= slots.astype(np.uint64) << np.uint64(COUNT_BITS)
    packed |= counts.astype(np.uint64)
    return packed


def hashes(terms: Iterable[str]) -> np.ndarray:
    """Return 64 bits for each term: of a million terms two share them with a chance of 1 in 37 million."""
    joined = b"".join(blake2b(term.encode(), digest_size=8).digest() for term in terms)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)
