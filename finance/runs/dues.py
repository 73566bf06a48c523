"""What of a loan is owed on a day: instalments fallen due, and the penalty interest on what was not paid."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from finance.lending.allocation import Owed
from finance.lending.interest import penalty_for
from finance.models import Account, Drawdown, Instalment
from finance.runs.ledger import Leg, post
from marketplace.models import User

ZERO = Decimal("0.00")


def penalty_on(instalment: Instalment, drawdown: Drawdown, on: date) -> Decimal:
    """Return the penalty interest that came on top since it was last written, until that day."""
    since = instalment.penalty_until or instalment.due_on
    base = instalment.principal - instalment.principal_paid + instalment.interest - instalment.interest_paid
    days = max((on - since).days, 0)
    return penalty_for(base, drawdown.rate_bp, drawdown.penalty_bp, days)


def owed_of(instalment: Instalment, drawdown: Drawdown, on: date) -> Owed:
    """Return what is to be paid of an instalment on that day, fallen due or not."""
    return Owed(
        instalment.pk,
        penalty=instalment.penalty - instalment.penalty_paid + penalty_on(instalment, drawdown, on),
        interest=instalment.interest - instalment.interest_paid,
        principal=instalment.principal - instalment.principal_paid,
    )


def owed_on(drawdown: Drawdown, instalments: Sequence[Instalment], on: date) -> list[Owed]:
    """Return what of these instalments had fallen due by that day and is not paid, the oldest first."""
    return [
        owed_of(one, drawdown, on) for one in instalments if one.status == Instalment.Status.OPEN and one.due_on <= on
    ]


def book_interest(instalment: Instalment, drawdown: Drawdown, *, at: datetime, by: User | None = None) -> None:
    """Write the interest of an instalment into the ledger as owed, once."""
    if not Instalment.objects.filter(pk=instalment.pk, is_booked=False).update(is_booked=True):
        return
    instalment.is_booked = True
    post(
        key=f"{interest_key(instalment)}{drawdown.postings.filter(key__startswith=interest_key(instalment)).count()}",
        kind="interest.due",
        line=drawdown.line,
        drawdown=drawdown,
        legs=[Leg(Account.INTEREST, Account.INTEREST_EARNED, instalment.interest)],
        at=at,
        booked_on=instalment.due_on,
        by=by,
    )


def interest_key(instalment: Instalment) -> str:
    """Return what the keys of the postings of its interest begin with: one that was reversed is followed by another."""
    return f"interest.due:{instalment.pk}:"


def days_overdue(instalments: Sequence[Instalment], on: date) -> int:
    """Return for how many days the oldest open instalment is overdue; 0 on the day it is due."""
    open_since = [one.due_on for one in instalments if one.status == Instalment.Status.OPEN and one.due_on < on]
    return (on - min(open_since)).days if open_since else 0
