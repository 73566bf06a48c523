from http import HTTPStatus

import django_filters
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.order_serializers import (
    CallOffInput,
    DueSerializer,
    OrderRecordSerializer,
    OrderSerializer,
    Quantities,
    RatingInput,
    RatingSerializer,
)
from marketplace.api.pages import Pages
from marketplace.models import Order, OrderRecord, Organisation
from marketplace.runs.order_amounts import list_dues
from marketplace.services import contracts, frameworks, orders, ratings
from marketplace.services.orders import side_of_user

A_LINE = OpenApiExample("One line", value={"lines": [{"line": 1, "quantity": 120}]}, request_only=True)


def visible_order(request, pk) -> Order:
    return get_object_or_404(Order.objects.visible_to(request.user).with_details(), pk=pk)


def traded_order(request, pk) -> Order:
    """Return an order of which the user trades for one side; anybody else gets a 404."""
    return get_object_or_404(Order.objects.editable_by(request.user).with_details(), pk=pk)


def shown(order: Order, status: int = HTTPStatus.OK) -> Response:
    return Response(OrderSerializer(Order.objects.with_details().get(pk=order.pk)).data, status=status)


class OrderFilter(filters.FilterSet):
    side = django_filters.ChoiceFilter(
        method="filter_side", choices=OrderRecord.Side.choices, label="only where the user's side is"
    )
    overdue = django_filters.BooleanFilter(method="filter_overdue", label="something was to be paid before today")

    class Meta:
        model = Order
        fields = ("status", "kind", "number")

    def filter_side(self, queryset, _name, value):
        return queryset.filter(**{f"{value}__in": Organisation.objects.of(self.request.user)})

    def filter_overdue(self, queryset, _name, value):
        late = Order.objects.overdue(timezone.localdate())
        return queryset.filter(pk__in=late) if value else queryset.exclude(pk__in=late)


