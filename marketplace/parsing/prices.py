"""Prices in a text: ¥38/只, 3.2-3.5万/吨, 预算10万以内, under $5 each, USD 1,200 per t."""

import re
from dataclasses import dataclass

from marketplace.parsing.codes import Claims, plain
from marketplace.parsing.figures import FIGURE, read_number
from marketplace.parsing.folding import Folded
from marketplace.parsing.units import canonical_unit, spellings, unit_name

# Ways of writing a currency, folded, the longer first where one begins another.
_CURRENCIES = {
    "人民币": "CNY", "rmb": "CNY", "cny": "CNY", "¥": "CNY", "元人民币": "CNY", "yuan": "CNY", "元": "CNY", "块钱": "CNY", "块": "CNY",
    "us$": "USD", "usd": "USD", "$": "USD", "美元": "USD", "美金": "USD", "dollars": "USD", "dollar": "USD",
    "eur": "EUR", "€": "EUR", "欧元": "EUR", "euros": "EUR", "euro": "EUR", "gbp": "GBP", "£": "GBP", "英镑": "GBP",
    "jpy": "JPY", "日元": "JPY", "hkd": "HKD", "hk$": "HKD", "港币": "HKD", "港元": "HKD", "krw": "KRW", "韩元": "KRW",
}  # fmt: skip
_SYMBOLS = "|".join(re.escape(name) for name in sorted(_CURRENCIES, key=len, reverse=True))
_FRONT = (
    r"(?P<front>(?<![a-z])(?:人民币|rmb|cny|¥|us\$|usd|\$|美元|美金|eur|€|欧元|gbp|£|英镑|jpy|hkd|hk\$|港币|krw))[ :]?"
)
_FRONT_AGAIN = r"(?:(?:rmb|cny|¥|us\$|usd|\$|eur|€)[ ]?)?"
_BACK = rf"(?P<back>{_SYMBOLS})(?![a-z])"
_SCALE = r"(?P<{}>十万|百万|千万|万|亿|千|k(?![a-z])|million|thousand)"
_TO = r"[ ]?(?:-|~|至|到|to|and)[ ]?"
_BASE_UNITS = "|".join(
    sorted(
        (re.escape(name) for name in spellings() if not name.isdigit() and name not in {"%", "s", "n", "k", '"'}),
        key=len,
        reverse=True,
    )
)
_PER = rf"(?:[ ]?(?:/|每|per |a |一|an |for each |for a )[ ]?(?P<per>(?:{_BASE_UNITS})s?(?![a-z])(?:[ ]?[/·*][ ]?(?:天|日|月|年|day|month|year|小时|h)(?![a-z]))?(?:[ ]?(?:/|每|per )[ ]?(?:天|日|月|年|day|month|year|小时|hour)(?![a-z]))?)|[ ](?P<each>each|apiece|ea\.?)(?![a-z])|(?P<one>一[只个件台套吨米匹箱桶]))?"
_TAIL = r"(?P<tail>[ ]?(?:左右|上下|起步|起(?![订批重])|以内|以下|之内|内(?![a-z六衬径]))|[ ]?(?:或以下|以上|max(?:imum)?|or less|or below|and up|at most|起))?"
_PRICE = re.compile(
    rf"(?:{_FRONT})?(?P<low>(?<![\d.a-z]){FIGURE})(?:[ ]?{_SCALE.format('scale_low')})?"
    rf"(?:(?:[ ]?(?:{_SYMBOLS}))?{_TO}{_FRONT_AGAIN}(?P<high>{FIGURE})(?:[ ]?{_SCALE.format('scale')})?)?(?:[ ]?{_BACK})?{_PER}{_TAIL}"
)
_CUE = re.compile(
    r"(?:价格?|单价|报价|售价|出厂价|批发价|含税价?|不含税价?|到厂价|到岸价|离岸价|目标价|指导价|心理价|最高价|限价|预算|租金|费用|工价|加工费|运费|fob|cif|exw|price[sd]?(?: at| of)?|unit price|target price|budget(?: of)?|at|cost(?:s|ing)?|quote[ds]?|rent|rate|fee|@|under|below|max(?:imum)?|up to|不超过|不高于|低于|小于|≤|<=|<|高于|不低于|over|above|at least|from|about|around|约|大约)[ :为是在≤<约的]*$"
)
_AT_MOST = re.compile(
    r"(?:不超过|不高于|低于|小于|最高|上限|限价|预算|≤|<=|<|under|below|max(?:imum)?\.?(?: price)?|up to|at most|no more than|less than|not exceeding|within|budget(?: of| is)?)[ :为是约]*$"
)
_AT_LEAST = re.compile(
    r"(?:不低于|高于|大于|最低|≥|>=|>|over|above|at least|no less than|more than|starting (?:at|from)|from|min(?:imum)?)[ :为是约]*$"
)
_TOTAL_AFTER = re.compile(r"[ ]?(?:预算|总价|总额|货值|budget|in total|total|注册资本)")
_TOTAL_BEFORE = re.compile(
    r"(?:预算|总价|总额|总预算|货值|合计|总计|budget|total)(?:[ ]?(?:of|is|price|不超过|在|约|大约|控制在|:|为|under|up to|max))*[ :]*$"
)
_NEVER_BEFORE = re.compile(
    r"(?:注册资本|注册资金|年产值|产值|营业额|销售额|capital|turnover|revenue|保证金|定金|押金|deposit|减免|补贴|奖励)[ :为约]*$"
)


