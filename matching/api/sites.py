from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from matching.api.matches import MOST_RESULTS, ResultSerializer
from matching.api.search import ReadingSerializer, RefusalSerializer
from matching.ranking.closeness import Closeness
from matching.services import sites


class SiteTexts(serializers.Serializer):
    zh = serializers.CharField()
    en = serializers.CharField()


class SiteCell(serializers.Serializer):
    """What a site offers for one parameter; null where it is silent."""

    value = SiteTexts(allow_null=True)
    closeness = serializers.ChoiceField(
        [one.value for one in Closeness], help_text="Nearly: within ten per cent of the limit. Empty: nobody asked."
    )
    is_estimated = serializers.BooleanField(
        help_text="A distance worked out from the place, which the park did not state."
    )


class SiteParameter(serializers.Serializer):
    key = serializers.CharField()
    group = serializers.CharField()
    title = SiteTexts()
    wanted = SiteTexts(allow_null=True)
    cell = SiteCell()


class SiteRow(serializers.Serializer):
    key = serializers.CharField()
    group = serializers.CharField()
    title = SiteTexts()
    wanted = SiteTexts(allow_null=True)
    cells = SiteCell(many=True)


class SiteHub(serializers.Serializer):
    kind = serializers.ChoiceField(["port", "rail", "airport"], source="hub.kind")
    zh = serializers.CharField(source="hub.name_zh")
    en = serializers.CharField(source="hub.name_en")
    km = serializers.IntegerField(help_text="About so many by road.")


class SiteNeighbours(serializers.Serializer):
    """Firms of the chain within 30 km, by the open listings that the reader may see."""

    suppliers = serializers.IntegerField(help_text="They offer what the industry needs.")
    buyers = serializers.IntegerField(help_text="They ask for what the industry makes.")


class SiteResult(ResultSerializer):
    refusals = RefusalSerializer(
        many=True, source="found.refusals", help_text="Limits that it misses: why it stands behind."
    )
    reasons = serializers.ListField(source="found.reasons", child=serializers.DictField())
    score = serializers.FloatField(source="found.score")
    parameters = SiteParameter(many=True, source="rows", help_text="How it keeps each wish.")
    hubs = SiteHub(many=True)
    neighbours = SiteNeighbours()


class SiteAnswer(serializers.Serializer):
    readings = ReadingSerializer(many=True, help_text="What was read out of the text.")
    count = serializers.IntegerField(help_text="How many spaces keep every limit.")
    results = SiteResult(many=True)
    compared = serializers.ListField(child=serializers.IntegerField(), help_text="Listings of the table's columns.")
    table = SiteRow(many=True)


class SiteInput(serializers.Serializer):
    text = serializers.CharField(required=False, max_length=2000, help_text="What you look for, in Chinese or English.")
    category = serializers.CharField(required=False, help_text="A category of kind space, such as space.workshop.")
    region = serializers.CharField(required=False, help_text="A GB/T 2260 code or a name.")
    quantity = serializers.CharField(required=False, help_text="The least area, in the unit of the category.")
    price_max = serializers.CharField(required=False, help_text="The highest rent or price.")
    attributes = serializers.DictField(required=False, help_text="Parameters of the category's schema.")
    industry = serializers.CharField(
        required=False, help_text="GB/T 4754: whose neighbours are counted; your firm's, if empty."
    )
    compare = serializers.ListField(
        child=serializers.IntegerField(),
        required=False,
        max_length=sites.MOST_COMPARED,
        help_text="Listings side by side.",
    )
    limit = serializers.IntegerField(min_value=1, max_value=MOST_RESULTS, default=20)


class SearchSites(APIView):
    """The spaces that fit a firm that looks for a place to work in, answered at once and not kept."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="search_sites",
        request=SiteInput,
        responses=SiteAnswer,
        examples=[
            OpenApiExample(
                "A workshop",
                value={
                    "category": "space.workshop",
                    "region": "331000",
                    "quantity": "5000",
                    "price_max": "25",
                    "attributes": {"height": 9, "power": 800, "km_motorway": 10},
                },
                request_only=True,
            )
        ],
    )
    def post(self, request):
        """Judge each parameter that is asked for; what misses a limit stands behind what keeps all."""
        form = SiteInput(data=request.data)
        form.is_valid(raise_exception=True)
        said = dict(form.validated_data)
        asked = {name: said.pop(name) for name in ("industry", "limit") if name in said}
        found = sites.search_sites(
            compare_with=said.pop("compare", ()), fields=said, user=request.user, now=timezone.now(), **asked
        )
        shown = {
            "readings": found.draft.readings,
            "count": found.allowed,
            "results": found.sites,
            "compared": [site.listing.pk for site in found.compared],
            "table": found.table,
        }
        return Response(SiteAnswer(shown, context={"request": request}).data)


urlpatterns = [path("api/v1/sites/search/", SearchSites.as_view(), name="api_site_search")]