class OrderList(generics.ListAPIView):
    """The orders of the user's organisations; all for the platform operator."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Order.objects.visible_to(self.request.user).with_details().select_related("framework").order_by("-pk")


class OrderDetail(APIView):
    @extend_schema(responses=OrderSerializer)
    def get(self, request, pk):
        """Show one order with its lines and where their quantities are."""
        return Response(OrderSerializer(visible_order(request, pk)).data)


class OrderDues(APIView):
    @extend_schema(responses=DueSerializer(many=True))
    def get(self, request, pk):
        """Show what of an order is due when by its payment terms, and how much of it is paid."""
        order = visible_order(request, pk)
        return Response(DueSerializer(list_dues(order, list(order.lines.all())), many=True).data)


class OrderRecords(APIView):
    @extend_schema(responses=OrderRecordSerializer(many=True))
    def get(self, request, pk):
        """Show what the records say of both sides; nothing before the order is closed."""
        records = visible_order(request, pk).records.order_by("side")
        return Response(OrderRecordSerializer(records, many=True).data)


class OrderContract(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("language", str, enum=["zh", "en"])],
        responses={(HTTPStatus.OK, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request, pk):
        """Give the contract of sale as a PDF."""
        order = visible_order(request, pk)
        paper = contracts.contract_paper(order, request.query_params.get("language", "zh"))
        return HttpResponse(paper, content_type="application/pdf")


class OrderDeliver(CreatingView):
    @extend_schema(request=Quantities, responses=OrderSerializer, examples=[A_LINE])
    def create(self, request, pk):
        """Say as the seller how much was done of what no shipment brings."""
        said = {row["line"]: row["quantity"] for row in checked(Quantities, request)["lines"]}
        order = traded_order(request, pk)
        return shown(orders.confirm_delivery(order=order, quantities=said, by=request.user, now=timezone.now()))


class OrderAccept(CreatingView):
    @extend_schema(request=Quantities, responses=OrderSerializer, examples=[A_LINE])
    def create(self, request, pk):
        """Accept as the buyer what was delivered without a shipment."""
        said = {row["line"]: row["quantity"] for row in checked(Quantities, request)["lines"]}
        order = traded_order(request, pk)
        return shown(orders.accept_delivery(order=order, quantities=said, by=request.user, now=timezone.now()))


class OrderClose(APIView):
    @extend_schema(request=None, responses=OrderSerializer)
    def post(self, request, pk):
        """Close an accepted and paid order."""
        return shown(orders.close_order(order=traded_order(request, pk), by=request.user, now=timezone.now()))


class OrderRatings(CreatingView):
    @extend_schema(operation_id="orders_ratings_list", responses=RatingSerializer(many=True))
    def get(self, request, pk):
        """Show what the two sides said of each other."""
        return Response(RatingSerializer(visible_order(request, pk).ratings.order_by("pk"), many=True).data)

    @extend_schema(request=RatingInput, responses={HTTPStatus.CREATED: RatingSerializer})
    def create(self, request, pk):
        """Rate the other side in stars and words."""
        order = traded_order(request, pk)
        rating = ratings.rate(
            order=order,
            organisation=side_of_user(request.user, order),
            by=request.user,
            now=timezone.now(),
            **checked(RatingInput, request),
        )
        return Response(RatingSerializer(rating).data, status=HTTPStatus.CREATED)


class OrderCallOffs(CreatingView):
    @extend_schema(operation_id="orders_call_offs_list", responses=OrderSerializer(many=True))
    def get(self, request, pk):
        """Show the call-offs of a framework order."""
        found = visible_order(request, pk).call_offs.with_details().select_related("framework").order_by("pk")
        return Response(OrderSerializer(found, many=True).data)

    @extend_schema(request=CallOffInput, responses={HTTPStatus.CREATED: OrderSerializer}, examples=[A_LINE])
    def create(self, request, pk):
        """Order a part of a framework order."""
        said = checked(CallOffInput, request)
        order = frameworks.call_off(
            framework=traded_order(request, pk),
            lines=said["lines"],
            window=(said.get("window_start"), said.get("window_end")),
            place={"address": said.get("address", "")},
            by=request.user,
            now=timezone.now(),
        )
        return shown(order, HTTPStatus.CREATED)


class OrderEnd(APIView):
    @extend_schema(request=None, responses=OrderSerializer)
    def post(self, request, pk):
        """End a framework order of which everything was called off and accepted."""
        order = frameworks.end_framework(framework=traded_order(request, pk), by=request.user, now=timezone.now())
        return shown(order)


class OrderRepeat(CreatingView):
    @extend_schema(request=None, responses={HTTPStatus.CREATED: OpenApiTypes.OBJECT})
    def create(self, request, pk):
        """Order again: opens a negotiation with an offer of the same terms and fresh dates; answers their ids."""
        order = traded_order(request, pk)
        negotiation, offer = frameworks.repeat_order(
            order=order, organisation=side_of_user(request.user, order), by=request.user, now=timezone.now()
        )
        return Response({"negotiation": negotiation.pk, "offer": offer.pk}, status=HTTPStatus.CREATED)


urlpatterns = [
    path("orders/", OrderList.as_view(), name="api_order_list"),
    path("orders/<int:pk>/", OrderDetail.as_view(), name="api_order_detail"),
    path("orders/<int:pk>/dues/", OrderDues.as_view(), name="api_order_dues"),
    path("orders/<int:pk>/records/", OrderRecords.as_view(), name="api_order_records"),
    path("orders/<int:pk>/contract/", OrderContract.as_view(), name="api_order_contract"),
    path("orders/<int:pk>/deliver/", OrderDeliver.as_view(), name="api_order_deliver"),
    path("orders/<int:pk>/accept/", OrderAccept.as_view(), name="api_order_accept"),
    path("orders/<int:pk>/close/", OrderClose.as_view(), name="api_order_close"),
    path("orders/<int:pk>/ratings/", OrderRatings.as_view(), name="api_order_ratings"),
    path("orders/<int:pk>/call-offs/", OrderCallOffs.as_view(), name="api_order_call_offs"),
    path("orders/<int:pk>/end/", OrderEnd.as_view(), name="api_order_end"),
    path("orders/<int:pk>/repeat/", OrderRepeat.as_view(), name="api_order_repeat"),
]
