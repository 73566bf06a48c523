import importlib.util
import logging
import threading
from itertools import count as numbers

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.retrieval import vector_index
from matching.retrieval.milvus_index import MilvusIndex
from matching.retrieval.milvus_store import MilvusPlace, MilvusStore
from matching.retrieval.vector_index import VectorIndex

needs_milvus = pytest.mark.skipif(
    not (importlib.util.find_spec("pymilvus") and importlib.util.find_spec("milvus_lite")),
    reason="pymilvus and milvus-lite are not installed: they are the extra `milvus`",
)
collections = numbers()


class Memory:
    """The engine in this process."""

    def empty(self, dim):
        return VectorIndex(dim)

    def load(self, folder, _saved):
        return VectorIndex.load(folder)


class Milvus:
    """The engine behind pymilvus; each index gets a collection of its own."""

    def __init__(self, file):
        self.file = file

    def empty(self, dim):
        place = MilvusPlace.of_url(f"milvus+lite://{self.file}?collection=test{next(collections)}")
        return MilvusIndex(dim, MilvusStore(place, dim))

    def load(self, folder, saved):
        return MilvusIndex.load(folder, saved._store)


@pytest.fixture(scope="module")
def milvus(tmp_path_factory):
    logging.getLogger("milvus_lite").setLevel(logging.WARNING)
    return Milvus(tmp_path_factory.mktemp("milvus") / "vectors.db")


@pytest.fixture(scope="module", params=["memory", pytest.param("milvus", marks=needs_milvus)])
def engine(request):
    """Each engine in turn: what holds for one holds for the other."""
    return Memory() if request.param == "memory" else request.getfixturevalue("milvus")


def unit(count, dim=16, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def brute_force(ids, vectors, query, k):
    scores = (vectors.astype(np.float16).astype(np.float32) * query).sum(axis=1)
    return np.asarray(ids)[np.lexsort((ids, -scores))][:k].tolist()


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.02, 0.002])
def test_search_is_brute_force_under_every_filter(engine, share):
    vectors, queries = unit(3000), unit(8, seed=1)
    ids = np.random.default_rng(2).permutation(3000) + 10
    allowed = np.random.default_rng(3).random(3000) < share
    index = engine.empty(16).build(ids, vectors)

    found, _ = index.search(queries, 50, allowed)

    for row, query in zip(found, queries, strict=True):
        assert row[row >= 0].tolist() == brute_force(ids[allowed], vectors[allowed], query, 50)


def test_search_breaks_ties_by_id_however_many_there_are(engine):
    ids = np.random.default_rng(0).permutation(3000)
    index = engine.empty(4).build(ids, np.tile(unit(1, 4), (3000, 1)))

    found, scores = index.search(unit(1, 4)[0], 5)

    assert found.tolist() == [0, 1, 2, 3, 4]
    assert len(set(scores.tolist())) == 1


def test_search_for_nothing_returns_the_smallest_ids(engine):
    index = engine.empty(4).build(np.array([5, 3, 4]), unit(3, 4))

    assert index.search(np.zeros(4), 2)[0].tolist() == [3, 4]


def test_search_fills_up_where_fewer_are_allowed(engine):
    index = engine.empty(4).build(np.array([5, 3]), unit(2, 4))

    ids, scores = index.search(unit(1, 4)[0], 4, np.array([True, False]))

    assert ids.tolist() == [5, -1, -1, -1]
    assert scores[1:].tolist() == [-np.inf] * 3


def test_search_in_an_empty_index_finds_nothing(engine):
    assert engine.empty(4).search(unit(1, 4)[0], 2)[0].tolist() == [-1, -1]


changes = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 12), max_size=4), st.integers(0, 99)), max_size=15)


@settings(deadline=None)
@given(changes, st.booleans())
def test_changes_end_where_a_build_begins(changes, merge):
    check_changes(Memory(), changes, merge=merge)


@needs_milvus
def test_changes_end_where_a_build_begins_in_milvus(milvus):
    random = np.random.default_rng(7)
    for number in range(3):
        changed = [
            (bool(random.random() < 0.6), random.integers(0, 12, random.integers(0, 5)).tolist(), number)
            for _ in range(12)
        ]
        check_changes(milvus, changed, merge=number == 0)


def check_changes(engine, changes, *, merge):
    vectors, held = unit(100, 8), {}
    index = engine.empty(8).build(np.arange(5), vectors[:5])
    held.update(enumerate(vectors[:5]))
    for is_added, ids, start in changes:
        if is_added:
            rows = vectors[(start + np.arange(len(ids))) % 100].reshape(len(ids), 8)
            index.add(ids, rows)
            held.update(zip(ids, rows, strict=True))
        else:
            index.remove(ids)
            for item in ids:
                held.pop(item, None)
    if merge:
        index.merge()

    found, _ = index.search(vectors[7], 20)

    stack = np.array(list(held.values())).reshape(len(held), 8)
    assert found[found >= 0].tolist() == brute_force(list(held), stack, vectors[7], 20)
    assert len(index) == len(held)
    for item, vector in held.items():
        assert index.reconstruct(item) == pytest.approx(vector, abs=1e-3)