_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Price:
    """A price or a range of it at folded text[start:end]; `unit` is None where it is not said, `is_total` of a budget."""

    low: float | None
    high: float | None
    currency: str
    unit: str | None
    start: int
    end: int
    is_total: bool = False
    has_currency: bool = True

    @property
    def zh(self) -> str:
        return self._reading("zh")

    @property
    def en(self) -> str:
        return self._reading("en")

    def _reading(self, language: str) -> str:
        zh = language == "zh"
        per = f"/{unit_name(self.unit, language, plural=False)}" if self.unit else ""
        total = ("（总额）" if zh else " in total") if self.is_total else ""
        low, high = (
            f"{value:,.4f}".rstrip("0").rstrip(".") if value is not None else "" for value in (self.low, self.high)
        )
        if self.low is None:
            figure = f"不超过 {high}" if zh else f"at most {high}"
        elif self.high is None:
            figure = f"不低于 {low}" if zh else f"at least {low}"
        else:
            figure = low if low == high else f"{low}–{high}"
        return f"{figure} {self.currency}".rstrip() + per + total


def find_prices(folded: Folded, claims: Claims) -> list[Price]:
    """Return the prices of the text that nothing has claimed, in its order, and claim their characters.

    >>> from marketplace.parsing.folding import fold
    >>> find_prices(fold("3.2-3.5万/吨"), Claims(99))[0].zh
    '32,000–35,000 CNY/吨'
    >>> find_prices(fold("under $5 each"), Claims(99))[0].en
    'at most 5 USD/piece'
    """
    text = folded.text
    found, position = [], 0
    while match := _PRICE.search(text, position):
        price = _read(text, match, claims)
        if price is not None and claims.take(price.start, price.end):
            found.append(price)
            position = max(match.end(), match.start() + 1)
        else:
            # Not \d+ over and over: the same figure cannot begin a price one digit later.
            position = match.end("low")
    return found


