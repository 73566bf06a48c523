"""What a user would pick instead of our index, each behind the same few calls; a package that is missing is said so.

``build`` takes texts, vectors and columns of facts; ``search`` returns ids, best first; ``add`` makes one more findable.
Conditions are {column: value} and, for the price, {"price": highest}.
"""

import importlib.util
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from matching.retrieval.encoder import Encoder
from matching.retrieval.fusion import ScoreFusion
from matching.retrieval.keyword import KeywordIndex
from matching.retrieval.vector_index import VectorIndex

FUSION = Path(__file__).parents[2] / "matching" / "data" / "fusion.json"
EQUAL = ("side", "family", "region")
DEPTH = 200
Columns = Mapping[str, np.ndarray]
Where = Mapping[str, object]


def grams(text: str) -> list[str]:
    """Return words of letters and digits, and single characters and pairs of the rest: the usual way with Chinese.

    >>> grams("304 球阀Valve")
    ['304', '球', '球阀', '阀', 'valve']
    """
    tokens: list[str] = []
    for run in re.findall(r"[a-z0-9.\-]+|[㐀-鿿]+", text.lower()):
        if run.isascii():
            tokens.append(run)
        else:
            for place, character in enumerate(run):
                tokens.append(character)
                tokens.extend([run[place : place + 2]] if place + 1 < len(run) else [])
    return tokens


def cut(text: str) -> str:
    return " ".join(grams(text))


class System:
    """A way to search; ``needs`` names its package, ``by`` says what it goes by: words, vectors or both."""

    needs = ""
    by = "vectors"

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    @classmethod
    def is_missing(cls) -> bool:
        return bool(cls.needs) and importlib.util.find_spec(cls.needs) is None

    def build(self, texts: Sequence[str], vectors: np.ndarray, columns: Columns) -> None:
        raise NotImplementedError

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        raise NotImplementedError

    def add(self, item: int, text: str, vector: np.ndarray, facts: Where) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def elsewhere(self) -> float:
        """Return how many MiB the system holds outside this process."""
        return 0.0

    def vector_of(self, text: str, vector: np.ndarray | None) -> np.ndarray:
        return self.encoder.encode([text])[0] if vector is None else vector


class Ours(System):
    """Our two legs and their fusion; subclasses ask one leg alone."""

    by = "both"

    def build(self, texts: Sequence[str], vectors: np.ndarray, columns: Columns) -> None:
        ids = np.arange(len(texts))
        self.columns = {name: column.copy() for name, column in columns.items()}
        self.fusion = ScoreFusion.load(FUSION)
        if self.by != "vectors":
            self.keywords = KeywordIndex().build(ids, texts)
        if self.by != "words":
            self.vectors = VectorIndex(vectors.shape[1]).build(ids, vectors)

    def allowed(self, where: Where) -> np.ndarray | None:
        if not where:
            return None
        conditions = [
            self.columns[name] <= value if name == "price" else self.columns[name] == value
            for name, value in where.items()
        ]
        return np.logical_and.reduce(conditions)

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        allowed = self.allowed(where)
        weighed = self.keywords.weigh(text, DEPTH, allowed)
        vector = self.vector_of(text, vector)
        by_meaning, _ = self.vectors.search(vector, DEPTH, allowed)
        ids = np.union1d(weighed.best(DEPTH)[0], by_meaning[by_meaning >= 0])
        fused = self.fusion.fuse(weighed.of(ids), self.vectors.scores(vector, ids))
        return ids[np.lexsort((ids, -fused))][:k].tolist()

    def add(self, item: int, text: str, vector: np.ndarray, facts: Where) -> None:
        for name, column in self.columns.items():
            self.columns[name] = np.append(column, facts[name])
        if self.by != "vectors":
            self.keywords.add(item, text)
        if self.by != "words":
            self.vectors.add([item], vector[None])


class OursByWords(Ours):
    by = "words"

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        return self.keywords.search(text, k, self.allowed(where))[0].tolist()


class OursByMeaning(Ours):
    by = "vectors"

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        found, _ = self.vectors.search(self.vector_of(text, vector), k, self.allowed(where))
        return found[found >= 0].tolist()


