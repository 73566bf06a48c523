"""What a category's attributes may be: their labels, allowed values and all the spellings of these, read from its schema."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from marketplace.parsing.catalogue import CategorySpec
from marketplace.parsing.codes import plain
from marketplace.parsing.folding import fold
from marketplace.parsing.glossary import chemicals, grades
from marketplace.parsing.phrases import PhraseBook
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, convert, unit_name

Choices = tuple[tuple[str, object], ...]
COUNTED = frozenset(
    {"t", "kg", "g", "m", "m2", "m3", "km", "L", "mL", "day", "month", "hour", "piece", "%", "year", "GB", "TB"}
)
_SAID_IN_CHINESE = (COUNTED | {"s", "denier", "mesh", "HRC", "shore_a", "shore_d"}) - {
    "m",
    "m2",
    "m3",
    "kg",
    "g",
    "t",
    "km",
    "L",
    "mL",
}
_MAXIMUM = re.compile(r"最高|最大|上限|max|up to")


class AttributeReading(NamedTuple):
    """An attribute's value in its own unit, read at folded text[start:end]."""

    key: str
    value: object
    start: int
    end: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class AttributeReader:
    spec: CategorySpec
    labels: PhraseBook[tuple[str, ...]]
    values: PhraseBook[Choices]
    tokens: dict[str, Choices]


# A reader is made once per category; the specification is kept with it, so an id is never another's.
_READERS: dict[int, AttributeReader] = {}
_ALLOWED: dict[int, tuple[Mapping, dict[str, str]]] = {}
_MOST_READERS = 4096


def attribute_reader(spec: CategorySpec) -> AttributeReader:
    known = _READERS.get(id(spec))
    if known is not None and known.spec is spec:
        return known
    if len(_READERS) >= _MOST_READERS:
        _READERS.clear()
    _READERS[id(spec)] = made = _make_reader(spec)
    return made


def _make_reader(spec: CategorySpec) -> AttributeReader:
    labels: dict[str, dict[str, None]] = {}
    values: dict[str, dict[tuple[str, object], None]] = {}
    tokens: dict[str, dict[tuple[str, object], None]] = {}
    for key, rules in spec.attributes.items():
        for label in (key, rules.get("title_zh", ""), rules.get("title_en", ""), *rules.get("aliases", ())):
            if plain_label := fold(label.replace("_", " ")).text:
                labels.setdefault(plain_label, {})[key] = None
        offered = rules.get("enum", ())
        for value in offered:
            for token in (str(value), *_nears(value, offered)):
                tokens.setdefault(token, {})[key, value] = None
        for variant, value in (*_named_values(rules), *_examples(rules)):
            values.setdefault(variant, {})[key, value] = None
    return AttributeReader(
        spec,
        PhraseBook({label: tuple(keys) for label, keys in labels.items()}),
        PhraseBook({phrase: tuple(found) for phrase, found in values.items()}),
        {token: tuple(found) for token, found in tokens.items()},
    )


def _named_values(rules: Mapping) -> Iterator[tuple[str, object]]:
    """Yield each folded spelling of each allowed value."""
    for value in rules.get("enum", ()):
        names = rules.get("labels", {}).get(value, {}) if isinstance(value, str) else {}
        spelled = (str(value), names.get("zh", ""), names.get("en", ""), *names.get("aliases", ()), *_synonyms(value))
        for name in spelled:
            for variant in _spellings(name):
                yield variant, value


def _examples(rules: Mapping) -> Iterator[tuple[str, object]]:
    """Yield the usual values of a free text: a brand, a colour; codes have their own rules."""
    if rules.get("type") != "string" or "enum" in rules or rules.get("codes") in {"cas", "standard", "thread"}:
        return
    for example in rules.get("examples", ()):
        for variant in _spellings(str(example)):
            if len(variant) > 1 and not variant.replace(".", "").isdigit():
                yield variant, example