def test_scores_are_those_of_the_search_and_unknown_ids_have_none(engine):
    vectors = unit(50, 8)
    index = engine.empty(8).build(np.arange(40), vectors[:40])
    index.add(np.arange(40, 50), vectors[40:])

    ids, scores = index.search(vectors[3], 50)

    assert index.scores(vectors[3], ids).tolist() == scores.tolist()
    assert np.isnan(index.scores(vectors[3], [99])).all()


def test_reconstruct_refuses_an_unknown_id(engine):
    with pytest.raises(KeyError):
        engine.empty(8).reconstruct(1)


@pytest.mark.parametrize("vectors", [np.zeros((2, 3)), np.full((2, 4), np.nan)])
def test_build_refuses_vectors_it_cannot_search(engine, vectors):
    with pytest.raises(ValueError, match=r"needed|not a number"):
        engine.empty(4).build([1, 2], vectors)


def test_add_merges_by_itself_when_much_was_added(engine, monkeypatch):
    monkeypatch.setattr(vector_index, "SMALLEST_MERGE", 5)
    vectors = unit(40, 8)
    index = engine.empty(8)

    for item, vector in enumerate(vectors):
        index.add([item], vector[None])

    assert index.search(vectors[0], 40)[0].tolist() == brute_force(np.arange(40), vectors, vectors[0], 40)


def test_load_gives_back_what_was_saved(engine, tmp_path):
    vectors = unit(30, 8)
    index = engine.empty(8).build(np.arange(20), vectors[:20])
    index.add(np.arange(15, 30), vectors[15:])
    index.remove([3])

    index.save(tmp_path / "vectors")
    loaded = engine.load(tmp_path / "vectors", index)

    assert [part.tolist() for part in loaded.search(vectors[0], 30)] == [
        part.tolist() for part in index.search(vectors[0], 30)
    ]
    assert loaded.ids.tolist() == index.ids.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["vectors"]


def test_search_sees_whole_states_while_others_write(engine, monkeypatch):
    monkeypatch.setattr(vector_index, "SMALLEST_MERGE", 20)
    vectors = unit(400, 8)
    index = engine.empty(8).build(np.arange(100), vectors[:100])

    def write():
        for item in range(100, 400):
            index.add([item], vectors[item][None])

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(100):
        found, _ = index.search(vectors[5], 400)
        seen = found[found >= 0]
        # Each write adds the next id: whatever was seen is complete up to some id.
        assert sorted(seen.tolist()) == list(range(len(seen)))
    writer.join()

    assert (index.search(vectors[5], 400)[0] >= 0).all()


@pytest.fixture
def wide(monkeypatch):
    """Twelve thousand vectors around sixty centres, in an index that divides what is more than two thousand."""
    monkeypatch.setattr(vector_index, "EXACT_UP_TO", 2000)
    centres = unit(60)
    vectors = centres[np.arange(12_000) % 60] + 0.5 * unit(12_000, seed=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return VectorIndex(16).build(np.arange(12_000), vectors), vectors


def recall(index, vectors, queries, allowed):
    found, _ = index.search(queries, 50, allowed)
    ids = np.flatnonzero(allowed)
    truth = [brute_force(ids, vectors[ids], query, 50) for query in queries]
    return np.mean([len(set(row.tolist()) & set(best)) / len(best) for row, best in zip(found, truth, strict=True)])


@pytest.mark.parametrize("share", [1.0, 0.5, 0.25])
def test_wide_search_finds_the_promised_share(wide, share):
    index, vectors = wide
    allowed = np.random.default_rng(4).random(12_000) < share

    assert index.promised_recall == 0.99
    assert recall(index, vectors, vectors[::97], allowed) >= 0.99


def test_wide_search_finds_the_promised_share_of_what_lies_to_one_side(wide):
    index, vectors = wide
    direction = vectors @ unit(1, seed=5)[0]

    assert recall(index, vectors, vectors[::97], direction < np.quantile(direction, 0.4)) >= 0.99


def test_narrow_search_among_very_many_is_brute_force(wide):
    index, vectors = wide
    allowed = np.random.default_rng(4).random(12_000) < 0.15

    assert recall(index, vectors, vectors[::97], allowed) == 1.0


def test_wide_search_finds_what_was_added_moved_and_loaded(wide, tmp_path):
    index, vectors = wide
    added = unit(300, seed=6)
    index.add(np.arange(20_000, 20_300), added)
    index.remove(np.arange(300, 600))
    order = np.flatnonzero(np.isin(index.ids, np.r_[:300, 600:12_000, 20_000:20_300]))[::-1]

    index.rearranged(order).save(tmp_path / "vectors")
    loaded = VectorIndex.load(tmp_path / "vectors")

    assert loaded.promised_recall == 0.99
    for one in (index, loaded):
        # The nearest of each added vector is itself.
        assert one.search(added, 1)[0].ravel().tolist() == list(range(20_000, 20_300))
        assert not set(range(300, 600)) & set(one.search(vectors[300:310], 50)[0].ravel().tolist())
