from random import Random

import pytest
from jsonschema import Draft202012Validator

from marketplace.parsing.certificates import certificate_code
from marketplace.parsing.units import canonical_unit
from seeds.trades import catalogue, trades, trades_named


def test_trades_cover_every_leaf_of_the_catalogue():
    leaves = {spec.code for spec in catalogue() if "." in spec.code}

    # Plots of land are offered by parks and cities: seeds/sites.py plants places, the trades of firms know none.
    assert set(trades()) == leaves - {"space.land"}


def test_trades_only_draw_what_their_category_allows():
    for code, trade in trades().items():
        rules = {key: Draft202012Validator(rule) for key, rule in trade.category.attributes.items()}
        for group in trade.groups:
            for option in group:
                for key, value in option.values.items():
                    assert rules[key].is_valid(value), (code, key, value)


def test_trades_draw_all_that_their_category_requires():
    for code, trade in trades().items():
        draw = trade.draw(Random(0))

        assert set(trade.category.schema.get("required", ())) <= set(draw.values), code


def test_trades_name_known_units_and_certificates():
    for code, trade in trades().items():
        assert canonical_unit(trade.price_unit) == trade.price_unit, code
        assert [name for name in trade.certificates if certificate_code(name) != name] == [], code


def test_trades_ranges_are_ordered():
    for code, trade in trades().items():
        for low, high in (trade.quantity, trade.minimum_order, trade.lead_days):
            assert 0 <= low <= high, code


def test_prices_stay_within_reason_of_their_reference():
    # A slip of the pen in a factor would make a price nobody believes.
    for code, trade in trades().items():
        for number in range(60):
            assert 1 / 200 < trade.draw(Random(number)).price / trade.price < 600, code


def test_a_ball_valve_costs_what_the_trade_pays():
    ball = trades()["valve.ball"]
    wanted = {"DN": 50, "PN": 16, "material": "ss304", "connection": "flanged", "drive": "manual"}

    small, usual, large = (ball.pick({**wanted, "DN": size}, Random(0)).price for size in (15, 50, 100))

    assert small < usual < large
    assert 85 <= usual <= 160


def test_pick_refuses_what_no_product_of_the_trade_has():
    with pytest.raises(ValueError, match=r"valve\.ball has nothing like"):
        trades()["valve.ball"].pick({"DN": 51}, Random(0))


def test_trades_named_reads_codes_and_prefixes():
    assert [trade.category.code for trade in trades_named(["tea_farm.", "valve.ball"])] == [
        "tea_farm.fresh_leaf",
        "tea_farm.organic_fertiliser",
        "tea_farm.seedling",
        "valve.ball",
    ]
