from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.api.park_serializers import (
    FeeAdjust,
    FeeSerializer,
    StatementDetailSerializer,
    StatementIssue,
    StatementSerializer,
)
from marketplace.models import Fee, Park, Statement
from marketplace.services import fees


class FeeList(generics.ListAPIView):
    """What the reader's firms were charged, and what the parks that the reader manages have charged."""

    queryset = Fee.objects.none()
    serializer_class = FeeSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Fee.objects.visible_to(self.request.user).order_by("-accrued_on", "-pk")


class StatementList(generics.ListAPIView):
    """The monthly statements of the reader's firms, and of the parks that the reader manages."""

    queryset = Statement.objects.none()
    serializer_class = StatementSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Statement.objects.visible_to(self.request.user).order_by("-month", "-pk")


class StatementDetail(APIView):
    @extend_schema(responses=StatementDetailSerializer)
    def get(self, request, pk):
        """Show a statement with its lines."""
        rows = Statement.objects.visible_to(request.user).prefetch_related("fees")
        return Response(StatementDetailSerializer(get_object_or_404(rows, pk=pk)).data)


class ParkStatements(CreatingView):
    @extend_schema(
        operation_id="parks_statements_issue",
        request=StatementIssue,
        responses={HTTPStatus.CREATED: StatementSerializer(many=True)},
    )
    def create(self, request, pk):
        """Bill every firm for a month that is over; asked again, it bills nothing twice."""
        park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=pk)
        serializer = StatementIssue(data=request.data)
        serializer.is_valid(raise_exception=True)
        issued = fees.issue_statements(park=park, by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(StatementSerializer(issued, many=True).data, status=HTTPStatus.CREATED)


class FeeAdjustment(CreatingView):
    @extend_schema(request=FeeAdjust, responses={HTTPStatus.CREATED: FeeSerializer})
    def create(self, request, pk):
        """Charge or credit a firm by hand, once per key."""
        park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=pk)
        serializer = FeeAdjust(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        fee = fees.adjust(park=park, by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(FeeSerializer(fee).data, status=HTTPStatus.CREATED)


urlpatterns = [
    path("fees/", FeeList.as_view(), name="api_fee_list"),
    path("statements/", StatementList.as_view(), name="api_statement_list"),
    path("statements/<int:pk>/", StatementDetail.as_view(), name="api_statement_detail"),
    path("parks/<int:pk>/statements/", ParkStatements.as_view(), name="api_park_statements"),
    path("parks/<int:pk>/fees/adjust/", FeeAdjustment.as_view(), name="api_fee_adjust"),
]
