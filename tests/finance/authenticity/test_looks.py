import datetime as dt

import numpy as np
import pytest

from finance.authenticity.bursts import find_bursts
from finance.authenticity.duplicates import find_duplicates
from finance.authenticity.examine import examine
from finance.authenticity.facts import Facts
from finance.authenticity.findings import Found, counted
from finance.authenticity.related import find_related
from finance.authenticity.rings import Edges, find_rings
from finance.authenticity.round_trips import find_round_trips
from finance.authenticity.splits import find_splits
from finance.authenticity.three_way import find_mismatches
from finance.scoring.trades import Trades, day_number

LAST = dt.date(2026, 3, 2)


def row(pk, kind, days_ago, net, partner="B1", **said):
    on = LAST - dt.timedelta(days_ago)
    known = {"id": pk, "kind": kind, "occurred_on": on, "counterparty_code": partner, "net_amount": net}
    return known | {"total_amount": net * 1.13, "is_void": False, "number": str(pk)} | said


def look(find, *rows, **more):
    facts = Facts.of_rows(rows)
    found = find(facts, **more)
    return facts, found, dict(zip(facts.ids.tolist(), counted(facts, found).tolist(), strict=True))


def test_repeated_invoice_counts_once_and_a_reversal_is_none():
    _facts, (found,), weights = look(
        find_duplicates,
        row(1, "sales", 40, 100.0, number="7"),
        row(2, "sales", 10, 100.0, number="7"),
        row(3, "sales", 9, -100.0, number="7"),
        row(4, "sales", 8, 250.0, number="7"),
        row(5, "sales", 8, 100.0, number="7", partner="B2"),
    )

    assert (found.kind, found.severity) == ("duplicate", "doubt")
    assert weights == {1: 1, 2: 0, 3: 1, 4: 1, 5: 1}


def test_invoice_listed_valid_and_void_does_not_count():
    _facts, (found,), weights = look(
        find_duplicates, row(1, "sales", 40, 100.0, number="7"), row(2, "sales", 40, 100.0, number="7", is_void=True)
    )

    assert found.severity == "note"
    assert weights[1] == 0


def test_upload_of_what_the_platform_has_counts_once():
    _facts, (found,), weights = look(
        find_duplicates,
        row(1, "sales", 40, 100.0, number="SO-1", is_verified=True),
        row(2, "sales", 35, 100.0, number="00012"),
        row(3, "sales", 34, 100.0, number="00013"),
        row(4, "sales", 300, 100.0, number="00009"),
    )

    assert found.figures == {"number": "00012", "recorded": "SO-1"}
    assert weights == {1: 1, 2: 0, 3: 1, 4: 1}


def test_split_is_a_doubt_only_where_the_firm_never_did_it_and_invoices_larger_sums():
    parts = [row(n, "sales", 5, 95_000.0 + n, number=str(1000 + n)) for n in range(1, 5)]
    larger = row(9, "sales", 30, 300_000.0, number="77")

    _facts, alone, _weights = look(find_splits, *parts)
    _facts, beside, weights = look(find_splits, *parts, larger)
    _facts, habit, _weights = look(
        find_splits, *parts, larger, *(row(20 + n, "sales", 200, 95_000.0, number=str(n)) for n in range(3))
    )

    assert [one.severity for one in alone] == ["note"]
    assert [one.severity for one in beside] == ["doubt"]
    assert [one.severity for one in habit] == ["note"]
    assert set(weights.values()) == {1}


def test_split_needs_consecutive_numbers_just_under_a_ceiling():
    apart = [row(n, "sales", 5, 95_000.0, number=str(1000 + 2 * n)) for n in range(4)]
    small = [row(n, "sales", 5, 40_000.0, number=str(1000 + n)) for n in range(4)]

    assert find_splits(Facts.of_rows(apart)) == []
    assert find_splits(Facts.of_rows(small)) == []


def test_round_trip_takes_sale_and_purchase_out():
    _facts, (found,), weights = look(
        find_round_trips,
        row(1, "sales", 40, 1000.0),
        row(2, "purchases", 20, 970.0),
        row(3, "purchases", 19, 500.0),
        row(4, "sales", 200, 1000.0, partner="B2"),
        row(5, "purchases", 20, 1000.0, partner="B2"),
    )

    assert (found.figures["pairs"], found.severity) == (1, "grave")
    assert weights == {1: 0, 2: 0, 3: 1, 4: 1, 5: 1}


def test_ring_over_two_others_takes_both_ends_out():
    edges = Edges.of_sales(
        [("B1", "B2", day_number(LAST) - 30, 990.0, 1), ("B1", "B3", day_number(LAST) - 30, 10.0, 2)]
    )

    _facts, (found,), weights = look(
        find_rings,
        row(1, "sales", 40, 1000.0, partner="B1"),
        row(2, "purchases", 20, 980.0, partner="B2"),
        row(3, "purchases", 20, 980.0, partner="B3"),
        edges=edges,
    )

    assert (found.kind, found.figures["firms"]) == ("ring", 2)
    assert weights == {1: 0, 2: 0, 3: 1}


