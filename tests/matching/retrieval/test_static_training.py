import numpy as np
import pytest

from matching.retrieval.sources import JudgedPair
from matching.retrieval.static_training import StaticTrainer, learn_vocabulary
from matching.retrieval.training_material import Material, SamePair

CHINESE = ["球阀", "闸阀", "离心泵", "齿轮泵", "绿茶", "红茶", "印花布", "针织布"]
ENGLISH = ["ball valve", "gate valve", "centrifugal pump", "gear pump", "green tea", "black tea", "print", "knit"]


@pytest.fixture(scope="module")
def material():
    pairs = [SamePair(*texts, meaning=texts[0]) for texts in zip(CHINESE, ENGLISH, strict=True)]
    judged = [JudgedPair("球阀", "ball valve", 1.0), JudgedPair("球阀", "green tea", 0.0)]
    groups = [["球阀", "闸阀"], ["离心泵", "齿轮泵"], ["绿茶", "红茶"]]
    return Material(same={"goods": pairs}, judged={"judged": judged}, groups=groups, sections=[["球阀", "离心泵"]])


def train(material, **options):
    return StaticTrainer(dim=16, passes=25, batch=8, buckets=64, **options).fit(material)


def test_trained_vectors_find_the_translation(material):
    encoder = train(material).encoder()

    best = (encoder.encode(CHINESE) @ encoder.encode(ENGLISH).T).argmax(axis=1)
    assert best.tolist() == list(range(len(CHINESE)))


def test_training_is_the_same_for_the_same_seed(material):
    one, two, other = (train(material, random_state=seed).table_ for seed in (1, 1, 2))

    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_vocabulary_takes_words_of_the_domain_and_what_is_frequent_elsewhere():
    open_texts = [
        SamePair("天气预报", "天气", "open"),
        SamePair("天气好", "天气", "open"),
        SamePair("雨", "天气", "open"),
    ]
    material = Material(same={"goods": [SamePair("钢球阀", "valves", "goods")], "query_title": open_texts})

    vocabulary, weights = learn_vocabulary(material.texts(), material, rarest=3, buckets=2)

    assert set(vocabulary.features) >= {"阀", "球阀", "阀>", "<valve>", "天气"}
    assert not {"预报", "雨", "val", "钢球阀"} & set(vocabulary.features)
    assert len(weights) == len(vocabulary)


def test_vocabulary_starts_rare_features_longer():
    material = Material(same={"goods": [SamePair("球阀", "闸阀", "a"), SamePair("球泵", "钢阀", "b")]})

    vocabulary, weights = learn_vocabulary(material.texts(), material, rarest=1, buckets=0)

    weight = dict(zip(vocabulary.features, weights, strict=True))
    assert weight["阀"] < weight["球"] < weight["泵"]
