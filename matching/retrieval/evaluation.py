"""Measure the four ways to answer a query on one benchmark: by words, by meaning, fused, ranked."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from matching.retrieval.benchmark import Benchmark
from matching.retrieval.encoder import Encoder
from matching.retrieval.fusion import JudgedCandidates, ScoreFusion, reciprocal_rank_fusion
from matching.retrieval.legs import DEPTH, Legs, LegScores, pair_scores
from matching.retrieval.metrics import (
    auc,
    average_precision,
    bootstrap_interval,
    ndcg_at,
    precision_at_1,
    recall_at,
    reciprocal_rank_at,
)
from matching.retrieval.ordering import best_slots
from matching.retrieval.sources import JudgedPair

METHODS = ("keyword", "embedding", "fused", "ranked")
# What the tuned fusion must beat: the same two legs merged by their ranks alone.
BASELINES = ("tfidf", "rrf")
METRICS = ("ndcg@10", "mrr@10", "p@1", "recall@100")
SHOWN = 100
# (query, texts, keyword, embedding, fused) -> scores
RankScores = Callable[[str, list[str], np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass
class Quality:
    """What one method did on each query: the four metrics, and how long it took."""

    per_query: dict[str, list[float]] = field(default_factory=lambda: {metric: [] for metric in METRICS})
    seconds: list[float] = field(default_factory=list)

    def note(self, gains: Sequence[float], ideal: Sequence[float], seconds: float) -> None:
        self.per_query["ndcg@10"].append(ndcg_at(gains, ideal))
        self.per_query["mrr@10"].append(reciprocal_rank_at(gains))
        self.per_query["p@1"].append(precision_at_1(gains))
        self.per_query["recall@100"].append(recall_at(gains, len(ideal)))
        self.seconds.append(seconds)

    def summary(self) -> dict[str, dict[str, float] | float]:
        """Return each metric's mean with its 95 % bootstrap interval, and the mean milliseconds of a query."""
        summary: dict[str, dict[str, float] | float] = {}
        for metric, values in self.per_query.items():
            low, high = bootstrap_interval(np.array(values))
            summary[metric] = {"value": float(np.mean(values)), "low": low, "high": high}
        return {**summary, "ms_per_query": 1000 * float(np.mean(self.seconds))}


