from http import HTTPStatus

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from matching import services
from matching.api.access import OperatorOnly
from matching.models import LearningRun, MatchEvent
from matching.services import learning as pages


class EventCountSerializer(serializers.Serializer):
    """How many events there were on a day."""

    day = serializers.DateField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Kind of event → how many.")
    buyers = serializers.IntegerField(help_text="Of them, by people of the demand's side.")
    sellers = serializers.IntegerField()


class ReckoningSerializer(serializers.ModelSerializer):
    document = serializers.JSONField(
        read_only=True,
        help_text="By side: how often each place of a list is looked at, and chances against what came of them.",
    )

    class Meta:
        model = LearningRun
        fields = (
            "id", "day", "status", "requested_at", "finished_at", "failure", "since", "shown", "orders", "document",
        )  # fmt: skip
        read_only_fields = fields


class EventCounts(APIView):
    """What both sides did about their matches in the last days, the newest first."""

    permission_classes = [OperatorOnly]

    @extend_schema(operation_id="match_events_list", responses=EventCountSerializer(many=True))
    def get(self, request):
        kinds = MatchEvent.Kind.values
        days = [
            {"day": one.day, "counts": dict(zip(kinds, one.counts, strict=True))}
            | {"buyers": one.buyers, "sellers": one.sellers}
            for one in pages.events_by_day(now=timezone.now())
        ]
        return Response(EventCountSerializer(days, many=True).data)


class ReckoningList(CreatingView, generics.ListAPIView):
    """The reckonings of what became of matches, the newest first."""

    queryset = LearningRun.objects.newest()
    serializer_class = ReckoningSerializer
    pagination_class = LimitOffsetPagination
    permission_classes = [OperatorOnly]

    @extend_schema(request=None, responses={HTTPStatus.CREATED: ReckoningSerializer})
    def create(self, request):
        """Ask for a reckoning now; 409 while one is at work."""
        run = services.request_reckoning(by=request.user, now=timezone.now())
        return Response(ReckoningSerializer(run).data, status=HTTPStatus.CREATED)
