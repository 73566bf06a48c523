import json

import pytest

from matching.retrieval.sources import part_of
from matching.retrieval.training_material import SamePair, gather, without_brackets

HEADER = "basic_number\tnice_class\tsimilar_group\tsimilar_group_name_zh\tname_zh\tname_en\n"


@pytest.fixture
def data(tmp_path):
    for folder in ("goods_zh_en", "query_title", "sentence_pairs"):
        (tmp_path / folder).mkdir()
    rows = "".join(f"{n:06}\t{n % 3}\t{n // 2:04}\t组\t货物{n}号(器)\tgoods {n} / thing {n}\n" for n in range(60))
    (tmp_path / "goods_zh_en" / "goods.tsv").write_text(HEADER + rows, encoding="utf-8")
    judged = "".join(json.dumps({"query": f"q{n}", "title": f"t{n}", "label": n % 2}) + "\n" for n in range(40))
    (tmp_path / "query_title" / "judged.json").write_text(judged, encoding="utf-8")
    for name in ("afqmc_train", "lcqmc_dev", "stsb_train"):
        (tmp_path / "sentence_pairs" / f"{name}.txt").write_text("甲\t乙\t5\n丙\t丁\t0\n", encoding="utf-8")
    for shop in ("abt_buy", "amazon_google", "walmart_amazon"):
        (tmp_path / "product_pairs" / shop).mkdir(parents=True)
        (tmp_path / "product_pairs" / shop / "train.txt").write_text("COL t VAL a\tCOL t VAL b\t1\n", encoding="utf-8")
    return tmp_path


def test_gather_takes_the_train_part_of_goods_and_queries_alone(data):
    material = gather(data)

    numbers = {int(pair.meaning.split()[1]) for pair in material.same["goods"]}
    assert numbers == {n for n in range(60) if part_of(f"{n // 2:04}") == "train"}
    assert {pair.left for pair in material.judged["query_title"]} == {
        f"q{n}" for n in range(40) if part_of(f"q{n}") == "train"
    }


def test_gather_pairs_every_spelling_with_and_without_brackets(data):
    pairs = {(pair.left, pair.right) for pair in gather(data).same["goods"]}

    some = next(int(left[2:].split("号")[0]) for left, _ in pairs)
    assert {(f"货物{some}号{end}", f"{word} {some}") for end in ("", "(器)") for word in ("goods", "thing")} <= pairs


def test_gather_groups_substitutes_in_both_languages(data):
    groups = gather(data).groups

    assert all(len(members) == 4 for members in groups)


def test_gather_reads_the_lexicon_by_meaning_and_section(data, tmp_path):
    (tmp_path / "lexicon").mkdir()
    lines = "# valves\n阀;阀门\tvalve\n球阀\tball valve\n"
    (tmp_path / "lexicon" / "trade.tsv").write_text(lines, encoding="utf-8")

    material = gather(data, lexicon=tmp_path / "lexicon")

    assert material.same["lexicon"][:3] == [
        SamePair("阀", "valve", "lexicon 阀"),
        SamePair("阀门", "valve", "lexicon 阀"),
        SamePair("阀", "阀门", "lexicon 阀"),
    ]
    assert material.sections == [["阀", "valve", "球阀", "ball valve"]]


def test_without_brackets_leaves_something():
    assert (without_brackets("(化学品)"), without_brackets("醋酸盐(化学品)")) == ("(化学品)", "醋酸盐")
