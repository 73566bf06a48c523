"""The platform operator's markets and exposure, by API; nobody else sees that there are any."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from matching.api.access import OperatorOnly
from matching.models import Allotment, MarketPoint, MarketProposal
from matching.models.market_proposal import LAST_DIAL
from matching.services import exposures, market_pages, markets

DIAL_HELP = "0 is relevance alone, 5 fills the most, 10 is the fairest."


class MarketInput(serializers.Serializer):
    """A family of goods or a category, and where the goods are wanted."""

    family = serializers.CharField(required=False, default="", allow_blank=True, max_length=80)
    category = serializers.CharField(required=False, default="", allow_blank=True, max_length=80)
    region = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=100, help_text="A name or a GB/T 2260 code."
    )


class DialInput(serializers.Serializer):
    dial = serializers.IntegerField(min_value=0, max_value=LAST_DIAL, help_text=DIAL_HELP)


class DialQuery(serializers.Serializer):
    dial = serializers.IntegerField(min_value=0, max_value=LAST_DIAL, required=False, default=None)


class MarketSerializer(serializers.ModelSerializer):
    category = serializers.CharField(source="category.code", default=None)
    demanded = serializers.FloatField()
    supplied = serializers.FloatField()
    requested_by = serializers.CharField(source="requested_by.username")
    decided_by = serializers.CharField(source="decided_by.username", default=None)
    left_out = serializers.DictField(child=serializers.IntegerField())

    class Meta:
        model = MarketProposal
        fields = (
            "id", "family", "category", "region", "status", "failure", "requested_at", "requested_by", "finished_at",
            "duration_ms", "read_at", "unit", "demand_count", "supply_count", "pair_count", "demanded", "supplied",
            "left_out", "decision", "dial", "decided_by", "decided_at",
        )  # fmt: skip


class MarketPointSerializer(serializers.ModelSerializer):
    class Meta:
        model = MarketPoint
        fields = (
            "dial", "fill", "shown", "relevance", "new_exposure", "small_exposure", "gini", "value", "bound", "served",
            "seconds",
        )  # fmt: skip


class MarketShareSerializer(serializers.Serializer):
    demand = serializers.IntegerField()
    supply = serializers.IntegerField()
    quantity = serializers.FloatField(help_text="In the market's unit.")
    value = serializers.FloatField(help_text="Expected success of the pair, from 0 to 1.")


class AllotmentSerializer(serializers.ModelSerializer):
    quantity = serializers.FloatField(help_text="In the demand's unit.")
    covered = serializers.FloatField()

    class Meta:
        model = Allotment
        fields = (
            "demand", "supply", "quantity", "unit", "value", "supplier_count", "covered", "pooled_count", "fate",
            "dropped_because",
        )  # fmt: skip


class MarketDetailSerializer(MarketSerializer):
    """A market with its figures along the dial, and who would get what at one stop, or who got what."""

    points = MarketPointSerializer(many=True)
    shares = MarketShareSerializer(many=True, help_text="At the stop that was asked for.")
    allotments = AllotmentSerializer(many=True, help_text="What was published or dropped once it was approved.")

    class Meta(MarketSerializer.Meta):
        fields = (*MarketSerializer.Meta.fields, "points", "shares", "allotments")


def _markets(user):
    return MarketProposal.objects.visible_to(user).with_names().defer("listings", "unmatched")


def _shown(proposal: MarketProposal, dial: int | None) -> dict:
    page = market_pages.read_page(proposal=proposal, dial=dial)
    rows = market_pages.allotment_rows(proposal=proposal, point=page.point) if page else []
    shown = MarketSerializer(proposal).data
    names = ("demand", "supply", "quantity", "value")
    return {
        **shown,
        "points": MarketPointSerializer(page.points if page else [], many=True).data,
        "shares": MarketShareSerializer([dict(zip(names, row, strict=True)) for row in rows], many=True).data,
        "allotments": AllotmentSerializer(proposal.allotments.order_by("pk"), many=True).data,
    }


class MarketList(CreatingView, generics.ListAPIView):
    """The markets that were computed, the newest first."""

    queryset = MarketProposal.objects.none()
    serializer_class = MarketSerializer
    pagination_class = Pages
    permission_classes = [OperatorOnly]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return _markets(self.request.user).order_by("-requested_at", "-pk")

    @extend_schema(request=MarketInput, responses={HTTPStatus.CREATED: MarketSerializer})
    def create(self, request):
        """Ask for a market to be computed at every stop of the dial; nothing is published by that."""
        said = MarketInput(data=request.data)
        said.is_valid(raise_exception=True)
        proposal = markets.request_market(by=request.user, now=timezone.now(), **said.validated_data)
        return Response(MarketSerializer(proposal).data, status=HTTPStatus.CREATED)


class MarketDetail(APIView):
    permission_classes = [OperatorOnly]

    @extend_schema(parameters=[OpenApiParameter("dial", int, description=DIAL_HELP)], responses=MarketDetailSerializer)
    def get(self, request, pk):
        """Show a market; ask again while ``status`` is waiting or running."""
        asked = DialQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(_shown(get_object_or_404(_markets(request.user), pk=pk), asked.validated_data["dial"]))


class MarketApprove(APIView):
    permission_classes = [OperatorOnly]

    @extend_schema(request=DialInput, responses=MarketDetailSerializer)
    def post(self, request, pk):
        """Publish a stop of the dial as matches and tell both sides; 409 if it was decided before."""
        said = DialInput(data=request.data)
        said.is_valid(raise_exception=True)
        proposal = get_object_or_404(_markets(request.user), pk=pk)
        dial = said.validated_data["dial"]
        markets.approve_market(proposal=proposal, dial=dial, by=request.user, at=timezone.now())
        return Response(_shown(_markets(request.user).get(pk=pk), dial))


class MarketDiscard(APIView):
    permission_classes = [OperatorOnly]

    @extend_schema(request=None, responses=MarketSerializer)
    def post(self, request, pk):
        """Put a market away; 409 if it was decided before."""
        proposal = get_object_or_404(_markets(request.user), pk=pk)
        markets.discard_market(proposal=proposal, by=request.user, at=timezone.now())
        return Response(MarketSerializer(_markets(request.user).get(pk=pk)).data)


class GroupSerializer(serializers.Serializer):
    name = serializers.ChoiceField(["new", "not_new", "small", "not_small"])
    firms = serializers.IntegerField()
    shown = serializers.IntegerField()
    impressions = serializers.IntegerField()
    share = serializers.FloatField()
    per_firm = serializers.FloatField()


class NewcomerSerializer(serializers.Serializer):
    organisation = serializers.IntegerField(source="organisation.pk")
    impressions = serializers.IntegerField()
    is_under_floor = serializers.BooleanField()


class ExposureSerializer(serializers.Serializer):
    """How often suppliers with a current match were shown to buyers in the last days, and how evenly."""

    days = serializers.IntegerField()
    suppliers = serializers.IntegerField()
    shown = serializers.IntegerField()
    share = serializers.FloatField()
    impressions = serializers.IntegerField()
    gini = serializers.FloatField()
    groups = GroupSerializer(many=True)
    newcomers = NewcomerSerializer(many=True, help_text="Firms in their first week, the least shown first.")
    under_floor = serializers.IntegerField()


class ExposureDetail(APIView):
    permission_classes = [OperatorOnly]

    @extend_schema(responses=ExposureSerializer)
    def get(self, request):
        """Show who was shown how often."""
        return Response(ExposureSerializer(exposures.read_exposure(now=timezone.now())).data)
