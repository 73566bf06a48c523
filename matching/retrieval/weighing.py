"""Add up what the words of a question weigh in a stretch of texts, and no more of it than decides who is best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.retrieval.ordering import best_slots

# With fewer entries than this all are added up: that is quick enough.
PRUNED_FROM = 3_000_000
# After these shares of the entries it is asked whether the rest can still matter.
CHECKS = (0.1, 0.2, 0.4)
# The rest is looked up text by text where it can matter for so many at most.
MOST_LOOKED_UP = 4000


@dataclass(frozen=True, slots=True)
class TermEntries:
    """The texts of a stretch that hold a term: slots (ascending) and impacts, the term's weight and highest impact."""

    weight: float
    peak: float
    slots: np.ndarray
    impacts: np.ndarray


@dataclass(frozen=True, slots=True)
class Stretch:
    """The undivided scores of the slots from ``start`` on, 0 for what is not allowed, less what ``rest`` would add.

    No slot gains more than ``bound`` by the rest. That is less than what k slots have already, so that one which has
    nothing yet can be left out (MaxScore: Turtle & Flood, 1995).
    """

    start: int
    scores: np.ndarray
    rest: Sequence[TermEntries] = ()
    bound: float = 0.0

    def likely(self, k: int) -> np.ndarray:
        """Return the slots that may be among the k best that hold a word, ties included."""
        scores = self.scores
        if len(scores) <= 4 * k:
            return self.start + np.flatnonzero(scores > 0)
        least = np.partition(scores, len(scores) - k)[len(scores) - k] - np.float32(1.0001 * self.bound)
        return self.start + np.flatnonzero((scores >= least) & (scores > 0))

    def of(self, slots: np.ndarray) -> np.ndarray:
        """Return the whole scores of these slots of the stretch."""
        scores = self.scores[slots - self.start]
        if self.rest:
            order = np.argsort(slots)
            ascending = slots[order]
            for term in self.rest:
                places = np.minimum(np.searchsorted(term.slots, ascending), len(term.slots) - 1)
                is_here = term.slots[places] == ascending
                scores[order[is_here]] += np.float32(term.weight) * term.impacts[places[is_here]]
        return scores


@dataclass(frozen=True, slots=True)
class Weighed:
    """The scores of one question, stretch by stretch, divided by ``limit``; 0 for what is in no stretch."""

    ids: np.ndarray
    stretches: list[Stretch]
    limit: np.float32

    def best(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores of the k best that share a word with the question, best first."""
        likely = [stretch.likely(k) for stretch in self.stretches] or [np.zeros(0, dtype=np.int64)]
        slots = np.concatenate(likely)
        ids, scores = self.ids[slots], self.of(slots)
        best = best_slots(scores, ids, k)
        return ids[best], scores[best]

    def of(self, slots: np.ndarray) -> np.ndarray:
        """Return the score of each of these slots, which the filter allows."""
        scores = np.zeros(len(slots), dtype=np.float32)
        for stretch in self.stretches:
            is_here = (slots >= stretch.start) & (slots < stretch.start + len(stretch.scores))
            scores[is_here] = stretch.of(slots[is_here])
        return scores / self.limit


def weigh(start: int, scores: np.ndarray, terms: Sequence[TermEntries], allowed: np.ndarray, k: int) -> Stretch:
    """Return the stretch with the scores of these terms added to those it has; enough of them to know the k best.

    ``scores`` (which are changed) and ``allowed`` have the shape (slots of the stretch,).
    """
    total = sum(len(term.slots) for term in terms)
    # The weightiest terms are the rarest: they decide, and cost the least.
    terms = sorted(terms, key=lambda term: -term.weight)
    checks, added = list(CHECKS) if total > PRUNED_FROM else [], 0
    for place, term in enumerate(terms):
        if checks and added > checks[0] * total:
            checks = [share for share in checks if added <= share * total]
            bound = sum(each.weight * each.peak for each in terms[place:])
            if _is_settled(scores * allowed, bound, k):
                return Stretch(start, scores * allowed, terms[place:], bound)
        # A slot stands once in a term's entries, so plain fancy addition is right, and fast.
        scores[term.slots - start] += np.float32(term.weight) * term.impacts
        added += len(term.slots)
    scores *= allowed
    return Stretch(start, scores)


def _is_settled(scores: np.ndarray, bound: float, k: int) -> bool:
    """Return whether what is to come matters for few, and for none that has nothing yet."""
    if len(scores) <= k:
        return False
    least = float(np.partition(scores, len(scores) - k)[len(scores) - k])
    return least > 1.0001 * bound and np.count_nonzero(scores >= least - 1.0001 * bound) <= max(MOST_LOOKED_UP, 4 * k)
