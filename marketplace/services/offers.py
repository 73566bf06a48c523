from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from decimal import Decimal

from django.core.files import File
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Approval,
    Attachment,
    Membership,
    Negotiation,
    Offer,
    OfferLine,
    Order,
    Organisation,
    User,
)
from marketplace.models.terms import amount, totals
from marketplace.runs import negotiation_news as news
from marketplace.services import disclosures, holds
from marketplace.services.attachments import share_attachment, store_attachments
from marketplace.services.negotiation_rules import (
    lock_negotiation,
    needs_approval,
    negotiation_over,
    require_approved,
    require_side,
)
from marketplace.services.notifications import notify_many
from marketplace.services.offer_terms import amount_of, check_offer
from marketplace.services.orders import create_order
from marketplace.services.organisations import require_role

LARGEST_TOTAL = Decimal(10) ** 18


class OfferNoLongerOpen(RuleBroken):
    pass


class OfferIsYourOwn(RuleBroken):
    pass


class PoolTakesItTogether(RuleBroken):
    """The members of a collective purchase accept through their pool."""


class ApprovalAlreadyRequested(RuleBroken):
    pass


@transaction.atomic
def make_offer(
    *,
    negotiation: Negotiation,
    by: User,
    organisation: Organisation,
    terms: Mapping[str, object],
    lines: Sequence[Mapping[str, object]],
    valid_until: object,
    attachments: Iterable[Attachment] = (),
    uploads: Iterable[File] = (),
    is_framework: bool = False,
    now: datetime,
) -> Offer:
    """Put a full set of terms to the other side; whatever was open between the two before is countered by it.

    It holds its quantity of this side's own listing until it is answered or lapses. Above the member's limit it waits
    for an approver, is shown to nobody else and holds nothing.

    :raises InputRefused: naming each field that cannot be taken (``lines.0.quantity``)
    :raises NegotiationNoLongerOpen: if it was agreed or ended
    :raises NotYourNegotiation: if the organisation is no side of it
    :raises QuantityNoLongerAvailable: if others took it at the same moment
    """
    require_side(by, negotiation, organisation)
    negotiation = lock_negotiation(negotiation)
    side = negotiation.side_of(organisation)
    checked = check_offer(
        negotiation=negotiation, side=side, terms=terms, lines=lines, valid_until=valid_until, now=now
    )
    files = _check_files(attachments, by, organisation)
    files += store_attachments(uploads=uploads, by=by, readers=[organisation], now=now)
    sums = [amount(line["quantity"], line["unit_price"]) for line in checked.lines]
    net, tax, total = totals(
        sum(sums, Decimal(0)),
        tax_rate=checked.terms["tax_rate"],
        price_includes_tax=checked.terms["price_includes_tax"],
    )
    if total >= LARGEST_TOTAL:
        raise InputRefused({"lines": [_("The total is too large.")]})
    waits = needs_approval(by, organisation, total, checked.terms["currency"])
    last = negotiation.offers.order_by("-number").values_list("number", flat=True).first()
    offer = Offer(
        negotiation=negotiation,
        number=(last or 0) + 1,
        side=side,
        made_for=organisation,
        made_by=by,
        made_at=now,
        is_framework=is_framework,
        net_amount=net,
        tax_amount=tax,
        total_amount=total,
        valid_until=checked.valid_until,
        status=Offer.Status.AWAITING_APPROVAL,
        **checked.terms,
    )
    # What of the same side still waits for its approver is overtaken by this.
    _overtake(negotiation.offers.filter(side=side, status=Offer.Status.AWAITING_APPROVAL), by=by, now=now)
    if waits:
        _write(offer, checked.lines, files)
        approval = Approval.objects.create(
            offer=offer, act=Approval.Act.SEND, organisation=organisation, requested_by=by, requested_at=now
        )
        notify_many([news.approval_requested(approval)], now=now)
        return offer
    own = negotiation.listing_of(organisation)
    for line in checked.lines:
        line["held"] = amount_of(own, line, negotiation)
    changes = _counter(negotiation, by=by, now=now)
    offer.status = Offer.Status.OPEN
    _write(offer, checked.lines, files)
    _deliver(offer, changes, now=now)
    return offer


