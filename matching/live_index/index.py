"""The three parts of the index in one process, and how they follow the rows."""

import logging
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from marketplace.models import Listing
from marketplace.parsing.normal_form import normalise
from matching.live_index import snapshot
from matching.live_index.engine import MEMORY, VectorEngine
from matching.live_index.facts import category_book, facts_of, with_facts
from matching.live_index.sequences import Sequences
from matching.live_index.snapshot import NormalFormIndex, Parts
from matching.live_index.trained import encoder, fusion, text_version
from matching.models import IndexEntry
from matching.ranking import ListingFacts
from matching.retrieval.candidate_table import CandidateTable

log = logging.getLogger(__name__)
# How many candidates each leg gives, and how many rows are read at once.
DEPTH, PAGE = 200, 1000
# With so many additions a newer snapshot is worth taking; one that lags so far behind is not.
NEWS, MOST_REPLAYED = 2000, 5000


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the two legs propose, best first by the fused score; arrays of shape (n,)."""

    ids: np.ndarray
    keyword: np.ndarray
    embedding: np.ndarray
    fused: np.ndarray
    allowed: int


class LiveIndex:
    """Vectors, words and hard facts of all listings that can be found, as of the last ``refresh``.

    The three parts are told the same things in the same order and so share their slots: what the table allows is the
    filter of both legs. Each call holds one lock: within a process searches go one after another, each a few
    milliseconds long.

    A snapshot is memory-mapped, so all processes share one copy of it; what came since, each has for itself. When
    that grows and somebody has written a newer snapshot, it is taken: read beside the searches, changed over in one.
    """

    def __init__(self, folder: Path, *, model_version: str, dim: int, engine: str = MEMORY) -> None:
        """Begin empty; the first ``refresh`` takes the snapshot that ``folder`` holds for this model.

        :param engine: what holds the vectors, as the setting VECTOR_ENGINE names it
        """
        self.folder = folder / model_version
        self.model_version = model_version
        self._lock = threading.RLock()
        self._is_loaded = False
        self._dim = dim
        self._engine = VectorEngine(engine, model_version=model_version, dim=dim)
        self._take(self._empty(), name="")
        self._coming: _Coming | None = None
        self._passed_over = ""

    def _empty(self) -> Parts:
        return Parts(self._engine.empty(), NormalFormIndex(), CandidateTable(), Sequences(), -1)

    def _take(self, parts: Parts, *, name: str) -> None:
        self.vectors, self.keywords, self.table = parts.vectors, parts.keywords, parts.table
        # The number under which each entry was last written, also of those that cannot be found now.
        self.sequences, self._last, self._taken = parts.sequences, parts.last, name
        self._book: dict | None = None

    def __len__(self) -> int:
        """Return how many listings can be found."""
        return len(self.table)

    @property
    def promised_recall(self) -> float:
        """The share of the truly best that a search finds, whatever the filter."""
        return self.vectors.promised_recall

    def refresh(self, now: datetime) -> None:
        """Bring the index up to what is committed; a look at one row where nothing changed."""
        with self._lock:
            if not self._is_loaded:
                self._load(now)
            self._follow_snapshots()
            self._learn_categories()
            self._read_on(now)

    def _read_on(self, now: datetime) -> None:
        while entries := list(self._entries().after(self._last)[:PAGE]):
            self._apply(entries, now)
            self._last = entries[-1].sequence

    def candidates(
        self,
        query: ListingFacts,
        vector: np.ndarray,
        today: date,
        *,
        limit: int,
        rules: Collection[str] | None = None,
        also: Sequence[int] = (),
    ) -> Candidates:
        """Return the best of both legs among what the hard rules allow, scored by both.

        :param also: listings to score too, as far as the rules allow them
        """
        with self._lock:
            words = query.normal or normalise(query.text)
            allowed = self.table.allowed(query, today, rules=rules)
            by_words = self.keywords.weigh(words, DEPTH, allowed)
            by_word, _ = by_words.best(DEPTH)
            by_meaning, _ = self.vectors.search(vector, DEPTH, allowed)
            known = np.unique(np.asarray(also, dtype=np.int64))
            slots = self.table.find(known)
            known = known[(slots >= 0) & allowed[slots]]
            ids = np.union1d(np.union1d(by_word, by_meaning[by_meaning >= 0]), known)
            keyword = by_words.of(self.table.find(ids))
            embedding = self.vectors.scores(vector, ids)
        fused = fusion().fuse(keyword, embedding)
        order = np.lexsort((ids, -fused))
        keep = order[(np.arange(len(order)) < limit) | np.isin(ids[order], known)]
        return Candidates(ids[keep], keyword[keep], embedding[keep], fused[keep], int(np.count_nonzero(allowed)))

    def _learn_categories(self) -> None:
        """Take the attribute rules of an edited category over for all its listings."""
        book = category_book()
        if self._book is not book:
            self.table.properties.update({spec.code: spec.attributes for spec, _ancestors in book.values()})
            self._book = book

    def save(self) -> None:
        """Write a snapshot, from which the next process starts quickly; searches go on meanwhile."""
        with self._lock:
            # Slots are never used twice, so what these hold now can be read later just as well.
            order, vectors, keywords = self.table.order(), self.vectors, self.keywords
            table, sequences, last = self.table.rearranged(order), self.sequences.copy(), self._last
        snapshot.save(Parts(vectors.rearranged(order), keywords.rearranged(order), table, sequences, last), self.folder)

    def _follow_snapshots(self) -> None:
        """Change over to a newer snapshot where that helps: what is searched beside it shrinks, memory is shared."""
        if self._coming:
            if self._coming.is_alive():
                return
            coming, self._coming = self._coming, None
            if coming.parts and coming.parts.last >= self._last - MOST_REPLAYED:
                self._take(coming.parts, name=coming.name_of_snapshot)
            return
        is_helpful = self.vectors.fresh_count > NEWS or (not self._taken and len(self.table) > NEWS)
        if is_helpful and snapshot.present(self.folder) not in {"", self._taken, self._passed_over}:
            self._passed_over = snapshot.present(self.folder)
            self._coming = _Coming(self.folder, self._passed_over, self._engine)
            self._coming.start()

    def wait_for_snapshot(self) -> None:
        """Wait until a newer snapshot that is being read is there; the next ``refresh`` takes it."""
        if self._coming:
            self._coming.join()

    def _entries(self):
        return IndexEntry.objects.defer("text")

    def _load(self, now: datetime) -> None:
        """Take the snapshot where there is a sound one, then whatever the rows say otherwise."""
        name = snapshot.present(self.folder)
        if parts := snapshot.load(self.folder, vectors=self._engine.load):
            self._take(parts, name=name)
            self._read_on(now)
        if not len(self.sequences) or not self._agrees():
            self._compare(now)
        self._is_loaded = True

    def _agrees(self) -> bool:
        """Return whether the rows up to the last number are those that were read."""
        return self.sequences.digest() == IndexEntry.objects.filter(sequence__lte=self._last).digest()

    def _compare(self, now: datetime) -> None:
        """Make good whatever was written or deleted unseen: each entry's number is compared."""
        rows = IndexEntry.objects.order_by("pk").values_list("pk", "sequence")
        ids, numbers = np.array(list(rows.iterator(chunk_size=50_000)), dtype=np.int64).reshape(-1, 2).T
        gone, changed = self.sequences.differing(ids, numbers)
        if len(changed) > len(self.sequences) // 2:
            self._take(self._empty(), name="")
            self._build(ids.tolist(), now)
        else:
            self._forget(gone.tolist())
            self.sequences.forget(gone.tolist())
            for page in _pages(changed.tolist()):
                self._apply(list(self._entries().filter(pk__in=page)), now)
        self._last = int(numbers.max(initial=-1))

    def _build(self, listing_ids: Sequence[int], now: datetime) -> None:
        """Fill the empty index at one go, which is many times faster than adding."""
        log.info("Building the index of %s entries from rows.", len(listing_ids))
        ids: list[int] = []
        vectors = np.zeros((len(listing_ids), self._dim), dtype=np.float16)

        def texts() -> Iterable[str]:
            for page in _pages(listing_ids):
                for entry, facts in self._open_ones(list(self._entries().filter(pk__in=page)), now):
                    self.table.put(facts)
                    if self._has_vector(entry):
                        vectors[len(ids)] = _vector(entry)
                    ids.append(entry.pk)
                    yield entry.normal

        # One by one into all three parts: all texts at once would not fit into memory.
        keywords = self.keywords.build(ids, texts())
        order = self.table.order()
        self.vectors = self._engine.empty().build(np.array(ids, dtype=np.int64)[order], vectors[order])
        self.keywords, self.table = keywords.rearranged(order), self.table.rearranged(order)

    def _apply(self, entries: Sequence[IndexEntry], now: datetime) -> None:
        found = self._open_ones(entries, now)
        self._forget({entry.pk for entry in entries} - {entry.pk for entry, _facts in found})
        if found:
            vectors = np.zeros((len(found), self._dim), dtype=np.float32)
            for place, (entry, _facts) in enumerate(found):
                if self._has_vector(entry):
                    vectors[place] = _vector(entry)
            self.vectors.add([entry.pk for entry, _facts in found], vectors)
        for entry, facts in found:
            self.keywords.add(entry.pk, entry.normal)
            self.table.put(facts)
        if self.table.dead > max(NEWS, len(self.table) // 4):
            self._tidy()

    def _tidy(self) -> None:
        """Close the holes in all parts at once, so that they go on sharing their slots."""
        order = self.table.order()
        self.vectors, self.keywords = self.vectors.rearranged(order), self.keywords.rearranged(order)
        self.table = self.table.rearranged(order)

    def _has_vector(self, entry: IndexEntry) -> bool:
        """A vector of another embedding says nothing here; its entry is written anew before long.

        Until then the listing has a vector of zeros, which is near to nothing.
        """
        return entry.model_version.split("-")[0] == self.model_version.split("-")[0]

    def _open_ones(self, entries: Sequence[IndexEntry], now: datetime) -> list[tuple[IndexEntry, ListingFacts]]:
        """Return the entries of listings that can be traded, with their facts; note the numbers of all."""
        self.sequences.note((entry.pk, entry.sequence) for entry in entries)
        listings = with_facts(Listing.objects.open(now).filter(pk__in=[entry.pk for entry in entries]))
        facts = {one.id: one for one in facts_of(listings, now=now)}
        return [(entry, facts[entry.pk]) for entry in entries if entry.pk in facts]

    def _forget(self, listing_ids: Iterable[int]) -> None:
        ids = sorted(listing_ids)
        for pk in ids:
            self.keywords.remove(pk)
            self.table.remove(pk)
        if ids:
            self.vectors.remove(ids)


def _vector(entry: IndexEntry) -> np.ndarray:
    return np.frombuffer(entry.vector, dtype="<f2").astype(np.float32)


def _pages(listing_ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (listing_ids[start : start + PAGE] for start in range(0, len(listing_ids), PAGE))


class _Coming(threading.Thread):
    """Reads a snapshot beside the searches; ``parts`` are there when it has ended, if the snapshot is sound."""

    def __init__(self, folder: Path, name: str, engine: VectorEngine) -> None:
        super().__init__(name="index-snapshot", daemon=True)
        self.folder, self.name_of_snapshot, self.engine = folder, name, engine
        self.parts: Parts | None = None

    def run(self) -> None:
        self.parts = snapshot.load(self.folder, vectors=self.engine.load)


def live_index() -> LiveIndex:
    """Return this process's index."""
    return _live_index(str(settings.DATA_DIR), text_version(), encoder().dim, settings.VECTOR_ENGINE)


@lru_cache(maxsize=1)
def _live_index(data_dir: str, model_version: str, dim: int, engine: str) -> LiveIndex:
    return LiveIndex(Path(data_dir) / "index", model_version=model_version, dim=dim, engine=engine)
