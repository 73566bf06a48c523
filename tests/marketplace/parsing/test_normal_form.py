import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.parsing.glossary import chemicals, grades
from marketplace.parsing.normal_form import codes, normalise, spell

SAME = [
    ("dn50", ["DN50", "DN 50", "DN-50", "ＤＮ５０", "公称直径50", "公称通径 50mm", "NPS 2", "口径2寸", "nominal diameter 50 mm", "dn50mm"]),
    ("pn16", ["PN16", "PN 16", "PN1.6", "PN1.6MPa", "PN 1.6 MPa", "公称压力1.6MPa", "nominal pressure 16 bar"]),
    ("pn25", ["PN25", "PN2.5MPa", "PN2.5"]),
    ("pn100", ["PN100", "PN10.0MPa"]),
    ("pn6", ["PN6", "PN0.6", "PN0.6MPa"]),
    ("class150", ["Class 150", "CL150", "150LB", "CLASS150LB", "150磅级"]),
    ("class300", ["300#", "Class300"]),
    ("ss304", ["304不锈钢", "SUS304", "06Cr19Ni10", "0Cr18Ni9", "1.4301", "S30408", "stainless steel 304", "304 stainless steel", "不锈钢304", "AISI 304", "SS304", "304法兰球阀", "304 flanged ball valve", "材质：304"]),
    ("ss316l", ["316L", "SUS316L", "022Cr17Ni12Mo2", "1.4404", "S31603", "316L不锈钢", "stainless steel 316L"]),
    ("ss2205", ["2205双相钢", "S32205", "1.4462", "双相不锈钢2205", "SAF2205", "duplex 2205"]),
    ("wcb", ["WCB", "A216 WCB", "ASTM A216 WCB", "ZG230-450"]),
    ("q235b", ["Q235B", "Q235-B", "S235JR"]),
    ("steel45", ["45#钢", "45号钢", "S45C", "C45", "45# steel", "1045 steel", "45#圆钢"]),
    ("42crmo", ["42CrMo", "SCM440", "42CrMo4", "AISI 4140"]),
    ("al6061-t6", ["6061-T6", "AA6061-T6", "6061 T6", "al6061-t6"]),
    ("al6061", ["6061铝合金", "铝合金6061", "aluminium 6061", "6061 aluminum"]),
    ("ht200", ["HT200", "GG20", "EN-GJL-200"]),
    ("qt450", ["QT450", "QT450-10", "EN-GJS-450-10", "65-45-12"]),
    ("cas67-64-1", ["67-64-1", "CAS 67-64-1", "CAS号：67-64-1", "CAS No. 67-64-1", "丙酮", "acetone", "Acetone"]),
    ("cas1310-73-2", ["烧碱", "氢氧化钠", "caustic soda", "NaOH", "1310-73-2"]),
    ("150gsm", ["150 gsm", "150g/m²", "150g/m2", "150克每平米", "150克/平方米", "克重150g", "150 g/㎡"]),
    ("40s", ["40支坯布", "40S 纱", "40s yarn", "Ne40 yarn"]),
    ("75d/36f", ["75D/36F", "75旦/36F"]),
    ("m8", ["M8", "M8×1.25", "M8x1.25", "M8*1.25"]),
    ("m8x1", ["M8×1", "M8x1", "M8*1.0"]),
    ("npt1/2", ["NPT1/2", "1/2 NPT", '1/2"NPT', "npt 1/2"]),
    ("g1/2", ["G1/2", "G 1/2", "BSP 1/2"]),
    ("hrc58-62", ["HRC58-62", "HRC58~62", "58-62HRC", "HRC 58至62"]),
    ("shorea70", ["邵氏A70", "Shore A 70", "邵氏硬度70A", "邵A70"]),
    ("ip65", ["IP65", "IP 65"]),
    ("99.5%", ["99.5%", "≥99.5%", "> 99.5 %", "不低于99.5%", "99.5 percent"]),
    ("gb/t12237", ["GB/T 12237-2021", "GB/T12237", "GBT12237", "GB-T 12237"]),
    ("api6d", ["API 6D", "API-6D", "api6d"]),
    ("iso9001", ["ISO 9001", "ISO9001:2015", "ISO 9001-2015"]),
    ("asmeb16.34", ["ASME B16.34", "ASME B16.34-2020"]),
    ("pa66-gf30", ["PA66-GF30", "PA66+GF30", "PA66+30%GF", "PA66加30%玻纤", "尼龙66+30%玻纤", "30% glass fibre filled PA66"]),
    ("pp", ["PP", "聚丙烯", "polypropylene", "PP聚丙烯"]),
    ("epdm", ["EPDM", "三元乙丙", "三元乙丙橡胶"]),
    ("ptfe", ["PTFE", "聚四氟乙烯", "Teflon", "铁氟龙"]),
    ("ul94v-0", ["UL94 V-0", "UL94V0", "V-0", "V0级"]),
    ("75kw", ["75kW", "75 千瓦", "75 kw"]),
    ("380v", ["380V", "380伏"]),
    ("100m3/h", ["100m³/h", "100 m3/h", "100立方米/小时", "100方/h"]),
    ("50mm", ["50mm", "50 毫米", "５０ｍｍ"]),
    ("200mesh", ["200目", "200 mesh"]),
    ("lfp", ["磷酸铁锂", "LFP", "LiFePO4", "lithium iron phosphate"]),
]  # fmt: skip


