import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.parsing.units import (
    UnitsDiffer,
    UnknownUnit,
    canonical_unit,
    convert,
    format_quantity,
    same_dimension,
    spellings,
    unit_name,
    units,
)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("只", "piece"), ("PCS", "piece"), ("台", "piece"), ("套", "set"), ("吨", "t"), ("公斤", "kg"), ("㎡", "m2"), ("平方米", "m2"),
        ("立方米", "m3"), ("升", "L"), ("匹", "bolt"), ("卷", "roll"), ("箱", "carton"), ("袋", "bag"), ("桶", "drum"), ("小时", "hour"),
        ("天", "day"), ("个月", "month"), ("度", "kWh"), ("kwh", "kWh"), ("吨/月", "t/month"), ("t per month", "t/month"), ("㎡·天", "m2·day"),
        ("m2*day", "m2·day"), ("件/天", "piece/day"), ("MPa", "MPa"), ("兆帕", "MPa"), ("英寸", "in"), ("g/㎡", "gsm"), ("gsm", "gsm"),
        ("mPa.s", "mPa·s"), ("℃", "°C"), ("boxes", "box"), ("furlong", None), ("", None), ("元", None),
    ],
)  # fmt: skip
def test_canonical_unit_is_one_token_for_all_spellings(text, unit):
    assert canonical_unit(text) == unit


@pytest.mark.parametrize("unit", list(units()))
def test_units_of_the_table_are_their_own_token_and_dimension(unit):
    assert canonical_unit(unit) == unit
    assert same_dimension(unit, unit)
    assert convert(3, unit, unit) == 3
    assert unit_name(unit, "zh")
    assert unit_name(unit, "en")


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "expected"),
    [
        (20, "t", "kg", 20_000),
        (500, "克", "kg", 0.5),
        (2, "in", "mm", 50.8),
        (1.6, "MPa", "bar", 16),
        (10, "bar", "MPa", 1),
        (1, "dozen", "piece", 12),
        (3, "set", "piece", 3),
        (1, "mu", "m2", 666.666666667),
        (1000, "L", "m3", 1),
        (2, "day", "hour", 48),
        (90, "denier", "dtex", 100),
        (365, "t/day", "t/year", 133316.25),
        (25, "°C", "K", 298.15),
        (5, "斤", "kg", 2.5),
    ],
)
def test_convert_gives_the_amount_in_the_other_unit(value, from_unit, to_unit, expected):
    assert convert(value, from_unit, to_unit) == pytest.approx(expected, rel=1e-9)


def test_convert_names_the_unit_nobody_knows():
    with pytest.raises(UnknownUnit, match="furlong"):
        convert(1, "furlong", "m")


def test_convert_refuses_units_of_different_things():
    with pytest.raises(UnitsDiffer, match="kg cannot be converted to m"):
        convert(1, "kg", "m")


def test_same_dimension_knows_an_unknown_unit_only_by_itself():
    assert same_dimension("stère", "stère")
    assert not same_dimension("stère", "m3")


def test_packages_are_dimensions_of_their_own():
    packages = ["roll", "bolt", "carton", "bag", "drum", "pallet", "bottle", "box", "piece"]

    assert not any(same_dimension(one, other) for one in packages for other in packages if one != other)


@given(
    st.floats(1e-6, 1e9), st.sampled_from([("t", "kg"), ("m2", "mu"), ("hour", "month"), ("MPa", "psi"), ("L", "gal")])
)
def test_convert_comes_back_to_where_it_began(value, pair):
    assert convert(convert(value, *pair), pair[1], pair[0]) == pytest.approx(value, rel=1e-9)


def test_format_quantity_speaks_both_languages():
    assert format_quantity(500, "piece", "zh") == "500 只"
    assert format_quantity(1, "piece", "en") == "1 piece"
    assert format_quantity(12500, "t/month", "en") == "12,500 t/month"
    assert format_quantity(0.25, "set/day", "en") == "0.25 sets/day"


def test_every_spelling_leads_to_a_unit_of_the_table():
    assert set(spellings().values()) <= set(units())
