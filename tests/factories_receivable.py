"""Invoices that can be lent on, and parts of them."""

import datetime as dt
from decimal import Decimal

from finance.models import Receivable
from finance.services.assignments import offer_assignment
from finance.services.receivables import register_invoice
from marketplace.models import Invoice, Membership, Organisation, User
from tests.factories import NOON, MembershipFactory, UserFactory
from tests.factories_order import order_of


def member(organisation: Organisation, role: str) -> User:
    """Return somebody in a role, the same one each time."""
    found = Membership.objects.filter(organisation=organisation, role=role).select_related("user").first()
    return found.user if found else MembershipFactory(organisation=organisation, role=role).user


def invoice_of(
    seller, buyer, *, amount="50000.00", number="24332000000012345678", status="received", **fields
) -> Invoice:
    """Write an invoice that its buyer received."""
    is_answered = status in ("received", "refused")
    return Invoice.objects.create(
        order=order_of(buyer=buyer, seller=seller),
        seller=seller,
        kind=Invoice.Kind.DIGITAL_SPECIAL,
        number=number,
        title="买方",
        amount=Decimal(amount),
        status=status,
        issued_by=member(seller, "trader"),
        issued_at=NOON,
        issued_on=dt.date(2026, 3, 1),
        due_on=dt.date(2026, 5, 30),
        answered_by=UserFactory() if is_answered else None,
        answered_at=NOON if is_answered else None,
        **fields,
    )


def receivable_of(seller, buyer, **fields) -> Receivable:
    """Register an invoice that its buyer received: accepted, 50,000 yuan."""
    return register_invoice(invoice=invoice_of(seller, buyer, **fields), by=member(seller, "trader"), now=NOON)


def part_of(receivable, for_bank, amount="20000"):
    """Offer a part of a receivable to a bank."""
    said = {"amount": amount}
    return offer_assignment(
        receivable=receivable, bank=for_bank, said=said, by=member(receivable.seller, "trader"), now=NOON
    )
