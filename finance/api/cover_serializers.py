from django.utils.translation import gettext as _
from rest_framework import serializers

from finance.models import Claim, ClaimEvent, CoverQuote, Guarantee, Partnership, Recovery
from finance.services.partnerships import partners_to_choose
from marketplace.api.fields import OrganisationBrief
from marketplace.models import Organisation

MONEY = {"max_digits": 18, "decimal_places": 2}


def _name(source: str):
    return serializers.CharField(source=f"{source}.username", default=None, read_only=True)


class CoverReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=1000)


class PartnershipSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    partner = OrganisationBrief()
    core_enterprise = OrganisationBrief(allow_null=True)

    class Meta:
        model = Partnership
        fields = (
            "id",
            "number",
            "status",
            "bank",
            "partner",
            "share_percent",
            "cap",
            "used",
            "currency",
            "premium_payer",
            "core_enterprise",
            "waiting_days",
            "claim_days",
            "valid_from",
            "valid_until",
            "terms",
            "proposed_at",
            "bank_signed_at",
            "partner_signed_at",
            "ended_at",
            "end_reason",
        )
        read_only_fields = fields


class PartnershipInput(serializers.Serializer):
    bank = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    partner = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    share_percent = serializers.DecimalField(max_digits=5, decimal_places=2)
    cap = serializers.DecimalField(**MONEY)
    premium_payer = serializers.ChoiceField(choices=Partnership.Payer.choices, default=Partnership.Payer.BANK)
    core_enterprise = serializers.PrimaryKeyRelatedField(
        queryset=Organisation.objects.approved(), required=False, allow_null=True
    )
    waiting_days = serializers.IntegerField(default=30)
    claim_days = serializers.IntegerField(default=180)
    valid_from = serializers.DateField()
    valid_until = serializers.DateField()
    terms = serializers.CharField(max_length=4000, required=False, allow_blank=True)

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            mine = Organisation.objects.of(self.context["request"].user)
            fields["bank"].queryset = mine.filter(kind=Organisation.Kind.BANK)
            fields["partner"].queryset = partners_to_choose()
        return fields


class CoverQuoteSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    partner = OrganisationBrief()
    firm = OrganisationBrief()
    guarantee = serializers.PrimaryKeyRelatedField(read_only=True, default=None)

    class Meta:
        model = CoverQuote
        fields = (
            "id",
            "number",
            "status",
            "waits_for",
            "act_by",
            "partnership",
            "bank",
            "partner",
            "firm",
            "application",
            "line",
            "amount",
            "days",
            "note",
            "share_percent",
            "premium_bp",
            "conditions",
            "valid_until",
            "is_signed_alone",
            "requested_at",
            "released_at",
            "answered_at",
            "reason",
            "guarantee",
        )
        read_only_fields = fields

    def to_representation(self, instance):
        shown = super().to_representation(instance)
        if instance.released_at is None:
            # A draft is the partner's own until its second person released it.
            shown |= dict.fromkeys(("share_percent", "premium_bp", "conditions", "valid_until"))
        return shown


class CoverRequestInput(serializers.Serializer):
    partnership = serializers.IntegerField()
    application = serializers.IntegerField(required=False)
    line = serializers.IntegerField(required=False)
    amount = serializers.DecimalField(**MONEY)
    days = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True)

    def validate(self, attrs):
        if ("application" in attrs) == ("line" in attrs):
            raise serializers.ValidationError(
                {"application": [_("Name an application or a line, and only one of them.")]}
            )
        return attrs


class QuoteInput(serializers.Serializer):
    share_percent = serializers.DecimalField(max_digits=5, decimal_places=2)
    premium_bp = serializers.IntegerField(min_value=0)
    conditions = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    valid_until = serializers.DateField()


class GuaranteeSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    partner = OrganisationBrief()
    firm = OrganisationBrief()
    payer = OrganisationBrief()
    owed = serializers.DecimalField(**MONEY, read_only=True)
    exposure = serializers.DecimalField(**MONEY, read_only=True)

    class Meta:
        model = Guarantee
        fields = (
            "id",
            "number",
            "status",
            "partnership",
            "bank",
            "partner",
            "firm",
            "payer",
            "application",
            "line",
            "credit_amount",
            "share_percent",
            "amount",
            "paid_amount",
            "currency",
            "premium_bp",
            "premium",
            "conditions",
            "starts_on",
            "ends_on",
            "promised_at",
            "issued_at",
            "active_at",
            "ended_at",
            "end_reason",
            "owed",
            "exposure",
        )
        read_only_fields = fields


class ClaimEventSerializer(serializers.ModelSerializer):
    by = _name("by")
    organisation = OrganisationBrief(allow_null=True)

    class Meta:
        model = ClaimEvent
        fields = ("kind", "at", "by", "organisation", "note", "amount", "attachments")
        read_only_fields = fields


class RecoverySerializer(serializers.ModelSerializer):
    recorded_by = _name("recorded_by")
    confirmed_by = _name("confirmed_by")

    class Meta:
        model = Recovery
        fields = (
            "id",
            "amount",
            "partner_part",
            "bank_part",
            "reference",
            "received_on",
            "recorded_by",
            "recorded_at",
            "confirmed_by",
            "confirmed_at",
        )
        read_only_fields = fields


class ClaimSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief(source="guarantee.bank")
    partner = OrganisationBrief(source="guarantee.partner")
    firm = OrganisationBrief(source="guarantee.firm")
    drawdown_number = serializers.CharField(source="drawdown.number")

    class Meta:
        model = Claim
        fields = (
            "id",
            "number",
            "status",
            "waits_for",
            "act_by",
            "guarantee",
            "bank",
            "partner",
            "firm",
            "drawdown",
            "drawdown_number",
            "outstanding",
            "share_percent",
            "overdue_since",
            "amount",
            "accepted_amount",
            "recovered",
            "currency",
            "refusal_reason",
            "answer",
            "is_signed_alone",
            "prepared_at",
            "notified_at",
            "decided_at",
            "paid_on",
            "ended_at",
        )
        read_only_fields = fields

    def to_representation(self, instance):
        shown = super().to_representation(instance)
        if instance.decided_at is None:
            # What the partner's maker wrote is the partner's own until it decided.
            shown |= {"accepted_amount": None, "refusal_reason": "", "answer": ""}
        return shown


class ClaimDetailSerializer(ClaimSerializer):
    events = ClaimEventSerializer(many=True)
    recoveries = RecoverySerializer(many=True)

    class Meta(ClaimSerializer.Meta):
        fields = (*ClaimSerializer.Meta.fields, "events", "recoveries")
        read_only_fields = fields


class ClaimInput(serializers.Serializer):
    guarantee = serializers.IntegerField()
    drawdown = serializers.IntegerField()
    amount = serializers.DecimalField(**MONEY)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True), required=False, max_length=10)


class ClaimDocumentsInput(serializers.Serializer):
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True), required=False, max_length=10)


class ClaimAnswerInput(serializers.Serializer):
    accepted_amount = serializers.DecimalField(**MONEY, required=False, allow_null=True)
    refusal_reason = serializers.ChoiceField(choices=Claim.RefusalReason.choices, required=False, allow_blank=True)
    answer = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class RecoveryInput(serializers.Serializer):
    amount = serializers.DecimalField(**MONEY)
    reference = serializers.CharField(max_length=100)
    received_on = serializers.DateField()
