"""A bank's file of what it paid out and received: its columns, and each row as a payment or what is wrong with it."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from finance.reading.layouts import Column, plain
from finance.reading.problems import FileRefused, Problem, ValueRefused
from finance.reading.tables import read_table
from finance.reading.values import amount as read_amount
from finance.reading.values import day as read_day
from finance.reading.values import shown

DISBURSEMENT, REPAYMENT = "disbursement", "repayment"
MOST_ROWS = 20_000
LONGEST = {"reference": 100, "loan_number": 40, "party": 200, "note": 300}
KIND_WORDS = {
    DISBURSEMENT: ("放款", "发放", "贷款发放", "受托支付", "disbursement", "payout", "paid out", "drawdown"),
    REPAYMENT: ("还款", "回收", "贷款回收", "本息回收", "repayment", "received", "payment received"),
}
YES, NO = ("是", "y", "yes", "1", "true", "提前"), ("", "否", "n", "no", "0", "false", "正常")

COLUMNS = (
    Column("kind", ("业务类型", "类型", "交易类型"), ("kind", "type"), "还款", "放款或还款", "disbursement or repayment", True),
    Column("reference", ("银行流水号", "流水号", "交易流水"), ("bank reference", "reference"), "LS20260301-0001",
           "同一类型内唯一，重复的行只计一次", "unique within its kind: the same again counts once", True),
    Column("loan_number", ("借据号", "放款编号", "贷款编号"), ("loan", "loan number", "drawdown"), "FK260302-ABC123",
           "本平台的放款编号", "the number of the drawdown on this platform", True),
    Column("amount", ("金额", "交易金额"), ("amount",), "100000.00", "", "", True),
    Column("day", ("日期", "交易日期", "入账日期"), ("date", "booked on"), "2026-03-01", "", "", True),
    Column("currency", ("币种", "货币"), ("currency",), "CNY", "不填为 CNY", "CNY where nothing is said"),
    Column("is_early", ("提前还款",), ("early", "early repayment"), "否", "是或否", "yes or no"),
    Column("party", ("对方户名", "收款人", "付款人"), ("party", "counterparty"), "台州水泵有限公司"),
    Column("note", ("摘要", "备注"), ("note", "text", "remark"), ""),
)  # fmt: skip


class BankPayment(NamedTuple):
    """One row: the bank paid out a loan, or received a repayment of one."""

    line: int
    kind: str
    reference: str
    loan_number: str
    amount: Decimal
    day: dt.date
    currency: str = "CNY"
    is_early: bool = False
    party: str = ""
    note: str = ""


def read_bank_file(content: bytes, today: dt.date) -> Iterator[BankPayment | Problem]:
    r"""Yield each row of the file, in its order, as a payment or as what is wrong with it.

    :raises FileRefused: if it is no table, lacks a column, or is too long

    >>> text = "业务类型,银行流水号,借据号,金额,日期\n还款,LS1,FK1,100.00,2026-03-01\n还款,LS2,FK1,一百,2026-03-01\n"
    >>> good, bad = read_bank_file(text.encode(), dt.date(2026, 3, 2))
    >>> good.amount, bad.line, bad.field, bad.reason
    (Decimal('100.00'), 3, '金额', 'no_amount')
    """
    rows = read_table(content)
    heading = next(rows, None)
    if heading is None:
        raise FileRefused("empty_file", "文件是空的。", "The file is empty.")
    places = _find(heading[1])
    seen: dict[tuple[str, str], int] = {}
    for count, (line, cells) in enumerate(rows, start=1):
        if count > MOST_ROWS:
            raise FileRefused("too_many_rows", f"最多 {MOST_ROWS} 行。", f"At most {MOST_ROWS} rows.")
        yield _read_row(line, cells, places, heading[1], seen, today)


def template(*, english: bool) -> list[tuple[str, str, str]]:
    """Return heading, example and advice of each column.

    >>> template(english=True)[0]
    ('kind', '还款', 'disbursement or repayment')
    """
    if english:
        return [(column.en[0], column.example, column.help_en) for column in COLUMNS]
    return [(column.zh[0], column.example, column.help_zh) for column in COLUMNS]


def _find(row: Sequence[str]) -> dict[str, int]:
    names = [plain(str(cell)) for cell in row]
    places: dict[str, int] = {}
    missing = []
    for column in COLUMNS:
        found = (names.index(plain(name)) for name in (*column.zh, *column.en) if plain(name) in names)
        at = next((at for at in found if at not in places.values()), None)
        if at is not None:
            places[column.field] = at
        elif column.is_needed:
            missing.append(column)
    if missing:
        zh, en = "、".join(column.zh[0] for column in missing), ", ".join(column.en[0] for column in missing)
        raise FileRefused("no_column", f"缺少列：{zh}。", f"These columns are missing: {en}.", field=missing[0].zh[0])
    return places


def _read_row(
    line: int,
    cells: Sequence[str],
    places: dict[str, int],
    heading: Sequence[str],
    seen: dict[tuple[str, str], int],
    today: dt.date,
) -> BankPayment | Problem:
    texts = {name: str(cells[at]).strip() if at < len(cells) else "" for name, at in places.items()}
    values: dict[str, object] = {}
    for name, read in (
        ("kind", _kind),
        ("reference", _text("reference", is_needed=True)),
        ("loan_number", _text("loan_number", is_needed=True)),
        ("amount", _amount),
        ("day", lambda text: read_day(text, today)),
        ("currency", _currency),
        ("is_early", _yes),
        ("party", _text("party")),
        ("note", _text("note")),
    ):
        try:
            if name in texts:
                values[name] = read(texts[name])
        except ValueRefused as refused:
            return Problem(line, str(heading[places[name]]).strip(), refused.reason, refused.zh, refused.en)
    payment = BankPayment(line=line, **values)
    first = seen.setdefault((payment.kind, payment.reference), line)
    if first != line:
        return Problem(
            line,
            str(heading[places["reference"]]).strip(),
            "reference_twice",
            f"流水号与第 {first} 行重复。",
            f"The reference stands in line {first} already.",
        )
    return payment


def _kind(text: str) -> str:
    for kind, words in KIND_WORDS.items():
        if text.lower() in words:
            return kind
    message = f"“{shown(text)}”既不是放款也不是还款。", f"“{shown(text)}” is neither a disbursement nor a repayment."
    raise ValueRefused("no_kind", *message)


def _amount(text: str) -> Decimal:
    value = read_amount(text)
    if value <= 0:
        raise ValueRefused("not_positive", "金额须大于 0。", "The amount must be above 0.")
    return value


def _currency(text: str) -> str:
    code = {"": "CNY", "人民币": "CNY", "RMB": "CNY"}.get(text.upper(), text.upper())
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ValueRefused(
            "no_currency", f"“{shown(text)}”不是币种代码。", f"“{shown(text)}” is no code of a currency."
        )
    return code


def _yes(text: str) -> bool:
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise ValueRefused(
        "neither_yes_nor_no", f"“{shown(text)}”既不是是也不是否。", f"“{shown(text)}” is neither yes nor no."
    )


def _text(name: str, *, is_needed: bool = False):
    def read(text: str) -> str:
        if is_needed and not text:
            raise ValueRefused("empty", "不能为空。", "This may not be empty.")
        if len(text) > LONGEST[name]:
            most = LONGEST[name]
            raise ValueRefused("too_long", f"最多 {most} 个字符。", f"At most {most} characters.")
        return text

    return read
