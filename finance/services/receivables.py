"""Receivables: an invoice registered once, accepted by its buyer, and lent on by banks up to its face and no further."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Assignment, Receivable, RecordKind, TransactionRecord
from finance.services import evidence
from finance.vouchers.fingerprint import Fingerprint, fingerprint
from marketplace.models import Invoice, Membership, Organisation, User
from marketplace.models.shipment import new_number
from marketplace.services.notifications import notify
from marketplace.services.organisations import require_role

ZERO = Decimal(0)
DUE_DAYS = timedelta(days=90)
BUYER_ROLES = (Membership.Role.OWNER, Membership.Role.APPROVER)


class ReceivableAlreadyRegistered(RuleBroken):
    """The invoice is known already, perhaps with other particulars."""


class InvoiceNotToLendOn(RuleBroken):
    pass


class ReceivableNotInStateForThis(RuleBroken):
    pass


class ReceivableIsAssigned(RuleBroken):
    pass


def code_of(organisation: Organisation) -> str:
    return organisation.uscc or f"{organisation.country}{organisation.foreign_identifier}"


def invoices_to_register(user: User) -> QuerySet[Invoice]:
    """Return the invoices of the user's firms that no receivable was made of: issued, or received by the buyer."""
    mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
    return Invoice.objects.valid().filter(seller__in=mine, receivable=None).exclude(number="").with_details()


def records_to_register(user: User) -> QuerySet[TransactionRecord]:
    """Return the sales of the user's firms to firms that are here, of which no receivable was made."""
    mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
    sales = TransactionRecord.objects.counted().filter(organisation__in=mine, kind=RecordKind.SALES)
    to_firms = sales.filter(receivable=None, counterparty__isnull=False, total_amount__gt=0)
    return to_firms.exclude(number="").exclude(source=TransactionRecord.Source.PLATFORM).select_related("counterparty")


@transaction.atomic
def register_invoice(*, invoice: Invoice, by: User, now: datetime) -> Receivable:
    """Make a receivable of an invoice of this marketplace; one that the buyer received is accepted already.

    :raises InvoiceNotToLendOn: if it was not issued, or was refused or voided
    :raises ReceivableAlreadyRegistered: if this invoice is known already
    """
    require_role(by, invoice.seller, *Membership.TRADING_ROLES)
    invoice = (
        Invoice.objects.select_for_update(of=("self",)).select_related("order__buyer", "seller").get(pk=invoice.pk)
    )
    if invoice.status not in (Invoice.Status.ISSUED, Invoice.Status.RECEIVED):
        raise InvoiceNotToLendOn(_("Only an invoice that stands can be lent on."))
    is_accepted = invoice.status == Invoice.Status.RECEIVED and invoice.answered_by_id is not None
    return _register(
        seller=invoice.seller,
        buyer=invoice.order.buyer,
        invoice_code="",
        invoice_number=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on or invoice.issued_on + DUE_DAYS,
        face=invoice.amount,
        currency=invoice.order.currency,
        invoice=invoice,
        by=by,
        now=now,
        answered_by=invoice.answered_by if is_accepted else None,
        answered_at=invoice.answered_at if is_accepted else None,
    )


@transaction.atomic
def register_record(*, record: TransactionRecord, due_on: date | None = None, by: User, now: datetime) -> Receivable:
    """Make a receivable of an uploaded sale; its buyer, a firm that is here, must accept it first.

    :raises InvoiceNotToLendOn: if it is no sale with a number to a firm that is here, or is void
    :raises InputRefused: if it is due before it was issued
    :raises ReceivableAlreadyRegistered: if this invoice is known already
    """
    require_role(by, record.organisation, *Membership.TRADING_ROLES)
    locked = TransactionRecord.objects.select_for_update(of=("self",)).select_related("organisation", "counterparty")
    record = locked.get(pk=record.pk)
    is_known = Receivable.objects.filter(record=record).exists()
    if not is_known and not records_to_register(by).filter(pk=record.pk).exists():
        raise InvoiceNotToLendOn(_("Only a sale by a numbered invoice to a firm that is here can be lent on."))
    due_on = due_on or record.occurred_on + DUE_DAYS
    if due_on < record.occurred_on:
        raise InputRefused({"due_on": [_("It cannot be due before it was issued.")]})
    return _register(
        seller=record.organisation,
        buyer=record.counterparty,
        invoice_code=record.invoice_code,
        invoice_number=record.number,
        issued_on=record.occurred_on,
        due_on=due_on,
        face=record.total_amount,
        currency=record.currency,
        record=record,
        by=by,
        now=now,
    )


def _register(*, seller, buyer, by, now, answered_by=None, answered_at=None, **said) -> Receivable:
    marks = fingerprint(
        seller=code_of(seller),
        buyer=code_of(buyer),
        **{name: said[name] for name in ("invoice_code", "invoice_number", "face", "currency", "issued_on")},
    )
    try:
        # The database decides: of two banks' clients that register at once, one is first.
        with transaction.atomic():
            receivable = Receivable.objects.create(
                number=new_number("R", now),
                seller=seller,
                buyer=buyer,
                invoice_key=marks.key,
                fingerprint=marks.full,
                status=Receivable.Status.ACCEPTED if answered_by else Receivable.Status.REGISTERED,
                registered_by=by,
                registered_at=now,
                answered_by=answered_by,
                answered_at=answered_at,
                **said,
            )
    except IntegrityError as error:
        raise ReceivableAlreadyRegistered(_("This invoice is registered already: nobody lends on it twice.")) from error
    _ask_buyer(receivable, now)
    content = {
        "receivable": receivable.number,
        "organisation": evidence.pseudonym(seller),
        "fingerprint": marks.full,
        "accepted": bool(answered_by),
    }
    evidence.append(kind="receivable.registered", content=content, at=now)
    return receivable