def _check_files(attachments: Iterable[Attachment], by: User, organisation: Organisation) -> list[Attachment]:
    files = list(attachments)
    allowed = Attachment.objects.attachable_by(by, organisation).filter(pk__in=[file.pk for file in files])
    if files and allowed.count() != len({file.pk for file in files}):
        raise InputRefused({"attachments": [_("Only files that your organisation uploaded.")]})
    return files


def _write(offer: Offer, lines: Sequence[Mapping], files: Sequence[Attachment]) -> None:
    offer.save(force_insert=True)
    rows = [OfferLine(offer=offer, position=place, **line) for place, line in enumerate(lines, start=1)]
    OfferLine.objects.bulk_create(rows)
    if files:
        offer.attachments.set(files)


def _overtake(offers, *, by: User, now: datetime) -> None:
    """Withdraw offers that were never sent, and what asked for their approval."""
    Approval.objects.filter(offer__in=list(offers)).decide(Approval.Status.OVERTAKEN, now=now)
    offers.answer(Offer.Status.WITHDRAWN, now=now, by=by)


def _counter(negotiation: Negotiation, *, by: User, now: datetime) -> list[holds.Change]:
    """Close the offer that is open between the two; return what of its side's listing comes free."""
    before = negotiation.offers.filter(status=Offer.Status.OPEN).prefetch_related("lines").first()
    # The clock may close it at the same moment: who does, sets free what it held.
    if before is None or not Offer.objects.filter(pk=before.pk).answer(Offer.Status.COUNTERED, now=now, by=by):
        return []
    Approval.objects.filter(offer=before).decide(Approval.Status.OVERTAKEN, now=now)
    return released(before, negotiation)


def released(offer: Offer, negotiation: Negotiation) -> list[holds.Change]:
    """Return the changes that set free what an open offer holds."""
    listing = negotiation.supply if offer.side == Offer.Side.SELLER else negotiation.demand
    held = sum((line.held for line in offer.lines.all()), holds.NOTHING)
    return [holds.Change(listing, held=-held)] if listing is not None and held else []


def _deliver(offer: Offer, changes: list[holds.Change], *, now: datetime) -> None:
    """Hold what an offer that is open now holds, show it to the other side, and tell them."""
    negotiation = offer.negotiation
    own = negotiation.listing_of(offer.made_for)
    held = sum((line.held for line in offer.lines.all()), holds.NOTHING)
    if own is not None and held:
        changes = [*changes, holds.Change(own, held=held)]
    for attachment in offer.attachments.all():
        share_attachment(attachment=attachment, readers=[negotiation.buyer, negotiation.seller])
    stage = negotiation.stage
    if stage == Negotiation.Stage.OPENED and negotiation.offers.sent().exclude(side=offer.side).exists():
        negotiation.stage = Negotiation.Stage.ANSWERED
    Negotiation.objects.filter(pk=negotiation.pk).update(updated_at=now, stage=negotiation.stage)
    if negotiation.stage != stage:
        disclosures.share_documents(negotiation=negotiation)
    notify_many([news.offer_received(offer)], now=now)
    # Last, so that the listings' rows, which all their negotiations share, are locked for a moment only.
    holds.apply(changes, now=now)


@transaction.atomic
def send_approved(*, offer: Offer, by: User, now: datetime) -> Offer:
    """Show the other side an offer that an approver released; the caller decided the approval.

    :raises NegotiationNoLongerOpen: if it was agreed or ended
    :raises OfferNoLongerOpen: if it was withdrawn, or its validity has passed
    :raises QuantityNoLongerAvailable: if the quantity went meanwhile
    """
    negotiation = lock_negotiation(offer.negotiation)
    changes = _counter(negotiation, by=by, now=now)
    waiting = Offer.objects.filter(pk=offer.pk, status=Offer.Status.AWAITING_APPROVAL, valid_until__gt=now)
    if not waiting.update(status=Offer.Status.OPEN):
        raise OfferNoLongerOpen(_("This offer was withdrawn or overtaken, or its validity has passed."))
    offer = Offer.objects.select_related("made_for").get(pk=offer.pk)
    offer.negotiation = negotiation
    own = negotiation.listing_of(offer.made_for)
    for line in offer.lines.all():
        said = {"kind": line.kind, "quantity": line.quantity, "unit": line.unit}
        OfferLine.objects.filter(pk=line.pk).update(held=amount_of(own, said, negotiation))
    _deliver(offer, changes, now=now)
    return offer


