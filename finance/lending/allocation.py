"""What a repayment pays: penalty before interest before principal, and of each the oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Owed:
    """What is still owed of one instalment, or what of it was paid."""

    id: int
    penalty: Decimal = ZERO
    interest: Decimal = ZERO
    principal: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.penalty + self.interest + self.principal


def allocate(amount: Decimal, owed: Sequence[Owed]) -> tuple[list[Owed], Decimal]:
    """Return by instalment what an amount pays, and what is left of it; ``owed`` has the oldest first.

    >>> old, new = Owed(1, Decimal(2), Decimal(5), Decimal(100)), Owed(2, ZERO, Decimal(4), Decimal(100))
    >>> paid, left = allocate(Decimal(61), [old, new])
    >>> [(one.id, int(one.penalty), int(one.interest), int(one.principal)) for one in paid], int(left)
    ([(1, 2, 5, 50), (2, 0, 4, 0)], 0)
    """
    left = amount
    paid: dict[int, dict[str, Decimal]] = {one.id: {} for one in owed}
    for part in ("penalty", "interest", "principal"):
        for one in owed:
            taken = min(getattr(one, part), left)
            paid[one.id][part] = taken
            left -= taken
    return [Owed(one.id, **paid[one.id]) for one in owed], left
