"""Invoices and payments of orders."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.order_changes import attachments_of
from marketplace.api.order_serializers import (
    AnswerInput,
    InvoiceInput,
    InvoiceRequestInput,
    InvoiceSerializer,
    PaymentInput,
    PaymentSerializer,
)
from marketplace.api.orders import traded_order, visible_order
from marketplace.models import Invoice, Order, Payment
from marketplace.services import invoices, payments
from marketplace.services.orders import side_of_user


def _attachment(request, order: Order, said: dict):
    """Return the one file that was named, or nothing."""
    number = said.pop("attachment", None)
    if number is None:
        return None
    return attachments_of(request, side_of_user(request.user, order), [number])[0]


def _invoice(request, pk) -> Invoice:
    return get_object_or_404(Invoice.objects.editable_by(request.user).with_details(), pk=pk)


def _payment(request, pk) -> Payment:
    return get_object_or_404(Payment.objects.editable_by(request.user).with_details(), pk=pk)


class OrderInvoices(CreatingView):
    @extend_schema(operation_id="orders_invoices_list", responses=InvoiceSerializer(many=True))
    def get(self, request, pk):
        """Show the invoices of an order."""
        found = visible_order(request, pk).invoices.with_details().order_by("-pk")
        return Response(InvoiceSerializer(found, many=True).data)

    @extend_schema(request=InvoiceInput, responses={HTTPStatus.CREATED: InvoiceSerializer})
    def create(self, request, pk):
        """Say as the seller that an invoice was issued which nobody asked for."""
        order, said = traded_order(request, pk), checked(InvoiceInput, request)
        attachment = _attachment(request, order, said)
        invoice = invoices.issue_invoice(
            order=order, said=said, attachment=attachment, by=request.user, now=timezone.now()
        )
        return Response(InvoiceSerializer(invoice).data, status=HTTPStatus.CREATED)


class InvoiceRequest(CreatingView):
    @extend_schema(request=InvoiceRequestInput, responses={HTTPStatus.CREATED: InvoiceSerializer})
    def create(self, request, pk):
        """Ask for an invoice as the buyer; what is not said is what the buyer and the order say."""
        order, said = traded_order(request, pk), checked(InvoiceRequestInput, request)
        invoice = invoices.request_invoice(order=order, said=said, by=request.user, now=timezone.now())
        return Response(InvoiceSerializer(invoice).data, status=HTTPStatus.CREATED)


class InvoiceIssue(CreatingView):
    @extend_schema(request=InvoiceInput, responses=InvoiceSerializer)
    def create(self, request, pk):
        """Issue the invoice that the buyer asked for or refused."""
        invoice, said = _invoice(request, pk), checked(InvoiceInput, request)
        attachment = _attachment(request, invoice.order, said)
        issued = invoices.issue_invoice(
            order=invoice.order,
            invoice=invoice,
            said=said,
            attachment=attachment,
            by=request.user,
            now=timezone.now(),
        )
        return Response(InvoiceSerializer(issued).data)


class InvoiceReceive(APIView):
    @extend_schema(request=None, responses=InvoiceSerializer)
    def post(self, request, pk):
        """Say as the buyer that an invoice came and is right."""
        invoice = invoices.receive_invoice(invoice=_invoice(request, pk), by=request.user, now=timezone.now())
        return Response(InvoiceSerializer(invoice).data)


class InvoiceRefuse(APIView):
    @extend_schema(request=AnswerInput, responses=InvoiceSerializer)
    def post(self, request, pk):
        """Send an invoice back with the reason."""
        note = checked(AnswerInput, request)["note"]
        invoice = invoices.refuse_invoice(invoice=_invoice(request, pk), note=note, by=request.user, now=timezone.now())
        return Response(InvoiceSerializer(invoice).data)


class InvoiceVoid(APIView):
    @extend_schema(request=AnswerInput, responses=InvoiceSerializer)
    def post(self, request, pk):
        """Make an invoice void."""
        note = checked(AnswerInput, request)["note"]
        invoice = invoices.void_invoice(invoice=_invoice(request, pk), note=note, by=request.user, now=timezone.now())
        return Response(InvoiceSerializer(invoice).data)


class OrderPayments(CreatingView):
    @extend_schema(operation_id="orders_payments_list", responses=PaymentSerializer(many=True))
    def get(self, request, pk):
        """Show what was recorded as paid and paid back."""
        found = visible_order(request, pk).payments.with_details().order_by("-pk")
        return Response(PaymentSerializer(found, many=True).data)

    @extend_schema(request=PaymentInput, responses={HTTPStatus.CREATED: PaymentSerializer})
    def create(self, request, pk):
        """Record a payment or a refund with its evidence; who received it confirms it."""
        order, said = traded_order(request, pk), checked(PaymentInput, request)
        attachment = _attachment(request, order, said)
        invoice = None
        if number := said.pop("invoice", None):
            invoice = order.invoices.filter(pk=number).first()
            if invoice is None:
                raise serializers.ValidationError({"invoice": [_("This invoice is void, or another order's.")]})
        payment = payments.record_payment(
            order=order,
            organisation=side_of_user(request.user, order),
            is_refund=said.pop("is_refund"),
            said=said,
            invoice=invoice,
            attachment=attachment,
            by=request.user,
            now=timezone.now(),
        )
        return Response(PaymentSerializer(payment).data, status=HTTPStatus.CREATED)


class PaymentConfirm(APIView):
    @extend_schema(request=None, responses=PaymentSerializer)
    def post(self, request, pk):
        """Say, as the side that was paid, that the money came."""
        payment = payments.confirm_payment(payment=_payment(request, pk), by=request.user, now=timezone.now())
        return Response(PaymentSerializer(payment).data)


class PaymentDispute(APIView):
    @extend_schema(request=AnswerInput, responses=PaymentSerializer)
    def post(self, request, pk):
        """Say, as the side that was to be paid, that no such money came."""
        note = checked(AnswerInput, request)["note"]
        payment = payments.dispute_payment(
            payment=_payment(request, pk), note=note, by=request.user, now=timezone.now()
        )
        return Response(PaymentSerializer(payment).data)


class PaymentWithdraw(APIView):
    @extend_schema(request=None, responses=PaymentSerializer)
    def post(self, request, pk):
        """Take back what was recorded by mistake."""
        payment = payments.withdraw_payment(payment=_payment(request, pk), by=request.user, now=timezone.now())
        return Response(PaymentSerializer(payment).data)


urlpatterns = [
    path("orders/<int:pk>/invoices/", OrderInvoices.as_view(), name="api_order_invoices"),
    path("orders/<int:pk>/invoices/request/", InvoiceRequest.as_view(), name="api_invoice_request"),
    path("invoices/<int:pk>/issue/", InvoiceIssue.as_view(), name="api_invoice_issue"),
    path("invoices/<int:pk>/receive/", InvoiceReceive.as_view(), name="api_invoice_receive"),
    path("invoices/<int:pk>/refuse/", InvoiceRefuse.as_view(), name="api_invoice_refuse"),
    path("invoices/<int:pk>/void/", InvoiceVoid.as_view(), name="api_invoice_void"),
    path("orders/<int:pk>/payments/", OrderPayments.as_view(), name="api_order_payments"),
    path("payments/<int:pk>/confirm/", PaymentConfirm.as_view(), name="api_payment_confirm"),
    path("payments/<int:pk>/dispute/", PaymentDispute.as_view(), name="api_payment_dispute"),
    path("payments/<int:pk>/withdraw/", PaymentWithdraw.as_view(), name="api_payment_withdraw"),
]
