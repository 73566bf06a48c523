"""Units of trade and of engineering, zh and en: one token each, their dimensions, and the way from one to another."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import pint

from marketplace.parsing.folding import fold
from marketplace.parsing.glossary import read_rows


class UnknownUnit(ValueError):  # noqa: N818 -- named for the fact
    """Nobody here knows this unit."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__(f"unknown unit: {unit}")


class UnitsDiffer(ValueError):  # noqa: N818 -- named for the fact
    """One unit cannot be turned into the other."""

    def __init__(self, from_unit: str, to_unit: str) -> None:
        self.from_unit, self.to_unit = from_unit, to_unit
        super().__init__(f"{from_unit} cannot be converted to {to_unit}")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit by its token, how people call it, and what it is made of (`=`: a dimension of its own)."""

    token: str
    definition: str
    zh: str
    en: str
    plural: str


@cache
def units() -> dict[str, Unit]:
    """Return the units by token.

    >>> units()["t"].zh
    '吨'
    """
    return {
        row["unit"]: Unit(row["unit"], row["definition"], row["zh"], row["en"], row["plural"])
        for row in read_rows("units.tsv")
    }


@cache
def spellings() -> dict[str, str]:
    """Return the token of each folded spelling; where two units share one, the earlier in the file has it.

    >>> spellings()["吨"], spellings()["pcs"]
    ('t', 'piece')
    """
    found: dict[str, str] = {}
    for row in read_rows("units.tsv"):
        for spelling in (row["unit"], *row["synonyms"].split(";")):
            if spelling.strip():
                found.setdefault(fold(spelling).text, row["unit"])
    return found


@lru_cache(maxsize=4096)
def canonical_unit(text: str) -> str | None:
    """Return the token of a unit however it is spelled, compounds part by part, or None if it is unknown.

    >>> canonical_unit("吨"), canonical_unit("PCS"), canonical_unit("㎡"), canonical_unit("吨/月"), canonical_unit("㎡·天")
    ('t', 'piece', 'm2', 't/month', 'm2·day')
    >>> canonical_unit("furlong") is None
    True
    """
    if text in units():
        return text
    plain = fold(text).text.replace(" per ", "/").replace("每", "/", 1 if not text.startswith("每") else 0)
    known = spellings()
    for spelling in (plain, plain.removesuffix("s"), plain.replace(" ", "")):
        if spelling in known:
            return known[spelling]
    parts = re.split(r"([/·*])", plain.replace(" ", "").replace("(", "").replace(")", ""))
    if len(parts) < 3 or not all(parts):
        return None
    tokens = [part if part in "/·*" else canonical_unit(part) for part in parts]
    if any(token is None for token in tokens):
        return None
    return "".join("·" if token == "*" else token for token in tokens)  # noqa: S105 -- no password


@cache
def _registry() -> pint.UnitRegistry:
    registry = pint.UnitRegistry()
    for number, unit in enumerate(units().values()):
        # Our tokens may mean something else to pint (mu, s) or be no name at all (m2, °C).
        own = unit.definition == "="
        definition = f"[ours_{number}]" if own else _in_ours(unit.definition)
        if unit.definition == "degC":
            continue
        registry.define(f"ours_{number} = {definition}")
    return registry


@cache
def _numbers() -> dict[str, int]:
    return {token: number for number, token in enumerate(units())}


def _in_ours(definition: str) -> str:
    """Return a definition whose words for our own dimensions are pint's names for them."""
    own = {token for token, unit in units().items() if unit.definition == "="}
    return re.sub(r"[A-Za-z_]+", lambda word: _name(word[0]) if word[0] in own else word[0], definition)


def _name(token: str) -> str:
    return "degC" if units()[token].definition == "degC" else f"ours_{_numbers()[token]}"


@lru_cache(maxsize=4096)
def _parsed(unit: str) -> pint.Unit:
    token = canonical_unit(unit)
    if token is None:
        raise UnknownUnit(unit)
    if token in units():
        return _registry().Unit(_name(token))
    expression, per = [], False
    for part in re.split(r"([/·])", token):
        if part in "/·":
            per = part == "/"
        else:
            expression.append(f"{_name(part)}**{-1 if per else 1}")
    return _registry().Unit("*".join(expression))


@lru_cache(maxsize=16384)
def same_dimension(one: str, other: str) -> bool:
    """Say whether amounts of the two units can be compared; an unknown unit is only like itself.

    >>> same_dimension("t", "公斤"), same_dimension("t/month", "kg/day"), same_dimension("piece", "kg")
    (True, True, False)
    """
    if one == other:
        return True
    try:
        return _parsed(one).dimensionality == _parsed(other).dimensionality
    except UnknownUnit:
        return False


@lru_cache(maxsize=16384)
def _factor(from_unit: str, to_unit: str) -> float:
    one, other = _parsed(from_unit), _parsed(to_unit)
    if one.dimensionality != other.dimensionality:
        raise UnitsDiffer(from_unit, to_unit)
    return float(_registry().Quantity(1.0, one).to(other).magnitude)


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Return the amount in another unit.

    >>> convert(2, "t", "kg"), convert(1, "打", "只")
    (2000.0, 12.0)
    >>> round(convert(60, "t/month", "t/year"))
    720

    :raises UnknownUnit: if nobody knows one of the units
    :raises UnitsDiffer: if they measure different things
    """
    if from_unit == to_unit:
        return float(value)
    tokens = {canonical_unit(from_unit), canonical_unit(to_unit)}
    if tokens & {"°C", "K"} and len(tokens) == 2:
        one, other = _parsed(from_unit), _parsed(to_unit)
        if one.dimensionality != other.dimensionality:
            raise UnitsDiffer(from_unit, to_unit)
        return float(_registry().Quantity(float(value), one).to(other).magnitude)
    # Twelve digits are more than any trade needs and hide what binary fractions add.
    return float(f"{float(value) * _factor(from_unit, to_unit):.12g}")


def unit_name(unit: str, language: str, *, plural: bool = True) -> str:
    """Return what people call a unit.

    >>> unit_name("t/month", "zh"), unit_name("piece", "en"), unit_name("piece", "en", plural=False)
    ('吨/月', 'pieces', 'piece')
    """
    token = canonical_unit(unit) or unit
    if token in units():
        known = units()[token]
        return known.zh if language.startswith("zh") else (known.plural if plural else known.en)
    parts = re.split(r"([/·])", token)
    return "".join(
        part if part in "/·" else unit_name(part, language, plural=plural and place == 0) if part in units() else part
        for place, part in enumerate(parts)
    )


def format_quantity(value: float, unit: str, language: str) -> str:
    """Return an amount as people write it.

    >>> format_quantity(500, "piece", "zh"), format_quantity(1, "piece", "en"), format_quantity(12500.5, "t", "en")
    ('500 只', '1 piece', '12,500.5 t')
    """
    figure = f"{float(value):,.6f}".rstrip("0").rstrip(".")
    return f"{figure} {unit_name(unit, language, plural=float(value) != 1)}".strip()
