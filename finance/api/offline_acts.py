from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import OfflineAct
from finance.services import offline_acts
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages


class OfflineActSerializer(serializers.ModelSerializer):
    recorder = OrganisationBrief()
    confirmer = OrganisationBrief()
    firm = OrganisationBrief()
    about_number = serializers.CharField(source="target.number")
    recorded_by = serializers.CharField(source="recorded_by.username", default=None)
    confirmed_by = serializers.CharField(source="confirmed_by.username", default=None)

    class Meta:
        model = OfflineAct
        fields = (
            "id",
            "kind",
            "status",
            "recorder",
            "confirmer",
            "firm",
            "about_number",
            "application",
            "drawdown",
            "guarantee",
            "claim",
            "about",
            "expected_amount",
            "currency",
            "due_by",
            "reference",
            "occurred_on",
            "amount",
            "note",
            "attachment",
            "recorded_by",
            "recorded_at",
            "confirmed_by",
            "confirmed_at",
            "refusal",
        )
        read_only_fields = fields


class ActRecordInput(serializers.Serializer):
    reference = serializers.CharField(max_length=offline_acts.LONGEST_REFERENCE)
    occurred_on = serializers.DateField()
    amount = serializers.DecimalField(max_digits=18, decimal_places=2, required=False, allow_null=True)
    note = serializers.CharField(max_length=offline_acts.LONGEST_NOTE, required=False, allow_blank=True)
    file = serializers.FileField(required=False, allow_empty_file=True)


class ActRefuseInput(serializers.Serializer):
    reason = serializers.CharField(max_length=offline_acts.LONGEST_NOTE)


def _answer(pk) -> Response:
    return Response(OfflineActSerializer(OfflineAct.objects.with_names().get(pk=pk)).data)


@extend_schema_view(
    get=extend_schema(
        parameters=[
            OpenApiParameter("status", str, description="Only those of this status."),
            OpenApiParameter("kind", str, description="Only those of this kind."),
        ]
    )
)
class OfflineActList(generics.ListAPIView):
    """What the reader's organisations have to record or to confirm, the most urgent first."""

    queryset = OfflineAct.objects.none()
    serializer_class = OfflineActSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found, asked = OfflineAct.objects.visible_to(self.request.user).with_names(), self.request.query_params
        if asked.get("status") in OfflineAct.Status.values:
            found = found.filter(status=asked["status"])
        if asked.get("kind") in OfflineAct.Kind.values:
            found = found.filter(kind=asked["kind"])
        return found.order_by("due_by", "pk")


class OfflineActDetail(generics.RetrieveAPIView):
    """An offline act with its evidence."""

    queryset = OfflineAct.objects.none()
    serializer_class = OfflineActSerializer

    def get_queryset(self):
        return OfflineAct.objects.visible_to(self.request.user).with_names()


class OfflineActRecord(CreatingView):
    @extend_schema(request=ActRecordInput, responses=OfflineActSerializer)
    def create(self, request, pk):
        """Record that it was done, with its evidence; another person confirms."""
        act = get_object_or_404(OfflineAct.objects.recordable_by(request.user).with_names(), pk=pk)
        said = dict(checked(ActRecordInput, request))
        upload = said.pop("file", None)
        offline_acts.record_act(act=act, said=said, upload=upload, by=request.user, now=timezone.now())
        return _answer(pk)


class OfflineActConfirm(APIView):
    @extend_schema(request=None, responses=OfflineActSerializer)
    def post(self, request, pk):
        """Confirm what another person recorded, and do what follows."""
        act = get_object_or_404(OfflineAct.objects.confirmable_by(request.user).with_names(), pk=pk)
        offline_acts.confirm_act(act=act, by=request.user, now=timezone.now())
        return _answer(pk)


class OfflineActReopen(APIView):
    @extend_schema(request=None, responses=OfflineActSerializer)
    def post(self, request, pk):
        """Expect once more what was given up."""
        act = get_object_or_404(OfflineAct.objects.visible_to(request.user).with_names(), pk=pk)
        offline_acts.reopen_act(act=act, by=request.user, now=timezone.now())
        return _answer(pk)


class OfflineActRefuse(APIView):
    @extend_schema(request=ActRefuseInput, responses=OfflineActSerializer)
    def post(self, request, pk):
        """Send it back with a reason."""
        act = get_object_or_404(OfflineAct.objects.confirmable_by(request.user).with_names(), pk=pk)
        reason = checked(ActRefuseInput, request)["reason"]
        offline_acts.refuse_act(act=act, reason=reason, by=request.user, now=timezone.now())
        return _answer(pk)
