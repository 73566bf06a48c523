"""The readable rules, worked out by hand; and the table, which must say the same of any listings."""

import dataclasses
import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.ranking.facts import ListingFacts
from matching.retrieval.candidate_table import CandidateTable
from matching.retrieval.eligibility import ACCESS_RULES, RULES, places_meet, why_not

TODAY = dt.date(2026, 3, 2)
PROPERTIES = {
    "valve.ball": {
        "DN": {"unit": "mm", "match": "equal", "title_zh": "公称直径", "title_en": "Nominal diameter"},
        "PN": {"match": "at_least"},
        "leak_rate": {"match": "at_most"},
        "temperature": {"match": "overlap"},
        "material": {"match": "equal"},
        "colour": {"match": "soft"},
    },
    "valve.gate": {"DN": {"match": "equal"}, "PN": {"match": "soft"}, "material": {"match": "soft"}},
    "pump": {"DN": {"match": "at_most"}},
    "": {},
}
SUPPLY = ListingFacts(
    id=1,
    organisation=10,
    side="supply",
    text="球阀",
    category="valve.ball",
    family="valve",
    properties=PROPERTIES["valve.ball"],
    unit="piece",
)
DEMAND = dataclasses.replace(SUPPLY, id=2, organisation=20, side="demand")


def refused(supply: dict | None = None, demand: dict | None = None) -> list[str]:
    one, other = dataclasses.replace(SUPPLY, **supply or {}), dataclasses.replace(DEMAND, **demand or {})
    return [refusal.rule for refusal in why_not(one, other, TODAY)]


@pytest.mark.parametrize(
    ("supply", "demand", "rules"),
    [
        ({}, {}, []),
        ({"side": "demand"}, {}, ["side"]),
        ({"kind": "service"}, {}, ["kind"]),
        ({"organisation": 20}, {}, ["organisation"]),
        ({"blocked": frozenset({20})}, {}, ["block"]),
        ({}, {"blocked": frozenset({10})}, ["block"]),
        ({"is_open": False}, {}, ["open"]),
        ({}, {"open_until": dt.date(2026, 3, 1)}, ["open"]),
        ({}, {"open_until": TODAY}, []),
        ({"visibility": "named", "audience": frozenset({20})}, {}, []),
        ({"visibility": "named", "audience": frozenset({30})}, {}, ["visibility"]),
        ({}, {"visibility": "named", "audience": frozenset()}, ["visibility"]),
        ({"visibility": "verified"}, {}, []),
        ({"visibility": "verified"}, {"is_verified": False}, ["visibility"]),
        ({"family": "pump"}, {}, ["family"]),
        ({"family": "", "category": ""}, {}, []),
        ({"unit": "kg"}, {"unit": "t"}, []),
        ({"unit": "kg"}, {}, ["unit"]),
        ({"unit": ""}, {}, []),
        ({"unit": "hour/month"}, {"unit": "hour"}, []),
        ({"unit": "t/month"}, {"unit": "hour"}, ["unit"]),
    ],
)
def test_why_not_refuses_who_may_not_meet(supply, demand, rules):
    assert refused(supply, demand) == rules


@pytest.mark.parametrize(
    ("supply", "demand", "rules"),
    [
        ({"minimum_order": 500.0}, {"quantity": 499.0}, ["minimum_order"]),
        ({"minimum_order": 500.0}, {"quantity": 500.0}, []),
        ({"minimum_order": 500.0}, {}, []),
        ({"unit": "kg", "minimum_order": 300.0}, {"unit": "t", "quantity": 0.3}, []),
        ({"unit": "kg", "minimum_order": 301.0}, {"unit": "t", "quantity": 0.3}, ["minimum_order"]),
        ({"quantity": 10.0}, {"minimum_order": 20.0}, ["minimum_order"]),
        ({"price_min": 101.0}, {"price_max": 100.0}, ["price"]),
        ({"price_min": 100.0}, {"price_max": 100.0}, []),
        ({"price_min": 80.0, "price_max": 90.0}, {"price_min": 100.0, "price_max": 120.0}, []),
        ({"price_max": 101.0}, {"price_max": 100.0}, []),
        ({"price_min": 101.0, "currency": "USD"}, {"price_max": 100.0}, []),
        ({"price_min": 9000.0, "price_unit": "t"}, {"price_max": 9.0, "price_unit": "kg"}, []),
        ({"price_min": 9100.0, "price_unit": "t"}, {"price_max": 9.0, "price_unit": "kg"}, ["price"]),
        ({"price_min": 9100.0, "price_unit": "t"}, {"price_max": 9.0, "price_unit": "piece"}, []),
    ],
)
def test_why_not_compares_quantities_and_prices_in_one_unit(supply, demand, rules):
    assert refused(supply, demand) == rules


