"""Turn texts into vectors, with the model that the project ships or with any sentence-transformers folder."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from matching.retrieval.gram_encoder import SETTINGS, GramEncoder

SHIPPED = Path(__file__).parent.parent / "data" / "embedding"
_STATIC = ("StaticEmbedding", "Normalize")


class EncoderUnusable(ValueError):  # noqa: N818 - named for the fact
    """The folder holds no model that can be used; the message says what is missing."""


class Encoder(Protocol):
    """What every encoder offers: `dim`, the `version` of its files, and `encode`."""

    dim: int
    version: str

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row of length one for each text, float32 (n, dim); an empty text gives zeros."""


class StaticEncoder:
    """The mean of a text's token vectors, scaled to length one; needs no torch and starts in a blink.

    The folder is the one sentence-transformers saves for StaticEmbedding + Normalize, and the vectors are the same.
    """

    def __init__(self, tokenizer: Tokenizer, vectors: np.ndarray, *, version: str) -> None:
        self.dim = vectors.shape[1]
        self.version = version
        self._tokenizer = tokenizer
        self._vectors = vectors

    @classmethod
    def load(cls, folder: Path | str) -> "StaticEncoder":
        """Return the encoder of this folder.

        :raises EncoderUnusable: if it holds no static model
        """
        folder = Path(folder)
        if not is_static(folder):
            raise EncoderUnusable(f"{folder} holds no sentence-transformers model of StaticEmbedding and Normalize")
        where = folder / _modules(folder)[0]["path"]
        weights = load_file(where / "model.safetensors")
        if "embedding.weight" not in weights:
            raise EncoderUnusable(f"{where / 'model.safetensors'} holds no tensor embedding.weight")
        tokenizer = Tokenizer.from_file(str(where / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(tokenizer, weights["embedding.weight"].astype(np.float32), version=folder_version(folder))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row of length one for each text, float32 (n, dim); a text without a known token gives zeros."""
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for place, encoding in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            if encoding.ids:
                rows[place] = self._vectors[encoding.ids].mean(axis=0)
        return unit_rows(rows)


class TransformerEncoder:
    """Any other local sentence-transformers folder, such as BGE-M3."""

    def __init__(self, folder: Path | str) -> None:
        # Imports torch: ten seconds and half a gigabyte that who uses the shipped model never needs.
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        self.version = folder_version(Path(folder))
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self.dim = int(self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row of length one for each text, float32 (n, dim); an empty text gives zeros."""
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        said = [place for place, text in enumerate(texts) if text.strip()]
        if said:
            rows[said] = self._model.encode([texts[place] for place in said], show_progress_bar=False)
        return unit_rows(rows)


def load_encoder(folder: Path | str = SHIPPED) -> Encoder:
    """Return the encoder of a folder: our own n-grams, or sentence-transformers; torch only where it is needed.

    :raises EncoderUnusable: if the folder holds no model
    """
    folder = Path(folder)
    if (folder / SETTINGS).is_file():
        try:
            return GramEncoder.load(folder, version=folder_version(folder))
        except (OSError, KeyError, ValueError) as error:
            raise EncoderUnusable(f"{folder} holds no whole model: {error}") from error
    return StaticEncoder.load(folder) if is_static(folder) else TransformerEncoder(folder)


def is_static(folder: Path) -> bool:
    """Say whether the folder's model is StaticEmbedding followed by Normalize.

    :raises EncoderUnusable: if it is no sentence-transformers folder at all
    """
    return tuple(module["type"].rpartition(".")[2] for module in _modules(folder)) == _STATIC


def folder_version(folder: Path) -> str:
    """Return a short hash of the files that decide the vectors: another model, another version."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"} and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Return the rows scaled to length one; a row of zeros stays as it is.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def _modules(folder: Path) -> list[dict]:
    path = folder / "modules.json"
    if not path.is_file():
        raise EncoderUnusable(f"{folder} is no sentence-transformers folder: it has no modules.json")
    return json.loads(path.read_text(encoding="utf-8"))
