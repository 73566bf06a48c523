"""Check one field of a listing as people, files and other systems write it: a value that can be kept, or what is wrong."""

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from marketplace.parsing.folding import fold

ZONE = ZoneInfo("Asia/Shanghai")
EMPTY = (None, "", [], (), {})
# Of numbers and of nesting in attributes.
LARGEST = 10**15
DEEPEST = 5
_SEPARATORS = re.compile(r"[,;|\n，；、]+")
_MYRIADS = {"万": 10_000, "亿": 100_000_000, "k": 1000}


class ProblemError(ValueError):
    """What is wrong with a value: a code for machines, a sentence in both languages."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code, self.zh, self.en = code, zh, en
        super().__init__(en)


SIDES = {
    "supply": "supply", "供应": "supply", "供给": "supply", "出售": "supply", "卖": "supply", "sell": "supply", "offer": "supply",
    "demand": "demand", "需求": "demand", "求购": "demand", "采购": "demand", "买": "demand", "buy": "demand", "want": "demand",
}  # fmt: skip
KINDS = {
    "product": "product", "产品": "product", "商品": "product", "货物": "product", "goods": "product",
    "capacity": "capacity", "产能": "capacity",
    "service": "service", "服务": "service",
    "space": "space", "场地": "space", "空间": "space", "仓储": "space",
    "data": "data", "数据": "data", "数据产品": "data", "data product": "data",
}  # fmt: skip
VISIBILITIES = {
    "public": "public", "公开": "public", "所有人": "public", "everybody": "public",
    "verified": "verified", "认证企业": "verified", "已认证": "verified", "verified organisations": "verified",
    "named": "named", "指定": "named", "指定企业": "named", "named organisations": "named",
}  # fmt: skip


def one_of(words: Mapping[str, str]) -> Callable[[object], str]:
    """Return a check that takes one of these words, in either language."""
    allowed = ", ".join(dict.fromkeys(words.values()))

    def clean(value: object) -> str:
        if isinstance(value, str) and (found := words.get(fold(value).text)):
            return found
        raise ProblemError("not_a_choice", f"只能是以下之一：{allowed}。", f"Must be one of: {allowed}.")

    return clean


def text(limit: int) -> Callable[[object], str]:
    """Return a check that takes a text of at most so many characters."""

    def clean(value: object) -> str:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            value = f"{value:.15g}" if isinstance(value, float) else str(value)
        if not isinstance(value, str):
            raise ProblemError("not_text", "应为文字。", "Must be a text.")
        value = value.strip()
        if len(value) > limit:
            raise ProblemError("too_long", f"最多 {limit} 个字符。", f"At most {limit} characters.")
        return value

    return clean


def storable(value: object, depth: int = 0) -> object:
    """Return a value whose texts are without what no database keeps: NUL, and halves of characters."""
    if depth > 2 * DEEPEST:
        return None
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [storable(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item, depth + 1) for key, item in value.items()}
    return value


def decimal(*, places: int, digits: int = 18, zero: bool = False) -> Callable[[object], Decimal]:
    """Return a check that takes a number above zero (or zero), with thousands separators, 万 and 亿 if written."""

    def clean(value: object) -> Decimal:
        number = _number(value)
        if number < 0 or (number == 0 and not zero):
            raise ProblemError("not_positive", "必须大于零。", "Must be greater than zero.")
        rounded = (
            number.quantize(Decimal(1).scaleb(-places)) if abs(number) < Decimal(10) ** (digits - places) else None
        )
        if rounded is None:
            raise ProblemError("too_large", "数值过大。", "The number is too large.")
        if rounded != number and not isinstance(value, float):
            raise ProblemError(
                "too_precise", f"最多 {places} 位小数。", f"At most {places} digits after the decimal point."
            )
        if rounded == 0 and not zero:
            raise ProblemError("not_positive", "必须大于零。", "Must be greater than zero.")
        # 500, not 500.000: what is echoed should read as it was written.
        return rounded.normalize() if rounded != rounded.to_integral() else Decimal(int(rounded))

    return clean


def _number(value: object) -> Decimal:
    if isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        plain = fold(value).text.replace(",", "").replace(" ", "")
        factor = 1
        while plain and plain[-1] in _MYRIADS:
            factor *= _MYRIADS[plain[-1]]
            plain = plain[:-1]
        value = plain if factor == 1 else (plain, factor)
    try:
        number = Decimal(value[0]) * value[1] if isinstance(value, tuple) else Decimal(str(value))
    except (InvalidOperation, ValueError) as error:
        raise ProblemError("not_a_number", "应为数字。", "Must be a number.") from error
    if not number.is_finite():
        raise ProblemError("not_a_number", "应为数字。", "Must be a number.")
    return number


def whole(*, largest: int) -> Callable[[object], int]:
    """Return a check that takes a whole number from 0."""

    def clean(value: object) -> int:
        number = _number(value)
        if number != number.to_integral() or not 0 <= number <= largest:
            raise ProblemError(
                "not_a_whole_number", f"应为 0 到 {largest} 的整数。", f"Must be a whole number from 0 to {largest}."
            )
        return int(number)

    return clean


_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$")


def date(value: object) -> dt.date:
    """Take a date, or a text such as 2026-12-31, 2026/12/31 or 2026年12月31日."""
    if isinstance(value, dt.datetime):
        return value.astimezone(ZONE).date() if value.tzinfo else value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str) and (match := _DATE.match(fold(value).text)):
        try:
            return dt.date(*map(int, match.groups()))
        except ValueError:
            pass
    raise ProblemError("not_a_date", "应为日期，例如 2026-12-31。", "Must be a date such as 2026-12-31.")


def moment(value: object) -> dt.datetime:
    """Take a moment in ISO 8601; a bare date means the end of that day in Shanghai."""
    if isinstance(value, str):
        try:
            return date(value) and dt.datetime.combine(date(value), dt.time.max.replace(microsecond=0), ZONE)
        except ProblemError:
            pass
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise ProblemError(
                "not_a_moment",
                "应为日期或时间，例如 2026-12-31 或 2026-12-31T18:00:00+08:00。",
                "Must be a date or a time such as 2026-12-31 or 2026-12-31T18:00:00+08:00.",
            ) from error
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=ZONE)
    return dt.datetime.combine(date(value), dt.time.max.replace(microsecond=0), ZONE)


def several(value: object) -> list:
    """Take a list, or a text that separates its items by comma, semicolon, vertical bar or 、."""
    if isinstance(value, str):
        return [item.strip() for item in _SEPARATORS.split(value) if item.strip()]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    raise ProblemError("not_a_list", "应为列表。", "Must be a list.")


def mapping(value: object) -> dict[str, object]:
    """Take an object, or its JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ProblemError("not_json", "应为 JSON 对象。", "Must be a JSON object.") from error
    if isinstance(value, Mapping):
        return _as_json(value)
    raise ProblemError("not_an_object", "应为键值对象。", "Must be an object of names and values.")


