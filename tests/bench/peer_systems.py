"""What a user would pick instead of our index, each behind the same few calls; a package that is missing is said so.

``build`` takes texts, vectors and columns of facts; ``search`` returns ids, best first; ``add`` makes one more findable.
Conditions are {column: value} and, for the price, {"price": highest}.
"""

import importlib.util
import os
import re
import secrets
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


class Tantivy(System):
    """tantivy with character 1- and 2-grams, its best for Chinese."""

    needs = "tantivy"
    by = "words"

    def build(self, texts: Sequence[str], vectors: np.ndarray, columns: Columns) -> None:
        import tantivy  # noqa: PLC0415 - a peer, present only where benchmarks run

        self.tantivy = tantivy
        schema = tantivy.SchemaBuilder().add_integer_field("id", stored=True, indexed=True)
        schema.add_text_field("body", tokenizer_name="grams")
        for name in EQUAL:
            schema.add_text_field(name, tokenizer_name="raw")
        schema.add_float_field("price", indexed=True, fast=True)
        self.schema = schema.build()
        self.index = tantivy.Index(self.schema)
        grams_of = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.ngram(min_gram=1, max_gram=2, prefix_only=False))
        self.analyser = grams_of.filter(tantivy.Filter.lowercase()).build()
        self.index.register_tokenizer("grams", self.analyser)
        self.writer = self.index.writer()
        for place, text in enumerate(texts):
            self._write(place, text, row(columns, place))
        self._commit()

    def _write(self, item: int, text: str, facts: Where) -> None:
        self.writer.add_document(
            self.tantivy.Document(id=item, body=text, price=facts["price"], **{name: facts[name] for name in EQUAL})
        )

    def _commit(self) -> None:
        self.writer.commit()
        self.index.reload()

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        query, occur = self.tantivy.Query, self.tantivy.Occur
        words = [
            (occur.Should, query.term_query(self.schema, "body", token))
            for token in dict.fromkeys(self.analyser.analyze(text))
        ]
        must = [(occur.Must, query.boolean_query(words))]
        for name, value in where.items():
            if name == "price":
                kind = self.tantivy.FieldType.Float
                must.append((occur.Must, query.range_query(self.schema, "price", kind, -1.0, float(value))))
            else:
                must.append((occur.Must, query.term_query(self.schema, name, value)))
        searcher = self.index.searcher()
        hits = searcher.search(query.boolean_query(must), k).hits
        return [searcher.doc(address)["id"][0] for _, address in hits]

    def add(self, item: int, text: str, vector: np.ndarray, facts: Where) -> None:
        self._write(item, text, facts)
        self._commit()


class Bm25s(System):
    """bm25s over single characters and pairs; it takes nothing in later, so one more means all anew."""

    needs = "bm25s"
    by = "words"

    def build(self, texts: Sequence[str], vectors: np.ndarray, columns: Columns) -> None:
        self.tokens = [grams(text) for text in texts]
        self.columns = {name: column.copy() for name, column in columns.items()}
        self._build()

    def _build(self) -> None:
        import bm25s  # noqa: PLC0415 - a peer, present only where benchmarks run

        self.index = bm25s.BM25()
        self.index.index(self.tokens, show_progress=False)

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        mask = np.ones(len(self.tokens), dtype=np.float32)
        for name, value in where.items():
            mask *= self.columns[name] <= value if name == "price" else self.columns[name] == value
        words = [token for token in grams(text) if token in self.index.vocab_dict]
        if not words:
            return []
        k = min(k, len(self.tokens))
        found, scores = self.index.retrieve([words], k=k, show_progress=False, n_threads=1, weight_mask=mask)
        return found[0][scores[0] > 0].tolist()

    def add(self, item: int, text: str, vector: np.ndarray, facts: Where) -> None:
        self.tokens.append(grams(text))
        for name, column in self.columns.items():
            self.columns[name] = np.append(column, facts[name])
        self._build()


class PostgresText(System):
    """PostgreSQL's full-text search with the configuration 'simple', over single characters and pairs."""

    by = "words"

    @classmethod
    def is_missing(cls) -> bool:
        return not os.environ.get("DATABASE_URL")

    def build(self, texts: Sequence[str], vectors: np.ndarray, columns: Columns) -> None:
        from urllib.parse import unquote  # noqa: PLC0415

        import environ  # noqa: PLC0415
        import psycopg  # noqa: PLC0415

        place = environ.Env().db("DATABASE_URL")
        self.connection = psycopg.connect(
            host=unquote(place["HOST"]) or None,
            port=place["PORT"] or None,
            user=place["USER"] or None,
            password=place["PASSWORD"] or None,
            dbname=place["NAME"],
            autocommit=True,
        )
        self.table = f"peers_{secrets.token_hex(4)}"
        self.connection.execute(
            f"create unlogged table {self.table} (id bigint primary key, side text, family text, region text,"
            " price double precision, words tsvector)"
        )
        with (
            self.connection.cursor() as cursor,
            cursor.copy(f"copy {self.table} (id, side, family, region, price, words) from stdin") as copy,
        ):
            for place_, text in enumerate(texts):
                facts = row(columns, place_)
                copy.write_row((place_, *(facts[name] for name in EQUAL), facts["price"], vector_text(text)))
        self.connection.execute(f"create index on {self.table} using gin (words)")
        self.connection.execute(f"create index on {self.table} (side, family, region)")
        self.connection.execute(f"analyze {self.table}")

    def search(self, text: str, vector: np.ndarray | None, k: int, where: Where) -> list[int]:
        words = " | ".join(quoted(token) for token in dict.fromkeys(grams(text)))
        said = [f"{name} <= %s" if name == "price" else f"{name} = %s" for name in where]
        conditions = " and ".join(["words @@ query", *said])
        rows = self.connection.execute(
            f"select id from {self.table}, to_tsquery('simple', %s) query where {conditions}"
            " order by ts_rank(words, query, 1) desc, id limit %s",
            [words, *where.values(), k],
        )
        return [item for (item,) in rows]

    def add(self, item: int, text: str, vector: np.ndarray, facts: Where) -> None:
        self.connection.execute(
            f"insert into {self.table} values (%s, %s, %s, %s, %s, %s::tsvector)",
            [item, *(facts[name] for name in EQUAL), facts["price"], vector_text(text)],
        )

    def elsewhere(self) -> float:
        [(size,)] = self.connection.execute("select pg_total_relation_size(%s)", [self.table]).fetchall()
        return size / 2**20

    def close(self) -> None:
        self.connection.execute(f"drop table {self.table}")
        self.connection.close()


def cut(text: str) -> str:
    return " ".join(grams(text))


def quoted(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"


def vector_text(text: str) -> str:
    """Return the text as PostgreSQL writes a tsvector, with the places of the words."""
    places: dict[str, list[int]] = {}
    for place, token in enumerate(grams(text), start=1):
        places.setdefault(token, []).append(min(place, 16_383))
    return " ".join(f"{quoted(token)}:{','.join(map(str, at[:200]))}" for token, at in places.items())


def row(columns: Columns, place: int) -> dict[str, object]:
    return {name: column[place].item() for name, column in columns.items()}


SYSTEMS: dict[str, type[System]] = {
    "ours, fused": Ours,
    "ours, keyword": OursByWords,
    "ours, embedding": OursByMeaning,
    "qdrant-edge": Qdrant,
    "milvus-lite": MilvusLite,
    "txtai": Txtai,
    "txtai, hybrid": TxtaiHybrid,
    "tantivy": Tantivy,
    "bm25s": Bm25s,
    "PostgreSQL text": PostgresText,
}
