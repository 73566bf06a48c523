import datetime as dt
from decimal import Decimal

import pytest

from marketplace.parsing import draft_fields as check
from marketplace.parsing.draft_fields import ProblemError


def code_of(action, value) -> str:
    with pytest.raises(ProblemError) as refusal:
        action(value)
    assert refusal.value.zh
    assert refusal.value.en
    return refusal.value.code


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (500, 500),
        ("2,000", 2000),
        ("３万", 30000),
        ("1.5k", 1500),
        (98.5, "98.5"),
        ("0.125", "0.125"),
        (0.1 + 0.2, "0.3"),
    ],
)
def test_decimal_takes_numbers_as_people_write_them(value, number):
    assert check.decimal(places=3)(value) == Decimal(number)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("many", "not_a_number"),
        (float("nan"), "not_a_number"),
        ("Infinity", "not_a_number"),
        (True, "not_a_number"),
        ([1], "not_a_number"),
        (0, "not_positive"),
        (-5, "not_positive"),
        ("0.0001", "too_precise"),
        (1e30, "too_large"),
        ("9" * 400, "too_large"),
    ],
)
def test_decimal_says_what_is_wrong(value, code):
    assert code_of(check.decimal(places=3), value) == code


@pytest.mark.parametrize("value", ["2026-12-31", "2026/12/31", "2026年12月31日", dt.date(2026, 12, 31)])
def test_date_takes_the_usual_ways(value):
    assert check.date(value) == dt.date(2026, 12, 31)


@pytest.mark.parametrize("value", ["2026-02-30", "soon", 20261231])
def test_date_refuses_what_is_none(value):
    assert code_of(check.date, value) == "not_a_date"


def test_moment_takes_a_date_as_the_end_of_that_day_in_shanghai():
    end = dt.datetime(2026, 12, 31, 15, 59, 59, tzinfo=dt.UTC)

    assert check.moment("2026-12-31") == end
    assert check.moment(dt.date(2026, 12, 31)) == end
    assert check.moment("2026-12-31T23:59:59+08:00") == end
    assert check.moment("2026-12-31 23:59:59") == end
    assert code_of(check.moment, "soon") == "not_a_moment"


def test_one_of_takes_both_languages():
    assert check.one_of(check.SIDES)("求购") == "demand"
    assert check.one_of(check.SIDES)(" Supply ") == "supply"
    assert code_of(check.one_of(check.SIDES), "barter") == "not_a_choice"
    assert code_of(check.one_of(check.SIDES), 7) == "not_a_choice"


def test_several_takes_lists_and_separated_texts():
    assert check.several("ISO 9001；CE、 SGS") == ["ISO 9001", "CE", "SGS"]
    assert check.several(["a"]) == ["a"]
    assert code_of(check.several, 5) == "not_a_list"


def test_mapping_takes_json():
    assert check.mapping('{"DN": 50}') == {"DN": 50}
    assert code_of(check.mapping, "{DN}") == "not_json"
    assert code_of(check.mapping, "[1]") == "not_an_object"


def test_currency_takes_codes_and_words():
    assert [check.currency(word) for word in ("cny", "元", "RMB", "US$")] == ["CNY", "CNY", "CNY", "USD"]
    assert code_of(check.currency, "XXX") == "unknown_currency"


def test_text_has_a_limit_and_takes_numbers():
    assert check.text(5)(" abc ") == "abc"
    assert check.text(20)(20260315001) == "20260315001"
    assert code_of(check.text(5), "abcdef") == "too_long"
    assert code_of(check.text(5), ["a"]) == "not_text"


def test_storable_leaves_out_what_no_database_keeps():
    assert check.storable({"a\x00": ["\ud800b", 5]}) == {"a": ["?b", 5]}


def test_whole_takes_whole_numbers_only():
    assert check.whole(largest=10)("7") == 7
    assert code_of(check.whole(largest=10), 7.5) == "not_a_whole_number"
    assert code_of(check.whole(largest=10), 11) == "not_a_whole_number"
