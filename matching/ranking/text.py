"""Rank plain texts, of which no side, category or price is known."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from matching.ranking.facts import ListingFacts
from matching.ranking.features import pair_features
from matching.ranking.ranker import Ranker

SHIPPED = Path(__file__).parent.parent / "data" / "ranker.json"


@cache
def shipped_ranker() -> Ranker:
    return Ranker.load(SHIPPED)


def text_features(
    query: str, texts: Sequence[str], keyword: np.ndarray, embedding: np.ndarray, fused: np.ndarray
) -> np.ndarray:
    """Return the features of a text with each of others, shape (n, len(FEATURES)); all but the text's are NaN."""
    asked = ListingFacts(id=0, organisation=0, side="demand", text=query)
    offered = [ListingFacts(id=place, organisation=0, side="supply", text=text) for place, text in enumerate(texts, 1)]
    # No date is looked at where neither side has a window.
    return pair_features(asked, offered, keyword=keyword, embedding=embedding, fused=fused, today=date.min)


def rank_scores(
    query: str,
    texts: Sequence[str],
    keyword: np.ndarray,
    embedding: np.ndarray,
    fused: np.ndarray,
    *,
    ranker: Ranker | None = None,
) -> np.ndarray:
    """Return the learned score of each text for the query, shape (n,); the shipped ranker unless one is given."""
    return (ranker or shipped_ranker()).scores(text_features(query, texts, keyword, embedding, fused))
