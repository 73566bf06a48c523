import numpy as np
import pytest

from matching.retrieval.encoder import StaticEncoder
from matching.retrieval.sources import JudgedPair
from matching.retrieval.static_training import StaticTrainer, save_model
from matching.retrieval.training_material import Material, SamePair
from matching.retrieval.vocabulary import learn_tokenizer

CHINESE = ["球阀", "闸阀", "离心泵", "齿轮泵", "绿茶", "红茶", "印花布", "针织布"]
ENGLISH = ["ball valve", "gate valve", "centrifugal pump", "gear pump", "green tea", "black tea", "print", "knit"]


@pytest.fixture(scope="module")
def material():
    pairs = [SamePair(*texts, meaning=texts[0]) for texts in zip(CHINESE, ENGLISH, strict=True)]
    judged = [JudgedPair("球阀", "ball valve", 1.0), JudgedPair("球阀", "green tea", 0.0)]
    groups = [["球阀", "闸阀"], ["离心泵", "齿轮泵"], ["绿茶", "红茶"]]
    return Material(same={"goods": pairs}, judged={"judged": judged}, groups=groups, domain=[*CHINESE, *ENGLISH])


@pytest.fixture(scope="module")
def tokenizer(material):
    return learn_tokenizer(material.texts(), material.domain, chinese=60, parts=60)


def train(material, tokenizer, **options):
    return StaticTrainer(dim=16, passes=25, batch=8, **options).fit(material, tokenizer)


def test_trained_vectors_find_the_translation(material, tokenizer, tmp_path):
    trainer = train(material, tokenizer)
    save_model(tmp_path, tokenizer, trainer.vectors_)

    encoder = StaticEncoder.load(tmp_path)

    best = (encoder.encode(CHINESE) @ encoder.encode(ENGLISH).T).argmax(axis=1)
    assert best.tolist() == list(range(len(CHINESE)))


def test_training_is_the_same_for_the_same_seed(material, tokenizer):
    one, two, other = (train(material, tokenizer, random_state=seed).vectors_ for seed in (1, 1, 2))

    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_training_leaves_the_unknown_token_silent(material, tokenizer):
    assert not train(material, tokenizer).vectors_[tokenizer.token_to_id("[UNK]")].any()
