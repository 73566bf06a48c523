"""Buyers who are each too small for a seller's minimum order, and together are not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from marketplace.parsing.places import distance_km


@dataclass(frozen=True, slots=True)
class Buyer:
    """A demand: how much of the common unit, where (GB/T 2260), and between which days."""

    id: int
    firm: int
    quantity: Decimal
    region: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Seller:
    """A supply: its price per unit from a minimum on; ``left`` is what it still has, None if it does not say."""

    id: int
    firm: int
    price: Decimal
    minimum: Decimal
    left: Decimal | None


@dataclass(frozen=True, slots=True)
class FoundPool:
    """Buyers who reach a seller's minimum together, at ``unit_price``; ``alone`` is each one's best price alone, if any.

    ``window`` are the days that suit all of them.
    """

    seller: int
    buyers: list[int]
    unit_price: Decimal
    alone: dict[int, Decimal | None]
    window: tuple[date, date]

    @property
    def base_price(self) -> Decimal | None:
        """Return the lowest of the prices that members have alone, None where nobody sells so little."""
        return min((price for price in self.alone.values() if price is not None), default=None)


def find_pools(
    buyers: Sequence[Buyer],
    sellers: Sequence[Seller],
    fits: Collection[tuple[int, int]],
    *,
    apart: Collection[frozenset[int]] = frozenset(),
    near_km: float = 60.0,
) -> list[FoundPool]:
    """Return the pools that save each of their members money, or get them goods that nobody sells them alone.

    Sellers are tried from the cheapest on; around the free buyer of the smallest id come the nearest ones that fit, so
    that everybody is within ``near_km`` of everybody, some days suit all, and no firm stands in it twice. A buyer is in
    one pool at most. Ties go to the smaller id.

    :param fits: pairs of buyer and seller that only the minimum order may keep from trading
    :param apart: pairs of firms that want nothing to do with each other

    >>> days = date(2026, 3, 2), date(2026, 4, 1)
    >>> buyers = [Buyer(n, n, Decimal(40), "331083", *days) for n in (1, 2, 3)]
    >>> sellers = [Seller(8, 8, Decimal(10), Decimal(1), None), Seller(9, 9, Decimal(8), Decimal(100), None)]
    >>> pool, = find_pools(buyers, sellers, {(b, s) for b in (1, 2, 3) for s in (8, 9)})
    >>> pool.seller, pool.buyers, pool.base_price
    (9, [1, 2, 3], Decimal('10'))
    """
    fits = set(fits)
    alone = {buyer.id: _price_alone(buyer, sellers, fits) for buyer in buyers}
    free = {buyer.id: buyer for buyer in sorted(buyers, key=lambda each: each.id)}
    found = []
    for seller in sorted(sellers, key=lambda each: (each.price, each.id)):
        if seller.minimum <= 0:
            continue
        waiting = [buyer for buyer in free.values() if _gains(buyer, seller, fits, alone[buyer.id])]
        while waiting:
            members = _gather(waiting, seller, apart, near_km)
            waiting = [buyer for buyer in waiting if buyer.id != members[0].id]
            if len(members) < 2 or sum(each.quantity for each in members) < seller.minimum:
                continue
            taken = {each.id for each in members}
            waiting = [buyer for buyer in waiting if buyer.id not in taken]
            free = {pk: buyer for pk, buyer in free.items() if pk not in taken}
            found.append(
                FoundPool(
                    seller.id,
                    sorted(taken),
                    seller.price,
                    {each.id: alone[each.id] for each in members},
                    (max(each.start for each in members), min(each.end for each in members)),
                )
            )
    return found


def _price_alone(buyer: Buyer, sellers: Sequence[Seller], fits: Collection[tuple[int, int]]) -> Decimal | None:
    prices = [
        seller.price
        for seller in sellers
        if (buyer.id, seller.id) in fits
        and seller.minimum <= buyer.quantity
        and (seller.left is None or seller.left >= buyer.quantity)
    ]
    return min(prices, default=None)


def _gains(buyer: Buyer, seller: Seller, fits: Collection[tuple[int, int]], alone: Decimal | None) -> bool:
    is_small = 0 < buyer.quantity < seller.minimum
    return is_small and (buyer.id, seller.id) in fits and (alone is None or seller.price < alone)


def _gather(waiting: Sequence[Buyer], seller: Seller, apart: Collection[frozenset[int]], near_km: float) -> list[Buyer]:
    """Return the first buyer and those that can join it, the nearest first, as long as the seller has enough."""
    first, *others = waiting
    members, total = [first], first.quantity
    start, end = first.start, first.end
    for each in sorted(others, key=lambda other: (_distance(first, other), other.id)):
        if _distance(first, each) > near_km:
            break
        if (
            each.firm in {member.firm for member in members}
            or max(start, each.start) > min(end, each.end)
            or (seller.left is not None and total + each.quantity > seller.left)
            or any(frozenset((each.firm, member.firm)) in apart for member in members)
            or any(_distance(each, member) > near_km for member in members)
        ):
            continue
        members.append(each)
        total += each.quantity
        start, end = max(start, each.start), min(end, each.end)
    return members


def _distance(one: Buyer, other: Buyer) -> float:
    distance = distance_km(one.region, other.region)
    return float("inf") if distance is None else float(distance)
