"""Every row of the glossaries that anybody may extend."""

from stdnum import casrn

from marketplace.parsing.folding import fold
from marketplace.parsing.glossary import chemicals, grades, materials_book, read_rows
from marketplace.parsing.units import canonical_unit


def test_codes_are_written_once():
    for name, key in (
        ("grades.tsv", "code"),
        ("chemicals.tsv", "cas"),
        ("certificates.tsv", "code"),
        ("units.tsv", "unit"),
    ):
        codes = [row[key] for row in read_rows(name)]
        assert sorted(codes) == sorted(set(codes))


def test_rows_have_names_in_both_languages_and_no_stray_space():
    for name in ("grades.tsv", "chemicals.tsv", "certificates.tsv", "units.tsv"):
        for row in read_rows(name):
            assert row["zh"]
            assert row["en"]
            assert all(cell == cell.strip() for cell in row.values())


def test_cas_numbers_have_their_check_digit():
    assert [row["cas"] for row in read_rows("chemicals.tsv") if not casrn.is_valid(row["cas"])] == []


def test_grades_are_near_grades_that_exist():
    assert {near for entry in grades().values() for near in entry.near} - set(grades()) <= {
        "qt400",
        "q235",
        "q345",
        "q355",
    }


def test_a_spelling_means_one_thing():
    spelled = {}
    for entry in (*grades().values(), *chemicals().values()):
        for synonym in entry.synonyms:
            spelled.setdefault(fold(synonym).text, set()).add(entry.code)

    assert {spelling: codes for spelling, codes in spelled.items() if len(codes) > 1} == {}


def test_a_code_of_one_grade_is_no_synonym_of_another():
    assert [code for code in grades() if materials_book().get(code).entry.code != code] == []


def test_units_are_known_by_each_of_their_spellings():
    unknown = [
        (row["unit"], spelling)
        for row in read_rows("units.tsv")
        for spelling in row["synonyms"].split(";")
        if spelling and canonical_unit(spelling) is None
    ]

    assert unknown == []
