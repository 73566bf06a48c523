"""Check a listing's attributes against its category's schema: units converted, synonyms resolved, errors that name the attribute."""

import math
import re
from collections.abc import Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from marketplace.parsing.attribute_values import allowed_values
from marketplace.parsing.figures import read_number
from marketplace.parsing.folding import fold
from marketplace.parsing.normal_form import codes
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, canonical_unit, convert, unit_name

Problem = tuple[str, str, str]
_AMOUNT = re.compile(
    r"(?P<sign>[-+]?)[ ]?(?P<figure>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[-+]?\d+)?|[一二两三四五六七八九十百千万半零〇]+)[ ]?(?P<unit>.*)$"
)
_CODED = re.compile(r"^(?:dn|pn|ip|class|φ|≥|≤|>=|<=|>|<)[ -]?(?=\d)")
_INCH_DN = re.compile(r"^\d{1,2}(?:[- ]\d/\d|/\d|\.\d+)?[ ]?(?:\"|in(?:ch(?:es)?)?|寸|英寸|吋)$")
_TRUE = frozenset({"true", "yes", "y", "1", "是", "有", "对", "√"})
_FALSE = frozenset({"false", "no", "n", "0", "否", "无", "没有", "x"})


class _NotAllowedError(ValueError):
    def __init__(self, code: str, zh: str, en: str) -> None:
        self.problem: Problem = (code, zh, en)
        super().__init__(en)


def validate_attributes(schema: Mapping, attributes: Mapping) -> tuple[dict[str, object], dict[str, list[Problem]]]:
    """Return the attributes as the schema has them, and what is wrong by attribute: code, Chinese and English message.

    A number may come with a unit ("2寸", "50 mm", {"value": 2, "unit": "in"}), a choice under any of its names (SUS304).

    >>> schema = {"properties": {"DN": {"type": "number", "unit": "mm", "title_zh": "公称直径", "title_en": "Nominal diameter"},
    ...     "material": {"type": "string", "enum": ["ss304", "wcb"]}}, "required": ["DN"], "additionalProperties": False}
    >>> validate_attributes(schema, {"DN": "5 cm", "material": "SUS304"})
    ({'DN': 50, 'material': 'ss304'}, {})
    >>> validate_attributes(schema, {"material": "gold"})[1]["DN"][0][0]
    'required'
    """
    properties: Mapping[str, Mapping] = schema.get("properties", {})
    keys = {fold(key).text: key for key in properties}
    clean: dict[str, object] = {}
    errors: dict[str, list[Problem]] = {}
    for name, value in attributes.items():
        key = name if name in properties else keys.get(fold(str(name)).text, name)
        if value is None or value == "":
            continue
        rules = properties.get(key)
        if rules is None:
            if schema.get("additionalProperties", True) is False:
                errors.setdefault(str(name), []).append(
                    ("unknown_attribute", "该类别没有这个属性。", "The category has no such attribute.")
                )
            else:
                clean[key] = value
            continue
        try:
            clean[key] = _converted(value, rules)
        except _NotAllowedError as error:
            errors.setdefault(key, []).append(error.problem)
    for error in sorted(
        _validator(schema).iter_errors(clean), key=lambda error: (list(map(str, error.path)), error.validator)
    ):
        for key, problem in _told(error, properties):
            if key not in errors:
                errors.setdefault(key, []).append(problem)
    return {key: value for key, value in clean.items() if key not in errors}, errors


# Making a validator costs more than using it; the schema is kept beside it, so an id is never another's.
_VALIDATORS: dict[int, tuple[Mapping, Draft202012Validator]] = {}


def _validator(schema: Mapping) -> Draft202012Validator:
    known = _VALIDATORS.get(id(schema))
    if known is None or known[0] is not schema:
        if len(_VALIDATORS) > 4096:
            _VALIDATORS.clear()
        known = _VALIDATORS[id(schema)] = (schema, Draft202012Validator(dict(schema)))
    return known[1]


def _converted(value: object, rules: Mapping) -> object:
    kind = rules.get("type")
    if kind in {"number", "integer"}:
        return _number(value, rules)
    if kind == "boolean":
        return _truth(value)
    if kind == "array":
        items = rules.get("items", {})
        return [
            _converted(item, items)
            for item in (value if isinstance(value, list | tuple) else re.split(r"[,;、，；]", str(value)))
        ]
    if kind == "object" and isinstance(value, Mapping):
        return {end: _number(value[end], rules) if end in {"min", "max"} else value[end] for end in value}
    if kind == "string":
        return _choice(value, rules)
    return value


def _number(value: object, rules: Mapping) -> float | int:
    unit = None
    if isinstance(value, Mapping):
        unit, value = value.get("unit"), value.get("value")
    if isinstance(value, bool) or value is None:
        raise _NotAllowedError("not_a_number", "应为数字。", "Must be a number.")
    figure = float(value) if isinstance(value, int | float) else None
    if figure is None:
        figure, written = _amount(str(value), rules)
        unit = written or unit
    if figure is None or not math.isfinite(figure):
        raise _NotAllowedError("not_a_number", f"“{value}”不是数字。", f"“{value}” is not a number.")
    figure = _in_unit(figure, str(unit), rules) if unit else figure
    figure = float(f"{figure:.12g}")
    return int(figure) if figure.is_integer() and abs(figure) < 1e15 else figure


