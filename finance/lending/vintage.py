"""How loans of one month behave as they grow old, and how classes change from one month's end to another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finance.lending.classes import NORMAL, ORDER

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan for these tables: ``bad_on`` is the day on which it first was overdue for too long, None if never."""

    id: int
    starts_on: date
    amount: Decimal
    bad_on: date | None = None


@dataclass(frozen=True, slots=True)
class Cohort:
    """The loans of a month: how many, how much, and by months on book the share of the amount that had gone bad."""

    month: date
    loans: int
    amount: Decimal
    shares: tuple[float, ...]

    @property
    def latest(self) -> float:
        return self.shares[-1]


def first_bad_day(dues: Iterable[tuple[date, date | None]], today: date, *, after: int) -> date | None:
    """Return the first day on which a due date was missed by more than ``after`` days, of (due on, paid on) pairs.

    >>> first_bad_day([(date(2026, 1, 1), date(2026, 2, 5))], date(2026, 3, 1), after=30)
    datetime.date(2026, 2, 1)
    >>> first_bad_day([(date(2026, 2, 20), None)], date(2026, 3, 1), after=30) is None
    True
    """
    late = [due for due, paid in dues if ((paid or today) - due).days > after]
    return date.fromordinal(min(late).toordinal() + after + 1) if late else None


def months_between(first: date, last: date) -> int:
    """Return how many whole months lie between the months of two days.

    >>> months_between(date(2026, 1, 31), date(2026, 3, 1))
    2
    """
    return (last.year - first.year) * MONTHS + last.month - first.month


def vintages(loans: Sequence[Loan], today: date, *, months: int = 12) -> list[Cohort]:
    """Return a cohort for each month in which loans began, oldest first; a share stands only for months that are over.

    >>> loans = [Loan(1, date(2026, 1, 5), Decimal(100), date(2026, 3, 9)), Loan(2, date(2026, 1, 9), Decimal(300))]
    >>> [(cohort.loans, cohort.shares) for cohort in vintages(loans, date(2026, 4, 2))]
    [(2, (0.0, 0.0, 0.25, 0.25))]
    """
    by_month: dict[date, list[Loan]] = {}
    for loan in loans:
        by_month.setdefault(loan.starts_on.replace(day=1), []).append(loan)
    found = []
    for month, rows in sorted(by_month.items()):
        amount = sum((loan.amount for loan in rows), Decimal(0))
        ages = range(min(months_between(month, today), months) + 1)
        shares = tuple(float(_gone_bad(rows, month, age) / amount) for age in ages)
        found.append(Cohort(month, len(rows), amount, shares))
    return found


def _gone_bad(rows: Iterable[Loan], month: date, age: int) -> Decimal:
    bad = (loan.amount for loan in rows if loan.bad_on and months_between(month, loan.bad_on) <= age)
    return sum(bad, Decimal(0))


def class_at(changes: Sequence[tuple[date, str, str]], day: date) -> str:
    """Return the class that a loan had at the end of a day, of its (day, before, after) in order.

    >>> class_at([(date(2026, 1, 5), "normal", "special_mention")], date(2026, 1, 4))
    'normal'
    """
    after = [new for on, _old, new in changes if on <= day]
    if after:
        return after[-1]
    return changes[0][1] if changes else NORMAL


def migration(pairs: Iterable[tuple[str, str, Decimal]]) -> Mapping[tuple[str, str], Decimal]:
    """Return by (class before, class after) the amounts of loans that went from one to the other.

    >>> migration([("normal", "normal", Decimal(5)), ("normal", "loss", Decimal(1))])["normal", "loss"]
    Decimal('1')
    """
    found = {(before, after): Decimal(0) for before in ORDER for after in ORDER}
    for before, after, amount in pairs:
        found[before, after] += amount
    return found
