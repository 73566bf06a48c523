"""One cell of a file -> a value, or what is wrong with it."""

import datetime as dt
import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from finance.reading.problems import ValueRefused

FEN = Decimal("0.01")
THOUSANDTH = Decimal("0.001")
LARGEST = Decimal("1e13")
FIRST_YEAR = 1990
CURRENCY_SIGNS = re.compile(r"[¥￥$€£,'\s]|CNY|RMB|元")
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?")
# Excel counts days from the last of 1899; such a number stands where a column of dates lost its format.
EXCEL_EPOCH = dt.date(1899, 12, 30).toordinal()
EXCEL_DAYS = range(32874, 80000)

VOID_WORDS = frozenset(
    ["作废发票", "作废", "已作废", "作废票", "失控", "失控发票", "void", "voided", "cancelled", "canceled"]
)
VALID_WORDS = frozenset(
    [
        "有效发票",
        "有效",
        "正常",
        "正常发票",
        "已开具",
        "红字发票",
        "红冲",
        "已红冲",
        "已红冲-全额",
        "已红冲-部分",
        "全额红冲",
        "部分红冲",
        "已认证",
        "已勾选",
        "valid",
        "issued",
        "normal",
        "reversed",
        "received",
    ]
)
IN_WORDS = frozenset(
    [
        "收",
        "收入",
        "收款",
        "入",
        "转入",
        "贷",
        "贷方",
        "收货",
        "进货",
        "到货",
        "入库",
        "in",
        "credit",
        "received",
        "receipt",
    ]
)
OUT_WORDS = frozenset(
    ["付", "支出", "付款", "出", "转出", "借", "借方", "发货", "送货", "出货", "出库", "out", "debit", "paid", "sent"]
)


def amount(text: str) -> Decimal:
    """Return an amount of money to the fen.

    >>> amount(" ¥1,234.50 "), amount("(12.3)"), amount("－５"), amount("943.3962")
    (Decimal('1234.50'), Decimal('-12.30'), Decimal('-5.00'), Decimal('943.40'))

    :raises ValueRefused: if it is none, or larger than a firm's books hold
    """
    return _number(text, FEN, "amount", "金额", "amount")


def quantity(text: str) -> Decimal:
    """Return a quantity to the thousandth.

    :raises ValueRefused: if it is none

    >>> quantity("1,200")
    Decimal('1200.000')
    """
    return _number(text, THOUSANDTH, "quantity", "数量", "quantity")


def _number(text: str, step: Decimal, reason: str, zh: str, en: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = _loosely(text)
    if value is None or not value.is_finite():
        raise ValueRefused(f"no_{reason}", f"“{shown(text)}”不是{zh}。", f"“{shown(text)}” is no {en}.")
    if abs(value) >= LARGEST:
        raise ValueRefused(f"{reason}_too_large", f"{zh}过大。", f"This {en} is too large.")
    return value.quantize(step, rounding=ROUND_HALF_UP)


def _loosely(text: str) -> Decimal | None:
    plain = unicodedata.normalize("NFKC", text).replace("−", "-")
    plain = CURRENCY_SIGNS.sub("", plain)
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def day(text: str, today: dt.date) -> dt.date:
    """Return the day of 2017/7/18, 2017-07-18, 20170718, 2017年7月18日 or a spreadsheet's number of it.

    :raises ValueRefused: if it is none, before 1990 or after ``today``

    >>> day("2017/7/18 09:30", dt.date(2026, 1, 1)), day("43000", dt.date(2026, 1, 1))
    (datetime.date(2017, 7, 18), datetime.date(2017, 9, 22))
    """
    value = _day(unicodedata.normalize("NFKC", text).strip())
    if value is None:
        raise ValueRefused("no_day", f"“{shown(text)}”不是日期。", f"“{shown(text)}” is no date.")
    if value.year < FIRST_YEAR:
        raise ValueRefused("day_too_early", f"{value} 太早。", f"{value} is too long ago.")
    if value > today:
        raise ValueRefused("day_to_come", f"{value} 还没有到。", f"{value} is still to come.")
    return value


def _day(text: str) -> dt.date | None:
    if text.isdigit() and len(text) == 8:
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    elif text.isdigit() and int(text) in EXCEL_DAYS:
        return dt.date.fromordinal(EXCEL_EPOCH + int(text))
    found = DAY.fullmatch(text)
    try:
        return dt.date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def is_void(text: str) -> bool:
    """Return whether this state of an invoice says that it counts for nothing; nothing said is valid.

    :raises ValueRefused: if it is no state that is known

    >>> is_void(" 作废发票"), is_void("有效发票"), is_void("")
    (True, False, False)
    """
    word = text.strip().lower()
    if word in VOID_WORDS:
        return True
    if not word or word in VALID_WORDS:
        return False
    raise ValueRefused("no_state", f"“{shown(text)}”不是发票状态。", f"“{shown(text)}” is no state of an invoice.")


def direction(text: str) -> str:
    """Return ``in`` or ``out``.

    :raises ValueRefused: if it says neither

    >>> direction("收款"), direction("发货")
    ('in', 'out')
    """
    word = text.strip().lower()
    if word in IN_WORDS:
        return "in"
    if word in OUT_WORDS:
        return "out"
    raise ValueRefused(
        "no_direction", f"“{shown(text)}”既不是收也不是付（发）。", f"“{shown(text)}” is neither in nor out."
    )


def shown(text: str) -> str:
    """Return a bad value as a report shows it: not pages of it."""
    text = text.strip()
    return text if len(text) <= 40 else f"{text[:40]}…"
