"""Judged pairs of real texts as groups to learn from: the candidates that retrieval would have put to the ranker."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from matching.ranking.promotion import JudgedGroup
from matching.ranking.text import text_features
from matching.retrieval.benchmark import Benchmark
from matching.retrieval.encoder import Encoder
from matching.retrieval.fusion import ScoreFusion
from matching.retrieval.legs import Legs, pair_scores
from matching.retrieval.ordering import best_slots
from matching.retrieval.preparation import substitutes, translations
from matching.retrieval.sources import SEED, JudgedPair, read_goods, read_query_titles, split_pairs

RANKED = 100
# Judged pairs have one title a query; so many of them make a group, in which the better fitting should come first.
PAIRS_IN_A_GROUP = 20


def judged_groups(folder: Path, encoder: Encoder, fusion: ScoreFusion) -> Iterator[JudgedGroup]:
    """Yield groups of the data folder's development part, which the embedding has not seen.

    :raises SourceMissing: if the folder lacks one of its files
    """
    goods = read_goods(folder)
    group_of = {item.key: item.group for item in goods}
    english = [item for item in goods if item.name_en]
    for source, benchmark in (
        ("substitutes", substitutes(goods, "dev", seed=SEED)),
        ("translations", translations(english, english, "dev", seed=SEED)),
    ):
        yield from _benchmark_groups(source, benchmark, group_of, encoder, fusion)
    yield from _pair_groups("query_title", split_pairs(read_query_titles(folder), "dev"), encoder, fusion)


def _benchmark_groups(
    source: str, benchmark: Benchmark, group_of: dict[str, str], encoder: Encoder, fusion: ScoreFusion
) -> Iterator[JudgedGroup]:
    documents = sorted(benchmark.corpus)
    number_of = {document: number for number, document in enumerate(documents)}
    legs = Legs([benchmark.corpus[document] for document in documents], encoder)
    for query, text in sorted(benchmark.queries.items()):
        found = legs.union(text, without=number_of.get(query))
        fused = fusion.fuse(found.keyword, found.embedding)
        shown = best_slots(fused, found.ids, RANKED)
        ids = found.ids[shown]
        texts = [legs.texts[number] for number in ids]
        features = text_features(text, texts, found.keyword[shown], found.embedding[shown], fused[shown])
        grades = np.array([benchmark.relevant[query].get(documents[number], 0) for number in ids], dtype=int)
        yield JudgedGroup(source, group_of[query.removeprefix("zh-")], features, grades)


def _pair_groups(
    source: str, pairs: Sequence[JudgedPair], encoder: Encoder, fusion: ScoreFusion
) -> Iterator[JudgedGroup]:
    keyword, embedding = pair_scores([pair.left for pair in pairs], [pair.right for pair in pairs], encoder)
    fused = fusion.fuse(keyword, embedding)
    for start in range(0, len(pairs) - PAIRS_IN_A_GROUP + 1, PAIRS_IN_A_GROUP):
        part = range(start, start + PAIRS_IN_A_GROUP)
        rows = [
            text_features(pairs[n].left, [pairs[n].right], keyword[[n]], embedding[[n]], fused[[n]])[0] for n in part
        ]
        grades = np.array([round(pairs[n].label) for n in part], dtype=int)
        yield JudgedGroup(source, str(start), np.array(rows), grades)