@pytest.mark.parametrize(("token", "text"), [(token, text) for token, texts in SAME for text in texts])
def test_codes_are_alike_however_they_are_spelled(token, text):
    assert codes(text) == [token]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("304只阀门", []),
        ("丙酮酸", []),
        ("四氟乙烷", []),
        ("67-64-2", []),
        ("500 pc", []),
        ("50支", []),
        ("API 500 kg", []),
        ("汽油 95#", []),
        ("M8×50 螺栓", ["m8"]),
        ("DN15-DN100", ["dn15", "dn100"]),
        ("DN15~100", ["dn15", "dn100"]),
        ("2026-12-31", []),
        ("电话 0576-87654321", []),
    ],
)
def test_codes_are_not_seen_where_there_are_none(text, expected):
    assert codes(text) == expected


def test_spell_keeps_words_and_puts_codes_in_their_place():
    assert (
        spell("304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州")
        == "ss304 不锈钢法兰球阀 dn50 pn16, 500 只, 30 天内到台州"
    )
    assert spell("聚丙烯 T30S") == "pp 聚丙烯 t30s"


def test_normalise_puts_the_tokens_of_words_behind_them():
    assert normalise("DN50 止回阀 10 台") == "dn50 止 回 阀 10 台 ≡ checkvalve valve"
    assert normalise("non-return valves DN50, 10 pcs") == "non-return valves dn50, 10 pcs ≡ checkvalve valve"


def test_normalise_adds_nothing_to_a_normal_form():
    assert normalise("铜 箔 ≡ copperfoil") == "铜 箔 ≡ copperfoil"


@pytest.mark.parametrize("entry", [*grades().values(), *chemicals().values()], ids=lambda entry: entry.code)
def test_normalise_reads_every_spelling_of_the_glossaries(entry):
    assert normalise(entry.code) == entry.code
    assert all(entry.code in codes(synonym) for synonym in entry.synonyms)


_WORDS = st.sampled_from(
    [text for _, texts in SAME for text in texts]
    + [
        "球阀",
        "铜箔",
        "500 只",
        "到台州",
        "valve",
        "silk screen printing",
        "GB/T 3098.1",
        "不低于",
        "≡",
        ",",
        "；",
        "<b>",
    ]
)


@settings(max_examples=200)
@given(st.lists(_WORDS, max_size=8).map("，".join))
def test_normalise_changes_nothing_the_second_time(text):
    assert normalise(normalise(text)) == normalise(text)


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_normalise_takes_any_text(text):
    assert isinstance(normalise(text), str)
    assert all(token == token.lower() for token in codes(text))
