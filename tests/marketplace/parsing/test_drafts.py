import datetime as dt
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.parsing.catalogue import Catalogue, CategorySpec
from marketplace.parsing.drafts import FIELD_NAMES, by_language, read_draft, title_of

TODAY = dt.date(2026, 3, 2)
DN = {"type": "number", "unit": "mm", "codes": "dn", "title_zh": "公称直径", "title_en": "Nominal diameter"}
COLOUR = {"type": "string", "enum": ["red", "blue"], "title_zh": "颜色", "title_en": "Colour"}
CATALOGUE = Catalogue(
    [
        CategorySpec("valve", None, "product", "阀门", "Valve", family="valve"),
        CategorySpec(
            "valve.ball", "valve", "product", "球阀", "Ball valve", unit="piece", family="valve",
            schema={"type": "object", "additionalProperties": False, "required": ["DN"], "properties": {"DN": DN, "colour": COLOUR}},
        ),
        CategorySpec("testing", None, "service", "检测", "Testing", unit="sample", family="testing"),
    ]
)  # fmt: skip


def read(options=None, **fields):
    return read_draft(fields, **({"catalogue": CATALOGUE, "today": TODAY} | (options or {})))


def codes(draft) -> dict[str, list[str]]:
    return {name: [problem.code for problem in found] for name, found in draft.problems.items()}


def test_read_draft_takes_fields_as_they_are_said():
    draft = read(
        side="供应", category="球阀", title="法兰球阀", attributes={"DN": "5 cm"}, quantity="1,000", region="玉环"
    )

    assert codes(draft) == {}
    assert draft.values == {
        "side": "supply", "category": "valve.ball", "kind": "product", "title_zh": "法兰球阀", "attributes": {"DN": 50},
        "quantity": 1000, "unit": "piece", "region": "331083",
    }  # fmt: skip
    assert draft.readings == []


def test_read_draft_notes_where_each_reading_stands():
    text = "求购球阀 DN50，500 只"

    draft = read(text=text)

    stands = {reading["field"]: text[reading["start"] : reading["end"]] for reading in draft.readings}
    assert stands["attributes.DN"] == "DN50"
    assert stands["quantity"] == "500 只"
    assert stands["side"] == "求购"
    assert json.loads(json.dumps(draft.readings)) == draft.readings


def test_read_draft_takes_the_unit_out_of_a_quantity():
    draft = read(side="supply", title="x", quantity="2 吨", minimum_order="500 kg")

    # The minimum says its own unit; the quantity was first.
    assert (draft.values["quantity"], draft.values["unit"]) == (2, "t")


def test_read_draft_converts_a_read_quantity_to_the_unit_that_was_said():
    draft = read(side="supply", text="供应球阀 DN50 2 打", unit="piece")

    assert (draft.values["quantity"], draft.values["unit"]) == (24, "piece")


def test_read_draft_drops_a_reading_that_contradicts_what_was_said():
    draft = read(side="supply", text="供应球阀 DN50，起订 500 只", quantity=100)

    assert codes(draft) == {}
    assert draft.values["quantity"] == 100
    assert "minimum_order" not in draft.values
    assert not draft.is_read("minimum_order")


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"quantity": 5, "minimum_order": 6}, {"minimum_order": ["above_quantity"]}),
        ({"price_min": 5, "price_max": 4}, {"price_min": ["above_maximum"]}),
        ({"window_start": "2026-05-02", "window_end": "2026-05-01"}, {"window_start": ["after_end"]}),
        ({"window_end": "2026-03-01"}, {"window_end": ["past"]}),
        ({"expires_at": "2026-03-01"}, {"expires_at": ["past"]}),
        ({"kind": "service"}, {"kind": ["other_kind"]}),
        ({"attributes": {}}, {"attributes.DN": ["required"]}),
        ({"attributes": {"DN": 50, "colour": "pink"}}, {"attributes.colour": ["not_a_choice"]}),
        ({"attributes": {"DN": 50, "weight": 1}}, {"attributes.weight": ["unknown_attribute"]}),
        ({"category": "nothing"}, {"category": ["unknown_category"]}),
        ({"unit": "furlong"}, {"unit": ["unknown_unit"]}),
        ({"certificates": [{"issuer": "SGS"}]}, {"certificates": ["required"]}),
    ],
)
def test_read_draft_says_what_is_wrong(fields, problems):
    said = {"side": "supply", "category": "valve.ball", "title": "球阀", "attributes": {"DN": 50}} | fields

    draft = read({"read_text": False}, **said)

    assert codes(draft) == problems
    assert all(problem.zh and problem.en for found in draft.problems.values() for problem in found)


def test_read_draft_asks_no_attributes_of_who_starts_with_a_sentence():
    draft = read(text="供应球阀，现货")

    assert draft.values["category"] == "valve.ball"
    assert codes(draft) == {}
    assert codes(read({"read_before": {"category"}}, side="supply", category="valve.ball", title="球阀")) == {}


def test_read_draft_lets_a_buyer_and_a_draft_leave_open_what_a_seller_must_state():
    assert codes(read(side="demand", category="valve.ball", title="球阀")) == {}
    assert codes(read({"must_be_complete": False}, category="valve.ball", title="球阀")) == {}


def test_read_draft_needs_a_category_for_attributes():
    assert codes(read({"read_text": False}, side="supply", title="x", attributes={"DN": 50})) == {
        "category": ["required"]
    }


def test_read_draft_needs_a_unit_for_a_quantity():
    assert codes(read({"read_text": False}, side="supply", title="x", quantity=5)) == {"unit": ["required"]}


def test_read_draft_forgives_a_past_that_was_not_changed():
    draft = read({"changed": {"title"}}, side="demand", title="x", window_end="2026-03-01")

    assert codes(draft) == {}


def test_read_draft_stands_in_for_a_place_that_nobody_said():
    at_home = {"region": "331083"}

    assert read(at_home, side="supply", title="x").values["region"] == "331083"
    assert read(at_home, side="supply", title="x", region="杭州").values["region"] == "330100"
    assert "region" not in read(at_home, side="supply", title="x", region=None).values


def test_by_language_puts_texts_where_they_belong():
    assert by_language({"text": "ball valve", "title": "球阀"}) == {"text_en": "ball valve", "title_zh": "球阀"}
    assert by_language({"text": "球阀", "text_zh": "闸阀"}) == {"text": "球阀", "text_zh": "闸阀"}
    assert by_language({"text": None}) == {"text_zh": None, "text_en": None}


def test_title_of_cuts_between_words():
    long = "304 不锈钢法兰球阀，" * 20

    assert title_of("球阀。现货") == "球阀"
    assert title_of("Ball valve DN50, PN1.6 MPa. In stock.") == "Ball valve DN50, PN1.6 MPa"
    assert len(title_of(long)) <= 81
    assert title_of(long).endswith("球阀…")
    assert len(title_of("x" * 500)) <= 81


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.dates() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(FIELD_NAMES) | st.text(max_size=8), ANYTHING, max_size=6))
def test_read_draft_never_breaks(fields):
    draft = read_draft(fields, catalogue=CATALOGUE, today=TODAY)

    json.dumps(draft.readings)
    for name in ("quantity", "price_min"):
        assert isinstance(draft.values.get(name, Decimal()), Decimal)
