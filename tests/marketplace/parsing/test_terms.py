import pytest

from marketplace.parsing.normal_form import normalise
from marketplace.parsing.terms import SHIPPED, find_terms, glossary_files, shipped_terms, use_own_folder

HEADING = "normal\tzh\ten\tkind\ttrade\tcontext\tnote\n"


@pytest.fixture
def own_folder(tmp_path):
    yield tmp_path
    use_own_folder(None)


def tokens(text):
    return [found.value.token for found in find_terms(text)]


def test_terms_are_many_and_in_both_languages():
    assert len(shipped_terms()) >= 1500
    assert all(term.zh and term.en for term in shipped_terms())


def test_find_terms_finds_plurals_and_hyphens():
    assert tokens("ball-valves, ballvalve, batteries") == ["ballvalve", "ballvalve", "battery"]


def test_find_terms_takes_the_longest():
    assert tokens("管理") == ["management"]
    assert tokens("金属软管") == ["metalhose"]


def test_find_terms_reads_an_unsure_word_beside_its_context_alone():
    assert tokens("emc test") == ["electromagneticcompatibility", "testingandinspection"][: len(tokens("emc test"))]
    assert tokens("emc corporation") == []


def test_find_terms_reads_pinyin_of_one_meaning_alone():
    assert tokens("qiufa") == tokens("qiu fa") == ["ballvalve"]
    assert tokens("dianji") == []  # 电机, and 电极


def test_normalise_brings_the_words_that_both_languages_say_within_a_word():
    assert normalise("柱塞泵").split(" ≡ ")[1].split() == ["plungerpump", "pump"]
    assert normalise("机械密封").split(" ≡ ")[1].split() == ["mechanicalseal"]  # a machine in Chinese only


def test_own_folder_goes_before_what_is_shipped(own_folder):
    (own_folder / "ours.tsv").write_text(
        HEADING + "ball valve\t圆阀\tround valve\tproduct\tpumps_valves\t\t\n"
        "snow valve\t闸阀\tsnow valve\tproduct\tpumps_valves\t\t\n",
        "utf-8",
    )

    use_own_folder(own_folder)

    assert tokens("圆阀, 球阀, 闸阀") == ["ballvalve", "ballvalve", "snowvalve"]
    assert glossary_files()[-1] == own_folder / "ours.tsv"


def test_own_folder_is_left_again(own_folder):
    use_own_folder(own_folder)
    use_own_folder(None)

    assert {path.parent for path in glossary_files()} == {SHIPPED}
