import pytest

from matching.retrieval.grams import grams


@pytest.mark.parametrize("text", ["", "  ", "，！", "🚀"])
def test_grams_of_nothing_sayable_are_none(text):
    assert grams(text) == ([], [])


def test_grams_of_a_code_keep_it_whole_and_give_its_parts():
    assert grams("GB/T12237 67-64-1")[0] == [
        "<gb/t12237>",
        "<gb>",
        "<t>",
        "<12237>",
        "<67-64-1>",
        "<67>",
        "<64>",
        "<1>",
    ]


def test_grams_mark_the_end_of_each_chinese_run():
    assert [gram for gram in grams("醋酸盐(化学品)")[0] if ">" in gram] == ["盐>", "酸盐>", "品>", "学品>"]


def test_grams_of_a_plural_are_those_of_the_word():
    assert grams("Ball-Valves") == grams("ball valve")


def test_grams_read_full_width_as_half_width():
    assert grams("ＤＮ５０球阀") == grams("DN50球阀")


def test_grams_of_an_endless_word_end():
    whole, partial = grams("ab" * 3000)

    assert len(whole[0]) == 42
    assert len(partial) < 20
