import pytest

from marketplace.parsing.schema import validate_attributes

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["DN", "material"],
    "properties": {
        "DN": {"type": "number", "unit": "mm", "codes": "dn", "title_zh": "公称直径", "title_en": "Nominal diameter", "exclusiveMinimum": 0, "maximum": 1200},
        "PN": {"type": "number", "unit": "bar", "codes": "pn", "title_zh": "公称压力", "title_en": "Nominal pressure"},
        "material": {
            "type": "string", "title_zh": "材质", "title_en": "Material", "enum": ["ss304", "wcb"],
            "labels": {"ss304": {"zh": "304 不锈钢", "en": "Stainless steel 304"}, "wcb": {"zh": "WCB 铸钢", "en": "WCB", "aliases": ["铸钢"]}},
        },
        "length": {"type": "number", "unit": "mm", "title_zh": "长度", "title_en": "Length"},
        "cycles": {"type": "integer", "title_zh": "循环", "title_en": "Cycles", "minimum": 1},
        "sterile": {"type": "boolean", "title_zh": "无菌", "title_en": "Sterile"},
        "brand": {"type": "string", "title_zh": "品牌", "title_en": "Brand", "maxLength": 10},
        "ports": {"type": "array", "items": {"type": "number", "unit": "mm"}, "title_zh": "接口", "title_en": "Ports"},
    },
}  # fmt: skip
GOOD = {"DN": 50, "material": "ss304"}


@pytest.mark.parametrize(
    ("key", "given", "kept"),
    [
        ("DN", 50, 50), ("DN", "50", 50), ("DN", "50 mm", 50), ("DN", "DN50", 50), ("DN", "2寸", 50), ("DN", '2"', 50), ("DN", "NPS 2", 50), ("DN", "1-1/2 in", 40),
        ("DN", {"value": 5, "unit": "cm"}, 50), ("DN", "５０", 50), ("length", "2寸", 50.8), ("length", {"value": 2, "unit": "in"}, 50.8), ("length", "1.5 m", 1500),
        ("length", "1,500", 1500), ("PN", "PN16", 16), ("PN", "1.6 MPa", 16), ("PN", "PN1.6", 16), ("PN", {"value": 1.6, "unit": "MPa"}, 16), ("PN", "16公斤", 16),
        ("material", "SUS304", "ss304"), ("material", "06Cr19Ni10", "ss304"), ("material", "304 不锈钢", "ss304"), ("material", "304不锈钢", "ss304"), ("material", "CF8", "ss304"),
        ("material", "stainless steel 304", "ss304"), ("material", "铸钢", "wcb"), ("material", "ASTM A216 WCB", "wcb"),
        ("cycles", "6000", 6000), ("sterile", "是", True), ("sterile", "no", False), ("brand", 3, "3"), ("ports", "50 mm, 2 cm", [50, 20]),
    ],
)  # fmt: skip
def test_validate_attributes_converts_what_people_write(key, given, kept):
    clean, errors = validate_attributes(SCHEMA, GOOD | {key: given})

    assert errors == {}
    assert clean == GOOD | {key: kept}


@pytest.mark.parametrize(
    ("key", "given", "code"),
    [
        ("DN", "fifty", "not_a_number"), ("DN", "50 kg", "wrong_unit"), ("DN", "50 furlong", "unknown_unit"), ("DN", -1, "too_small"), ("DN", 5000, "too_large"),
        ("DN", True, "not_a_number"), ("DN", float("nan"), "not_a_number"), ("material", "gold", "not_a_choice"), ("cycles", 1.5, "wrong_type"),
        ("cycles", 0, "too_small"), ("sterile", "maybe", "not_yes_or_no"), ("brand", "x" * 11, "too_long"), ("brand", ["a"], "not_text"),
        ("cycles", "5 kg", "no_unit"), ("colour", "red", "unknown_attribute"),
    ],
)  # fmt: skip
def test_validate_attributes_names_the_attribute_that_is_wrong(key, given, code):
    clean, errors = validate_attributes(SCHEMA, GOOD | {key: given})

    assert {name: [problem[0] for problem in problems] for name, problems in errors.items()} == {key: [code]}
    assert key not in clean
    assert all(zh and en for problems in errors.values() for _, zh, en in problems)


def test_validate_attributes_asks_for_what_is_required():
    clean, errors = validate_attributes(SCHEMA, {"DN": "", "brand": None})

    assert clean == {}
    assert errors == {
        "DN": [("required", "请填写公称直径。", "Nominal diameter is required.")],
        "material": [("required", "请填写材质。", "Material is required.")],
    }


def test_validate_attributes_tells_the_choices_in_both_languages():
    _, errors = validate_attributes(SCHEMA, {"DN": 50, "material": "gold"})

    assert errors["material"] == [
        ("not_a_choice", "只能是：304 不锈钢、WCB 铸钢。", "Must be one of: Stainless steel 304, WCB.")
    ]


def test_validate_attributes_takes_a_key_in_any_case():
    assert validate_attributes(SCHEMA, {"dn": 50, "Material": "wcb"}) == ({"DN": 50, "material": "wcb"}, {})


def test_validate_attributes_without_a_schema_keeps_everything():
    assert validate_attributes({}, {"a": 1}) == ({"a": 1}, {})
