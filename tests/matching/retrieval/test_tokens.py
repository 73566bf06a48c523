import pytest

from matching.retrieval.tokens import stem, tokenise


def test_tokens_of_one_size_are_the_same_in_both_languages():
    assert set(tokenise("公称直径50")) & set(tokenise("nominal diameter 50 mm")) == {"dn50"}


def test_tokens_of_a_cas_number_stay_whole():
    assert "cas67-64-1" in tokenise("丙酮 CAS 67-64-1")


@pytest.mark.parametrize("text", ["", "   ", "，。！", "🚀"])
def test_tokens_of_nothing_sayable_are_none(text):
    assert tokenise(text) == []


@pytest.mark.parametrize(
    ("word", "expected"), [("is", "is"), ("bus", "bus"), ("boxes", "boxe"), ("pumps", "pump"), ("class", "class")]
)
def test_stem_takes_only_a_plural_ending(word, expected):
    assert stem(word) == expected


def test_tokens_read_full_width_as_half_width():
    assert tokenise("ＤＮ５０球阀") == tokenise("DN50球阀")
