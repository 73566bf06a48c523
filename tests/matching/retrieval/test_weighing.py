import numpy as np
import pytest

from matching.retrieval import weighing
from matching.retrieval.keyword import KeywordIndex


@pytest.fixture
def market():
    """Two thousand texts of a few rare and many common words, and a question that has both."""
    random = np.random.default_rng(0)
    common = [f"c{number}" for number in range(20)]
    texts = [
        " ".join([*random.choice(common, 12), *(f"r{number}" for number in random.integers(0, 60, 4).tolist())])
        for _ in range(2000)
    ]
    return KeywordIndex().build(np.arange(2000) + 5, texts), " ".join([*common[:4], "r1", "r2", "r3", "r4", "r5"])


def test_weigh_that_leaves_out_the_common_words_finds_the_same_best(market, monkeypatch):
    index, question = market
    allowed = np.random.default_rng(1).random(2000) < 0.5
    everything = index.scores(question)
    expected_ids, expected_scores = index.best(everything, 5, allowed)
    monkeypatch.setattr(weighing, "PRUNED_FROM", 0)

    weighed = index.weigh(question, 5, allowed)

    assert any(stretch.rest for stretch in weighed.stretches)
    ids, scores = weighed.best(5)
    assert ids.tolist() == expected_ids.tolist()
    assert scores == pytest.approx(expected_scores, rel=1e-5)
    slots = np.flatnonzero(allowed)[::-1]
    assert weighed.of(slots) == pytest.approx(everything[slots], rel=1e-5)


def test_weigh_adds_everything_where_the_rest_can_matter(market, monkeypatch):
    index, question = market
    monkeypatch.setattr(weighing, "PRUNED_FROM", 0)

    weighed = index.weigh(question, 1500)

    assert not any(stretch.rest for stretch in weighed.stretches)
    assert weighed.best(1500)[0].tolist() == index.best(index.scores(question), 1500)[0].tolist()


def test_weigh_minds_what_was_added_since(market, monkeypatch):
    index, question = market
    index.add(4, question)
    monkeypatch.setattr(weighing, "PRUNED_FROM", 0)

    assert index.weigh(question, 5).best(1)[0].tolist() == [4]
