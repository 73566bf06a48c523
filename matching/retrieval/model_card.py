"""Measure a trained embedding on what it has not seen, and write down what it is."""

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
library_name: sentence-transformers
pipeline_tag: sentence-similarity
---

# Bilingual embedding for industrial supply and demand

A sentence-transformers model (StaticEmbedding + Normalize): {tokens} tokens, {dim} dimensions, weights in half
precision. A text's vector is the mean of its tokens' vectors, scaled to length one; compare by inner product.

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("THIS_FOLDER", device="cpu").float()  # .float(): compute in single precision
```

The project itself reads the folder with numpy and tokenizers alone (`matching/retrieval/encoder.py`) and gets the same
vectors to 1e-6. Without `.float()` sentence-transformers computes in half precision: about three digits, and NaN for an
empty text.

## Intended use, and limits

Finding candidates among short Chinese or English names and descriptions of goods, capacities and services, beside a
keyword leg and before a ranker. It knows the words of its training data and of the shipped category glossary; it does
not know word order, negation, or numbers (sizes and grades are the keyword leg's and the hard rules' business), and it
is weak on names whose words it never saw translated. Do not use it to judge people or credit.

## Training

`manage.py train_embedding DIR --out FOLDER` builds it from nothing on two CPU cores: a Unigram vocabulary of Chinese
pieces, whole English words and word parts; while training a token is the sum of itself and its character n-grams;
losses: in-batch contrastive on pairs of one meaning, supervised contrastive on official groups of substitutes, CoSENT
on judged pairs; {passes} passes, temperature {temperature}, {dropout:.0%} of the features dropped, learning rate {rate}.

| pairs of one meaning from | pairs |
|---|---|
{sources}

and {groups} groups of substitutes (similar groups of the Nice classification). Sources: goods and services names of the
Nice classification in Chinese (CNIPA) and English (WIPO), judged search queries and titles, sentence pairs (AFQMC,
LCQMC, STS-B), product offers (Abt-Buy, Amazon-Google, Walmart-Amazon), and the project's own category glossary. Most of
these public sets carry no licence: no row of them is in this folder, only weights and vocabulary learnt from them. The
weights are published with the project under its licence.

## Figures

Split by hash with seed {seed}: {test:.0%} test, {dev:.0%} dev, the rest train; a similar group, a query or a first sentence
is on one side as a whole. This very file was trained on the train part (and the glossary) alone; the figures are of the
embedding by itself on the test part, with character TF-IDF on the same queries.

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
        f"Learnt by train_embedding on the dev part (seed {seed}) of the data, unseen by the embedding of version "
        f"{encoder.version}: {len(judged[0])} Chinese names asking for their similar group among {len(goods)} names, and "
        f"{len(judged[1])} asking for their own translation among {len(english)}, and {len(asked)} judged queries and "
        "titles of query_title: the best mean of nDCG@10, nDCG@10 and AUC."
    )
    return ScoreFusion(origin=origin).fit(*judged, pairs=[pairs])


def model_card(
    material: Material, trainer: StaticTrainer, tokens: int, figures: list[tuple[str, str]], *, seed: int
) -> str:
    """Return the README.md of the model's folder."""
    sources = "\n".join(f"| {name} | {len(pairs):,} |" for name, pairs in material.same.items())
    measured = "\n".join(f"| {what} | {figure} |" for what, figure in figures)
    return CARD.format(
        tokens=f"{tokens:,}",
        dim=trainer.dim,
        passes=trainer.passes,
        temperature=trainer.temperature,
        dropout=trainer.dropout,
        rate=trainer.learning_rate,
        sources=sources,
        groups=len(material.groups),
        seed=seed,
        test=TEST_SHARE,
        dev=DEV_SHARE,
        measured=measured,
    )
