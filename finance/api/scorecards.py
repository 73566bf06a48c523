from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import CutOffs, PromotionRule, Scorecard
from finance.services import promotions, scorecard_pages, scorecards
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Organisation


class ScorecardBrief(serializers.ModelSerializer):
    """A model of a bank, or with ``bank`` null of the platform."""

    bank = OrganisationBrief(allow_null=True)
    made_by = serializers.CharField(source="made_by.username", default=None)
    retirement_asked_by = serializers.CharField(source="retirement_asked_by.username", default=None)

    class Meta:
        model = Scorecard
        fields = (
            "id", "bank", "name", "version", "family", "status", "sha256", "signature", "made_by", "made_at",
            "served_from", "retirement_asked_by", "retirement_reason", "retired_at",
        )  # fmt: skip
        read_only_fields = fields


class ScorecardSerializer(ScorecardBrief):
    content = serializers.DictField(help_text="What it weighs, its scale and grades, and its card.")

    class Meta(ScorecardBrief.Meta):
        fields = (*ScorecardBrief.Meta.fields, "content")
        read_only_fields = fields


class ScorecardInput(serializers.Serializer):
    bank = serializers.PrimaryKeyRelatedField(
        queryset=Organisation.objects.none(), allow_null=True, help_text="Null: the platform's, for its operator."
    )
    name = serializers.CharField(max_length=100)
    content = serializers.DictField(help_text="As train_scorecard writes it.")

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            fields["bank"].queryset = Organisation.objects.of(self.context["request"].user, *Scorecard.MAKING_ROLES)
        return fields


class ScorecardWhyInput(serializers.Serializer):
    why = serializers.CharField(max_length=500, allow_blank=True, default="")


class DisagreementSerializer(serializers.Serializer):
    assessment = serializers.IntegerField(source="assessment_id")
    as_of = serializers.DateTimeField(source="assessment.as_of")
    serving_score = serializers.IntegerField(source="assessment.score")
    serving_grade = serializers.CharField(source="assessment.grade")
    score = serializers.IntegerField()
    grade = serializers.CharField()


class DisagreementsSerializer(serializers.Serializer):
    firms = serializers.IntegerField()
    same_grade = serializers.IntegerField()
    other_grade = serializers.IntegerField()
    other_verdict = serializers.IntegerField(allow_null=True)
    grades = serializers.ListField(child=serializers.CharField())
    counts = serializers.SerializerMethodField(help_text="Rows: the grade by the model that served; columns: by this.")
    greatest = DisagreementSerializer(many=True)

    def get_counts(self, found) -> list[list[int]]:
        return [counts for _grade, counts in found.rows]


class BankGradeSerializer(serializers.Serializer):
    grade = serializers.CharField(max_length=5)
    below = serializers.FloatField(min_value=0, max_value=1, help_text="The probability of default it reaches up to.")


class CutOffsSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    proposed_by = serializers.CharField(source="proposed_by.username")
    confirmed_by = serializers.CharField(source="confirmed_by.username", default=None)
    grades = BankGradeSerializer(many=True)

    class Meta:
        model = CutOffs
        fields = (
            "id", "bank", "scorecard", "approve_from", "refuse_below", "grades", "why", "proposed_by", "proposed_at",
            "confirmed_by", "confirmed_at", "ended_at",
        )  # fmt: skip
        read_only_fields = fields


class CutOffsInput(serializers.Serializer):
    bank = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    scorecard = serializers.PrimaryKeyRelatedField(queryset=Scorecard.objects.none())
    approve_from = serializers.IntegerField(min_value=-32768, max_value=32767)
    refuse_below = serializers.IntegerField(min_value=-32768, max_value=32767)
    grades = BankGradeSerializer(many=True, default=list)
    why = serializers.CharField(max_length=500)

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            user = self.context["request"].user
            fields["bank"].queryset = Organisation.objects.of(user, *Scorecard.MAKING_ROLES)
            fields["scorecard"].queryset = Scorecard.objects.visible_to(user)
        return fields


