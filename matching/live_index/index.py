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
from matching.live_index.facts import category_book, facts_of, with_facts
from matching.live_index.snapshot import NormalFormIndex
from matching.live_index.trained import encoder, fusion, text_version
from matching.models import IndexEntry
from matching.ranking import ListingFacts
from matching.retrieval.candidate_table import CandidateTable
from matching.retrieval.vector_index import VectorIndex

log = logging.getLogger(__name__)
# How many candidates each leg gives, and how many rows are read at once.
DEPTH, PAGE = 200, 1000


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

    Each call holds one lock: within a process searches go one after another, each a few milliseconds long.
    """

    def __init__(self, folder: Path, *, model_version: str, dim: int) -> None:
        """Begin empty; the first ``refresh`` takes the snapshot that ``folder`` holds for this model."""
        self.folder = folder / model_version
        self.model_version = model_version
        self._lock = threading.RLock()
        self._is_loaded = False
        self.vectors, self.keywords, self.table = VectorIndex(dim), NormalFormIndex(), CandidateTable()
        # The number under which each entry was last written, also of those that cannot be found now.
        self.sequences: dict[int, int] = {}
        self._last = -1
        self._book: dict | None = None

    def __len__(self) -> int:
        """Return how many listings can be found."""
        return len(self.table)

    def refresh(self, now: datetime) -> None:
        """Bring the index up to what is committed; a look at one row where nothing changed."""
        with self._lock:
            if not self._is_loaded:
                self._load(now)
            self._learn_categories()
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
            permitted = self.table.ids[self.table.allowed(query, today, rules=rules)]
            # Scored once for all listings: the words of a whole listing are what a match spends its time on.
            by_words = self.keywords.scores(words)
            by_word, _ = self.keywords.best(by_words, DEPTH, np.isin(self.keywords.ids, permitted))
            by_meaning, _ = self.vectors.search(vector, DEPTH, np.isin(self.vectors.ids, permitted))
            known = np.intersect1d(np.asarray(also, dtype=np.int64), permitted)
            ids = np.union1d(np.union1d(by_word, by_meaning[by_meaning >= 0]), known)
            keyword = by_words[_places(self.keywords.ids, ids)]
            # A listing whose vector is of another model has no meaning here yet.
            embedding = np.nan_to_num(self.vectors.scores(vector, ids), nan=0.0)
        fused = fusion().fuse(keyword, embedding)
        order = np.lexsort((ids, -fused))
        keep = order[(np.arange(len(order)) < limit) | np.isin(ids[order], known)]
        return Candidates(ids[keep], keyword[keep], embedding[keep], fused[keep], len(permitted))

    def _learn_categories(self) -> None:
        """Take the attribute rules of an edited category over for all its listings."""
        book = category_book()
        if self._book is not book:
            self.table.properties.update({spec.code: spec.attributes for spec, _ancestors in book.values()})
            self._book = book

    def save(self) -> None:
        """Write a snapshot, from which the next process starts quickly."""
        with self._lock:
            snapshot.save(self)

    def _entries(self):
        return IndexEntry.objects.defer("text")

    def _load(self, now: datetime) -> None:
        """Take the snapshot where there is a sound one, then whatever the rows say otherwise."""
        if parts := snapshot.load(self.folder):
            self.vectors, self.keywords, self.table, self.sequences = parts
        rows = dict(self._entries().values_list("pk", "sequence"))
        self._forget(self.sequences.keys() - rows.keys())
        self.sequences = {pk: sequence for pk, sequence in self.sequences.items() if pk in rows}
        changed = [pk for pk, sequence in rows.items() if self.sequences.get(pk) != sequence]
        if changed and not self.sequences:
            self._build(changed, now)
        else:
            for page in _pages(changed):
                self._apply(list(self._entries().filter(pk__in=page)), now)
        self._last = max(rows.values(), default=-1)
        self._is_loaded = True

    def _build(self, listing_ids: Sequence[int], now: datetime) -> None:
        """Fill the empty index at one go, which is many times faster than adding."""
        log.info("Building the index of %s entries from rows.", len(listing_ids))
        ids, texts, vectors, with_vector = [], [], [], []
        for page in _pages(listing_ids):
            for entry, facts in self._open_ones(list(self._entries().filter(pk__in=page)), now):
                self.table.put(facts)
                ids.append(entry.pk)
                texts.append(entry.normal)
                if self._has_vector(entry):
                    with_vector.append(entry.pk)
                    vectors.append(_vector(entry))
        self.keywords.build(np.array(ids, dtype=np.int64), texts)
        if vectors:
            self.vectors.build(np.array(with_vector, dtype=np.int64), np.stack(vectors))

    def _apply(self, entries: Sequence[IndexEntry], now: datetime) -> None:
        found = self._open_ones(entries, now)
        self._forget({entry.pk for entry in entries} - {entry.pk for entry, _facts in found})
        with_vector = [entry for entry, _facts in found if self._has_vector(entry)]
        self.vectors.remove([entry.pk for entry, _facts in found if not self._has_vector(entry)])
        if with_vector:
            ids = np.array([entry.pk for entry in with_vector], dtype=np.int64)
            self.vectors.add(ids, np.stack([_vector(entry) for entry in with_vector]))
        for entry, facts in found:
            self.keywords.add(entry.pk, entry.normal)
            self.table.put(facts)

    def _has_vector(self, entry: IndexEntry) -> bool:
        """A vector of another embedding says nothing here; its entry is written anew before long."""
        return entry.model_version.split("-")[0] == self.model_version.split("-")[0]

    def _open_ones(self, entries: Sequence[IndexEntry], now: datetime) -> list[tuple[IndexEntry, ListingFacts]]:
        """Return the entries of listings that can be traded, with their facts; note the numbers of all."""
        self.sequences.update((entry.pk, entry.sequence) for entry in entries)
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


def _places(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return where each wanted id, in ascending order, stands among the ids."""
    places = np.flatnonzero(np.isin(ids, wanted))
    return places[np.argsort(ids[places])]


def _pages(listing_ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (listing_ids[start : start + PAGE] for start in range(0, len(listing_ids), PAGE))


def live_index() -> LiveIndex:
    """Return this process's index."""
    return _live_index(str(settings.DATA_DIR), text_version(), encoder().dim)


@lru_cache(maxsize=1)
def _live_index(data_dir: str, model_version: str, dim: int) -> LiveIndex:
    return LiveIndex(Path(data_dir) / "index", model_version=model_version, dim=dim)
