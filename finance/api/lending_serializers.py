from rest_framework import serializers

from finance.models import (
    CreditLine,
    CreditProduct,
    Drawdown,
    Instalment,
    LineChange,
    ProgrammeInvitation,
    Repayment,
    Reservation,
)
from marketplace.api.fields import OrganisationBrief


class CreditLineSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    borrower = OrganisationBrief(allow_null=True)
    available = serializers.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        model = CreditLine
        fields = (
            "id",
            "number",
            "kind",
            "bank",
            "borrower",
            "parent",
            "name",
            "currency",
            "limit",
            "reserved",
            "used",
            "available",
            "is_revolving",
            "rate_bp",
            "penalty_bp",
            "repayment",
            "max_days",
            "starts_on",
            "ends_on",
            "least_score",
            "status",
            "frozen_reason",
        )
        read_only_fields = fields


class CreditLineInput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=CreditLine.Kind.choices)
    parent = serializers.IntegerField(required=False, allow_null=True)
    borrower = serializers.CharField(
        required=False, allow_blank=True, help_text="Id or credit code of an approved firm."
    )
    limit = serializers.DecimalField(max_digits=18, decimal_places=2)
    name = serializers.CharField(required=False, allow_blank=True)
    rate_bp = serializers.IntegerField(required=False)
    penalty_bp = serializers.IntegerField(required=False)
    repayment = serializers.ChoiceField(choices=CreditProduct.Repayment.choices, required=False, allow_blank=True)
    max_days = serializers.IntegerField(required=False)
    least_score = serializers.IntegerField(required=False, allow_null=True)
    is_revolving = serializers.BooleanField(required=False)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    reason = serializers.CharField()


class LineChangeInput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=[one for one in LineChange.Kind.choices if one[0] != LineChange.Kind.OPEN])
    limit = serializers.DecimalField(max_digits=18, decimal_places=2, required=False, allow_null=True)
    reason = serializers.CharField()


class LineChangeSerializer(serializers.ModelSerializer):
    made_by = serializers.CharField(source="made_by.username")
    checked_by = serializers.CharField(source="checked_by.username", allow_null=True, default=None)

    class Meta:
        model = LineChange
        fields = (
            "id",
            "kind",
            "line",
            "parent",
            "borrower",
            "line_kind",
            "limit",
            "terms",
            "reason",
            "made_by",
            "made_at",
            "verdict",
            "checked_by",
            "checked_at",
            "note",
        )
        read_only_fields = fields


class ReservationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Reservation
        fields = ("id", "line", "order", "pool", "amount", "status", "reason", "at", "expires_at", "ended_at")
        read_only_fields = fields


class ReserveInput(serializers.Serializer):
    line = serializers.IntegerField()


class PledgeInput(serializers.Serializer):
    line = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=18, decimal_places=2)


class OrderedSerializer(serializers.Serializer):
    orders = serializers.ListField(child=serializers.IntegerField())
    reservations = ReservationSerializer(many=True)


class InstalmentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Instalment
        fields = (
            "number",
            "starts_on",
            "due_on",
            "principal",
            "interest",
            "penalty",
            "principal_paid",
            "interest_paid",
            "penalty_paid",
            "status",
            "paid_on",
        )
        read_only_fields = fields


class RepaymentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Repayment
        fields = (
            "id",
            "number",
            "drawdown",
            "amount",
            "currency",
            "paid_on",
            "reference",
            "is_early",
            "status",
            "penalty_part",
            "interest_part",
            "principal_part",
            "recorded_at",
            "checked_at",
            "note",
        )
        read_only_fields = fields


class RepaymentInput(serializers.Serializer):
    amount = serializers.DecimalField(max_digits=18, decimal_places=2)
    paid_on = serializers.DateField(required=False)
    reference = serializers.CharField()
    is_early = serializers.BooleanField(required=False)


