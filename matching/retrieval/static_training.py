"""Train the vectors of a static embedding so that texts of one meaning point the same way."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import torch
from torch.nn import EmbeddingBag
from torch.nn.functional import cross_entropy, normalize

from matching.retrieval.gram_encoder import GramEncoder, Vocabulary
from matching.retrieval.grams import counted, grams
from matching.retrieval.training_material import Material

# How often each source is seen in one pass: names of goods and words of trade are what the product is about.
REPEATS = {"goods": 4.0, "glossary": 1.0, "lexicon": 2.0}
OPEN_REPEATS = 0.25
# Judged sources differ in size by a factor of ten and say much the same thing: no more batches of one in a pass.
MOST_JUDGED_BATCHES = 4
# A page title has hundreds of features; a random few say as much in a step and cost as little as a short name.
MOST_FEATURES = 40
OUT_OF_REACH = -1e4
GRADED_SCALE = 20.0


class Bags:
    """The features of many texts in one array, so that a batch is gathered without a loop."""

    def __init__(self, bags: Sequence[np.ndarray]) -> None:
        self._lengths = np.array([len(bag) for bag in bags])
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)[:-1]])
        self._features = np.concatenate(bags) if len(bags) else np.zeros(0, dtype=np.int64)

    def batch(self, texts: np.ndarray, rng: np.random.Generator, dropout: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features and offsets of these texts, as EmbeddingBag takes them, some features left out."""
        lengths = self._lengths[texts]
        ends = np.cumsum(lengths)
        positions = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths) + np.repeat(self._starts[texts], lengths)
        kept = rng.random(len(positions)) < np.repeat(np.minimum(1 - dropout, MOST_FEATURES / lengths), lengths)
        offsets = np.concatenate([[0], np.cumsum(kept)])[ends - lengths]
        return torch.from_numpy(self._features[positions[kept]]), torch.from_numpy(offsets)