class PromotionRuleSerializer(serializers.ModelSerializer):
    made_by = serializers.CharField(source="made_by.username")
    first_signed_by = serializers.CharField(source="first_signed_by.username", default=None)
    second_signed_by = serializers.CharField(source="second_signed_by.username", default=None)

    class Meta:
        model = PromotionRule
        fields = (
            "id", "scorecard", "champion", "basis", "metric", "margin", "minimum_firms", "minimum_bad", "why",
            "made_by", "made_at", "first_signed_by", "first_signed_at", "second_signed_by", "result", "promoted_at",
            "withdrawn_at",
        )  # fmt: skip
        read_only_fields = fields


class PromotionRuleInput(serializers.Serializer):
    scorecard = serializers.PrimaryKeyRelatedField(queryset=Scorecard.objects.none())
    basis = serializers.ChoiceField(choices=PromotionRule.Basis.choices, default=PromotionRule.Basis.OUTCOMES)
    metric = serializers.ChoiceField(choices=PromotionRule.Metric.choices, required=False, allow_blank=True)
    margin = serializers.FloatField(min_value=0, max_value=1, default=0)
    minimum_firms = serializers.IntegerField(min_value=0, default=0)
    minimum_bad = serializers.IntegerField(min_value=0, default=0)
    why = serializers.CharField(max_length=2000)

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            fields["scorecard"].queryset = Scorecard.objects.visible_to(self.context["request"].user)
        return fields


class ChallengerStandingSerializer(serializers.Serializer):
    """How a challenger stands under its rule."""

    firms = serializers.IntegerField()
    bad = serializers.IntegerField()
    champion = serializers.FloatField(allow_null=True)
    challenger = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True, help_text="How much better it is, with its 95 % interval.")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    has_enough = serializers.BooleanField()
    is_earned = serializers.BooleanField()


class ScorecardList(CreatingView, generics.ListAPIView):
    """The models of the reader's banks, and the platform's."""

    queryset = Scorecard.objects.none()
    serializer_class = ScorecardBrief
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Scorecard.objects.visible_to(self.request.user).with_names().order_by("bank", "-version")

    @extend_schema(request=ScorecardInput, responses={HTTPStatus.CREATED: ScorecardSerializer})
    def create(self, request):
        """Hand in a model as a draft; 400 names the path of each thing that is wrong in it."""
        said = checked(ScorecardInput, request)
        row = scorecards.upload_scorecard(**said, by=request.user, now=timezone.now())
        return Response(ScorecardSerializer(row).data, status=HTTPStatus.CREATED)


class ScorecardDetail(generics.RetrieveAPIView):
    """A model with what it says."""

    queryset = Scorecard.objects.none()
    serializer_class = ScorecardSerializer

    def get_queryset(self):
        return Scorecard.objects.visible_to(self.request.user).with_names()


def _scorecard(request, pk) -> Scorecard:
    return get_object_or_404(Scorecard.objects.visible_to(request.user).with_names(), pk=pk)


class ScorecardShadow(APIView):
    @extend_schema(request=None, responses=ScorecardBrief)
    def post(self, request, pk):
        """Let a draft ride in shadow beside the model that serves."""
        row = scorecards.put_in_shadow(scorecard=_scorecard(request, pk), by=request.user, now=timezone.now())
        return Response(ScorecardBrief(row).data)


class ScorecardRetire(APIView):
    @extend_schema(request=ScorecardWhyInput, responses=ScorecardBrief)
    def post(self, request, pk):
        """Retire a model; of one that serves the first asks and says why, and another does it."""
        why = checked(ScorecardWhyInput, request)["why"]
        row = scorecards.retire_scorecard(
            scorecard=_scorecard(request, pk), by=request.user, now=timezone.now(), why=why
        )
        return Response(ScorecardBrief(row).data)


class ScorecardDisagreements(APIView):
    @extend_schema(responses={HTTPStatus.OK: DisagreementsSerializer, HTTPStatus.NO_CONTENT: None})
    def get(self, request, pk):
        """Show where a challenger says otherwise than the model that served; 204 where it rode with none."""
        scorecard = _scorecard(request, pk)
        found = scorecard_pages.disagreements(scorecard, bank=scorecard.bank, now=timezone.now())
        if found is None:
            return Response(status=HTTPStatus.NO_CONTENT)
        return Response(DisagreementsSerializer(found).data)


