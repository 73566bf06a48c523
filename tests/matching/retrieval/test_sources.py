import json

import pytest

from matching.retrieval.preparation import prepare
from matching.retrieval.sources import (
    DEV_SHARE,
    SourceMissing,
    SourceUnreadable,
    part_of,
    read_goods,
    read_query_titles,
    read_sentence_pairs,
)

HEADER = "basic_number\tnice_class\tsimilar_group\tsimilar_group_name_zh\tname_zh\tname_en\n"


def test_part_of_gives_each_part_its_share():
    parts = [part_of(str(number)) for number in range(5000)]

    assert parts.count("test") / 5000 == pytest.approx(0.2, abs=0.02)
    assert parts.count("dev") / 5000 == pytest.approx(DEV_SHARE, abs=0.02)


def test_part_of_depends_on_the_seed():
    assert len({part_of("0102", seed=seed) for seed in range(40)}) > 1


def test_read_goods_keeps_names_of_one_number_apart(tmp_path):
    (tmp_path / "goods_zh_en").mkdir()
    rows = "010007\t1\t0102\t化工原料\t醋酸盐\tacetates*\n010007\t1\t0102\t化工原料\t乙酸盐\t\n"
    (tmp_path / "goods_zh_en" / "goods.tsv").write_text(HEADER + rows, encoding="utf-8")

    goods = read_goods(tmp_path)

    assert [(item.key, item.name_en) for item in goods] == [("010007.1", "acetates"), ("010007.2", "")]


def test_read_goods_names_a_short_line(tmp_path):
    (tmp_path / "goods_zh_en").mkdir()
    (tmp_path / "goods_zh_en" / "goods.tsv").write_text(HEADER + "010007\t1\n", encoding="utf-8")

    with pytest.raises(SourceUnreadable, match="line 2"):
        read_goods(tmp_path)


def test_read_names_the_file_that_is_missing(tmp_path):
    with pytest.raises(SourceMissing, match=r"goods_zh_en/goods\.tsv"):
        read_goods(tmp_path)


def test_read_query_titles_names_a_line_without_label(tmp_path):
    (tmp_path / "query_title").mkdir()
    (tmp_path / "query_title" / "judged.json").write_text(json.dumps({"query": "a", "title": "b"}), encoding="utf-8")

    with pytest.raises(SourceUnreadable, match="line 1"):
        read_query_titles(tmp_path)


def test_read_sentence_pairs_names_a_line_without_number(tmp_path):
    (tmp_path / "sentence_pairs").mkdir()
    (tmp_path / "sentence_pairs" / "x.txt").write_text("a\tb\t1\na\tb\tgood\n", encoding="utf-8")

    with pytest.raises(SourceUnreadable, match="line 2"):
        read_sentence_pairs(tmp_path, "x")


def test_prepare_puts_a_group_on_one_side_and_a_translation_under_another_id(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    for folder in ("goods_zh_en", "query_title", "sentence_pairs"):
        (source / folder).mkdir(parents=True)
    rows = "".join(
        f"{group:02}{n:04}\t1\t{group:04}\t组\t货物{group}{n}\tgoods {group} {n}\n"
        for group in range(40)
        for n in range(2)
    )
    (source / "goods_zh_en" / "goods.tsv").write_text(HEADER + rows, encoding="utf-8")
    (source / "query_title" / "judged.json").write_text(
        "".join(json.dumps({"query": f"q{n}", "title": "t", "label": n % 2}) + "\n" for n in range(40)),
        encoding="utf-8",
    )
    for name in ("afqmc_train", "lcqmc_dev", "stsb_train", "stsb_dev"):
        (source / "sentence_pairs" / f"{name}.txt").write_text("a\tb\t5\nc\td\t0\n", encoding="utf-8")
    for shop in ("abt_buy", "amazon_google", "walmart_amazon"):
        (source / "product_pairs" / shop).mkdir(parents=True)
        for name in ("train", "valid"):
            (source / "product_pairs" / shop / f"{name}.txt").write_text(
                "COL t VAL a\tCOL t VAL b\t1\n", encoding="utf-8"
            )

    list(prepare(source, out, seed=1))

    groups = {
        part: {line[:2] for line in (out / "goods_zh" / "qrels" / f"{part}.tsv").read_text().splitlines()[1:]}
        for part in ("train", "dev", "test")
    }
    assert groups["test"]
    assert sum(len(group) for group in groups.values()) == 40
    line = (out / "goods_zh_en" / "qrels" / "test.tsv").read_text().splitlines()[1]
    assert [part[:3] for part in line.split("\t")] == ["zh-", "en-", "1"]