def day(number: int) -> dt.date:
    return TODAY + dt.timedelta(days=number)


@pytest.mark.parametrize(
    ("supply", "demand", "rules"),
    [
        ({"lead_days": 30}, {"window_end": day(30)}, []),
        ({"lead_days": 31}, {"window_end": day(30)}, ["window"]),
        ({"window_start": day(10)}, {"window_end": day(9)}, ["window"]),
        ({"window_end": day(9)}, {"window_start": day(10)}, ["window"]),
        ({"window_end": day(-1)}, {}, ["window"]),
        ({}, {"window_end": day(-1)}, ["window"]),
        ({"window_start": day(5), "window_end": day(5)}, {"window_start": day(5), "window_end": day(5)}, []),
        ({}, {"lead_days": 90, "window_end": day(3)}, []),
    ],
)
def test_why_not_asks_for_a_day_that_suits_both(supply, demand, rules):
    assert refused(supply, demand) == rules


@pytest.mark.parametrize(
    ("supply", "demand", "rules"),
    [
        ({"delivery_regions": ("330000",)}, {"region": "331004"}, []),
        ({"delivery_regions": ("331083",)}, {"region": "330000"}, []),
        ({"delivery_regions": ("310000", "320000")}, {"region": "331004"}, ["region"]),
        ({"region": "500000"}, {"region": "331004"}, []),
        ({"kind": "space", "region": "500103"}, {"kind": "space", "region": "331004"}, ["region"]),
        ({"kind": "space", "region": "331083"}, {"kind": "space", "region": "331004"}, []),
        ({"certificates": frozenset({"iso9001"})}, {"required_certificates": frozenset({"iso9001"})}, []),
        ({}, {"required_certificates": frozenset({"iso9001"})}, ["certificates"]),
        ({"attributes": {"DN": 40}}, {"attributes": {"DN": 50}}, ["attribute.DN"]),
        ({"attributes": {"DN": 50.0}}, {"attributes": {"DN": 50}}, []),
        ({"attributes": {"PN": 40}}, {"attributes": {"PN": 16}}, []),
        ({"attributes": {"PN": 10}}, {"attributes": {"PN": 16}}, ["attribute.PN"]),
        (
            {"attributes": {"material": "wcb"}},
            {"attributes": {"material": ["ss304", "ss316l"]}},
            ["attribute.material"],
        ),
        ({"attributes": {"material": "ss304"}}, {"attributes": {"DN": 50}}, []),
        ({"attributes": {"colour": "red"}}, {"attributes": {"colour": "blue"}}, []),
        ({"attributes": {"temperature": [0, 80]}}, {"attributes": {"temperature": {"min": 80, "max": 90}}}, []),
        ({"attributes": {"temperature": [0, 80]}}, {"attributes": {"temperature": 81}}, ["attribute.temperature"]),
    ],
)
def test_why_not_compares_places_certificates_and_attributes(supply, demand, rules):
    assert refused(supply, demand) == rules


def test_why_not_says_what_is_wrong_in_both_languages():
    one = dataclasses.replace(SUPPLY, attributes={"DN": 40})
    other = dataclasses.replace(DEMAND, attributes={"DN": 50})

    (refusal,) = why_not(one, other, TODAY)

    assert (refusal.zh, refusal.en) == ("公称直径：要 50 mm，供 40 mm", "Nominal diameter: 50 mm wanted, 40 mm offered")


def test_places_meet_is_the_same_both_ways():
    assert places_meet(["330000"], ["331083"]) == places_meet(["331083"], ["330000"])


days = st.none() | st.integers(-3, 6).map(day)
amounts = st.none() | st.sampled_from([0.2, 0.3, 1.0, 200.0, 300.0, 300.0000000001, 1000.0])
regions = st.sampled_from(["330000", "331000", "331083", "331004", "500000", "500103"])
certificates = st.frozensets(st.sampled_from(["iso9001", "ce", "api6d"]), max_size=2)
attributes = st.dictionaries(
    st.sampled_from(["DN", "PN", "leak_rate", "temperature", "material", "colour", "strange"]),
    st.sampled_from([50, 50.0, 40, 65.5, "ss304", "SS304", ["ss304", "wcb"], [10, 60], {"min": 45}, True, None]),
    max_size=4,
)


