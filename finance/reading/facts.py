"""The rows of a table of one kind -> facts, each with its hash, and a problem for each row that is none."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from finance.reading import values
from finance.reading.layouts import DELIVERY, INVOICES, PAYMENT, PRODUCTION, Places, find_columns
from finance.reading.problems import FileRefused, Problem, ValueRefused
from finance.reading.tables import read_table

ZERO = Decimal("0.00")
# Amount and tax may miss the total by so much: each line of an invoice is rounded on its own.
ROUNDING = Decimal("0.05")
LONGEST = {
    "invoice_code": 20,
    "number": 60,
    "counterparty_code": 200,
    "counterparty_name": 200,
    "unit": 20,
    "goods": 200,
    "reference": 60,
}
WRITTEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
# A text longer than its field is refused where it names something, and cut where it only describes.
CUT = frozenset({"goods", "counterparty_name"})


class Fact(NamedTuple):
    """One row that can be taken; amounts in ``currency``, payments and deliveries with the direction ``in`` or ``out``."""

    line: int
    kind: str
    invoice_code: str
    number: str
    occurred_on: date
    counterparty_code: str
    counterparty_name: str
    direction: str
    net_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    currency: str
    quantity: Decimal | None
    unit: str
    goods: str
    reference: str
    is_void: bool

    def content(self, firm: str) -> dict[str, Any]:
        """Return what its hash is of: all that was said of the fact, and whose it is; the names in their order."""
        return {
            "counterparty_code": self.counterparty_code,
            "counterparty_name": self.counterparty_name,
            "currency": self.currency,
            "direction": self.direction,
            "firm": firm,
            "goods": self.goods,
            "invoice_code": self.invoice_code,
            "is_void": self.is_void,
            "kind": self.kind,
            "net_amount": str(self.net_amount),
            "number": self.number,
            "occurred_on": self.occurred_on.isoformat(),
            "quantity": None if self.quantity is None else str(self.quantity),
            "reference": self.reference,
            "tax_amount": str(self.tax_amount),
            "total_amount": str(self.total_amount),
            "unit": self.unit,
        }

    def sha256(self, firm: str) -> str:
        """Return the hash of the content in its one written form: JSON with sorted names, no blanks, UTF-8."""
        return hashlib.sha256(WRITTEN.encode(self.content(firm)).encode()).hexdigest()


class Keys:
    """Name facts so that the same fact gets the same key whenever it is handed in.

    With a number, a row that says the same in all its columns is the same fact, however often a file lists it. Without
    one, two equal rows of a file are two facts (two payments of one day): the second gets the first's key and ``#2``.

    >>> keys = Keys()
    >>> [keys.key("ab", number="7"), keys.key("ab", number="7"), keys.key("cd", number=""), keys.key("cd", number="")]
    ['ab', 'ab', 'cd', 'cd#2']
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def key(self, sha256: str, *, number: str) -> str:
        if number:
            return sha256
        self._seen[sha256] += 1
        count = self._seen[sha256]
        return sha256 if count == 1 else f"{sha256}#{count}"


def read_facts(content: bytes, kind: str, *, today: date, firm: str = "") -> Iterator[Fact | Problem]:
    """Yield a fact or a problem for each row of a CSV or XLSX file of one kind.

    :param firm: of a file that has a column of firms: take only the rows under this code
    :raises FileRefused: if it is no table, lacks columns, or has several firms and none was chosen
    """
    chosen = firm
    for code, row in read_firms(content, kind, today=today, only=firm):
        chosen = chosen or code or ""
        if code and code != chosen:
            raise _several_firms(chosen, code)
        # A column of firms that nobody filled in says nothing; an empty cell among others is a mistake.
        yield _no_firm(row.line) if chosen and code == "" else row


def read_firms(
    content: bytes, kind: str, *, today: date, only: str = ""
) -> Iterator[tuple[str | None, Fact | Problem]]:
    """Yield the same for a file of many firms, each with its firm's code; None where the file has no such column.

    :raises FileRefused: if it is no table, or lacks columns
    """
    table = read_table(content)
    first = next(table, None)
    if first is None:
        raise FileRefused("empty_file", "文件是空的。", "The file is empty.")
    columns = find_columns([str(cell) for cell in first[1]], kind)
    read = _Reader(kind, columns, today)
    place = columns.place.get("firm")
    for line, cells in table:
        if place is None:
            yield None, read(line, cells)
            continue
        code = cells[place].strip() if place < len(cells) else ""
        if not code or not only or code == only:
            yield code, read(line, cells)


def check_total(net: Decimal, tax: Decimal, total: Decimal) -> None:
    """Refuse an invoice whose amount and tax do not make its total.

    :raises ValueRefused: if they miss it by more than rounding
    """
    if abs(net + tax - total) > ROUNDING:
        zh = f"价税合计 {total} 不等于金额 {net} 加税额 {tax}。"
        en = f"The total {total} is not the amount {net} plus the tax {tax}."
        raise ValueRefused("total_differs", zh, en, field="total_amount")


def _no_firm(line: int) -> Problem:
    return Problem(line, "企业代号", "no_firm", "企业代号为空。", "The firm's code is empty.")


def _several_firms(one: str, other: str) -> FileRefused:
    return FileRefused(
        "several_firms",
        f"文件里有多家企业（{one}、{other} 等）：请指明取哪一个代号的行。",
        f"The file has rows of several firms ({one}, {other}, …): say which code's rows to take.",
        field="企业代号",
    )


def _problem(line: int, field: str, reason: str, zh: str, en: str) -> Problem:
    return Problem(line, field, reason, zh, en)


