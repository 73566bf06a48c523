from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Approval, Membership, Negotiation, Offer, Order, User
from marketplace.runs import negotiation_news as news
from marketplace.services import offers
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role

APPROVING_ROLES = (Membership.Role.OWNER, Membership.Role.APPROVER)
LONGEST_NOTE = 2000


class ApprovalAlreadyDecided(RuleBroken):
    pass


class ApprovalTakesAnother(RuleBroken):
    """Who asked may not decide."""


class AmountAboveYourLimit(RuleBroken):
    pass


def _require_approver(approval: Approval, by: User) -> None:
    require_role(by, approval.organisation, *APPROVING_ROLES)
    if approval.requested_by_id == by.pk:
        raise ApprovalTakesAnother(_("Another person has to approve what you asked for."))


def _decide(approval: Approval, status: str, *, by: User, note: str, now: datetime) -> Approval:
    if len(note) > LONGEST_NOTE:
        raise InputRefused({"note": [_("At most %(count)d characters.") % {"count": LONGEST_NOTE}]})
    # Locked before the approval, as everybody locks them who makes or accepts an offer.
    Negotiation.objects.select_for_update(no_key=True).get(offers=approval.offer_id)
    if not Approval.objects.filter(pk=approval.pk).decide(status, now=now, by=by, note=note):
        raise ApprovalAlreadyDecided(_("This was decided or overtaken already."))
    decided = Approval.objects.select_related(
        "requested_by", "offer__made_for", "offer__negotiation__supply", "offer__negotiation__demand"
    ).get(pk=approval.pk)
    notify_many([news.approval_decided(decided, now=now)], now=now)
    return decided


@transaction.atomic
def approve(*, approval: Approval, by: User, now: datetime, note: str = "") -> Offer | Order:
    """Approve, and with it send the offer or accept it; return the offer that was sent or the order that came of it.

    :raises ApprovalTakesAnother: if ``by`` asked for it
    :raises AmountAboveYourLimit: if the amount is above this approver's own limit, too
    :raises ApprovalAlreadyDecided: if somebody decided before, or the offer was overtaken
    :raises OfferNoLongerOpen: if the offer was answered or has lapsed meanwhile
    :raises QuantityNoLongerAvailable: if the quantity went meanwhile
    """
    _require_approver(approval, by)
    offer = approval.offer
    if offers.needs_approval(by, approval.organisation, offer.total_amount, offer.currency):
        raise AmountAboveYourLimit(_("This is above your own limit: somebody with a higher one has to approve it."))
    decided = _decide(approval, Approval.Status.APPROVED, by=by, note=note, now=now)
    if decided.act == Approval.Act.SEND:
        return offers.send_approved(offer=decided.offer, by=by, now=now)
    return offers.accept_approved(offer=decided.offer, by=by, now=now)


@transaction.atomic
def refuse(*, approval: Approval, by: User, now: datetime, note: str = "") -> Approval:
    """Refuse: an offer that was to be sent never is; one that was to be accepted stays open for another answer.

    :raises ApprovalTakesAnother: if ``by`` asked for it
    :raises ApprovalAlreadyDecided: if somebody decided before, or the offer was overtaken
    """
    _require_approver(approval, by)
    decided = _decide(approval, Approval.Status.REFUSED, by=by, note=note, now=now)
    if decided.act == Approval.Act.SEND:
        Offer.objects.filter(pk=decided.offer_id).answer(Offer.Status.REFUSED, now=now, by=by, note=note)
    return decided
