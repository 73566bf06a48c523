"""Learn how late invoices are paid: a logistic regression whose known signs may not turn, judged on later invoices."""

import csv
import datetime as dt
import gzip
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from finance.scoring.late_payment import DIRECTIONS, FEATURES, Invoices, LatePayment
from finance.scoring.measures import auc, brier

# Ridge penalties per row that are tried, strongest first; rolling origins inside the training time choose.
PENALTIES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
ORIGINS = 5
# The day that this share of the invoices was issued by is the last day of training.
TRAINING_SHARE = 0.7
COLUMNS = ("customerID", "invoiceNumber", "InvoiceDate", "DueDate", "InvoiceAmount", "SettledDate", "PaperlessBill")
# The same names in our words, for a file that is not of that origin.
OTHER_NAMES = {
    "customer": "customerID",
    "number": "invoiceNumber",
    "issued_on": "InvoiceDate",
    "due_on": "DueDate",
    "amount": "InvoiceAmount",
    "settled_on": "SettledDate",
    "sent": "PaperlessBill",
}
ELECTRONIC = {"electronic": 1.0, "paper": 0.0, "": np.nan}


class InvoicesUnreadable(ValueError):  # noqa: N818 - named for the fact
    """The file lacks a column, or a line says what cannot be."""


def read_invoices(path: Path) -> Invoices:
    """Return the settled invoices of a CSV file, plain or ``.gz``, in the order of issue.

    Whether an invoice was disputed is not read: nobody knows it on the day of issue.

    :raises InvoicesUnreadable: naming the column or the line
    """
    lines = []
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = [OTHER_NAMES.get(name.strip(), name.strip()) for name in reader.fieldnames or ()]
            if missing := [name for name in COLUMNS if name not in names]:
                raise InvoicesUnreadable(f"The column {missing[0]} is missing.")
            reader.fieldnames = names
            lines = list(_lines(reader))
    except (UnicodeDecodeError, gzip.BadGzipFile, csv.Error) as error:
        raise InvoicesUnreadable(f"The file cannot be read: {error}") from error
    if not lines:
        raise InvoicesUnreadable("There is no invoice in the file.")
    lines.sort(key=lambda line: (line[1], line[0], line[6]))
    payers = {payer: code for code, payer in enumerate(sorted({line[0] for line in lines}))}
    payer, issued, due, settled, amount, electronic, _number = zip(*lines, strict=True)
    codes = np.array([payers[one] for one in payer])
    return Invoices(codes, *(np.array(column, float) for column in (issued, due, settled, amount, electronic)))


def _lines(reader: csv.DictReader) -> Iterator[tuple]:
    for row in reader:
        place = f"line {reader.line_num}"
        issued = _day(row, "InvoiceDate", place)
        due, settled = _day(row, "DueDate", place), _day(row, "SettledDate", place)
        try:
            amount = float(row["InvoiceAmount"])
        except (TypeError, ValueError):
            raise InvoicesUnreadable(f"{place}: InvoiceAmount is not a number.") from None
        if not amount > 0:
            raise InvoicesUnreadable(f"{place}: InvoiceAmount must be positive.")
        if due < issued or settled < issued:
            raise InvoicesUnreadable(f"{place}: due or settled before it was issued.")
        sent = (row["PaperlessBill"] or "").strip().lower()
        if sent not in ELECTRONIC:
            raise InvoicesUnreadable(f"{place}: PaperlessBill is neither Electronic nor Paper.")
        yield row["customerID"].strip(), issued, due, settled, amount, ELECTRONIC[sent], row["invoiceNumber"].strip()


def _day(row: dict, name: str, place: str) -> int:
    text = (row[name] or "").strip()
    for shape in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return dt.datetime.strptime(text, shape).date().toordinal()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise InvoicesUnreadable(f"{place}: {name} is no date.")


def training_day(invoices: Invoices) -> float:
    """Return the day by which the first 70 % of the invoices were issued."""
    return float(np.floor(np.quantile(invoices.issued, TRAINING_SHARE)))


def fit(features: np.ndarray, late: np.ndarray, *, penalty: float) -> LatePayment:
    """Learn the weights by penalised likelihood with L-BFGS-B; a weight whose sign is declared stays on its side.

    :param features: shape (n, len(FEATURES))
    :param late: 1 for late, shape (n,)
    """
    means, scales = features.mean(axis=0), features.std(axis=0)
    scales = np.where(scales > 1e-9, scales, 1.0)
    rows = np.column_stack([np.ones(len(late)), (features - means) / scales])
    sides = [
        (None, None),
        *((0, None) if way > 0 else (None, 0) if way < 0 else (None, None) for way in DIRECTIONS.values()),
    ]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = rows @ weights
        wrong = 1 / (1 + np.exp(-odds)) - late
        gradient = rows.T @ wrong / len(late)
        gradient[1:] += penalty * weights[1:]
        value = np.mean(np.logaddexp(0, odds) - late * odds) + penalty / 2 * weights[1:] @ weights[1:]
        return float(value), gradient

    start = np.zeros(rows.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=sides, options={"ftol": 1e-12, "gtol": 1e-9})
    return LatePayment(means, scales, found.x[1:], float(found.x[0]))


@dataclass(frozen=True)
class Learned:
    """The model, with what was tried: penalty -> Brier score of the rolling origins."""

    model: LatePayment
    penalty: float
    tried: dict[float, float]
    rows: int


