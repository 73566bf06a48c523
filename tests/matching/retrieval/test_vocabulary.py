import pytest

from matching.retrieval.vocabulary import learn_tokenizer, piece_features, plain, words


@pytest.fixture(scope="module")
def tokenizer():
    texts = ["不锈钢球阀", "不锈钢闸阀", "球阀", "齿轮泵", "pumps and valves", "the valve"]
    return learn_tokenizer(texts, ["stainless steel ball valve", "不锈钢球阀"], chinese=40, parts=40)


def test_tokens_of_a_domain_word_are_one(tokenizer):
    assert tokenizer.encode("Stainless VALVE").tokens == ["stainless", "valve"]


def test_tokens_mark_the_end_of_a_chinese_run(tokenizer):
    tokens = tokenizer.encode("球阀,球").tokens

    assert "".join(tokens) == "球阀▁球▁"
    assert tokens[1].endswith("阀▁")


def test_tokens_are_cut_where_training_counts_them(tokenizer):
    text = "３０４不锈钢（球阀）ＤＮ５０_a"

    tokens = tokenizer.encode(text).tokens

    assert "".join(word for word in words(text) if word.isalnum() and not word.isascii()) in "".join(tokens)
    assert plain(text) == "304不锈钢 球阀 dn50 a"


def test_features_are_shared_by_pieces_that_share_characters():
    features, count = piece_features(["球阀", "阀", "valve", "valves"])

    assert set(features[0]) & set(features[1]) == {features[1][0]}
    assert len(set(features[2]) & set(features[3])) >= 4
    assert count == 1 + max(feature for piece in features for feature in piece)
