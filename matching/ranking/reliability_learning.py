"""Learn and judge forecasts of deliveries from what suppliers were ordered and supplied, week by week."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from openpyxl import load_workbook

from matching.ranking.additive_learning import AdditiveLogisticLearner
from matching.ranking.reliability import (
    DIRECTIONS,
    FEATURES,
    Population,
    Record,
    Reliability,
    population_of,
    record_features,
)

DAYS_IN_A_WEEK = 7
SETTINGS = {"knots": 12, "ridge": 3.0}


class SupplierWeeksUnreadable(ValueError):  # noqa: N818 - named for the fact
    """The folder does not hold what suppliers were ordered and supplied; the message names the file and the cell."""


@dataclass(frozen=True)
class SupplierWeeks:
    """What each firm was ordered and supplied in each week, both of shape (firms, weeks), not negative."""

    firms: Sequence[str]
    ordered: np.ndarray
    supplied: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Every order with what was known before it: week (from 1), features, the firm's running means, what came.

    ``population`` holds the mean share and the share in full of all firms' earlier orders, shape (n, 2).
    """

    firm: np.ndarray
    week: np.ndarray
    features: np.ndarray
    orders: np.ndarray
    population: np.ndarray
    running: np.ndarray
    filled: np.ndarray

    def at(self, chosen: np.ndarray) -> "Rows":
        return Rows(**{each.name: getattr(self, each.name)[chosen] for each in fields(self)})

    @property
    def full(self) -> np.ndarray:
        return (self.filled >= 1.0).astype(float)


def read_supplier_weeks(folder: Path) -> SupplierWeeks:
    """Return what the folder's workbook says, or its ordered.csv and supplied.csv (plain or .gz).

    The workbook ``suppliers*.xlsx`` has a sheet of what was ordered and one of what was supplied. Each table has the
    firm's id in the first column, its kind in the second, and a week in each other.

    :raises SupplierWeeksUnreadable: if they are not there, do not name the same firms, or hold no numbers
    """
    books = sorted(folder.glob("suppliers*.xlsx"))
    tables = _sheets(books[0]) if books else [_csv(folder, name) for name in ("ordered", "supplied")]
    (firms, ordered), (others, supplied) = tables
    if firms != others or ordered.shape != supplied.shape:
        raise SupplierWeeksUnreadable(f"{folder}: the two tables must name the same firms and weeks")
    return SupplierWeeks(firms, ordered, supplied)


def _sheets(path: Path) -> list[tuple[list[str], np.ndarray]]:
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        if len(book.worksheets) < 2:
            raise SupplierWeeksUnreadable(f"{path}: needs a sheet of what was ordered and one of what was supplied")
        return [
            _table(f"{path}, {sheet.title}", list(sheet.iter_rows(values_only=True))) for sheet in book.worksheets[:2]
        ]
    finally:
        book.close()


def _csv(folder: Path, name: str) -> tuple[list[str], np.ndarray]:
    for path, opened in ((folder / f"{name}.csv", open), (folder / f"{name}.csv.gz", gzip.open)):
        if path.exists():
            with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
                return _table(str(path), list(csv.reader(file)))
    raise SupplierWeeksUnreadable(f"{folder} has neither suppliers*.xlsx nor {name}.csv")


def _table(place: str, rows: Sequence[Sequence[object]]) -> tuple[list[str], np.ndarray]:
    firms, values = [], []
    columns = sum(cell is not None for cell in rows[0]) if rows else 0
    for number, row in enumerate(rows[1:], start=2):
        if row[0] is None:
            continue
        try:
            weeks = [float(cell or 0) for cell in row[2:columns]]
        except (TypeError, ValueError) as error:
            raise SupplierWeeksUnreadable(f"{place}, line {number}: every week must be a number") from error
        if not weeks or min(weeks) < 0 or len(weeks) != columns - 2:
            raise SupplierWeeksUnreadable(f"{place}, line {number}: needs a number, not below 0, for every week")
        firms.append(str(row[0]))
        values.append(weeks)
    if not values:
        raise SupplierWeeksUnreadable(f"{place}: names no firm")
    return firms, np.array(values)


