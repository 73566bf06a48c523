"""Train the vectors of a static embedding so that texts of one meaning point the same way."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer
from torch.nn import EmbeddingBag
from torch.nn.functional import cross_entropy, normalize

from matching.retrieval.training_material import Material
from matching.retrieval.vocabulary import UNKNOWN, piece_features, rarity

# How often each source is seen in one pass, where it is not once: names of goods are what the product is about.
REPEATS = {"goods": 4.0}
# Judged sources differ in size by a factor of ten and say much the same thing: no more batches of one in a pass.
MOST_JUDGED_BATCHES = 12
# A page title has hundreds of features; a random few say as much in a step and cost as little as a short name.
MOST_FEATURES = 48
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
    """Learns one vector for each token; a text is the mean of its tokens' vectors.

    Three losses take turns. *Same*: of a batch, each text must find its own partner (in-batch negatives, InfoNCE both
    ways; pairs of one meaning are never negatives of each other). *Groups*: official substitutes draw together
    (Khosla et al., 2020). *Judged*: pairs judged better score higher than pairs judged worse (CoSENT; Su, 2022).
    A token's vector is the sum of its features' (see piece_features) while it is trained; features are left out at
    random, which is what lets it translate names it never saw.
    """

    def __init__(
        self,
        *,
        dim: int = 384,
        passes: int = 6,
        batch: int = 512,
        temperature: float = 0.1,
        group_temperature: float = 0.07,
        learning_rate: float = 0.03,
        dropout: float = 0.3,
        group_batches: int = 30,
        judged_weight: float = 0.2,
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
        self.judged_weight = judged_weight
        self.random_state = random_state

    def fit(
        self, material: Material, tokenizer: Tokenizer, *, report: Callable[[str], None] = lambda _line: None
    ) -> "StaticTrainer":
        """Learn ``vectors_``, float32 (tokens, dim); ``report`` hears a line after each pass."""
        self._rng = np.random.default_rng(self.random_state)
        torch.manual_seed(self.random_state)
        pieces = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
        features, count = piece_features(pieces)
        self._number = {text: place for place, text in enumerate(material.texts())}
        bags = [
            np.array([feature for token in encoding.ids for feature in features[token]] or [0], dtype=np.int64)
            for encoding in tokenizer.encode_batch(list(self._number), add_special_tokens=False)
        ]
        self._bags = Bags(bags)
        self._table = EmbeddingBag(count, self.dim, mode="sum", sparse=True)
        with torch.no_grad():
            # Random directions, longer for rarer features: untrained, the model is a projection of TF-IDF.
            weights = torch.tensor(rarity(bags, count), dtype=torch.float32)[:, None] / self.dim**0.5
            self._table.weight.copy_(torch.randn(count, self.dim) * weights)
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
            report(f"pass {number} of {self.passes}: mean loss {np.mean(losses):.3f}")
        table = self._table.weight.detach().numpy()
        self.vectors_ = np.stack([table[bag].sum(axis=0) for bag in features])
        # A character nobody trained must not pull a text anywhere.
        self.vectors_[tokenizer.token_to_id(UNKNOWN)] = 0.0
        return self

    def _turns(self, material: Material) -> list[Callable[[], torch.Tensor]]:
        turns: list[Callable[[], torch.Tensor]] = []
        for name, pairs in material.same.items():
            columns = [self._numbers(pair.left for pair in pairs), self._numbers(pair.right for pair in pairs)]
            meanings = {meaning: place for place, meaning in enumerate({pair.meaning: None for pair in pairs})}
            columns.append(np.array([meanings[pair.meaning] for pair in pairs]))
            times = round(REPEATS.get(name, 1.0) * len(pairs) / self.batch)
            turns += [lambda columns=columns: self._same_loss(*self._draw(columns))] * max(1, times)
        groups = [self._numbers(members) for members in material.groups]
        turns += [lambda: self._group_loss(groups)] * (self.group_batches if groups else 0)
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
        return normalize(self._table(*self._bags.batch(texts, self._rng, self.dropout)), dim=1)

    def _same_loss(self, left: np.ndarray, right: np.ndarray, meanings: np.ndarray) -> torch.Tensor:
        scores = self._encode(left) @ self._encode(right).T / self.temperature
        meanings = torch.from_numpy(meanings)
        relatives = (meanings[:, None] == meanings[None]) & ~torch.eye(len(meanings), dtype=torch.bool)
        scores = scores.masked_fill(relatives, OUT_OF_REACH)
        own = torch.arange(len(meanings))
        return (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2

    def _group_loss(self, groups: list[np.ndarray], *, most: int = 170, members: int = 4) -> torch.Tensor:
        drawn = self._rng.permutation(len(groups))[:most]
        picks = [self._rng.choice(groups[g], min(members, len(groups[g])), replace=False) for g in drawn]
        label = torch.from_numpy(np.repeat(np.arange(len(picks)), [len(pick) for pick in picks]))
        vectors = self._encode(np.concatenate(picks))
        oneself = torch.eye(len(label), dtype=torch.bool)
        scores = (vectors @ vectors.T / self.group_temperature).masked_fill(oneself, OUT_OF_REACH)
        partners = (label[:, None] == label[None]) & ~oneself
        shares = scores - torch.logsumexp(scores, dim=1, keepdim=True)
        return -((shares * partners).sum(dim=1) / partners.sum(dim=1).clamp(min=1)).mean()

    def _judged_loss(self, left: np.ndarray, right: np.ndarray, labels: np.ndarray) -> torch.Tensor:
        cosines = (self._encode(left) * self._encode(right)).sum(dim=1)
        labels = torch.from_numpy(labels)
        worse = (cosines[None] - cosines[:, None])[labels[:, None] > labels[None]] * GRADED_SCALE
        return self.judged_weight * torch.logsumexp(torch.cat([torch.zeros(1), worse]), dim=0)


def save_model(folder: Path, tokenizer: Tokenizer, vectors: np.ndarray) -> None:
    """Write a sentence-transformers folder of StaticEmbedding + Normalize, its weights in half precision.

    Half precision halves the file and moves no component of a vector by more than a thousandth; our encoder computes
    with it in float32, as ``SentenceTransformer(folder).float()`` does.
    """
    modules = [StaticEmbedding(tokenizer, embedding_weights=vectors.astype(np.float16)), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder), create_model_card=False)
