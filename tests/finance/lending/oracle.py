"""An independent reckoning of a loan: day by day, in exact fractions, with nothing of ours but the due dates."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction


def rounded(amount: Fraction) -> Fraction:
    """Return an amount to the fen, halves up."""
    fen = amount * 100
    whole = fen.numerator // fen.denominator
    return Fraction(whole + (1 if fen - whole >= Fraction(1, 2) else 0), 100)


def accrued(owed: Fraction, rate_bp: int, start: date, end: date) -> Fraction:
    """Return the interest of all days from start to the day before end, one after the other."""
    total, day = Fraction(0), start
    while day < end:
        total += owed * rate_bp / 10_000 / 360
        day += timedelta(days=1)
    return total


def months(start: date, days: int, method: str) -> list[date]:
    """Return the due dates: walk from day to day and stop where a month has passed."""
    end = start + timedelta(days=days)
    if method == "at_maturity":
        return [end]
    found, day = [], start
    while day < end:
        day += timedelta(days=1)
        is_last_of_month = (day + timedelta(days=1)).month != day.month
        if (day.day == start.day or (is_last_of_month and day.day < start.day)) and day != start:
            found.append(day)
    return [one for one in found if (end - one).days > 14] + [end]


def level(principal: Fraction, rate_bp: int, dates: list[date], start: date) -> Fraction:
    """Return the equal instalment: what is left at the end falls in a straight line with it, so two tries give it."""

    def left_with(payment: Fraction) -> Fraction:
        owed, since = principal, start
        for due in dates:
            owed = owed + accrued(owed, rate_bp, since, due) - payment
            since = due
        return owed

    at_none, at_one = left_with(Fraction(0)), left_with(Fraction(1))
    return rounded(at_none / (at_none - at_one))


def reckon(
    principal: Decimal, rate_bp: int, start: date, days: int, method: str
) -> list[tuple[date, Decimal, Decimal]]:
    """Return (due on, principal, interest) of every instalment."""
    dates, owed, since, found = months(start, days, method), Fraction(principal), start, []
    payment = level(owed, rate_bp, dates, start) if method == "annuity" else None
    equal = rounded(Fraction(principal) / len(dates))
    for due in dates:
        interest = rounded(accrued(owed, rate_bp, since, due))
        part = Fraction(0)
        if due == dates[-1]:
            part = owed
        elif method == "equal_principal":
            part = min(equal, owed)
        elif method == "annuity":
            part = min(max(payment - interest, Fraction(0)), owed)
        owed, since = owed - part, due
        found.append((due, Decimal(int(part * 100)) / 100, Decimal(int(interest * 100)) / 100))
    return found
