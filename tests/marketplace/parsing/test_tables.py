import io
import zipfile

import openpyxl
import pytest

from marketplace.parsing import tables
from marketplace.parsing.draft_fields import ProblemError
from marketplace.parsing.import_columns import read_header, read_row
from marketplace.parsing.tables import read_table

ROWS = [["方向", "标题"], ["供应", "球阀，DN50"]]


def xlsx(rows) -> io.BytesIO:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    out = io.BytesIO()
    workbook.save(out)
    return out


def read(content, name="file.csv"):
    file = content if isinstance(content, io.BytesIO) else io.BytesIO(content)
    return list(read_table(file, name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_read_table_takes_csv_in_the_usual_encodings_and_separators(encoding, separator):
    text = "\r\n".join(separator.join(f'"{cell}"' for cell in row) for row in ROWS)

    assert read(text.encode(encoding)) == [(1, ROWS[0]), (2, ROWS[1])]


def test_read_table_counts_rows_as_a_person_does_and_leaves_out_empty_ones():
    content = b'side,text\n\nsupply,"two\nlines"\n,\ndemand,b\n'

    assert [number for number, _ in read(content)] == [1, 3, 5]


def test_read_table_takes_xlsx_with_its_types():
    rows = [["数量", "说明"], [500, "球阀"], [98.5, None]]

    assert read(xlsx(rows), "a.xlsx") == [(1, rows[0]), (2, rows[1]), (3, [98.5])]


def test_read_table_knows_a_workbook_by_its_content_whatever_its_name():
    assert read(xlsx([["side"]]), "listing.csv") == [(1, ["side"])]


def test_read_table_leaves_a_formula_the_text_it_is():
    assert read(xlsx([["text"], ["=1+1"]]), "a.xlsx")[1] == (2, ["=1+1"])


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "a.csv", "empty_file"),
        (b"PK\x03\x04 broken", "a.xlsx", "not_a_table"),
        (b"no workbook", "a.xlsx", "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "not_a_table"),
        (b"a\x00b,c", "a.csv", "not_a_table"),
        (b"\xff\xff\xff\xff", "a.csv", "unknown_encoding"),
    ],
)
def test_read_table_says_why_it_cannot_read(content, name, code):
    with pytest.raises(ProblemError) as refusal:
        read(content, name)

    assert refusal.value.code == code


def test_read_table_refuses_a_zip_bomb_before_unpacking_it(monkeypatch):
    monkeypatch.setattr(tables, "LARGEST_UNPACKED", 1_000_000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "0" * 2_000_000)

    with pytest.raises(ProblemError) as refusal:
        read(bomb, "a.xlsx")

    assert refusal.value.code == "too_large"


def test_read_table_refuses_too_many_rows(monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 3)

    with pytest.raises(ProblemError) as refusal:
        read(b"side\n" + b"supply\n" * 4)

    assert refusal.value.code == "too_many_rows"


def test_read_header_takes_headings_in_both_languages_and_attributes():
    assert read_header(["外部编号", "SIDE", "属性:DN", "attr:PN", "Price min", None]) == [
        "external_id",
        "side",
        "attributes.DN",
        "attributes.PN",
        "price_min",
        None,
    ]


@pytest.mark.parametrize(
    ("headings", "code"),
    [(["side", "colour"], "unknown_column"), (["side", "方向"], "column_given_twice"), ([None], "empty_file")],
)
def test_read_header_names_what_it_does_not_take(headings, code):
    with pytest.raises(ProblemError) as refusal:
        read_header(headings)

    assert refusal.value.code == code


def test_read_row_gathers_attributes_and_leaves_out_empty_cells():
    fields = ["side", "attributes", "attributes.DN", "unit"]

    assert read_row(fields, ["supply", '{"PN": 16, "DN": 1}', 50, ""]) == {
        "side": "supply",
        "attributes": {"PN": 16, "DN": 50},
    }
