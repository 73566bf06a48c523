import django_filters
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import NumberField
from marketplace.api.pages import Pages
from marketplace.api.shipments import LotSerializer
from marketplace.models import Lot, StockMove
from marketplace.services import stock, traces


class StockFilter(filters.FilterSet):
    park = django_filters.NumberFilter(field_name="location__park_id")
    facility = django_filters.NumberFilter(field_name="location_id")

    class Meta:
        model = Lot
        fields = ("park", "facility")


class StockList(generics.ListAPIView):
    """What lies in parks: of the user's organisations, and in the parks where the user works."""

    serializer_class = LotSerializer
    pagination_class = Pages
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = StockFilter
    queryset = Lot.objects.none()

    def get_queryset(self):
        user = self.request.user
        rows = Lot.objects.in_stock_of(user) | Lot.objects.stored_in_parks_of(user)
        return rows.with_names().prefetch_related("packages").order_by("pk")


class CountInput(serializers.Serializer):
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3, min_value=0)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class StockMoveSerializer(serializers.ModelSerializer):
    quantity = NumberField()
    balance = NumberField()

    class Meta:
        model = StockMove
        fields = ("id", "lot", "facility", "kind", "quantity", "balance", "reason", "at")
        read_only_fields = fields


class LotCount(APIView):
    @extend_schema(request=CountInput, responses=LotSerializer)
    def post(self, request, pk):
        """Write what was counted of a lot; where it differs from the books, say why."""
        lot = get_object_or_404(Lot.objects.handled_by(request.user).select_related("shipment"), pk=pk)
        serializer = CountInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        stock.adjust_count(
            lot=lot, quantity=said["quantity"], reason=said.get("reason", ""), by=request.user, now=timezone.now()
        )
        rows = Lot.objects.visible_to(request.user).with_names().prefetch_related("packages")
        return Response(LotSerializer(rows.get(pk=pk)).data)


class LotMoves(generics.ListAPIView):
    """How the stock of a lot came about."""

    serializer_class = StockMoveSerializer
    pagination_class = Pages
    queryset = StockMove.objects.none()

    def get_queryset(self):
        lot = get_object_or_404(Lot.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        return lot.stock_moves.order_by("pk")


class StepSerializer(serializers.Serializer):
    kind = serializers.CharField()
    on = serializers.DateField()
    region = serializers.CharField(allow_blank=True)
    park = serializers.CharField(allow_null=True)
    text = serializers.JSONField()
    verdict = serializers.CharField(allow_blank=True)
    checked = serializers.IntegerField()
    within = serializers.IntegerField()


class TraceSerializer(serializers.Serializer):
    lot = serializers.CharField(source="lot.number")
    package = serializers.IntegerField(source="package.number", allow_null=True, default=None)
    facts = serializers.DictField()
    steps = StepSerializer(many=True)


class TraceDetail(APIView):
    permission_classes = []

    @extend_schema(responses=TraceSerializer)
    def get(self, request, token):
        """Show anybody the public history of a lot by the token of its QR code: no prices, no names of firms."""
        lot, package = traces.find_lot(token)
        if lot is None:
            raise Http404
        trace = traces.trace_of(lot, package)
        said = {"lot": lot, "package": package, "facts": dict(trace.facts), "steps": trace.steps}
        return Response(TraceSerializer(said).data)


urlpatterns = [
    path("stock/", StockList.as_view(), name="api_stock_list"),
    path("lots/<int:pk>/count/", LotCount.as_view(), name="api_lot_count"),
    path("lots/<int:pk>/stock-moves/", LotMoves.as_view(), name="api_lot_moves"),
    path("trace/<str:token>/", TraceDetail.as_view(), name="api_trace"),
]
