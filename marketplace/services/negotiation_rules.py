"""Who may act in a negotiation, and while it lasts."""

from decimal import Decimal

from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Membership, Negotiation, Organisation, User
from marketplace.services.organisations import require_role


class NegotiationNoLongerOpen(RuleBroken):
    pass


class NotYourNegotiation(RuleBroken):
    pass


class OrganisationMayNotTrade(RuleBroken):
    pass


def lock_negotiation(negotiation: Negotiation, *, may_be_agreed: bool = False) -> Negotiation:
    """Return the negotiation as it stands; who makes, accepts or withdraws in it at the same moment waits.

    Everybody locks it first, then the offer, then the listings, so that none waits for another in a circle.

    :raises NegotiationNoLongerOpen: if it was agreed or ended
    """
    rows = Negotiation.objects.select_for_update(of=("self",), no_key=True)
    names = ("buyer__disclosure", "seller__disclosure", "supply", "demand")
    locked = rows.select_related(*names).get(pk=negotiation.pk)
    is_agreed = locked.status == Negotiation.Status.AGREED
    if locked.status != Negotiation.Status.OPEN and not (is_agreed and may_be_agreed):
        raise negotiation_over(locked)
    return locked


def negotiation_over(negotiation: Negotiation) -> NegotiationNoLongerOpen:
    return NegotiationNoLongerOpen(
        _("This negotiation is over: %(status)s.") % {"status": negotiation.get_status_display()}
    )


def require_side(by: User, negotiation: Negotiation, organisation: Organisation) -> None:
    """Refuse unless ``organisation`` is a side that may trade, and ``by`` trades for it."""
    if not negotiation.has(organisation):
        raise NotYourNegotiation(_("This organisation is no side of the negotiation."))
    require_role(by, organisation, *Membership.TRADING_ROLES)
    require_approved(organisation)


def require_approved(organisation: Organisation) -> None:
    if not organisation.is_approved:
        raise OrganisationMayNotTrade(_("“%(name)s” is not approved to trade.") % {"name": organisation.name})


def needs_approval(by: User, organisation: Organisation, total: Decimal, currency: str) -> bool:
    """Say whether an amount is above what this member may decide alone."""
    limit = organisation.memberships.filter(user=by).values_list("approval_limit", flat=True).first()
    return limit is not None and (currency != "CNY" or total > limit)
