"""Merge what the keyword leg and the embedding leg say into one order."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matching.retrieval.metrics import auc, ndcg_at
from matching.retrieval.ordering import best_slots

POWERS = (0.5, 0.75, 1.0, 1.5)
WEIGHTS = tuple(round(step / 50, 2) for step in range(51))


def reciprocal_rank_fusion(rankings: Iterable[Sequence[int]], *, k: int = 60) -> list[int]:
    """Return all ids, best first, by the sum of 1 / (k + rank) over the rankings; ties go to the smaller id.

    Cormack, Clarke & Büttcher (2009). Knows only ranks: the baseline that the tuned fusion is measured against.

    >>> reciprocal_rank_fusion([[7, 5], [5, 9]])
    [5, 7, 9]
    """
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] += 1 / (k + rank)
    return sorted(scores, key=lambda item: (-scores[item], item))


@dataclass(frozen=True)
class JudgedCandidates:
    """The candidates of one query: both legs' scores and the grade of each, shape (n,), and all grades there are."""

    ids: np.ndarray
    keyword: np.ndarray
    embedding: np.ndarray
    grades: np.ndarray
    ideal: Sequence[float]


@dataclass(frozen=True)
class ScoredPairs:
    """Pairs of texts with both legs' scores, and whether the second answers the first; shape (n,)."""

    keyword: np.ndarray
    embedding: np.ndarray
    relevant: np.ndarray


class ScoreFusion:
    """The weighted sum of the two legs' scores: (1 - weight) · keyword^power + weight · embedding.

    Both scores mean the same for every query (the share of the query's words found, in [0, 1], and a cosine), so
    nothing is rescaled by what else happens to be in the list, and a filter changes no score.
    """

    def __init__(self, *, weight: float = 0.5, power: float = 1.0, origin: str = "") -> None:
        self.weight = weight
        self.power = power
        self.origin = origin

    @property
    def version(self) -> str:
        """A short hash of what decides the scores."""
        return hashlib.sha256(f"{self.weight:.6f} {self.power:.6f}".encode()).hexdigest()[:12]

    def fuse(self, keyword: np.ndarray, embedding: np.ndarray) -> np.ndarray:
        """Return the fused score of each candidate, float64, in [-1, 1].

        >>> ScoreFusion(weight=0.5).fuse(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
        array([0.75, 0.25])
        """
        lexical = np.clip(np.asarray(keyword, dtype=np.float64), 0, 1) ** self.power
        return (1 - self.weight) * lexical + self.weight * np.asarray(embedding, dtype=np.float64)

    def fit(self, *benchmarks: Sequence[JudgedCandidates], pairs: Sequence[ScoredPairs] = ()) -> "ScoreFusion":
        """Learn weight and power: the best mean of each benchmark's nDCG@10 and each set of pairs' AUC.

        Each counts the same however many queries or pairs it has. Of settings that are equally good the one nearest to
        an even plain sum is taken.
        """
        best = None
        for power in POWERS:
            for weight in WEIGHTS:
                trial = ScoreFusion(weight=weight, power=power)
                values = [np.mean([trial.quality(query) for query in queries]) for queries in benchmarks]
                values += [auc(one.relevant, trial.fuse(one.keyword, one.embedding)) for one in pairs]
                rank = (round(float(np.mean(values)), 6), -abs(weight - 0.5), -abs(power - 1.0))
                if best is None or rank > best[0]:
                    best = (rank, weight, power)
        self.quality_, self.weight, self.power = best[0][0], best[1], best[2]
        return self

    def quality(self, query: JudgedCandidates) -> float:
        """Return the nDCG@10 of the fused order of one query's candidates."""
        order = best_slots(self.fuse(query.keyword, query.embedding), query.ids, 10)
        return ndcg_at(query.grades[order], query.ideal)

    def save(self, path: Path) -> None:
        document = {"weight": self.weight, "power": self.power, "origin": self.origin}
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "ScoreFusion":
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))