class _Reader:
    """Read the rows of one file whose columns are known; what repeats is parsed once."""

    def __init__(self, kind: str, columns: Places, today: date) -> None:
        self.kind, self.columns = kind, columns
        # Few different days, states and directions stand in hundreds of thousands of rows.
        self.day: Callable[[str], date] = lru_cache(maxsize=20_000)(lambda text: values.day(text, today))
        self.state = lru_cache(maxsize=1000)(values.is_void)
        self.texts = [(name, place) for name, place in columns.place.items() if name in LONGEST]

    def __call__(self, line: int, cells: Sequence[str]) -> Fact | Problem:
        if len(cells) < self.columns.width:
            cells = [*cells, *[""] * (self.columns.width - len(cells))]
        elif len(cells) > self.columns.width and any(cell.strip() for cell in cells[self.columns.width :]):
            count, width = len(cells), self.columns.width
            return _problem(
                line,
                "",
                "too_many_cells",
                f"应有 {width} 列，实有 {count} 列。",
                f"The row has {count} cells, not {width}.",
            )
        field = ""
        try:
            said = dict.fromkeys(LONGEST, "")
            for field, place in self.texts:
                said[field] = self._text(field, cells[place])
            self._require_names(said)
            field = "occurred_on"
            occurred_on = self.day(cells[self.columns.place["occurred_on"]])
            field = "currency"
            currency = self._currency(self._cell(cells, "currency"))
            field = "quantity"
            quantity = self._quantity(self._cell(cells, "quantity"))
            field = "direction"
            direction, amounts = self._amounts(cells)
            field = "state"
            is_void = self.state(self._cell(cells, "state")) if self.kind in INVOICES else False
        except ValueRefused as refused:
            heading = self.columns.heading.get(refused.field or field, "")
            return _problem(line, heading, refused.reason, refused.zh, refused.en)
        return Fact(
            line=line,
            kind=self.kind,
            occurred_on=occurred_on,
            direction=direction,
            net_amount=amounts[0],
            tax_amount=amounts[1],
            total_amount=amounts[2],
            currency=currency,
            quantity=quantity,
            is_void=is_void,
            **said,
        )

    def _cell(self, cells: Sequence[str], field: str) -> str:
        place = self.columns.place.get(field)
        return "" if place is None else cells[place]

    def _text(self, field: str, cell: str) -> str:
        text = cell.strip().strip("\u3000\ufeff")
        if len(text) > LONGEST[field]:
            if field in CUT:
                return text[: LONGEST[field]]
            most = LONGEST[field]
            raise ValueRefused("too_long", f"最多 {most} 个字符。", f"At most {most} characters.")
        return text

    def _require_names(self, said: dict[str, str]) -> None:
        if self.kind in INVOICES and not said["number"]:
            raise ValueRefused("empty", "发票号码为空。", "The invoice has no number.", field="number")
        if self.kind == PRODUCTION and not said["goods"]:
            raise ValueRefused("empty", "没有写明产品。", "It does not say what was made.", field="goods")

    def _currency(self, cell: str) -> str:
        text = cell.strip().upper()
        if text in ("", "CNY", "RMB", "人民币", "¥", "￥"):
            return "CNY"
        if len(text) == 3 and text.isascii() and text.isalpha():
            return text
        raise ValueRefused(
            "no_currency", f"“{values.shown(cell)}”不是币种代码。", f"“{values.shown(cell)}” is no currency code."
        )

    def _quantity(self, cell: str) -> Decimal | None:
        if cell.strip():
            return values.quantity(cell)
        if self.kind in (DELIVERY, PRODUCTION):
            raise ValueRefused("empty", "数量为空。", "The quantity is empty.")
        return None

    def _amount(self, cells: Sequence[str], field: str) -> Decimal | None:
        cell = self._cell(cells, field)
        if not cell or not cell.strip():
            return None
        try:
            return values.amount(cell)
        except ValueRefused as refused:
            refused.field = field
            raise

    def _amounts(self, cells: Sequence[str]) -> tuple[str, tuple[Decimal, Decimal, Decimal]]:
        """Return the direction, and amount, tax and total."""
        if self.kind in INVOICES:
            return "", self._invoice_amounts(cells)
        if self.kind == PAYMENT:
            direction, amount = self._payment(cells)
            return direction, (amount, ZERO, amount)
        amount = self._amount(cells, "net_amount") or ZERO
        direction = values.direction(self._cell(cells, "direction")) if self.kind == DELIVERY else ""
        return direction, (amount, ZERO, amount)

    def _invoice_amounts(self, cells: Sequence[str]) -> tuple[Decimal, Decimal, Decimal]:
        net, tax, total = (self._amount(cells, field) for field in ("net_amount", "tax_amount", "total_amount"))
        if net is None or (tax is None and total is None):
            raise ValueRefused(
                "empty",
                "金额或税额为空。",
                "The amount or the tax is empty.",
                field="net_amount" if net is None else "tax_amount",
            )
        tax = total - net if tax is None else tax
        total = net + tax if total is None else total
        check_total(net, tax, total)
        return net, tax, total

    def _payment(self, cells: Sequence[str]) -> tuple[str, Decimal]:
        received, paid = self._amount(cells, "amount_in"), self._amount(cells, "amount_out")
        if received and paid:
            raise ValueRefused(
                "two_amounts", "同一行既有收入又有支出。", "The row says both received and paid.", field="amount_in"
            )
        if received or paid:
            return ("in", received) if received else ("out", paid)
        amount = self._amount(cells, "total_amount")
        if not amount:
            field = "total_amount" if "total_amount" in self.columns else "amount_in"
            raise ValueRefused("empty", "金额为空或为零。", "The amount is empty or zero.", field=field)
        said = self._cell(cells, "direction")
        if said.strip():
            return values.direction(said), amount
        # Without a word for it the sign says it, as in most statements.
        return ("in", amount) if amount > 0 else ("out", -amount)
