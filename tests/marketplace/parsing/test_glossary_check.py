import pytest

from marketplace.parsing.glossary_check import Glossary, faults_of
from marketplace.parsing.terms import SHIPPED, files_of

HEADING = "normal\tzh\ten\tkind\ttrade\tcontext\tnote\n"
GOOD = "ball valve\t球阀\tball valve\tproduct\tpumps_valves\t\t\n"


def faults(folder, text, name="words.tsv"):
    path = folder / name
    path.write_text(text, "utf-8")
    return [str(fault) for fault in faults_of([path])]


def test_shipped_glossaries_have_no_fault():
    assert [str(fault) for fault in faults_of(files_of(SHIPPED))] == []


def test_faults_of_a_sound_file_are_none(tmp_path):
    assert faults(tmp_path, HEADING + "# a remark\n\n" + GOOD) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x valve\t球阀\tx valve\tproduct\tpumps_valves", "“球阀” means “ball valve” in words.tsv line 2 already"),
        ("ball valve\t圆阀\tround valve\tproduct\tpumps_valves", "the normal form “ball valve” stands in words.tsv line 2 already"),
        ("pump\t\tpump\tproduct\tpumps_valves", "zh is empty"),
        ("pump\t水泵\tpump\tthing\tpumps_valves", "unknown kind: thing; known: product, material, process, attribute, service, term"),
        ("pump\t水泵|水泵\tpump\tproduct\tpumps_valves", "“水泵” is written twice"),
        ("pump\t水泵 |泵浦\tpump\tproduct\tpumps_valves", "zh holds a stray space or bar"),
        ("pump\tpump\tpump\tproduct\tpumps_valves", "zh begins with “pump”, not Chinese"),
        ("pump\t水泵\t泵浦\tproduct\tpumps_valves", "en holds Chinese: “泵浦”"),
        ("水泵\t水泵\tpump\tproduct\tpumps_valves", "the normal form “水泵” must be English, of 2 letters at least"),
        ("pump\t水泵\tpump?\tproduct\tpumps_valves", "“pump?” needs words in context beside which it means this"),
        ("pump\t水泵\tpump\tproduct\tpumps_valves\t水", "context is given, but no spelling is marked with ?"),
        ("nylon six\t尼龙6\tnylon six\tmaterial\ttextiles", "“尼龙6” is pa6 of grades.tsv or chemicals.tsv already"),
        ("pump\t水泵\tpump\tproduct\tpumps_valves\t\t\tmore", "8 cells stand under 7 headings"),
    ],
)  # fmt: skip
def test_a_fault_names_its_line_and_reason(tmp_path, row, reason):
    assert f"words.tsv:3: {reason}" in faults(tmp_path, HEADING + GOOD + row + "\n")


def test_a_short_spelling_needs_a_mark(tmp_path):
    row = "modified polyamide\t聚酰胺料\tPX9\tmaterial\tchemicals_plastics\t\t\n"

    assert len(faults(tmp_path, HEADING + row)) == 1
    assert faults(tmp_path, HEADING + row.replace("PX9", "PX9!")) == []
    assert faults(tmp_path, HEADING + row.replace("PX9\t", "PX9?\t").replace("plastics\t\t", "plastics\t塑料\t")) == []


def test_a_file_without_its_columns_is_refused(tmp_path):
    assert faults(tmp_path, "zh\ten\n") == [
        "words.tsv:1: columns are missing: normal, kind, trade (a tab parts two columns)"
    ]
    assert faults(tmp_path, "") == ["words.tsv:0: the file is empty; its first line names the columns"]


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "gbk.tsv").write_bytes((HEADING + GOOD).encode("gbk"))

    assert [fault.en for fault in Glossary().take(tmp_path / "gbk.tsv")] == ["the file is not in UTF-8"]


def test_a_fault_is_said_in_chinese_too(tmp_path):
    (tmp_path / "words.tsv").write_text(HEADING + "pump\t\tpump\tproduct\tpumps_valves\n", "utf-8")

    assert [fault.zh for fault in faults_of([tmp_path / "words.tsv"])] == ["zh 是空的"]