def learn(invoices: Invoices, features: np.ndarray, *, until: float) -> Learned:
    """Learn from what was settled by this day; the penalty is chosen by rolling origins before it, never after.

    :param features: of all the invoices, from ``features_of``
    :raises InvoicesUnreadable: if too few were settled by then, or all alike
    """
    inside = invoices.settled <= until
    late = invoices.late()
    if inside.sum() < 100 or not 0 < late[inside].mean() < 1:
        raise InvoicesUnreadable("At least 100 settled invoices, late and in time, are needed to learn from.")
    tried = {penalty: _rolling(invoices, features, late, until, penalty) for penalty in PENALTIES}
    penalty = min(PENALTIES, key=lambda one: (tried[one], -one))
    model = fit(features[inside], late[inside], penalty=penalty)
    return Learned(model, penalty, tried, int(inside.sum()))


def _rolling(invoices: Invoices, features: np.ndarray, late: np.ndarray, until: float, penalty: float) -> float:
    """Return the Brier score on invoices issued after each of the origins, by a model learned up to it."""
    inside = invoices.settled <= until
    # An invoice of the last weeks is among the settled only if it was paid early: none of those is judged.
    first, last = np.quantile(invoices.issued[inside], [0.4, 1.0])
    last -= np.quantile(invoices.settled[inside] - invoices.issued[inside], 0.95)
    edges = np.linspace(first, max(first + ORIGINS, last), ORIGINS + 1)
    errors = []
    for start, end in itertools.pairwise(edges):
        learned = invoices.settled <= start
        judged = inside & (invoices.issued > start) & (invoices.issued <= end)
        if learned.sum() < 30 or not judged.any() or late[learned].min() == late[learned].max():
            continue
        model = fit(features[learned], late[learned], penalty=penalty)
        errors.append((model.chances(features[judged]) - late[judged]) ** 2)
    return float(np.concatenate(errors).mean()) if errors else 1.0


@dataclass(frozen=True)
class Judged:
    """What the later invoices say: each model's chances, shape (n,), and what came."""

    learned: Learned
    late: np.ndarray
    payer: np.ndarray
    chances: dict[str, np.ndarray]
    until: float
    skipped: str

    def to_dict(self, *, times: int = 1000) -> dict:
        """Return every figure with the 95 % interval of a bootstrap over payers, whose invoices go together."""
        figures = {name: _figures(self, chances, times) for name, chances in self.chances.items()}
        return {
            "protocol": "predicted on the day of issue; learned from what was settled by the day of the 70th "
            "percentile of issue; judged on all issued later; history only of invoices settled before issue; no dispute",
            "until": dt.date.fromordinal(int(self.until)).isoformat(),
            "learned_from": self.learned.rows,
            "judged_on": len(self.late),
            "late_rate": round(float(self.late.mean()), 6),
            "penalty": self.learned.penalty,
            "models": figures,
            "better_than": {name: _better(self, name, times) for name in self.chances if name != "late_payment"},
            "skipped": self.skipped,
        }


def judge(invoices: Invoices, features: np.ndarray) -> Judged:
    """Learn on the first 70 % of time and return chances for all later invoices, beside the baselines."""
    until = training_day(invoices)
    learned = learn(invoices, features, until=until)
    late = invoices.late()
    inside, after = invoices.settled <= until, invoices.issued > until
    chances = {
        "late_payment": learned.model.chances(features[after]),
        # What anybody would do first: the payer's share of late invoices so far, drawn to everybody's.
        "past_share": 1 / (1 + np.exp(-features[after, FEATURES.index("late_share")])),
        "base_rate": np.full(int(after.sum()), late[inside].mean()),
    }
    boosted, skipped = _boosted(features[inside], late[inside], features[after])
    if boosted is not None:
        chances["boosting"] = boosted
    return Judged(learned, late[after], invoices.payer[after], chances, until, skipped)


def _boosted(features: np.ndarray, late: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Return what gradient boosting says of the same features, its settings fixed beforehand."""
    try:
        # Heavy, and only a challenger: nothing that serves loads it.
        from lightgbm import LGBMClassifier  # noqa: PLC0415
    except ImportError:
        return None, "lightgbm is not installed"
    model = LGBMClassifier(
        n_estimators=150, learning_rate=0.03, num_leaves=7, min_child_samples=25, reg_lambda=5.0,
        random_state=0, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1,
    )  # fmt: skip
    return np.asarray(model.fit(features, late).booster_.predict(asked)), ""


def _figures(judged: Judged, chances: np.ndarray, times: int) -> dict:
    measures = {"brier": brier} if np.ptp(chances) == 0 else {"auc": auc, "brier": brier}
    return {
        name: {"value": round(measure(judged.late, chances), 6), **_interval(judged, (chances,), measure, times)}
        for name, measure in measures.items()
    }


def _better(judged: Judged, name: str, times: int) -> dict:
    """Return how much lower our Brier score is than theirs, on the same drawn payers; above 0 we are better."""
    ours, theirs = judged.chances["late_payment"], judged.chances[name]

    def gain(late: np.ndarray, our: np.ndarray, their: np.ndarray) -> float:
        return brier(late, their) - brier(late, our)

    value = round(gain(judged.late, ours, theirs), 6)
    return {"measure": "brier", "value": value, **_interval(judged, (ours, theirs), gain, times)}


def _interval(judged: Judged, columns: tuple[np.ndarray, ...], measure: Callable[..., float], times: int) -> dict:
    generator = np.random.default_rng(0)
    payers = np.unique(judged.payer)
    rows_of = {payer: np.flatnonzero(judged.payer == payer) for payer in payers}
    values = []
    while len(values) < times:
        rows = np.concatenate([rows_of[payer] for payer in generator.choice(payers, len(payers))])
        if 0 < judged.late[rows].mean() < 1:
            values.append(measure(judged.late[rows], *(column[rows] for column in columns)))
    low, high = np.percentile(values, [2.5, 97.5])
    return {"low": round(float(low), 6), "high": round(float(high), 6)}
