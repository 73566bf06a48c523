"""What orders and what belongs to them look like in the API, coming and going."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.api.attachments import AttachmentSerializer
from marketplace.api.fields import NumberField, OrganisationBrief
from marketplace.models import (
    Dispute,
    DisputeEvidence,
    Invoice,
    Order,
    OrderLine,
    OrderRecord,
    Payment,
    Proposal,
    Rating,
)


class OrderLineSerializer(serializers.ModelSerializer):
    quantity = NumberField()
    unit_price = NumberField()
    amount = NumberField()
    minimum_call = NumberField()
    places = serializers.SerializerMethodField(help_text="Where the quantity is: outstanding, in_delivery, accepted …")

    class Meta:
        model = OrderLine
        fields = (
            "position",
            "kind",
            "description",
            "specification",
            "quantity",
            "unit",
            "unit_price",
            "amount",
            "minimum_call",
            "places",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}})
    def get_places(self, line):
        show = NumberField().to_representation
        return {place: show(getattr(line, place)) for place in OrderLine.PLACES}


class OrderSerializer(serializers.ModelSerializer):
    buyer = OrganisationBrief()
    seller = OrganisationBrief()
    lines = OrderLineSerializer(many=True)
    net_amount = NumberField()
    tax_amount = NumberField()
    total_amount = NumberField()
    payable_amount = NumberField()
    paid_amount = NumberField()
    next_due_amount = NumberField()
    framework = serializers.CharField(source="framework.number", default=None)
    negotiation = serializers.IntegerField(source="offer.negotiation_id", default=None)

    class Meta:
        model = Order
        fields = (
            "id",
            "number",
            "kind",
            "status",
            "revision",
            "buyer",
            "seller",
            "framework",
            "negotiation",
            "supply",
            "demand",
            *Order.TERM_FIELDS,
            "net_amount",
            "tax_amount",
            "total_amount",
            "payable_amount",
            "paid_amount",
            "next_due_on",
            "next_due_amount",
            "lines",
            "confirmed_at",
            "updated_at",
            "delivered_at",
            "accepted_at",
            "closed_at",
        )
        read_only_fields = fields


class ProposalSerializer(serializers.ModelSerializer):
    order = serializers.CharField(source="order.number")
    line = serializers.IntegerField(source="line.position", default=None)
    proposed_for = OrganisationBrief()
    proposed_by = serializers.CharField(source="proposed_by.username")

    class Meta:
        model = Proposal
        fields = (
            "id",
            "order",
            "kind",
            "line",
            "dispute",
            "proposed_for",
            "proposed_by",
            "proposed_at",
            "terms",
            "effects",
            "reason",
            "status",
            "answered_at",
            "answer_note",
        )
        read_only_fields = fields


class EvidenceSerializer(serializers.ModelSerializer):
    organisation = serializers.IntegerField(source="organisation_id", allow_null=True)
    by = serializers.CharField(source="by.username")
    attachments = AttachmentSerializer(many=True)

    class Meta:
        model = DisputeEvidence
        fields = ("id", "organisation", "by", "text", "attachments", "at")
        read_only_fields = fields


class DisputeSerializer(serializers.ModelSerializer):
    order = serializers.CharField(source="order.number")
    line = serializers.IntegerField(source="line.position")
    quantity = NumberField()
    unit = serializers.CharField(source="line.unit")
    opened_for = OrganisationBrief()
    evidence = EvidenceSerializer(many=True)

    class Meta:
        model = Dispute
        fields = (
            "id",
            "order",
            "line",
            "quantity",
            "unit",
            "source",
            "kind",
            "text",
            "opened_for",
            "opened_at",
            "references",
            "evidence",
            "status",
            "closed_at",
            "outcome",
        )
        read_only_fields = fields


class InvoiceSerializer(serializers.ModelSerializer):
    order = serializers.CharField(source="order.number")
    amount = NumberField()
    tax_amount = NumberField()
    attachment = AttachmentSerializer()

    class Meta:
        model = Invoice
        fields = (
            "id",
            "order",
            "kind",
            "number",
            "title",
            "tax_identifier",
            "amount",
            "tax_amount",
            "status",
            "issued_on",
            "due_on",
            "attachment",
            "note",
        )
        read_only_fields = fields


class PaymentSerializer(serializers.ModelSerializer):
    order = serializers.CharField(source="order.number")
    amount = NumberField()
    attachment = AttachmentSerializer()
    recorded_for = OrganisationBrief()

    class Meta:
        model = Payment
        fields = (
            "id",
            "order",
            "invoice",
            "is_refund",
            "amount",
            "paid_on",
            "method",
            "reference",
            "attachment",
            "recorded_for",
            "recorded_at",
            "status",
            "note",
        )
        read_only_fields = fields


class OrderRecordSerializer(serializers.ModelSerializer):
    on_time = NumberField()
    in_full = NumberField()
    in_spec = NumberField()

    class Meta:
        model = OrderRecord
        fields = (
            "side",
            "organisation",
            "on_time",
            "in_full",
            "in_spec",
            "days_late",
            "deliveries",
            "deliveries_on_time",
            "disputes",
            "at",
        )
        read_only_fields = fields


class RatingSerializer(serializers.ModelSerializer):
    class Meta:
        model = Rating
        fields = ("id", "by_organisation", "organisation", "stars", "words", "at")
        read_only_fields = fields


class DueSerializer(serializers.Serializer):
    kind = serializers.CharField(help_text="advance, deposit or acceptance")
    amount = NumberField()
    due_on = serializers.DateField()
    paid = NumberField()


# What comes in. The services check it, the same as for pages: here it is only named.
class LineQuantity(serializers.Serializer):
    line = serializers.IntegerField(help_text="Its position in the order.")
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3)


class Quantities(serializers.Serializer):
    lines = LineQuantity(many=True)


class CallOffInput(serializers.Serializer):
    lines = LineQuantity(many=True)
    window_start = serializers.DateField(required=False)
    window_end = serializers.DateField(required=False)
    address = serializers.CharField(required=False, allow_blank=True, max_length=300)


class RatingInput(serializers.Serializer):
    stars = serializers.IntegerField(min_value=1, max_value=5)
    words = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


class ProposalInput(serializers.Serializer):
    kind = serializers.ChoiceField(Proposal.Kind.choices, help_text="A settlement is proposed under its dispute.")
    terms = serializers.DictField(
        required=False,
        default=dict,
        help_text=(
            "amendment: {lines: [{line, quantity, unit_price}], window_start, window_end, incoterm, park, address, "
            "payment_term, …}; cancellation: {lines: [{line, quantity}], give_back}; shortage: {line, quantity, place}; "
            "return: {line, quantity, replace}."
        ),
    )
    reason = serializers.CharField(max_length=2000)


class PreviewInput(ProposalInput):
    reason = serializers.CharField(max_length=2000, required=False)


class AnswerInput(serializers.Serializer):
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


class DisputeInput(serializers.Serializer):
    line = serializers.IntegerField(help_text="Its position in the order.")
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3)
    kind = serializers.ChoiceField(Dispute.Kind.choices)
    text = serializers.CharField(max_length=4000)
    source = serializers.ChoiceField(["in_delivery", "accepted"], required=False)
    attachments = serializers.ListField(child=serializers.IntegerField(), required=False, default=list)


class EvidenceInput(serializers.Serializer):
    text = serializers.CharField(max_length=4000)
    attachments = serializers.ListField(child=serializers.IntegerField(), required=False, default=list)


# "return" is a word of Python's own, so these fields are made, not written.
SHARES = {
    name: serializers.DecimalField(max_digits=18, decimal_places=3, required=False)
    for name in ("accept", "return", "replace", "short")
}
SettlementShares = type(
    "SettlementShares",
    (serializers.Serializer,),
    {
        **SHARES,
        "price_reduction": serializers.DecimalField(max_digits=18, decimal_places=2, required=False),
        "__doc__": "How a disputed quantity is shared out; the parts are the whole.",
        "__module__": __name__,
    },
)


class SettlementInput(SettlementShares):
    reason = serializers.CharField(max_length=2000)


class DecisionInput(SettlementShares):
    note = serializers.CharField(max_length=2000)


class InvoiceRequestInput(serializers.Serializer):
    kind = serializers.ChoiceField(Invoice.Kind.choices, required=False)
    title = serializers.CharField(required=False, max_length=200)
    tax_identifier = serializers.CharField(required=False, max_length=40)
    amount = serializers.DecimalField(max_digits=18, decimal_places=2, required=False)
    note = serializers.CharField(required=False, max_length=500)


class InvoiceInput(serializers.Serializer):
    number = serializers.CharField(max_length=40)
    kind = serializers.ChoiceField(Invoice.Kind.choices, required=False)
    amount = serializers.DecimalField(max_digits=18, decimal_places=2, required=False)
    tax_amount = serializers.DecimalField(max_digits=18, decimal_places=2, required=False)
    issued_on = serializers.DateField(required=False)
    due_on = serializers.DateField(required=False)
    attachment = serializers.IntegerField(required=False)
    note = serializers.CharField(required=False, max_length=500)


class PaymentInput(serializers.Serializer):
    amount = serializers.DecimalField(max_digits=18, decimal_places=2)
    paid_on = serializers.DateField(required=False)
    method = serializers.ChoiceField(Payment.Method.choices, required=False)
    reference = serializers.CharField(required=False, max_length=100)
    invoice = serializers.IntegerField(required=False)
    is_refund = serializers.BooleanField(required=False, default=False)
    attachment = serializers.IntegerField(required=False)
    note = serializers.CharField(required=False, max_length=500)
