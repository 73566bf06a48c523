"""What waits for a member: read from the rows of each noun, so that nothing has to be kept."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from marketplace.models import (
    Approval,
    Booking,
    HandOver,
    Inspection,
    Negotiation,
    Order,
    Organisation,
    Proposal,
    Quote,
    Receipt,
    ReceiptSignature,
    RequestForQuotation,
    User,
)


@dataclass(frozen=True, slots=True)
class Duties:
    """How many of each wait for the member's own act."""

    negotiations: int
    approvals: int
    requests: int
    proposals: int
    lots: int
    receipts: int
    payments: int
    offered_slots: int
    bookings: int


def duties_of(user: User, *, now: datetime) -> Duties:
    """Return how much waits for this user, each count in one query."""
    mine = Organisation.objects.of(user)
    quoted = Quote.objects.filter(supplier__in=mine, status=Quote.Status.SUBMITTED)
    received = RequestForQuotation.objects.received_by(user).taking_quotes(now)
    held = Booking.objects.editable_by(user).filter(status=Booking.Status.HELD, held_until__gt=now)
    signable = Receipt.objects.signable_by(user).exclude(
        Q(signatures__side=ReceiptSignature.Side.BUYER, order__buyer__in=mine)
        | Q(signatures__side=ReceiptSignature.Side.SELLER, order__seller__in=mine)
    )
    return Duties(
        negotiations=Negotiation.objects.editable_by(user).with_turn(user).filter(is_our_turn=True).count(),
        approvals=Approval.objects.decidable_by(user).count(),
        requests=received.exclude(pk__in=quoted.values("rfq")).count(),
        proposals=Proposal.objects.answerable_by(user).count(),
        lots=Inspection.objects.answerable_by(user).undecided().count(),
        receipts=signable.count(),
        payments=Order.objects.editable_by(user).filter(buyer__in=mine).overdue(timezone.localdate(now)).count(),
        offered_slots=held.count() + HandOver.objects.open(now).offered_to(user).count(),
        bookings=Booking.objects.managed_by(user).filter(status=Booking.Status.REQUESTED).count(),
    )
