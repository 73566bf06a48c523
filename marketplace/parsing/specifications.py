"""A measured value held to what an order line specifies: pure comparisons, each with what is said of it on the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from marketplace.parsing.draft_fields import ProblemError
from marketplace.parsing.normal_form import spell
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, convert

NOUNS = frozenset({"不锈钢", "钢", "stainless", "steel"})


@dataclass(frozen=True)
class Comparison:
    attribute: str
    expected: str
    tolerance: str
    measured: str
    unit: str
    passed: bool


def rules_of(specification: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the attributes of a specification by key; a bare value is one without a tolerance.

    >>> rules_of({"attributes": {"PN": 16}})
    {'PN': {'value': 16}}
    """
    attributes = specification.get("attributes") or {}
    return {key: dict(rule) if isinstance(rule, Mapping) else {"value": rule} for key, rule in attributes.items()}


def number(value: object) -> Decimal | None:
    """Return a value as a number, None if it is none.

    >>> number("1,250.5"), number("ss304"), number(True)
    (Decimal('1250.5'), None, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def expected_text(rule: Mapping[str, Any]) -> str:
    """Return what a rule asks for, as people read it.

    >>> expected_text({"min": 48, "max": 52}), expected_text({"min": 48}), expected_text({"value": ["a", "b"]})
    ('48 – 52', '≥ 48', 'a, b')
    """
    low, high = rule.get("min"), rule.get("max")
    if low is not None or high is not None:
        if low is None:
            return f"≤ {high}"
        return f"≥ {low}" if high is None else f"{low} – {high}"
    value = rule.get("value")
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)


def tolerance_of(rule: Mapping[str, Any], value: Decimal) -> Decimal:
    """Return by how much a value may differ: as given, or in percent of it.

    >>> tolerance_of({"tolerance": "2%"}, Decimal(50)), tolerance_of({}, Decimal(50))
    (Decimal('1'), Decimal('0'))
    """
    said = rule.get("tolerance")
    text = str(said or "").strip().lstrip("±").strip()
    share = number(text.removesuffix("%"))
    if share is None:
        return Decimal(0)
    return abs(value) * share / 100 if text.endswith("%") else share


def compare(attribute: str, rule: Mapping[str, Any], said: object) -> Comparison:
    """Hold what was measured ({"measured", "unit"} or a bare value) to the rule.

    :raises ProblemError: if nothing was said, no number where one is asked for, or a unit that is no such unit
    """
    measured, unit = (said.get("measured"), said.get("unit") or "") if isinstance(said, Mapping) else (said, "")
    wanted_unit = str(rule.get("unit") or "")
    text = str(measured if measured is not None else "").strip()
    if not text:
        raise ProblemError("required", "请填写实测值。", "Say what was measured.")
    bounds = [number(rule.get(end)) for end in ("min", "max")]
    target = number(rule.get("value"))
    passed = _same_words(rule.get("value"), text)
    if target is not None or any(bound is not None for bound in bounds):
        found = number(text)
        if found is None:
            raise ProblemError("not_a_number", "请填写数字。", "Enter a number.")
        found = _converted(found, unit, wanted_unit)
        passed = _within(found, bounds, target, rule)
    return Comparison(
        attribute=attribute,
        expected=expected_text(rule)[:200],
        tolerance=_tolerance_text(rule)[:60],
        measured=text[:200],
        unit=(unit or wanted_unit)[:20],
        passed=passed,
    )


def _tolerance_text(rule: Mapping[str, Any]) -> str:
    said = rule.get("tolerance")
    return "" if said in (None, "", 0) else f"±{str(said).strip().lstrip('±')}"


def _converted(value: Decimal, unit: str, wanted: str) -> Decimal:
    if not unit or not wanted or unit == wanted:
        return value
    try:
        return Decimal(str(convert(float(value), unit, wanted)))
    except (UnknownUnit, UnitsDiffer) as error:
        raise ProblemError(
            "units_differ", f"“{unit}”不能换算成“{wanted}”。", f"“{unit}” cannot be converted to “{wanted}”."
        ) from error


def _within(found: Decimal, bounds: list[Decimal | None], target: Decimal | None, rule: Mapping[str, Any]) -> bool:
    low, high = bounds
    if low is not None or high is not None:
        return (low is None or found >= low) and (high is None or found <= high)
    return abs(found - target) <= tolerance_of(rule, target)


def _same_words(value: object, text: str) -> bool:
    if isinstance(value, bool):
        return spell(text) in (("true", "yes", "是", "有") if value else ("false", "no", "否", "无"))
    values = value if isinstance(value, list | tuple) else [value]
    # Who writes 304 where the order says SS304 means the steel.
    measured = {_plain(text), _plain(f"{text} 不锈钢")}
    return not measured.isdisjoint(_plain(str(one)) for one in values)


def _plain(text: str) -> str:
    """Return a text in its one spelling, without the noun that a grade is often said with.

    >>> _plain("304不锈钢") == _plain("SUS304") == _plain("stainless steel 304")
    True
    """
    words = [word for word in spell(text).split() if word not in NOUNS]
    return " ".join(words) or spell(text)
