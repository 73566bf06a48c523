"""The price ladder of a pool: the more its members want together, the less each unit costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Rung:
    """From this quantity on, all of it costs this much per unit."""

    from_quantity: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Bid:
    """What one member wants, and what they pay per unit at most; None: whatever the ladder says."""

    id: int
    quantity: Decimal
    maximum: Decimal | None


@dataclass(frozen=True, slots=True)
class RungOutcome:
    """What a rung means to one member: what is missing until it is reached, and what they save by it."""

    from_quantity: Decimal
    unit_price: Decimal
    is_reached: bool
    is_current: bool
    missing: Decimal
    saving: Decimal


def rung_at(ladder: Sequence[Rung], quantity: Decimal) -> Rung | None:
    """Return the highest rung that the quantity reaches, None below the first.

    >>> ladder = [Rung(Decimal(100), Decimal(95)), Rung(Decimal(500), Decimal(88))]
    >>> rung_at(ladder, Decimal(499)).unit_price, rung_at(ladder, Decimal(99))
    (Decimal('95'), None)
    """
    reached = [rung for rung in ladder if rung.from_quantity <= quantity]
    return max(reached, key=lambda rung: rung.from_quantity, default=None)


def price_at(ladder: Sequence[Rung], quantity: Decimal, base_price: Decimal) -> Decimal:
    """Return the unit price at this quantity: the ladder's, or below its first rung what a single buyer pays.

    >>> price_at([Rung(Decimal(100), Decimal(95))], Decimal(99), Decimal(100))
    Decimal('100')
    """
    rung = rung_at(ladder, quantity)
    return rung.unit_price if rung else base_price


def saving(quantity: Decimal, base_price: Decimal, unit_price: Decimal) -> Decimal:
    """Return what a quantity costs less than alone, to the cent; never below zero.

    >>> saving(Decimal(40), Decimal(100), Decimal(88))
    Decimal('480.00')
    """
    return max(_cost(quantity, base_price) - _cost(quantity, unit_price), Decimal("0.00"))


def _cost(quantity: Decimal, unit_price: Decimal) -> Decimal:
    return (quantity * unit_price).quantize(CENT, rounding=ROUND_HALF_UP)


def savings(ladder: Sequence[Rung], *, committed: Decimal, own: Decimal, base_price: Decimal) -> list[RungOutcome]:
    """Return what each rung means to a member who adds ``own`` to what is committed, the lowest rung first.

    >>> ladder = [Rung(Decimal(100), Decimal(95)), Rung(Decimal(500), Decimal(88))]
    >>> for one in savings(ladder, committed=Decimal(470), own=Decimal(40), base_price=Decimal(100)):
    ...     print(one.from_quantity, one.is_reached, one.missing, one.saving)
    100 True 0 200.00
    500 True 0 480.00
    """
    total = committed + own
    current = rung_at(ladder, total)
    return [
        RungOutcome(
            from_quantity=rung.from_quantity,
            unit_price=rung.unit_price,
            is_reached=rung.from_quantity <= total,
            is_current=rung == current,
            missing=max(rung.from_quantity - total, Decimal(0)),
            saving=saving(own, base_price, rung.unit_price),
        )
        for rung in sorted(ladder, key=lambda rung: rung.from_quantity)
    ]


def staying(ladder: Sequence[Rung], bids: Sequence[Bid], base_price: Decimal) -> tuple[Decimal, list[Bid]]:
    """Return the price at which everybody still in the pool is content, and who that is.

    Who leaves because the price is above their maximum takes their quantity along; that may raise the price, and then
    others leave too. Each round somebody leaves, so it ends; the result is the largest group that is content, because
    a price only ever rises while people leave.

    >>> ladder = [Rung(Decimal(100), Decimal(95)), Rung(Decimal(150), Decimal(90))]
    >>> bids = [Bid(1, Decimal(100), None), Bid(2, Decimal(40), Decimal(92)), Bid(3, Decimal(20), Decimal(80))]
    >>> price, stay = staying(ladder, bids, Decimal(100))
    >>> price, [bid.id for bid in stay]
    (Decimal('95'), [1])
    """
    stay = sorted(bids, key=lambda bid: bid.id)
    while True:
        price = price_at(ladder, sum((bid.quantity for bid in stay), Decimal(0)), base_price)
        content = [bid for bid in stay if bid.maximum is None or bid.maximum >= price]
        if len(content) == len(stay):
            return price, stay
        stay = content
