"""What only the engine behind pymilvus does; what both engines do is in test_vector_index."""

import importlib.util
import logging
from itertools import count as numbers

import numpy as np
import pytest

from matching.retrieval import milvus_index
from matching.retrieval.milvus_index import MilvusIndex
from matching.retrieval.milvus_store import MilvusPlace, MilvusStore

needs_milvus = pytest.mark.skipif(
    not (importlib.util.find_spec("pymilvus") and importlib.util.find_spec("milvus_lite")),
    reason="pymilvus and milvus-lite are not installed: they are the extra `milvus`",
)
collections = numbers()


def unit(count, dim=16, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float16).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def brute_force(ids, vectors, query, k):
    scores = (vectors.astype(np.float16).astype(np.float32) * query).sum(axis=1)
    return np.asarray(ids)[np.lexsort((ids, -scores))][:k].tolist()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    logging.getLogger("milvus_lite").setLevel(logging.WARNING)
    return tmp_path_factory.mktemp("milvus") / "vectors.db"


@pytest.fixture
def store(file):
    return MilvusStore(MilvusPlace(str(file), collection=f"test{next(collections)}"), 16)


@needs_milvus
@pytest.mark.parametrize("most", [16_384, 120])
def test_wide_search_is_brute_force_though_milvus_is_not_told_the_filter(store, monkeypatch, most):
    monkeypatch.setattr(milvus_index, "LISTED", 100)
    monkeypatch.setattr(milvus_index, "MOST", most)
    vectors, query = unit(600), unit(1, seed=1)[0]
    index = MilvusIndex(16, store).build(np.arange(600), vectors)
    away = vectors @ query < np.median(vectors @ query)

    for allowed in (np.ones(600, dtype=bool), away, np.arange(600) % 3 == 0):
        found, _ = index.search(query, 50, allowed)
        assert found.tolist() == brute_force(np.flatnonzero(allowed), vectors[allowed], query, 50)


@needs_milvus
def test_build_keeps_what_is_there_and_drops_the_rest(store):
    vectors = unit(30)
    MilvusIndex(16, store).build(np.arange(20), vectors[:20])

    index = MilvusIndex(16, store).build(np.arange(10, 30), vectors[10:])

    assert sorted(np.concatenate(list(store.ids())).tolist()) == list(range(10, 30))
    assert index.search(vectors[0], 30)[0][:20].tolist() == brute_force(np.arange(10, 30), vectors[10:], vectors[0], 20)


@needs_milvus
def test_two_processes_share_a_collection_and_each_serves_what_it_has_read(store):
    vectors = unit(12)
    first = MilvusIndex(16, store).build(np.arange(10), vectors[:10])
    second = first.rearranged(np.arange(10))

    first.add([10], vectors[10:11])
    first.remove([3])

    assert second.search(vectors[10], 20)[0][:9].tolist() == brute_force(
        [0, 1, 2, 4, 5, 6, 7, 8, 9], vectors[[0, 1, 2, 4, 5, 6, 7, 8, 9]], vectors[10], 9
    )
    second.add([10], vectors[10:11])
    second.remove([3])
    assert second.search(vectors[10], 3)[0].tolist() == first.search(vectors[10], 3)[0].tolist()


@needs_milvus
def test_who_reads_a_change_last_makes_good_what_another_overwrote(store):
    vectors = unit(3)
    first = MilvusIndex(16, store).build([1], vectors[:1])
    lagging = first.rearranged(np.arange(1))
    first.add([1], vectors[1:2])
    lagging.add([1], vectors[2:3])

    lagging.add([1], vectors[1:2])

    assert first.reconstruct(1) == pytest.approx(vectors[1], abs=1e-3)


@needs_milvus
def test_load_refuses_a_snapshot_whose_vectors_are_gone(store, tmp_path):
    index = MilvusIndex(16, store).build(np.arange(20), unit(20))
    index.save(tmp_path)
    store.delete(np.arange(20))

    with pytest.raises(ValueError, match="does not hold"):
        MilvusIndex.load(tmp_path, store)


@needs_milvus
def test_a_collection_of_other_vectors_is_refused(store):
    MilvusIndex(16, store).build([1], unit(1))

    with pytest.raises(ValueError, match="holds vectors of 16, not 8"):
        MilvusStore(store.place, 8).holds(np.array([1]))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("qdrant://host", "no vector engine"),
        ("milvus://", "names no host"),
        ("milvus://host?speed=fast", "no option speed"),
        ("milvus://host?index=MAGIC", "none of FLAT"),
        ("milvus+lite://vectors.db", "whole path"),
    ],
)
def test_an_address_that_names_no_engine_is_refused(url, said):
    with pytest.raises(ValueError, match=said):
        MilvusPlace.of_url(url)


def test_an_address_says_all_that_is_needed():
    place = MilvusPlace.of_url("milvus+tls://search.example:443/trade?collection=goods&token=a%3Ab&index=IVF_FLAT")

    assert place == MilvusPlace("https://search.example:443", "trade", "a:b", "goods", "IVF_FLAT")
