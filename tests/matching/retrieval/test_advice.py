"""Advice by hand; and of any listings: what it names, applied, matches."""

import dataclasses
import datetime as dt
import random
from collections import Counter

import pytest

from matching.ranking.facts import ListingFacts
from matching.retrieval.advice import advise
from matching.retrieval.changes import changes_to_match
from matching.retrieval.eligibility import why_not
from tests.matching.retrieval.test_eligibility import DEMAND, SUPPLY, TODAY


def day(number: int) -> dt.date:
    return TODAY + dt.timedelta(days=number)


def changed(own: dict, other: dict, *, side: str = "supply") -> list[tuple]:
    supply, demand = (own, other) if side == "supply" else (other, own)
    pair = {
        "supply": dataclasses.replace(SUPPLY, **supply),
        "demand": dataclasses.replace(DEMAND, **demand),
    }
    changes = changes_to_match(pair.pop(side), *pair.values(), TODAY)
    return changes and [(change.field, change.then) for change in changes]


def test_changes_to_match_bring_a_minimum_down_to_what_is_wanted_in_the_own_unit():
    supply = {"unit": "t", "minimum_order": 25, "quantity": 100}

    assert changed(supply, {"unit": "kg", "quantity": 20_000}) == [("minimum_order", 20.0)]
    assert changed({"unit": "kg", "quantity": 20_000}, supply, side="demand") == [("quantity", 25_000.0)]


def test_changes_to_match_meet_a_price_exactly_and_never_round_past_it():
    supply = {"price_min": 101.0, "price_unit": "t"}
    demand = {"price_max": 0.0993333, "price_unit": "kg"}

    assert changed(supply, demand) == [("price_min", 99.3333)]
    assert changed(demand, supply, side="demand") == [("price_max", 0.101)]


@pytest.mark.parametrize(
    ("own", "other", "side", "expected"),
    [
        ({"lead_days": 30}, {"window_end": day(20)}, "supply", [("lead_days", 20)]),
        ({"window_start": day(9)}, {"window_end": day(5)}, "supply", [("window_start", day(5))]),
        ({"window_end": day(5)}, {"window_start": day(9)}, "supply", [("window_end", day(9))]),
        ({"window_end": day(20)}, {"lead_days": 30}, "demand", [("window_end", day(30))]),
        ({"window_start": day(9)}, {"window_end": day(5)}, "demand", [("window_start", day(5))]),
        (
            {"lead_days": 30, "window_start": day(25)},
            {"window_end": day(20)},
            "supply",
            [("lead_days", 20), ("window_start", day(20))],
        ),
    ],
)
def test_changes_to_match_move_the_end_of_the_window_that_is_in_the_way(own, other, side, expected):
    assert changed(own, other, side=side) == expected


def test_changes_to_match_add_a_place_a_certificate_and_a_variant():
    assert changed({"delivery_regions": ("500000",)}, {"region": "331000"}) == [
        ("delivery_regions", ("500000", "331000"))
    ]
    assert changed({}, {"required_certificates": frozenset({"ce"})}) == [("certificates", frozenset({"ce"}))]
    assert changed({"required_certificates": frozenset({"ce", "ul"})}, {}, side="demand") == [
        ("required_certificates", frozenset())
    ]
    assert changed({"attributes": {"DN": 50}}, {"attributes": {"DN": 65}}) == [("attributes.DN", 65)]


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ({"organisation": 20}, {}),
        ({"family": "pump"}, {}),
        ({"unit": "t"}, {"unit": "piece"}),
        ({"lead_days": 3}, {"window_end": day(-1)}),
    ],
)
def test_changes_to_match_find_no_way_round_what_is_not_the_firms_to_change(own, other):
    assert changed(own, other) is None


def test_changes_to_match_stop_at_two():
    demand = {"quantity": 5, "price_max": 90, "required_certificates": frozenset({"ce"})}

    assert changed({"minimum_order": 10, "price_min": 100}, demand) is None


