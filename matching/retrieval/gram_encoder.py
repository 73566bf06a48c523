"""Turn texts into vectors by adding up the vectors of their n-grams, words and codes."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from matching.retrieval.grams import grams

SETTINGS = "grams.json"
FEATURES = "features.txt"
WEIGHTS = "model.safetensors"
FORMAT = 2
# How often a code counts in a text, one that the vocabulary knows and one that it does not: long descriptions drown the
# number of a model, which alone tells two of them apart. Once trained, not while training: there codes are rare.
CODES, UNKNOWN_CODES = 3, 8
# The largest step of a signed byte: a row is stored as bytes times one scale.
_STEPS = 127


class Vocabulary:
    """Which rows of the table a text adds up: those of its features, and two shared ones for what is unknown.

    A whole feature that is not in the vocabulary (a new code, a rare word) gets the sum of two out of ``buckets``
    shared rows, chosen by its CRC-32: two texts with the same unknown code still meet, as in hash embeddings
    (Svenstrup et al., 2017). An unknown partial feature says nothing.

    >>> Vocabulary(["球", "阀"], buckets=0).rows("球阀")
    [0, 1]
    """

    def __init__(self, features: Sequence[str], *, buckets: int) -> None:
        self.features = list(features)
        self.buckets = buckets
        self._row = {feature: row for row, feature in enumerate(self.features)}

    def __len__(self) -> int:
        return len(self.features) + self.buckets

    def places(self, other: "Vocabulary") -> np.ndarray:
        """Return where the other's rows are here, (len(other),); -1 for a feature that is only there."""
        known = [self._row.get(feature, -1) for feature in other.features]
        return np.array([*known, *range(len(self.features), len(self))], dtype=np.int64)

    def rows(self, text: str, *, codes: int = 1, unknown_codes: int = 1) -> list[int]:
        """Return the rows of a text, in no order that matters; none for a text that says nothing.

        The rows of a feature with digits in it come ``codes`` times, or ``unknown_codes`` times where it is not known.

        >>> Vocabulary(["<dn50>", "球"], buckets=0).rows("球 DN50", codes=2)
        [1, 0, 0]
        """
        whole, partial = grams(text)
        known, row = len(self.features), self._row
        found = []
        for feature in whole:
            place = row.get(feature)
            is_code = feature[0] == "<" and any(character.isdigit() for character in feature)
            if place is not None:
                found += [place] * (codes if is_code else 1)
            elif self.buckets:
                digest = zlib.crc32(feature.encode())
                shared = [known + digest % self.buckets, known + digest // self.buckets % self.buckets]
                found += shared * (unknown_codes if is_code else 1)
        found.extend(row[feature] for feature in partial if feature in row)
        return found


class GramEncoder:
    """The sum of a text's feature vectors, scaled to length one; numpy alone, and loaded in a blink."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        codes: np.ndarray,
        scales: np.ndarray,
        *,
        version: str = "",
        emphasis: tuple[int, int] = (CODES, UNKNOWN_CODES),
    ) -> None:
        """Take the table as signed bytes (rows, dim) and one scale for each row (rows,).

        :param emphasis: how often the rows of a known and of an unknown code count
        """
        self.emphasis = emphasis
        self.dim = codes.shape[1]
        self.version = version
        self.vocabulary = vocabulary
        self._codes = codes
        self._scales = scales.astype(np.float32)

    @classmethod
    def of(cls, vocabulary: Vocabulary, table: np.ndarray, *, version: str = "") -> "GramEncoder":
        """Return the encoder of a table in floating point, (rows, dim): each row in bytes of its own scale."""
        scales = np.abs(table).max(axis=1) / _STEPS
        codes = np.rint(table / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8)
        return cls(vocabulary, codes, scales, version=version)

    @classmethod
    def load(cls, folder: Path, *, version: str) -> "GramEncoder":
        """Return the encoder that was saved in this folder.

        :raises ValueError: if its files do not belong together
        """
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if settings["format"] != FORMAT:
            raise ValueError(f"{folder / SETTINGS} is of another format: train the embedding again")
        features = (folder / FEATURES).read_text(encoding="utf-8").splitlines()
        weights = load_file(folder / WEIGHTS)
        vocabulary = Vocabulary(features, buckets=settings["buckets"])
        if weights["codes"].shape != (len(vocabulary), settings["dim"]):
            raise ValueError(f"{folder / SETTINGS}, {FEATURES} and {WEIGHTS} do not belong together")
        emphasis = settings["codes"], settings["unknown_codes"]
        return cls(vocabulary, weights["codes"], weights["scales"], version=version, emphasis=emphasis)

    def table(self, vocabulary: Vocabulary) -> np.ndarray:
        """Return the rows in floating point and in the order of this vocabulary, (rows, dim); zeros where one lacks.

        :raises ValueError: if it has another number of shared rows
        """
        if vocabulary.buckets != self.vocabulary.buckets:
            raise ValueError("Only encoders with the same number of shared rows can be compared.")
        places = self.vocabulary.places(vocabulary)
        rows = self._codes[places].astype(np.float32) * self._scales[places, None]
        rows[places < 0] = 0.0
        return rows

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"format": FORMAT, "dim": self.dim, "buckets": self.vocabulary.buckets}
        settings |= dict(zip(("codes", "unknown_codes"), self.emphasis, strict=True))
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        (folder / FEATURES).write_text("\n".join(self.vocabulary.features) + "\n", encoding="utf-8")
        save_file({"codes": self._codes, "scales": self._scales}, folder / WEIGHTS)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row of length one for each text, float32 (n, dim); a text that says nothing gives zeros."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for place, text in enumerate(texts):
            rows = self.vocabulary.rows(text, codes=self.emphasis[0], unknown_codes=self.emphasis[1])
            if rows:
                vectors[place] = self._scales[rows] @ self._codes[rows].astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths > 0, lengths, 1)
