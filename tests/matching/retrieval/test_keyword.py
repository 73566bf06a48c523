import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.retrieval import keyword
from matching.retrieval.keyword import KeywordIndex

TEXTS = ["ball valve", "gate valve dn50", "pump", "ball", ""]
words = st.lists(st.sampled_from(["ball", "valve", "gate", "pump", "dn50", "阀门"]), max_size=5).map(" ".join)


class WordIndex(KeywordIndex):
    """Takes each word for a token, however texts are cut elsewhere."""

    cut = staticmethod(str.split)


def test_scores_are_bm25_over_the_highest_there_could_be():
    index = WordIndex(saturation=0.9, length_share=0.4).build(np.arange(3), ["ball valve", "pump", "pump pump"])
    weight = {"ball": math.log1p((3 - 1 + 0.5) / 1.5), "pump": math.log1p((3 - 2 + 0.5) / 2.5)}
    mean = 5 / 3
    norm = [0.9 * (0.6 + 0.4 * length / mean) for length in (2, 1, 2)]

    scores = index.scores("ball pump")

    total = weight["ball"] + weight["pump"]
    expected = [weight["ball"] / (1 + norm[0]), weight["pump"] / (1 + norm[1]), weight["pump"] * 2 / (2 + norm[2])]
    assert scores == pytest.approx(np.array(expected) / total, rel=1e-5)


def test_search_returns_only_texts_that_share_a_word_and_breaks_ties_by_id():
    index = KeywordIndex().build(np.array([9, 4, 7]), ["ball valve", "ball valve", "pump"])

    ids, scores = index.search("ball", 10)

    assert ids.tolist() == [4, 9]
    assert scores[0] == scores[1]


def test_search_obeys_the_filter_and_takes_later_slots_as_not_allowed():
    index = KeywordIndex().build(np.array([1, 2]), ["ball valve", "ball"])
    index.add(3, "ball")

    ids, _ = index.search("ball", 10, np.array([True, False]))

    assert ids.tolist() == [1]


def test_search_for_words_nobody_has_finds_nothing():
    ids, scores = KeywordIndex().build(np.arange(2), ["ball", "pump"]).search("tea", 5)

    assert (ids.tolist(), scores.tolist()) == ([], [])


def test_search_in_an_empty_index_finds_nothing():
    assert KeywordIndex().search("ball", 5)[0].tolist() == []


def test_add_replaces_what_the_id_held():
    index = KeywordIndex().build(np.array([1, 2]), ["ball valve", "pump"])

    index.add(1, "tea")
    index.add(1, "silk")

    assert index.search("ball tea silk", 5)[0].tolist() == [1]
    assert index.search("ball tea", 5)[0].tolist() == []
    assert len(index) == 2


@pytest.mark.parametrize("merge", [False, True])
def test_remove_forgets_old_and_new(merge):
    index = KeywordIndex().build(np.array([1, 2]), ["ball valve", "ball"])
    index.add(3, "ball")

    index.remove(1)
    index.remove(3)
    index.remove(99)
    if merge:
        index.merge()

    assert index.search("ball", 5)[0].tolist() == [2]
    assert len(index) == 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.none() | words), max_size=25), words)
def test_changes_and_a_merge_end_where_a_build_begins(changes, query):
    index, held = KeywordIndex().build(np.arange(3), ["ball", "valve", "gate"]), {0: "ball", 1: "valve", 2: "gate"}
    for item, text in changes:
        if text is None:
            index.remove(item)
            held.pop(item, None)
        else:
            index.add(item, text)
            held[item] = text
    index.merge()

    ids, scores = index.search(query, 10)

    expected_ids, expected_scores = KeywordIndex().build(np.array(list(held)), list(held.values())).search(query, 10)
    assert ids.tolist() == expected_ids.tolist()
    assert scores == pytest.approx(expected_scores)


def test_add_merges_by_itself_when_much_was_added(monkeypatch):
    monkeypatch.setattr(keyword, "SMALLEST_MERGE", 3)
    index = KeywordIndex()

    for item in range(10):
        index.add(item, f"ball {item}")

    assert index.search("ball", 20)[0].tolist() == list(range(10))


def test_load_gives_back_what_was_saved(tmp_path):
    index = KeywordIndex(saturation=1.2).build(np.array([5, 6, 7]), ["ball valve", "球阀 DN50", "pump"])
    index.add(8, "ball pump")
    index.remove(7)

    index.save(tmp_path / "keywords")
    loaded = KeywordIndex.load(tmp_path / "keywords")

    for query in ("ball", "球阀", "pump dn50"):
        assert [part.tolist() for part in loaded.search(query, 9)] == [part.tolist() for part in index.search(query, 9)]
    assert [path.name for path in tmp_path.iterdir()] == ["keywords"]
    loaded.add(7, "pump")
    assert loaded.search("pump", 9)[0].tolist() == [7, 8]


def test_search_goes_on_while_others_add():
    index = KeywordIndex().build(np.arange(500), ["ball valve"] * 500)
    writer = threading.Thread(target=lambda: [index.add(1000 + n, "ball") for n in range(300)])

    writer.start()
    sizes = [len(index.search("ball", 5000)[0]) for _ in range(50)]
    writer.join()

    assert sizes == sorted(sizes)
    assert len(index.search("ball", 5000)[0]) == 800


def test_weigh_scores_what_the_filter_allows_and_nothing_else():
    texts = [f"ball valve dn{number}" for number in range(30_000)]
    index = KeywordIndex().build(np.arange(30_000), texts)
    index.add(30_000, "ball valve")
    allowed = np.zeros(30_001, dtype=bool)
    allowed[[5, 6, 29_000, 30_000]] = True
    everything = index.scores("ball dn5 dn29000")

    weighed = index.weigh("ball dn5 dn29000", 10, allowed)

    assert len(weighed.stretches) == 2
    slots = np.array([5, 29_000, 30_000])
    assert weighed.of(slots).tolist() == everything[slots].tolist()
    assert weighed.best(10)[0].tolist() == index.best(everything, 10, allowed)[0].tolist()


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=12), st.data())
def test_rearranged_finds_the_same_as_what_it_came_from(texts, data):
    index = KeywordIndex().build(np.arange(len(texts) // 2), texts[: len(texts) // 2])
    for item, text in enumerate(texts):
        index.add(item, text)
    slots = len(index.ids) - len(texts) + np.arange(len(texts))

    order = slots[data.draw(st.permutations(range(len(texts))))]
    other = index.rearranged(order)

    assert other.ids.tolist() == index.ids[order].tolist()
    index.merge()
    for query in ("ball", "valve dn50", "阀门 pump"):
        assert other.search(query, 20)[0].tolist() == index.search(query, 20)[0].tolist()