@transaction.atomic
def accept_offer(*, offer: Offer, by: User, now: datetime) -> Order | Approval:
    """Turn this offer into an order and take its quantity from both listings; or ask an approver to, above the limit.

    :raises OfferNoLongerOpen: if it was withdrawn, answered or has lapsed
    :raises OfferIsYourOwn: if one's own side made it
    :raises QuantityNoLongerAvailable: if other orders took it first
    :raises ApprovalAlreadyRequested: if an approver was asked before
    """
    negotiation = offer.negotiation
    if negotiation.origin == Negotiation.Origin.POOL:
        raise PoolTakesItTogether(_("The members accept it together, through their collective purchase."))
    organisation = _require_answering(offer, by)
    if needs_approval(by, organisation, offer.total_amount, offer.currency):
        return _ask_for_approval(offer, organisation, by=by, now=now)
    return accept_approved(offer=offer, by=by, now=now)


def _require_answering(offer: Offer, by: User) -> Organisation:
    """Return the side that answers this offer, for which ``by`` must trade."""
    organisation = offer.answered_for
    if not organisation.memberships.filter(user=by, role__in=Membership.TRADING_ROLES).exists():
        if Organisation.objects.of(by).filter(pk=offer.made_for_id).exists():
            raise OfferIsYourOwn(_("The other side answers this offer."))
        require_role(by, organisation, *Membership.TRADING_ROLES)
    require_approved(organisation)
    return organisation


def _ask_for_approval(offer: Offer, organisation: Organisation, *, by: User, now: datetime) -> Approval:
    negotiation = lock_negotiation(offer.negotiation)
    if not Offer.objects.open(now).filter(pk=offer.pk).exists():
        raise _no_longer_open(offer)
    approval, is_new = Approval.objects.get_or_create(
        offer=offer,
        act=Approval.Act.ACCEPT,
        status=Approval.Status.PENDING,
        defaults={"organisation": organisation, "requested_by": by, "requested_at": now},
    )
    if not is_new:
        raise ApprovalAlreadyRequested(_("An approver was asked already."))
    approval.offer.negotiation = negotiation
    notify_many([news.approval_requested(approval)], now=now)
    return approval


def _no_longer_open(offer: Offer) -> OfferNoLongerOpen:
    current = Offer.objects.get(pk=offer.pk)
    if current.status == Offer.Status.OPEN:
        return OfferNoLongerOpen(_("The validity of this offer has passed."))
    return OfferNoLongerOpen(_("This offer is no longer open: %(status)s.") % {"status": current.get_status_display()})


def accept_approved(*, offer: Offer, by: User, now: datetime) -> Order:
    """Accept an offer whose acceptance is decided, in the caller's transaction; the caller knows that ``by`` may.

    :raises OfferNoLongerOpen: if it was withdrawn, answered or has lapsed
    :raises QuantityNoLongerAvailable: if other orders took it first
    """
    accepted, changes = _close_accepted(offer, by=by, now=now)
    # Seen before the order is written, so that who comes too late does no work for nothing; the UPDATE at the end
    # decides, and locks the listings' rows for a moment only.
    holds.foresee(changes)
    order = create_order(offer=accepted, by=by, now=now, also_told=[news.offer_accepted(accepted)])
    holds.apply(changes, now=now)
    return order


@transaction.atomic
def take_accepted(*, offer: Offer, by: User, now: datetime) -> Offer:
    """Accept an offer and take its quantity from both listings, without an order: who calls it makes one or several.

    :raises OfferNoLongerOpen: if it was withdrawn, answered or has lapsed
    :raises QuantityNoLongerAvailable: if other orders took it first
    """
    accepted, changes = _close_accepted(offer, by=by, now=now)
    notify_many([news.offer_accepted(accepted)], now=now)
    holds.apply(changes, now=now)
    return accepted


