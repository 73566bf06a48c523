"""Comparing quotes: what each really costs, delivered and in one currency, per line and as a whole.

A quote's charges (freight and others, named once for the whole) are spread over its lines by their value at the
quantities asked for; a part of a line carries the same part of its share, a larger quantity no more than the share.
Everything is in the currency and on the tax basis into which ``Bid.factor`` turns the quote's own figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that is asked for: ``base`` is the quantity wanted, ``quantities`` all to compare at."""

    id: int
    base: Decimal
    quantities: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """What a unit costs from ``quantity`` on, None: so many cannot be had; ``minimum`` is the least that is sold."""

    quantity: Decimal
    unit_price: Decimal | None
    lead_days: int | None = None
    minimum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Bid:
    """A quote: its prices by line, and its charges. ``factor`` None: its currency cannot be converted."""

    id: int
    prices: Mapping[int, Sequence[Price]]
    charges: Decimal = ZERO
    factor: Decimal | None = Decimal(1)
    lead_days: int | None = None


@dataclass(slots=True)
class Cell:
    """One quote at one line and quantity; ``landed`` is in the common currency, ``amount`` in the quote's own."""

    price: Price
    amount: Decimal
    charge: Decimal
    landed: Decimal | None
    lead_days: int | None
    is_cheapest: bool = False
    is_fastest: bool = False


@dataclass(slots=True)
class Total:
    """One quote as a whole at the quantities wanted; only one that covers every line competes."""

    amount: Decimal
    landed: Decimal | None
    covered: int
    is_whole: bool
    lead_days: int | None
    is_cheapest: bool = False
    is_fastest: bool = False


@dataclass(slots=True)
class Table:
    cells: dict[tuple[int, Decimal, int], Cell] = field(default_factory=dict)
    totals: dict[int, Total] = field(default_factory=dict)
    # The cheapest quote of each line at the quantity wanted, and what that mix costs; None: a line has no quote.
    mix: dict[int, int] = field(default_factory=dict)
    mix_landed: Decimal | None = None


def basis(*, tax_rate: Decimal, price_includes_tax: bool, recovers_tax: bool, rate: Decimal | None) -> Decimal | None:
    """Return what turns a quoted figure into a cost: without tax for who recovers it, with tax for who does not.

    >>> basis(tax_rate=Decimal(25), price_includes_tax=True, recovers_tax=True, rate=Decimal(1))
    Decimal('0.8')
    >>> basis(tax_rate=Decimal(25), price_includes_tax=False, recovers_tax=False, rate=Decimal(2))
    Decimal('2.50')
    """
    if rate is None:
        return None
    with_tax = 1 + tax_rate / 100
    if price_includes_tax and recovers_tax:
        return rate / with_tax
    return rate * with_tax if not price_includes_tax and not recovers_tax else rate


def price_at(prices: Sequence[Price], quantity: Decimal) -> Price | None:
    """Return the price that holds for a quantity: of the largest quoted quantity within it, else of the smallest.

    >>> two = [Price(Decimal(100), Decimal(9)), Price(Decimal(500), Decimal(8))]
    >>> [price_at(two, Decimal(q)).unit_price for q in (60, 499, 500, 900)]
    [Decimal('9'), Decimal('9'), Decimal('8'), Decimal('8')]
    >>> price_at([Price(Decimal(100), Decimal(9), minimum=Decimal(80))], Decimal(60)) is None
    True
    >>> price_at([*two, Price(Decimal(900), None)], Decimal(900)) is None
    True
    """
    ordered = sorted(prices, key=lambda price: price.quantity)
    fitting = [price for price in ordered if price.quantity <= quantity] or ordered[:1]
    # A tier that is not sold in so small a part gives way to the one below it.
    for price in reversed(fitting):
        if price.unit_price is None:
            return None
        if price.minimum is None or price.minimum <= quantity:
            return price
    return None


def shares(bid: Bid, wanted: Sequence[Wanted]) -> dict[int, Decimal]:
    """Return each quoted line's part of the charges, by value; by number where all of it is free."""
    values = {}
    for line in wanted:
        prices = [price for price in bid.prices.get(line.id, ()) if price.unit_price is not None]
        if price := price_at(bid.prices.get(line.id, ()), line.base):
            values[line.id] = price.unit_price * line.base
        elif prices:
            # Not to be had in the quantity wanted: then the smallest that is carries its value.
            first = min(prices, key=lambda price: price.quantity)
            values[line.id] = first.unit_price * first.quantity
    total = sum(values.values(), ZERO)
    return {line: bid.charges * value / total if total else bid.charges / len(values) for line, value in values.items()}


