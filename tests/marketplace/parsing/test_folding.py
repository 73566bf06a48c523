import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.parsing.folding import fold
from marketplace.parsing.phrases import PhraseBook


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ＤＮ５０", "dn50"), ("㎡", "m2"), ("M8×1.25", "m8x1.25"), ("a \t\n b", "a b"), ("PN16，850元", "pn16, 850元"), ("１，２８０", "1,280"),
        ("10～20", "10~20"), ("\u200bDN\ufeff50", "dn50"), ("  球阀  ", "球阀"), ("≧5", "≥5"), ("“2”", '"2"'), ("", ""),
    ],
)  # fmt: skip
def test_fold_gives_one_plain_spelling(text, plain):
    assert fold(text).text == plain


def test_fold_knows_the_way_back():
    folded = fold("　　采购 ㎡ ＤＮ５０")
    start = folded.text.index("dn50")

    first, last = folded.span(start, start + 4)

    assert folded.source[first:last] == "ＤＮ５０"


@given(st.text(max_size=100))
def test_fold_keeps_every_place_inside_the_source(text):
    folded = fold(text)

    assert len(folded.starts) == len(folded.ends) == len(folded.text)
    assert all(0 <= start < end <= len(text) for start, end in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)
    assert "  " not in folded.text
    assert fold(folded.text).text == folded.text


def test_phrase_book_prefers_the_longest_and_whole_words():
    book = PhraseBook({"ball valve": 1, "valve": 2, "球阀": 3, "法兰球阀": 4, "pp": 5})

    assert [hit.value for hit in book.find("ball valves and valve")] == [1, 2]
    assert [hit.value for hit in book.find("法兰球阀球阀")] == [4, 3]
    assert [hit.value for hit in book.find("法兰球阀", overlapping=True)] == [4, 3]
    assert list(book.find("apple ppm")) == []
