"""Interest and penalty interest, to the fen.

Chinese loans in CNY: actual days over a year of 360 (a daily rate is the yearly one over 360, PBC 银发〔2005〕129号). What
is overdue bears the contract's rate raised by 30 to 50 per cent, and so does interest not paid on time (银发〔2003〕251号).
"""

from decimal import Decimal
from fractions import Fraction

FEN = Decimal("0.01")
YEAR = 360
BASIS_POINTS = 10_000
PER_CENT = 100


def to_fen(amount: Fraction) -> Decimal:
    """Return an exact amount, not below 0, rounded half up to the fen.

    >>> to_fen(Fraction(5, 1000)), to_fen(Fraction(1, 3))
    (Decimal('0.01'), Decimal('0.33'))
    """
    return Decimal((amount * 200 + 1) // 2).scaleb(-2)


def interest_for(principal: Decimal, rate_bp: int, days: int) -> Decimal:
    """Return the interest of ``days`` on a principal at a yearly rate in basis points.

    >>> interest_for(Decimal(1_000_000), 385, 90)
    Decimal('9625.00')
    """
    return to_fen(Fraction(principal) * rate_bp * days / (BASIS_POINTS * YEAR))


def penalty_for(base: Decimal, rate_bp: int, penalty: int, days: int) -> Decimal:
    """Return the penalty interest of ``days`` on what is overdue, ``penalty`` per cent being added to the rate.

    It accrues by the day and each day is rounded to the fen, so that it does not matter on which days it was reckoned.

    >>> penalty_for(Decimal(100_000), 400, 50, 10)
    Decimal('166.70')
    """
    daily = to_fen(Fraction(base) * rate_bp * (PER_CENT + penalty) / (BASIS_POINTS * PER_CENT * YEAR))
    return daily * days
