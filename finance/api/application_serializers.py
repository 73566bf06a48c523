"""How applications and decisions look in the API, to the firm and to the bank."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from finance.api.products import GroundSerializer, PriceLineSerializer
from finance.models import Agreement, Application, ApplicationEvent, CreditProduct, DataGroup, Decision
from finance.services.credit_actions import allowed
from marketplace.api.fields import OrganisationBrief
from marketplace.models import Attachment, Organisation


class ApplicationBrief(serializers.ModelSerializer):
    firm = OrganisationBrief()
    bank = OrganisationBrief()
    product = serializers.CharField(source="product.code")

    class Meta:
        model = Application
        fields = (
            "id",
            "number",
            "firm",
            "bank",
            "product",
            "amount",
            "currency",
            "days",
            "repayment",
            "use",
            "status",
            "waits_for",
            "act_by",
            "version",
            "created_at",
            "submitted_at",
            "decided_at",
            "ended_at",
        )
        read_only_fields = fields


class ApplicationEventSerializer(serializers.ModelSerializer):
    by = serializers.CharField(source="by.username", default=None, allow_null=True)

    class Meta:
        model = ApplicationEvent
        fields = ("kind", "by", "by_side", "at", "note", "is_internal")
        read_only_fields = fields


class RefusalReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    zh = serializers.CharField()
    en = serializers.CharField()
    note = serializers.CharField(required=False)


class DecisionForFirm(serializers.ModelSerializer):
    """What the firm reads of a confirmed decision; whether it was an override is the bank's to know."""

    pricing = PriceLineSerializer(many=True)
    refusal_reasons = RefusalReasonSerializer(many=True)

    class Meta:
        model = Decision
        fields = ("outcome", "amount", "days", "rate_bp", "pricing", "conditions", "refusal_reasons", "checked_at")
        read_only_fields = fields


class DecisionSerializer(serializers.ModelSerializer):
    """A decision as the bank sees it; ``kind`` is ``override_up`` or ``override_down`` where it is an override."""

    kind = serializers.SerializerMethodField()
    maker = serializers.CharField(source="maker.username")
    checker = serializers.CharField(source="checker.username", default=None, allow_null=True)
    first_checker = serializers.CharField(source="first_checker.username", default=None, allow_null=True)
    pricing = PriceLineSerializer(many=True)
    refusal_reasons = RefusalReasonSerializer(many=True)
    grounds = GroundSerializer(many=True)

    class Meta:
        model = Decision
        fields = (
            "id",
            "kind",
            "outcome",
            "amount",
            "days",
            "rate_bp",
            "pricing",
            "conditions",
            "refusal_reasons",
            "recommended",
            "recommended_amount",
            "recommended_rate_bp",
            "grounds",
            "is_override",
            "override_reason",
            "override_text",
            "version",
            "maker",
            "made_at",
            "verdict",
            "first_checker",
            "checker",
            "checked_at",
            "checked_version",
            "checker_note",
        )
        read_only_fields = fields

    def get_kind(self, decision) -> str:
        if not decision.is_override:
            return decision.outcome
        return "override_up" if decision.is_generous else "override_down"


class AgreementSerializer(serializers.ModelSerializer):
    class Meta:
        model = Agreement
        fields = ("signing", "content", "sha256", "firm_signed_at", "bank_signed_at", "paper_reference")
        read_only_fields = fields


class ApplicationDocumentSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField(source="attachment.name")
    size = serializers.IntegerField(source="attachment.size")
    sha256 = serializers.CharField(source="attachment.sha256")
    added_at = serializers.DateTimeField()


