"""What was paid: recorded with evidence by one side, confirmed by the other; the money itself moves elsewhere."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Attachment, Invoice, Membership, Order, OrderLine, Organisation, Payment, User
from marketplace.models.payment import PriceReduction
from marketplace.runs.order_amounts import refresh_amounts
from marketplace.services import deal_files
from marketplace.services.attachments import share_attachment, store_attachment
from marketplace.services.invoices import lock_billable
from marketplace.services.order_news import names, sides, tell
from marketplace.services.orders import lines_of, require_side
from marketplace.services.organisations import require_role
from marketplace.services.said_values import checked_day, money

LONGEST_NOTE = 500
LONGEST_REFERENCE = 100


class PaymentNotInStateForThis(RuleBroken):
    pass


@transaction.atomic
def record_payment(
    *,
    order: Order,
    organisation: Organisation,
    said: Mapping[str, Any],
    by: User,
    now: datetime,
    invoice: Invoice | None = None,
    attachment: Attachment | None = None,
    upload: File | None = None,
    is_refund: bool = False,
) -> Payment:
    """Write down that the buyer paid, or that the seller paid back; who received it confirms.

    What the receiving side itself records is confirmed with it. No more than what is to be paid can be recorded as
    paid, and no more than was paid as paid back.

    :raises InputRefused: naming each field that cannot be taken
    """
    order = lock_billable(order)
    require_side(by, order, organisation)
    errors: dict[str, list[str]] = {}
    amount = money(said.get("amount"), "amount", errors)
    left = order.paid_amount if is_refund else order.open_amount
    if amount is not None and amount > left:
        message = (
            _("Only %(left)s were paid: no more than that is paid back.")
            if is_refund
            else _("Only %(left)s are still to be paid.")
        )
        errors["amount"] = [message % {"left": f"{max(left, Decimal(0)):,.2f}"}]
    paid_on = checked_day(said.get("paid_on") or timezone.localdate(now), "paid_on", errors)
    if paid_on and paid_on > timezone.localdate(now):
        errors["paid_on"] = [_("This day is still to come.")]
    method = said.get("method") or Payment.Method.TRANSFER
    if method not in Payment.Method.values:
        errors["method"] = [_("Choose one of these.")]
    if invoice is not None and (invoice.order_id != order.pk or invoice.status == Invoice.Status.VOID):
        errors["invoice"] = [_("This invoice is void, or another order's.")]
    texts = {"reference": LONGEST_REFERENCE, "note": LONGEST_NOTE}
    values = {name: str(said.get(name) or "").strip() for name in texts}
    for name, limit in texts.items():
        if len(values[name]) > limit:
            errors[name] = [_("At most %(count)d characters.") % {"count": limit}]
    if errors:
        raise InputRefused(errors)
    if upload:
        attachment = store_attachment(upload=upload, by=by, readers=sides(order), now=now)
    receiver = order.buyer if is_refund else order.seller
    is_own = organisation.pk == receiver.pk
    payment = Payment.objects.create(
        order=order,
        invoice=invoice,
        is_refund=is_refund,
        amount=amount,
        paid_on=paid_on,
        method=method,
        attachment=attachment,
        recorded_for=organisation,
        recorded_by=by,
        recorded_at=now,
        status=Payment.Status.CONFIRMED if is_own else Payment.Status.RECORDED,
        answered_by=by if is_own else None,
        answered_at=now if is_own else None,
        **values,
    )
    if attachment:
        share_attachment(attachment=attachment, readers=sides(order))
    kind = "refund.recorded" if is_refund else "payment.recorded"
    _record(payment, order, kind, by=by, now=now)
    refresh_amounts(order=order, lines=lines_of(order), now=now)
    who_zh, who_en = names(organisation)
    what_zh, what_en = ("退款", "a refund") if is_refund else ("付款", "a payment")
    tell(
        order=order,
        event="payment.recorded",
        key=str(payment.pk),
        to=[order.other(organisation)],
        title_zh=f"“{who_zh}”登记了订单 {order.number} 的{what_zh} {order.currency} {amount:,.2f}",
        title_en=f"“{who_en}” recorded {what_en} of {order.currency} {amount:,.2f} for order {order.number}",
        body=payment.note,
        now=now,
        payment=payment.pk,
        amount=str(amount),
    )
    return payment


ANSWERS = {
    Payment.Status.CONFIRMED: ("payment.confirmed", "已确认收款", "was confirmed"),
    Payment.Status.DISPUTED: ("payment.disputed", "未收到", "was not received"),
    Payment.Status.WITHDRAWN: ("payment.withdrawn", "已撤回", "was withdrawn"),
}


@transaction.atomic
def confirm_payment(*, payment: Payment, by: User, now: datetime) -> Payment:
    """Say, as the side that was paid, that the money came; also after all, when it was missed at first.

    :raises PaymentNotInStateForThis: if it is confirmed or withdrawn
    :raises InputRefused: if meanwhile less is to be paid than this
    """
    return _answer(payment, Payment.Status.CONFIRMED, by=by, now=now)


@transaction.atomic
def dispute_payment(*, payment: Payment, note: str, by: User, now: datetime) -> Payment:
    """Say, as the side that was to be paid, that no such money came; it no longer counts as paid.

    :raises InputRefused: if nothing is said about it
    :raises PaymentNotInStateForThis: unless it is only recorded
    """
    if not note.strip():
        raise InputRefused({"note": [_("Say what you found.")]})
    return _answer(payment, Payment.Status.DISPUTED, by=by, now=now, note=note)


@transaction.atomic
def withdraw_payment(*, payment: Payment, by: User, now: datetime) -> Payment:
    """Take back what was recorded by mistake, as the side that recorded it, while nobody confirmed it.

    :raises PaymentNotInStateForThis: if it is confirmed or withdrawn
    """
    return _answer(payment, Payment.Status.WITHDRAWN, by=by, now=now)


def _answer(payment: Payment, status: str, *, by: User, now: datetime, note: str = "") -> Payment:
    order = lock_billable(payment.order)
    receiver = order.buyer if payment.is_refund else order.seller
    acting = payment.recorded_for if status == Payment.Status.WITHDRAWN else receiver
    require_role(by, acting, *Membership.TRADING_ROLES)
    payment = Payment.objects.select_related("recorded_for").get(pk=payment.pk)
    is_back = status == Payment.Status.CONFIRMED and payment.status == Payment.Status.DISPUTED
    if is_back and payment.amount > (order.paid_amount if payment.is_refund else order.open_amount):
        raise InputRefused({"amount": [_("Meanwhile less than this is to be paid.")]})
    changes = {"answered_by": by, "answered_at": now, **({"note": note.strip()[:LONGEST_NOTE]} if note else {})}
    if not Payment.objects.filter(pk=payment.pk).become(status, **changes):
        raise PaymentNotInStateForThis(_("This payment is “%(status)s”.") % {"status": payment.get_status_display()})
    payment.refresh_from_db()
    kind, done_zh, done_en = ANSWERS[status]
    _record(payment, order, kind, by=by, now=now)
    refresh_amounts(order=order, lines=lines_of(order), now=now)
    tell(
        order=order,
        event="payment.answered",
        key=f"{payment.pk}:{status}:{now.isoformat()}",
        to=[order.other(acting)],
        title_zh=f"订单 {order.number} 的付款 {order.currency} {payment.amount:,.2f} {done_zh}",
        title_en=f"The payment of {order.currency} {payment.amount:,.2f} for order {order.number} {done_en}",
        body=payment.note,
        now=now,
        payment=payment.pk,
    )
    return payment


def _record(payment: Payment, order: Order, kind: str, *, by: User, now: datetime) -> None:
    payload = {
        "payment": payment.pk,
        "for": deal_files.party_of(payment.recorded_for),
        "invoice": payment.invoice and payment.invoice.number,
        "amount": payment.amount,
        "currency": order.currency,
        "paid_on": payment.paid_on,
        "method": payment.method,
        "reference": payment.reference,
        "evidence": payment.attachment,
        "note": payment.note,
    }
    deal_files.record(order=order, kind=kind, by=by, at=now, payload=payload)


@transaction.atomic
def reduce_price(
    *, order: Order, line: OrderLine | None, amount: Decimal, reason: str, by: User, now: datetime
) -> PriceReduction:
    """Make an order cheaper by an amount, tax included, that both sides agreed on elsewhere (a concession).

    :raises InputRefused: if it is no amount, or above what is to be paid
    """
    order = lock_billable(order)
    errors: dict[str, list[str]] = {}
    amount = money(amount, "amount", errors)
    if amount is not None and amount > order.payable_amount:
        errors["amount"] = [_("Only %(left)s are to be paid.") % {"left": f"{order.payable_amount:,.2f}"}]
    if errors:
        raise InputRefused(errors)
    reduction = PriceReduction.objects.create(order=order, line=line, amount=amount, reason=reason[:300], by=by, at=now)
    payload = {"line": line and line.position, "amount": amount, "reason": reason}
    deal_files.record(order=order, kind="price.reduced", by=by, at=now, payload=payload)
    refresh_amounts(order=order, lines=lines_of(order), now=now)
    return reduction
