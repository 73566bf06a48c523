from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import Alarm, EarlyWarning, MonitoringRun
from finance.services import monitoring
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Organisation


class MonitoringRunSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief(allow_null=True)
    scorecard = serializers.CharField(source="scorecard.sha256", default=None)
    requested_by = serializers.CharField(source="requested_by.username", default=None)
    results = serializers.JSONField()

    class Meta:
        model = MonitoringRun
        fields = (
            "id", "bank", "scorecard", "until", "status", "failure", "requested_by", "requested_at", "finished_at",
            "results",
        )  # fmt: skip
        read_only_fields = fields


class AlarmSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief(allow_null=True)
    facts = serializers.JSONField()
    answered_by = serializers.CharField(source="answered_by.username", default=None)

    class Meta:
        model = Alarm
        fields = (
            "id", "bank", "scorecard", "kind", "subject", "light", "facts", "run", "opened_at", "seen_at", "status",
            "answer", "answer_text", "answered_by", "answered_at", "passed_at",
        )  # fmt: skip
        read_only_fields = fields


class LookInput(serializers.Serializer):
    bank = serializers.IntegerField(
        required=False, allow_null=True, help_text="Whose model; left out: the platform's own, for its operator."
    )


class AlarmAnswerInput(serializers.Serializer):
    answer = serializers.ChoiceField(Alarm.Answer.choices)
    reason = serializers.CharField(max_length=Alarm.LONGEST_REASON)


@extend_schema_view(get=extend_schema(summary="Looks at the models of the reader's banks"))
class MonitoringRunList(CreatingView, generics.ListAPIView):
    """Looks at the models of the reader's banks, and at the platform's own for its operator; the newest first."""

    queryset = MonitoringRun.objects.none()
    serializer_class = MonitoringRunSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return MonitoringRun.objects.visible_to(self.request.user).with_names().order_by("-requested_at", "-pk")

    @extend_schema(request=LookInput, responses={201: MonitoringRunSerializer})
    def create(self, request):
        """Ask for a look at a model; a worker does it."""
        said = checked(LookInput, request).get("bank")
        banks = Organisation.objects.of(request.user, *EarlyWarning.READING_ROLES)
        bank = get_object_or_404(banks.filter(kind=Organisation.Kind.BANK), pk=said) if said else None
        if bank is None and not request.user.is_staff:
            raise Http404
        run = monitoring.request_look(bank=bank, by=request.user, now=timezone.now())
        return Response(MonitoringRunSerializer(run).data, status=201)


class MonitoringRunDetail(generics.RetrieveAPIView):
    """One look at a model, with every table."""

    queryset = MonitoringRun.objects.none()
    serializer_class = MonitoringRunSerializer

    def get_queryset(self):
        return MonitoringRun.objects.visible_to(self.request.user).with_names()


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("status", str, description="Only those of this status.")])
)
class AlarmList(generics.ListAPIView):
    """Alarms about the models of the reader's banks, the newest first."""

    queryset = Alarm.objects.none()
    serializer_class = AlarmSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = Alarm.objects.visible_to(self.request.user).select_related("bank", "answered_by")
        if self.request.query_params.get("status") in Alarm.Status.values:
            found = found.filter(status=self.request.query_params["status"])
        return found.order_by("-opened_at", "-pk")


class AlarmAnswer(APIView):
    @extend_schema(request=AlarmAnswerInput, responses=AlarmSerializer)
    def post(self, request, pk):
        """Say what is done about an alarm, and why."""
        alarm = get_object_or_404(Alarm.objects.editable_by(request.user).select_related("bank"), pk=pk)
        said = checked(AlarmAnswerInput, request)
        return Response(
            AlarmSerializer(monitoring.answer_alarm(alarm=alarm, by=request.user, now=timezone.now(), **said)).data
        )
