"""Fakes put into genuine books, to see which are found; everything random comes from one generator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from finance.authenticity.rings import Edges
from finance.scoring.trades import day_number

Row = dict[str, Any]
STRANGER = "fake-partner"


@dataclass(frozen=True)
class Faked:
    """A firm's rows with fakes among them: which ids are fake, and what the look needs beside."""

    rows: list[Row]
    fakes: frozenset[int]
    edges: Edges | None = None
    related: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _next(rows: list[Row]) -> int:
    return max(row["id"] for row in rows) + 1


def _sales(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["kind"] == "sales" and not row["is_void"] and row["net_amount"] > 0]


def _row(pk: int, kind: str, on: date, partner: str, net: float, **said: Any) -> Row:
    row = {"id": pk, "kind": kind, "occurred_on": on, "counterparty_code": partner, "net_amount": round(net, 2)}
    return row | {"total_amount": round(net * 1.13, 2), "is_void": False, "number": f"F{pk}"} | said


def duplicated(rows: list[Row], as_of: date, random: np.random.Generator) -> Faked:
    """List ten sales again, some days later, under the same numbers."""
    sales, first = _sales(rows), _next(rows)
    chosen = random.choice(len(sales), min(10, len(sales)), replace=False)
    fakes = []
    for place, one in enumerate(chosen):
        later = min(sales[one]["occurred_on"] + timedelta(int(random.integers(1, 40))), as_of)
        if later > sales[one]["occurred_on"]:
            fakes.append(sales[one] | {"id": first + place, "occurred_on": later})
    return Faked([*rows, *fakes], frozenset(row["id"] for row in fakes))


def sold_and_bought_back(rows: list[Row], as_of: date, random: np.random.Generator, *, share: float = 0.2) -> Faked:
    """Sell a fifth of the year's sales to a friend in 60 days, and buy the same back, each time 3 % apart."""
    return _circular(rows, as_of, random, share=share, is_ring=False)


def sold_in_a_ring(rows: list[Row], as_of: date, random: np.random.Generator, *, share: float = 0.2) -> Faked:
    """The same over another firm: sold to one, who sells to a second, who sells back."""
    return _circular(rows, as_of, random, share=share, is_ring=True)


def _circular(rows: list[Row], as_of: date, random: np.random.Generator, *, share: float, is_ring: bool) -> Faked:
    amounts, first = _amounts(rows, as_of, random, share), _next(rows)
    fakes, edges = [], []
    back = f"{STRANGER}-b" if is_ring else STRANGER
    for place, amount in enumerate(amounts):
        sold = as_of - timedelta(int(random.integers(20, 60)))
        days = sorted(random.integers(1, 19, 2))
        near = amount * (1 + random.uniform(-0.03, 0.03))
        fakes.append(_row(first + 2 * place, "sales", sold, STRANGER, amount))
        fakes.append(_row(first + 2 * place + 1, "purchases", sold + timedelta(int(days[1])), back, near))
        edges.append((STRANGER, back, day_number(sold + timedelta(int(days[0]))), (amount + near) / 2, place))
    made = frozenset(row["id"] for row in fakes)
    return Faked([*rows, *fakes], made, edges=Edges.of_sales(edges) if is_ring else None)


def bought_volume(rows: list[Row], as_of: date, random: np.random.Generator, *, share: float = 0.2) -> Faked:
    """Invoice a fifth of the year's sales to three new customers in the last 60 days, with nothing behind it."""
    first, fakes = _next(rows), []
    for place, amount in enumerate(_amounts(rows, as_of, random, share)):
        on = as_of - timedelta(int(random.integers(0, 59)))
        fakes.append(_row(first + place, "sales", on, f"{STRANGER}-{random.integers(3)}", amount))
    return Faked([*rows, *fakes], frozenset(row["id"] for row in fakes))


def cut_up(rows: list[Row], as_of: date, random: np.random.Generator) -> Faked:
    """Invoice one sale in five parts of just under 100,000 with consecutive numbers; a larger one stands beside it."""
    first = _next(rows)
    on, number = as_of - timedelta(int(random.integers(0, 59))), int(random.integers(10**6, 10**7))
    parts = [
        _row(first + part, "sales", on, STRANGER, 100_000 * random.uniform(0.9, 0.999), number=str(number + part))
        for part in range(5)
    ]
    larger = _row(first + 5, "sales", on - timedelta(30), STRANGER, 250_000.0)
    return Faked([*rows, *parts, larger], frozenset(row["id"] for row in parts))


def undelivered(rows: list[Row], as_of: date, random: np.random.Generator) -> Faked:
    """Give forty sales an order and its delivery, five more an order and none, five half of it."""
    sales, first = _sales(rows), _next(rows)
    old = [row for row in sales if row["occurred_on"] <= as_of - timedelta(60)]
    chosen = [old[place] for place in random.choice(len(old), min(50, len(old)), replace=False)]
    deliveries, changed, fakes = [], {}, set()
    for place, sale in enumerate(chosen):
        changed[sale["id"]] = sale | {"reference": f"ORDER-{place}"}
        part = 0.0 if place < 5 else 0.5 if place < 10 else 1.0
        if part < 1:
            fakes.add(sale["id"])
        if part:
            sent = _row(
                first + place, "delivery", sale["occurred_on"], sale["counterparty_code"], sale["net_amount"] * part
            )
            deliveries.append(sent | {"reference": f"ORDER-{place}", "direction": "out"})
    return Faked([*(changed.get(row["id"], row) for row in rows), *deliveries], frozenset(fakes))


def sold_to_a_relative(rows: list[Row], as_of: date, random: np.random.Generator, *, share: float = 0.2) -> Faked:
    """Sell a fifth of the year's sales to a firm with the same people, spread over the year."""
    first, fakes = _next(rows), []
    for place, amount in enumerate(_amounts(rows, as_of, random, share)):
        on = as_of - timedelta(int(random.integers(0, 364)))
        fakes.append(_row(first + place, "sales", on, STRANGER, amount))
    return Faked([*rows, *fakes], frozenset(row["id"] for row in fakes), related={STRANGER: ("person",)})


def _amounts(rows: list[Row], as_of: date, random: np.random.Generator, share: float) -> list[float]:
    """Return amounts like the firm's own that make up this share of its sales of the last year."""
    recent = [row["net_amount"] for row in _sales(rows) if row["occurred_on"] > as_of - timedelta(365)]
    # A dozen invoices whatever the firm's size: a forger is not paid by the piece.
    parts = random.uniform(0.5, 1.5, 12)
    return [float(one) for one in share * sum(recent) * parts / parts.sum()]


SCHEMES: dict[str, Callable[..., Faked]] = {
    "duplicate": duplicated,
    "round_trip": sold_and_bought_back,
    "ring": sold_in_a_ring,
    "burst": bought_volume,
    "split": cut_up,
    "mismatch": undelivered,
    "related": sold_to_a_relative,
}
