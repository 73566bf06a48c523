"""The file of a deal: every act that concerns an order as a record in a chain of hashes."""

from datetime import datetime
from typing import Any

from django.db import transaction

from marketplace.models import Negotiation, Offer, Order
from marketplace.runs.deal_records import Fact, plain, record, record_all

__all__ = ["Fact", "lines_of", "open_deal", "opening_of", "party_of", "plain", "record", "record_all"]

# What one side never told the other stays out of the file that both read.
NEVER_SENT = (Offer.Status.AWAITING_APPROVAL, Offer.Status.REFUSED)


@transaction.atomic
def open_deal(order: Order, at: datetime) -> None:
    """Begin an order's chain with what led to it."""
    record_all(order=order, facts=opening_of(order, at))


def opening_of(order: Order, at: datetime) -> list[Fact]:
    """Return what led to an order: why the two were matched, and all that they said in the negotiation.

    An order that was called off from a framework order begins with the number of that.
    """
    if order.offer is None:
        if order.framework:
            return [Fact("framework.called_off", order.confirmed_by, at, {"framework": order.framework.number})]
        return []
    negotiation = order.offer.negotiation
    offers = negotiation.offers.exclude(status__in=NEVER_SENT).select_related("made_by", "made_for", "park")
    messages = negotiation.messages.select_related("by", "organisation", "offer")
    said = [(row.made_at, 0, row.pk, row) for row in offers.prefetch_related("lines", "attachments")]
    said += [(row.created_at, 1, row.pk, row) for row in messages.prefetch_related("attachments")]
    facts = [
        _message(row) if is_message else _offer(row)
        for _at, is_message, _pk, row in sorted(said, key=lambda one: one[:3])
    ]
    return [*_opening(negotiation), *facts]


def _opening(negotiation: Negotiation) -> list[Fact]:
    facts = []
    if negotiation.match_reasons or negotiation.model_version:
        reasons = {
            "score": negotiation.match_score,
            "model_version": negotiation.model_version,
            "reasons": negotiation.match_reasons,
        }
        facts.append(Fact("match.found", None, negotiation.created_at, reasons))
    opening = {
        "negotiation": negotiation.pk,
        "origin": negotiation.origin,
        "buyer": party_of(negotiation.buyer),
        "seller": party_of(negotiation.seller),
        "supply": _listing(negotiation.supply),
        "demand": _listing(negotiation.demand),
    }
    return [*facts, Fact("negotiation.opened", negotiation.opened_by, negotiation.created_at, opening)]


def _listing(listing) -> dict[str, Any] | None:
    if listing is None:
        return None
    return {"id": listing.pk, "title_zh": listing.title_zh, "title_en": listing.title_en}


def _offer(offer: Offer) -> Fact:
    payload = {
        "offer": offer.number,
        "side": offer.side,
        "for": party_of(offer.made_for),
        "terms": {**offer.terms(), "park": offer.park and str(offer.park)},
        "lines": lines_of(offer.lines.all()),
        "net_amount": offer.net_amount,
        "tax_amount": offer.tax_amount,
        "total_amount": offer.total_amount,
        "valid_until": offer.valid_until,
        "attachments": list(offer.attachments.all()),
    }
    return Fact("offer.made", offer.made_by, offer.made_at, payload)


def _message(message) -> Fact:
    payload = {
        "clause": message.clause,
        "line": message.line,
        "offer": message.offer and message.offer.number,
        "for": party_of(message.organisation),
        "text": message.text,
        "attachments": list(message.attachments.all()),
    }
    return Fact("message.sent", message.by, message.created_at, payload)


def lines_of(lines) -> list[dict[str, Any]]:
    """Return the lines of an offer or an order as a record keeps them."""
    kept = ("position", "kind", "description", "specification", "quantity", "unit", "unit_price")
    return [
        {name: getattr(line, name) for name in kept} | {"amount": line.amount}
        for line in sorted(lines, key=lambda line: line.position)
    ]


def party_of(organisation) -> dict[str, Any]:
    """Return what names an organisation for good."""
    return {
        "name_zh": organisation.name_zh,
        "name_en": organisation.name_en,
        "identifier": organisation.uscc or organisation.foreign_identifier or "",
    }
