"""What a loan costs in a year, all payments counted."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pyxirr import InvalidPaymentsError, xirr

from finance.lending.schedule import Due


def yearly_cost(flows: Sequence[tuple[date, Decimal]]) -> float | None:
    """Return the internal rate of return (XIRR: actual days over 365, compounded) of dated payments, None without one.

    What the borrower gets is positive, what it pays negative; 0.0453 is 4.53 % a year.

    >>> round(yearly_cost([(date(2026, 1, 1), Decimal(1000)), (date(2027, 1, 1), Decimal(-1045))]), 6)
    0.045
    """
    if len(flows) < 2:
        return None
    try:
        return xirr([day for day, _amount in flows], [float(amount) for _day, amount in flows])
    except InvalidPaymentsError:
        return None


def cost_of(principal: Decimal, starts_on: date, dues: Sequence[Due], fees: Decimal = Decimal(0)) -> float | None:
    """Return the yearly cost of a loan repaid by its schedule, ``fees`` being paid at the start.

    >>> from finance.lending.schedule import schedule
    >>> loan = schedule(Decimal(100_000), 400, date(2026, 1, 1), 360, "at_maturity")
    >>> round(cost_of(Decimal(100_000), date(2026, 1, 1), loan), 5)
    0.04057
    """
    return yearly_cost([(starts_on, principal - fees), *((one.due_on, -one.total) for one in dues)])
