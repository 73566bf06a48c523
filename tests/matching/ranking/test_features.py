import math
from dataclasses import replace

import numpy as np
import pytest

from matching.ranking import features
from matching.ranking.features import FEATURES, pair_features
from tests.matching.ranking.facts import DEMAND, SUPPLY, TODAY


def row_of(query, candidate):
    rows = pair_features(
        query,
        [candidate],
        keyword=np.array([6.0]),
        embedding=np.array([0.9]),
        fused=np.array([0.8]),
        today=TODAY,
    )
    return dict(zip(FEATURES, rows[0].tolist(), strict=True))


def test_pair_features_of_the_main_story():
    row = row_of(DEMAND, SUPPLY)

    assert row["embedding"] == 0.9
    assert row["category"] == 1.0
    assert row["attributes"] == 1.0
    assert row["attributes_unknown"] == 0.0
    assert row["price"] == pytest.approx(0.1)
    assert row["quantity"] == 2.0
    assert 0 < row["distance"] < 80
    assert row["slack"] == 20.0
    assert row["on_time"] == pytest.approx((0.96 * 95 + 4.5) / 100)
    assert row["deliveries"] == pytest.approx(math.log(96))


def test_pair_features_of_what_is_traded_do_not_depend_on_who_asks():
    asked, offered = row_of(DEMAND, SUPPLY), row_of(SUPPLY, DEMAND)

    commercial = FEATURES[FEATURES.index("category") :]
    assert {name: asked[name] for name in commercial} == {name: offered[name] for name in commercial}


def test_pair_features_are_unknown_where_a_side_does_not_say():
    silent = replace(
        SUPPLY,
        category="",
        attributes={},
        quantity=None,
        price_min=None,
        price_max=None,
        region="",
        lead_days=None,
        on_time_rate=None,
    )

    row = row_of(DEMAND, silent)

    unknown = {name for name, value in row.items() if math.isnan(value)}
    assert unknown == {"category", "price", "quantity", "distance", "slack", "on_time", "deliveries"}
    assert row["attributes"] == 0.0
    assert row["attributes_unknown"] == 1.0


def test_price_room_converts_the_unit_of_the_price():
    supply = replace(SUPPLY, price_min=9000, price_unit="t")
    demand = replace(DEMAND, price_max=10, price_unit="kg")

    assert features.price_room(supply, demand) == pytest.approx(0.1)


def test_price_room_says_nothing_across_currencies():
    assert math.isnan(features.price_room(replace(SUPPLY, currency="USD"), DEMAND))


def test_quantity_cover_converts_units_and_says_nothing_of_unlike_ones():
    demand = replace(DEMAND, quantity=4000, unit="kg")

    assert features.quantity_cover(replace(SUPPLY, quantity=3, unit="t"), demand) == pytest.approx(0.75)
    assert math.isnan(features.quantity_cover(SUPPLY, demand))


def test_slack_days_count_from_the_later_of_today_and_the_window():
    supply = replace(SUPPLY, window_start=TODAY.replace(day=12), lead_days=5)

    assert features.slack_days(supply, DEMAND, TODAY) == 15.0


def test_pair_features_of_no_candidates_is_empty():
    nothing = np.array([])

    rows = pair_features(DEMAND, [], keyword=nothing, embedding=nothing, fused=nothing, today=TODAY)

    assert rows.shape == (0, len(FEATURES))
