from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import (
    Award,
    AwardLine,
    Membership,
    Message,
    Negotiation,
    Offer,
    OfferLine,
    Quote,
    RequestForQuotation,
    RfqLine,
    User,
)
from marketplace.models.terms import CENT, TermLine, amount, totals
from marketplace.parsing.draft_fields import decimal, whole
from marketplace.quoting.comparison import Bid, Price, Wanted, charge_for, is_cheapest, price_at, shares
from marketplace.runs.rfqs import settle
from marketplace.services.comparisons import Comparison, compare_quotes
from marketplace.services.notifications import notify_many
from marketplace.services.offers import accept_offer, decline_offer
from marketplace.services.organisations import require_role
from marketplace.services.quote_drafts import LARGEST_AMOUNT
from marketplace.services.rfq_invitations import blocked_with
from marketplace.services.rfqs import RfqNotInStatusForThis, locked
from marketplace.services.said_fields import SaidFields, refuse_errors

LONGEST_WORDS = 2000
# Orders carry their lines in one text for both sides, whatever they read.
FREIGHT = "运费 Freight"


class AwardNotWaiting(RuleBroken):
    pass


@dataclass(frozen=True, slots=True)
class Pick:
    """So much of a line from this quote, at the price that holds for that quantity."""

    quote: Quote
    line: RfqLine
    quantity: Decimal
    price: Price
    is_cheapest: bool


@transaction.atomic
def award_quotes(
    *,
    rfq: RequestForQuotation,
    by: User,
    picks: Sequence[Mapping[str, Any]],
    reason: str = "",
    closing_note: str = "",
    is_final: bool = True,
    now: datetime,
) -> list[Award]:
    """Take quotes, or parts of them: each of ``picks`` names ``quote``, ``line`` and ``quantity``.

    Each chosen supplier gets one order, or waits for an approver above the member's limit. ``is_final``: the others are
    told, with the ``closing_note``, as soon as no order waits any more.

    :raises InputRefused: naming the field (``picks.0.quantity``); at ``reason`` if a cheaper quote was passed over
    :raises QuotesSealed: if the quotes are not opened yet
    :raises RfqNotInStatusForThis: unless it is closed, or awarded with something left
    :raises QuantityNoLongerAvailable: if a supplier's listing has no longer what it quoted
    """
    rfq = locked(rfq)
    require_role(by, rfq.buyer, *Membership.TRADING_ROLES)
    status = RequestForQuotation.Status
    if rfq.status not in (status.CLOSED, status.AWARDED) or rfq.settled_at:
        raise RfqNotInStatusForThis(rfq)
    comparison = compare_quotes(rfq=rfq, by=by, now=now)
    errors: dict[str, list[str]] = {}
    words = SaidFields({"reason": reason, "closing_note": closing_note}, errors=errors)
    reason, closing_note = words.text("reason", LONGEST_WORDS), words.text("closing_note", LONGEST_WORDS)
    chosen = _read_picks(rfq, picks, comparison, errors=errors, now=now)
    if not reason and any(not pick.is_cheapest for pick in chosen):
        words.refuse("reason", _("Say why: a cheaper quote is passed over."))
    refuse_errors(errors)
    by_quote: dict[int, list[Pick]] = {}
    for pick in chosen:
        by_quote.setdefault(pick.quote.pk, []).append(pick)
    awards = [_award(rfq, group, comparison, by=by, reason=reason, now=now) for _pk, group in sorted(by_quote.items())]
    if is_final:
        rfq.status, rfq.closing_note = status.AWARDED, closing_note
    rfq.updated_at = now
    rfq.save(update_fields=["status", "closing_note", "updated_at"])
    notify_many(settle(rfq.pk, now=now), now=now)
    return list(Award.objects.with_details().filter(pk__in=[award.pk for award in awards]).order_by("pk"))