def _cut_offs(request):
    banks = Organisation.objects.of(request.user)
    return CutOffs.objects.filter(bank__in=banks).select_related("bank", "scorecard", "proposed_by", "confirmed_by")


class CutOffsList(CreatingView, generics.ListAPIView):
    """Where the reader's banks draw their lines: in force, waiting, and past."""

    queryset = CutOffs.objects.none()
    serializer_class = CutOffsSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return _cut_offs(self.request).order_by("-proposed_at", "-pk")

    @extend_schema(request=CutOffsInput, responses={HTTPStatus.CREATED: CutOffsSerializer})
    def create(self, request):
        """Propose cut-offs; they hold when a second person confirms them."""
        said = checked(CutOffsInput, request)
        row = scorecards.propose_cut_offs(**said, by=request.user, now=timezone.now())
        return Response(CutOffsSerializer(row).data, status=HTTPStatus.CREATED)


class CutOffsConfirm(APIView):
    @extend_schema(request=None, responses=CutOffsSerializer)
    def post(self, request, pk):
        """Let proposed cut-offs hold; 409 for who proposed them."""
        row = scorecards.confirm_cut_offs(
            cut_offs=get_object_or_404(_cut_offs(request), pk=pk), by=request.user, now=timezone.now()
        )
        return Response(CutOffsSerializer(row).data)


class CutOffsWithdraw(APIView):
    @extend_schema(request=None, responses=CutOffsSerializer)
    def post(self, request, pk):
        """Take a proposal back, or turn it down."""
        found = get_object_or_404(_cut_offs(request), pk=pk)
        scorecards.withdraw_cut_offs(cut_offs=found, by=request.user, now=timezone.now())
        return Response(CutOffsSerializer(_cut_offs(request).get(pk=pk)).data)


def _rules(request):
    """Return the rules of the reader's banks; those of the platform are its operator's."""
    return PromotionRule.objects.visible_to(request.user).with_names()


def _rule(request, pk) -> PromotionRule:
    return get_object_or_404(_rules(request), pk=pk)


class PromotionRuleList(CreatingView, generics.ListAPIView):
    """The rules of promotion of the reader's models, the newest first."""

    queryset = PromotionRule.objects.none()
    serializer_class = PromotionRuleSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return _rules(self.request).order_by("-made_at", "-pk")

    @extend_schema(request=PromotionRuleInput, responses={HTTPStatus.CREATED: PromotionRuleSerializer})
    def create(self, request):
        """Say what a challenger must show before it may serve; only firms scored from now on count."""
        said = dict(checked(PromotionRuleInput, request))
        scorecard = said.pop("scorecard")
        rule = promotions.make_rule(scorecard=scorecard, fields=said, by=request.user, now=timezone.now())
        return Response(PromotionRuleSerializer(rule).data, status=HTTPStatus.CREATED)


class PromotionRuleStanding(APIView):
    @extend_schema(responses=ChallengerStandingSerializer)
    def get(self, request, pk):
        """Show how the challenger stands under its rule now."""
        return Response(
            ChallengerStandingSerializer(promotions.standing_of(_rule(request, pk), now=timezone.now())).data
        )


class PromotionRuleSign(APIView):
    @extend_schema(request=None, responses=PromotionRuleSerializer)
    def post(self, request, pk):
        """Sign; the second signature lets the model serve. 409 where it has not shown what the rule asks for."""
        rule = promotions.sign_rule(rule=_rule(request, pk), by=request.user, now=timezone.now())
        return Response(PromotionRuleSerializer(rule).data)


class PromotionRuleWithdraw(APIView):
    @extend_schema(request=None, responses=PromotionRuleSerializer)
    def post(self, request, pk):
        """Let a rule stand no more."""
        promotions.withdraw_rule(rule=_rule(request, pk), by=request.user, now=timezone.now())
        return Response(PromotionRuleSerializer(_rule(request, pk)).data)