def charge_for(line: Wanted, quantity: Decimal, share: Decimal) -> Decimal:
    """Return which part of a line's share a quantity carries.

    >>> charge_for(Wanted(1, Decimal(100), ()), Decimal(60), Decimal(50))
    Decimal('30.0')
    """
    return share * min(Decimal(1), quantity / line.base)


def cell_of(bid: Bid, line: Wanted, quantity: Decimal, share: Decimal) -> Cell | None:
    """Return what a quantity of a line costs with this quote, or None if it is not to be had."""
    prices = bid.prices.get(line.id)
    price = price_at(prices, quantity) if prices else None
    if price is None:
        return None
    amount, charge = price.unit_price * quantity, charge_for(line, quantity, share)
    return Cell(
        price=price,
        amount=_cents(amount),
        charge=_cents(charge),
        landed=None if bid.factor is None else _cents((amount + charge) * bid.factor),
        lead_days=bid.lead_days if price.lead_days is None else price.lead_days,
    )


def compare(wanted: Sequence[Wanted], bids: Sequence[Bid]) -> Table:
    """Set every quote beside every other; ties go to both as cheapest, to the smaller id in the mix."""
    table = Table()
    spread = {bid.id: shares(bid, wanted) for bid in bids}
    for line in wanted:
        for quantity in sorted({line.base, *line.quantities}):
            row = {}
            for bid in bids:
                cell = cell_of(bid, line, quantity, spread[bid.id].get(line.id, ZERO))
                if cell is not None:
                    row[bid.id] = table.cells[line.id, quantity, bid.id] = cell
            _mark(list(row.values()))
            if quantity == line.base:
                priced = [(cell.landed, bid) for bid, cell in row.items() if cell.landed is not None]
                if priced:
                    table.mix[line.id] = min(priced)[1]
    for bid in bids:
        table.totals[bid.id] = _total(table, bid, wanted)
    _mark([total for total in table.totals.values() if total.is_whole])
    if wanted and len(table.mix) == len(wanted):
        table.mix_landed = sum((table.cells[line.id, line.base, table.mix[line.id]].landed for line in wanted), ZERO)
    return table


def _total(table: Table, bid: Bid, wanted: Sequence[Wanted]) -> Total:
    found = [table.cells.get((line.id, line.base, bid.id)) for line in wanted]
    cells = [cell for cell in found if cell is not None]
    leads = [cell.lead_days for cell in cells]
    return Total(
        amount=sum((cell.amount for cell in cells), ZERO) + (_cents(bid.charges) if cells else ZERO),
        landed=None if bid.factor is None else sum((cell.landed for cell in cells), ZERO),
        covered=len(cells),
        is_whole=bool(cells) and len(cells) == len(wanted),
        lead_days=max(leads) if leads and None not in leads else None,
    )


def _mark(row: Sequence[Cell | Total]) -> None:
    costs = [cell.landed for cell in row if cell.landed is not None]
    leads = [cell.lead_days for cell in row if cell.lead_days is not None]
    for cell in row:
        cell.is_cheapest = cell.landed is not None and cell.landed == min(costs)
        cell.is_fastest = cell.lead_days is not None and cell.lead_days == min(leads)


def is_cheapest(
    wanted: Wanted, quantity: Decimal, chosen: int, bids: Sequence[Bid], all_wanted: Sequence[Wanted]
) -> bool:
    """Say whether no other quote gives this quantity of a line for less, landed; unknown counts as no."""
    costs = {}
    for bid in bids:
        cell = cell_of(bid, wanted, quantity, shares(bid, all_wanted).get(wanted.id, ZERO))
        if cell is not None:
            costs[bid.id] = cell.landed
    known = [cost for cost in costs.values() if cost is not None]
    if costs.get(chosen) is None or len(known) < len(costs):
        return len(costs) == 1 and chosen in costs
    return costs[chosen] == min(known)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)
