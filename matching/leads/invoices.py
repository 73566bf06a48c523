"""Purchase invoices of many firms, by quarter: who bought from whom, when and for how much.

The layout is that of VAT invoice lists: 企业代号, 发票号码, 开票日期, 销方单位代号, 金额, 税额, 价税合计, 发票状态. Void
invoices, refunds and rows without a date are left out.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

COLUMNS = ("企业代号", "开票日期", "销方单位代号", "价税合计", "税额", "发票状态")
VALID = "有效发票"
NAMES = ("purchases", "unlabelled_purchases")


class InvoicesUnreadable(ValueError):  # noqa: N818 - named for the fact
    """A file of the folder says something else; the message names file and line."""


@dataclass(frozen=True)
class Invoices:
    """Purchases of one set of firms; sellers' codes mean the same seller within it.

    Parallel arrays over the invoices: ``firm`` and ``seller`` are places in ``firms`` and ``sellers``, ``day`` is an
    ordinal, ``quarter`` counts from ``first_quarter`` (4 × year + 0…3), ``amount`` with tax, ``tax_rate`` as a share.
    """

    firms: list[str]
    sellers: list[str]
    firm: np.ndarray
    seller: np.ndarray
    day: np.ndarray
    quarter: np.ndarray
    amount: np.ndarray
    tax_rate: np.ndarray
    first_quarter: int

    @property
    def quarters(self) -> int:
        return int(self.quarter.max()) + 1

    def start_of(self, quarter: int) -> int:
        """Return the first day of a quarter as an ordinal."""
        year, place = divmod(self.first_quarter + quarter, 4)
        return date(year, 3 * place + 1, 1).toordinal()

    def whole_quarters(self) -> int:
        """Return how many quarters are whole: the last is not where invoices stop ten days before its end or more."""
        return self.quarters - (int(self.day.max()) < self.start_of(self.quarters) - 10)


def is_invoices(folder: Path) -> bool:
    return any(_find(folder, name) is not None for name in NAMES)


def read_invoices(folder: Path) -> list[Invoices]:
    """Return the purchases of each set of firms that the folder holds, plain or .gz.

    :raises InvoicesUnreadable: naming file and line
    """
    return [read_purchases(path) for name in NAMES if (path := _find(folder, name)) is not None]


def _find(folder: Path, name: str) -> Path | None:
    return next((path for end in (".csv", ".csv.gz") if (path := folder / f"{name}{end}").is_file()), None)


def read_purchases(path: Path) -> Invoices:
    """Return the purchases of one file.

    :raises InvoicesUnreadable: naming file and line
    """
    firms: dict[str, int] = {}
    sellers: dict[str, int] = {}
    rows = []
    for row in _rows(path):
        number, firm, seller, day, amount, tax = row
        if amount <= 0:
            continue
        if not firm or not seller:
            raise InvoicesUnreadable(f"{path.name}, line {number}: a code of firm or seller is missing")
        share = min(max(tax / max(amount - tax, 0.01), 0.0), 0.2)
        rows.append((firms.setdefault(firm, len(firms)), sellers.setdefault(seller, len(sellers)), day, amount, share))
    if not rows:
        raise InvoicesUnreadable(f"{path.name} holds no valid invoice")
    firm, seller, day, amount, tax_rate = (np.array(column) for column in zip(*rows, strict=True))
    months = [date.fromordinal(int(each)) for each in day]
    quarter = np.array([4 * each.year + (each.month - 1) // 3 for each in months])
    first = int(quarter.min())
    return Invoices(list(firms), list(sellers), firm, seller, day, quarter - first, amount, tax_rate, first)


def _rows(path: Path) -> Iterator[tuple[int, str, str, int, float, float]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        heads = [head.strip() for head in next(reader, [])]
        if missing := [name for name in COLUMNS if name not in heads]:
            raise InvoicesUnreadable(f"{path.name}: no column {', '.join(missing)}")
        firm, on, seller, total, tax, status = (heads.index(name) for name in COLUMNS)
        for number, cells in enumerate(reader, start=2):
            if not cells:
                continue
            if len(cells) < len(heads):
                raise InvoicesUnreadable(f"{path.name}, line {number}: {len(cells)} columns instead of {len(heads)}")
            if cells[status].strip() != VALID:
                continue
            try:
                day = _day(cells[on])
                amount, paid = float(cells[total]), float(cells[tax] or 0)
            except ValueError as error:
                raise InvoicesUnreadable(f"{path.name}, line {number}: {error}") from error
            yield number, cells[firm].strip(), cells[seller].strip(), day, amount, paid


def _day(text: str) -> int:
    """Return the ordinal of 2017/7/18 or 2017-07-18."""
    year, month, day = text.strip().split(" ")[0].replace("-", "/").split("/")
    return date(int(year), int(month), int(day)).toordinal()
