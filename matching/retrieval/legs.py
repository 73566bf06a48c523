"""Put texts to both legs at once: a small in-memory index for measuring, without rows or settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matching.retrieval.encoder import Encoder
from matching.retrieval.keyword import KeywordIndex
from matching.retrieval.vector_index import VectorIndex

DEPTH = 200


@dataclass(frozen=True)
class LegScores:
    """The union of what both legs propose for a query, by id, with both legs' exact scores; shape (n,)."""

    ids: np.ndarray
    keyword: np.ndarray
    embedding: np.ndarray


class Legs:
    """Texts under the ids 0, 1, 2 …, searchable by words and by meaning."""

    def __init__(self, texts: Sequence[str], encoder: Encoder) -> None:
        ids = np.arange(len(texts))
        self.texts = list(texts)
        self.encoder = encoder
        self.keywords = KeywordIndex().build(ids, self.texts)
        self.vectors = VectorIndex(encoder.dim).build(ids, encoder.encode(self.texts))

    def keyword(self, query: str, *, depth: int = DEPTH, without: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores by words, best first; ``without`` is never among them."""
        return self.keywords.search(query, depth, self._allowed(without))

    def embedding(self, query: str, *, depth: int = DEPTH, without: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores by meaning, best first; ``without`` is never among them."""
        ids, scores = self.vectors.search(self.encoder.encode([query])[0], depth, self._allowed(without))
        return ids[ids >= 0], scores[ids >= 0]

    def union(self, query: str, *, depth: int = DEPTH, without: int | None = None) -> LegScores:
        """Return the candidates of both legs, each scored by both."""
        vector = self.encoder.encode([query])[0]
        allowed = self._allowed(without)
        words = self.keywords.scores(query)
        by_word, _ = self.keywords.best(words, depth, allowed)
        by_meaning, _ = self.vectors.search(vector, depth, allowed)
        ids = np.union1d(by_word, by_meaning[by_meaning >= 0])
        return LegScores(ids, words[ids], self.vectors.scores(vector, ids))

    def _allowed(self, without: int | None) -> np.ndarray | None:
        if without is None:
            return None
        allowed = np.ones(len(self.texts), dtype=bool)
        allowed[without] = False
        return allowed


def pair_scores(left: Sequence[str], right: Sequence[str], encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """Return how well each right text answers the left one beside it, by words and by meaning, shape (n,) each.

    Words are weighed by how rare they are among all the right texts.
    """
    place: Mapping[str, int] = {text: number for number, text in enumerate(dict.fromkeys(right))}
    index = KeywordIndex().build(np.arange(len(place)), list(place))
    keyword = np.array(
        [index.scores(query, np.array([place[text]]))[0] for query, text in zip(left, right, strict=True)]
    )
    embedding = (encoder.encode(left) * encoder.encode(right)).sum(axis=1)
    return keyword, embedding
