"""Read a folder of VAT invoices: enterprises.csv, purchases.csv and sales.csv, plain or .gz, as dirty as life."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from finance.scoring.trades import Trades, day_number

FIRM = "企业代号"
DEFAULTED = "是否违约"
LABELS = {"是": 1, "否": 0}
PARTNERS = {"sales": "购方单位代号", "purchases": "销方单位代号"}
COLUMNS = (FIRM, "发票号码", "开票日期", "金额", "税额", "价税合计", "发票状态")
VALID, VOID = "有效发票", "作废发票"
STATES = {VALID: False, VOID: True}
SHOWN = 50  # a report names so many bad rows one by one and counts the rest


class InvoicesUnreadable(ValueError):  # noqa: N818 - named for the fact, as all our refusals
    """A file is missing, or is not what it should be; the message names the file and the column."""


@dataclass(frozen=True)
class BadRow:
    """A row that was left out: where it stands, and why, in both languages."""

    file: str
    line: int
    column: str
    zh: str
    en: str


@dataclass(frozen=True)
class Folder:
    """What a folder holds: the trades, the default flags where it has them, and what was left out."""

    trades: Trades
    defaults: dict[str, int] = field(default_factory=dict)
    bad_rows: list[BadRow] = field(default_factory=list)
    repeated: int = 0  # rows that say exactly what another row of the file said: a sheet pasted twice
    rows: int = 0

    def labels(self) -> np.ndarray:
        """Return 1, 0 or -1 (not known) per firm, in the order of the trades' firms."""
        return np.array([self.defaults.get(firm, -1) for firm in self.trades.firms])


def read_folder(folder: Path, *, prefix: str = "", until: date | None = None) -> Folder:
    """Read the invoices of a folder, and who defaulted if it says so; the rating is not even looked at.

    :param prefix: ``"unlabelled_"`` reads ``unlabelled_sales.csv`` and its sister, and no list of enterprises
    :param until: leave out what was invoiced later
    :raises InvoicesUnreadable: if a file or a column is missing, or a flag is neither 是 nor 否
    """
    folder = Path(folder)
    defaults, firms = ({}, []) if prefix else _enterprises(folder)
    bad_rows: list[BadRow] = []
    parts, repeated, rows = [], 0, 0
    for name, partner in PARTNERS.items():
        part = _invoices(_find(folder, prefix + name), partner, bad_rows)
        parts.append(part)
        repeated += part.repeated
        rows += part.rows
    counts = [len(part.day) for part in parts]
    trades = Trades.of_columns(
        firms,
        firm=parts[0].firm + parts[1].firm,
        is_sale=np.repeat([True, False], counts),
        day=np.concatenate([part.day for part in parts]),
        partner=parts[0].partner + parts[1].partner,
        net=np.concatenate([part.net for part in parts]),
        tax=np.concatenate([part.tax for part in parts]),
        is_void=np.concatenate([part.is_void for part in parts]),
    )
    if until is not None:
        trades = trades.until(until)
    return Folder(trades, defaults, bad_rows, repeated, rows)


@dataclass(frozen=True)
class _Part:
    firm: list[str]
    partner: list[str]
    day: np.ndarray
    net: np.ndarray
    tax: np.ndarray
    is_void: np.ndarray
    repeated: int
    rows: int


def _enterprises(folder: Path) -> tuple[dict[str, int], list[str]]:
    path = _find(folder, "enterprises", needed=False)
    if path is None:
        return {}, []
    rows = _rows(path)
    places = _places(path, next(rows, []), (FIRM,))
    flag = _optional_place(path, DEFAULTED)
    defaults, firms = {}, []
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        firm = row[places[FIRM]].strip() if places[FIRM] < len(row) else ""
        if not firm:
            raise InvoicesUnreadable(f"{path.name}, line {line}: {FIRM} is empty.")
        if firm in defaults or firm in firms:
            raise InvoicesUnreadable(f"{path.name}, line {line}: {FIRM} {firm} occurs twice.")
        firms.append(firm)
        said = row[flag].strip() if flag is not None and flag < len(row) else ""
        if said:
            if said not in LABELS:
                raise InvoicesUnreadable(f"{path.name}, line {line}: {DEFAULTED} is “{said}”, not 是 or 否.")
            defaults[firm] = LABELS[said]
    return defaults, firms


