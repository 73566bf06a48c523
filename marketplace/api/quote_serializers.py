"""What quotes, their comparison and awards look like in the API, coming and going."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.api.attachments import AttachmentIdsField, AttachmentSerializer
from marketplace.api.fields import FirmBrief, NumberField
from marketplace.api.rfq_serializers import SaidFlag, SaidNumber, SaidText, TermsInput
from marketplace.models import Award, AwardLine, Quote, QuoteLine


class QuoteLineInput(serializers.Serializer):
    line = serializers.IntegerField(help_text="Id of the request's line.")
    quantity = SaidNumber(help_text="One of the quantities asked for; missing: the one wanted.")
    unit_price = SaidNumber()
    unit = SaidText(help_text="Of which the price is, if not of the unit asked for.")
    minimum_quantity = SaidNumber()
    lead_days = SaidNumber()
    deviations = SaidText()
    is_declined = SaidFlag()


class QuoteCreate(TermsInput):
    organisation = serializers.CharField(help_text="Id or USCC of the user's organisation that quotes.")
    freight_amount = SaidNumber()
    charge_amount = SaidNumber()
    charge_text = SaidText()
    lead_days = SaidNumber()
    valid_until = SaidText(help_text="ISO 8601; a bare date is the end of that day in Shanghai.")
    supply = SaidNumber(help_text="Id of the listing the goods are taken from.")
    lines = QuoteLineInput(many=True, required=False)
    attachments = AttachmentIdsField(many=True, required=False, help_text="Added to those that are there.")
    dropped = AttachmentIdsField(many=True, required=False, help_text="Taken off.")
    submit = serializers.BooleanField(default=False, help_text="Hand it in at once; else it stays a draft.")


class ValidityInput(serializers.Serializer):
    valid_until = serializers.CharField()


class QuoteLineSerializer(serializers.ModelSerializer):
    position = serializers.IntegerField(source="line.position")
    quantity = NumberField()
    unit_price = NumberField()
    minimum_quantity = NumberField()
    amount = NumberField()

    class Meta:
        model = QuoteLine
        fields = (
            "line",
            "position",
            "quantity",
            "unit_price",
            "amount",
            "minimum_quantity",
            "lead_days",
            "deviations",
            "is_declined",
        )
        read_only_fields = fields


class QuoteSerializer(serializers.ModelSerializer):
    supplier = FirmBrief()
    lines = QuoteLineSerializer(many=True)
    attachments = AttachmentSerializer(many=True)
    tax_rate = NumberField()
    deposit_percent = NumberField()
    freight_amount = NumberField()
    charge_amount = NumberField()

    class Meta:
        model = Quote
        fields = (
            "id",
            "rfq",
            "rfq_revision",
            "supplier",
            "version",
            "status",
            *Quote.TERM_FIELDS,
            "freight_amount",
            "charge_amount",
            "charge_text",
            "lead_days",
            "valid_until",
            "supply",
            "lines",
            "attachments",
            "submitted_at",
            "answer_note",
        )
        read_only_fields = fields


class QuoteDifferenceSerializer(serializers.Serializer):
    field = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    quantity = NumberField(allow_null=True)
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class ComparisonCell(serializers.Serializer):
    quote = serializers.IntegerField(source="quote.pk")
    unit_price = NumberField(source="cell.price.unit_price")
    amount = NumberField(source="cell.amount")
    charge = NumberField(source="cell.charge")
    landed = NumberField(source="cell.landed", allow_null=True)
    lead_days = serializers.IntegerField(source="cell.lead_days", allow_null=True)
    is_cheapest = serializers.BooleanField(source="cell.is_cheapest")
    is_fastest = serializers.BooleanField(source="cell.is_fastest")
    deviations = serializers.CharField(source="line.deviations", default="")


class ComparisonRow(serializers.Serializer):
    line = serializers.IntegerField(source="line.pk")
    quantity = NumberField()
    is_wanted = serializers.BooleanField()
    cells = serializers.SerializerMethodField()

    @extend_schema_field(ComparisonCell(many=True))
    def get_cells(self, row):
        return ComparisonCell([entry for entry in row.entries if entry.cell], many=True).data


class ComparisonTotal(serializers.Serializer):
    quote = serializers.IntegerField()
    supplier = FirmBrief()
    on_time_rate = serializers.FloatField(allow_null=True)
    deliveries = serializers.IntegerField()
    currency = serializers.CharField()
    amount = NumberField()
    landed = NumberField(allow_null=True)
    covered = serializers.IntegerField()
    is_whole = serializers.BooleanField()
    lead_days = serializers.IntegerField(allow_null=True)
    is_cheapest = serializers.BooleanField()
    is_fastest = serializers.BooleanField()


class MixPart(serializers.Serializer):
    line = serializers.IntegerField()
    quote = serializers.IntegerField()


class ComparisonSerializer(serializers.Serializer):
    currency = serializers.CharField(source="rfq.currency")
    rows = ComparisonRow(many=True)
    totals = serializers.SerializerMethodField()
    mix = serializers.SerializerMethodField(help_text="The cheapest quote of each line.")
    mix_landed = NumberField(source="table.mix_landed", allow_null=True)
    unconfirmed = serializers.SerializerMethodField(help_text="Quotes for an earlier revision, out of competition.")

    @extend_schema_field(ComparisonTotal(many=True))
    def get_totals(self, comparison):
        names = ("amount", "landed", "covered", "is_whole", "lead_days", "is_cheapest", "is_fastest")
        rows = [
            {
                "quote": quote.pk,
                "supplier": quote.supplier,
                "on_time_rate": quote.supplier.on_time_rate,
                "deliveries": quote.supplier.deliveries,
                "currency": quote.currency,
                **{name: getattr(total, name) for name in names},
            }
            for quote, total in comparison.totals()
        ]
        return ComparisonTotal(rows, many=True, context=self.context).data

    @extend_schema_field(MixPart(many=True))
    def get_mix(self, comparison):
        parts = [{"line": line, "quote": quote} for line, quote in comparison.table.mix.items()]
        return MixPart(parts, many=True).data

    @extend_schema_field({"type": "array", "items": {"type": "integer"}})
    def get_unconfirmed(self, comparison):
        return [quote.pk for quote in comparison.unconfirmed]


class PickInput(serializers.Serializer):
    quote = SaidNumber(help_text="Id of the quote.")
    line = SaidNumber(help_text="Id of the request's line.")
    quantity = SaidNumber()


class AwardInput(serializers.Serializer):
    picks = PickInput(many=True)
    reason = serializers.CharField(
        default="", allow_blank=True, max_length=2000, help_text="Needed where a cheaper quote is passed over."
    )
    closing_note = serializers.CharField(
        default="", allow_blank=True, max_length=2000, help_text="What those are told who got nothing."
    )
    is_final = serializers.BooleanField(default=True, help_text="Nothing more is awarded: the others are told.")


class AwardLineSerializer(serializers.ModelSerializer):
    quantity = NumberField()
    unit_price = NumberField()

    class Meta:
        model = AwardLine
        fields = ("line", "quantity", "unit_price")
        read_only_fields = fields


class AwardSerializer(serializers.ModelSerializer):
    supplier = FirmBrief(source="quote.supplier")
    lines = AwardLineSerializer(many=True)
    offer_status = serializers.CharField(source="offer.status", help_text="open: it waits for an approver.")
    orders = serializers.SerializerMethodField()

    class Meta:
        model = Award
        fields = (
            "id",
            "quote",
            "supplier",
            "lines",
            "reason",
            "is_cheapest",
            "offer_status",
            "orders",
            "made_at",
            "voided_at",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "array", "items": {"type": "integer"}})
    def get_orders(self, award):
        return [order.pk for order in award.offer.orders.all()]
