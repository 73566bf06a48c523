"""The evidence log by API: checkpoints, proofs, and the signatures of its witnesses."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, generics, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import Checkpoint, LogLeaf, Witness
from finance.services import checkpoints, evidence
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Membership, Organisation


class CosignatureSerializer(serializers.Serializer):
    witness = serializers.CharField(source="witness.name")
    organisation = OrganisationBrief(source="witness.organisation")
    line = serializers.CharField()
    at = serializers.DateTimeField()


class CheckpointSerializer(serializers.ModelSerializer):
    note = serializers.CharField(help_text="The signed note: C2SP tlog-checkpoint with all co-signatures.")
    cosignatures = CosignatureSerializer(many=True)

    class Meta:
        model = Checkpoint
        fields = ("size", "root", "at", "note", "cosignatures")
        read_only_fields = fields


class WitnessSerializer(serializers.ModelSerializer):
    organisation = OrganisationBrief()

    class Meta:
        model = Witness
        fields = ("id", "organisation", "name", "public_key", "is_held_here", "made_at", "retired_at")
        read_only_fields = fields


class WitnessInput(serializers.Serializer):
    organisation = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    public_key = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=100,
        help_text="Ed25519, 64 hexadecimal digits; none: one is kept here.",
    )

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            fields["organisation"].queryset = Organisation.objects.of(
                self.context["request"].user, Membership.Role.OWNER
            )
        return fields


class CosignatureInput(serializers.Serializer):
    witness = serializers.PrimaryKeyRelatedField(queryset=Witness.objects.none())
    line = serializers.CharField(
        required=False, allow_blank=True, max_length=300, help_text="The signature line; none where the key lies here."
    )

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            mine = Witness.objects.managed_by(self.context["request"].user)
            fields["witness"].queryset = mine.select_related("organisation")
        return fields


class ConsistencySerializer(serializers.Serializer):
    old = serializers.IntegerField()
    size = serializers.IntegerField()
    proof = serializers.ListField(child=serializers.CharField())


class LeafSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    leaf_hash = serializers.CharField()
    size = serializers.IntegerField()
    proof = serializers.ListField(child=serializers.CharField())
    entry = serializers.JSONField(
        required=False, allow_null=True, help_text="What it says; for the operator and the witnesses."
    )


class WitnessKeySerializer(serializers.Serializer):
    name = serializers.CharField()
    organisation = serializers.CharField()
    key = serializers.CharField()


class IssuerSerializer(serializers.Serializer):
    name = serializers.CharField()
    jwk = serializers.DictField(child=serializers.CharField())


class TrustSerializer(serializers.Serializer):
    format = serializers.CharField()
    origin = serializers.CharField()
    log_key = serializers.CharField()
    issuer = IssuerSerializer()
    witnesses = WitnessKeySerializer(many=True)
    quorum = serializers.IntegerField()


class LogHeadSerializer(serializers.Serializer):
    size = serializers.IntegerField()
    root = serializers.CharField()


def _number(request, name: str, default: int | None = None) -> int:
    said = request.query_params.get(name, "")
    if not said and default is not None:
        return default
    if not said.isdigit() or len(said) > 18:
        raise serializers.ValidationError({name: [_("Give a whole number.")]})
    return int(said)


class LogHeadDetail(APIView):
    permission_classes = [permissions.AllowAny]

    @extend_schema(responses=LogHeadSerializer)
    def get(self, request):
        """Show how long the log is, and its root."""
        head = evidence.head()
        return Response({"size": head.size, "root": head.root.hex()})


class CheckpointList(CreatingView, generics.ListAPIView):
    """What the log was, the newest first."""

    queryset = Checkpoint.objects.none()
    serializer_class = CheckpointSerializer
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Checkpoint.objects.with_cosignatures().newest_first()

    @extend_schema(request=None, responses={HTTPStatus.CREATED: CheckpointSerializer})
    def create(self, request):
        """Sign the log as it is; for the operator and the witnesses. Beat does so every few minutes."""
        if not checkpoints.may_read_log(request.user):
            raise exceptions.PermissionDenied
        made = checkpoints.sign_log(now=timezone.now())
        return Response(_shown(made), status=HTTPStatus.CREATED)


def _shown(checkpoint: Checkpoint) -> dict:
    return CheckpointSerializer(Checkpoint.objects.with_cosignatures().get(pk=checkpoint.pk)).data


class CheckpointDetail(generics.RetrieveAPIView):
    """A checkpoint by its size, with the signed note."""

    queryset = Checkpoint.objects.with_cosignatures()
    serializer_class = CheckpointSerializer
    permission_classes = [permissions.AllowAny]
    lookup_field = "size"


class CheckpointCosign(CreatingView):
    @extend_schema(request=CosignatureInput, responses={HTTPStatus.CREATED: CheckpointSerializer})
    def create(self, request, size):
        """Co-sign a checkpoint for a witness: with the line it signed on its side, or with its key that lies here."""
        checkpoint = get_object_or_404(Checkpoint, size=size)
        said = checked(CosignatureInput, request)
        told = {"checkpoint": checkpoint, "witness": said["witness"], "by": request.user, "now": timezone.now()}
        if said.get("line"):
            checkpoints.post_cosignature(line=said["line"], **told)
        else:
            checkpoints.cosign_checkpoint(**told)
        return Response(_shown(checkpoint), status=HTTPStatus.CREATED)


class LeafDetail(APIView):
    @extend_schema(
        responses=LeafSerializer,
        parameters=[OpenApiParameter("size", int, description="Of the log; its present size if not said.")],
    )
    def get(self, request, index):
        """Prove that a leaf is in the log."""
        leaf = get_object_or_404(LogLeaf, pk=index)
        size = _number(request, "size", evidence.head().size)
        shown = checkpoints.inclusion(leaf=leaf, size=size)
        if checkpoints.may_read_log(request.user):
            shown["entry"] = leaf.entry()
        return Response(shown)


class ConsistencyDetail(APIView):
    permission_classes = [permissions.AllowAny]

    @extend_schema(
        responses=ConsistencySerializer,
        parameters=[
            OpenApiParameter("old", int, required=True, description="Size of the earlier checkpoint."),
            OpenApiParameter("size", int, description="Of the later one; the present size if not said."),
        ],
    )
    def get(self, request):
        """Prove that the log of one size is the beginning of that of another."""
        size = _number(request, "size", evidence.head().size)
        return Response(checkpoints.consistency(old=_number(request, "old"), size=size))


class TrustDetail(APIView):
    permission_classes = [permissions.AllowAny]

    @extend_schema(responses=TrustSerializer)
    def get(self, request):
        """Show the public keys that a checker keeps: fetch them once, over a way you trust."""
        return Response(checkpoints.trust_file())


class WitnessList(CreatingView, generics.ListAPIView):
    """Who co-signs, or did."""

    queryset = Witness.objects.none()
    serializer_class = WitnessSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Witness.objects.select_related("organisation").order_by("pk")

    @extend_schema(request=WitnessInput, responses={HTTPStatus.CREATED: WitnessSerializer})
    def create(self, request):
        """Let an organisation co-sign, by its own key or by one kept here; a former key of it is retired."""
        said = checked(WitnessInput, request)
        made = checkpoints.register_witness(**said, by=request.user, now=timezone.now())
        return Response(WitnessSerializer(made).data, status=HTTPStatus.CREATED)
