"""How loans of one quarter turned out, month after month: cumulative share gone bad by months since they were paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

AGES = (3, 6, 9, 12, 18, 24)


@dataclass(frozen=True)
class Loan:
    """When it was paid, how much, and when it first went bad (None: it has not)."""

    paid_on: date
    amount: float
    bad_on: date | None


@dataclass(frozen=True)
class Vintage:
    """The loans of a quarter; ``bad`` and ``bad_amount`` per age are None where not all are that old yet."""

    quarter: str
    loans: int
    amount: float
    bad: tuple[float | None, ...]
    bad_amount: tuple[float | None, ...]

    def to_dict(self) -> dict:
        return {
            "quarter": self.quarter,
            "loans": self.loans,
            "amount": self.amount,
            "bad": list(self.bad),
            "bad_amount": list(self.bad_amount),
        }


def quarter_of(day: date) -> str:
    """Return the quarter of a day.

    >>> quarter_of(date(2026, 5, 1))
    '2026Q2'
    """
    return f"{day.year}Q{(day.month - 1) // 3 + 1}"


def months_between(start: date, end: date) -> int:
    """Return the whole months from one day to another.

    >>> months_between(date(2026, 1, 31), date(2026, 2, 28)), months_between(date(2026, 1, 31), date(2026, 3, 31))
    (0, 2)
    """
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


def vintages(loans: Sequence[Loan], *, today: date, ages: Sequence[int] = AGES) -> list[Vintage]:
    """Return a row per quarter, oldest first. An age counts only when the youngest loan of the quarter has reached it.

    >>> loans = [Loan(date(2025, 1, 5), 100.0, date(2025, 6, 1)), Loan(date(2025, 2, 5), 300.0, None)]
    >>> [row.bad for row in vintages(loans, today=date(2025, 9, 1), ages=(3, 6, 9))]
    [(0.0, 0.5, None)]
    """
    rows: dict[str, list[Loan]] = {}
    for loan in loans:
        rows.setdefault(quarter_of(loan.paid_on), []).append(loan)
    return [_vintage(quarter, rows[quarter], today, ages) for quarter in sorted(rows)]


def _vintage(quarter: str, loans: list[Loan], today: date, ages: Sequence[int]) -> Vintage:
    total = sum(loan.amount for loan in loans)
    youngest = max(loan.paid_on for loan in loans)
    counted, weighed = [], []
    for age in ages:
        if months_between(youngest, today) < age:
            counted.append(None)
            weighed.append(None)
            continue
        bad = [loan for loan in loans if loan.bad_on and months_between(loan.paid_on, loan.bad_on) < age]
        counted.append(len(bad) / len(loans))
        weighed.append(sum(loan.amount for loan in bad) / total if total else 0.0)
    return Vintage(quarter, len(loans), float(total), tuple(counted), tuple(weighed))
