import pytest

from seeds.phrases import phrase
from seeds.trades import trades
from seeds.wording import price_text, title_en, title_zh, unit_zh


@pytest.mark.parametrize(
    ("key", "rules", "value", "zh", "en"),
    [
        ("DN", {"unit": "mm"}, 50, "DN50", "DN50"),
        ("ip", {}, 67, "IP67", "IP67"),
        ("denier", {"unit": "denier"}, 75, "75D", "75D"),
        ("filaments", {}, 36, "36F", "36F"),
        ("count", {"unit": "s"}, 40, "40支", "40s"),
        ("mesh", {"unit": "mesh"}, 800, "800 目", "800 mesh"),
        ("diameter", {"unit": "mm"}, 20, "φ20 mm", "φ20 mm"),
        ("purity", {"unit": "%"}, 99.5, "99.5%", "99.5%"),
        ("lease", {"unit": "month"}, 12, "12 个月", "12 months"),
    ],
)
def test_phrase_writes_figures_as_the_trade_does(key, rules, value, zh, en):
    said = phrase(key, {"title_zh": "名", "title_en": "Name", **rules}, value, always_titled=False)

    assert (said.tail_zh, said.tail_en) == (zh, en)


def test_phrase_puts_its_title_before_a_bare_number():
    said = phrase("poles", {"title_zh": "极数", "title_en": "Poles"}, 4, always_titled=False)

    assert (said.tail_zh, said.tail_en) == ("极数4", "poles 4")


def test_phrase_has_no_english_for_chinese_words():
    said = phrase("origin", {"title_zh": "产地", "title_en": "Origin"}, "浙江磐安", always_titled=False)

    assert said.detail_zh == "，产地 浙江磐安"
    assert (said.head_en, said.tail_en, said.detail_en) == ("", "", "")


def test_titles_run_sizes_together():
    sheet = trades()["auto_material.aluminium_sheet"]
    phrases = {
        key: phrase(key, sheet.category.attributes[key], value, always_titled=False)
        for key, value in (("material", "al1060"), ("thickness", 0.5), ("width", 140))
    }

    assert title_zh(sheet, phrases) == "1060 纯铝铝板带 0.5×140 mm"
    assert title_en(sheet, phrases) == "Aluminium 1060 aluminium sheet and coil 0.5×140 mm"


def test_machines_and_parts_are_counted_by_their_own_words():
    assert [unit_zh("piece", code) for code in ("pump.gear", "garment.towel", "valve.ball")] == ["台", "件", "只"]


def test_price_text_says_one_price_once():
    assert price_text(5, 5, "USD", "kg") == ("5 美元/公斤", "USD 5 per kg")
