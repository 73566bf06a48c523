"""What the staff of a park reads: the day at its gate and docks, and one shipment by whatever is written on it."""

import datetime as dt

from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.pages import Pages
from marketplace.models import Facility, Lot, Park, Shipment
from marketplace.services import park_exceptions, park_stock
from marketplace.templatetags.market import unit_name

PARK = OpenApiParameter("park", int, required=True, description="Id of a park on whose grounds the caller works.")
# More shipments than a gate sees in a day; who has more looks them up one by one.
MOST_SHIPMENTS = 500
LONGEST_ID = 18


class FacilityBrief(serializers.ModelSerializer):
    class Meta:
        model = Facility
        fields = ("id", "code", "name", "kind")
        read_only_fields = fields


class GateLot(serializers.ModelSerializer):
    description = serializers.CharField(source="order_line.description")
    buyer = serializers.CharField(source="order_line.order.buyer.name")
    unit_name = serializers.SerializerMethodField()
    facility = serializers.IntegerField(source="location_id", allow_null=True)
    facility_name = serializers.CharField(source="location.name", default="")
    packages = serializers.SerializerMethodField(help_text="The codes on its packages.")

    class Meta:
        model = Lot
        fields = (
            "token",
            "number",
            "description",
            "buyer",
            "quantity",
            "unit",
            "unit_name",
            "status",
            "facility",
            "facility_name",
            "stored_quantity",
            "packages",
        )
        read_only_fields = fields

    def get_unit_name(self, lot) -> str:
        return unit_name(lot.unit)

    def get_packages(self, lot) -> list[str]:
        return [package.token for package in lot.packages.all()]


class GateShipment(serializers.ModelSerializer):
    seller = serializers.CharField(source="seller.name")
    dock = serializers.CharField(source="dock_booking.facility.name", default="")
    warehouse = serializers.IntegerField(source="warehouse_booking.facility_id", default=None, allow_null=True)
    net_weight_kg = serializers.DecimalField(max_digits=12, decimal_places=1, allow_null=True)
    lots = GateLot(many=True)

    class Meta:
        model = Shipment
        fields = (
            "id",
            "number",
            "token",
            "status",
            "seller",
            "carrier",
            "vehicle",
            "driver_name",
            "driver_phone",
            "expected_at",
            "arrived_at",
            "dock",
            "warehouse",
            "gross_weight_kg",
            "tare_weight_kg",
            "net_weight_kg",
            "lots",
        )
        read_only_fields = fields


class StockLot(GateLot):
    """A lot in the stock of a park; its owner is the seller until it is received, then the buyer."""

    owner = serializers.SerializerMethodField()
    seller = serializers.CharField(source="shipment.seller.name")
    shipment = serializers.CharField(source="shipment.number")
    arrived_at = serializers.DateTimeField(source="shipment.arrived_at", allow_null=True)
    packages = None

    class Meta(GateLot.Meta):
        fields = (
            *(name for name in GateLot.Meta.fields if name != "packages"),
            "owner",
            "seller",
            "shipment",
            "arrived_at",
        )
        read_only_fields = fields

    def get_owner(self, lot) -> str:
        return park_stock.owner_of(lot).name


class WarehouseShare(serializers.Serializer):
    organisation = serializers.CharField(source="organisation.name")
    stored = serializers.DecimalField(max_digits=18, decimal_places=3)
    booked = serializers.DecimalField(max_digits=18, decimal_places=3)


class WarehouseDay(serializers.Serializer):
    day = serializers.DateField(source="on")
    booked = serializers.DecimalField(max_digits=18, decimal_places=3)


class WarehouseState(serializers.Serializer):
    """How full a warehouse is, in its unit."""

    facility = FacilityBrief()
    unit = serializers.CharField(source="facility.unit")
    capacity = serializers.DecimalField(max_digits=18, decimal_places=3, allow_null=True)
    stored = serializers.DecimalField(max_digits=18, decimal_places=3)
    booked = serializers.DecimalField(max_digits=18, decimal_places=3)
    free = serializers.DecimalField(max_digits=18, decimal_places=3, allow_null=True)
    shares = WarehouseShare(many=True)
    days = WarehouseDay(many=True)


class ParkException(serializers.Serializer):
    kind = serializers.ChoiceField(choices=[(kind, kind) for kind in park_exceptions.KINDS])
    title = serializers.CharField()
    since = serializers.DateTimeField()
    organisation = serializers.CharField(source="organisation.name", default="")
    shipment = serializers.CharField(source="shipment.number", default="")
    lot = serializers.CharField(source="lot.number", default="")
    booking = serializers.CharField(source="booking.number", default="")
    facility = serializers.CharField(source="facility.name", default="")
    conflict = serializers.UUIDField(
        source="conflict.key", default=None, allow_null=True, help_text="Send the scan of this key again with a choice."
    )
    message = serializers.CharField(source="conflict.message", default="")
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3, allow_null=True)
    limit = serializers.DecimalField(max_digits=18, decimal_places=3, allow_null=True)
    unit = serializers.CharField()