def _read_picks(
    rfq: RequestForQuotation,
    said: Sequence[Mapping[str, Any]],
    comparison: Comparison,
    *,
    errors: dict[str, list[str]],
    now: datetime,
) -> list[Pick]:
    quotes = {quote.pk: quote for quote in comparison.quotes}
    lines = {row.line.pk: row.line for row in comparison.rows}
    blocked = blocked_with(rfq.buyer, [quote.supplier for quote in comparison.quotes])
    if not said:
        errors["picks"] = [_("Choose at least one quote.")]
    chosen: list[Pick] = []
    taken: set[tuple[int, int]] = set()
    for place, one in enumerate(said):
        fields = SaidFields(one, errors=errors, prefix=f"picks.{place}.")
        quote = quotes.get(fields.read("quote", whole(largest=2**62), is_required=True))
        line = lines.get(fields.read("line", whole(largest=2**62), is_required=True))
        quantity = fields.read("quantity", decimal(places=3), is_required=True)
        if quote is None or line is None:
            if not fields.errors:
                fields.refuse("line" if quote else "quote", _("There is no such quote or line to choose."))
            continue
        _refuse_unfit(fields, quote, blocked, now)
        if (quote.pk, line.pk) in taken:
            fields.refuse("line", _("This line is chosen twice of one quote."))
        taken.add((quote.pk, line.pk))
        pick = _pick(fields, quote, line, quantity, comparison) if quantity else None
        if pick and not errors:
            _count_up(fields, line, quantity)
            chosen.append(pick)
    return chosen


def _refuse_unfit(fields: SaidFields, quote: Quote, blocked: set[int], now: datetime) -> None:
    if quote.valid_until <= now:
        fields.refuse("quote", _("This quote holds no longer: ask the supplier to extend it."))
    if quote.supplier_id in blocked or not quote.supplier.is_approved:
        fields.refuse("quote", _("This firm may not be dealt with now."))


def _pick(fields: SaidFields, quote: Quote, line: RfqLine, quantity: Decimal, comparison: Comparison) -> Pick | None:
    bid = _bid_of(comparison, quote)
    prices = bid.prices.get(line.pk)
    price = price_at(prices, quantity) if prices else None
    if price is None:
        is_offered = any(one.unit_price is not None for one in prices or ())
        message = _("This quote does not offer so much or so little.")
        if not is_offered:
            message = _("This quote does not cover the line.")
        fields.refuse("quantity" if is_offered else "line", message)
        return None
    if price.unit_price * quantity >= LARGEST_AMOUNT:
        fields.refuse("quantity", _("The amount is too large."))
        return None
    wanted = _wanted(comparison, line)
    cheapest = is_cheapest(wanted, quantity, quote.pk, comparison.bids, comparison.wanted)
    return Pick(quote, line, quantity, price, cheapest)


def _bid_of(comparison: Comparison, quote: Quote) -> Bid:
    return next(bid for bid in comparison.bids if bid.id == quote.pk)


def _wanted(comparison: Comparison, line: RfqLine) -> Wanted:
    return next(wanted for wanted in comparison.wanted if wanted.id == line.pk)


def _count_up(fields: SaidFields, line: RfqLine, quantity: Decimal) -> None:
    """Take the quantity from what may still be awarded; the UPDATE decides, and the database refuses more."""
    fitting = RfqLine.objects.filter(pk=line.pk, awarded__lte=F("largest_quantity") - quantity)
    if not fitting.update(awarded=F("awarded") + quantity):
        left = RfqLine.objects.get(pk=line.pk).left
        fields.refuse(
            "quantity", _("Only %(left)s of this line are left to award.") % {"left": f"{left.normalize():f}"}
        )


def _award(
    rfq: RequestForQuotation,
    picks: Sequence[Pick],
    comparison: Comparison,
    *,
    by: User,
    reason: str,
    now: datetime,
) -> Award:
    """Make an offer in the supplier's name of what was chosen, and accept it."""
    quote = picks[0].quote
    offer = _offer(rfq, picks, comparison, by=by, now=now)
    dearer = not all(pick.is_cheapest for pick in picks)
    award = Award.objects.create(
        rfq=rfq, quote=quote, offer=offer, reason=reason, is_cheapest=not dearer, made_by=by, made_at=now
    )
    said = {(row.line_id, row.quantity): row for row in quote.lines.all()}
    AwardLine.objects.bulk_create(
        AwardLine(
            award=award,
            line=pick.line,
            quote_line=said[pick.line.pk, pick.price.quantity],
            quantity=pick.quantity,
            unit_price=pick.price.unit_price,
        )
        for pick in picks
    )
    Quote.objects.filter(pk=quote.pk).update(status=Quote.Status.AWARDED, ended_at=now, updated_at=now)
    accept_offer(offer=offer, by=by, now=now)
    return award


