"""Measures in a text: a figure and a physical unit, in Chinese or in English, as one token."""

import re

from marketplace.parsing.codes import Claims, Code, Rule, apply_rules, number, plain
from marketplace.parsing.folding import Folded

# What is bought by the unit: not a mark of the goods.
TRADE_UNITS = frozenset({"t", "kg", "g", "m", "m2", "m3", "km", "l"})

_UNITS = {
    "mm": "mm|毫米", "cm": "cm|厘米", "μm": "μm|um|微米|micron|microns", "nm": "nm|纳米", "km": "km|公里|千米", "m": "m|米",
    "m2": r"m2|m\^2|平方米|平米|平方|sqm|sq\.?m", "m3": r"m3|m\^3|立方米|立方|cbm", "m3/h": r"m3/h|m\^3/h|方/h|立方米/小时|方/小时|立方/小时|立方米/h|cmh",
    "l/min": "l/min|lpm|升/分钟|升/分", "l/h": "l/h|升/小时", "l": "l|升|litre|litres|liter|liters", "ml": "ml|毫升",
    "kg": "kg|kgs|千克|公斤", "g": "g|克", "mg": "mg|毫克", "μg": "μg|ug|微克", "t": "t|吨|tonne|tonnes|ton|tons|mt",
    "kw": "kw|千瓦", "mw": "mw|兆瓦", "w": "w|瓦", "kv": "kv|千伏", "v": "v|伏|伏特|vdc|vac", "ma": "ma|毫安", "a": "a|安培",
    "ah": "ah|安时", "kwh": "kwh|千瓦时|度电", "wh": "wh|瓦时", "wh/kg": "wh/kg", "hz": "hz|赫兹", "khz": "khz", "ghz": "ghz",
    "mpa": "mpa|兆帕", "kpa": "kpa|千帕", "bar": "bar|巴", "psi": "psi", "n": "n|牛", "kn": "kn|千牛", "n·m": r"n·m|n\.m|牛米|n\*m",
    "°c": "°c|摄氏度|度c|deg c|degrees c", "rpm": "rpm|r/min|转/分|转每分钟|转/分钟", "mpa·s": r"mpa·s|mpa\.s|cps|cp", "t/h": "t/h|吨/小时|吨/时", "kg/h": "kg/h|公斤/小时|千克/小时", "l/s": "l/s|升/秒", "m/min": "m/min|米/分钟|米/分", "kva": "kva|千伏安",
    "n/mm2": r"n/mm2|n/mm\^2", "mhz": "mhz|兆赫", "db": r"db|分贝", "mah": "mah|毫安时", "g/10min": r"g/10[ ]?min(?:utes)?|克/10分钟",
    "g/cm3": r"g/cm3|g/cm\^3|克/立方厘米|g/ml", "ppm": "ppm", "eu/ml": "eu/ml", "eu/mg": "eu/mg", "iu": "iu", "cfu/g": "cfu/g", "iu/mg": "iu/mg",
    "in": r"in|inch|inches|英寸|寸|吋|\"", "dbm": "dbm", "gb": "gb", "tb": "tb", "mω": "mω|毫欧",
}  # fmt: skip
_CANONICAL: dict[str, str] = {}
_SPELLINGS: list[str] = []
for _unit, _spellings in _UNITS.items():
    for _spelling in _spellings.split("|"):
        _SPELLINGS.append(_spelling)
        _CANONICAL[_spelling.replace("\\", "").replace("[ ]?", "").replace("?", "").replace("(:utes)", "")] = _unit
_SPELLINGS.sort(key=len, reverse=True)
_F = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_PATTERN = re.compile(
    rf"(?<![a-z0-9.])(?P<sign>(?<![\d\w)])-)?(?P<first>{_F})(?:[ ]?(?P<early>mm|cm|m|μm|kg|g|kw|w|v|kv|a|°c|mpa|bar|毫米|厘米|米|公斤|克|千瓦|瓦|伏|兆帕)?[ ]?(?:-|~|至|到|to(?= ))[ ]?(?P<last>-?(?:{_F})))?[ ]?(?P<unit>{'|'.join(_SPELLINGS)})"
    r"(?![a-z0-9^]|/[a-z\d]|·|[ ]?米(?=[^\W\d])|\.\d)"
)
# 5安装, 3克拉, 20度以上: the character is part of another word.
_OTHER_WORD = {
    "安": "装全",
    "克": "拉重",
    "米": "其兰色",
    "升": "级降温",
    "瓦": "楞",
    "平方": "毫厘公",
    "立方": "厘",
    "巴": "西",
    "牛": "皮仔奶肉",
}


def _read_measure(match: re.Match[str]) -> Code | None:
    spelling = match["unit"]
    unit = _CANONICAL.get(re.sub(r"(?<=10) (?=min)", "", spelling).replace("minutes", "min")) or _CANONICAL.get(
        spelling.replace(".", "")
    )
    if unit is None or match.string[match.end() : match.end() + 1] in tuple(_OTHER_WORD.get(spelling, "")):
        return None
    # 10mm~20mm is one range; 5kg-10mm are two things.
    if match["early"] and _CANONICAL[match["early"]] != unit:
        return None
    sign = "-" if match["sign"] else ""
    first = float(sign + match["first"].replace(",", ""))
    last = None if match["last"] is None else number(match["last"])
    figures, common = alike((first,) if last is None else (first, last), unit)
    token = "-".join(map(plain, figures)) + common
    value = first if last is None else (first, last)
    return Code("measure", token, match.start(), match.end(), value, unit, token, token)


# Two units of one measure, and what one of the larger is in the smaller: 1500 W and 1.5 kW, 16 bar and 1.6 MPa are written
# alike, in the larger from one of it on. What is traded by the unit (m, kg, t) keeps it.
_LARGER = {
    "w": ("kw", 1000), "v": ("kv", 1000), "ma": ("a", 1000), "mah": ("ah", 1000), "wh": ("kwh", 1000), "hz": ("khz", 1000), "khz": ("mhz", 1000),
    "mhz": ("ghz", 1000), "ml": ("l", 1000), "mω": ("ω", 1000),
}  # fmt: skip
_SMALLER = {larger: (smaller, by) for smaller, (larger, by) in _LARGER.items()}
_SAME = {"n/mm2": ("mpa", 1.0), "bar": ("mpa", 0.1), "cm": ("mm", 10.0), "kpa": ("mpa", 0.001)}


def alike(figures: tuple[float, ...], unit: str) -> tuple[tuple[float, ...], str]:
    """Return the figures in the unit that everybody's are written in.

    >>> alike((1500,), "w"), alike((0.55,), "kw"), alike((10, 16), "bar")
    (((1.5,), 'kw'), ((550.0,), 'w'), ((1.0, 1.6), 'mpa'))
    """
    if unit in _SAME:
        unit, by = _SAME[unit]
        figures = tuple(round(figure * by, 9) for figure in figures)
    largest = max(map(abs, figures))
    while unit in _LARGER and largest >= _LARGER[unit][1]:
        unit, by = _LARGER[unit]
        figures, largest = tuple(round(figure / by, 9) for figure in figures), largest / by
    while unit in _SMALLER and 0 < largest < 1:
        unit, by = _SMALLER[unit]
        figures, largest = tuple(round(figure * by, 9) for figure in figures), largest * by
    return figures, unit


_RULE = (Rule(tuple("0123456789"), _PATTERN, _read_measure),)


def find_measures(folded: Folded, claims: Claims) -> list[Code]:
    """Return the measures of the text and claim their characters."""
    return apply_rules(folded, _RULE, claims)
