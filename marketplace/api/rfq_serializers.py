"""What requests for quotation and quotes look like in the API, coming and going."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.api.attachments import AttachmentIdsField, AttachmentSerializer
from marketplace.api.fields import FirmBrief, NumberField
from marketplace.models import (
    Incoterm,
    Organisation,
    PaymentTerm,
    RequestForQuotation,
    RfqAmendment,
    RfqInvitation,
    RfqLine,
    RfqQuestion,
)


class Said(serializers.Field):
    """A value as it came; the service checks it and names the field if it is wrong."""

    def __init__(self, **options):
        super().__init__(**{"required": False, "allow_null": True} | options)

    def to_internal_value(self, data):
        return data

    def to_representation(self, value):
        return value


@extend_schema_field({"type": "string", "nullable": True})
class SaidText(Said):
    pass


@extend_schema_field({"type": "number", "nullable": True})
class SaidNumber(Said):
    pass


@extend_schema_field({"type": "string", "format": "date", "nullable": True})
class SaidDay(Said):
    pass


@extend_schema_field({"type": "boolean"})
class SaidFlag(Said):
    pass


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": {}}]})
class SaidSpecification(Said):
    pass


class TermsInput(serializers.Serializer):
    currency = SaidText()
    tax_rate = SaidNumber()
    price_includes_tax = SaidFlag()
    incoterm = SaidText(help_text=", ".join(Incoterm.values))
    park = SaidText(help_text="Id or code of a park.")
    region = SaidText(help_text="GB/T 2260 code or name.")
    address = SaidText()
    window_start = SaidDay()
    window_end = SaidDay()
    payment_term = SaidText(help_text=", ".join(PaymentTerm.values))
    payment_days = SaidNumber()
    deposit_percent = SaidNumber()
    note = SaidText()


class RfqLineInput(serializers.Serializer):
    id = serializers.IntegerField(required=False, help_text="Of a line that is there already, when it is amended.")
    description = SaidText()
    specification = SaidSpecification(help_text="A text, or {attributes: {key: {value, unit, tolerance}}, text}.")
    quantity = SaidNumber()
    unit = SaidText()
    tiers = serializers.ListField(child=SaidNumber(), required=False, help_text="Further quantities to quote for.")


class RfqFields(TermsInput):
    title = SaidText()
    description = SaidText()
    closes_at = SaidText(help_text="ISO 8601; a bare date is the end of that day in Shanghai.")
    is_sealed = SaidFlag()
    opens_with_two = SaidFlag()
    recovers_tax = SaidFlag()


class RfqCreate(RfqFields):
    organisation = serializers.CharField(help_text="Id or USCC of the user's organisation that asks.")
    demand = serializers.IntegerField(required=False, allow_null=True, help_text="The demand it comes from.")
    lines = RfqLineInput(many=True)
    suppliers = serializers.ListField(
        child=serializers.CharField(max_length=200), default=list, help_text="Ids, USCCs or full names."
    )
    supplies = serializers.ListField(
        child=serializers.IntegerField(),
        default=list,
        help_text="Ids of supplies (of matches, say) whose firms to ask.",
    )
    attachments = AttachmentIdsField(many=True, required=False)
    publish = serializers.BooleanField(default=False, help_text="Send it at once.")


class RfqChange(RfqFields):
    lines = RfqLineInput(many=True, required=False, help_text="All lines, those there before with their id.")
    attachments = AttachmentIdsField(many=True, required=False, help_text="Added to those that are there.")
    revision = serializers.IntegerField(required=False, help_text="409 if it is no longer at this one.")
    change_note = serializers.CharField(default="", allow_blank=True, max_length=2000)


class SuppliersInput(serializers.Serializer):
    suppliers = serializers.ListField(child=serializers.CharField(max_length=200), help_text="Ids, USCCs or names.")


class DeadlineInput(serializers.Serializer):
    closes_at = serializers.CharField()


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(default="", allow_blank=True, max_length=2000)


class QuestionInput(serializers.Serializer):
    organisation = serializers.CharField(help_text="Id or USCC of the user's organisation that asks.")
    text = serializers.CharField(max_length=2000)


class QuestionAnswerInput(serializers.Serializer):
    answer = serializers.CharField(max_length=4000)


class RatesInput(serializers.Serializer):
    rates = serializers.DictField(child=SaidNumber(), help_text="What one unit costs: {USD: 7.1}; null forgets it.")


class RfqLineSerializer(serializers.ModelSerializer):
    quantity = NumberField()
    tiers = serializers.ListField(child=NumberField())
    awarded = NumberField()

    class Meta:
        model = RfqLine
        fields = ("id", "position", "description", "specification", "quantity", "unit", "tiers", "awarded")
        read_only_fields = fields


class RfqInvitationSerializer(serializers.ModelSerializer):
    supplier = FirmBrief()

    class Meta:
        model = RfqInvitation
        fields = (
            "id",
            "supplier",
            "supply",
            "match_score",
            "invited_at",
            "viewed_at",
            "declined_at",
            "decline_reason",
        )
        read_only_fields = fields


class RfqQuestionSerializer(serializers.ModelSerializer):
    class Meta:
        model = RfqQuestion
        fields = ("id", "text", "asked_at", "answer", "answered_at")
        read_only_fields = fields


class RfqAmendmentSerializer(serializers.ModelSerializer):
    changes = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = RfqAmendment
        fields = ("revision", "changes", "note", "at")
        read_only_fields = fields


class RfqBrief(serializers.ModelSerializer):
    """A request in a list."""

    buyer = FirmBrief()
    number = serializers.CharField()
    tax_rate = NumberField()
    deposit_percent = NumberField()

    class Meta:
        model = RequestForQuotation
        fields = (
            "id",
            "number",
            "status",
            "revision",
            "buyer",
            "title",
            "description",
            "closes_at",
            "is_sealed",
            "opens_with_two",
            *RequestForQuotation.TERM_FIELDS,
            "published_at",
            "closed_at",
            "opened_at",
            "cancel_reason",
        )
        read_only_fields = fields


class RfqSerializer(RfqBrief):
    """A request with everything on it; who is invited and what only the buyer knows, the buyer alone is shown."""

    lines = RfqLineSerializer(many=True)
    questions = RfqQuestionSerializer(many=True)
    amendments = RfqAmendmentSerializer(many=True)
    attachments = AttachmentSerializer(many=True)
    invitations = serializers.SerializerMethodField()
    quote_count = serializers.SerializerMethodField(help_text="How many quotes stand; null for suppliers.")
    rates = serializers.SerializerMethodField()
    demand = serializers.SerializerMethodField()

    class Meta(RfqBrief.Meta):
        fields = (
            *RfqBrief.Meta.fields,
            "demand",
            "rates",
            "quote_count",
            "lines",
            "invitations",
            "questions",
            "amendments",
            "attachments",
        )
        read_only_fields = fields

    def _mine(self) -> set[int]:
        if "mine" not in self.context:
            user = self.context["request"].user
            self.context["mine"] = set(Organisation.objects.of(user).values_list("pk", flat=True))
        return self.context["mine"]

    def _is_buyers(self, rfq) -> bool:
        return self.context["request"].user.is_staff or rfq.buyer_id in self._mine()

    @extend_schema_field(RfqInvitationSerializer(many=True))
    def get_invitations(self, rfq):
        shown = [one for one in rfq.invitations.all() if self._is_buyers(rfq) or one.supplier_id in self._mine()]
        return RfqInvitationSerializer(shown, many=True, context=self.context).data

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_quote_count(self, rfq):
        return rfq.quotes.standing().count() if self._is_buyers(rfq) else None

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
    def get_rates(self, rfq):
        return rfq.rates if self._is_buyers(rfq) else {}

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_demand(self, rfq):
        return rfq.demand_id if self._is_buyers(rfq) else None

    def to_representation(self, rfq):
        shown = super().to_representation(rfq)
        if not self._is_buyers(rfq):
            for line in shown["lines"]:
                line["awarded"] = None
        return shown
