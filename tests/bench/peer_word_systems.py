"""Peers that search by words, each behind the calls of ``peer_systems.System``."""

import os
import secrets
from collections.abc import Sequence

import numpy as np

from tests.bench.peer_systems import EQUAL, Columns, System, Where, grams, row


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


def quoted(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"


def vector_text(text: str) -> str:
    """Return the text as PostgreSQL writes a tsvector, with the places of the words."""
    places: dict[str, list[int]] = {}
    for place, token in enumerate(grams(text), start=1):
        places.setdefault(token, []).append(min(place, 16_383))
    return " ".join(f"{quoted(token)}:{','.join(map(str, at[:200]))}" for token, at in places.items())
