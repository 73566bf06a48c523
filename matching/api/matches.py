from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.models import Listing, Organisation
from marketplace.models.disclosure import Reader
from matching import services
from matching.models import Allotment, MatchRun
from matching.models.match_run import progress_of
from matching.services import exposures

MOST_RESULTS = 100


class OrganisationInMatch(serializers.ModelSerializer):
    """A firm as the reader may know it: without id and code, and called by its city, where it hides its name."""

    id = serializers.IntegerField(allow_null=True)
    uscc = serializers.CharField(allow_null=True)

    class Meta:
        model = Organisation
        fields = ("id", "uscc", "name_zh", "name_en", "region")

    def to_representation(self, instance):
        return super().to_representation(instance) | Reader.behind(self.context["request"]).brief_of(instance)


class ListingInMatch(serializers.ModelSerializer):
    category = serializers.CharField(source="category.code", default=None)
    quantity = serializers.FloatField()
    minimum_order = serializers.FloatField()
    price_min = serializers.FloatField()
    price_max = serializers.FloatField()

    class Meta:
        model = Listing
        fields = (
            "id", "side", "kind", "category", "title_zh", "title_en", "attributes", "quantity", "unit", "minimum_order",
            "price_min", "price_max", "price_unit", "currency", "region", "window_start", "window_end", "lead_days",
        )  # fmt: skip


class ReasonSerializer(serializers.Serializer):
    """One part of a score; the points of all parts sum to it."""

    feature = serializers.CharField()
    points = serializers.FloatField()
    zh = serializers.CharField()
    en = serializers.CharField()


class ResultSerializer(serializers.Serializer):
    listing = ListingInMatch()
    organisation = OrganisationInMatch(source="listing.organisation")
    score = serializers.FloatField()
    rank = serializers.IntegerField(help_text="Place in this list, from 1.")
    reasons = ReasonSerializer(many=True)


class AllotmentInMatch(serializers.ModelSerializer):
    """What the platform proposes that these two trade: so much of the demand, in its unit."""

    quantity = serializers.FloatField()
    supplier_count = serializers.IntegerField(help_text="How many suppliers together serve the demand.")
    covered = serializers.FloatField(help_text="What they cover of it.")
    pooled_count = serializers.IntegerField(help_text="How many demands share one order to reach its minimum.")

    class Meta:
        model = Allotment
        fields = ("quantity", "unit", "supplier_count", "covered", "pooled_count")


class ChancesSerializer(serializers.Serializer):
    """Calibrated chances in [0, 1]; null where the match was not written by a model that says them."""

    buyer = serializers.FloatField(allow_null=True, help_text="The buyer takes the match up, once it looks.")
    seller = serializers.FloatField(allow_null=True, help_text="The seller takes the match up, once it looks.")
    fulfilled = serializers.FloatField(allow_null=True, help_text="An order is delivered on time and in full.")


class MatchResultSerializer(ResultSerializer):
    id = serializers.IntegerField(help_text="Of the match, which both sides share.")
    mutual = serializers.FloatField(
        allow_null=True,
        help_text="What both sides may expect beside all that compete for either; to compare with others alone.",
    )
    placed = serializers.ChoiceField(
        ["", "allotted", "new_firm"],
        help_text="Why it stands where it does: the platform allotted it, or a firm new on the market has its place.",
    )
    allotment = AllotmentInMatch(source="standing_allotment", allow_null=True)
    chances = ChancesSerializer()
    model_version = serializers.CharField()
    first_seen_at = serializers.DateTimeField()


class ListQuery(serializers.Serializer):
    order = serializers.ChoiceField(exposures.ORDERS, default="mutual")


class RunSerializer(serializers.ModelSerializer):
    class Meta:
        model = MatchRun
        fields = (
            "id", "status", "requested_at", "started_at", "finished_at", "failure", "revision", "allowed", "found",
            "duration_ms", "embedding_version", "fusion_version", "ranker_version",
        )  # fmt: skip


class MatchesSerializer(serializers.Serializer):
    """The matches of a listing; ask again while ``status`` is waiting or running."""

    status = serializers.ChoiceField(["none", *MatchRun.Status.values])
    run = RunSerializer(allow_null=True, help_text="The latest search, null before the first.")
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = MatchResultSerializer(many=True)


class Pages(LimitOffsetPagination):
    max_limit = MOST_RESULTS


class ListingMatches(APIView):
    """The matches of one of your listings, best first; a stranger's listing is not found."""

    @extend_schema(
        operation_id="listing_matches_list",
        parameters=[
            OpenApiParameter("limit", int),
            OpenApiParameter("offset", int),
            OpenApiParameter(
                "order",
                str,
                enum=exposures.ORDERS,
                default="mutual",
                description="By what both sides may expect beside all that compete for either, or by score alone.",
            ),
        ],
        responses=MatchesSerializer,
    )
    def get(self, request, listing_id):
        listings = Listing.objects.of(request.user).with_names()
        return Response(self._shown(request, get_object_or_404(listings, pk=listing_id)))

    @extend_schema(
        operation_id="listing_matches_request", request=None, responses={HTTPStatus.ACCEPTED: MatchesSerializer}
    )
    def post(self, request, listing_id):
        """Ask for the matches to be looked for again."""
        listing = get_object_or_404(Listing.objects.editable_by(request.user).with_names(), pk=listing_id)
        services.request_matches(listing=listing, now=timezone.now())
        return Response(self._shown(request, listing), status=HTTPStatus.ACCEPTED)

    def _shown(self, request, listing):
        now, pages = timezone.now(), Pages()
        run = MatchRun.objects.latest_of(listing)
        asked = ListQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        order = asked.validated_data["order"]
        matches = exposures.match_list(listing=listing, user=request.user, now=now, order=order)
        page = pages.paginate_queryset(matches, request)
        for rank, match in enumerate(page, start=pages.offset + 1):
            match.listing, match.rank = match.other_than(listing), rank
        services.note_shown(matches=page, listing=listing, first_position=pages.offset + 1, by=request.user, now=now)
        shown = {
            "status": progress_of(listing, run, now),
            "run": run,
            "count": pages.count,
            "next": pages.get_next_link(),
            "previous": pages.get_previous_link(),
            "results": page,
        }
        return MatchesSerializer(shown, context={"request": request}).data
