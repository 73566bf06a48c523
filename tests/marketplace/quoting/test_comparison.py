import itertools
from decimal import Decimal

import pytest

from marketplace.quoting.comparison import Bid, Price, Wanted, basis, compare, is_cheapest, shares

VALVES = Wanted(1, Decimal(100), (Decimal(100), Decimal(500)))
GASKETS = Wanted(2, Decimal(50), (Decimal(50),))
WANTED = [VALVES, GASKETS]


def bid(number, valves, gaskets=None, **changes):
    prices = {1: [Price(Decimal(100), Decimal(valves))]} if valves is not None else {}
    if gaskets is not None:
        prices[2] = [Price(Decimal(50), Decimal(gaskets))]
    return Bid(number, prices, **changes)


def test_shares_spread_the_charges_by_value():
    one = bid(1, "9", "2", charges=Decimal(100))

    assert shares(one, WANTED) == {1: Decimal(90), 2: Decimal(10)}


def test_shares_of_what_is_free_are_equal():
    assert shares(bid(1, "0", "0", charges=Decimal(100)), WANTED) == {1: Decimal(50), 2: Decimal(50)}


def test_landed_cost_has_freight_and_the_common_currency():
    dear = bid(1, "10", "2", charges=Decimal(110))
    cheap = bid(2, "1.5", "0.2", factor=Decimal(7))

    table = compare(WANTED, [dear, cheap])

    assert table.cells[1, Decimal(100), 1].landed == Decimal("1100.00")
    assert table.cells[1, Decimal(100), 2].landed == Decimal("1050.00")
    assert (table.totals[1].landed, table.totals[2].landed) == (Decimal("1210.00"), Decimal("1120.00"))
    assert (table.totals[1].amount, table.totals[2].is_cheapest) == (Decimal("1210.00"), True)


def test_freight_turns_which_quote_is_cheapest():
    table = compare([VALVES], [bid(1, "10"), bid(2, "9.5", charges=Decimal(60))])

    assert (table.cells[1, Decimal(100), 1].is_cheapest, table.cells[1, Decimal(100), 2].is_cheapest) == (True, False)
    assert table.mix == {1: 1}


def test_a_tier_has_its_own_price_and_no_more_than_its_share_of_charges():
    tiers = Bid(1, {1: [Price(Decimal(100), Decimal(10)), Price(Decimal(500), Decimal(8))]}, charges=Decimal(40))

    table = compare([VALVES], [tiers])

    assert table.cells[1, Decimal(500), 1].landed == Decimal("4040.00")


def test_a_quantity_that_was_declined_is_not_to_be_had():
    small_only = Bid(1, {1: [Price(Decimal(100), Decimal(10)), Price(Decimal(500), None)]}, charges=Decimal(40))
    large_only = Bid(2, {1: [Price(Decimal(100), None), Price(Decimal(500), Decimal(8))]}, charges=Decimal(40))

    table = compare([VALVES], [small_only, large_only])

    assert set(table.cells) == {(1, Decimal(100), 1), (1, Decimal(500), 2)}
    assert table.cells[1, Decimal(500), 2].landed == Decimal("4040.00")


def test_the_best_mix_takes_each_line_where_it_is_cheapest():
    table = compare(WANTED, [bid(1, "10", "3"), bid(2, "11", "2")])

    assert (table.mix, table.mix_landed) == ({1: 1, 2: 2}, Decimal("1100.00"))


def test_only_whole_quotes_compete_as_a_whole():
    table = compare(WANTED, [bid(1, "1"), bid(2, "10", "3")])

    assert (table.totals[1].is_whole, table.totals[1].is_cheapest, table.totals[1].covered) == (False, False, 1)
    assert table.totals[2].is_cheapest


def test_a_currency_without_a_rate_is_shown_and_not_ranked():
    table = compare([VALVES], [bid(1, "10"), bid(2, "1", factor=None)])

    assert table.cells[1, Decimal(100), 2].landed is None
    assert table.cells[1, Decimal(100), 1].is_cheapest
    assert not is_cheapest(VALVES, Decimal(100), 1, [bid(1, "10"), bid(2, "1", factor=None)], [VALVES])


def test_the_fastest_is_marked_and_the_whole_is_as_slow_as_its_slowest_line():
    quick = Bid(
        1, {1: [Price(Decimal(100), Decimal(10), lead_days=5)], 2: [Price(Decimal(50), Decimal(1))]}, lead_days=20
    )
    slow = bid(2, "9", "1", lead_days=15)

    table = compare(WANTED, [quick, slow])

    assert (table.cells[1, Decimal(100), 1].is_fastest, table.totals[1].lead_days) == (True, 20)
    assert table.totals[2].is_fastest


def test_no_cell_below_the_minimum_order():
    minimum = Bid(1, {1: [Price(Decimal(100), Decimal(5), minimum=Decimal(80))]})

    assert not is_cheapest(VALVES, Decimal(60), 1, [minimum, bid(2, "9")], [VALVES])
    assert is_cheapest(VALVES, Decimal(60), 2, [minimum, bid(2, "9")], [VALVES])


@pytest.mark.parametrize(
    ("includes", "recovers", "landed"),
    [(True, True, "100"), (True, False, "113"), (False, True, "113"), (False, False, "127.69")],
)
def test_tax_counts_only_for_who_cannot_recover_it(includes, recovers, landed):
    factor = basis(tax_rate=Decimal(13), price_includes_tax=includes, recovers_tax=recovers, rate=Decimal(1))

    assert (Decimal(113) * factor).quantize(Decimal("0.01")) == Decimal(landed).quantize(Decimal("0.01"))


def test_the_order_of_the_quotes_changes_nothing():
    bids = [bid(1, "10", "3", charges=Decimal(7)), bid(2, "10", "2"), bid(3, "9.9", None, lead_days=3)]
    expected = compare(WANTED, bids)

    for shuffled in itertools.permutations(bids):
        table = compare(WANTED, shuffled)
        assert (table.cells, table.totals, table.mix) == (expected.cells, expected.totals, expected.mix)


def test_charges_are_spread_without_losing_a_cent():
    for charges in range(1, 200, 7):
        one = bid(1, "9.37", "2.11", charges=Decimal(charges))
        assert abs(sum(shares(one, WANTED).values()) - charges) < Decimal("1e-20")
