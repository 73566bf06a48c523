"""Vectors in a collection of Milvus, which many machines may share and which may itself be of many machines."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

# So many rows go in one message, and Milvus gives no more than MOST answers to one question.
PAGE, MOST = 1000, 16_384
# Flat looks at every vector that a filter allows; the others look where the truth probably is.
INDEXES = {
    "FLAT": ({}, {}),
    "IVF_FLAT": ({"nlist": 1024}, {"nprobe": 128}),
    "HNSW": ({"M": 24, "efConstruction": 200}, {"ef": 512}),
}
SCHEMES = {"milvus": "http", "milvus+tls": "https", "milvus+lite": ""}


@dataclass(frozen=True)
class MilvusPlace:
    """Where the vectors are: an address that pymilvus takes, and what to use there."""

    uri: str
    database: str = ""
    token: str = ""
    collection: str = "listings"
    index: str = "FLAT"

    @classmethod
    def of_url(cls, url: str) -> "MilvusPlace":
        """Return the place that an address names.

        >>> MilvusPlace.of_url("milvus://search:19530/trade?collection=goods&index=HNSW")
        MilvusPlace(uri='http://search:19530', database='trade', token='', collection='goods', index='HNSW')
        >>> MilvusPlace.of_url("milvus+lite:///srv/data/vectors.db").uri
        '/srv/data/vectors.db'

        :raises ValueError: if it names none
        """
        parts, form = urlsplit(url), "milvus://host:19530/database?collection=…&token=…&index=FLAT"
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme not in SCHEMES:
            raise ValueError(f"{parts.scheme}:// is no vector engine: {form} or milvus+lite:///path is needed")
        if unknown := options.keys() - {"collection", "token", "index"}:
            raise ValueError(f"the address of Milvus has no option {min(unknown)}: {form} is needed")
        if options.get("index", "FLAT") not in INDEXES:
            raise ValueError(f"index={options['index']} is none of {', '.join(INDEXES)}")
        path = unquote(parts.path)
        if parts.scheme == "milvus+lite":
            if parts.netloc or not Path(path).name:
                raise ValueError("milvus+lite:// takes a whole path: milvus+lite:///srv/data/vectors.db")
            return cls(path, **options)
        if not parts.hostname:
            raise ValueError(f"the address of Milvus names no host: {form} is needed")
        uri = f"{SCHEMES[parts.scheme]}://{parts.hostname}:{parts.port or 19530}"
        return cls(uri, database=path.strip("/"), **options)

    def of_model(self, version: str) -> "MilvusPlace":
        """Return the place of this model's vectors: those of two models cannot be compared.

        >>> MilvusPlace("/x.db").of_model("static-1.2").collection
        'listings_static_1_2'
        """
        plain = "".join(each if each.isalnum() and each.isascii() else "_" for each in version)
        return replace(self, collection=f"{self.collection}_{plain}")


class MilvusStore:
    """Rows of id, digest and vector; connects when first used.

    Who writes what is there already writes nothing: each process that follows the listings says the same, and the
    digests tell. Whoever comes last to a change makes good what another, lagging behind, has overwritten.
    """

    def __init__(self, place: MilvusPlace, dim: int) -> None:
        self.place, self.dim = place, dim

    @cached_property
    def _client(self) -> Any:
        # Takes three seconds and is needed only where Milvus is the engine.
        from pymilvus import DataType, MilvusClient  # noqa: PLC0415

        place = self.place
        if not place.uri.startswith("http"):
            Path(place.uri).parent.mkdir(parents=True, exist_ok=True)
        client = MilvusClient(place.uri, token=place.token, db_name=place.database)
        if not client.has_collection(place.collection):
            schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("digest", DataType.INT64)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self.dim)
            indexes = client.prepare_index_params()
            indexes.add_index("vector", index_type=place.index, metric_type="IP", params=INDEXES[place.index][0])
            # A search sees whatever was written before it, by whichever process.
            client.create_collection(place.collection, schema=schema, index_params=indexes, consistency_level="Strong")
        fields = client.describe_collection(place.collection)["fields"]
        held = next((field["params"].get("dim") for field in fields if field["name"] == "vector"), None)
        if int(held or 0) != self.dim:
            raise ValueError(f"Milvus's collection {place.collection} holds vectors of {held}, not {self.dim} numbers")
        client.load_collection(place.collection)
        return client

    def write(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Hold these vectors, shape (n, dim), under these ids, each given once."""
        for start in range(0, len(ids), PAGE):
            part, rows = ids[start : start + PAGE], vectors[start : start + PAGE]
            digests = [digest(row) for row in rows]
            known = {row["id"]: row["digest"] for row in self._rows(part, "digest")}
            changed = [place for place, item in enumerate(part.tolist()) if known.get(item) != digests[place]]
            if changed:
                self._client.upsert(
                    self.place.collection,
                    [
                        {"id": int(part[place]), "digest": digests[place], "vector": rows[place].astype(np.float32)}
                        for place in changed
                    ],
                )

    def delete(self, ids: np.ndarray) -> None:
        for start in range(0, len(ids), PAGE):
            self._client.delete(self.place.collection, ids=ids[start : start + PAGE].tolist())

    def ids(self) -> Iterator[np.ndarray]:
        """Yield the ids of all rows, in parts."""
        pages = self._client.query_iterator(self.place.collection, batch_size=PAGE, filter="", output_fields=["id"])
        while rows := pages.next():
            yield np.array([row["id"] for row in rows], dtype=np.int64)
        pages.close()

    def holds(self, ids: np.ndarray) -> int:
        """Return how many of these ids are here."""
        return len(self._rows(ids, "id"))

    def vectors(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of those ids that are here, float32, in the order given, and which ids those are."""
        parts = (self._rows(ids[start : start + PAGE], "vector") for start in range(0, len(ids), PAGE))
        rows = {row["id"]: row["vector"] for part in parts for row in part}
        found = np.array([item in rows for item in ids.tolist()], dtype=bool)
        vectors = [rows[item] for item in ids[found].tolist()]
        return np.array(vectors, dtype=np.float32).reshape(-1, self.dim), found

    def nearest(
        self, query: np.ndarray, limit: int, *, among: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores of the vectors nearest to the query, best first: as many as there are, up to limit."""
        found = self._client.search(
            self.place.collection,
            data=[query],
            anns_field="vector",
            limit=limit,
            filter="" if among is None else f"id in {among.tolist()}",
            output_fields=["id"],
            search_params={"metric_type": "IP", "params": INDEXES[self.place.index][1]},
        )[0]
        ids = np.array([row["id"] for row in found], dtype=np.int64)
        return ids, np.array([row["distance"] for row in found], dtype=np.float32)

    def flush(self) -> None:
        self._client.flush(self.place.collection)

    def _rows(self, ids: np.ndarray, field: str) -> Sequence[dict]:
        if not len(ids):
            return []
        return self._client.get(self.place.collection, ids=ids.tolist(), output_fields=[field])


def digest(vector: np.ndarray) -> int:
    """Return a number that another vector has only by chance, once in 2**64."""
    stored = np.ascontiguousarray(vector, dtype="<f2").tobytes()
    return int.from_bytes(hashlib.blake2b(stored, digest_size=8).digest(), "little", signed=True)
