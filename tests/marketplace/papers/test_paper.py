import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.papers import Paper
from marketplace.papers.text import NOT_FIRST, lines_of, printable, width

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


def pages(pdf: bytes) -> int:
    return int(re.search(rb"/Count (\d+)", pdf)[1])


def whole(language="zh") -> Paper:
    return (
        Paper("购销合同", language, number="O-2026-000001")
        .facts([("买方", "玉环泵业有限公司"), ("备注", ""), ("数量", 0)])
        .heading("一、标的")
        .table(["品名", "数量", "单价"], [["304 不锈钢法兰球阀", Decimal("500.000"), "¥98.50"]])
        .paragraph("本合同一式两份。")
        .note("注")
        .qr("https://example.com/t/1", "扫码追溯")
        .signatures(["买方", ("卖方", "张三 2026-03-02"), "园区"])
    )


def test_paper_is_the_same_to_the_byte_for_the_same_pieces():
    assert whole().pdf() == whole().pdf()
    assert bytes(whole()) == whole().pdf()
    assert whole("en").pdf() != whole("zh").pdf()
    assert whole().paragraph("另").pdf() != whole().pdf()


def test_paper_carries_its_font():
    pdf = whole().pdf()

    assert pdf.startswith(b"%PDF-")
    assert b"/FontFile2" in pdf
    assert b"WenQuanYi" in pdf


def test_paper_may_be_built_twice_from_one_object():
    paper = whole()

    assert paper.pdf() == paper.pdf()
    assert pages(paper.pdf()) == 1


def test_paper_numbers_its_pages():
    pdf = Paper("清单", "en").table(["No.", "Text"], [[row, "球阀"] for row in range(120)]).pdf()

    assert pages(pdf) > 2


@pytest.mark.parametrize(
    "cells",
    [["长" * 6000, "x"], ["x " * 4000, 1], ["W" * 3000, ""], ["𠮷野家 \x00\u202e", None], ["", ""], ["a\n\nb", "\n"]],
)
def test_paper_sets_whatever_stands_in_a_cell(cells):
    paper = Paper("表", "zh").table(["甲", "乙"], [cells]).facts([("甲", cells[0])]).paragraph(str(cells[0]))

    assert paper.pdf().startswith(b"%PDF-")


def test_paper_takes_an_empty_table_and_no_parties():
    assert pages(Paper("空", "zh").table(["甲", "乙"], []).facts([]).signatures([]).pdf()) == 1


@given(ANY_TEXT)
def test_paper_sets_any_text(text):
    assert Paper(text or "x", "zh").paragraph(text).table([text], [[text]]).pdf()


@given(ANY_TEXT, st.integers(min_value=12, max_value=200))
def test_lines_fit_and_lose_nothing_but_spaces(text, room):
    lines = lines_of(text, 10, room)

    assert "".join("".join(lines).split()) == "".join(printable(text).split())
    assert all(width(line, 10) <= room or len(line) == 1 for line in lines)


def test_lines_begin_with_no_punctuation_and_keep_words_whole():
    lines = lines_of("双方（甲、乙）确认：304 不锈钢法兰球阀，公称直径 DN50，数量 500 只。" * 5, 10, 150)

    assert not [line for line in lines if line[0] in NOT_FIRST]
    assert "DN50，" in " ".join(lines)
    assert not [line for line in lines if line.endswith(("DN", "D", "（"))]


def test_lines_keep_the_breaks_of_the_text():
    assert lines_of("甲\n\n乙", 10, 100) == ["甲", "", "乙"]


def test_what_the_font_lacks_is_named_by_its_number():
    assert printable("𠮷\u3000田\u200b") == "[U+20BB7]\u3000田"
    assert printable("繁體㎡℃±“—”") == "繁體㎡℃±“—”"


def test_paper_does_not_embed_the_whole_font():
    streams = re.findall(rb"/Length1 (\d+)", whole().pdf())

    assert max(map(int, streams)) < 100_000
