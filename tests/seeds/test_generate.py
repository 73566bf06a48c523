from datetime import date
from itertools import islice

import pytest

from marketplace.parsing.drafts import read_draft
from seeds.firms import make_firms
from seeds.generate import make_listings
from seeds.story import story_listings
from seeds.trades import catalogue, trades

TODAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def firms():
    return make_firms(320)


@pytest.fixture(scope="module")
def listings(firms):
    return list(make_listings(firms, 3000, today=TODAY))


def test_listings_are_the_same_for_the_same_seed_and_others_for_another(firms, listings):
    assert list(islice(make_listings(firms, 3000, today=TODAY), 50)) == listings[:50]
    assert list(make_listings(firms, 50, random_state=1, today=TODAY)) != listings[:50]


def test_listings_are_a_stream(firms):
    endless = make_listings(firms, 10**9, today=TODAY)

    assert len(list(islice(endless, 5))) == 5


def test_listings_are_taken_as_they_are(firms, listings):
    # What posting a listing checks: attributes by schema, units, regions, certificates, ranges.
    for listing in listings:
        draft = read_draft(listing.fields, catalogue=catalogue(), today=TODAY, read_text=False)
        assert draft.problems == {}, listing.fields


def test_listings_come_from_both_sides_and_all_kinds(listings):
    supplies = [listing for listing in listings if listing.fields["side"] == "supply"]

    assert 0.55 < len(supplies) / len(listings) < 0.65
    assert {listing.fields["kind"] for listing in listings} == {"product", "service", "capacity", "space", "data"}
    assert len({listing.fields["category"] for listing in listings}) > 300


def test_listings_are_of_their_firms_trade(firms, listings):
    for listing in listings:
        firm = firms[listing.firm - 1]
        side = firm.sells if listing.fields["side"] == "supply" else firm.buys
        assert listing.fields["category"] in side


def test_listings_have_an_external_id_each(listings):
    assert len({listing.fields["external_id"] for listing in listings}) == len(listings)


def test_listings_say_what_they_are_in_words(listings):
    for listing in listings:
        fields = listing.fields
        category = trades()[fields["category"]].category
        if "title_zh" in fields:
            assert category.name_zh in fields["title_zh"]
            assert "{" not in fields["text_zh"]
        if "title_en" in fields:
            assert category.name_en.lower() in fields["title_en"].lower()
            assert fields["title_en"].isascii() or all(
                char in "×φμ°²³·ΩÅ–−%" for char in fields["title_en"] if ord(char) > 127
            )


def test_listings_of_a_demand_often_ask_for_what_was_offered(listings):
    offered, echoed, demands = {}, 0, 0
    for listing in listings:
        fields = listing.fields
        if fields["side"] == "supply":
            offered.setdefault(fields["category"], []).append(fields["attributes"])
        elif fields["category"] in offered:
            demands += 1
            wanted = fields["attributes"].items()
            echoed += any(
                all(one.get(key, value) == value for key, value in wanted) for one in offered[fields["category"]]
            )

    assert echoed / demands > 0.5


def test_story_has_the_sellers_ball_valves_in_all_sizes(firms):
    seller = next(firm for firm in firms if firm.key == "seller")

    valves = [
        listing.fields
        for listing in story_listings(firms, today=TODAY)
        if listing.firm == seller.number and listing.fields["category"] == "valve.ball"
    ]

    assert [valve["attributes"]["DN"] for valve in valves] == [15, 20, 25, 32, 40, 50, 65, 80, 100]
    assert {valve["attributes"]["material"] for valve in valves} == {"ss304"}
    assert {valve["attributes"]["PN"] for valve in valves} == {16}
    assert all(valve["quantity"] >= 500 and valve["lead_days"] <= 30 for valve in valves)
    assert valves[5]["title_zh"] == "304 不锈钢法兰球阀 DN50 PN16"


def test_story_is_the_same_each_time(firms):
    assert story_listings(firms, today=TODAY) == story_listings(firms, today=TODAY)
