from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import EarlyWarning
from finance.services import warnings
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.pages import Pages


class EarlyWarningSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    firm = OrganisationBrief()
    line = serializers.CharField(source="line.number")
    answered_by = serializers.CharField(source="answered_by.username", default=None)

    class Meta:
        model = EarlyWarning
        fields = (
            "id", "bank", "firm", "line", "kind", "group", "severity", "opened_at", "seen_at", "act_by", "status",
            "answer", "answer_text", "answered_by", "answered_at", "change", "passed_at",
        )  # fmt: skip
        read_only_fields = fields


class EarlyWarningDetailSerializer(EarlyWarningSerializer):
    evidence = serializers.JSONField()

    class Meta(EarlyWarningSerializer.Meta):
        fields = (*EarlyWarningSerializer.Meta.fields, "evidence")
        read_only_fields = fields


class WarningAnswerInput(serializers.Serializer):
    answer = serializers.ChoiceField(EarlyWarning.Answer.choices)
    reason = serializers.CharField(max_length=EarlyWarning.LONGEST_REASON)


@extend_schema_view(
    get=extend_schema(
        parameters=[
            OpenApiParameter("status", str, description="Only those of this status."),
            OpenApiParameter("kind", str, description="Only those of this kind."),
        ]
    )
)
class EarlyWarningList(generics.ListAPIView):
    """Early warnings of the reader's banks about firms that let them watch, the most urgent first."""

    queryset = EarlyWarning.objects.none()
    serializer_class = EarlyWarningSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = EarlyWarning.objects.visible_to(self.request.user, now=timezone.now()).with_names()
        asked = self.request.query_params
        if asked.get("status") in EarlyWarning.Status.values:
            found = found.filter(status=asked["status"])
        if asked.get("kind") in EarlyWarning.Kind.values:
            found = found.filter(kind=asked["kind"])
        return found.order_by("act_by", "pk")


class EarlyWarningDetail(APIView):
    @extend_schema(responses=EarlyWarningDetailSerializer)
    def get(self, request, pk):
        """Give one warning with what was seen; the firm finds this read among its own."""
        now = timezone.now()
        warning = get_object_or_404(EarlyWarning.objects.visible_to(request.user, now=now).with_names(), pk=pk)
        shown = warnings.read_warning(warning=warning, by=request.user, now=now)
        return Response(EarlyWarningDetailSerializer(shown).data)


class EarlyWarningAnswer(APIView):
    @extend_schema(request=WarningAnswerInput, responses=EarlyWarningSerializer)
    def post(self, request, pk):
        """Say what is done about a warning, and why; a freeze is proposed to a second person."""
        now = timezone.now()
        warning = get_object_or_404(EarlyWarning.objects.editable_by(request.user, now=now).with_names(), pk=pk)
        said = checked(WarningAnswerInput, request)
        answered = warnings.answer_warning(warning=warning, by=request.user, now=now, **said)
        return Response(EarlyWarningSerializer(answered).data)