class ApplicationSerializer(ApplicationBrief):
    """An application with its timeline; the bank's internal steps and unconfirmed decisions are the bank's alone."""

    eligibility = GroundSerializer(many=True)
    actions = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()
    decision = serializers.SerializerMethodField()
    agreement = serializers.SerializerMethodField()
    maker = serializers.CharField(source="maker.username", default=None, allow_null=True)

    class Meta(ApplicationBrief.Meta):
        fields = (
            *ApplicationBrief.Meta.fields,
            "maker",
            "eligibility",
            "actions",
            "events",
            "decision",
            "agreement",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_actions(self, application):
        return sorted(allowed(self.context["request"].user, application).names)

    @extend_schema_field(ApplicationEventSerializer(many=True))
    def get_events(self, application):
        events = application.events.select_related("by").order_by("at", "pk")
        return ApplicationEventSerializer(events if self.is_for_bank(application) else events.shared(), many=True).data

    @extend_schema_field(DecisionForFirm(allow_null=True))
    def get_decision(self, application):
        found = application.decisions.confirmed().first()
        return DecisionForFirm(found).data if found else None

    @extend_schema_field(AgreementSerializer(allow_null=True))
    def get_agreement(self, application):
        found = Agreement.objects.filter(application=application).first()
        return AgreementSerializer(found).data if found else None

    def is_for_bank(self, application) -> bool:
        user = self.context["request"].user
        return Organisation.objects.of(user).filter(pk=application.bank_id).exists()


class DecisionReplaySerializer(serializers.Serializer):
    """``is_intact``: the row has the hash that the evidence log keeps; ``is_reproduced``: the score comes out again."""

    decision = DecisionSerializer()
    known = serializers.JSONField()
    leaf = serializers.IntegerField(source="leaf.index", default=None, allow_null=True)
    is_intact = serializers.BooleanField(allow_null=True)
    is_reproduced = serializers.BooleanField(source="recheck.is_reproduced", default=None, allow_null=True)
    has_same_records = serializers.BooleanField(source="recheck.has_same_records", default=None, allow_null=True)
    is_model_tampered = serializers.BooleanField()


class ReviewSerializer(serializers.Serializer):
    """What the rules say, and what the firm lets the bank read of it."""

    groups = serializers.ListField(child=serializers.CharField())
    hidden = serializers.ListField(child=serializers.CharField())
    recommended = serializers.CharField(source="advice.recommended", default=None, allow_null=True)
    amount = serializers.DecimalField(
        source="advice.amount", max_digits=18, decimal_places=2, default=None, allow_null=True
    )
    rate_bp = serializers.IntegerField(source="advice.price.rate_bp", default=None, allow_null=True)
    grounds = GroundSerializer(source="advice.grounds", many=True, default=list)
    score = serializers.IntegerField(source="assessment.score", default=None, allow_null=True)
    grade = serializers.CharField(source="assessment.grade", default=None, allow_null=True)
    reasons = serializers.JSONField(source="assessment.reasons", default=list)
    decisions = DecisionSerializer(many=True)
    documents = ApplicationDocumentSerializer(many=True)


class ApplicationInput(serializers.Serializer):
    amount = serializers.DecimalField(max_digits=18, decimal_places=2)
    days = serializers.IntegerField()
    repayment = serializers.ChoiceField(choices=CreditProduct.Repayment.choices)
    use = serializers.CharField(max_length=500)
    programme = serializers.IntegerField(required=False, allow_null=True)


class ApplicationCreate(ApplicationInput):
    firm = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    product = serializers.PrimaryKeyRelatedField(queryset=CreditProduct.objects.select_related("bank"))

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            fields["firm"].queryset = Organisation.objects.of(self.context["request"].user)
        return fields


class ApplicationVersionInput(serializers.Serializer):
    version = serializers.IntegerField(required=False, allow_null=True)


class ReadVersionInput(serializers.Serializer):
    """The version that was read; another step in the meantime answers 409."""

    version = serializers.IntegerField()


class SubmitInput(ApplicationVersionInput):
    consent_until = serializers.DateTimeField(required=False, allow_null=True)
    groups = serializers.MultipleChoiceField(choices=DataGroup.choices, required=False)


class ApplicationFilesInput(serializers.Serializer):
    """Ids of files that the firm uploaded."""

    attachments = serializers.PrimaryKeyRelatedField(many=True, queryset=Attachment.objects.none())

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            fields["attachments"].child_relation.queryset = Attachment.objects.readable_by(self.context["request"].user)
        return fields


class ApplicationAnswerInput(ApplicationVersionInput):
    text = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    attachments = serializers.PrimaryKeyRelatedField(many=True, queryset=Attachment.objects.none(), required=False)

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            fields["attachments"].child_relation.queryset = Attachment.objects.readable_by(self.context["request"].user)
        return fields


class ApplicationReasonInput(ApplicationVersionInput):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class AcceptInput(ApplicationVersionInput):
    """``watched_until``: till then the bank may go on reading what it read for its review."""

    watched_until = serializers.DateTimeField(required=False, allow_null=True)


class AskInput(ApplicationVersionInput):
    text = serializers.CharField(max_length=4000)


class ApplicationNoteInput(serializers.Serializer):
    text = serializers.CharField(max_length=4000)


class DecisionProposalInput(ReadVersionInput):
    outcome = serializers.ChoiceField(choices=Decision.Outcome.choices)
    amount = serializers.DecimalField(max_digits=18, decimal_places=2, required=False, allow_null=True)
    days = serializers.IntegerField(required=False, allow_null=True)
    rate_bp = serializers.IntegerField(required=False, allow_null=True)
    conditions = serializers.CharField(required=False, allow_blank=True)
    reasons = serializers.ListField(child=serializers.CharField(), required=False)
    reason_text = serializers.CharField(required=False, allow_blank=True)
    override_reason = serializers.CharField(required=False, allow_blank=True)
    override_text = serializers.CharField(required=False, allow_blank=True)
    note = serializers.CharField(required=False, allow_blank=True)


class ConfirmInput(ReadVersionInput):
    note = serializers.CharField(required=False, allow_blank=True, default="")


class SendBackInput(ReadVersionInput):
    reason = serializers.CharField(max_length=4000)


class ToConfirm(serializers.Serializer):
    application = serializers.IntegerField()
    version = serializers.IntegerField()


class ConfirmManyInput(serializers.Serializer):
    items = ToConfirm(many=True, allow_empty=False)


class ConfirmedSerializer(serializers.Serializer):
    application = serializers.IntegerField(source="application.pk")
    verdict = serializers.CharField(source="decision.verdict", default=None, allow_null=True)
    code = serializers.CharField(source="refusal.code", default=None, allow_null=True)
    detail = serializers.SerializerMethodField()

    def get_detail(self, row) -> str:
        return str(row.refusal) if row.refusal else ""