def allowed_values(rules: Mapping) -> dict[str, str]:
    """Return the allowed value of each folded spelling: the value itself, its labels, its synonyms, what stands for it."""
    known = _ALLOWED.get(id(rules))
    if known is not None and known[0] is rules:
        return known[1]
    spelled: dict[str, str] = {}
    offered = rules.get("enum", ())
    for value in offered:
        names = rules.get("labels", {}).get(value, {})
        for name in (
            str(value),
            names.get("zh", ""),
            names.get("en", ""),
            *names.get("aliases", ()),
            *_synonyms(value),
        ):
            for variant in _spellings(name):
                spelled.setdefault(variant, value)
    for value in offered:
        for token in _nears(value, offered):
            spelled.setdefault(token, value)
    if len(_ALLOWED) >= 4 * _MOST_READERS:
        _ALLOWED.clear()
    _ALLOWED[id(rules)] = (rules, spelled)
    return spelled


def _spellings(name: str) -> set[str]:
    found = fold(name).text
    return {found, found.replace("_", " "), found.replace("-", " "), found.replace(" ", "")} - {""}


def _synonyms(value: object) -> tuple[str, ...]:
    entry = grades().get(str(value)) or chemicals().get(str(value))
    return entry.synonyms if entry else ()


def _nears(value: object, offered: Sequence[object]) -> list[str]:
    """Return the codes that stand for a value where the category has no value of their own."""
    return [code for code in _standing_for().get(str(value), ()) if code not in offered]


@cache
def _standing_for() -> dict[str, tuple[str, ...]]:
    """Return for each grade those that may stand in for it."""
    found: dict[str, tuple[str, ...]] = {}
    for code, entry in grades().items():
        for near in entry.near:
            found[near] = (*found.get(near, ()), code)
    return found


def tell(spec: CategorySpec, key: str, value: object, start: int, end: int) -> AttributeReading | None:
    """Return the reading if its value is allowed, with what a page says of it."""
    rules = spec.attributes[key]
    value = _fitting(value, rules)
    if value is None:
        return None
    shown_zh = shown_en = plain(value) if isinstance(value, float | int) and not isinstance(value, bool) else str(value)
    if isinstance(value, bool):
        shown_zh, shown_en = ("是", "yes") if value else ("否", "no")
    labels = rules.get("labels", {}).get(value, {}) if isinstance(value, str) else {}
    shown_zh, shown_en = labels.get("zh", shown_zh), labels.get("en", shown_en)
    unit = rules.get("unit")
    suffix = (
        (f" {unit_name(unit, 'zh' if unit in _SAID_IN_CHINESE else 'en')}", f" {unit_name(unit, 'en')}")
        if unit
        else ("", "")
    )
    if unit == "%":
        suffix = ("%", "%")
    elif rules.get("codes") == "pn":
        shown_zh, shown_en, suffix = f"PN{shown_zh}", f"PN{shown_en}", ("", "")
    return AttributeReading(
        key, value, start, end, f"{rules.get('title_zh', key)} {shown_zh}{suffix[0]}", f"{rules.get('title_en', key)} {shown_en}{suffix[1]}"
    )  # fmt: skip


def _fitting(value: object, rules: Mapping) -> object:
    """Return the value as the property's type has it, or None if the property does not allow it."""
    if rules.get("type") in {"number", "integer"}:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        if rules["type"] == "integer":
            if value != int(value):
                return None
            value = int(value)
        elif float(value).is_integer():
            value = int(value)
        low, high = rules.get("minimum"), rules.get("maximum")
        above, below = rules.get("exclusiveMinimum"), rules.get("exclusiveMaximum")
        out = (low is not None and value < low) or (high is not None and value > high)
        if out or (above is not None and value <= above) or (below is not None and value >= below):
            return None
    elif rules.get("type") == "string" and (not isinstance(value, str) or len(value) > rules.get("maxLength", 200)):
        return None
    return None if "enum" in rules and value not in rules["enum"] else value


def chosen_end(rules: Mapping, low: float, high: float) -> float | None:
    """Return the end of a range that the attribute's rule may rely on, or None where neither can stand for it."""
    if low == high:
        return low
    rule = rules.get("match")
    if rule in {"at_least", "rather_more"}:
        named = f"{rules.get('title_zh', '')} {rules.get('title_en', '').lower()}"
        return high if _MAXIMUM.search(named) else low
    return high if rule in {"at_most", "rather_less"} else None


def ends_of(value: float | tuple[float, float]) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (value, value)


def in_unit_of(value: float, unit: str | None, rules: Mapping) -> float | None:
    wanted = rules.get("unit")
    if unit is None or wanted is None or unit == wanted:
        return value
    try:
        return convert(value, unit, wanted)
    except (UnknownUnit, UnitsDiffer):
        return None
