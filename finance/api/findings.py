from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, parsers, serializers
from rest_framework.response import Response

from finance.filters import FindingFilter
from finance.models import Finding, FindingExplanation, FindingRun
from finance.models.finding import LONGEST_EXPLANATION
from finance.services import findings
from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Membership, Organisation


class FindingExplanationSerializer(serializers.ModelSerializer):
    by = serializers.CharField(source="by.username")

    class Meta:
        model = FindingExplanation
        fields = ("id", "text", "attachment", "by", "at")
        read_only_fields = fields


class FindingRecordSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    number = serializers.CharField()
    on = serializers.DateField()
    amount = serializers.DecimalField(max_digits=20, decimal_places=2)
    weight = serializers.FloatField(help_text="How much of it still counts: 1 all, 0 nothing.")


class FindingEvidenceSerializer(serializers.Serializer):
    zh = serializers.CharField()
    en = serializers.CharField()
    figures = serializers.DictField()
    records = FindingRecordSerializer(many=True)
    more = serializers.IntegerField(help_text="So many records more than are listed.")


class FindingSerializer(serializers.ModelSerializer):
    """A reason to count some records less, with what it rests on and what the firm says to it."""

    evidence = FindingEvidenceSerializer()
    explanations = FindingExplanationSerializer(many=True)

    class Meta:
        model = Finding
        fields = (
            "id",
            "organisation",
            "kind",
            "severity",
            "evidence",
            "discount",
            "currency",
            "first_on",
            "last_on",
            "found_at",
            "seen_at",
            "gone_at",
            "explanations",
        )
        read_only_fields = fields


class ExplanationInput(serializers.Serializer):
    text = serializers.CharField(max_length=LONGEST_EXPLANATION)
    upload = serializers.FileField(required=False, allow_empty_file=True)


class FindingRunSerializer(serializers.ModelSerializer):
    class Meta:
        model = FindingRun
        fields = (
            "id",
            "organisation",
            "status",
            "as_of",
            "records",
            "found",
            "sales_amount",
            "counted_amount",
            "requested_at",
            "finished_at",
        )
        read_only_fields = fields


class FindingRunInput(serializers.Serializer):
    organisation = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            mine = Organisation.objects.of(self.context["request"].user, *Membership.TRADING_ROLES)
            fields["organisation"].queryset = mine
        return fields


class FindingList(generics.ListAPIView):
    """What was found of the trade of the reader's own firms, latest first."""

    queryset = Finding.objects.none()
    serializer_class = FindingSerializer
    pagination_class = Pages
    filterset_class = FindingFilter

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Finding.objects.visible_to(self.request.user).with_names().order_by("-found_at", "-pk")


class FindingDetail(generics.RetrieveAPIView):
    queryset = Finding.objects.none()
    serializer_class = FindingSerializer

    def get_queryset(self):
        return Finding.objects.visible_to(self.request.user).with_names()


class FindingExplanationList(CreatingView):
    parser_classes = [parsers.JSONParser, parsers.FormParser, parsers.MultiPartParser]

    @extend_schema(request=ExplanationInput, responses={HTTPStatus.CREATED: FindingExplanationSerializer})
    def create(self, request, pk):
        """Say something to a finding, with a file if there is one."""
        finding = get_object_or_404(Finding.objects.visible_to(request.user), pk=pk)
        said = checked(ExplanationInput, request)
        explanation = findings.explain_finding(finding=finding, by=request.user, now=timezone.now(), **said)
        return Response(FindingExplanationSerializer(explanation).data, status=HTTPStatus.CREATED)


class FindingRunList(CreatingView, generics.ListAPIView):
    """The looks at the records of the reader's own firms, latest first."""

    queryset = FindingRun.objects.none()
    serializer_class = FindingRunSerializer
    pagination_class = Pages
    filterset_fields = ("organisation", "status")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return FindingRun.objects.visible_to(self.request.user).order_by("-pk")

    @extend_schema(request=FindingRunInput, responses={HTTPStatus.ACCEPTED: FindingRunSerializer})
    def create(self, request):
        """Ask for a new look at a firm's records."""
        said = checked(FindingRunInput, request)
        run = findings.request_look(by=request.user, now=timezone.now(), **said)
        return Response(FindingRunSerializer(run).data, status=HTTPStatus.ACCEPTED)