class Qdrant(System):
    needs = "qdrant_edge"

    def build(self, texts: Sequence[str], vectors: np.ndarray, columns: Columns) -> None:
        import qdrant_edge as qdrant  # noqa: PLC0415 - a peer, present only where benchmarks run

        self.qdrant, self.folder = qdrant, tempfile.TemporaryDirectory()
        config = qdrant.EdgeConfig(vectors=qdrant.EdgeVectorParams(size=vectors.shape[1], distance=qdrant.Distance.Dot))
        self.shard = qdrant.EdgeShard.create(self.folder.name, config)
        for start in range(0, len(texts), 1000):
            self._upsert(
                [
                    qdrant.Point(place, vectors[place].tolist(), row(columns, place))
                    for place in range(start, min(start + 1000, len(texts)))
                ]
            )
        for name in EQUAL:
            self._index(name, qdrant.PayloadSchemaType.Keyword)
        self._index("price", qdrant.PayloadSchemaType.Float)
        self.shard.optimize()

    def _index(self, name: str, kind: object) -> None:
        self.shard.update(self.qdrant.UpdateOperation.create_field_index(name, kind))

    def _upsert(self, points: list) -> None:
        self.shard.update(self.qdrant.UpdateOperation.upsert_points(points))

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        qdrant = self.qdrant
        must = [
            qdrant.FieldCondition(key=name, range=qdrant.RangeFloat(lte=value))
            if name == "price"
            else qdrant.FieldCondition(key=name, match=qdrant.MatchValue(value=value))
            for name, value in where.items()
        ]
        request = qdrant.QueryRequest(
            query=qdrant.Query.Nearest(self.vector_of(text, vector).tolist()),
            filter=qdrant.Filter(must=must) if must else None,
            limit=k,
        )
        return [point.id for point in self.shard.query(request)]

    def add(self, item: int, text: str, vector: np.ndarray, facts: Where) -> None:
        self._upsert([self.qdrant.Point(item, vector.tolist(), dict(facts))])

    def close(self) -> None:
        del self.shard
        self.folder.cleanup()


class MilvusLite(System):
    needs = "milvus_lite"

    def build(self, texts: Sequence[str], vectors: np.ndarray, columns: Columns) -> None:
        from pymilvus import DataType, MilvusClient  # noqa: PLC0415 - a peer, present only where benchmarks run

        self.folder = tempfile.TemporaryDirectory()
        self.client = MilvusClient(f"{self.folder.name}/vectors.db")
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        for name in EQUAL:
            schema.add_field(name, DataType.VARCHAR, max_length=64)
        schema.add_field("price", DataType.DOUBLE)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        indexes = self.client.prepare_index_params()
        indexes.add_index("vector", index_type="FLAT", metric_type="IP")
        self.client.create_collection("goods", schema=schema, index_params=indexes, consistency_level="Strong")
        for start in range(0, len(texts), 1000):
            places = range(start, min(start + 1000, len(texts)))
            rows = [{"id": place, "vector": vectors[place], **row(columns, place)} for place in places]
            self.client.upsert("goods", rows)
        self.client.flush("goods")

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        said = [f"price <= {value}" if name == "price" else f'{name} == "{value}"' for name, value in where.items()]
        found = self.client.search(
            "goods",
            data=[self.vector_of(text, vector)],
            anns_field="vector",
            limit=k,
            filter=" and ".join(said),
            output_fields=["id"],
        )
        return [one["id"] for one in found[0]]

    def add(self, item: int, text: str, vector: np.ndarray, facts: Where) -> None:
        self.client.upsert("goods", [{"id": item, "vector": vector, **facts}])

    def close(self) -> None:
        self.client.close()
        self.folder.cleanup()


class Txtai(System):
    """txtai with our embedding; hybrid adds its own BM25 over texts cut into single characters and pairs."""

    needs = "txtai"
    hybrid = False

    def build(self, texts: Sequence[str], vectors: np.ndarray, columns: Columns) -> None:
        from txtai import Embeddings  # noqa: PLC0415 - a peer, present only where benchmarks run

        self.known = dict(zip(map(cut, texts), vectors, strict=True))
        # txtai calls what is no plain function once more, without anything.
        plain = lambda asked: self._vectors(asked)  # noqa: E731, PLW0108
        self.index = Embeddings(method="external", transform=plain, content=True, hybrid=self.hybrid, backend="faiss")
        self.index.index((place, {"text": cut(text), **row(columns, place)}, None) for place, text in enumerate(texts))

    def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        missing = [text for text in texts if text not in self.known]
        # What is asked was put among the known beforehand where its vector is given.
        made = dict(zip(missing, self.encoder.encode(missing), strict=True)) if missing else {}
        return np.array([self.known[text] if text in self.known else made[text] for text in texts], dtype=np.float32)

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        words = cut(text)
        self.known[words] = self.vector_of(text, vector)
        said = [f"{name} <= {value}" if name == "price" else f"{name} = '{value}'" for name, value in where.items()]
        # Its usual number of candidates for a filtered search is ten times the page.
        similar = f"similar(:words, {10 * k})" if where else "similar(:words)"
        query = f"select id, score from txtai where {' and '.join([similar, *said])}"
        return [int(one["id"]) for one in self.index.search(query, k, parameters={"words": words})]

    def add(self, item: int, text: str, vector: np.ndarray, facts: Where) -> None:
        self.known[cut(text)] = vector
        self.index.upsert([(item, {"text": cut(text), **facts}, None)])


class TxtaiHybrid(Txtai):
    hybrid = True
    by = "both"


def row(columns: Columns, place: int) -> dict[str, object]:
    return {name: column[place].item() for name, column in columns.items()}
