"""Read a market from three files with headers, plain or .gz: supplies.csv, demands.csv and pairs.csv.

``supplies.csv`` id, quantity, minimum · ``demands.csv`` id, quantity, splittable (0 or 1) · ``pairs.csv`` demand,
supply, value. Columns may stand in any order, with others beside them.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matching.clearing.market import Market, MarketUnreadable

Columns = list[tuple[str, ...]]
FLAGS = {"0": False, "1": True}


class MarketFileUnreadable(ValueError):  # noqa: N818 - named for the fact
    """A file of the market is missing or not as it must be; the message names file and line."""


def read_market(folder: Path) -> Market:
    """Return the market of this folder; an empty minimum says that there is none.

    :raises MarketFileUnreadable: if a file is missing, or a line of it is not as it must be
    """
    supplies, demands, pairs = (_existing(folder / name) for name in ("supplies.csv", "demands.csv", "pairs.csv"))
    supply_ids, supply_quantity, minimum = _columns(supplies, ("id", "quantity", "minimum"))
    demand_ids, demand_quantity, splittable = _columns(demands, ("id", "quantity", "splittable"))
    pair_demand, pair_supply, value = _columns(pairs, ("demand", "supply", "value"))
    market = Market(
        supply_ids=list(supply_ids),
        supply_quantity=_numbers(supplies, "quantity", supply_quantity),
        supply_minimum=_numbers(supplies, "minimum", [each.strip() or "0" for each in minimum]),
        demand_ids=list(demand_ids),
        demand_quantity=_numbers(demands, "quantity", demand_quantity),
        demand_splittable=_found(demands, "splittable", FLAGS, splittable, "0 or 1 is needed"),
        pair_demand=_found(pairs, "demand", _places(demands, demand_ids), pair_demand, "no demand has this id"),
        pair_supply=_found(pairs, "supply", _places(supplies, supply_ids), pair_supply, "no supply has this id"),
        pair_value=_numbers(pairs, "value", value),
    )
    try:
        return market.checked()
    except MarketUnreadable as error:
        raise MarketFileUnreadable(f"{_where(pairs, error.row)}: {error.message}") from error


def _existing(path: Path) -> Path:
    for candidate in (path, path.with_name(path.name + ".gz")):
        if candidate.is_file():
            return candidate
    raise MarketFileUnreadable(f"{path} is missing (nor is there a {path.name}.gz)")


def _columns(path: Path, names: Sequence[str]) -> Columns:
    rows = list(csv.reader(io.StringIO(_text(path), newline="")))
    header = [name.strip() for name in rows[0]] if rows else []
    if missing := [name for name in names if header.count(name) != 1]:
        raise MarketFileUnreadable(f"{path}, line 1: the columns {', '.join(names)} are needed, not so: {missing[0]}")
    while rows and not rows[-1]:
        rows.pop()
    for row, cells in enumerate(rows):
        if len(cells) != len(header):
            raise MarketFileUnreadable(f"{_where(path, row - 1)}: {len(header)} values are needed, got {len(cells)}")
    columns = list(zip(*rows[1:], strict=True)) or [()] * len(header)
    return [columns[header.index(name)] for name in names]


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise MarketFileUnreadable(f"{path} cannot be read: {error}") from error


def _where(path: Path, row: int | None) -> str:
    """Name file and line; line 1 is the header, and a cell with a line end in it counts as one line."""
    return f"{path}, line {(row or 0) + 2}"


def _numbers(path: Path, name: str, texts: Sequence[str]) -> np.ndarray:
    try:
        numbers = np.array([float(text) for text in texts], dtype=np.float64)
    except ValueError:
        numbers = np.array([_number(text) for text in texts])
    if len(wrong := np.flatnonzero(~np.isfinite(numbers) | (numbers < 0))):
        row = int(wrong[0])
        raise MarketFileUnreadable(f"{_where(path, row)}: {name} must be a number of 0 or more, not {texts[row]!r}")
    return numbers


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _places(path: Path, ids: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for row, each in enumerate(ids):
        if not each:
            raise MarketFileUnreadable(f"{_where(path, row)}: the id is empty")
        if places.setdefault(each, row) != row:
            raise MarketFileUnreadable(f"{_where(path, row)}: the id {each!r} comes twice")
    return places


def _found(path: Path, name: str, known: dict[str, int], texts: Sequence[str], fault: str) -> np.ndarray:
    try:
        return np.array([known[text] for text in texts], dtype=np.int64)
    except KeyError:
        row = next(row for row, text in enumerate(texts) if text not in known)
        raise MarketFileUnreadable(f"{_where(path, row)}: {name} is {texts[row]!r}: {fault}") from None
