"""Order on credit: the offer is accepted and the line reserved in one transaction, or neither is."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from finance.models import CreditLine, Reservation
from finance.runs.lending import KEPT_FOR, reserve_pool
from finance.runs.lines import hold
from finance.services import evidence
from finance.services.reservations import require_line_of
from marketplace.models import Approval, Offer, Order, PurchasePool, User
from marketplace.services.offers import accept_offer
from marketplace.services.pool_offers import accept_pool_offer


class NeedsApprovalFirst(RuleBroken):
    """Above what this member may decide alone: an approver orders on credit."""


@transaction.atomic
def order_on_credit(*, offer: Offer, line: CreditLine, by: User, at: datetime) -> tuple[Order, Reservation]:
    """Accept a supplier's offer and keep the order's amount on the buyer's line.

    :raises LineIsAnotherFirms: if the line is not the buyer's
    :raises OtherCurrency: if offer and line are in different currencies
    :raises LineNotUsable: if the line takes no new draws
    :raises ScoreTooLow: if the buyer's score fell
    :raises NeedsApprovalFirst: if the amount is above what ``by`` may decide alone
    :raises LineExhausted: if a node of the tree has less available
    """
    require_line_of(line, offer.negotiation.buyer, offer.currency, at=at)
    # Everything of the marketplace first, the line's nodes and the log last: so they are locked for a moment only, and
    # by everybody in the same order.
    order = accept_offer(offer=offer, by=by, now=at)
    if isinstance(order, Approval):
        raise NeedsApprovalFirst(_("This is above what you may decide: ask an approver or an owner to order it."))
    kept = hold(line=line, order=order, amount=order.payable_amount, by=by, at=at, expires_at=at + KEPT_FOR)
    _witness([kept], at=at)
    return order, kept


@transaction.atomic
def order_pool_on_credit(
    *, pool: PurchasePool, offer: Offer, by: User, at: datetime
) -> tuple[list[Order], list[Reservation]]:
    """Accept an offer for all members of a pool, and keep each promising member's part on its line.

    Where credit falls short it is shared in proportion to the members' orders; the rest they pay themselves.

    :raises AboveYourLimit: if the organiser's member may not decide on so much
    """
    orders = accept_pool_offer(pool=pool, offer=offer, by=by, now=at)
    kept = reserve_pool(pool, now=at, by=by)
    _witness(kept, at=at)
    return orders, kept


def _witness(kept: list[Reservation], *, at: datetime) -> None:
    entries = [
        evidence.Entry("credit.reserved", {"line": one.line.number, "reservation": one.pk, "order": one.order.number})
        for one in kept
    ]
    if entries:
        evidence.append_all(entries=entries, at=at)