def test_advice_counts_the_demands_and_their_quantity():
    supply = dataclasses.replace(SUPPLY, unit="t", minimum_order=25, price_min=100, quantity=500)
    demands = [
        dataclasses.replace(DEMAND, id=2, unit="t", quantity=20),
        dataclasses.replace(DEMAND, id=3, unit="t", quantity=22),
        dataclasses.replace(DEMAND, id=4, unit="t", quantity=30, required_certificates=frozenset({"ce"})),
        dataclasses.replace(DEMAND, id=5, unit="t", quantity=40, price_max=98.2),
        dataclasses.replace(DEMAND, id=6, unit="t", quantity=50),
    ]

    found = advise(supply, demands, TODAY)

    told = [(one.changes[0].field, one.changes[0].then, one.counterparts, one.quantity) for one in found]
    assert told == [
        ("minimum_order", 20.0, (2, 3), 42.0),
        ("price_min", 98.2, (5,), 40.0),
        ("minimum_order", 22.0, (3,), 22.0),
        ("certificates", frozenset({"ce"}), (4,), 30.0),
    ]


def test_advice_names_a_pair_of_changes_only_where_one_alone_does_not_do():
    supply = dataclasses.replace(SUPPLY, minimum_order=25, price_min=100)
    both = dataclasses.replace(DEMAND, id=2, quantity=20, price_max=95)
    one = dataclasses.replace(DEMAND, id=3, quantity=20)

    found = advise(supply, [both, one], TODAY)

    assert sorted((sorted(change.field for change in each.changes), each.counterparts) for each in found) == [
        (["minimum_order"], (3,)),
        (["minimum_order", "price_min"], (2, 3)),
    ]


PLACES = ["330000", "331000", "331083", "331004", "500000", "500103"]
VALUES = {"DN": [40, 50, 65], "PN": [10, 16, 25], "leak_rate": [1, 2, [1, 3]], "temperature": [[10, 60], [80, 90], {"min": 45}],
          "material": ["ss304", "ss316", ["ss304", "wcb"]]}  # fmt: skip


def drawn(number: int, draw: random.Random) -> ListingFacts:
    """Return a listing of one family, as whose counterparts miss each other by little."""

    def maybe(value: object, empty: object = None) -> object:
        return value if draw.random() < 0.5 else empty

    return dataclasses.replace(
        SUPPLY,
        id=number,
        organisation=draw.randrange(1, 6),
        side=draw.choice(["supply", "demand"]),
        attributes={name: draw.choice(values) for name, values in VALUES.items() if draw.random() < 0.3},
        quantity=maybe(round(draw.lognormvariate(3, 2), 3)),
        unit=draw.choice(["kg", "t", "t", "t/month", ""]),
        minimum_order=maybe(round(draw.lognormvariate(2, 2), 3)),
        price_min=maybe(round(draw.lognormvariate(3, 0.3), 4)),
        price_max=maybe(round(draw.lognormvariate(3, 0.3), 4)),
        price_unit=draw.choice(["", "kg", "t"]),
        region=maybe(draw.choice(PLACES), ""),
        delivery_regions=maybe((draw.choice(PLACES),), ()),
        window_start=maybe(day(draw.randrange(-3, 40))),
        window_end=maybe(day(draw.randrange(0, 60))),
        lead_days=maybe(draw.randrange(0, 45)),
        certificates=frozenset(draw.sample(["ce", "iso9001", "api6d"], draw.randrange(3))),
        required_certificates=frozenset(draw.sample(["ce", "iso9001", "api6d"], maybe(1, 0))),
    )


def match(own: ListingFacts, other: ListingFacts) -> bool:
    return not why_not(*((own, other) if own.side == "supply" else (other, own)), TODAY)


def test_each_of_a_thousand_suggested_changes_applied_makes_every_match_it_promises():
    draw, told, fields = random.Random(20261123), 0, Counter()

    while told < 1000:
        own, *market = (drawn(number, draw) for number in range(1, 14))
        by_id = {other.id: other for other in market}
        found = advise(own, market, TODAY)
        for advice in found:
            then = advice.apply(own)
            assert advice.counterparts
            assert [pk for pk in advice.counterparts if match(own, by_id[pk]) or not match(then, by_id[pk])] == []
        told += len(found)
        fields.update(change.field.partition(".")[0] for advice in found for change in advice.changes)
        assert advise(own, market[::-1], TODAY) == found

    assert set(fields) == {
        "minimum_order", "quantity", "price_min", "price_max", "window_start", "window_end", "lead_days",
        "delivery_regions", "certificates", "required_certificates", "attributes",
    }  # fmt: skip
