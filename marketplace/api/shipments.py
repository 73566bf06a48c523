from http import HTTPStatus

import django_filters
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from config.errors import InputRefused
from config.http import file_response
from marketplace.api.fields import NumberField, OrganisationBrief, find_organisation
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import (
    Booking,
    FulfilmentEvent,
    Lot,
    Membership,
    Organisation,
    Park,
    Shipment,
)
from marketplace.services import shipment_papers, shipments


class LotSerializer(serializers.ModelSerializer):
    order = serializers.IntegerField(source="order_line.order_id")
    order_number = serializers.CharField(source="order_line.order.number")
    line = serializers.IntegerField(source="order_line.position")
    description = serializers.CharField(source="order_line.description")
    quantity = NumberField()
    stored_quantity = NumberField()
    accepted_quantity = NumberField()
    rejected_quantity = NumberField()
    received_quantity = NumberField()
    short_quantity = NumberField()
    sent_back_quantity = NumberField()
    packages = serializers.SerializerMethodField()

    class Meta:
        model = Lot
        fields = (
            "id",
            "number",
            "token",
            "order",
            "order_number",
            "order_line",
            "line",
            "description",
            "quantity",
            "unit",
            "status",
            "location",
            "stored_quantity",
            "accepted_quantity",
            "rejected_quantity",
            "received_quantity",
            "short_quantity",
            "sent_back_quantity",
            "public",
            "packages",
        )
        read_only_fields = fields

    def get_packages(self, lot) -> list[dict]:
        return [
            {"number": one.number, "token": one.token, "quantity": str(one.quantity)}
            for one in sorted(lot.packages.all(), key=lambda one: one.number)
        ]


class ShipmentSerializer(serializers.ModelSerializer):
    seller = OrganisationBrief()
    park = serializers.IntegerField(source="park_id", allow_null=True)
    net_weight_kg = serializers.DecimalField(max_digits=12, decimal_places=1, allow_null=True)
    lots = serializers.SerializerMethodField()

    class Meta:
        model = Shipment
        fields = (
            "id",
            "number",
            "token",
            "seller",
            "park",
            "status",
            *Shipment.JOURNEY_FIELDS,
            "expected_at",
            "dock_booking",
            "warehouse_booking",
            "gross_weight_kg",
            "tare_weight_kg",
            "net_weight_kg",
            "is_weight_off",
            "lots",
            "created_at",
            "dispatched_at",
            "arrived_at",
            "received_at",
        )
        read_only_fields = fields

    @extend_schema_field(LotSerializer(many=True))
    def get_lots(self, shipment):
        return LotSerializer(shipment.shown_lots, many=True).data


class LotInput(serializers.Serializer):
    order_line = serializers.IntegerField(help_text="Id of a line of goods of a running order that the seller sells.")
    quantity = serializers.CharField(max_length=40)
    unit = serializers.CharField(max_length=40, required=False, allow_blank=True, help_text="Missing: the line's.")
    number = serializers.CharField(max_length=40, required=False, allow_blank=True)
    public = serializers.DictField(
        required=False,
        help_text=f"What the trace page shows to anybody, as texts or {{zh, en}}: {', '.join(Lot.PUBLIC_FIELDS)}.",
    )
    packages = serializers.JSONField(required=False, help_text="How many, or the quantity of each as a list.")


class JourneyInput(serializers.Serializer):
    park = serializers.PrimaryKeyRelatedField(queryset=Park.objects.none(), required=False, allow_null=True)
    expected_at = serializers.DateTimeField(required=False, allow_null=True)
    dock_booking = serializers.PrimaryKeyRelatedField(queryset=Booking.objects.none(), required=False, allow_null=True)
    warehouse_booking = serializers.PrimaryKeyRelatedField(
        queryset=Booking.objects.none(), required=False, allow_null=True
    )
    from_address = serializers.CharField(required=False, allow_blank=True)
    to_address = serializers.CharField(required=False, allow_blank=True)
    carrier = serializers.CharField(required=False, allow_blank=True)
    vehicle = serializers.CharField(required=False, allow_blank=True)
    driver_name = serializers.CharField(required=False, allow_blank=True)
    driver_phone = serializers.CharField(required=False, allow_blank=True)

    def get_fields(self):
        fields = super().get_fields()
        user = getattr(self.context.get("request"), "user", None)
        if user is not None and user.is_authenticated:
            fields["park"].queryset = Park.objects.visible_to(user)
            for name in ("dock_booking", "warehouse_booking"):
                fields[name].queryset = Booking.objects.with_names()
        return fields


class ShipmentInput(JourneyInput):
    seller = serializers.CharField(help_text="Id or USCC of the user's organisation that sends.")
    lots = LotInput(many=True)


class ShipmentChange(JourneyInput):
    lots = LotInput(many=True, required=False)


class ShipmentFilter(filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Shipment.Status.choices)
    park = django_filters.NumberFilter(field_name="park_id")
    order = django_filters.NumberFilter(method="filter_order", label="id of an order with lots on it")

    def filter_order(self, shipments_, _name, value):
        return shipments_.filter(lots__order_line__order=value).distinct()

    class Meta:
        model = Shipment
        fields = ("status", "park", "order")


def visible(user):
    """Return the shipments that the user sees, each with the lots that are the user's to see."""
    return Shipment.objects.visible_to(user).with_names().with_lots_of(user)


