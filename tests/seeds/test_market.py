from collections import Counter
from datetime import date

import pytest

from seeds.firms import make_firms
from seeds.market import CROWDS, NEWCOMERS, SMALL_ORDERS, market_listings, newcomers

TODAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def firms():
    return make_firms(320)


@pytest.fixture(scope="module")
def posted(firms):
    return list(market_listings(firms, random_state=0, today=TODAY))


def test_market_listings_are_the_same_for_one_seed(firms, posted):
    assert list(market_listings(firms, random_state=0, today=TODAY)) == posted


def test_market_listings_fill_both_sides_of_each_crowd(posted):
    sides = Counter((listing.fields["category"], listing.fields["side"]) for listing in posted)
    for crowd in CROWDS:
        assert sides[crowd.code, "supply"] >= crowd.sought
        assert sides[crowd.code, "demand"] >= crowd.buyers


def test_sought_suppliers_have_too_little_for_all_and_everybody_together_has_enough(posted):
    for crowd in CROWDS:
        of_grade = [one.fields for one in posted if _is_of(one, crowd)]
        supplies = sorted((one for one in of_grade if one["side"] == "supply"), key=lambda one: one["price_min"])
        wanted = sum(one["quantity"] for one in of_grade if one["side"] == "demand")
        assert sum(one["quantity"] for one in supplies[: crowd.sought]) < wanted
        assert sum(one["quantity"] for one in supplies) > wanted


def test_newcomers_only_offer_in_crowded_markets(firms, posted):
    new = newcomers(firms)
    assert len(new) == NEWCOMERS * len({crowd.cluster for crowd in CROWDS})
    assert {one.fields["side"] for one in posted if one.firm in new} == {"supply"}


def test_small_orders_reach_the_minimum_only_together(posted):
    for small in SMALL_ORDERS:
        demands = [one for one in posted if one.fields["side"] == "demand" and _is_of(one, small)]
        quantities = [one.fields["quantity"] for one in demands]
        assert len({one.firm for one in demands}) == len(small.wanted)
        assert max(quantities) < small.minimum <= sum(quantities) <= small.stock


def _is_of(listing, grade):
    said = listing.fields["attributes"]
    return listing.fields["category"] == grade.code and all(
        said[name] == value for name, value in grade.product.items() if name in said
    )