def _read(text: str, match: re.Match[str], claims: Claims) -> Price | None:
    start, end = match.start(), match.end()
    before, after = text[max(0, start - 24) : start], text[end : end + 12]
    currency = _currency(match)
    unit = _unit(match)
    cue = bool(_CUE.search(before))
    total = bool(_TOTAL_BEFORE.search(before) or (_TOTAL_AFTER.match(after) and unit is None))
    if currency is None and not _speaks_of_money(text, match, before, unit, total=total, cue=cue):
        return None
    first = match.start("low")
    # The end of 16,850 is no price; in PN16,850 the comma parts two figures.
    if text[first - 1 : first] == "," and text[first - 2 : first - 1].isdigit() and claims.free(first - 2, first - 1):
        return None
    if not claims.free(start, end) or _NEVER_BEFORE.search(before) or (match["back"] == "块" and not (cue or unit)):
        return None
    low, high = _values(match)
    if low is None or low > 1e13 or (high is not None and high < low):
        return None
    at_most, at_least = _bounds(before, match["tail"] or "", total=total)
    if high is None:
        high = low
        if at_most:
            low = None
        elif at_least:
            high = None
    if unit is not None:
        total = False
    # In a Chinese text money without a name is yuan; elsewhere it might be anything.
    named = currency or ("CNY" if _HAN.search(text) else "")
    return Price(low, high, named, unit, start, end, total, currency is not None)


def _speaks_of_money(text: str, match: re.Match[str], before: str, unit: str | None, *, total: bool, cue: bool) -> bool:
    """Say whether a figure without a currency is a price: a budget, 单价 38/只, 3.5万/吨, 8350-8400/吨."""
    if (cue or total) and (unit or total or _names_price(before)) and not _counts(text, match):
        return True
    return bool(unit and match["per"]) and unit.partition("·")[0] not in _NO_PRICE_PER


# 300/月 is an output and 500/箱 a packing.
_NO_PRICE_PER = frozenset(
    {
        "day",
        "week",
        "month",
        "year",
        "carton",
        "bag",
        "drum",
        "box",
        "pallet",
        "roll",
        "bottle",
        "spool",
        "container",
        "s",
        "min",
    }
)


def _names_price(before: str) -> bool:
    return bool(
        re.search(
            r"(?:价格?|单价|报价|售价|目标价|预算|租金|price|budget|quote)[ :为是在约of]*(?:不超过|不高于|低于|under|below|≤|<)?[ ]?$",
            before,
        )
    )


def _counts(text: str, match: re.Match[str]) -> bool:
    """Say whether a unit of goods follows the figure itself: 预算内采购 500 只."""
    return match["per"] is None and canonical_unit(text[match.end() : match.end() + 2].strip()[:1]) is not None


def _currency(match: re.Match[str]) -> str | None:
    name = match["front"] or match["back"]
    return _CURRENCIES[name] if name else None


def _unit(match: re.Match[str]) -> str | None:
    if match["each"]:
        return "piece"
    written = match["per"] or (match["one"] or "")[1:]
    if not written:
        return None
    # 元/㎡/天 is a price per square metre and day.
    parts = [part for part in re.split(r"[ ]?(?:/|每|per |·|\*)[ ]?", written) if part]
    tokens = [canonical_unit(part) or canonical_unit(part.removesuffix("s")) for part in parts]
    return "·".join(token for token in tokens if token) or None


def _values(match: re.Match[str]) -> tuple[float | None, float | None]:
    low, high = read_number(match["low"]), match["high"]
    if low is None:
        return None, None
    scale = _scale(match["scale"]) if match["scale"] else None
    if match["scale_low"]:
        low = low * _scale(match["scale_low"])
    elif scale is not None:
        low = low * scale
    if high is None:
        return _rounded(low), None
    upper = read_number(high)
    return (_rounded(low), _rounded(upper * (scale or 1))) if upper is not None else (None, None)


def _scale(word: str) -> float:
    return read_number(f"1{word}") or 1


def _rounded(value: float) -> float:
    return float(plain(value))


def _bounds(before: str, tail: str, *, total: bool) -> tuple[bool, bool]:
    tail = tail.strip()
    if tail in {"以内", "以下", "之内", "内", "或以下", "max", "maximum", "or less", "or below", "at most"}:
        return True, False
    if tail in {"起", "起步", "以上", "and up"}:
        return False, True
    at_most = bool(_AT_MOST.search(before)) or (total and tail not in {"左右", "上下"})
    return at_most, not at_most and bool(_AT_LEAST.search(before))