def _amount(text: str, rules: Mapping) -> tuple[float | None, str]:
    plain = fold(text).text.strip()
    # A size in inches stands for the nominal diameter beside it: 2寸 is DN50, not 50.8 mm.
    if rules.get("codes") == "dn" and _INCH_DN.match(plain) and (found := codes(f"nps {plain}")):
        return float(found[0].removeprefix("dn")), ""
    kind = rules.get("codes")
    # PN1.6 and 16公斤 are PN16: the normal form knows how pressures are written.
    for written in (plain, f"pn{plain}" if kind == "pn" and re.search(r"\d[ ]?[^\d.]", plain) else ""):
        if kind in {"dn", "pn"} and (found := [token for token in codes(written) if token.startswith(kind)]):
            return float(found[0][2:]), ""
    match = _AMOUNT.match(_CODED.sub("", plain))
    if match is None:
        return None, ""
    try:
        figure = float(match["figure"].replace(",", ""))
    except ValueError:
        figure = read_number(match["figure"])
    if figure is None:
        return None, ""
    return (-figure if match["sign"] == "-" else figure), match["unit"].strip()


def _in_unit(figure: float, unit: str, rules: Mapping) -> float:
    wanted = rules.get("unit")
    if not wanted:
        if rules.get("codes") == "ip" or canonical_unit(unit) is None:
            raise _NotAllowedError("not_a_number", f"“{unit}”不是数字的一部分。", f"“{unit}” is no part of a number.")
        raise _NotAllowedError(
            "no_unit", "该属性没有单位，请只填数字。", "This attribute has no unit: give the number alone."
        )
    if unit == wanted:
        return figure
    try:
        return convert(figure, unit, wanted)
    except UnknownUnit:
        raise _NotAllowedError(
            "unknown_unit",
            f"未知单位“{unit}”，请用 {unit_name(wanted, 'zh')}。",
            f"Unknown unit “{unit}”: use {unit_name(wanted, 'en')}.",
        ) from None
    except UnitsDiffer:
        raise _NotAllowedError(
            "wrong_unit",
            f"单位“{unit}”不能换算成 {unit_name(wanted, 'zh')}。",
            f"The unit “{unit}” cannot be converted to {unit_name(wanted, 'en')}.",
        ) from None


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    plain = fold(str(value)).text
    if plain in _TRUE or plain in _FALSE:
        return plain in _TRUE
    raise _NotAllowedError("not_yes_or_no", "应为“是”或“否”。", "Must be yes or no.")


def _choice(value: object, rules: Mapping) -> str:
    if isinstance(value, Mapping) and "value" in value:
        value = value["value"]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _NotAllowedError("not_text", "应为文字。", "Must be a text.")
    text = f"{value:.10g}" if isinstance(value, float) else str(value).strip()
    if "enum" not in rules or text in rules["enum"]:
        return text
    spelled = allowed_values(rules)
    if (found := spelled.get(fold(text).text) or spelled.get(fold(text).text.replace(" ", ""))) is not None:
        return found
    tokens = {spelled[token] for token in codes(text) if token in spelled}
    if len(tokens) == 1:
        return tokens.pop()
    return text


def _told(error: ValidationError, properties: Mapping[str, Mapping]) -> list[tuple[str, Problem]]:
    """Return what a person reads of a schema's error, for each attribute it is about."""
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [
            (
                key,
                (
                    "required",
                    f"请填写{properties.get(key, {}).get('title_zh', key)}。",
                    f"{properties.get(key, {}).get('title_en', key)} is required.",
                ),
            )
            for key in missing
        ]
    key = str(error.path[0]) if error.path else "attributes"
    rules = properties.get(key, {})
    limit = error.validator_value
    zh_unit, en_unit = (
        f" {unit_name(rules['unit'], language)}" if rules.get("unit") else "" for language in ("zh", "en")
    )
    told: dict[str, Problem] = {
        "type": ("wrong_type", *_TYPES.get(str(limit), ("类型不对。", "Wrong type."))),
        "minimum": ("too_small", f"不能小于 {limit}{zh_unit}。", f"Must be at least {limit}{en_unit}."),
        "maximum": ("too_large", f"不能大于 {limit}{zh_unit}。", f"Must be at most {limit}{en_unit}."),
        "exclusiveMinimum": ("too_small", f"必须大于 {limit}{zh_unit}。", f"Must be more than {limit}{en_unit}."),
        "exclusiveMaximum": ("too_large", f"必须小于 {limit}{zh_unit}。", f"Must be less than {limit}{en_unit}."),
        "maxLength": ("too_long", f"最多 {limit} 个字符。", f"At most {limit} characters."),
        "minLength": ("too_short", f"至少 {limit} 个字符。", f"At least {limit} characters."),
        "pattern": ("wrong_form", "格式不对。", "Not of the right form."),
    }
    if error.validator == "enum":
        return [
            (
                key,
                (
                    "not_a_choice",
                    f"只能是：{_offered(rules, limit, 'zh')}。",
                    f"Must be one of: {_offered(rules, limit, 'en')}.",
                ),
            )
        ]
    return [
        (
            key,
            told.get(str(error.validator), ("invalid", f"不符合要求：{error.message}", f"Not valid: {error.message}")),
        )
    ]


_TYPES = {
    "number": ("应为数字。", "Must be a number."),
    "integer": ("应为整数。", "Must be a whole number."),
    "string": ("应为文字。", "Must be a text."),
    "boolean": ("应为“是”或“否”。", "Must be yes or no."),
    "array": ("应为列表。", "Must be a list."),
    "object": ("应为对象。", "Must be an object."),
}


def _offered(rules: Mapping, choices: list, language: str) -> str:
    labels = rules.get("labels", {})
    # A list of fifty helps nobody.
    shown = [
        str(labels.get(choice, {}).get(language, choice)) if isinstance(choice, str) else str(choice)
        for choice in choices[:12]
    ]
    more = "…" if len(choices) > 12 else ""
    return ("、" if language == "zh" else ", ").join(shown) + more
