"""Measure a trained embedding on what it has not seen, and write down what it is."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matching.retrieval.encoder import Encoder
from matching.retrieval.evaluation import Evaluation, Quality, pair_quality
from matching.retrieval.fusion import ScoredPairs, ScoreFusion
from matching.retrieval.legs import pair_scores
from matching.retrieval.preparation import small_collection, substitutes, translations
from matching.retrieval.sources import (
    DEV_SHARE,
    TEST_SHARE,
    read_goods,
    read_query_titles,
    read_sentence_pairs,
    split_pairs,
)
from matching.retrieval.static_training import StaticTrainer
from matching.retrieval.training_material import Material

CARD = """---
language: [zh, en]
pipeline_tag: sentence-similarity
---

# Bilingual embedding for industrial supply and demand

One vector of {dim} signed bytes and a scale for each of {features:,} features and {buckets:,} shared rows. A text's
vector is the sum of its features' vectors, scaled to length one; compare by inner product. Features are Chinese characters,
pairs and triples (the last of a run once more with an end mark), English words without plural ending and their 3- to
5-grams, codes whole and in their parts. A word or code that is not in the vocabulary is the sum of two shared rows chosen
by its CRC-32, so that two texts with one unknown code still meet. A code counts three times, one that is not in the vocabulary eight times:
without that, a long description drowns the number of a model.

```python
from matching.retrieval.encoder import load_encoder

load_encoder("THIS_FOLDER").encode(["不锈钢球阀", "stainless steel ball valve"])
```

## Intended use, and limits

Finding candidates among short Chinese or English names and descriptions of goods, capacities and services, beside a
keyword leg and before a ranker. It knows the words of its training data, of the shipped category glossary and of the
lexicon; it does not know word order, negation, or the size of numbers (sizes and grades are the keyword leg's and the
hard rules' business), and it is weak on names whose words it never saw translated. Do not use it to judge people or credit.

## Training

`manage.py train_embedding DIR --out FOLDER` builds it from nothing on a CPU core in minutes, or on a GPU where there is
one. Losses: in-batch contrastive on pairs of one meaning, supervised contrastive on groups of substitutes and on sections
of the lexicon, CoSENT on judged pairs; {members} random starts of {passes} passes, temperature {temperature}, {dropout:.0%} of the features dropped,
learning rate {rate}; the members' vectors side by side are turned to the {dim} directions of most spread.

| pairs of one meaning from | pairs |
|---|---|
{sources}

and {groups} groups of substitutes (similar groups of the Nice classification), {sections} sections of the lexicon.
Sources: goods and services names of the Nice classification in Chinese (CNIPA) and English (WIPO), judged search queries
and titles, sentence pairs (AFQMC, LCQMC, STS-B), product offers (Abt-Buy, Amazon-Google, Walmart-Amazon), the project's
own category glossary, and its own lexicon of words of trade (`matching/data/lexicon`, written by hand from general
knowledge without looking at the data). Most of the public sets carry no licence: no row of them is in this folder, only
weights and vocabulary learnt from them. The weights are published with the project under its licence.

## Figures

Split by hash with seed {seed}: {test:.0%} test, {dev:.0%} dev, the rest train; a similar group, a query or a first sentence
is on one side as a whole. This very file was trained on the train part (glossary and lexicon as a whole); its settings
were chosen on the dev part; the figures are of the embedding by itself on the test part, with character TF-IDF on the same
queries.

| test | figures |
|---|---|
{measured}
"""


def held_out_figures(folder: Path, encoder: Encoder, *, seed: int) -> list[tuple[str, str]]:
    """Return (what, figures) of the embedding alone on the test part of each source."""
    goods = read_goods(folder)
    english = [item for item in goods if item.name_en]
    small = small_collection(english, seed=seed)
    lines = []
    for what, benchmark in (
        ("goods, zh name -> names of its similar group among all", substitutes(goods, "test", seed=seed)),
        (f"goods, zh name -> own translation among {len(english)}", translations(english, english, "test", seed=seed)),
        (f"goods, zh name -> own translation among {len(small)}", translations(english, small, "test", seed=seed)),
    ):
        evaluation = Evaluation(benchmark, encoder)
        lines.append((what, f"{_shown(evaluation.alone('embedding'))}; char TF-IDF {_shown(evaluation.tfidf())}"))
    for what, pairs in (
        ("query_title, label 1 or 2", split_pairs(read_query_titles(folder), "test", seed=seed)),
        ("AFQMC", split_pairs(read_sentence_pairs(folder, "afqmc_train"), "test", seed=seed)),
        ("LCQMC", split_pairs(read_sentence_pairs(folder, "lcqmc_dev"), "test", seed=seed)),
    ):
        left, right = encoder.encode([p.left for p in pairs]), encoder.encode([p.right for p in pairs])
        lines.append(
            (what, f"AUC {pair_quality(pairs, (left * right).sum(axis=1))['auc']:.3f} over {len(pairs)} pairs")
        )
    return lines


def _shown(quality: Quality) -> str:
    means = {metric: float(np.mean(values)) for metric, values in quality.per_query.items()}
    return f"MRR@10 {means['mrr@10']:.3f}, P@1 {means['p@1']:.3f}, recall@100 {means['recall@100']:.3f}"


def learn_fusion(folder: Path, encoder: Encoder, *, seed: int) -> ScoreFusion:
    """Return the fusion learnt on the dev part: substitutes in Chinese, translations, and judged queries with titles."""
    goods = read_goods(folder)
    english = [item for item in goods if item.name_en]
    benchmarks = [substitutes(goods, "dev", seed=seed), translations(english, english, "dev", seed=seed)]
    judged = [Evaluation(benchmark, encoder).candidates() for benchmark in benchmarks]
    asked = split_pairs(read_query_titles(folder), "dev", seed=seed)
    relevant = np.array([pair.label >= 1 for pair in asked])
    pairs = ScoredPairs(*pair_scores([p.left for p in asked], [p.right for p in asked], encoder), relevant)
    origin = (
        f"Learnt by tune_fusion on the dev part (seed {seed}) of the data, unseen by the embedding of version "
        f"{encoder.version}: {len(judged[0])} Chinese names asking for their similar group among {len(goods)} names, and "
        f"{len(judged[1])} asking for their own translation among {len(english)}, and {len(asked)} judged queries and "
        "titles of query_title: the best mean of nDCG@10, nDCG@10 and AUC."
    )
    return ScoreFusion(origin=origin).fit(*judged, pairs=[pairs])


def model_card(
    material: Material, trainers: Sequence[StaticTrainer], figures: list[tuple[str, str]], *, seed: int
) -> str:
    """Return the README.md of the model's folder."""
    trainer = trainers[0]
    sources = "\n".join(f"| {name} | {len(pairs):,} |" for name, pairs in material.same.items())
    measured = "\n".join(f"| {what} | {figure} |" for what, figure in figures)
    return CARD.format(
        features=len(trainer.vocabulary_.features),
        buckets=trainer.vocabulary_.buckets,
        dim=trainer.dim,
        passes=trainer.passes,
        members=len(trainers),
        temperature=trainer.temperature,
        dropout=trainer.dropout,
        rate=trainer.learning_rate,
        sources=sources,
        groups=len(material.groups),
        sections=len(material.sections),
        seed=seed,
        test=TEST_SHARE,
        dev=DEV_SHARE,
        measured=measured,
    )