class StaticTrainer:
    """Learns one vector for each feature of a text; a text is the sum of its features' vectors, scaled to length one.

    Three losses take turns. *Same*: of a batch, each text must find its own partner (in-batch negatives, InfoNCE both
    ways; pairs of one meaning are never negatives of each other). *Groups*: official substitutes, and words of one
    section of the lexicon, draw together (Khosla et al., 2020). *Judged*: pairs judged better score higher than pairs
    judged worse (CoSENT; Su, 2022). Features are left out at random, which is what lets the model translate names it
    never saw.
    """

    def __init__(  # noqa: PLR0913 - settings of a learner, each with its default
        self,
        *,
        dim: int = 384,
        passes: int = 5,
        batch: int = 512,
        temperature: float = 0.05,
        group_temperature: float = 0.07,
        learning_rate: float = 0.02,
        dropout: float = 0.3,
        group_batches: int = 10,
        section_batches: int = 5,
        judged_weight: float = 0.2,
        rarest: int = 12,
        buckets: int = 4096,
        open_repeats: float = OPEN_REPEATS,
        random_state: int = 0,
    ) -> None:
        self.dim = dim
        self.passes = passes
        self.batch = batch
        self.temperature = temperature
        self.group_temperature = group_temperature
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.group_batches = group_batches
        self.section_batches = section_batches
        self.judged_weight = judged_weight
        self.rarest = rarest
        self.buckets = buckets
        self.open_repeats = open_repeats
        self.random_state = random_state

    def fit(self, material: Material, *, report: Callable[[str], None] = lambda _line: None) -> "StaticTrainer":
        """Learn ``vocabulary_`` and ``table_``, float32 (rows, dim); ``report`` hears a line after each pass.

        Runs on a GPU where torch finds one, else on the CPU.
        """
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._rng = np.random.default_rng(self.random_state)
        torch.manual_seed(self.random_state)
        texts = material.texts()
        self.vocabulary_, weights = learn_vocabulary(texts, material, rarest=self.rarest, buckets=self.buckets)
        # A text that says nothing still needs a bag: one more row, which nobody else uses and which is not kept.
        nothing = [len(self.vocabulary_)]
        self._number = {text: place for place, text in enumerate(texts)}
        self._bags = Bags([np.array(self.vocabulary_.rows(text) or nothing, dtype=np.int64) for text in texts])
        self._table = EmbeddingBag(len(weights) + 1, self.dim, mode="sum", sparse=True)
        with torch.no_grad():
            # Random directions, longer for rarer features: untrained, the model is a projection of TF-IDF.
            self._table.weight.normal_().mul_(torch.from_numpy(np.append(weights, 1.0))[:, None] / self.dim**0.5)
        self._table.to(self._device)
        optimiser = torch.optim.SparseAdam(self._table.parameters(), lr=self.learning_rate)
        turns = self._turns(material)
        total = self.passes * len(turns)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: max(0.02, 1 - step / total))
        for number in range(1, self.passes + 1):
            losses = []
            for turn in self._rng.permutation(len(turns)):
                optimiser.zero_grad()
                loss = turns[turn]()
                loss.backward()
                optimiser.step()
                schedule.step()
                losses.append(float(loss.detach()))
            report(f"pass {number} of {self.passes}, {len(turns)} steps: mean loss {np.mean(losses):.3f}")
        self.table_ = self._table.weight.detach().cpu().numpy()[:-1]
        return self

    def encoder(self) -> GramEncoder:
        """Return the encoder of what was learnt."""
        return GramEncoder.of(self.vocabulary_, self.table_)

    def _turns(self, material: Material) -> list[Callable[[], torch.Tensor]]:
        turns: list[Callable[[], torch.Tensor]] = []
        for name, pairs in material.same.items():
            columns = [self._numbers(pair.left for pair in pairs), self._numbers(pair.right for pair in pairs)]
            meanings = {meaning: place for place, meaning in enumerate({pair.meaning: None for pair in pairs})}
            columns.append(np.array([meanings[pair.meaning] for pair in pairs]))
            times = round(REPEATS.get(name, self.open_repeats) * len(pairs) / self.batch)
            turns += [lambda columns=columns: self._same_loss(*self._draw(columns))] * max(1, times)
        for groups, times in ((material.groups, self.group_batches), (material.sections, self.section_batches)):
            numbers = [self._numbers(members) for members in groups]
            turns += [partial(self._group_loss, numbers)] * (times if numbers else 0)
        for pairs in material.judged.values():
            columns = [self._numbers(pair.left for pair in pairs), self._numbers(pair.right for pair in pairs)]
            columns.append(np.array([pair.label for pair in pairs]))
            times = min(MOST_JUDGED_BATCHES, max(1, len(pairs) // self.batch))
            turns += [lambda columns=columns: self._judged_loss(*self._draw(columns))] * times
        return turns

    def _numbers(self, texts: Iterable[str]) -> np.ndarray:
        return np.array([self._number[text] for text in texts])

    def _draw(self, columns: list[np.ndarray]) -> list[np.ndarray]:
        size = len(columns[0])
        rows = self._rng.choice(size, min(self.batch, size), replace=False)
        return [column[rows] for column in columns]

    def _encode(self, texts: np.ndarray) -> torch.Tensor:
        features, offsets = self._bags.batch(texts, self._rng, self.dropout)
        return normalize(self._table(features.to(self._device), offsets.to(self._device)), dim=1)

    def _same_loss(self, left: np.ndarray, right: np.ndarray, meanings: np.ndarray) -> torch.Tensor:
        scores = self._encode(left) @ self._encode(right).T / self.temperature
        meanings = torch.from_numpy(meanings).to(self._device)
        relatives = (meanings[:, None] == meanings[None]) & ~self._oneself(meanings)
        scores = scores.masked_fill(relatives, OUT_OF_REACH)
        own = torch.arange(len(meanings), device=self._device)
        return (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2

    def _group_loss(self, groups: list[np.ndarray], *, most: int = 170, members: int = 4) -> torch.Tensor:
        drawn = self._rng.permutation(len(groups))[:most]
        picks = [self._rng.choice(groups[g], min(members, len(groups[g])), replace=False) for g in drawn]
        label = torch.from_numpy(np.repeat(np.arange(len(picks)), [len(pick) for pick in picks])).to(self._device)
        vectors = self._encode(np.concatenate(picks))
        oneself = self._oneself(label)
        scores = (vectors @ vectors.T / self.group_temperature).masked_fill(oneself, OUT_OF_REACH)
        partners = (label[:, None] == label[None]) & ~oneself
        shares = scores - torch.logsumexp(scores, dim=1, keepdim=True)
        return -((shares * partners).sum(dim=1) / partners.sum(dim=1).clamp(min=1)).mean()

    def _judged_loss(self, left: np.ndarray, right: np.ndarray, labels: np.ndarray) -> torch.Tensor:
        cosines = (self._encode(left) * self._encode(right)).sum(dim=1)
        labels = torch.from_numpy(labels).to(self._device)
        worse = (cosines[None] - cosines[:, None])[labels[:, None] > labels[None]] * GRADED_SCALE
        return self.judged_weight * torch.logsumexp(torch.cat([worse.new_zeros(1), worse]), dim=0)

    def _oneself(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.eye(len(rows), dtype=torch.bool, device=self._device)


def learn_vocabulary(
    texts: Iterable[str], material: Material, *, rarest: int, buckets: int
) -> tuple[Vocabulary, np.ndarray]:
    """Return the features worth a row of their own, and how much each row weighs at first, float32 (rows,).

    Of the domain's texts every whole feature, and every partial one that two of them share; of all other texts the
    whole ones that stand in ``rarest`` of them. The weight is log((n + 1) / (1 + in how many of the n texts)).
    """
    texts = list(texts)
    everywhere = counted(texts)
    within = counted(material.domain_texts())
    whole = {feature for text in texts for feature in grams(text)[0]}
    features = [
        feature
        for feature, times in everywhere.items()
        if (feature in within or times >= rarest if feature in whole else within.get(feature, 0) > 1)
    ]
    most = np.log(len(texts) + 1)
    # Two shared rows stand for one unknown feature, so each is as much shorter.
    weights = [most - np.log(1 + everywhere[feature]) for feature in features] + [most / 2**0.5] * buckets
    return Vocabulary(features, buckets=buckets), np.array(weights, dtype=np.float32)
