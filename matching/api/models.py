from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from matching import services
from matching.api.access import OperatorOnly
from matching.models import ProofRun, RankerModel, RecallProof, Replay, TrainingRun
from matching.services import model_pages


class RankerSerializer(serializers.ModelSerializer):
    """A learned ranker; ``verdict`` compares it with the tuned fusion on held-out lists, over all and in each part."""

    serves = serializers.SerializerMethodField(help_text="Whether it is the one in use.")
    refusal = serializers.SerializerMethodField(help_text="Why the gate refused it, in both languages.")
    promoted_by = serializers.CharField(source="promoted_by.username", default=None)

    class Meta:
        model = RankerModel
        fields = (
            "version", "status", "serves", "refusal", "verdict", "trained_on", "embedding_version", "fusion_version",
            "judged_at", "promoted_at", "promoted_by", "retired_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_serves(self, ranker) -> bool:
        return ranker.status == RankerModel.Status.PROMOTED and ranker.version == self.context.get("serving")

    def get_refusal(self, ranker) -> dict[str, str]:
        return {"zh": ranker.refusal_zh, "en": ranker.refusal_en}


class RankerWhyInput(serializers.Serializer):
    why = serializers.CharField(max_length=500, allow_blank=True, default="", help_text="Kept beside who did it.")


class ServingSerializer(serializers.Serializer):
    version = serializers.CharField(help_text="The ranker that serves from the next question on.")
    is_shipped = serializers.BooleanField(help_text="Whether it is the one that came with the program.")


def _serving() -> dict:
    row = model_pages.shipped_row()
    return {"version": model_pages.serving_version(), "is_shipped": row.serves}


class RankerList(generics.ListAPIView):
    """The learned rankers, promoted, refused and retired ones, the last judged first."""

    queryset = RankerModel.objects.newest().select_related("promoted_by")
    serializer_class = RankerSerializer
    pagination_class = Pages
    permission_classes = [OperatorOnly]

    def get_serializer_context(self):
        return {**super().get_serializer_context(), "serving": model_pages.serving_version()}


class RankerDetail(APIView):
    permission_classes = [OperatorOnly]

    @extend_schema(responses=RankerSerializer)
    def get(self, request, version):
        """Show a ranker and what the gate said of it."""
        ranker = get_object_or_404(RankerModel.objects.select_related("promoted_by"), version=version)
        return Response(RankerSerializer(ranker, context={"serving": model_pages.serving_version()}).data)


class RankerPromote(APIView):
    permission_classes = [OperatorOnly]

    @extend_schema(request=RankerWhyInput, responses=ServingSerializer)
    def post(self, request, version):
        """Let a ranker serve that passed the gate; 409 where the gate refused it."""
        ranker = get_object_or_404(RankerModel, version=version)
        services.promote(
            ranker=ranker, by=request.user, now=timezone.now(), why=checked(RankerWhyInput, request)["why"]
        )
        return Response(ServingSerializer(_serving()).data)


class RankerRollBack(APIView):
    permission_classes = [OperatorOnly]

    @extend_schema(request=RankerWhyInput, responses=ServingSerializer)
    def post(self, request):
        """Let the ranker serve again that served before; 409 where the shipped one serves."""
        services.roll_back(by=request.user, now=timezone.now(), why=checked(RankerWhyInput, request)["why"])
        return Response(ServingSerializer(_serving()).data)


class TrainingSerializer(serializers.ModelSerializer):
    refusal = serializers.SerializerMethodField()
    ranker = serializers.SerializerMethodField(help_text="Version of what was learned, null where nothing was.")

    class Meta:
        model = TrainingRun
        fields = (
            "id", "day", "status", "requested_at", "finished_at", "failure", "since", "until", "lists", "graded",
            "outcome", "refusal", "ranker",
        )  # fmt: skip
        read_only_fields = fields

    def get_refusal(self, run) -> dict[str, str]:
        return {"zh": run.refusal_zh, "en": run.refusal_en}

    def get_ranker(self, run) -> str | None:
        return next((one.version for one in run.rankers.all()), None)


class TrainingList(CreatingView, generics.ListAPIView):
    """The trainings of the ranker, the newest first."""

    queryset = TrainingRun.objects.newest().prefetch_related("rankers")
    serializer_class = TrainingSerializer
    pagination_class = Pages
    permission_classes = [OperatorOnly]

    @extend_schema(request=None, responses={HTTPStatus.CREATED: TrainingSerializer})
    def create(self, request):
        """Ask for a training now; 409 while one is at work."""
        run = services.request_training(by=request.user, now=timezone.now())
        return Response(TrainingSerializer(run).data, status=HTTPStatus.CREATED)


class ReplayInput(serializers.Serializer):
    day = serializers.DateField()
    model = serializers.CharField(max_length=64, help_text='A version, "shipped", or "fusion" for the texts alone.')
    against = serializers.CharField(max_length=64)
    demands = serializers.IntegerField(min_value=1, max_value=Replay.MOST_DEMANDS, default=20)


class ReplayBrief(serializers.ModelSerializer):
    class Meta:
        model = Replay
        fields = (
            "id", "day", "model", "against", "demands", "status", "requested_at", "finished_at", "failure", "summary",
        )  # fmt: skip
        read_only_fields = fields


class ReplaySerializer(ReplayBrief):
    """A replay with each list as both models order it."""

    class Meta(ReplayBrief.Meta):
        fields = (*ReplayBrief.Meta.fields, "lists")
        read_only_fields = fields


class ReplayList(CreatingView, generics.ListAPIView):
    """The days that were put in order anew by two models, the newest first."""

    queryset = Replay.objects.newest().defer("lists")
    serializer_class = ReplayBrief
    pagination_class = Pages
    permission_classes = [OperatorOnly]

    @extend_schema(request=ReplayInput, responses={HTTPStatus.CREATED: ReplayBrief})
    def create(self, request):
        """Ask for a past day's lists by two models; 409 where no demand was matched on that day."""
        replay = services.request_replay(**checked(ReplayInput, request), by=request.user, now=timezone.now())
        return Response(ReplayBrief(replay).data, status=HTTPStatus.CREATED)


class ReplayDetail(APIView):
    permission_classes = [OperatorOnly]

    @extend_schema(responses=ReplaySerializer)
    def get(self, request, pk):
        """Show a replay; ask again while its status is waiting or running."""
        return Response(ReplaySerializer(get_object_or_404(Replay, pk=pk)).data)


class ShapeSerializer(serializers.ModelSerializer):
    class Meta:
        model = RecallProof
        fields = ("shape", "queries", "recall", "worst", "worst_listing", "short", "allowed", "promised", "is_kept")
        read_only_fields = fields


class ProofSerializer(serializers.ModelSerializer):
    shapes = ShapeSerializer(source="proofs", many=True)

    class Meta:
        model = ProofRun
        fields = (
            "id", "day", "status", "requested_at", "finished_at", "failure", "engine", "entries", "missing", "seconds",
            "shapes",
        )  # fmt: skip
        read_only_fields = fields


class ProofList(CreatingView, generics.ListAPIView):
    """The proofs of the index's recall, the newest first."""

    queryset = ProofRun.objects.newest().prefetch_related("proofs")
    serializer_class = ProofSerializer
    pagination_class = Pages
    permission_classes = [OperatorOnly]

    @extend_schema(request=None, responses={HTTPStatus.CREATED: ProofSerializer})
    def create(self, request):
        """Ask for a proof now; 409 while one is at work."""
        run = services.request_proof(by=request.user, now=timezone.now())
        return Response(ProofSerializer(run).data, status=HTTPStatus.CREATED)
