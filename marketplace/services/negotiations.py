from collections.abc import Iterable, Mapping
from datetime import datetime

from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Approval,
    Attachment,
    Block,
    Listing,
    Message,
    Negotiation,
    Offer,
    Order,
    Organisation,
    User,
)
from marketplace.runs import negotiation_news as news
from marketplace.services import deal_files, disclosures, holds
from marketplace.services.attachments import share_attachment, store_attachments
from marketplace.services.negotiation_rules import OrganisationMayNotTrade, lock_negotiation, require_side
from marketplace.services.notifications import notify_many
from marketplace.services.offers import released

LONGEST_MESSAGE = 4000
# In these the pair itself says which negotiation is meant; the others are opened by what is behind them.
PAIR_ORIGINS = (Negotiation.Origin.MATCH, Negotiation.Origin.BROWSE, Negotiation.Origin.INVITATION)


class ListingNotNegotiable(RuleBroken):
    """It is not open, or not shown to who asks."""


class OwnListingNotNegotiable(RuleBroken):
    pass


class OrganisationsDoNotTrade(RuleBroken):
    """One of the two blocked the other."""


def pair(listing: Listing, *, organisation: Organisation, own: Listing | None = None) -> dict[str, object]:
    """Return a listing and the one that faces it as ``open_negotiation`` takes them."""
    sides = {listing.side: listing, listing.wanted_side: own}
    return {"organisation": organisation, "supply": sides["supply"], "demand": sides["demand"]}


def _sides(
    organisation: Organisation, supply: Listing | None, demand: Listing | None, counterpart: Organisation | None
) -> tuple[Organisation, Organisation]:
    """Return buyer and seller.

    :raises InputRefused: if the pair does not say who the two are
    """
    for name, listing, side in (("supply", supply, Listing.Side.SUPPLY), ("demand", demand, Listing.Side.DEMAND)):
        if listing is not None and listing.side != side:
            raise InputRefused({name: [_("This listing is on the other side.")]})
    if supply is None and demand is None:
        raise InputRefused({"supply": [_("Name a supply or a demand.")]})
    seller, buyer = supply and supply.organisation, demand and demand.organisation
    # Where one listing is missing, its side is who asks for it or is asked.
    missing = counterpart if organisation in (seller, buyer) else organisation
    seller, buyer = seller or missing, buyer or missing
    if seller is None or buyer is None:
        raise InputRefused({"counterpart": [_("Say with whom to negotiate.")]})
    if seller == buyer:
        raise OwnListingNotNegotiable(_("An organisation does not negotiate with itself."))
    if organisation not in (seller, buyer):
        raise InputRefused({"organisation": [_("One of the two listings must be this organisation's.")]})
    if counterpart is not None and counterpart not in (seller, buyer):
        raise InputRefused({"counterpart": [_("One of the two listings must be this organisation's.")]})
    return buyer, seller


def _refuse_closed(listings: Iterable[Listing], organisation: Organisation, by: User, now: datetime) -> None:
    for listing in listings:
        row = Listing.objects.open(now).filter(pk=listing.pk)
        if listing.organisation_id != organisation.pk:
            row = row.shown_to(by)
        if not row.exists():
            raise ListingNotNegotiable(_("“%(title)s” is not open to you.") % {"title": listing.title})


@transaction.atomic
def open_negotiation(
    *,
    by: User,
    organisation: Organisation,
    supply: Listing | None = None,
    demand: Listing | None = None,
    counterpart: Organisation | None = None,
    origin: str,
    match: Mapping[str, object] | None = None,
    now: datetime,
) -> Negotiation:
    """Open a negotiation about a supply, a demand, or a pair of them; or return the one that is open about these.

    ``organisation`` is the side that ``by`` trades for, ``counterpart`` whom it invites about a listing of its own.
    ``match`` is what the matcher said of the pair: ``reasons``, ``score`` and ``model_version``, kept as it was.

    :raises InputRefused: if the listings do not say who the two sides are
    :raises ListingNotNegotiable: if one is not open, or not shown to ``by``
    :raises OwnListingNotNegotiable: if both are of one organisation
    :raises OrganisationsDoNotTrade: if one of the two blocked the other
    :raises OrganisationMayNotTrade: if one of the two is not approved
    """
    buyer, seller = _sides(organisation, supply, demand, counterpart)
    said = dict(match or {})
    negotiation = Negotiation(
        supply=supply,
        demand=demand,
        buyer=buyer,
        seller=seller,
        opened_for=organisation,
        opened_by=by,
        origin=origin,
        match_reasons=list(said.get("reasons") or ()),
        match_score=said.get("score"),
        model_version=str(said.get("model_version") or "")[:40],
        created_at=now,
        updated_at=now,
    )
    require_side(by, negotiation, organisation)
    other = negotiation.other(organisation)
    if not other.is_approved:
        raise OrganisationMayNotTrade(_("The other side is not approved to trade."))
    if Block.objects.between(buyer, seller).exists():
        raise OrganisationsDoNotTrade(_("One of the two organisations does not trade with the other."))
    if origin in PAIR_ORIGINS:
        there = Negotiation.objects.open().filter(
            supply=supply, demand=demand, buyer=buyer, seller=seller, origin__in=PAIR_ORIGINS
        )
        if (found := there.first()) is not None:
            return found
        _refuse_closed(filter(None, (supply, demand)), organisation, by, now)
        try:
            with transaction.atomic():
                negotiation.save(force_insert=True)
        except IntegrityError as error:  # somebody opened it at this moment
            if "negotiation_one_open_per_pair" not in str(error):
                raise
            return there.get()
    else:
        negotiation.save(force_insert=True)
    disclosures.share_documents(negotiation=negotiation)
    if origin in PAIR_ORIGINS:
        notify_many([news.negotiation_opened(negotiation)], now=now)
    return negotiation


