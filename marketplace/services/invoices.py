"""Invoices (fapiao) of an order: asked for, issued, received or refused."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Attachment, Invoice, Membership, Order, Payment, User
from marketplace.models.terms import totals
from marketplace.services import deal_files
from marketplace.services.attachments import share_attachment, store_attachment
from marketplace.services.order_news import names, sides, tell
from marketplace.services.orders import OrderNotInStateForThis
from marketplace.services.organisations import require_role
from marketplace.services.said_values import checked_day, money

LONGEST_NUMBER = 40
LONGEST_NOTE = 500
ZERO = Decimal(0)


class InvoiceNotInStateForThis(RuleBroken):
    pass


class InvoiceNumberTaken(RuleBroken):
    pass


class InvoiceIsPaid(RuleBroken):
    pass


def lock_billable(order: Order) -> Order:
    """Return the order anew, locked, also after it was closed: money comes late.

    :raises OrderNotInStateForThis: if nothing is ever paid for it
    """
    locked = Order.objects.locked().select_related("buyer", "seller").get(pk=order.pk)
    if locked.is_framework:
        raise OrderNotInStateForThis(_("A framework order is invoiced and paid by its call-offs."))
    return locked


def uninvoiced(order: Order) -> Decimal:
    """Return how much of what is to be paid no invoice is asked for or issued yet."""
    standing = order.invoices.exclude(status__in=[Invoice.Status.VOID, Invoice.Status.REFUSED])
    return order.payable_amount - (standing.aggregate(sum=Sum("amount"))["sum"] or ZERO)


def _text(said: Mapping[str, Any], name: str, limit: int, errors: dict, *, is_required: bool = False) -> str:
    value = str(said.get(name) or "").strip()
    if is_required and not value:
        errors[name] = [_("This field is required.")]
    elif len(value) > limit:
        errors[name] = [_("At most %(count)d characters.") % {"count": limit}]
    return value


def _check_amount(order: Order, value: Decimal | None, errors: dict, *, besides: Decimal = ZERO) -> None:
    if value is None:
        return
    left = uninvoiced(order) + besides
    if value > left:
        errors["amount"] = [_("Only %(left)s are still without an invoice.") % {"left": f"{left:,.2f}"}]


@transaction.atomic
def request_invoice(*, order: Order, said: Mapping[str, Any], by: User, now: datetime) -> Invoice:
    """Ask the seller for an invoice: kind, title, tax number, amount (missing: all that is without one).

    :raises InputRefused: naming each field that cannot be taken
    """
    order = lock_billable(order)
    require_role(by, order.buyer, *Membership.TRADING_ROLES)
    errors: dict[str, list[str]] = {}
    kind = said.get("kind") or Invoice.Kind.DIGITAL_SPECIAL
    if kind not in Invoice.Kind.values:
        errors["kind"] = [_("Choose one of these.")]
    title = _text(said, "title", 200, errors) or order.buyer.name_zh or order.buyer.name_en
    tax_identifier = _text(said, "tax_identifier", 40, errors) or order.buyer.uscc or ""
    is_special = kind in (Invoice.Kind.SPECIAL, Invoice.Kind.DIGITAL_SPECIAL)
    if is_special and not tax_identifier:
        errors["tax_identifier"] = [_("A VAT special invoice needs the buyer's tax number.")]
    amount = money(said.get("amount") or uninvoiced(order), "amount", errors)
    _check_amount(order, amount, errors)
    note = _text(said, "note", LONGEST_NOTE, errors)
    if errors:
        raise InputRefused(errors)
    invoice = Invoice.objects.create(
        order=order,
        seller=order.seller,
        kind=kind,
        title=title,
        tax_identifier=tax_identifier,
        amount=amount,
        tax_amount=tax_in(order, amount),
        requested_by=by,
        requested_at=now,
        note=note,
    )
    _record(invoice, order, "invoice.requested", by=by, now=now)
    who_zh, who_en = names(order.buyer)
    tell(
        order=order,
        event="invoice.requested",
        key=str(invoice.pk),
        to=[order.seller],
        title_zh=f"“{who_zh}”申请开具订单 {order.number} 的发票",
        title_en=f"“{who_en}” asks for an invoice of order {order.number}",
        body=note,
        now=now,
        invoice=invoice.pk,
    )
    return invoice


def tax_in(order: Order, amount: Decimal) -> Decimal:
    """Return the tax in an amount that includes it."""
    return totals(amount, tax_rate=order.tax_rate, price_includes_tax=True)[1]


@transaction.atomic
def issue_invoice(
    *,
    order: Order,
    said: Mapping[str, Any],
    by: User,
    now: datetime,
    invoice: Invoice | None = None,
    attachment: Attachment | None = None,
    upload: File | None = None,
) -> Invoice:
    """Say, as the seller, that an invoice was issued: the one asked for or refused before, or one nobody asked for.

    :raises InputRefused: naming each field that cannot be taken
    :raises InvoiceNotInStateForThis: if it was issued or made void meanwhile
    :raises InvoiceNumberTaken: if this seller has an invoice of this number already
    """
    order = lock_billable(order)
    require_role(by, order.seller, *Membership.TRADING_ROLES)
    errors: dict[str, list[str]] = {}
    number = _text(said, "number", LONGEST_NUMBER, errors, is_required=True)
    issued_on = checked_day(said.get("issued_on") or timezone.localdate(now), "issued_on", errors)
    due_on = checked_day(said.get("due_on"), "due_on", errors) if said.get("due_on") else None
    if issued_on and issued_on > timezone.localdate(now):
        errors["issued_on"] = [_("This day is still to come.")]
    if issued_on and due_on and due_on < issued_on:
        errors["due_on"] = [_("It cannot be due before it was issued.")]
    besides = invoice.amount if invoice and invoice.status == Invoice.Status.REQUESTED else ZERO
    amount = money(said.get("amount") or (invoice.amount if invoice else uninvoiced(order)), "amount", errors)
    _check_amount(order, amount, errors, besides=besides)
    tax = ZERO
    if amount is not None:
        tax = (
            money(said.get("tax_amount"), "tax_amount", errors, zero=True)
            if said.get("tax_amount") not in (None, "")
            else tax_in(order, amount)
        )
        if tax is not None and tax >= amount:
            errors["tax_amount"] = [_("The tax is a part of the amount.")]
    kind = said.get("kind") or (invoice.kind if invoice else Invoice.Kind.DIGITAL_SPECIAL)
    if kind not in Invoice.Kind.values:
        errors["kind"] = [_("Choose one of these.")]
    note = _text(said, "note", LONGEST_NOTE, errors)
    if errors:
        raise InputRefused(errors)
    if upload:
        attachment = store_attachment(upload=upload, by=by, readers=sides(order), now=now)
    values = {
        "kind": kind,
        "number": number,
        "amount": amount,
        "tax_amount": tax,
        "issued_by": by,
        "issued_at": now,
        "issued_on": issued_on,
        "due_on": due_on,
        "attachment": attachment,
        "note": note,
        "answered_by": None,
        "answered_at": None,
    }
    if attachment:
        share_attachment(attachment=attachment, readers=sides(order))
    invoice = _write_issued(order, invoice, values)
    _record(invoice, order, "invoice.issued", by=by, now=now)
    tell(
        order=order,
        event="invoice.issued",
        key=f"{invoice.pk}:{number}",
        to=[order.buyer],
        title_zh=f"订单 {order.number} 的发票 {number} 已开具",
        title_en=f"Invoice {number} of order {order.number} was issued",
        body=note,
        now=now,
        invoice=invoice.pk,
    )
    return invoice


def _write_issued(order: Order, invoice: Invoice | None, values: dict[str, Any]) -> Invoice:
    try:
        with transaction.atomic():
            if invoice is None:
                return Invoice.objects.create(
                    order=order,
                    seller=order.seller,
                    title=order.buyer.name_zh or order.buyer.name_en,
                    tax_identifier=order.buyer.uscc or order.buyer.foreign_identifier,
                    status=Invoice.Status.ISSUED,
                    **values,
                )
            if not order.invoices.filter(pk=invoice.pk).become(Invoice.Status.ISSUED, **values):
                raise InvoiceNotInStateForThis(_("This invoice was issued or made void already."))
    except IntegrityError as error:
        if "invoice_number_once_per_seller" not in str(error):
            raise
        raise InvoiceNumberTaken(_("Another invoice of yours has the number %(number)s.") % values) from error
    return Invoice.objects.select_related("order").get(pk=invoice.pk)


@transaction.atomic
def receive_invoice(*, invoice: Invoice, by: User, now: datetime) -> Invoice:
    """Say, as the buyer, that the invoice came and is right.

    :raises InvoiceNotInStateForThis: unless it is issued
    """
    return _answer(invoice, Invoice.Status.RECEIVED, by=by, now=now)


@transaction.atomic
def refuse_invoice(*, invoice: Invoice, note: str, by: User, now: datetime) -> Invoice:
    """Send an invoice back with the reason; the seller issues it anew.

    :raises InputRefused: if no reason is given
    :raises InvoiceNotInStateForThis: unless it is issued
    """
    if not note.strip():
        raise InputRefused({"note": [_("Say what is wrong with it.")]})
    return _answer(invoice, Invoice.Status.REFUSED, by=by, now=now, note=note.strip()[:LONGEST_NOTE])


@transaction.atomic
def void_invoice(*, invoice: Invoice, note: str, by: User, now: datetime) -> Invoice:
    """Make an invoice void: the seller one that was issued, the buyer one that was only asked for.

    :raises InvoiceIsPaid: if a payment was recorded for it
    :raises InvoiceNotInStateForThis: if it is void already
    """
    if invoice.payments.exclude(status=Payment.Status.WITHDRAWN).exists():
        raise InvoiceIsPaid(_("A payment was recorded for this invoice."))
    return _answer(invoice, Invoice.Status.VOID, by=by, now=now, note=note.strip()[:LONGEST_NOTE])


ANSWERS = {
    Invoice.Status.RECEIVED: ("invoice.received", "已收到", "was received"),
    Invoice.Status.REFUSED: ("invoice.refused", "被退回", "was refused"),
    Invoice.Status.VOID: ("invoice.voided", "已作废", "was made void"),
}


def _answer(invoice: Invoice, status: str, *, by: User, now: datetime, note: str = "") -> Invoice:
    order = lock_billable(invoice.order)
    is_sellers = status == Invoice.Status.VOID and invoice.status != Invoice.Status.REQUESTED
    acting = order.seller if is_sellers else order.buyer
    require_role(by, acting, *Membership.TRADING_ROLES)
    changes = {"answered_by": by, "answered_at": now, **({"note": note} if note else {})}
    if not Invoice.objects.filter(pk=invoice.pk, status=invoice.status).become(status, **changes):
        invoice.refresh_from_db()
        raise InvoiceNotInStateForThis(_("This invoice is “%(status)s”.") % {"status": invoice.get_status_display()})
    invoice = Invoice.objects.select_related("order").get(pk=invoice.pk)
    kind, done_zh, done_en = ANSWERS[status]
    _record(invoice, order, kind, by=by, now=now)
    name = invoice.number or str(invoice.pk)
    tell(
        order=order,
        event="invoice.answered",
        key=f"{invoice.pk}:{status}:{now.isoformat()}",
        to=[order.other(acting)],
        title_zh=f"订单 {order.number} 的发票 {name} {done_zh}",
        title_en=f"Invoice {name} of order {order.number} {done_en}",
        body=note,
        now=now,
        invoice=invoice.pk,
    )
    return invoice


def _record(invoice: Invoice, order: Order, kind: str, *, by: User, now: datetime) -> None:
    payload = {
        "invoice": invoice.pk,
        "kind": invoice.kind,
        "number": invoice.number,
        "title": invoice.title,
        "tax_identifier": invoice.tax_identifier,
        "amount": invoice.amount,
        "tax_amount": invoice.tax_amount,
        "issued_on": invoice.issued_on,
        "due_on": invoice.due_on,
        "attachment": invoice.attachment,
        "note": invoice.note,
    }
    deal_files.record(order=order, kind=kind, by=by, at=now, payload=payload)
