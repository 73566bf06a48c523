"""What negotiations, offers, messages and approvals look like in the API."""

from rest_framework import serializers

from marketplace.api.attachments import AttachmentIdsField, AttachmentSerializer
from marketplace.api.fields import FirmBrief, NumberField
from marketplace.models import Approval, Disclosure, Message, Negotiation, Offer, OfferLine
from marketplace.models.terms import Terms
from marketplace.services.offer_terms import Difference


class OfferLineSerializer(serializers.ModelSerializer):
    quantity = NumberField()
    unit_price = NumberField()
    amount = serializers.DecimalField(max_digits=20, decimal_places=2)

    class Meta:
        model = OfferLine
        fields = ("position", "kind", "description", "specification", "quantity", "unit", "unit_price", "amount")


class DifferenceSerializer(serializers.Serializer):
    """One thing that this offer says differently from the one before."""

    clause = serializers.ChoiceField(Message.Clause.choices)
    field = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)

    def to_representation(self, instance: Difference) -> dict:
        before, after = _plain(instance.before), _plain(instance.after)
        shown = {"clause": str(instance.clause), "field": instance.field, "line": instance.line}
        return {**shown, "before": before, "after": after}


def _plain(value):
    if hasattr(value, "to_integral"):
        return int(value) if value == value.to_integral() else float(value)
    if hasattr(value, "pk"):
        return value.pk
    return value.isoformat() if hasattr(value, "isoformat") else value


class OfferSerializer(serializers.ModelSerializer):
    made_for = FirmBrief()
    made_by = serializers.SerializerMethodField()
    lines = OfferLineSerializer(many=True)
    attachments = AttachmentSerializer(many=True)

    class Meta:
        model = Offer
        fields = (
            "id",
            "negotiation",
            "number",
            "side",
            "made_for",
            "made_by",
            "made_at",
            "is_framework",
            *Terms.TERM_FIELDS,
            "lines",
            "net_amount",
            "tax_amount",
            "total_amount",
            "valid_until",
            "attachments",
            "status",
            "answered_at",
            "answer_note",
        )
        read_only_fields = fields

    def get_made_by(self, offer) -> str | None:
        """Return who made it, to their own side alone."""
        return offer.made_by.username if offer.made_for_id in self.context.get("own", ()) else None


class OfferInChain(OfferSerializer):
    changes = DifferenceSerializer(many=True, allow_null=True, help_text="Against the offer before; null: the first.")

    class Meta(OfferSerializer.Meta):
        fields = (*OfferSerializer.Meta.fields, "changes")
        read_only_fields = fields


class MessageSerializer(serializers.ModelSerializer):
    organisation = FirmBrief()
    attachments = AttachmentSerializer(many=True)

    class Meta:
        model = Message
        fields = ("id", "negotiation", "clause", "line", "offer", "organisation", "text", "attachments", "created_at")
        read_only_fields = fields


class NegotiationSerializer(serializers.ModelSerializer):
    buyer = FirmBrief()
    seller = FirmBrief()
    is_our_turn = serializers.BooleanField()

    class Meta:
        model = Negotiation
        fields = (
            "id",
            "supply",
            "demand",
            "buyer",
            "seller",
            "origin",
            "match_reasons",
            "match_score",
            "model_version",
            "status",
            "stage",
            "is_our_turn",
            "created_at",
            "updated_at",
            "closed_at",
        )
        read_only_fields = fields


class NegotiationInput(serializers.Serializer):
    organisation = serializers.CharField(help_text="Id or USCC of the user's organisation that negotiates.")
    supply = serializers.IntegerField(required=False, help_text="Id of a supply.")
    demand = serializers.IntegerField(required=False, help_text="Id of a demand.")
    counterpart = serializers.CharField(
        required=False, help_text="Id or USCC of the organisation invited about a listing of one's own."
    )


class LineInput(serializers.Serializer):
    """A line; what it says is checked with the terms, and refused as ``lines.0.quantity``."""

    kind = serializers.ChoiceField(OfferLine.Kind.choices, default=OfferLine.Kind.GOODS)
    description = serializers.CharField(max_length=300)
    specification = serializers.JSONField(
        required=False,
        help_text='{"attributes": {key: {"value", "unit", "tolerance" or "min" and "max"}}, "text"}',
    )
    quantity = serializers.CharField(help_text="A number above 0, three decimal places at most.")
    unit = serializers.CharField(help_text="As people write it: piece, 吨, kg.")
    unit_price = serializers.CharField(help_text="Four decimal places at most.")


class TermsInput(serializers.Serializer):
    currency = serializers.CharField(required=False)
    tax_rate = serializers.CharField(required=False, help_text="In per cent; 13 unless said.")
    price_includes_tax = serializers.BooleanField(required=False, help_text="True unless said.")
    incoterm = serializers.ChoiceField(Offer.incoterm.field.choices, required=False)
    park = serializers.IntegerField(required=False, allow_null=True)
    region = serializers.CharField(required=False, allow_blank=True, help_text="GB/T 2260 code or a name.")
    address = serializers.CharField(required=False, allow_blank=True)
    window_start = serializers.CharField(help_text="A date such as 2026-12-31.")
    window_end = serializers.CharField(help_text="A date such as 2026-12-31.")
    payment_term = serializers.ChoiceField(Offer.payment_term.field.choices, required=False)
    payment_days = serializers.IntegerField(required=False)
    deposit_percent = serializers.CharField(required=False)
    note = serializers.CharField(required=False, allow_blank=True)


class OfferInput(serializers.Serializer):
    """``organisation`` says for which side, where the user trades for both."""

    organisation = serializers.CharField(required=False)
    terms = TermsInput()
    lines = LineInput(many=True)
    valid_until = serializers.CharField(help_text="A date or a time in ISO 8601.")
    is_framework = serializers.BooleanField(default=False)
    attachments = AttachmentIdsField(many=True, required=False)


class MessageInput(serializers.Serializer):
    organisation = serializers.CharField(required=False)
    clause = serializers.ChoiceField(Message.Clause.choices, default=Message.Clause.WHOLE)
    line = serializers.IntegerField(required=False, allow_null=True)
    offer = serializers.IntegerField(required=False, allow_null=True)
    text = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    attachments = AttachmentIdsField(many=True, required=False)


class NoteInput(serializers.Serializer):
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


class ApprovalSerializer(serializers.ModelSerializer):
    requested_by = serializers.CharField(source="requested_by.username")
    decided_by = serializers.CharField(source="decided_by.username", default=None)

    class Meta:
        model = Approval
        fields = (
            "id",
            "offer",
            "act",
            "organisation",
            "requested_by",
            "requested_at",
            "status",
            "decided_by",
            "decided_at",
            "note",
        )
        read_only_fields = fields


class ApprovalDecision(NoteInput):
    answer = serializers.ChoiceField(["approve", "refuse"])


class AcceptedSerializer(serializers.Serializer):
    """What came of it: an order, or an approval that was asked for."""

    order = serializers.IntegerField(allow_null=True)
    order_number = serializers.CharField(allow_null=True)
    approval = serializers.IntegerField(allow_null=True)


class DisclosureSerializer(serializers.ModelSerializer):
    """0: always; 1: from the opening, 2: from both sides' offers, 3: from the acceptance on."""

    documents = AttachmentIdsField(many=True, required=False)
    is_lead = serializers.BooleanField(
        required=False, help_text="Whether suppliers may find the organisation as a possible customer."
    )

    class Meta:
        model = Disclosure
        fields = ("name_from", "contact_from", "documents_from", "documents", "is_lead")
