"""All quotes of a request beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Membership, Quote, QuoteLine, RequestForQuotation, RfqLine, User
from marketplace.models.disclosure import Reader
from marketplace.parsing.draft_fields import ProblemError, currency, decimal
from marketplace.quoting.comparison import Bid, Cell, Price, Table, Total, Wanted, basis, compare
from marketplace.services.organisations import require_role
from marketplace.services.rfqs import locked
from marketplace.services.said_fields import in_my_language

MOST_RATES = 20


class QuotesSealed(RuleBroken):
    pass


@dataclass(frozen=True, slots=True)
class Entry:
    """One supplier's answer at one line and quantity; ``cell`` None: declined, or not to be had so."""

    quote: Quote
    cell: Cell | None
    line: QuoteLine | None


@dataclass(frozen=True, slots=True)
class Row:
    line: RfqLine
    quantity: Decimal
    entries: list[Entry]

    @property
    def is_wanted(self) -> bool:
        return self.quantity == self.line.quantity


@dataclass(frozen=True, slots=True)
class Comparison:
    """Each quote has the ``shown_name`` of its supplier, as the reader may know it.

    ``unconfirmed`` are quotes for an earlier revision of the request, which compete no more until confirmed.
    """

    rfq: RequestForQuotation
    quotes: list[Quote]
    unconfirmed: list[Quote]
    rows: list[Row]
    wanted: list[Wanted]
    bids: list[Bid]
    table: Table

    def totals(self) -> list[tuple[Quote, Total]]:
        return [(quote, self.table.totals[quote.pk]) for quote in self.quotes]

    def mix(self) -> list[tuple[RfqLine, Quote, Cell]]:
        """Return the cheapest quote of each line at the quantity wanted."""
        quotes = {quote.pk: quote for quote in self.quotes}
        base = {row.line.pk: row.line for row in self.rows}
        return [
            (base[line], quotes[quote], self.table.cells[line, base[line].quantity, quote])
            for line, quote in self.table.mix.items()
        ]

    def currencies(self) -> list[tuple[str, str]]:
        """Return the other currencies that were quoted in, each with the rate the buyer typed."""
        others = sorted({quote.currency for quote in self.quotes} - {self.rfq.currency})
        return [(code, self.rfq.rates.get(code, "")) for code in others]


def rate_of(rfq: RequestForQuotation, code: str) -> Decimal | None:
    """Return what one unit of a currency is in the request's, or None if the buyer typed none."""
    if code == rfq.currency:
        return Decimal(1)
    return Decimal(rfq.rates[code]) if code in rfq.rates else None


def _bid(rfq: RequestForQuotation, quote: Quote, asked: Mapping[int, RfqLine]) -> Bid:
    prices: dict[int, list[Price]] = {}
    for line in quote.lines.all():
        if line.line_id in asked and (line.unit_price is not None or line.is_declined):
            price = Price(line.quantity, line.unit_price, line.lead_days, line.minimum_quantity)
            prices.setdefault(line.line_id, []).append(price)
    factor = basis(
        tax_rate=quote.tax_rate,
        price_includes_tax=quote.price_includes_tax,
        recovers_tax=rfq.recovers_tax,
        rate=rate_of(rfq, quote.currency),
    )
    return Bid(quote.pk, prices, quote.freight_amount + quote.charge_amount, factor, quote.lead_days)


def compare_quotes(*, rfq: RequestForQuotation, by: User, now: datetime) -> Comparison:
    """Return every quote that this user may read, line by line and as a whole.

    :raises QuotesSealed: if the quotes are not opened yet
    """
    if not rfq.shows_quotes:
        raise QuotesSealed(_("The quotes are sealed until they are opened after the deadline."))
    readable = Quote.objects.readable_by(by, now).filter(rfq=rfq).standing().with_lines().order_by("submitted_at", "pk")
    found = list(readable)
    reader = Reader(by)
    for quote in found:
        quote.shown_name = reader.name_of(quote.supplier)
    quotes = [quote for quote in found if quote.rfq_revision == rfq.revision]
    lines = list(rfq.lines.filter(is_removed=False).order_by("position", "pk"))
    asked = {line.pk: line for line in lines}
    wanted = [Wanted(line.pk, line.quantity, tuple(line.quantities)) for line in lines]
    bids = [_bid(rfq, quote, asked) for quote in quotes]
    table = compare(wanted, bids)
    said = {quote.pk: {(row.line_id, row.quantity): row for row in quote.lines.all()} for quote in quotes}
    rows = [
        Row(
            line,
            quantity,
            [
                Entry(quote, table.cells.get((line.pk, quantity, quote.pk)), said[quote.pk].get((line.pk, quantity)))
                for quote in quotes
            ],
        )
        for line in lines
        for quantity in line.quantities
    ]
    unconfirmed = [quote for quote in found if quote.rfq_revision != rfq.revision]
    return Comparison(rfq, quotes, unconfirmed, rows, wanted, bids, table)


@transaction.atomic
def set_rates(*, rfq: RequestForQuotation, by: User, rates: Mapping[str, Any], now: datetime) -> RequestForQuotation:
    """Keep what the buyer reckons one unit of each other currency at; an empty rate is forgotten.

    :raises InputRefused: at ``rates.USD``
    """
    rfq = locked(rfq)
    require_role(by, rfq.buyer, *Membership.TRADING_ROLES)
    kept, errors = dict(rfq.rates), {}
    for name, said in rates.items():
        try:
            code = currency(str(name))
            if said in (None, ""):
                kept.pop(code, None)
            else:
                kept[code] = f"{decimal(places=6, digits=12)(said):f}"
        except ProblemError as problem:
            errors[f"rates.{str(name)[:10]}"] = [in_my_language(problem)]
    if len(kept) > MOST_RATES:
        errors["rates"] = [_("At most %(count)d rates.") % {"count": MOST_RATES}]
    if errors:
        raise InputRefused(errors)
    rfq.rates, rfq.updated_at = kept, now
    rfq.save(update_fields=["rates", "updated_at"])
    return rfq
