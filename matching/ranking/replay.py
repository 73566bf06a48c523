"""Two orders of the same list beside each other: what changed, and which was right about what followed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from matching.ranking.promotion import quality
from matching.retrieval.metrics import paired_difference

TOP = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a candidate stands in each order, from 1; ``grade`` is what came of it, 0 nothing … 4 fulfilled."""

    id: int
    model: int
    against: int
    grade: int


@dataclass(frozen=True, slots=True)
class ComparedList:
    """One list in two orders.

    ``overlap`` is the share of the first ten they have in common, ``moved`` the mean number of places by which those of
    either's first ten differ. The nDCG@10 of both are on what followed, None where nothing did. ``places`` are those in
    either's first ten, in the model's order.
    """

    overlap: float
    moved: float
    model: float | None
    against: float | None
    places: list[Place]

    def to_dict(self) -> dict:
        return asdict(self)


def compare_orders(
    ids: Sequence[int], model: np.ndarray, against: np.ndarray, grades: np.ndarray, *, top: int = TOP
) -> ComparedList:
    """Order the same candidates by two scores; ties go to the smaller id.

    :param ids: the candidates, shape (n,); scores and grades have the same shape
    :param grades: 0 to 4, what came of each

    >>> found = compare_orders([7, 8, 9], np.array([3, 2, 1]), np.array([1, 2, 3]), np.array([1, 0, 0]), top=1)
    >>> found.overlap, found.moved, found.model, round(found.against, 2)
    (0.0, 2.0, 1.0, 0.5)
    """
    numbers = np.asarray(ids)
    ranks = []
    for scores in (model, against):
        rank = np.empty(len(numbers), dtype=int)
        rank[np.lexsort((numbers, -np.asarray(scores, dtype=float)))] = np.arange(1, len(numbers) + 1)
        ranks.append(rank)
    ours, theirs = ranks
    seen = np.flatnonzero((ours <= top) | (theirs <= top))
    seen = seen[np.argsort(ours[seen])]
    both = int(np.count_nonzero((ours <= top) & (theirs <= top)))
    return ComparedList(
        overlap=both / max(1, min(top, len(numbers))),
        moved=float(np.abs(ours[seen] - theirs[seen]).mean()) if len(seen) else 0.0,
        model=quality(-ours, grades) if grades.any() else None,
        against=quality(-theirs, grades) if grades.any() else None,
        places=[Place(int(numbers[n]), int(ours[n]), int(theirs[n]), int(grades[n])) for n in seen],
    )


def summary_of(lists: Sequence[ComparedList]) -> dict:
    """Return the means over all lists, and on those of which something came the difference with its 95 % interval."""
    judged = [one for one in lists if one.model is not None and one.against is not None]
    summary = {
        "lists": len(lists),
        "overlap": float(np.mean([one.overlap for one in lists])) if lists else None,
        "moved": float(np.mean([one.moved for one in lists])) if lists else None,
        "other_first": sum(one.places[0].against != 1 for one in lists if one.places),
        "judged": len(judged),
    }
    if judged:
        ours, theirs = np.array([one.model for one in judged]), np.array([one.against for one in judged])
        difference, low, high = paired_difference(ours, theirs)
        summary |= {"model": float(ours.mean()), "against": float(theirs.mean())}
        summary |= {"difference": difference, "low": low, "high": high}
    return summary