class DrawdownSerializer(serializers.ModelSerializer):
    borrower = OrganisationBrief()
    payee = OrganisationBrief(allow_null=True)

    class Meta:
        model = Drawdown
        fields = (
            "id",
            "number",
            "line",
            "borrower",
            "payee",
            "reservation",
            "amount",
            "currency",
            "use",
            "rate_bp",
            "penalty_bp",
            "days",
            "repayment",
            "status",
            "waits_for",
            "act_by",
            "starts_on",
            "due_on",
            "principal_left",
            "risk_class",
            "overdue_since",
            "note",
            "requested_at",
            "made_at",
            "checked_at",
            "paid_out_at",
            "ended_at",
        )
        read_only_fields = fields


class OwedSerializer(serializers.Serializer):
    penalty = serializers.DecimalField(max_digits=18, decimal_places=2)
    interest = serializers.DecimalField(max_digits=18, decimal_places=2)
    principal = serializers.DecimalField(max_digits=18, decimal_places=2)
    due = serializers.DecimalField(max_digits=18, decimal_places=2)
    next = serializers.DecimalField(max_digits=18, decimal_places=2)
    running_interest = serializers.DecimalField(max_digits=18, decimal_places=2)
    to_end = serializers.DecimalField(max_digits=18, decimal_places=2)


class LoanSerializer(serializers.Serializer):
    loan = DrawdownSerializer()
    instalments = InstalmentSerializer(many=True)
    repayments = RepaymentSerializer(many=True)
    owed = OwedSerializer(allow_null=True)
    yearly_cost = serializers.FloatField(allow_null=True, help_text="XIRR: 0.0406 is 4.06 % a year.")


class DrawInput(serializers.Serializer):
    line = serializers.IntegerField()
    reservation = serializers.IntegerField(required=False, allow_null=True)
    amount = serializers.DecimalField(max_digits=18, decimal_places=2)
    days = serializers.IntegerField(required=False)
    repayment = serializers.ChoiceField(choices=CreditProduct.Repayment.choices, required=False)
    payee = serializers.CharField(required=False, help_text="Id or credit code of the supplier that the bank pays.")
    use = serializers.CharField(required=False, allow_blank=True)


class LendingNoteInput(serializers.Serializer):
    note = serializers.CharField(required=False, allow_blank=True, default="")


class ProgrammeInvitationSerializer(serializers.ModelSerializer):
    firm = OrganisationBrief()

    class Meta:
        model = ProgrammeInvitation
        fields = ("id", "programme", "firm", "suggested_limit", "status", "invited_at", "answered_at")
        read_only_fields = fields


class ProgrammeInvitationInput(serializers.Serializer):
    firm = serializers.CharField(help_text="Id or credit code of an approved firm.")
    suggested_limit = serializers.DecimalField(max_digits=18, decimal_places=2)


class PortfolioSliceSerializer(serializers.Serializer):
    name = serializers.CharField()
    loans = serializers.IntegerField()
    owed = serializers.DecimalField(max_digits=18, decimal_places=2)
    overdue = serializers.DecimalField(max_digits=18, decimal_places=2)
    share = serializers.FloatField()


class LoanCohortSerializer(serializers.Serializer):
    month = serializers.DateField()
    loans = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=20, decimal_places=2)
    shares = serializers.ListField(child=serializers.FloatField())


class PortfolioSerializer(serializers.Serializer):
    bank = OrganisationBrief()
    on = serializers.DateField()
    limit = serializers.DecimalField(max_digits=20, decimal_places=2)
    reserved = serializers.DecimalField(max_digits=20, decimal_places=2)
    used = serializers.DecimalField(max_digits=20, decimal_places=2)
    loans = serializers.IntegerField()
    owed = serializers.DecimalField(max_digits=20, decimal_places=2)
    overdue = serializers.DecimalField(max_digits=20, decimal_places=2)
    bad = serializers.DecimalField(max_digits=20, decimal_places=2)
    mean_rate = serializers.FloatField(allow_null=True)
    firms = PortfolioSliceSerializer(many=True)
    trades = PortfolioSliceSerializer(many=True)
    classes = PortfolioSliceSerializer(many=True)
    cohorts = LoanCohortSerializer(many=True)
    late = DrawdownSerializer(many=True)
