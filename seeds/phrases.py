"""How a trader says one attribute of goods, in Chinese and in English (no Django here)."""

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from marketplace.parsing.units import unit_name

_HAN = re.compile(r"[\u3400-\u9fff]")
# The unit of a value that no table of units has stands behind its title: 最大离心力（×g）.
_OWN_UNIT = re.compile(r"(?:（| \()([^（）()]+)[）)]$")
# Written without a blank between figure and unit.
_TIGHT = {"%": ("%", "%"), "denier": ("D", "D"), "s": ("支", "s"), "mesh": (" 目", " mesh"), "shore_a": ("A", "A")}
_CLOSE_OWN_UNITS = {"C", "×g", "°"}
# Figures with a sign of their own before them.
_SIGNED = {"DN": "DN", "PN": "PN", "ip": "IP"}
_IN_WORDS = {"day", "hour", "piece", "kg/hour", "L/hour"}
_ROUND = {"diameter", "inner_diameter", "cylinder"}
_PROPER_NAMES = {"Rizhao", "Longjing", "Maojian", "Chunmee"}


class Phrase(NamedTuple):
    """One attribute in a title before the name, in a title behind it, and in a text; English is empty where it has none."""

    head_zh: str
    head_en: str
    tail_zh: str
    tail_en: str
    detail_zh: str
    detail_en: str


def lowered(words: str) -> str:
    """Return the words as they stand inside a sentence, names and abbreviations as they are.

    >>> lowered("Ball valve"), lowered("PTFE"), lowered("Longjing tea")
    ('ball valve', 'PTFE', 'Longjing tea')
    """
    is_name = words.split(" ", 1)[0] in _PROPER_NAMES
    return words if is_name or not words[1:2].islower() else words[0].lower() + words[1:]


def phrase(key: str, rules: Mapping, value: object, *, always_titled: bool) -> Phrase:
    """Return how a trader says this value; in a title a bare number, or any if ``always_titled``, goes with its title.

    >>> phrase("PN", {"type": "number", "unit": "bar", "title_zh": "公称压力", "title_en": "Nominal pressure"}, 16,
    ...        always_titled=False)[2:]
    ('PN16', 'PN16', '，公称压力 PN16', ', nominal pressure PN16')
    """
    title_zh, title_en = (_OWN_UNIT.sub("", rules[name]) for name in ("title_zh", "title_en"))
    if value is True:
        return Phrase(title_zh, title_en, title_zh, lowered(title_en), f"，{title_zh}", f", {lowered(title_en)}")
    zh, en = _said(key, rules, value)
    tail_zh, tail_en = zh, en
    is_number = isinstance(value, (int, float))
    if is_number and (always_titled or zh[-1].isdecimal()) and key not in _SIGNED:
        tail_zh, tail_en = f"{title_zh}{zh}", f"{lowered(title_en)} {en}"
    if _HAN.search(en):
        return Phrase(zh, "", tail_zh, "", f"，{title_zh} {zh}", "")
    return Phrase(zh, en, tail_zh, tail_en, f"，{title_zh} {zh}", f", {lowered(title_en)} {lowered(en)}")


def _said(key: str, rules: Mapping, value: object) -> tuple[str, str]:
    if label := rules.get("labels", {}).get(value):
        return label["zh"], label["en"]
    return (value, value) if isinstance(value, str) else _figure(key, rules, value)  # type: ignore[arg-type]


def _figure(key: str, rules: Mapping, value: float) -> tuple[str, str]:
    figure = f"{value:g}" if abs(value) < 100_000 else f"{value:.0f}"
    if sign := _SIGNED.get(key):
        return f"{sign}{figure}", f"{sign}{figure}"
    unit = rules.get("unit")
    if unit in _TIGHT:
        zh, en = _TIGHT[unit]
        return f"{figure}{zh}", f"{figure}{en}"
    if unit is None:
        if key == "filaments":
            return f"{figure}F", f"{figure}F"
        return _with_own_unit(figure, rules["title_zh"]), _with_own_unit(figure, rules["title_en"])
    sign = "φ" if key in _ROUND else ""
    zh, en = _unit(unit)
    return f"{sign}{figure} {zh}", f"{sign}{figure} {en}"


def _with_own_unit(figure: str, title: str) -> str:
    own = _OWN_UNIT.search(title)
    if own is None:
        return figure
    return f"{figure}{'' if own[1] in _CLOSE_OWN_UNITS else ' '}{own[1]}"


@cache
def _unit(unit: str) -> tuple[str, str]:
    """Return the unit as titles write it: time in words, the rest by its symbol in both languages."""
    en = unit_name(unit, "en")
    if unit == "month":
        return "个月", en
    return (unit_name(unit, "zh"), en) if unit in _IN_WORDS else (en, en)
