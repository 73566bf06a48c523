"""Invoices and payments of an order."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from marketplace.forms.orders import InvoiceForm, InvoiceRequestForm, PaymentForm
from marketplace.models import Invoice, Payment
from marketplace.services import invoices, payments
from marketplace.services.orders import side_of_user
from marketplace.views.once import once
from marketplace.views.orders import traded_order


@login_required
@once
def invoice_request(request, pk):
    """Ask for an invoice as the buyer."""
    order = traded_order(request, pk)
    initial = {
        "title": order.buyer.name_zh or order.buyer.name_en,
        "tax_identifier": order.buyer.uscc or order.buyer.foreign_identifier,
        "amount": max(invoices.uninvoiced(order), 0) or None,
    }
    form = InvoiceRequestForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            invoices.request_invoice(order=order, said=form.cleaned_data, by=request.user, now=timezone.now())
            messages.success(request, _("The seller is asked for the invoice."))
            return redirect("marketplace:order_detail", pk)
    context = {"form": form, "order": order}
    return render(request, "marketplace/invoice_request.html", context, status=form.http_status)


def _issue(request, order, invoice=None):
    initial = {"amount": max(invoices.uninvoiced(order), 0) or None, "issued_on": timezone.localdate()}
    if invoice:
        initial |= {"amount": invoice.amount, "tax_amount": invoice.tax_amount, "kind": invoice.kind}
    form = InvoiceForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = {**form.cleaned_data}
        upload = said.pop("file")
        with form.showing_refusals():
            invoices.issue_invoice(
                order=order, invoice=invoice, said=said, upload=upload, by=request.user, now=timezone.now()
            )
            messages.success(request, _("The buyer is told of the invoice."))
            return redirect("marketplace:order_detail", order.pk)
    context = {"form": form, "order": order, "invoice": invoice}
    return render(request, "marketplace/invoice_issue.html", context, status=form.http_status)


@login_required
@once
def invoice_create(request, pk):
    """Say as the seller that an invoice was issued which nobody asked for."""
    return _issue(request, traded_order(request, pk))


@login_required
@once
def invoice_issue(request, pk):
    """Issue the invoice that the buyer asked for or refused."""
    invoice = get_object_or_404(Invoice.objects.editable_by(request.user).with_details(), pk=pk)
    return _issue(request, traded_order(request, invoice.order_id), invoice)


def _invoice(request, pk) -> Invoice:
    return get_object_or_404(Invoice.objects.editable_by(request.user).with_details(), pk=pk)


@login_required
@require_POST
def invoice_receive(request, pk):
    invoice = invoices.receive_invoice(invoice=_invoice(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("Noted as received."))
    return redirect("marketplace:order_detail", invoice.order_id)


@login_required
@require_POST
def invoice_refuse(request, pk):
    note = request.POST.get("note", "")
    invoice = invoices.refuse_invoice(invoice=_invoice(request, pk), note=note, by=request.user, now=timezone.now())
    messages.success(request, _("Sent back to the seller."))
    return redirect("marketplace:order_detail", invoice.order_id)


@login_required
@require_POST
def invoice_void(request, pk):
    note = request.POST.get("note", "")
    invoice = invoices.void_invoice(invoice=_invoice(request, pk), note=note, by=request.user, now=timezone.now())
    messages.success(request, _("Made void."))
    return redirect("marketplace:order_detail", invoice.order_id)


def _pay(request, pk, *, is_refund, template):
    order = traded_order(request, pk)
    side = side_of_user(request.user, order)
    left = order.paid_amount - order.payable_amount if is_refund else order.open_amount
    initial = {"amount": left if left > 0 else None, "paid_on": timezone.localdate()}
    form = PaymentForm(request.POST or None, request.FILES or None, order=order, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = {**form.cleaned_data}
        upload, invoice = said.pop("file"), said.pop("invoice")
        with form.showing_refusals():
            payments.record_payment(
                order=order,
                organisation=side,
                said=said,
                invoice=invoice,
                upload=upload,
                is_refund=is_refund,
                by=request.user,
                now=timezone.now(),
            )
            messages.success(request, _("Recorded. The other side is told."))
            return redirect("marketplace:order_detail", pk)
    context = {"form": form, "order": order}
    return render(request, f"marketplace/{template}.html", context, status=form.http_status)


@login_required
@once
def payment_record(request, pk):
    return _pay(request, pk, is_refund=False, template="payment_record")


@login_required
@once
def refund_record(request, pk):
    return _pay(request, pk, is_refund=True, template="refund_record")


def _payment(request, pk) -> Payment:
    return get_object_or_404(Payment.objects.editable_by(request.user).with_details(), pk=pk)


@login_required
@require_POST
def payment_confirm(request, pk):
    payment = payments.confirm_payment(payment=_payment(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("Confirmed."))
    return redirect("marketplace:order_detail", payment.order_id)


@login_required
@require_POST
def payment_dispute(request, pk):
    note = request.POST.get("note", "")
    payment = payments.dispute_payment(payment=_payment(request, pk), note=note, by=request.user, now=timezone.now())
    messages.success(request, _("Noted: the money did not come. The other side is told."))
    return redirect("marketplace:order_detail", payment.order_id)


@login_required
@require_POST
def payment_withdraw(request, pk):
    payment = payments.withdraw_payment(payment=_payment(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("Withdrawn."))
    return redirect("marketplace:order_detail", payment.order_id)
