"""Allocate quantities: which demand takes how much from which supply, so that the market as a whole gains most."""

from dataclasses import dataclass, field

from matching.clearing.market import Market


@dataclass(frozen=True)
class Allocation:
    """So much from this supply to this demand; ``demand`` and ``supply`` are positions in the market."""

    demand: int
    supply: int
    quantity: float


@dataclass(frozen=True)
class Clearing:
    """What was allocated, and how good that is.

    ``fill``: allocated over demanded quantity; ``value``: sum of value x quantity; ``bound``: no allocation has a
    larger value; ``seconds``: how long it took.
    """

    fill: float
    value: float
    bound: float
    seconds: float
    allocations: list[Allocation] = field(default_factory=list)

    @property
    def gap(self) -> float:
        """Which share of the bound is not reached; at most so much could still be gained."""
        return (self.bound - self.value) / self.bound if self.bound > 0 else 0.0


def clear(market: Market, *, seconds: float = 3.0, fill_weight: float = 0.0, pool: bool = False) -> Clearing:
    raise NotImplementedError
