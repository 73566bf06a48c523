"""The one screen of a negotiation: what it is about, what was said, and the form for the next offer."""

from http import HTTPStatus

from django.shortcuts import render
from django.utils import timezone

from marketplace.forms import DeclineForm, MessageForm, OfferForm
from marketplace.models import Approval, Message, Negotiation, Offer, Organisation, User
from marketplace.models.membership import Membership
from marketplace.services import disclosures, offer_terms
from marketplace.services.approvals import APPROVING_ROLES


def side_of_user(user: User, negotiation: Negotiation) -> Organisation:
    """Return the side for which this user trades; of both, the one that opened it."""
    mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
    sides = mine.filter(pk__in=[negotiation.buyer_id, negotiation.seller_id])
    return sides.filter(pk=negotiation.opened_for_id).first() or sides.first()


def viewing_side(user: User, negotiation: Negotiation) -> Organisation | None:
    """Return the side as whose member the user reads, or None for the platform operator."""
    sides = [negotiation.buyer, negotiation.seller]
    mine = set(Organisation.objects.of(user).filter(pk__in=[side.pk for side in sides]).values_list("pk", flat=True))
    return next((side for side in sides if side.pk in mine), None)


def show_negotiation(request, negotiation, *, offer_form=None, message_form=None, decline_form=None):
    """Draw the page; a form that was refused is shown with its errors, the others as they begin."""
    user, now = request.user, timezone.now()
    trading = side_of_user(user, negotiation)
    viewer = trading or viewing_side(user, negotiation)
    chain = _chain(negotiation, user)
    current = next((row["offer"] for row in chain if row["offer"].is_open), None)
    is_running = negotiation.status == Negotiation.Status.OPEN
    may_offer = trading is not None and is_running and negotiation.origin != Negotiation.Origin.QUOTATION
    if may_offer and offer_form is None:
        draft = offer_terms.draft_terms(negotiation=negotiation, organisation=trading, now=now)
        offer_form = OfferForm(draft=draft, schema=schema_of(negotiation))
    # Of the three at most one was sent.
    sent = next((form for form in (offer_form, message_form, decline_form) if form is not None and form.is_bound), None)
    context = {
        "negotiation": negotiation,
        "sides": _sides(negotiation, viewer),
        "viewer": viewer,
        "trading": trading,
        "chain": chain,
        "current": current,
        "has_lapsed": current is not None and current.valid_until <= now,
        "is_mine_to_answer": current is not None and trading is not None and current.made_for_id != trading.pk,
        "offer_form": offer_form if may_offer else None,
        "message_form": (message_form or MessageForm()) if trading and negotiation.status != "ended" else None,
        "decline_form": decline_form or DeclineForm(auto_id="decline_%s"),
        "messages_said": _messages(negotiation),
        "approvals": _approvals(negotiation, user),
        "orders": _orders(negotiation),
    }
    status = sent.http_status if sent is not None else HTTPStatus.OK
    return render(request, "marketplace/negotiation_detail.html", context, status=status)


def schema_of(negotiation: Negotiation) -> dict:
    category = negotiation.listing.category
    return category.schema.get("properties", {}) if category else {}


def _chain(negotiation: Negotiation, user: User) -> list[dict]:
    """Return the offers, newest first, each with what it says differently from the one before."""
    rows, before = [], None
    visible = negotiation.offers.visible_to(user).with_lines().select_related("made_by", "answered_by")
    for offer in visible.prefetch_related("attachments").order_by("number"):
        offer.negotiation, offer.made_for = negotiation, _side(negotiation, offer.made_for_id)
        said = offer_terms.said_in(offer)
        rows.append({"offer": offer, "changes": offer_terms.difference(before, said) if before else None})
        if offer.status not in (Offer.Status.AWAITING_APPROVAL, Offer.Status.REFUSED):
            before = said
    return rows[::-1]


def _side(negotiation: Negotiation, pk: int) -> Organisation:
    """Return the side of this id as it was fetched with the negotiation, with what it discloses."""
    return negotiation.buyer if pk == negotiation.buyer_id else negotiation.seller


def _messages(negotiation: Negotiation) -> list[tuple[str, list[Message]]]:
    said = negotiation.messages.prefetch_related("attachments").order_by("created_at", "pk")
    groups: dict[str, list[Message]] = {}
    for message in said:
        message.organisation = _side(negotiation, message.organisation_id)
        groups.setdefault(message.clause, []).append(message)
    return [(Message.Clause(clause).label, groups[clause]) for clause in Message.Clause.values if clause in groups]


def _sides(negotiation: Negotiation, viewer: Organisation | None) -> list[dict]:
    """Return seller and buyer with as much of each as the reader's side may see."""
    rows = []
    for role, side in (("seller", negotiation.seller), ("buyer", negotiation.buyer)):
        is_own = viewer is None or viewer.pk == side.pk
        rows.append(
            {
                "role": role,
                "organisation": side,
                "is_own": viewer is not None and viewer.pk == side.pk,
                "listing": negotiation.listing_of(side),
                "shows_contact": is_own or disclosures.shows_contact(organisation=side, negotiation=negotiation),
                "documents": disclosures.shown_documents(
                    organisation=side, negotiation=negotiation, viewer=viewer or side
                ),
            }
        )
    return rows


def _approvals(negotiation: Negotiation, user: User) -> list[Approval]:
    pending = Approval.objects.pending().filter(offer__negotiation=negotiation).visible_to(user)
    rows = list(pending.select_related("offer", "requested_by", "organisation"))
    deciding = set(Organisation.objects.of(user, *APPROVING_ROLES).values_list("pk", flat=True))
    for row in rows:
        row.is_mine = row.organisation_id in deciding and row.requested_by_id != user.pk
    return rows


def _orders(negotiation: Negotiation):
    if negotiation.status != Negotiation.Status.AGREED:
        return []
    return [order for offer in negotiation.offers.prefetch_related("orders") for order in offer.orders.all()]
