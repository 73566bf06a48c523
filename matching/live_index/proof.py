"""Put the live index to the proof: what it serves against brute force over the rows' own vectors."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

import numpy as np
from django.utils import timezone

from marketplace.models import Listing
from matching.live_index.facts import facts_of, with_facts
from matching.live_index.index import LiveIndex, live_index
from matching.live_index.trained import encoder
from matching.models import IndexEntry, RecallProof
from matching.ranking import ListingFacts
from matching.retrieval.eligibility import why_not
from matching.retrieval.proof import Asked, BruteForce, Measured

# Lists of so many are proven, of so many queries under each filter.
SERVED, QUERIES = 50, 50
# More than both legs give together, so that none of what they propose is cut off.
EVERYTHING = 10_000
PAGE = 5_000
# So many listings are put to the rules one by one: a filter that loses some would lose them in the proof too.
CHECKED = 300
Shape = RecallProof.Shape
# Which of the hard rules each shape puts to the index; None: all of them.
RULES: dict[str, tuple[str, ...] | None] = {
    Shape.NONE: (),
    Shape.SIDE_FAMILY: ("side", "family"),
    Shape.REGION: ("side", "region"),
    Shape.OTHER_CATEGORY: ("side", "family", "kind"),
    Shape.NARROW: ("side", "region", "price", "minimum_order", "unit"),
    Shape.ALL: None,
}


@dataclass(frozen=True, slots=True)
class ShapeProof:
    """What was measured under one shape of filter; ``worst_listing`` is the query with the lowest recall."""

    shape: str
    queries: int
    recall: float
    worst: float
    worst_listing: int
    short: int
    allowed: float
    promised: float

    @property
    def is_kept(self) -> bool:
        return self.recall >= self.promised


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof of all shapes; ``missing`` listings can be traded and have their entry, but the index lacks them."""

    engine: str
    entries: int
    missing: int
    seconds: float
    shapes: list[ShapeProof] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        return not self.missing and all(one.is_kept for one in self.shapes)


def prove(*, now: datetime, seed: str, queries: int = QUERIES) -> Proof:
    """Ask the live index for the neighbours of listings drawn by the seed, and compare them with the truth.

    The index answers as it answers a match request: by ``candidates``, with the filter it works out itself. The truth is
    worked out from the vectors of the rows. Rows that change while this looks at them are left out of both.
    """
    began, index, random = time.monotonic(), live_index(), Random(seed)  # noqa: S311 - a draw, not a secret
    before = _sequences()
    index.refresh(now)
    steady = {pk: sequence for pk, sequence in _sequences().items() if before.get(pk) == sequence}
    entries = np.array(sorted(steady.keys() & set(Listing.objects.open(now).values_list("pk", flat=True))), dtype=int)
    held = index.table.ids[_allowed(index, _anybody(), now, ())]
    missing = np.setdiff1d(entries, held)
    usable = np.array(sorted(steady), dtype=np.int64)
    # One array for all queries without a filter: it is as long as the market.
    everything = _only(np.union1d(held, missing), usable)
    asked, chosen = [], random.sample(entries.tolist(), min(queries, len(entries)))
    facts = {one.id: one for one in facts_of(with_facts(Listing.objects.filter(pk__in=chosen)), now=now)}
    vectors = dict(IndexEntry.objects.filter(pk__in=chosen).values_list("pk", "vector"))
    drawn = [facts[pk] for pk in chosen if pk in facts and pk in vectors]
    checked = _checked(entries, random, now)
    for shape, rules in RULES.items():
        for place, one in enumerate(drawn):
            # Under another category's filter the neighbours are far away: where graphs lose their way.
            query = _as_of(one, drawn[(place + 1) % len(drawn)]) if shape == Shape.OTHER_CATEGORY else one
            vector = _vector(vectors[one.id])
            allowed = everything
            if shape != Shape.NONE:
                allowed = index.table.ids[_allowed(index, query, now, rules)]
            if rules is None:
                allowed = np.union1d(allowed, _permitted(query, checked, now))
            served = _only(_proposed(index, query, vector, now, rules), usable)[:SERVED]
            wanted = allowed if allowed is everything else _only(allowed, usable)
            asked.append((shape, one.id, Asked(vector, wanted, served)))
    truth = BruteForce([each for *_, each in asked], k=SERVED)
    for ids, part in _rows(steady):
        truth.look(ids, part)
    shapes = _summed([(shape, pk) for shape, pk, _ in asked], truth.measured(), len(entries), index.promised_recall)
    return Proof(_engine(index), len(entries), len(missing), time.monotonic() - began, shapes)


