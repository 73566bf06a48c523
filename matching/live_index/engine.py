"""Which engine holds the vectors: this process's memory, or Milvus on other machines."""

from functools import lru_cache
from pathlib import Path

from matching.retrieval.milvus_index import MilvusIndex
from matching.retrieval.milvus_store import MilvusPlace, MilvusStore
from matching.retrieval.vector_index import VectorIndex

MEMORY = "memory"


class VectorEngine:
    """Makes and loads the vector index of one embedding, as the setting VECTOR_ENGINE says."""

    def __init__(self, url: str, *, model_version: str, dim: int) -> None:
        """Note where the vectors are; nothing is connected yet.

        :raises ValueError: if the address names no engine
        """
        self.dim = dim
        self._place = None if url == MEMORY else MilvusPlace.of_url(url).of_model(model_version)

    def empty(self) -> VectorIndex | MilvusIndex:
        if self._place is None:
            return VectorIndex(self.dim)
        return MilvusIndex(self.dim, _store(self._place, self.dim))

    def load(self, folder: Path) -> VectorIndex | MilvusIndex:
        """Return the index that was saved to this folder.

        :raises KeyError: if another engine saved it
        :raises ValueError: if what it says is not there any more
        """
        if self._place is None:
            return VectorIndex.load(folder)
        return MilvusIndex.load(folder, _store(self._place, self.dim))


@lru_cache(maxsize=4)
def _store(place: MilvusPlace, dim: int) -> MilvusStore:
    """One connection serves all indexes of a process; milvus-lite allows no second one."""
    return MilvusStore(place, dim)
