"""What firms bought and sold, as compact columns: the only thing that features are reckoned from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np

EPOCH = date(1970, 1, 1).toordinal()


def day_number(day: date) -> int:
    """Return days since 1970-01-01.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return day.toordinal() - EPOCH


def day_of(number: int) -> date:
    """Return the date of a day number.

    >>> day_of(1)
    datetime.date(1970, 1, 2)
    """
    return date.fromordinal(int(number) + EPOCH)


@dataclass(frozen=True)
class Trades:
    """Invoices or other trade records of one or many firms; all columns have shape (n,).

    A record is a sale or a purchase; a refund has negative amounts; a void one counts for nothing but its being void.
    """

    firms: tuple[str, ...]
    firm: np.ndarray  # int, place in ``firms``; ascending
    is_sale: np.ndarray  # bool
    day: np.ndarray  # int, days since 1970-01-01
    partner: np.ndarray  # int, one number per counterparty code, whoever trades with it
    net: np.ndarray  # float, without tax, in one currency
    tax: np.ndarray  # float
    is_void: np.ndarray  # bool

    def __len__(self) -> int:
        return len(self.day)

    @classmethod
    def of_firm(
        cls,
        firm: str,
        *,
        is_sale: Sequence[bool],
        day: Sequence[date],
        partner: Sequence[str],
        net: Sequence,
        tax: Sequence,
        is_void: Sequence[bool],
    ) -> Self:
        """Return the trades of one firm from columns of plain values (dates, codes, Decimals).

        >>> trades = Trades.of_firm("E1", is_sale=[True], day=[date(2026, 1, 5)], partner=["B1"], net=[100], tax=[13],
        ...     is_void=[False])
        >>> len(trades), trades.firms
        (1, ('E1',))
        """
        return cls.of_columns(
            [firm],
            firm=[firm] * len(day),
            is_sale=is_sale,
            day=[day_number(one) for one in day],
            partner=partner,
            net=net,
            tax=tax,
            is_void=is_void,
        )

    @classmethod
    def of_columns(
        cls,
        firms: Iterable[str],
        *,
        firm: Sequence[str],
        is_sale: Sequence[bool],
        day: Sequence[int],
        partner: Sequence[str],
        net: Sequence,
        tax: Sequence,
        is_void: Sequence[bool],
    ) -> Self:
        """Return trades with firms and counterparties numbered; firms of ``firms`` come first, with or without a record.

        Sides that nobody named (an empty code) are one counterparty.
        """
        places = {name: place for place, name in enumerate(dict.fromkeys(firms))}
        owner = np.fromiter((places.setdefault(name, len(places)) for name in firm), np.int32, len(day))
        codes: dict[str, int] = {}
        other = np.fromiter((codes.setdefault(code, len(codes)) for code in partner), np.int32, len(day))
        columns = {
            "firm": owner,
            "is_sale": np.asarray(is_sale, bool),
            "day": np.asarray(day, np.int32),
            "partner": other,
            "net": np.asarray(net, np.float64),
            "tax": np.asarray(tax, np.float64),
            "is_void": np.asarray(is_void, bool),
        }
        # Sums of floats depend on their order, and a score must not: the order is by value, not by how rows came.
        order = np.lexsort(
            (
                columns["tax"],
                columns["net"],
                _ranks(list(codes))[other],
                columns["day"],
                columns["is_void"],
                columns["is_sale"],
                owner,
            )
        )
        return cls(firms=tuple(places), **{name: column[order] for name, column in columns.items()})

    def until(self, as_of: date) -> Self:
        """Return what had happened by the end of that day."""
        return self.where(self.day <= day_number(as_of))

    def where(self, chosen: np.ndarray) -> Self:
        """Return the chosen records, of the same firms."""
        return type(self)(
            firms=self.firms,
            firm=self.firm[chosen],
            is_sale=self.is_sale[chosen],
            day=self.day[chosen],
            partner=self.partner[chosen],
            net=self.net[chosen],
            tax=self.tax[chosen],
            is_void=self.is_void[chosen],
        )

    def last_day(self) -> date | None:
        """Return the day of the latest record, or None where there is none."""
        return day_of(self.day.max()) if len(self) else None

    def bounds(self) -> np.ndarray:
        """Return where the records of each firm begin, and the end of all: shape (firms + 1,)."""
        return np.searchsorted(self.firm, np.arange(len(self.firms) + 1))


def _ranks(codes: list[str]) -> np.ndarray:
    ranks = np.empty(len(codes), np.int32)
    ranks[np.argsort(np.asarray(codes, dtype=object), kind="stable")] = np.arange(len(codes), dtype=np.int32)
    return ranks