def test_ring_that_runs_backwards_in_time_is_none():
    edges = Edges.of_sales([("B1", "B2", day_number(LAST) - 50, 990.0, 1)])
    rows = [row(1, "sales", 40, 1000.0, partner="B1"), row(2, "purchases", 20, 980.0, partner="B2")]

    assert find_rings(Facts.of_rows(rows), edges) == []


def test_half_of_what_a_large_relative_buys_counts():
    rows = [row(1, "sales", 40, 100.0, partner="B1"), row(2, "sales", 30, 900.0, partner="B2")]

    _facts, (found,), weights = look(find_related, *rows, related={"B1": ["phone", "person"], "B9": ["phone"]})

    assert (found.severity, found.figures["share"]) == ("doubt", 0.1)
    assert weights == {1: 0.5, 2: 1}


def test_invoice_counts_as_far_as_it_was_delivered():
    _facts, found, weights = look(
        find_mismatches,
        row(1, "sales", 90, 1000.0, reference="A", quantity=10, unit="t"),
        row(2, "delivery", 80, 0.0, reference="A", quantity=4, unit="t", direction="out"),
        row(3, "sales", 90, 1000.0, reference="B"),
        row(4, "delivery", 80, 1000.0, reference="B", direction="out"),
        row(5, "sales", 90, 1000.0, reference="C"),
        row(6, "sales", 1, 1000.0, reference="D"),
        row(7, "sales", 0, 1.0),
    )

    assert [one.kind for one in found] == ["mismatch", "no_delivery"]
    assert weights == {1: pytest.approx(0.4), 2: 1, 3: 1, 4: 1, 5: 0, 6: 1, 7: 1}


def test_firm_without_deliveries_is_not_held_to_them():
    rows = [row(n, "sales", 90, 100.0, reference=f"O{n}") for n in range(5)]

    assert find_mismatches(Facts.of_rows(rows)) == []


def _steady(days=900):
    return [row(n, "sales", ago, 100.0, partner=f"B{n % 5}") for n, ago in enumerate(range(0, days, 5))]


def test_burst_of_new_customers_does_not_count_beyond_the_usual():
    fakes = [row(5000 + n, "sales", n, 1000.0, partner=f"X{n}") for n in range(10)]

    facts, (found,), weights = look(find_bursts, *_steady(), *fakes, as_of=LAST)

    assert (found.kind, found.severity) == ("burst", "grave")
    assert all(weights[5000 + n] < 0.2 for n in range(10))
    assert all(weights[n] == 1 for n in range(180))
    assert found.discount(facts) == pytest.approx(found.figures["amount"], abs=0.01)


def test_steady_young_and_irregular_sales_are_no_burst():
    lumpy = [row(n, "sales", 300 * n, 1000.0 * (9 - n)) for n in range(4)]

    assert find_bursts(Facts.of_rows(_steady()), as_of=LAST) == []
    assert find_bursts(Facts.of_rows(_steady(200)), as_of=LAST) == []
    assert find_bursts(Facts.of_rows(lumpy), as_of=LAST) == []
    assert find_bursts(Facts.of_rows([]), as_of=LAST) == []


def test_examine_sees_nothing_of_the_future():
    rows = [*_steady(), row(7000, "sales", 40, 150.0, partner="P"), row(7001, "purchases", 20, 150.0, partner="P")]
    before = LAST - dt.timedelta(30)

    now, then = examine(Facts.of_rows(rows), as_of=LAST), examine(Facts.of_rows(rows), as_of=before)
    deleted = examine(Facts.of_rows([one for one in rows if one["occurred_on"] <= before]), as_of=before)

    assert [one.kind for one in now] == ["round_trip"]
    assert then == deleted


def test_order_of_rows_changes_nothing():
    rows = [*_steady(), *(row(7000 + n, ("sales", "purchases")[n % 2], 40 - n, 1000.0, partner="P") for n in range(8))]
    shuffled = [rows[place] for place in np.random.default_rng(1).permutation(len(rows))]

    assert examine(Facts.of_rows(rows), as_of=LAST) == examine(Facts.of_rows(shuffled), as_of=LAST)


def test_of_several_findings_the_least_counts():
    facts = Facts.of_rows([row(1, "sales", 1, 100.0), row(2, "sales", 0, 100.0)])
    found = [Found("ring", "grave", (1,), (0.0,), "", ""), Found("burst", "doubt", (0, 1), (0.5, 0.5), "", "")]

    assert counted(facts, found).tolist() == [0.5, 0.0]
    assert found[1].discount(facts) == 100.0
    with pytest.raises(ValueError, match="from 0 to 1"):
        Found("ring", "grave", (1,), (1.5,), "", "")


def test_trades_and_rows_give_the_same_facts():
    rows = [row(1, "sales", 40, 1000.0), row(2, "purchases", 20, 970.0)]
    trades = Trades.of_firm(
        "E1",
        is_sale=[True, False],
        day=[one["occurred_on"] for one in rows],
        partner=["B1", "B1"],
        net=[1000, 970],
        tax=[130, 126],
        is_void=[False, False],
    )

    assert [one.weights for one in find_round_trips(Facts.of_trades(trades))] == [(0.0, 0.0)]
