"""When a loan is paid back and with what interest: actual days over a year of 360, exact to the fen."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from finance.lending.interest import FEN, interest_for, to_fen

BULLET = "bullet"
EQUAL_PRINCIPAL = "equal_principal"
ANNUITY = "annuity"
AT_MATURITY = "at_maturity"
METHODS = (BULLET, EQUAL_PRINCIPAL, ANNUITY, AT_MATURITY)
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Due:
    """What is due at the end of one period: ``principal`` and ``interest`` in the loan's currency, ``left`` afterwards."""

    number: int
    starts_on: date
    due_on: date
    principal: Decimal
    interest: Decimal
    left: Decimal

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest

    @property
    def days(self) -> int:
        return (self.due_on - self.starts_on).days


def due_dates(starts_on: date, days: int, method: str) -> list[date]:
    """Return the days on which something is due: each month on the day it began, and the last day of the term.

    A month without that day takes its last one. Less than half a month before the end nothing is due by itself.

    >>> due_dates(date(2026, 1, 31), 90, BULLET)
    [datetime.date(2026, 2, 28), datetime.date(2026, 3, 31), datetime.date(2026, 5, 1)]
    >>> due_dates(date(2026, 1, 31), 90, AT_MATURITY)
    [datetime.date(2026, 5, 1)]
    """
    end = starts_on + timedelta(days=days)
    if method == AT_MATURITY:
        return [end]
    found, months = [], 1
    while (day := _months_later(starts_on, months)) < end - timedelta(days=14):
        found.append(day)
        months += 1
    return [*found, end]


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, MONTHS)
    year, month = day.year + year, month + 1
    return day.replace(year=year, month=month, day=min(day.day, monthrange(year, month)[1]))


def schedule(principal: Decimal, rate_bp: int, starts_on: date, days: int, method: str) -> list[Due]:
    """Return what is due when, for a loan of ``days`` from ``starts_on`` at ``rate_bp`` basis points a year.

    The interest of a period is that of its days on what was still owed, rounded half up to the fen; the last instalment
    takes what rounding left of the principal. Equal instalments are reckoned with each period's real days.

    >>> [(str(one.principal), str(one.interest)) for one in schedule(Decimal(9000), 360, date(2026, 1, 1), 90, BULLET)]
    [('0.00', '27.90'), ('0.00', '25.20'), ('9000.00', '27.90')]
    >>> [str(one.total) for one in schedule(Decimal(9000), 360, date(2026, 1, 1), 90, ANNUITY)]
    ['3018.02', '3018.02', '3018.02']
    """
    return schedule_on(principal, rate_bp, starts_on, due_dates(starts_on, days, method), method)


def schedule_on(
    principal: Decimal, rate_bp: int, starts_on: date, dates: Sequence[date], method: str, *, first: int = 1
) -> list[Due]:
    """Return what is due on these days; ``first`` is the number of the first instalment.

    :raises ValueError: if the principal is no whole number of fen above 0, the days do not follow one another, or the
        method is unknown
    """
    if principal <= 0 or principal != principal.quantize(FEN):
        raise ValueError("The principal is a whole number of fen above 0.")
    if method not in METHODS:
        raise ValueError(f"Unknown way of repayment: {method}")
    starts = [starts_on, *dates[:-1]]
    if not dates or any(start >= end for start, end in zip(starts, dates, strict=True)):
        raise ValueError("The due dates must follow one another, after the start.")
    periods = [(end - start).days for start, end in zip(starts, dates, strict=True)]
    parts = _principal_parts(principal, rate_bp, periods, method)
    found, left = [], principal.quantize(FEN)
    for place, (start, end, part) in enumerate(zip(starts, dates, parts, strict=True)):
        interest = interest_for(left, rate_bp, periods[place])
        left -= part
        found.append(Due(first + place, start, end, part, interest, left))
    return found


def _principal_parts(principal: Decimal, rate_bp: int, periods: Sequence[int], method: str) -> list[Decimal]:
    count = len(periods)
    if method in (BULLET, AT_MATURITY):
        return [Decimal("0.00")] * (count - 1) + [principal.quantize(FEN)]
    if method == EQUAL_PRINCIPAL:
        part = (principal / count).quantize(FEN, ROUND_HALF_UP)
        # Less than a fen each: the first instalments take what there is.
        parts = _at_most([part] * (count - 1), principal)
        return [*parts, principal - sum(parts, Decimal(0))]
    payment = equal_payment(principal, rate_bp, periods)
    parts, left = [], principal.quantize(FEN)
    for days in periods[:-1]:
        part = min(max(payment - interest_for(left, rate_bp, days), Decimal("0.00")), left)
        parts.append(part)
        left -= part
    return [*parts, left]


def _at_most(parts: Sequence[Decimal], total: Decimal) -> list[Decimal]:
    taken, left = [], total
    for part in parts:
        taken.append(min(part, left))
        left -= taken[-1]
    return taken


def equal_payment(principal: Decimal, rate_bp: int, periods: Sequence[int]) -> Decimal:
    """Return the instalment that, paid at the end of each period, repays the loan with interest, to the fen.

    With the factors f_j = 1 + rate × days_j / 360 the present value of 1 paid after period k is 1 / (f_1 … f_k); the
    instalment is the principal over the sum of these.

    >>> equal_payment(Decimal(9000), 360, [31, 28, 31])
    Decimal('3018.02')
    """
    value, worth = Fraction(1), Fraction(0)
    for days in periods:
        value /= 1 + Fraction(rate_bp * days, 10_000 * 360)
        worth += value
    return to_fen(Fraction(principal) / worth)