def order_rows(weeks: SupplierWeeks) -> Rows:
    """Return a row for each order, with nothing in it that was not known before its week."""
    populations = _populations(weeks)
    found = list(_rows(weeks, populations))
    columns = [np.array(column) for column in zip(*found, strict=True)]
    return Rows(*columns)


def _populations(weeks: SupplierWeeks) -> list[Population]:
    """Return what all firms had delivered before each week."""
    is_order = weeks.ordered > 0
    share = np.where(is_order, np.minimum(1.0, weeks.supplied / np.where(is_order, weeks.ordered, 1.0)), 0.0)
    fills = np.concatenate([[0.0], share.sum(axis=0).cumsum()])
    fulls = np.concatenate([[0.0], (is_order & (share >= 1.0)).sum(axis=0).cumsum()])
    counts = np.concatenate([[0], is_order.sum(axis=0).cumsum()])
    return [
        population_of(fills=fill, fulls=full, orders=int(count))
        for fill, full, count in zip(fills, fulls, counts, strict=True)
    ]


def _rows(weeks: SupplierWeeks, populations: Sequence[Population]) -> Iterator[tuple]:
    for firm, (ordered, supplied) in enumerate(zip(weeks.ordered, weeks.supplied, strict=True)):
        when = np.flatnonzero(ordered > 0)
        sizes, filled = ordered[when], np.minimum(1.0, supplied[when] / ordered[when])
        record = Record(sizes, filled, when * float(DAYS_IN_A_WEEK))
        for count, week in enumerate(when):
            population = populations[week]
            features = record_features(
                record.before(count), ordered=sizes[count], day=week * DAYS_IN_A_WEEK, population=population
            )
            before = filled[:count]
            running = (before.mean(), (before >= 1.0).mean()) if count else (population.fill, population.full)
            yield firm, week + 1, features, count, (population.fill, population.full), running, filled[count]


def learn_reliability(rows: Rows, **settings) -> Reliability:
    """Learn the expected share and the chance of all of it from these orders, those of no record left out."""
    known = rows.at(rows.orders > 0)
    learner = AdditiveLogisticLearner(**(SETTINGS | settings))
    heads = {}
    for name, targets in (("fill", known.filled), ("full", known.full)):
        heads[name] = learner.fit(known.features, targets, names=FEATURES, directions=DIRECTIONS).model_
    return Reliability(**heads)


def forecasts_of(model: Reliability, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return what the model expected before each order: the share, and the chance of all of it."""
    # ``forecasts`` draws each row towards its own population, given as columns.
    population = Population(rows.population[:, 0], rows.population[:, 1])
    return model.forecasts(rows.features, rows.orders, population)


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of ours less theirs over orders, with the interval of a bootstrap over firms."""

    ours: float
    theirs: float
    difference: float
    low: float
    high: float


def difference_by_firm(
    ours: np.ndarray, theirs: np.ndarray, firms: np.ndarray, *, draws: int = 2000, random_state: int = 0
) -> Difference:
    """Compare two losses of the same orders; whole firms are drawn, as the orders of one are alike.

    >>> difference_by_firm(np.array([1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0]), np.array([1, 1, 2]))
    Difference(ours=1.0, theirs=2.0, difference=-1.0, low=-1.0, high=-1.0)
    """
    _, place = np.unique(firms, return_inverse=True)
    sums, counts = np.bincount(place, weights=ours - theirs), np.bincount(place)
    drawn = np.random.default_rng(random_state).integers(0, len(sums), size=(draws, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(float(ours.mean()), float(theirs.mean()), float((ours - theirs).mean()), float(low), float(high))
