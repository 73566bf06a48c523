"""Check the terms and the lines of an offer as people, forms and other systems give them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from marketplace.parsing import draft_fields as check
from marketplace.parsing.draft_fields import ProblemError
from marketplace.parsing.drafts import CHECKS

INCOTERMS = ("pickup", "delivered", "park_handover", "EXW", "FCA", "FOB", "CFR", "CIF", "DAP", "DDP")
PAYMENT_TERMS = ("prepaid", "deposit", "on_delivery", "net")
# Who brings goods says where to.
NEEDS_PLACE = ("delivered", "DAP", "DDP")
LINE_KINDS = ("goods", "charge")
MOST_LINES = 200
# A window that far away is a slip of the pen.
LONGEST_AHEAD = dt.timedelta(days=3660)
LIMITS = ("tolerance", "min", "max")

_TRUE, _FALSE = ("true", "1", "yes", "on", "是"), ("false", "0", "no", "off", "", "否")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ProblemError("not_yes_or_no", "应为是或否。", "Must be true or false.")


def _percentage(value: object) -> Decimal:
    number = check.decimal(places=2, digits=5, zero=True)(value)
    if number > 100:
        raise ProblemError("not_a_percentage", "应在 0 到 100 之间。", "Must be from 0 to 100.")
    return number


def _choice(*words: str):
    return check.one_of({word.lower(): word for word in words})


def _specification(value: object) -> dict[str, object]:
    """Take {"attributes": {key: value or {"value", "unit", "tolerance" | "min" | "max"}}, "text": ""}."""
    given = check.mapping(value)
    unknown = sorted(set(given) - {"attributes", "text"})
    attributes = given.get("attributes") or {}
    if unknown or not isinstance(attributes, Mapping):
        raise ProblemError(
            "not_a_specification",
            "应为 {attributes: {名称: {value, unit, tolerance 或 min/max}}, text}。",
            "Must be {attributes: {name: {value, unit, tolerance or min/max}}, text}.",
        )
    kept = {key: _attribute(key, one) for key, one in attributes.items() if one not in check.EMPTY}
    return {"attributes": kept, "text": check.text(4000)(given.get("text") or "")}


def _attribute(key: str, given: object) -> dict[str, object]:
    rule = dict(given) if isinstance(given, Mapping) else {"value": given}
    for name in LIMITS:
        if rule.get(name) in check.EMPTY:
            rule.pop(name, None)
            continue
        try:
            number = check._number(rule[name])  # noqa: SLF001 - the same module's reading of numbers, of any sign
        except ProblemError as problem:
            raise ProblemError(problem.code, f"{key}：{problem.zh}", f"{key}: {problem.en}") from problem
        if name == "tolerance" and number < 0:
            raise ProblemError("negative", f"{key}：公差不能为负。", f"{key}: a tolerance cannot be negative.")
        rule[name] = int(number) if number == number.to_integral() else float(number)
    if "min" in rule and "max" in rule and rule["min"] > rule["max"]:
        raise ProblemError("not_ordered", f"{key}：下限大于上限。", f"{key}: the lower limit is above the upper one.")
    return rule


TERMS = {
    "currency": check.currency,
    "tax_rate": _percentage,
    "price_includes_tax": _flag,
    "incoterm": _choice(*INCOTERMS),
    "region": CHECKS["region"],
    "address": check.text(300),
    "window_start": check.date,
    "window_end": check.date,
    "payment_term": _choice(*PAYMENT_TERMS),
    "payment_days": check.whole(largest=365),
    "deposit_percent": _percentage,
    "note": check.text(4000),
}
DEFAULTS = {
    "currency": "CNY",
    "tax_rate": Decimal(13),
    "price_includes_tax": True,
    "incoterm": "delivered",
    "region": "",
    "address": "",
    "payment_term": "net",
    "payment_days": 30,
    "deposit_percent": Decimal(0),
    "note": "",
}
LINE = {
    "kind": _choice(*LINE_KINDS),
    "description": check.text(300),
    "specification": _specification,
    "quantity": CHECKS["quantity"],
    "unit": CHECKS["unit"],
    "unit_price": check.decimal(places=4, zero=True),
}
LINE_DEFAULTS = {"kind": "goods", "specification": {"attributes": {}, "text": ""}}
REQUIRED = ProblemError("required", "必填。", "This is required.")


@dataclass(slots=True)
class DealTerms:
    """Cleaned terms and lines, and what is wrong by field (``lines.0.quantity``)."""

    terms: dict[str, object] = field(default_factory=dict)
    lines: list[dict[str, object]] = field(default_factory=list)
    problems: dict[str, list[ProblemError]] = field(default_factory=dict)

    def refuse(self, name: str, code: str, zh: str, en: str) -> None:
        self.problems.setdefault(name, []).append(ProblemError(code, zh, en))


def read_deal_terms(
    terms: Mapping[str, object], lines: Sequence[Mapping[str, object]], *, today: dt.date, has_park: bool = False
) -> DealTerms:
    """Return the terms as they can be kept, or what is wrong with them; the park is for the caller to look up.

    >>> today = dt.date(2026, 3, 2)
    >>> line = {"description": "球阀", "quantity": 5, "unit": "只", "unit_price": "98.5"}
    >>> read = read_deal_terms({"window_start": "2026-03-10", "window_end": "2026-02-01", "region": "台州"}, [line], today=today)
    >>> read.lines[0]["unit"], sorted(read.problems)
    ('piece', ['window_end'])
    """
    deal = DealTerms(dict(DEFAULTS))
    _take(deal, "", terms, TERMS, deal.terms)
    _check_window(deal, today)
    _check_place(deal, has_park=has_park)
    _check_payment(deal)
    if not lines:
        deal.refuse("lines", "required", "至少一行。", "At least one line.")
    if len(lines) > MOST_LINES:
        deal.refuse("lines", "too_many", f"最多 {MOST_LINES} 行。", f"At most {MOST_LINES} lines.")
    for position, line in enumerate(lines[:MOST_LINES]):
        _read_line(deal, position, line)
    if deal.lines and not deal.problems and all(line["kind"] == "charge" for line in deal.lines):
        deal.refuse("lines", "no_goods", "至少一行是货物或服务。", "At least one line must be goods or a service.")
    return deal


def _take(deal: DealTerms, prefix: str, given: object, checks: Mapping, values: dict) -> None:
    if not isinstance(given, Mapping):
        deal.refuse(prefix.rstrip(".") or "terms", "not_an_object", "应为键值对象。", "Must be an object.")
        return
    for name, value in check.storable(given).items():
        if name not in checks:
            deal.refuse(f"{prefix}{name}", "unknown", "没有此字段。", "There is no such field.")
        elif value not in check.EMPTY:
            try:
                values[name] = checks[name](value)
            except ProblemError as problem:
                deal.problems.setdefault(f"{prefix}{name}", []).append(problem)


def _check_window(deal: DealTerms, today: dt.date) -> None:
    start, end = deal.terms.get("window_start"), deal.terms.get("window_end")
    for name, day in (("window_start", start), ("window_end", end)):
        if day is None:
            if name not in deal.problems:
                deal.problems[name] = [REQUIRED]
        elif day < today:
            deal.refuse(name, "past", "日期已过。", "This date is past.")
        elif day > today + LONGEST_AHEAD:
            deal.refuse(name, "too_far", "日期太远。", "This date is too far away.")
    if start and end and end < start and "window_end" not in deal.problems:
        deal.refuse("window_end", "not_ordered", "早于开始日期。", "It is before the start.")


def _check_place(deal: DealTerms, *, has_park: bool) -> None:
    terms = deal.terms
    if terms["incoterm"] == "park_handover" and not has_park:
        deal.refuse("park", "required", "请选择交收的园区。", "Name the park where it is handed over.")
    if terms["incoterm"] in NEEDS_PLACE and not (has_park or terms["region"] or terms["address"]):
        deal.refuse("address", "required", "请填写送货地址。", "Say where it is delivered to.")


def _check_payment(deal: DealTerms) -> None:
    """Leave out what the chosen payment has no use for, so that equal terms are equal."""
    terms = deal.terms
    if terms["payment_term"] == "deposit":
        if not 0 < terms["deposit_percent"] < 100:
            deal.refuse("deposit_percent", "not_between", "应大于 0 且小于 100。", "Must be above 0 and below 100.")
    else:
        terms["deposit_percent"] = Decimal(0)
    if terms["payment_term"] != "net":
        terms["payment_days"] = 0


def _read_line(deal: DealTerms, position: int, given: Mapping[str, object]) -> None:
    prefix = f"lines.{position}."
    values: dict[str, object] = dict(LINE_DEFAULTS)
    _take(deal, prefix, given, LINE, values)
    if values["kind"] == "charge":
        values.setdefault("unit", "job")
        values.setdefault("quantity", Decimal(1))
    for name in ("description", "quantity", "unit", "unit_price"):
        if name not in values and f"{prefix}{name}" not in deal.problems:
            deal.problems[f"{prefix}{name}"] = [REQUIRED]
    deal.lines.append(values)