def _offer(
    rfq: RequestForQuotation, picks: Sequence[Pick], comparison: Comparison, *, by: User, now: datetime
) -> Offer:
    quote = picks[0].quote
    negotiation = _negotiation(rfq, quote, is_single=len(comparison.wanted) == 1, by=by, now=now)
    lines = [*_goods(picks), *_charges(picks, comparison)]
    net, tax, total = totals(
        sum((amount(line.quantity, line.unit_price) for line in lines), Decimal(0)),
        tax_rate=quote.tax_rate,
        price_includes_tax=quote.price_includes_tax,
    )
    offer = Offer.objects.create(
        negotiation=negotiation,
        number=1,
        side=Offer.Side.SELLER,
        made_for=quote.supplier,
        made_by=quote.submitted_by,
        made_at=quote.submitted_at,
        net_amount=net,
        tax_amount=tax,
        total_amount=total,
        valid_until=quote.valid_until,
        **quote.terms(),
    )
    for position, line in enumerate(lines, start=1):
        line.offer, line.position = offer, position
    OfferLine.objects.bulk_create(lines)
    offer.attachments.set(quote.attachments.all())
    return offer


def _negotiation(rfq: RequestForQuotation, quote: Quote, *, is_single: bool, by: User, now: datetime) -> Negotiation:
    """Open the negotiation that the order comes from; of several goods none is the listing's alone, so none is taken."""
    invitation = rfq.invitations.get(supplier=quote.supplier)
    negotiation = Negotiation.objects.create(
        supply=quote.supply if is_single else None,
        demand=rfq.demand if is_single else None,
        buyer=rfq.buyer,
        seller=quote.supplier,
        opened_for=rfq.buyer,
        opened_by=by,
        origin=Negotiation.Origin.QUOTATION,
        match_reasons=invitation.match_reasons,
        match_score=invitation.match_score,
        model_version=invitation.model_version[:40],
        created_at=now,
        updated_at=now,
    )
    # Stands in the negotiation and so in the order's deal file.
    Message.objects.create(
        negotiation=negotiation,
        organisation=rfq.buyer,
        by=by,
        text=(
            f"询价 {rfq.number}（第 {rfq.revision} 版）中标：报价第 {quote.version} 版。\n"
            f"Awarded from {rfq.number}, revision {rfq.revision}: quote version {quote.version}."
        ),
        created_at=now,
    )
    return negotiation


def _goods(picks: Sequence[Pick]) -> list[OfferLine]:
    lines = []
    for pick in sorted(picks, key=lambda pick: pick.line.position):
        said = {(row.line_id, row.quantity): row for row in pick.quote.lines.all()}[pick.line.pk, pick.price.quantity]
        asked = pick.line.specification
        # What the supplier said it delivers otherwise is what was agreed.
        text = "\n".join(filter(None, (asked.get("text", ""), said.deviations)))
        lines.append(
            OfferLine(
                kind=TermLine.Kind.GOODS,
                description=pick.line.description,
                specification={"attributes": asked.get("attributes", {}), "text": text},
                quantity=pick.quantity,
                unit=pick.line.unit,
                unit_price=pick.price.unit_price,
            )
        )
    return lines


def _charges(picks: Sequence[Pick], comparison: Comparison) -> list[OfferLine]:
    """Return the part of freight and other charges that the chosen part of a quote carries."""
    quote = picks[0].quote
    bid = _bid_of(comparison, quote)
    if not bid.charges:
        return []
    spread = shares(bid, comparison.wanted)
    carried = sum(
        (charge_for(_wanted(comparison, p.line), p.quantity, spread.get(p.line.pk, Decimal(0))) for p in picks),
        Decimal(0),
    )
    part = carried / bid.charges
    found = [(FREIGHT, quote.freight_amount), (quote.charge_text, quote.charge_amount)]
    return [
        OfferLine(
            kind=TermLine.Kind.CHARGE,
            description=name,
            specification={"attributes": {}, "text": ""},
            quantity=Decimal(1),
            unit="job",
            unit_price=(whole_amount * part).quantize(CENT, rounding=ROUND_HALF_UP),
        )
        for name, whole_amount in found
        if whole_amount
    ]


@transaction.atomic
def void_award(*, award: Award, by: User, note: str = "", now: datetime) -> Award:
    """Call off an award whose order still waits for an approver; its quantity can be awarded anew.

    :raises AwardNotWaiting: if it is an order already, or came to nothing
    """
    rfq = locked(award.rfq)
    require_role(by, rfq.buyer, *Membership.TRADING_ROLES)
    waiting = Award.objects.waiting().select_related("offer__negotiation").filter(pk=award.pk).first()
    if waiting is None:
        raise AwardNotWaiting(_("This award is an order already, or came to nothing."))
    decline_offer(offer=waiting.offer, by=by, now=now, note=note)
    notify_many(settle(rfq.pk, now=now), now=now)
    return Award.objects.with_details().get(pk=award.pk)