def _invoices(path: Path, partner: str, bad_rows: list[BadRow]) -> _Part:
    lines = _rows(path)
    header = next(lines, [])
    places = _places(path, header, (*COLUMNS, partner))
    width = len(header)
    seen: dict[tuple, int] = {}
    total = repeated = 0
    # An exact repeat of a row is the same invoice listed twice; the same number with anything else different is another.
    for line, row in enumerate(lines, start=2):
        if not row:
            continue
        total += 1
        if len(row) != width:
            _refuse(
                bad_rows, path, line, "", f"应有 {width} 列，实有 {len(row)} 列", f"has {len(row)} columns, not {width}"
            )
            continue
        if seen.setdefault(tuple(row), line) != line:
            repeated += 1
    rows, numbers = list(seen), np.fromiter(seen.values(), np.int64, len(seen))
    columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    header_of = {name: header[place] for name, place in places.items()}
    text = {name: columns[header_of[name]] for name in places}
    keep = np.ones(len(rows), bool)
    day = _each(
        text["开票日期"],
        _day,
        keep,
        -1,
        lambda place: _refuse(
            bad_rows,
            path,
            numbers[place],
            "开票日期",
            f"“{text['开票日期'][place]}”不是日期",
            f"“{text['开票日期'][place]}” is no date",
        ),
    )
    amounts = {}
    for name in ("金额", "税额"):
        amounts[name] = _amounts(
            text[name],
            keep,
            lambda place, name=name: _refuse(
                bad_rows,
                path,
                numbers[place],
                name,
                f"“{text[name][place]}”不是金额",
                f"“{text[name][place]}” is no amount",
            ),
        )
    state = _each(
        text["发票状态"],
        _state,
        keep,
        -1,
        lambda place: _refuse(
            bad_rows,
            path,
            numbers[place],
            "发票状态",
            f"“{text['发票状态'][place]}”不是发票状态",
            f"“{text['发票状态'][place]}” is no state of an invoice",
        ),
    )
    firm = [code.strip() for code in text[FIRM]]
    for place, code in enumerate(firm):
        if not code:
            keep[place] = False
            _refuse(bad_rows, path, numbers[place], FIRM, "企业代号为空", "is empty")
    chosen = np.flatnonzero(keep)
    other = text[partner]
    return _Part(
        firm=[firm[place] for place in chosen],
        partner=[other[place].strip() for place in chosen],
        day=day[keep],
        net=amounts["金额"][keep],
        tax=amounts["税额"][keep],
        is_void=state[keep] == 1,
        repeated=repeated,
        rows=total,
    )


def _each(cells: Sequence[str], parse, keep: np.ndarray, missing: int, refuse) -> np.ndarray:
    """Parse a column in which few different texts occur; each is parsed once."""
    parsed = {cell: parse(cell) for cell in set(cells)}
    values = np.fromiter((missing if parsed[cell] is None else parsed[cell] for cell in cells), np.int64, len(cells))
    for cell_place in np.flatnonzero(values == missing):
        keep[cell_place] = False
        refuse(cell_place)
    return values


def _amounts(cells: Sequence[str], keep: np.ndarray, refuse) -> np.ndarray:
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = np.array([_amount(cell) for cell in cells], dtype=np.float64)
    for place in np.flatnonzero(~np.isfinite(values) | (np.abs(values) > 1e13)):
        keep[place] = False
        refuse(place)
    return values


def _amount(cell: str) -> float:
    try:
        return float(cell.replace(",", "").replace("，", "").strip())
    except ValueError:
        return np.nan


def _day(cell: str) -> int | None:
    """Return the day number of 2017/7/18, 2017-07-18 or 20170718, with or without a time of day behind."""
    text = cell.strip().replace("T", " ").split(" ")[0].replace("/", "-").replace(".", "-")
    if len(text) == 8 and text.isdigit():
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    try:
        year, month, day = (int(part) for part in text.split("-"))
        number = day_number(date(year, month, day))
    except ValueError:
        return None
    return number if 1980 <= year <= 2200 else None


def _state(cell: str) -> int | None:
    state = STATES.get(cell.strip())
    return None if state is None else int(state)


def _refuse(bad_rows: list[BadRow], path: Path, line: int, column: str, zh: str, en: str) -> None:
    bad_rows.append(BadRow(path.name, int(line), column, zh, en))


def _find(folder: Path, name: str, *, needed: bool = True) -> Path | None:
    for ending in (".csv", ".csv.gz"):
        if (folder / (name + ending)).is_file():
            return folder / (name + ending)
    if needed:
        raise InvoicesUnreadable(f"{folder} holds no {name}.csv and no {name}.csv.gz.")
    return None


def _rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, plain or gzipped, in UTF-8 (with or without a mark) or GB 18030."""
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise InvoicesUnreadable(f"{path.name} cannot be read: {error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError as error:
            raise InvoicesUnreadable(f"{path.name} is neither UTF-8 nor GB 18030.") from error
    try:
        yield from csv.reader(io.StringIO(text, newline=""))
    except csv.Error as error:
        raise InvoicesUnreadable(f"{path.name} is no CSV: {error}") from error


def _places(path: Path, header: list[str], needed: tuple[str, ...]) -> dict[str, int]:
    names = [name.strip() for name in header]
    missing = [name for name in needed if name not in names]
    if missing:
        raise InvoicesUnreadable(f"{path.name} has no column {', '.join(missing)}.")
    return {name: names.index(name) for name in needed}


def _optional_place(path: Path, name: str) -> int | None:
    names = [cell.strip() for cell in next(_rows(path), [])]
    return names.index(name) if name in names else None