def _sequences() -> dict[int, int]:
    """Return under which number each entry was written whose vector is of the model in use."""
    usable = IndexEntry.objects.filter(model_version__startswith=f"{encoder().version}-")
    return dict(usable.values_list("pk", "sequence").iterator(chunk_size=PAGE))


def _rows(steady: dict[int, int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the vectors of the rows that are as they were when the index was asked, in parts, ids ascending."""
    ids: list[int] = []
    vectors: list[np.ndarray] = []
    rows = IndexEntry.objects.order_by("pk").values_list("pk", "sequence", "vector")
    for pk, sequence, vector in rows.iterator(chunk_size=PAGE):
        if steady.get(pk) == sequence:
            ids.append(pk)
            vectors.append(np.frombuffer(vector, dtype="<f2"))
        if len(ids) == PAGE:
            yield np.array(ids), np.stack(vectors)
            ids, vectors = [], []
    if ids:
        yield np.array(ids), np.stack(vectors)


def _vector(stored: bytes) -> np.ndarray:
    return np.frombuffer(stored, dtype="<f2").astype(np.float32)


def _allowed(index: LiveIndex, query: ListingFacts, now: datetime, rules: Sequence[str] | None) -> np.ndarray:
    return index.table.allowed(query, timezone.localdate(now), rules=rules)


def _proposed(
    index: LiveIndex, query: ListingFacts, vector: np.ndarray, now: datetime, rules: Sequence[str] | None
) -> np.ndarray:
    """Return what the index proposes for this query, the nearest in meaning first."""
    found = index.candidates(query, vector, timezone.localdate(now), limit=EVERYTHING, rules=rules)
    return found.ids[np.lexsort((found.ids, -found.embedding))]


def _only(ids: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return those that have a vector of the model in use, in the order given: others are near to nothing yet."""
    return ids[np.isin(ids, usable)]


def _anybody() -> ListingFacts:
    return ListingFacts(id=0, organisation=0, side="demand", text="")


def _as_of(one: ListingFacts, other: ListingFacts) -> ListingFacts:
    """Return the listing as if it were of the other's category."""
    return replace(one, kind=other.kind, category=other.category, family=other.family, ancestors=other.ancestors)


def _checked(entries: np.ndarray, random: Random, now: datetime) -> list[ListingFacts]:
    chosen = random.sample(entries.tolist(), min(CHECKED, len(entries)))
    return facts_of(with_facts(Listing.objects.filter(pk__in=chosen)), now=now)


def _permitted(query: ListingFacts, others: Sequence[ListingFacts], now: datetime) -> np.ndarray:
    """Return which of these listings the hard rules allow, asked one by one of the rows."""
    today = timezone.localdate(now)
    pairs = [(query, one) if query.side == "supply" else (one, query) for one in others]
    return np.array([one.id for pair, one in zip(pairs, others, strict=True) if not why_not(*pair, today)], dtype=int)


def _summed(
    asked: Sequence[tuple[str, int]], measured: Sequence[Measured], entries: int, promised: float
) -> list[ShapeProof]:
    shapes = []
    for shape in RULES:
        found = [(one, pk) for (of, pk), one in zip(asked, measured, strict=True) if of == shape]
        if not found:
            continue
        worst, listing = min(((one.recall, pk) for one, pk in found), key=lambda each: each)
        shapes.append(
            ShapeProof(
                shape=str(shape),
                queries=len(found),
                recall=float(np.mean([one.recall for one, _ in found])),
                worst=worst,
                worst_listing=listing,
                short=sum(one.is_short for one, _ in found),
                allowed=float(np.mean([min(1.0, one.allowed / max(1, entries)) for one, _ in found])),
                promised=promised,
            )
        )
    return shapes


def _engine(index: LiveIndex) -> str:
    return type(index.vectors).__name__