def _close_accepted(offer: Offer, *, by: User, now: datetime) -> tuple[Offer, list[holds.Change]]:
    """Mark the offer accepted and its negotiation agreed; return it, and what it takes from the listings."""
    # The negotiation's row first, as everybody locks them; and one UPDATE of each decides the winner, so two people
    # clicking at once cannot both win.
    if not Negotiation.objects.filter(pk=offer.negotiation_id).agree(now=now):
        raise negotiation_over(Negotiation.objects.get(pk=offer.negotiation_id))
    if not Offer.objects.filter(pk=offer.pk).accept(now=now, by=by):
        raise _no_longer_open(offer)
    names = ("buyer__disclosure", "seller__disclosure", "supply", "demand", "opened_by")
    negotiation = Negotiation.objects.select_related(*names).get(pk=offer.negotiation_id)
    # What an offer says never changes: the row that was shown is the row that is accepted.
    accepted = copy(offer)
    accepted.negotiation, accepted.made_for = negotiation, getattr(negotiation, offer.side)
    accepted.status, accepted.answered_at, accepted.answered_by = Offer.Status.ACCEPTED, now, by
    prefetch_related_objects([accepted], "lines")
    if Approval.objects.filter(offer__negotiation=negotiation).decide(Approval.Status.OVERTAKEN, now=now):
        unsent = negotiation.offers.filter(status=Offer.Status.AWAITING_APPROVAL)
        unsent.answer(Offer.Status.WITHDRAWN, now=now, by=by)
    disclosures.share_documents(negotiation=negotiation)
    return accepted, _taken(accepted, negotiation)


def _taken(offer: Offer, negotiation: Negotiation) -> list[holds.Change]:
    """Return what an accepted offer takes from both listings, of which its own side held a part."""
    changes = released(offer, negotiation)
    for listing in filter(None, (negotiation.supply, negotiation.demand)):
        for line in offer.lines.all():
            said = {"kind": line.kind, "quantity": line.quantity, "unit": line.unit}
            if taken := amount_of(listing, said, negotiation):
                changes.append(holds.Change(listing, taken=taken))
    return changes


@transaction.atomic
def decline_offer(*, offer: Offer, by: User, now: datetime, note: str = "") -> Offer:
    """Say no to an offer; the negotiation stays open for another.

    :raises OfferNoLongerOpen: if it was answered or withdrawn, or has lapsed
    :raises OfferIsYourOwn: if one's own side made it
    """
    _require_answering(offer, by)
    return _close(offer, Offer.Status.DECLINED, by=by, now=now, note=note)


@transaction.atomic
def withdraw_offer(*, offer: Offer, by: User, now: datetime) -> Offer:
    """Take back one's own offer while nobody has answered it, or while it waits for approval.

    :raises OfferNoLongerOpen: if it was answered or withdrawn, or has lapsed
    """
    require_role(by, offer.made_for, *Membership.TRADING_ROLES)
    return _close(offer, Offer.Status.WITHDRAWN, by=by, now=now)


def _close(offer: Offer, status: str, *, by: User, now: datetime, note: str = "") -> Offer:
    if len(note) > 2000:
        raise InputRefused({"note": [_("At most %(count)d characters.") % {"count": 2000}]})
    negotiation = lock_negotiation(offer.negotiation)
    before = Offer.objects.select_related("made_for").prefetch_related("lines").get(pk=offer.pk)
    if not Offer.objects.filter(pk=offer.pk, valid_until__gt=now).answer(status, now=now, by=by, note=note):
        raise _no_longer_open(offer)
    Approval.objects.filter(offer=offer).decide(Approval.Status.OVERTAKEN, now=now)
    Negotiation.objects.filter(pk=negotiation.pk).update(updated_at=now)
    if before.is_open:
        holds.apply(released(before, negotiation), now=now)
    was_sent, before.negotiation = before.is_open, negotiation
    before.status, before.answered_at, before.answered_by, before.answer_note = status, now, by, note
    if was_sent:
        tell = news.offer_declined if status == Offer.Status.DECLINED else news.offer_withdrawn
        notify_many([tell(before)], now=now)
    return before
