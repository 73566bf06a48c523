from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.services import late_payments


class LateReasonSerializer(serializers.Serializer):
    feature = serializers.CharField()
    points = serializers.IntegerField(help_text="Hundredths of log-odds: above 0 a late payment is likelier.")
    zh = serializers.CharField()
    en = serializers.CharField()


class LatePaymentSerializer(serializers.Serializer):
    invoice = serializers.IntegerField(source="invoice.pk")
    number = serializers.CharField(source="invoice.number")
    buyer = serializers.IntegerField(source="invoice.order.buyer_id")
    due_on = serializers.DateField(source="due")
    left = serializers.DecimalField(max_digits=20, decimal_places=2)
    currency = serializers.CharField(source="invoice.order.currency")
    chance = serializers.FloatField(help_text="Of being paid after the due day; 1 once that has passed.")
    is_overdue = serializers.BooleanField()
    paid_before = serializers.IntegerField(help_text="The customer's invoices that were settled when it was issued.")
    reasons = LateReasonSerializer(many=True)


class LatePaymentList(APIView):
    @extend_schema(responses=LatePaymentSerializer(many=True))
    def get(self, request):
        """Give the reader's own unpaid invoices with the chance that each is paid late, the likeliest first."""
        found = late_payments.receivables(late_payments.sold_by(request.user), now=timezone.now())
        return Response(LatePaymentSerializer(found, many=True).data)


class InvoiceLatePayment(APIView):
    @extend_schema(responses=LatePaymentSerializer)
    def get(self, request, pk):
        """Give the chance that one unpaid invoice is paid late."""
        sold = late_payments.sold_by(request.user)
        get_object_or_404(sold, pk=pk)
        found = late_payments.receivables(sold.filter(pk=pk), now=timezone.now())
        if not found:
            raise Http404
        return Response(LatePaymentSerializer(found[0]).data)