class Day(serializers.Serializer):
    park = serializers.IntegerField()
    user = serializers.CharField()
    now = serializers.DateTimeField()
    warehouses = FacilityBrief(many=True)
    shipments = GateShipment(many=True)


def park_of(request) -> Park:
    """Return the park that the query names, of those where the caller works; any other is not there."""
    field = serializers.IntegerField(min_value=1)
    said = request.query_params.get("park", "")
    try:
        number = field.run_validation(said)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"park": error.detail}) from error
    return get_object_or_404(Park.objects.run_by(request.user), pk=number)


def at_gate(shipments):
    """Fetch with the shipments everything that GateShipment shows."""
    named = shipments.with_details().select_related("seller", "dock_booking__facility", "warehouse_booking")
    return named.prefetch_related("lots__packages")


def end_of_day(now: dt.datetime) -> dt.datetime:
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + dt.timedelta(days=1)


class ConsoleToday(APIView):
    @extend_schema(parameters=[PARK], responses=Day)
    def get(self, request):
        """List what is expected at a park by the end of the day, late or not, and what is on its grounds."""
        park = park_of(request)
        now = timezone.now()
        mine = Shipment.objects.filter(park=park)
        shipments = at_gate(mine.expected_by(end_of_day(now)) | mine.on_the_grounds())
        warehouses = park.facilities.filter(kind=Facility.Kind.WAREHOUSE, is_active=True).order_by("code")
        day = {
            "park": park.pk,
            "user": request.user.username,
            "now": now,
            "warehouses": warehouses,
            "shipments": shipments.order_by("expected_at", "pk")[:MOST_SHIPMENTS],
        }
        return Response(Day(day).data)


class ConsoleFind(APIView):
    @extend_schema(
        parameters=[PARK, OpenApiParameter("code", str, required=True, description="A code, a number or a plate.")],
        responses=GateShipment,
        examples=[OpenApiExample("By its plate", value={"number": "SH260302-4KQ7WD", "vehicle": "浙J8K2Q1"})],
    )
    def get(self, request):
        """Show one shipment of a park by the code on its note, a lot or a package, by its number, or by a plate."""
        park = park_of(request)
        code = request.query_params.get("code", "").strip()
        if not code:
            raise serializers.ValidationError({"code": [serializers.CharField.default_error_messages["blank"]]})
        named = Q(token=code) | Q(lots__token=code) | Q(lots__packages__token=code) | Q(number__iexact=code)
        found = Shipment.objects.filter(park=park).filter(named | Q(vehicle__iexact=code))
        # A lorry comes again: its newest shipment is meant. The ids are sought first, for a lot may be found twice.
        newest = found.order_by("-pk").values("pk")[:1]
        shipment = at_gate(Shipment.objects.filter(pk__in=newest)).first()
        if shipment is None:
            raise Http404
        return Response(GateShipment(shipment).data)


class ConsoleWarehouses(APIView):
    @extend_schema(parameters=[PARK], responses=WarehouseState(many=True))
    def get(self, request):
        """Show how full the warehouses of a park are, by owner, and what is booked for the days to come."""
        found = park_stock.read_occupancy(park=park_of(request), now=timezone.now())
        return Response(WarehouseState(found, many=True).data)


class ConsoleExceptions(APIView):
    @extend_schema(parameters=[PARK], responses=ParkException(many=True))
    def get(self, request):
        """List what is not as planned: conflicts, late arrivals, weights, rejected lots, no-shows, overstays, overruns."""
        found = park_exceptions.read_exceptions(park=park_of(request), now=timezone.now())
        return Response(ParkException(found, many=True).data)


class ConsoleInventory(generics.ListAPIView):
    """What lies in a park, by owner and lot."""

    queryset = Lot.objects.none()
    serializer_class = StockLot
    pagination_class = Pages
    filter_backends = []

    @extend_schema(
        operation_id="console_inventory",
        parameters=[
            PARK,
            OpenApiParameter("q", str, description="Words of a lot, shipment, plate, owner or the goods."),
            OpenApiParameter("warehouse", int, description="Id of a warehouse."),
        ],
    )
    def get(self, request, *args, **kwargs):
        """List what lies in a park, by owner and lot."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        asked = self.request.query_params
        warehouse = asked.get("warehouse") or None
        if warehouse is not None and not (warehouse.isdecimal() and len(warehouse) < LONGEST_ID):
            raise serializers.ValidationError({"warehouse": [_("Give the id of a warehouse.")]})
        park = park_of(self.request)
        return park_stock.find_stock(park=park, words=asked.get("q", "")[:100], warehouse=warehouse)


urlpatterns = [
    path("console/today/", ConsoleToday.as_view(), name="api_console_today"),
    path("console/find/", ConsoleFind.as_view(), name="api_console_find"),
    path("console/warehouses/", ConsoleWarehouses.as_view(), name="api_console_warehouses"),
    path("console/exceptions/", ConsoleExceptions.as_view(), name="api_console_exceptions"),
    path("console/inventory/", ConsoleInventory.as_view(), name="api_console_inventory"),
]