def _ask_buyer(receivable: Receivable, now: datetime) -> None:
    if receivable.status != Receivable.Status.REGISTERED:
        return
    seller = receivable.seller
    notify(
        event="receivable.registered",
        deduplication_key=f"receivable.registered:{receivable.pk}",
        organisation=receivable.buyer,
        title_zh=f"请确认应付账款：“{seller.name_zh or seller.name_en}”的发票 {receivable.invoice_number}",
        title_en=f"Please accept what you owe “{seller.name_en or seller.name_zh}” on invoice {receivable.invoice_number}",
        url=reverse("finance:receivable_detail", args=[receivable.pk]),
        data={"receivable": receivable.number},
        now=now,
    )


@transaction.atomic
def answer_receivable(*, receivable: Receivable, accepts: bool, note: str = "", by: User, now: datetime) -> Receivable:
    """Say for the buyer that the amount is owed on that day, or that it is not; only what is accepted is lent on.

    :raises ReceivableNotInStateForThis: if it was answered or cancelled before
    """
    require_role(by, receivable.buyer, *BUYER_ROLES)
    status = Receivable.Status.ACCEPTED if accepts else Receivable.Status.REFUSED
    changes = {"answered_by": by, "answered_at": now, "answer_note": note.strip()[:300]}
    if not Receivable.objects.filter(pk=receivable.pk).become(status, **changes):
        raise ReceivableNotInStateForThis(_("It was answered or cancelled before."))
    buyer = receivable.buyer
    verb_zh, verb_en = ("确认", "accepted") if accepts else ("拒绝", "refused")
    notify(
        event="receivable.answered",
        deduplication_key=f"receivable.answered:{receivable.pk}",
        organisation=receivable.seller,
        title_zh=f"“{buyer.name_zh or buyer.name_en}”已{verb_zh}应收账款 {receivable.number}",
        title_en=f"“{buyer.name_en or buyer.name_zh}” {verb_en} the receivable {receivable.number}",
        body_zh=changes["answer_note"],
        body_en=changes["answer_note"],
        url=reverse("finance:receivable_detail", args=[receivable.pk]),
        data={"receivable": receivable.number, "accepted": accepts},
        now=now,
    )
    content = {"receivable": receivable.number, "fingerprint": receivable.fingerprint, "accepted": accepts}
    evidence.append(kind="receivable.answered", content=content, at=now)
    receivable.refresh_from_db()
    return receivable


@transaction.atomic
def cancel_receivable(*, receivable: Receivable, by: User, now: datetime) -> None:
    """Take a receivable back on which nobody lends; its invoice stays known, so it cannot come again elsewhere.

    :raises ReceivableIsAssigned: if a part of it is offered or lent on
    :raises ReceivableNotInStateForThis: if it was refused, cancelled or paid before
    """
    require_role(by, receivable.seller, *Membership.TRADING_ROLES)
    free = Receivable.objects.filter(pk=receivable.pk, assigned=0)
    if not free.become(Receivable.Status.CANCELLED, ended_at=now):
        if Receivable.objects.filter(pk=receivable.pk, assigned__gt=0).exists():
            raise ReceivableIsAssigned(_("A part of it is offered or lent on: release it first."))
        raise ReceivableNotInStateForThis(_("It was answered or cancelled before."))
    content = {"receivable": receivable.number, "fingerprint": receivable.fingerprint}
    evidence.append(kind="receivable.cancelled", content=content, at=now)


def paid(receivable: Receivable) -> Decimal:
    """Return what the buyer paid of it, as far as we know: payments recorded for its invoice."""
    if receivable.invoice_id is None:
        return ZERO
    counted = receivable.invoice.payments.counted().filter(is_refund=False)
    return counted.aggregate(total=Sum("amount"))["total"] or ZERO


def free_amount(receivable: Receivable) -> Decimal:
    """Return how much of it somebody may still lend on: neither assigned nor paid."""
    return max(ZERO, receivable.face - receivable.assigned - paid(receivable))


def marks_of(**said: Any) -> Fingerprint:
    """Return the marks of an invoice as a bank has it before it.

    :raises InputRefused: if seller or number is no name of an invoice
    """
    try:
        return fingerprint(**said)
    except ValueError as error:
        raise InputRefused({"invoice_number": [_("Give the seller's code and the invoice's number.")]}) from error


def check_marks(marks: Fingerprint) -> dict[str, Any]:
    """Return what any bank may know of an invoice: whether somebody lends on it already, never who or how much."""
    found, known = Receivable.objects.filter(invoice_key=marks.key).first(), Receivable.Known
    if found is None:
        state = known.UNKNOWN
    elif found.fingerprint != marks.full:
        state = known.DIFFERS
    elif found.assigned == 0:
        state = known.FREE
    else:
        state = known.ASSIGNED if found.assigned >= found.face else known.PARTLY_ASSIGNED
    is_accepted = state not in (known.UNKNOWN, known.DIFFERS) and found.status == Receivable.Status.ACCEPTED
    return {"fingerprint": marks.full, "state": state.value, "is_accepted": is_accepted}


def take_part(receivable: Receivable, amount: Decimal) -> bool:
    """Take a part of the face if so much is free; one UPDATE decides, whoever else asks."""
    left = F("face") - paid(receivable) - amount
    free = Receivable.objects.filter(pk=receivable.pk, status=Receivable.Status.ACCEPTED, assigned__lte=left)
    return bool(free.update(assigned=F("assigned") + amount))


def give_part_back(assignment: Assignment) -> None:
    receivable = Receivable.objects.filter(pk=assignment.receivable_id)
    receivable.update(assigned=F("assigned") - assignment.amount)
