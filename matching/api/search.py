from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.models import Listing
from matching import services
from matching.api.matches import MOST_RESULTS, ResultSerializer

SENTENCE = "304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"


class RefusalSerializer(serializers.Serializer):
    """A hard rule that the pair would break."""

    rule = serializers.CharField()
    zh = serializers.CharField()
    en = serializers.CharField()


class ReadingSerializer(serializers.Serializer):
    field = serializers.CharField()
    value = serializers.JSONField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    zh = serializers.CharField()
    en = serializers.CharField()


class SearchResultSerializer(ResultSerializer):
    refusals = RefusalSerializer(many=True, help_text="Hard rules that this one would break: why it stands behind.")


class SearchSerializer(serializers.Serializer):
    side = serializers.ChoiceField(Listing.Side.choices, help_text="The side on which was looked.")
    readings = ReadingSerializer(many=True, help_text="What was read out of the text.")
    count = serializers.IntegerField(help_text="How many listings the rules left to choose from.")
    results = SearchResultSerializer(many=True)


class SearchInput(serializers.Serializer):
    q = serializers.CharField(help_text="What you look for or offer, in Chinese or English.")
    side = serializers.ChoiceField(Listing.Side.choices, required=False, help_text="The side to look on.")
    fields = serializers.DictField(
        required=False, help_text="The fields of a listing that you have not posted; then all hard rules exclude."
    )
    limit = serializers.IntegerField(min_value=1, max_value=MOST_RESULTS, default=20)


class SearchListings(APIView):
    """What fits a sentence or an unsaved draft, answered at once and not kept."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="search",
        parameters=[
            OpenApiParameter("q", str, required=True, examples=[OpenApiExample("A demand", SENTENCE)]),
            OpenApiParameter("side", str, enum=Listing.Side.values, description="The side to look on."),
            OpenApiParameter("limit", int, description="20 unless said, at most 100."),
        ],
        responses=SearchSerializer,
    )
    def get(self, request):
        return self._answer(request, request.query_params)

    @extend_schema(operation_id="search_draft", request=SearchInput, responses=SearchSerializer)
    def post(self, request):
        """Look for what fits a draft; its fields say more than its text alone."""
        return self._answer(request, request.data)

    def _answer(self, request, data):
        form = SearchInput(data=data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        found = services.search(
            text=said["q"],
            side=said.get("side", ""),
            fields=said.get("fields"),
            user=request.user,
            now=timezone.now(),
            limit=said["limit"],
        )
        shown = {
            "side": found.side,
            "readings": found.draft.readings,
            "count": found.answer.allowed,
            "results": [
                {
                    "listing": one.listing,
                    "score": one.score,
                    "rank": rank,
                    "reasons": one.reasons,
                    "refusals": one.refusals,
                }
                for rank, one in enumerate(found.answer.found, start=1)
            ],
        }
        return Response(SearchSerializer(shown, context={"request": request}).data)
