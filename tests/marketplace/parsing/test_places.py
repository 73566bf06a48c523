import pytest

from marketplace.parsing.folding import fold
from marketplace.parsing.places import find_place, find_places
from marketplace.parsing.regions import ancestors, areas, centre, distance_km, homonyms, is_within, place_name, regions


def found_in(text):
    return [(place.codes, place.role) for place in find_places(fold(text))]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("台州", "331000"), ("台州市", "331000"), ("浙江台州", "331000"), ("浙江省台州市玉环市", "331083"), ("玉环", "331083"), ("玉环县", "331083"),
        ("岱山", "330921"), ("绍兴柯桥", "330603"), ("柯桥区", "330603"), ("泰州", "321200"), ("重庆", "500000"), ("重庆璧山", "500120"),
        ("Taizhou", "331000"), ("Taizhou, Zhejiang", "331000"), ("Taizhou, Jiangsu", "321200"), ("Yuhuan, Taizhou, Zhejiang", "331083"),
        ("Keqiao, Shaoxing", "330603"), ("Zhejiang Province", "330000"), ("Suzhou", "320500"), ("Hohhot", "150100"), ("Xi'an", "610100"),
        ("xian", "610100"), ("Inner Mongolia", "150000"), ("Hong Kong", "810000"), ("吉林市", "220200"), ("331083", "331083"), ("33", "330000"),
        ("北京市朝阳区", "110105"), ("南京鼓楼区", "320106"), ("Rizhao", "371100"), ("廊坊固安", "131022"),
        ("Atlantis", None), ("", None), ("999999", None), ("鼓楼区", None),
    ],
)  # fmt: skip
def test_find_place_knows_codes_and_names(text, code):
    assert find_place(text) == code


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("30 天内到台州", [(("331000",), "destination")]),
        (
            "送浙江、江苏和上海",
            [(("330000",), "destination"), (("320000",), "destination"), (("310000",), "destination")],
        ),
        ("发往江浙沪", [(("310000", "320000", "330000"), "destination")]),
        ("玉环发货, 台州到货", [(("331083",), "origin"), (("331000",), "destination")]),
        ("产地浙江省台州市玉环市", [(("331083",), "origin")]),
        ("from Keqiao, Shaoxing to Chongqing", [(("330603",), "origin"), (("500000",), "destination")]),
        ("FOB Ningbo", [(("330200",), "origin")]),
        ("CIF Shanghai", [(("310000",), "destination")]),
        ("全国包邮", [((), None)]),
        ("舟山岱山化工", [(("330921",), None)]),
    ],
)
def test_find_places_tells_where_goods_come_from_and_go(text, places):
    assert found_in(text) == places


@pytest.mark.parametrize(
    "text",
    [
        "西湖龙井",
        "普洱茶",
        "大理石台面",
        "哈密瓜",
        "长白山人参",
        "安吉白茶",
        "白银 20吨",
        "和平",
        "资源回收",
        "来宾登记",
        "china bone",
    ],
)
def test_find_places_leaves_words_that_only_look_like_places(text):
    assert found_in(text) == []


def test_find_places_says_when_a_name_is_shared():
    (alone,) = find_places(fold("delivered to Taizhou"))
    (with_province,) = find_places(fold("delivered to Taizhou, Zhejiang"))

    assert (alone.codes, alone.is_ambiguous) == (("331000",), True)
    assert "江苏省泰州市" in alone.zh
    assert (with_province.codes, with_province.is_ambiguous) == (("331000",), False)


def test_place_name_says_what_lies_around():
    assert place_name("331083", "zh") == "浙江省台州市玉环市"
    assert place_name("331083", "en") == "Yuhuan, Taizhou, Zhejiang"


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        ("110000", "310000", 1067),
        ("331083", "331000", 61),
        ("330100", "331000", 218),
        ("440100", "500000", 975),
        ("330921", "330200", 75),
    ],
)
def test_distance_km_is_near_the_map(one, other, kilometres):
    assert distance_km(one, other) == pytest.approx(kilometres, rel=0.05)
    assert distance_km(one, other) == distance_km(other, one)


def test_distance_km_of_a_county_without_a_centre_is_its_citys():
    assert regions()["330127"].centre is None
    assert distance_km("330127", "310000") == distance_km("330100", "310000")
    assert distance_km("331083", "999999") is None


def test_every_region_has_a_centre_in_china_and_a_name():
    for code, region in regions().items():
        latitude, longitude = centre(code)
        assert 3 < latitude < 54
        assert 73 < longitude < 136
        assert region.name_zh
        assert region.name_en
        if region.level < 3:
            assert region.centre is not None


def test_a_citys_centre_lies_near_its_province():
    assert [
        code
        for code, region in regions().items()
        if region.level == 2 and distance_km(code, ancestors(code)[-1]) > 1500
    ] == []


def test_homonyms_and_areas_name_known_regions():
    assert set(homonyms().values()) <= set(regions())
    assert {code for area in areas().values() for code in area.codes} <= set(regions())


def test_is_within_follows_the_code():
    assert is_within("331083", "330000")
    assert is_within("110105", "110000")
    assert not is_within("330000", "331083")
