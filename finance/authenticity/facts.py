"""The records of one firm as columns: what every look at the genuineness of its trade is made on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

import numpy as np

from finance.scoring.trades import Trades, day_number, day_of

SALES, PURCHASES, PAYMENT, DELIVERY, PRODUCTION = KINDS = ("sales", "purchases", "payment", "delivery", "production")

NAMES = (
    "id",
    "kind",
    "occurred_on",
    "counterparty_code",
    "net_amount",
    "total_amount",
    "quantity",
    "is_void",
    "is_verified",
    "direction",
    "number",
    "reference",
    "unit",
)


@dataclass(frozen=True)
class Facts:
    """Records of one firm; all columns have shape (n,), rows ascend by day, then id.

    ``partner`` numbers the counterparties of ``partners``; -1 is one that the record does not name. A void row stays: it
    may cancel another. Amounts are in one currency.
    """

    ids: np.ndarray  # int, of the records
    kind: np.ndarray  # int, place in KINDS
    day: np.ndarray  # int, days since 1970-01-01
    partner: np.ndarray  # int, place in ``partners`` or -1
    net: np.ndarray  # float
    total: np.ndarray  # float, with tax
    quantity: np.ndarray  # float, nan where none is said
    is_void: np.ndarray  # bool
    is_verified: np.ndarray  # bool
    incoming: np.ndarray  # bool, of payments and deliveries: money or goods came in
    number: np.ndarray  # str
    reference: np.ndarray  # str, of the order or contract
    unit: np.ndarray  # str
    partners: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Return facts of rows with the names of a TransactionRecord's fields (``id``, ``kind``, ``occurred_on``, …)."""
        rows = sorted(rows, key=lambda row: (row["occurred_on"], row["id"]))
        return cls.of_columns({name: [row.get(name) for row in rows] for name in NAMES})

    @classmethod
    def of_columns(cls, columns: Mapping[str, Sequence[Any]]) -> Self:
        """Return facts of columns with these ``NAMES``, whose rows ascend by day, then id; None where nothing is said."""
        places: dict[str, int] = {}
        kinds = {kind: place for place, kind in enumerate(KINDS)}
        partner = [places.setdefault(code, len(places)) if code else -1 for code in columns["counterparty_code"]]

        def column(name: str, kind: type, default: Any) -> np.ndarray:
            return np.array([default if value is None else value for value in columns[name]], dtype=kind)

        return cls(
            ids=column("id", np.int64, 0),
            kind=np.array([kinds[kind] for kind in columns["kind"]], dtype=np.int8),
            day=np.array([day_number(day) for day in columns["occurred_on"]], dtype=np.int32),
            partner=np.array(partner, dtype=np.int32),
            net=column("net_amount", np.float64, 0.0),
            total=column("total_amount", np.float64, 0.0),
            quantity=column("quantity", np.float64, np.nan),
            is_void=column("is_void", bool, default=False),
            is_verified=column("is_verified", bool, default=False),
            incoming=np.array([way == "in" for way in columns["direction"]], dtype=bool),
            number=column("number", object, ""),
            reference=column("reference", object, ""),
            unit=column("unit", object, ""),
            partners=tuple(places),
        )

    @classmethod
    def of_trades(cls, trades: Trades, *, place: int = 0, numbers: Sequence[str] | None = None) -> Self:
        """Return facts of the sales and purchases of one firm of ``trades``; ids are places in its columns.

        Codes of customers and suppliers are one set: who stands on both sides is one firm.
        """
        bounds = trades.bounds()
        first, last = bounds[place], bounds[place + 1]
        chosen = np.arange(first, last)
        order = chosen[np.argsort(trades.day[first:last], kind="stable")]
        nothing = np.full(len(order), "", dtype=object)
        return cls(
            ids=order.astype(np.int64),
            kind=np.where(trades.is_sale[order], KINDS.index(SALES), KINDS.index(PURCHASES)).astype(np.int8),
            day=trades.day[order],
            partner=trades.partner[order],
            net=trades.net[order],
            total=trades.net[order] + trades.tax[order],
            quantity=np.full(len(order), np.nan),
            is_void=trades.is_void[order],
            is_verified=np.zeros(len(order), bool),
            incoming=np.zeros(len(order), bool),
            number=nothing if numbers is None else np.asarray(numbers, dtype=object)[order],
            reference=nothing,
            unit=nothing,
            partners=tuple(map(str, range(int(trades.partner[order].max(initial=-1)) + 1))),
        )

    def until(self, as_of: date) -> Self:
        """Return what had happened by the end of that day."""
        return self.where(self.day <= day_number(as_of))

    def where(self, chosen: np.ndarray) -> Self:
        """Return the chosen rows."""
        columns = {name: getattr(self, name)[chosen] for name in self.__dataclass_fields__ if name != "partners"}
        return replace(self, **columns)

    def of_kind(self, kind: str) -> np.ndarray:
        """Return which rows are of this kind and not void."""
        return (self.kind == KINDS.index(kind)) & ~self.is_void

    def on(self, row: int) -> date:
        return day_of(self.day[row])

    def partner_of(self, row: int) -> str:
        return self.partners[self.partner[row]] if self.partner[row] >= 0 else ""
