from decimal import Decimal

import pytest
from django.template import Context, Template
from django.urls import resolve, reverse
from django.utils.translation import override

from marketplace.templatetags.deals import specified
from marketplace.templatetags.market import (
    amount,
    attribute_rows,
    attribute_value,
    certificate_name,
    in_my_language,
    industry,
    plain_number,
    price,
    reasons,
    region,
    unit_symbol,
)
from tests.factories import CategoryFactory, ListingFactory


@pytest.fixture
def request_for_the_market(rf):
    request = rf.get(reverse("marketplace:listing_list"))
    request.resolver_match = resolve(request.path)
    return request


def test_tab_marks_where_the_reader_is(request_for_the_market):
    template = Template('{% load market %}{% tab "marketplace:listing_list" "A" %}{% tab "marketplace:home" "B" %}')

    html = template.render(Context({"request": request_for_the_market}))

    assert html == '<a href="/listings/" aria-current="page">A</a><a href="/">B</a>'


def test_tab_of_a_page_that_is_not_installed_is_nothing(request_for_the_market):
    template = Template('{% load market %}{% tab "absent:page" "A" %}')

    assert template.render(Context({"request": request_for_the_market})) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1000.000"), "1,000"),
        (Decimal("0.5000"), "0.5"),
        (1_234_567, "1,234,567"),
        (99.9, "99.9"),
        (Decimal(100), "100"),
        (0, "0"),
    ],
)
def test_plain_number_has_separators_and_no_idle_digits(value, text):
    assert plain_number(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (None, None, "Price open"),
        (85, None, "from ¥85 / piece"),
        (None, 120, "up to ¥120 / piece"),
        (85, 120, "¥85 – 120 / piece"),
        (Decimal("85.5000"), Decimal("85.5000"), "¥85.5 / piece"),
        (0, 0, "¥0 / piece"),
    ],
)
def test_price_says_what_is_open(low, high, text):
    listing = ListingFactory.build(
        price_min=low, price_max=high, price_unit="piece", category=None, organisation=None, created_by=None
    )

    with override("en"):
        assert price(listing) == text


@pytest.mark.parametrize(
    ("language", "quantity", "text"), [("en", 1, "1 piece"), ("en", 5, "5 pieces"), ("zh-hans", 5, "5 只")]
)
def test_amount_is_counted_in_the_readers_language(language, quantity, text):
    listing = ListingFactory.build(quantity=quantity, category=None, organisation=None, created_by=None)

    with override(language):
        assert amount(listing) == text


def test_amount_of_an_open_quantity_is_empty():
    assert amount(ListingFactory.build(quantity=None, category=None, organisation=None, created_by=None)) == ""


def test_attribute_rows_stand_in_the_order_of_the_schema_with_labels():
    listing = ListingFactory.build(
        category=CategoryFactory.build(),
        attributes={"colour": "red", "material": "ss304", "DN": 50},
        organisation=None,
        created_by=None,
    )

    with override("zh-hans"):
        assert [(row["label"], row["value"]) for row in attribute_rows(listing)] == [
            ("公称直径", "50 mm"),
            ("材质", "304 不锈钢"),
            ("colour", "red"),
        ]


@pytest.mark.parametrize(
    ("value", "rules", "text"),
    [
        (30, {"unit": "day"}, "30 days"),
        (1, {"unit": "day"}, "1 day"),
        (0.37, {"unit": "kW"}, "0.37 kW"),
        ({"min": 1, "max": 2}, {"unit": "mm"}, "1 – 2 mm"),
        (["a", "b"], {"labels": {"a": {"zh": "甲", "en": "A"}}}, "A, b"),
        ("free text", {}, "free text"),
    ],
)
def test_attribute_value_reads_well(value, rules, text):
    with override("en"):
        assert attribute_value(value, rules) == text


def test_unit_symbol_is_a_sign_in_every_language_and_a_word_in_the_readers():
    with override("zh-hans"):
        assert [unit_symbol("mm"), unit_symbol("day"), unit_symbol("piece")] == ["mm", "天", "只"]


def test_names_of_codes_are_in_the_readers_language():
    with override("en"):
        assert region("331083") == "Yuhuan, Taizhou, Zhejiang"
        assert certificate_name("iso9001") == "ISO 9001 quality management"
        assert certificate_name("house rules") == "house rules"
    assert industry("3443") == "3443 阀门和旋塞制造"


def test_in_my_language_takes_the_text_there_is():
    with override("en"):
        assert in_my_language({"zh": "甲", "en": ""}) == "甲"


REASONS = [
    {"feature": "base", "points": 50, "zh": "起评分", "en": "Start"},
    {"feature": "price", "points": -2.04, "zh": "价高", "en": "Too dear"},
    {"feature": "dn", "points": 8, "zh": "口径相同", "en": "Same size"},
]


def test_reasons_are_drawn_longest_first_and_the_base_last_without_a_bar():
    with override("en"):
        bars = reasons(REASONS)["bars"]

    assert [(bar["text"], bar["width"], bar["points"], bar["is_against"]) for bar in bars] == [
        ("Same size", 100, "+8.0", False),
        ("Too dear", 25, "-2.0", True),
        ("Start", 0, "+50.0", False),
    ]
    assert [bar["is_base"] for bar in bars] == [False, False, True]


def test_reasons_are_escaped():
    page = Template("{% load market %}{% reasons parts %}").render(
        Context({"parts": [{"feature": "x", "points": 1, "zh": "<b>", "en": "<b>"}]})
    )

    assert "<b>" not in page


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ({"value": 16, "unit": "bar", "min": 16}, "≥ 16 bar"),
        ({"value": 18, "unit": "bar", "min": 16}, "18 bar ≥ 16 bar"),
        ({"unit": "mm", "max": 52}, "≤ 52 mm"),
        ({"unit": "mm", "min": 48, "max": 52}, "48 – 52 mm"),
        ({"value": 50, "unit": "mm", "tolerance": 0.5}, "50 mm ± 0.5"),
    ],
)
def test_specified_says_limits_by_their_sign_and_nothing_twice(rule, shown):
    rows = specified({"attributes": {"PN": rule}})

    assert [row["value"] for row in rows] == [shown]