def shown(request, pk, status=HTTPStatus.OK):
    return Response(ShipmentSerializer(visible(request.user).get(pk=pk)).data, status=status)


class ShipmentList(CreatingView, generics.ListAPIView):
    """Shipments that the user's organisations send, receive or handle."""

    serializer_class = ShipmentSerializer
    pagination_class = Pages
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = ShipmentFilter
    queryset = Shipment.objects.none()

    def get_queryset(self):
        return visible(self.request.user).order_by("-created_at", "-pk")

    @extend_schema(
        request=ShipmentInput,
        responses={HTTPStatus.CREATED: ShipmentSerializer},
        examples=[
            OpenApiExample(
                "A part of an order through a park",
                value={
                    "seller": "91331021000000001X",
                    "park": 1,
                    "vehicle": "浙J12345",
                    "expected_at": "2026-03-12T09:00:00+08:00",
                    "lots": [{"order_line": 17, "quantity": "200", "number": "VB-0312", "packages": 4}],
                },
                request_only=True,
            )
        ],
    )
    def create(self, request):
        """Plan a shipment with its lots, of one order or of several of one seller."""
        serializer = ShipmentInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        said = dict(serializer.validated_data)
        mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
        seller = find_organisation(mine, said.pop("seller"))
        if seller is None:
            raise InputRefused({"seller": [_("There is no organisation of this id or code.")]})
        shipment = shipments.plan_shipment(seller=seller, by=request.user, now=timezone.now(), **said)
        return shown(request, shipment.pk, HTTPStatus.CREATED)


class ShipmentDetail(APIView):
    @extend_schema(responses=ShipmentSerializer)
    def get(self, request, pk):
        """Show one shipment."""
        return Response(ShipmentSerializer(get_object_or_404(visible(request.user), pk=pk)).data)

    @extend_schema(request=ShipmentChange, responses=ShipmentSerializer)
    def patch(self, request, pk):
        """Change what is given while it is planned; ``lots``, where given, replace those before."""
        shipment = get_object_or_404(Shipment.objects.sent_by(request.user), pk=pk)
        serializer = ShipmentChange(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        shipments.edit_shipment(shipment=shipment, by=request.user, now=timezone.now(), **serializer.validated_data)
        return shown(request, pk)


class ShipmentDispatch(APIView):
    @extend_schema(request=None, responses=ShipmentSerializer)
    def post(self, request, pk):
        """Let it go: its quantities are in delivery from now on."""
        shipment = get_object_or_404(Shipment.objects.sent_by(request.user), pk=pk)
        shipments.dispatch_shipment(shipment=shipment, by=request.user, now=timezone.now())
        return shown(request, pk)


class ShipmentCancel(APIView):
    @extend_schema(request=None, responses=ShipmentSerializer)
    def post(self, request, pk):
        """Give up a planned shipment."""
        shipment = get_object_or_404(Shipment.objects.sent_by(request.user), pk=pk)
        shipments.cancel_shipment(shipment=shipment, by=request.user, now=timezone.now())
        return shown(request, pk)


class ShipmentPaper(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(shipment_papers.PAPERS)),
            OpenApiParameter("language", str, enum=["zh", "en"]),
        ],
        responses={(HTTPStatus.OK, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request, pk, kind):
        """Download the shipment note or the gate pass."""
        shipment = get_object_or_404(Shipment.objects.visible_to(request.user).with_bookings(), pk=pk)
        lots = Lot.objects.visible_to(request.user).filter(shipment=shipment).with_names().order_by("pk")
        language = request.query_params.get("language") or get_language()
        content = shipment_papers.PAPERS[kind](shipment, list(lots), language)
        return file_response(content, name=f"{shipment.number}-{kind}.pdf", content_type="application/pdf")


class EventSerializer(serializers.ModelSerializer):
    by = serializers.CharField(source="by.username")
    organisation = OrganisationBrief()
    attachments = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = FulfilmentEvent
        fields = (
            "id",
            "key",
            "kind",
            "lot",
            "recorded_at",
            "received_at",
            "by",
            "organisation",
            "facility",
            "place",
            "device",
            "data",
            "note",
            "attachments",
        )
        read_only_fields = fields


class ShipmentEvents(generics.ListAPIView):
    """What happened to a shipment and to the user's lots on it, in the order in which it happened."""

    serializer_class = EventSerializer
    pagination_class = Pages
    queryset = FulfilmentEvent.objects.none()

    def get_queryset(self):
        shipment = get_object_or_404(Shipment.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        events = shipment.events.shown_to(self.request.user).with_names().prefetch_related("attachments")
        return events.order_by("recorded_at", "pk")


urlpatterns = [
    path("shipments/", ShipmentList.as_view(), name="api_shipment_list"),
    path("shipments/<int:pk>/", ShipmentDetail.as_view(), name="api_shipment_detail"),
    path("shipments/<int:pk>/dispatch/", ShipmentDispatch.as_view(), name="api_shipment_dispatch"),
    path("shipments/<int:pk>/cancel/", ShipmentCancel.as_view(), name="api_shipment_cancel"),
    path("shipments/<int:pk>/events/", ShipmentEvents.as_view(), name="api_shipment_events"),
    path("shipments/<int:pk>/<str:kind>.pdf", ShipmentPaper.as_view(), name="api_shipment_paper"),
]
