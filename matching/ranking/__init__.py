"""Order candidates by a learned score and say why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from matching.ranking.explanation import Reason, explain
from matching.ranking.facts import ListingFacts
from matching.ranking.features import pair_features
from matching.ranking.ranker import Ranker

__all__ = ["ListingFacts", "Ranked", "Ranker", "Reason", "rank"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place; ``position`` is where it stood among the candidates given, ``features`` its row."""

    position: int
    score: float
    reasons: list[Reason]
    features: np.ndarray


def rank(
    query: ListingFacts,
    candidates: Sequence[ListingFacts],
    *,
    keyword: np.ndarray,
    embedding: np.ndarray,
    fused: np.ndarray,
    today: date,
    ranker: Ranker,
    limit: int = 50,
) -> list[Ranked]:
    """Return the best candidates, best first, each with the reasons of its score; ties go to the smaller id."""
    features = pair_features(query, candidates, keyword=keyword, embedding=embedding, fused=fused, today=today)
    contributions = ranker.contributions(features)
    scores = contributions.sum(axis=1)
    order = sorted(range(len(candidates)), key=lambda place: (-scores[place], candidates[place].id))[:limit]
    return [
        Ranked(
            place,
            float(scores[place]),
            explain(query, candidates[place], features[place], contributions[place]),
            features[place],
        )
        for place in order
    ]
