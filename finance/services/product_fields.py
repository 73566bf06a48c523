"""Read what a bank says of a product, or name every field that cannot be taken."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from config.errors import InputRefused
from finance.models import CreditProduct, DataGroup

MOST = Decimal("9999999999999999.99")
LONGEST_TERM = 3650
DEAREST_BP = 3600
NUMBERS = {"min_score": (0, 1000), "min_months_of_records": (1, 120), "max_percent_of_sales": (1, 100)}
LISTS = {"regions": 6, "industries": 4}
FLAGS = ("needs_guarantee", "needs_core_enterprise")
TEXTS = {"code": 40, "name_zh": 100, "name_en": 100, "about_zh": 2000, "about_en": 2000}
WHOLE = {
    "min_days": (1, LONGEST_TERM),
    "max_days": (1, LONGEST_TERM),
    "base_rate_bp": (0, DEAREST_BP),
    "guarantee_discount_bp": (0, DEAREST_BP),
    "penalty_bp": (0, 100),
}
REQUIRED = ("code", "name_zh", "min_amount", "max_amount", "offered_from")


def read_product(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the clean values of a product.

    :raises InputRefused: naming each field that cannot be taken
    """
    errors: dict[str, list[str]] = {}
    said = {name: fields[name] for name in CreditProduct.PROFILE_FIELDS if name in fields}
    for name in REQUIRED:
        if said.get(name) in (None, ""):
            errors[name] = [_("This is needed.")]
    for name, longest in TEXTS.items():
        said[name] = str(said.get(name) or "").strip()
        if len(said[name]) > longest:
            errors[name] = [_("At most %(count)d characters.") % {"count": longest}]
    _numbers(said, errors)
    for name, choices in (("kind", CreditProduct.Kind.values), ("signing", CreditProduct.Signing.values)):
        if name in said and said[name] not in choices:
            errors[name] = [_("This is none of the choices.")]
    for name, choices in (("repayment_methods", CreditProduct.Repayment.values), ("consent_groups", DataGroup.values)):
        if name == "repayment_methods" or name in said:
            said[name] = _some(said.get(name), name, choices, errors)
    said["spread_bp"] = _spread(said.get("spread_bp"), errors)
    said["eligibility"] = _eligibility(said.get("eligibility") or {}, errors)
    _days(said, errors)
    if errors:
        raise InputRefused(errors)
    return said


def _numbers(said: dict[str, Any], errors: dict[str, list[str]]) -> None:
    for name in ("min_amount", "max_amount"):
        if name not in errors:
            said[name] = _money(said[name], name, errors)
    for name, (least, most) in WHOLE.items():
        if name in said:
            said[name] = _whole(said[name], name, least, most, errors)
    _pair(said, "min_amount", "max_amount", _("Must not be below the least amount."), errors)
    _pair(said, "min_days", "max_days", _("Must not be below the shortest term."), errors)


def _money(value: Any, name: str, errors: dict[str, list[str]]) -> Decimal | None:
    try:
        amount = Decimal(str(value).replace(",", "").strip())
    except InvalidOperation:
        errors[name] = [_("Not a number.")]
        return None
    if not amount.is_finite() or not 0 < amount <= MOST or amount != amount.quantize(Decimal("0.01")):
        errors[name] = [_("An amount above 0 with at most two decimal places.")]
        return None
    return amount


def _whole(value: Any, name: str, least: int, most: int, errors: dict[str, list[str]]) -> int | None:
    try:
        number = int(str(value).strip())
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        errors[name] = [_("A whole number from %(least)d to %(most)d.") % {"least": least, "most": most}]
        return None
    return number


def _pair(said: dict[str, Any], low: str, high: str, message: str, errors: dict[str, list[str]]) -> None:
    first, second = said.get(low), said.get(high)
    if low not in errors and high not in errors and first is not None and second is not None and second < first:
        errors[high] = [message]


def _some(values: Any, name: str, choices: list[str], errors: dict[str, list[str]]) -> list[str]:
    chosen = list(values or [])
    if not chosen or set(chosen) - set(choices):
        errors[name] = [_("Choose at least one of those offered.")]
        return []
    return [one for one in choices if one in chosen]


def _spread(value: Any, errors: dict[str, list[str]]) -> dict[str, int]:
    if not isinstance(value, Mapping) or not value:
        errors["spread_bp"] = [_("Say what is added for at least one grade.")]
        return {}
    spread: dict[str, int] = {}
    for grade, added in value.items():
        name = str(grade).strip()
        problems: dict[str, list[str]] = {}
        number = _whole(added, "spread_bp", 0, DEAREST_BP, problems)
        if number is None or not 0 < len(name) <= 5:
            text = _("Grade “%(grade)s”: a whole number of basis points from 0 to %(most)d.")
            errors["spread_bp"] = [text % {"grade": name, "most": DEAREST_BP}]
        else:
            spread[name] = number
    return spread


def _eligibility(value: Any, errors: dict[str, list[str]]) -> dict[str, Any]:
    """Return the rules that ask something; what is empty asks nothing."""
    known = {*NUMBERS, *LISTS, *FLAGS, "min_grade", "min_sales_per_year"}
    if not isinstance(value, Mapping) or (unknown := set(value) - known):
        names = ", ".join(sorted(map(str, unknown))) if isinstance(value, Mapping) else ""
        errors["eligibility"] = [_("There are no such rules: %(names)s.") % {"names": names}]
        return {}
    rules: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name, (least, most) in NUMBERS.items():
        if value.get(name) not in (None, ""):
            rules[name] = _whole(value[name], f"eligibility.{name}", least, most, problems)
    if value.get("min_sales_per_year") not in (None, ""):
        amount = _money(value["min_sales_per_year"], "eligibility.min_sales_per_year", problems)
        rules["min_sales_per_year"] = str(amount)
    if grade := str(value.get("min_grade") or "").strip():
        rules["min_grade"] = grade[:5]
    for name, longest in LISTS.items():
        if codes := _codes(value.get(name) or [], f"eligibility.{name}", longest, problems):
            rules[name] = codes
    for name in FLAGS:
        if value.get(name) in (True, "true", "on", "1", 1):
            rules[name] = True
    errors.update(problems)
    return rules


def _codes(given: Any, name: str, longest: int, errors: dict[str, list[str]]) -> list[str]:
    listed = given.replace("，", ",").split(",") if isinstance(given, str) else given
    codes = [code for one in listed if (code := str(one).strip().upper())]
    if any(len(code) > longest or not code.isalnum() for code in codes):
        errors[name] = [_("Codes or their beginnings, separated by commas.")]
        return []
    return codes


def _days(said: dict[str, Any], errors: dict[str, list[str]]) -> None:
    for name in ("offered_from", "offered_until"):
        value = said.get(name)
        if isinstance(value, str) and value:
            try:
                said[name] = date.fromisoformat(value.strip())
            except ValueError:
                errors[name] = [_("Not a day.")]
        elif value == "":
            said[name] = None
    if not errors.keys() & {"offered_from", "offered_until"} and said.get("offered_until"):
        _pair(said, "offered_from", "offered_until", _("Must not lie before the first day."), errors)