@transaction.atomic
def say(
    *,
    negotiation: Negotiation,
    by: User,
    organisation: Organisation,
    text: str = "",
    clause: str = Message.Clause.WHOLE,
    line: int | None = None,
    offer: Offer | None = None,
    attachments: Iterable[Attachment] = (),
    uploads: Iterable[File] = (),
    now: datetime,
) -> Message:
    """Say something to the other side about a clause, a line or the whole; an agreed negotiation can be talked on.

    ``uploads`` are files as they came in, ``attachments`` those that were uploaded before.

    :raises InputRefused: naming each field that cannot be taken
    :raises NegotiationNoLongerOpen: if it was ended
    """
    require_side(by, negotiation, organisation)
    negotiation = lock_negotiation(negotiation, may_be_agreed=True)
    text = text.strip()
    files = [*attachments, *store_attachments(uploads=uploads, by=by, readers=[organisation], now=now)]
    _check_message(negotiation, by, organisation, text, clause, line, offer, files)
    message = Message.objects.create(
        negotiation=negotiation,
        organisation=organisation,
        by=by,
        text=text,
        clause=clause,
        line=line,
        offer=offer,
        created_at=now,
    )
    message.attachments.set(files)
    for attachment in files:
        share_attachment(attachment=attachment, readers=[negotiation.buyer, negotiation.seller])
    Negotiation.objects.filter(pk=negotiation.pk).update(updated_at=now)
    for order in Order.objects.filter(offer__negotiation=negotiation):
        payload = {
            "clause": clause,
            "line": line,
            "offer": offer and offer.number,
            "for": deal_files.party_of(organisation),
            "text": text,
            "attachments": files,
        }
        deal_files.record(order=order, kind="message.sent", by=by, at=now, payload=payload)
    notify_many([news.message_received(message)], now=now)
    return message


def _check_message(
    negotiation: Negotiation,
    by: User,
    organisation: Organisation,
    text: str,
    clause: str,
    line: int | None,
    offer: Offer | None,
    files: list[Attachment],
) -> None:
    errors: dict[str, list[str]] = {}
    if not text and not files:
        errors["text"] = [_("Write something, or attach a file.")]
    if len(text) > LONGEST_MESSAGE:
        errors["text"] = [_("At most %(count)d characters.") % {"count": LONGEST_MESSAGE}]
    if clause not in Message.Clause.values:
        errors["clause"] = [_("There is no such clause.")]
    if offer is not None and not negotiation.offers.visible_to(by).filter(pk=offer.pk).exists():
        errors["offer"] = [_("There is no such offer in this negotiation.")]
    about = offer or negotiation.offers.sent().order_by("-number").first()
    if line is not None and not (about and about.lines.filter(position=line).exists()):
        errors["line"] = [_("The offer has no such line.")]
    allowed = Attachment.objects.attachable_by(by, organisation).filter(pk__in=[file.pk for file in files])
    if files and allowed.count() != len({file.pk for file in files}):
        errors["attachments"] = [_("Only files that your organisation uploaded.")]
    if errors:
        raise InputRefused(errors)


@transaction.atomic
def end_negotiation(*, negotiation: Negotiation, by: User, organisation: Organisation, now: datetime) -> Negotiation:
    """Stop negotiating: the offer that is open is declined or withdrawn, and what it held is free again.

    :raises NegotiationNoLongerOpen: if it was agreed or ended before
    """
    require_side(by, negotiation, organisation)
    negotiation = lock_negotiation(negotiation)
    side, changes = negotiation.side_of(organisation), []
    unanswered = [Offer.Status.OPEN, Offer.Status.AWAITING_APPROVAL]
    for offer in negotiation.offers.filter(status__in=unanswered).prefetch_related("lines"):
        status = Offer.Status.WITHDRAWN if offer.side == side or not offer.is_open else Offer.Status.DECLINED
        if Offer.objects.filter(pk=offer.pk).answer(status, now=now, by=by) and offer.is_open:
            changes += released(offer, negotiation)
    Approval.objects.filter(offer__negotiation=negotiation).decide(Approval.Status.OVERTAKEN, now=now)
    Negotiation.objects.filter(pk=negotiation.pk).end(now=now)
    negotiation.refresh_from_db(fields=["status", "closed_at", "updated_at"])
    notify_many([news.negotiation_ended(negotiation, by=organisation)], now=now)
    holds.apply(changes, now=now)
    return negotiation
