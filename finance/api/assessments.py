from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import CreditAssessment, Purpose
from finance.services import assessments
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Membership, Organisation


class ScoreReasonSerializer(serializers.Serializer):
    feature = serializers.CharField(help_text='The family of features; "base" is what every firm starts with.')
    points = serializers.IntegerField(help_text="They add up to the score, exactly.")
    exact = serializers.FloatField(required=False)
    zh = serializers.CharField()
    en = serializers.CharField()


class ScoreAdviceSerializer(serializers.Serializer):
    change = serializers.CharField()
    points = serializers.IntegerField(help_text="What this change alone would bring.")
    pd = serializers.FloatField(help_text="The probability of default after it.")
    zh = serializers.CharField()
    en = serializers.CharField()


class AssessmentSerializer(serializers.ModelSerializer):
    """A score with its reasons, what it stands on and by which model."""

    organisation = OrganisationBrief()
    bank = OrganisationBrief(allow_null=True)
    scorecard = serializers.CharField(source="scorecard.sha256", help_text="SHA-256 of the model.")
    model = serializers.CharField(source="scorecard.__str__", help_text="Name and version of the model.")
    reasons = ScoreReasonSerializer(many=True)
    advice = ScoreAdviceSerializer(many=True)

    class Meta:
        model = CreditAssessment
        fields = (
            "id", "organisation", "bank", "purpose", "status", "requested_at", "as_of", "finished_at", "failure",
            "score", "probability", "grade", "recommended", "reasons", "advice", "features", "inputs", "sha256",
            "scorecard", "model",
        )  # fmt: skip
        read_only_fields = fields


class AssessmentInput(serializers.Serializer):
    organisation = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.approved())
    bank = serializers.PrimaryKeyRelatedField(
        queryset=Organisation.objects.none(),
        required=False,
        allow_null=True,
        help_text="For this bank, by its model, with the firm's consent; without: for the firm itself.",
    )
    purpose = serializers.ChoiceField(choices=Purpose.choices, default=Purpose.REVIEW)
    subject = serializers.CharField(max_length=60, default="", allow_blank=True, help_text="What it is read for.")

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            banks = Organisation.objects.of(self.context["request"].user, *assessments.BANK_ROLES)
            fields["bank"].queryset = banks.filter(kind=Organisation.Kind.BANK)
        return fields


class ScoreReadInput(serializers.Serializer):
    firm = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.approved())
    reader = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    purpose = serializers.ChoiceField(choices=Purpose.choices, default=Purpose.REVIEW)
    subject = serializers.CharField(max_length=60, default="", allow_blank=True, help_text="What it is read for.")

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            fields["reader"].queryset = Organisation.objects.of(self.context["request"].user, *assessments.BANK_ROLES)
        return fields


class RecheckSerializer(serializers.Serializer):
    is_reproduced = serializers.BooleanField(help_text="The figures give the same score by the same model.")
    has_same_records = serializers.BooleanField(
        allow_null=True, help_text="The records give the same figures; null where they are gone."
    )
    differences = serializers.ListField(child=serializers.CharField())


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("organisation", int, description="Only those of this firm.")])
)
class AssessmentList(CreatingView, generics.ListAPIView):
    """The scores of the reader's own firms, the newest first."""

    queryset = CreditAssessment.objects.none()
    serializer_class = AssessmentSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = CreditAssessment.objects.visible_to(self.request.user).with_names()
        firm = self.request.query_params.get("organisation", "")
        return (found.filter(organisation=int(firm)) if firm.isdigit() else found).newest()

    @extend_schema(request=AssessmentInput, responses={HTTPStatus.CREATED: AssessmentSerializer})
    def create(self, request):
        """Ask for a firm's score as of now; 409 where too little is known, or the firm does not let the bank read."""
        said = checked(AssessmentInput, request)
        mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
        if said.get("bank") is None:
            get_object_or_404(mine, pk=said["organisation"].pk)
        run = assessments.request_assessment(**said, by=request.user, now=timezone.now())
        shown = CreditAssessment.objects.with_names().get(pk=run.pk)
        return Response(AssessmentSerializer(shown).data, status=HTTPStatus.CREATED)


class AssessmentDetail(generics.RetrieveAPIView):
    """A score of one of the reader's firms."""

    queryset = CreditAssessment.objects.none()
    serializer_class = AssessmentSerializer

    def get_queryset(self):
        return CreditAssessment.objects.visible_to(self.request.user).with_names()


class AssessmentRecheck(APIView):
    @extend_schema(responses=RecheckSerializer)
    def get(self, request, pk):
        """Reckon a score again from what it stands on, and its figures again from the records."""
        visible = CreditAssessment.objects.visible_to(request.user).done().with_names()
        found = assessments.recheck(assessment=get_object_or_404(visible, pk=pk))
        return Response(RecheckSerializer(found).data)


class ScoreReadCreate(CreatingView):
    @extend_schema(
        request=ScoreReadInput, responses={HTTPStatus.CREATED: AssessmentSerializer, HTTPStatus.NO_CONTENT: None}
    )
    def create(self, request):
        """Read a firm's newest score for a bank, insurer or guarantor: the firm sees that it was read, and what for.

        204 where the firm has no score yet; 409 where it does not let the reader see one.
        """
        said = checked(ScoreReadInput, request)
        found = assessments.read_assessment(**said, by=request.user, now=timezone.now())
        if found is None:
            return Response(status=HTTPStatus.NO_CONTENT)
        return Response(AssessmentSerializer(found).data, status=HTTPStatus.CREATED)
