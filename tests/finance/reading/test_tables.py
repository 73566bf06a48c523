import gzip
import io

import openpyxl
import pytest

from finance.reading import tables
from finance.reading.problems import FileRefused
from finance.reading.tables import read_table, unpack


def test_table_reads_gb18030_and_utf_8_with_a_mark_alike():
    rows = [(1, ["日期", "金额"]), (2, ["2026-01-05", "12"])]
    text = "日期,金额\n2026-01-05,12\n"

    assert list(read_table(text.encode("gb18030"))) == rows
    assert list(read_table(text.encode("utf-8-sig"))) == rows
    assert list(read_table(gzip.compress(text.encode()))) == rows


def test_table_reads_a_workbook_as_a_person_sees_it():
    workbook = openpyxl.Workbook()
    workbook.active.append(["发票号码", "金额"])
    workbook.active.append([11459356, 943.4])
    out = io.BytesIO()
    workbook.save(out)

    assert list(read_table(out.getvalue())) == [(1, ["发票号码", "金额"]), (2, ["11459356", "943.4"])]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"\x1f\x8b\x08broken", "not_a_table"),
        (gzip.compress(b"a,b\n1,2\n" * 999)[:-20], "not_a_table"),
        (b"PK\x03\x04 no workbook", "not_a_table"),
        (b"\xd0\xcf\x11\xe0 old excel", "not_a_table"),
        (b"a,b\n\xff\xff\xff\xff\n", "unknown_encoding"),
        (b"a\x00b,c", "not_a_table"),
    ],
)
def test_table_that_is_none_is_refused(content, reason):
    with pytest.raises(FileRefused) as refused:
        list(read_table(content))

    assert refused.value.problem.reason == reason


def test_bomb_is_refused_before_it_is_unpacked_whole(monkeypatch):
    monkeypatch.setattr(tables, "LARGEST_UNPACKED", 1000)

    with pytest.raises(FileRefused):
        unpack(gzip.compress(bytes(10_000)))


def test_table_of_too_many_rows_is_refused(monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 2)

    with pytest.raises(FileRefused) as refused:
        list(read_table(b"a\n1\n2\n3\n"))

    assert refused.value.problem.reason == "too_many_rows"
