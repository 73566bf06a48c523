"""What a look finds, and what still counts because of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from finance.authenticity.facts import Facts

NOTE, DOUBT, GRAVE = SEVERITIES = ("note", "doubt", "grave")


@dataclass(frozen=True)
class Found:
    """One finding: the rows of the facts that it rests on, and how much of each still counts (1: all, 0: nothing).

    ``subject`` names what it is about among findings of its kind (a customer, an order): found again it is the same
    finding. The sentences name no counterparty, since not every reader may know it; ``figures`` may. Amounts are without
    tax.
    """

    kind: str
    severity: str
    rows: tuple[int, ...]
    weights: tuple[float, ...]
    zh: str
    en: str
    figures: dict[str, Any] = field(default_factory=dict)
    subject: str = ""

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.weights) or not all(0 <= weight <= 1 for weight in self.weights):
            raise ValueError("A finding says of each of its rows what part of it counts, from 0 to 1.")

    def discount(self, facts: Facts) -> float:
        """Return how much of sales and purchases without tax does not count because of it."""
        return float(
            sum((1 - weight) * abs(facts.net[row]) for row, weight in zip(self.rows, self.weights, strict=True))
        )


def counted(facts: Facts, found: Iterable[Found]) -> np.ndarray:
    """Return how much of each row counts: shape (n,), 1 where nothing was found; of several findings the least counts.

    Multiply the amounts of a firm's records by it before features are reckoned: ``net * counted(facts, found)``. Rows are
    those of ``facts`` (ascending by day, then id); ``facts.ids`` say which records they are. Void rows keep 1: they count
    for nothing anyway.

    >>> from datetime import date
    >>> facts = Facts.of_rows([{"id": n, "kind": "sales", "occurred_on": date(2026, 1, n), "net_amount": 100.0} for n in (1, 2)])
    >>> counted(facts, [Found("ring", "grave", (1,), (0.0,), "", ""), Found("burst", "doubt", (0, 1), (0.5, 0.5), "", "")])
    array([0.5, 0. ])
    """
    weights = np.ones(len(facts))
    for one in found:
        rows = np.asarray(one.rows, dtype=np.int64)
        np.minimum.at(weights, rows, np.asarray(one.weights, dtype=np.float64))
    return weights


def money(amount: float) -> str:
    """Return an amount as sentences have it.

    >>> money(1234567.891)
    '1,234,567.89'
    """
    return f"{amount:,.2f}"