def _as_json(value: object, depth: int = 0) -> object:
    """Return the value as JSON can keep it."""
    if depth > DEEPEST or (isinstance(value, float) and not math.isfinite(value)):
        raise ProblemError("not_json", "应为 JSON 对象。", "Must be a JSON object.")
    if isinstance(value, Mapping):
        return {str(key): _as_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item, depth + 1) for item in value]
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise ProblemError("too_large", "数值过大。", "The number is too large.")
    return value if value is None or isinstance(value, bool | int | float) else str(value)


CURRENCIES = {
    "CNY": "CNY", "RMB": "CNY", "CNH": "CNY", "人民币": "CNY", "元": "CNY", "¥": "CNY", "￥": "CNY",
    "美元": "USD", "$": "USD", "US$": "USD", "欧元": "EUR", "€": "EUR", "日元": "JPY", "英镑": "GBP", "£": "GBP",
    "港元": "HKD", "港币": "HKD",
}  # fmt: skip
# The currencies of China's trade, by ISO 4217.
ISO_CURRENCIES = frozenset(
    [
        "AED",
        "AUD",
        "BDT",
        "BRL",
        "CAD",
        "CHF",
        "CLP",
        "CNY",
        "CZK",
        "DKK",
        "EGP",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "JPY",
        "KHR",
        "KRW",
        "KZT",
        "LAK",
        "MMK",
        "MOP",
        "MXN",
        "MYR",
        "NOK",
        "NZD",
        "PHP",
        "PKR",
        "PLN",
        "RUB",
        "SAR",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "TWD",
        "UAH",
        "USD",
        "VND",
        "ZAR",
    ]
)


def currency(value: object) -> str:
    """Take a currency by its ISO code, or as people write it (元, RMB, US$)."""
    written = value.strip().upper() if isinstance(value, str) else ""
    found = CURRENCIES.get(written, written)
    if found not in ISO_CURRENCIES:
        raise ProblemError(
            "unknown_currency",
            "未知币种：请用三个字母的代码，例如 CNY。",
            "Unknown currency: use a three-letter code such as CNY.",
        )
    return found


@dataclass(slots=True)
class Draft:
    """A listing that is not kept yet: cleaned values by field, what was read out of the text, and what is wrong.

    ``values["category"]`` is a code. ``problems`` maps a field (``attributes.DN``) to what is wrong with it. A reading
    is {field, value, start, end, zh, en, is_ambiguous}: what was read, where it stands in the text, and how it was
    understood.
    """

    values: dict[str, object] = field(default_factory=dict)
    certificates: list[dict[str, object]] = field(default_factory=list)
    readings: list[dict[str, object]] = field(default_factory=list)
    problems: dict[str, list[ProblemError]] = field(default_factory=dict)

    def refuse(self, name: str, problem: ProblemError) -> None:
        self.problems.setdefault(name, []).append(problem)

    def is_read(self, name: str) -> bool:
        """Say whether a value was read out of the text, and not said."""
        return any(reading["field"] == name for reading in self.readings)

    def drop(self, name: str) -> None:
        """Forget a value that had been read."""
        whole, _dot, key = name.partition(".")
        self.values[whole].pop(key) if key else self.values.pop(whole)
        self.readings = [reading for reading in self.readings if reading["field"] != name]