@st.composite
def listings(draw, number: int) -> ListingFacts:
    category = draw(st.sampled_from(sorted(PROPERTIES)))
    return ListingFacts(
        id=number,
        organisation=draw(st.sampled_from([1, 2, 3])),
        side=draw(st.sampled_from(["supply", "demand"])),
        text="",
        kind=draw(st.sampled_from(["product", "product", "product", "space"])),
        category=category,
        family=category.split(".")[0],
        properties=PROPERTIES[category],
        attributes=draw(attributes),
        quantity=draw(amounts),
        unit=draw(st.sampled_from(["", "kg", "t", "piece", "t/month"])),
        minimum_order=draw(amounts),
        price_min=draw(amounts),
        price_max=draw(amounts),
        price_unit=draw(st.sampled_from(["", "kg", "t"])),
        currency=draw(st.sampled_from(["CNY", "CNY", "USD"])),
        region=draw(st.just("") | regions),
        delivery_regions=tuple(draw(st.lists(regions, max_size=2))),
        window_start=draw(days),
        window_end=draw(days),
        lead_days=draw(st.none() | st.integers(0, 5)),
        certificates=draw(certificates),
        required_certificates=draw(certificates),
        is_open=draw(st.sampled_from([True, True, True, False])),
        open_until=draw(days),
        visibility=draw(st.sampled_from(["public", "public", "verified", "named"])),
        audience=draw(st.frozensets(st.sampled_from([1, 2, 3]), max_size=3)),
        is_verified=draw(st.sampled_from([True, True, False])),
    )


@st.composite
def markets(draw) -> list[ListingFacts]:
    return [draw(listings(number)) for number in range(1, draw(st.integers(2, 12)))]


def readable(query: ListingFacts, candidates: list[ListingFacts], rules=None) -> list[int]:
    pairs = [(query, one) if query.side == "supply" else (one, query) for one in candidates]
    return [
        candidate.id
        for candidate, pair in zip(candidates, pairs, strict=True)
        if not why_not(*pair, TODAY, rules=rules)
    ]


def by_table(table: CandidateTable, query: ListingFacts, rules=None) -> list[int]:
    return sorted(table.ids[table.allowed(query, TODAY, rules=rules)].tolist())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(markets(), listings(99), st.frozensets(st.sampled_from([1, 2, 3]), max_size=1))
def test_table_says_the_same_as_the_readable_rules(market, query, blocked):
    query = dataclasses.replace(query, blocked=blocked)
    table = CandidateTable()
    for facts in market:
        table.put(facts)

    assert by_table(table, query) == readable(query, market)
    assert by_table(table, query, ACCESS_RULES) == readable(query, market, ACCESS_RULES)
    for rule in RULES:
        rules = ["side", rule.name]
        assert by_table(table, query, rules) == readable(query, market, rules)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(markets(), listings(99), st.data())
def test_table_says_the_same_after_changes_rearranging_and_saving(tmp_path_factory, market, query, data):
    table = CandidateTable()
    for facts in market:
        table.put(facts)
    changed = data.draw(st.lists(st.sampled_from(market), unique_by=lambda facts: facts.id))
    gone = data.draw(st.sets(st.sampled_from([facts.id for facts in market])))
    now = {facts.id: facts for facts in market}
    for facts in changed:
        now[facts.id] = data.draw(listings(facts.id))
        table.put(now[facts.id])
    for listing_id in gone:
        del now[listing_id]
        table.remove(listing_id)
    expected = readable(query, [now[number] for number in sorted(now)])

    before = by_table(table, query)
    folder = tmp_path_factory.mktemp("table")
    table.rearranged(table.order()).save(folder)
    loaded = CandidateTable.load(folder)

    assert before == by_table(table, query) == by_table(loaded, query) == expected
    # What is loaded goes on changing as what was put.
    for facts in changed:
        loaded.put(facts)
        now[facts.id] = facts
    assert by_table(loaded, query) == readable(query, [now[number] for number in sorted(now)])


def test_table_rearranged_holds_only_what_counts():
    table = CandidateTable()
    for round_ in range(3):
        for number in range(1500):
            table.put(dataclasses.replace(SUPPLY, id=number, attributes={"DN": number + round_}))
    for number in range(0, 1500, 2):
        table.remove(number)

    packed = table.rearranged(table.order())

    assert (len(table), len(packed), table.dead, packed.dead) == (750, 750, 3750, 0)
    for one in (table, packed):
        allowed = one.ids[one.allowed(dataclasses.replace(DEMAND, attributes={"DN": 33}), TODAY)]
        assert allowed.tolist() == [31]
        assert one.allowed(DEMAND, TODAY).sum() == 750


def test_table_in_order_does_not_depend_on_what_came_first():
    market = [
        dataclasses.replace(SUPPLY, id=number, side=side, family=family)
        for number, (side, family) in enumerate([("supply", "b"), ("demand", "a"), ("supply", "a"), ("demand", "b")])
    ]
    tables = CandidateTable(), CandidateTable()
    for one in market:
        tables[0].put(one)
    for one in reversed(market):
        tables[1].put(one)

    ids = [table.rearranged(table.order()).ids.tolist() for table in tables]

    assert ids == [[1, 3, 2, 0], [1, 3, 2, 0]]