class Evaluation:
    """A benchmark laid out for searching: documents and queries numbered by their sorted ids."""

    def __init__(self, benchmark: Benchmark, encoder: Encoder) -> None:
        self.documents = sorted(benchmark.corpus)
        self._number = {document: number for number, document in enumerate(self.documents)}
        self.legs = Legs([benchmark.corpus[document] for document in self.documents], encoder)
        self._relevant = {
            query: {self._number[document]: grade for document, grade in grades.items()}
            for query, grades in benchmark.relevant.items()
        }
        self.queries = {query: benchmark.queries[query] for query in sorted(benchmark.queries)}

    def measure(self, fusion: ScoreFusion, rank_scores: RankScores) -> dict[str, Quality]:
        """Return the quality of each method and of plain rank fusion ("rrf") over all queries.

        A document with the query's id is never returned.
        """
        quality = {method: Quality() for method in (*METHODS, "rrf")}
        for warm in list(self.queries.items())[:5]:
            self._answers(*warm, fusion, rank_scores)
        for query, text in self.queries.items():
            ideal = list(self._relevant[query].values())
            for method, (numbers, seconds) in self._answers(query, text, fusion, rank_scores).items():
                quality[method].note(self._gains(query, numbers), ideal, seconds)
        return quality

    def alone(self, method: str) -> Quality:
        """Return the quality of one leg, keyword or embedding."""
        quality, search = Quality(), getattr(self.legs, method)
        for query, text in self.queries.items():
            started = time.perf_counter()
            numbers, _ = search(text, depth=SHOWN, without=self._number.get(query))
            seconds = time.perf_counter() - started
            quality.note(self._gains(query, numbers), list(self._relevant[query].values()), seconds)
        return quality

    def candidates(self) -> list[JudgedCandidates]:
        """Return each query's candidates with their grades, for learning a fusion."""
        judged = []
        for query, text in self.queries.items():
            legs = self.legs.union(text, without=self._number.get(query))
            grades = np.array(self._gains(query, legs.ids))
            ideal = list(self._relevant[query].values())
            judged.append(JudgedCandidates(legs.ids, legs.keyword, legs.embedding, grades, ideal))
        return judged

    def tfidf(self) -> Quality:
        """Return the quality of the plain baseline: cosine of character 1- and 2-gram TF-IDF."""
        quality = Quality()
        vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
        documents = vectoriser.fit_transform(self.legs.texts).T.tocsr()
        for query, text in self.queries.items():
            started = time.perf_counter()
            scores = (vectoriser.transform([text]) @ documents).toarray()[0]
            if query in self._number:
                scores[self._number[query]] = -np.inf
            numbers = best_slots(scores, np.arange(len(scores)), SHOWN)
            seconds = time.perf_counter() - started
            quality.note(self._gains(query, numbers), list(self._relevant[query].values()), seconds)
        return quality

    def _answers(
        self, query: str, text: str, fusion: ScoreFusion, rank_scores: RankScores
    ) -> Mapping[str, tuple[np.ndarray, float]]:
        oneself = self._number.get(query)
        answers = {}
        for method, search in (("keyword", self.legs.keyword), ("embedding", self.legs.embedding)):
            started = time.perf_counter()
            numbers, _ = search(text, depth=SHOWN, without=oneself)
            answers[method] = (numbers, time.perf_counter() - started)
        started = time.perf_counter()
        rankings = [
            search(text, depth=DEPTH, without=oneself)[0] for search in (self.legs.keyword, self.legs.embedding)
        ]
        merged = reciprocal_rank_fusion([ranking.tolist() for ranking in rankings])[:SHOWN]
        answers["rrf"] = (np.array(merged, dtype=np.int64), time.perf_counter() - started)
        started = time.perf_counter()
        legs = self.legs.union(text, depth=DEPTH, without=oneself)
        fused = fusion.fuse(legs.keyword, legs.embedding)
        shown = best_slots(fused, legs.ids, SHOWN)
        seconds = time.perf_counter() - started
        answers["fused"] = (legs.ids[shown], seconds)
        started = time.perf_counter()
        ranked = self._ranked(text, legs, fused, shown, rank_scores)
        answers["ranked"] = (ranked, seconds + time.perf_counter() - started)
        return answers

    def _ranked(
        self, text: str, legs: LegScores, fused: np.ndarray, shown: np.ndarray, rank_scores: RankScores
    ) -> np.ndarray:
        ids = legs.ids[shown]
        texts = [self.legs.texts[number] for number in ids]
        scores = rank_scores(text, texts, legs.keyword[shown], legs.embedding[shown], fused[shown])
        return ids[best_slots(np.asarray(scores, dtype=float), ids, SHOWN)]

    def _gains(self, query: str, numbers: np.ndarray) -> list[float]:
        relevant = self._relevant[query]
        return [relevant.get(number, 0.0) for number in numbers.tolist()]


def score_pairs(
    pairs: Sequence[JudgedPair], encoder: Encoder, fusion: ScoreFusion, rank_scores: RankScores
) -> dict[str, np.ndarray]:
    """Return the score each method gives each pair, and that of the character TF-IDF baseline, shape (n,)."""
    left, right = [pair.left for pair in pairs], [pair.right for pair in pairs]
    keyword, embedding = pair_scores(left, right, encoder)
    fused = fusion.fuse(keyword, embedding)
    ranked = [
        rank_scores(text, [right[n]], keyword[n : n + 1], embedding[n : n + 1], fused[n : n + 1])[0]
        for n, text in enumerate(left)
    ]
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True).fit([*left, *right])
    tfidf = np.asarray(vectoriser.transform(left).multiply(vectoriser.transform(right)).sum(axis=1)).ravel()
    scores = {"keyword": keyword, "embedding": embedding, "fused": fused, "ranked": np.array(ranked)}
    return {**scores, "tfidf": tfidf}


def pair_quality(pairs: Sequence[JudgedPair], scores: np.ndarray) -> dict[str, float]:
    """Return AUC and average precision, a label of 1 or more being relevant."""
    relevant = np.array([pair.label >= 1 for pair in pairs])
    return {"auc": auc(relevant, scores), "ap": average_precision(relevant, scores)}
