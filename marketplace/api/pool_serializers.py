"""How collective purchases look in the API."""

from django.utils import timezone
from rest_framework import serializers

from marketplace.api.fields import FirmBrief, NumberField, OrganisationBrief
from marketplace.models import Listing, Organisation, PoolCommitment, PoolPrice, PurchasePool
from marketplace.services import pool_pages

TERMS = tuple(PurchasePool.TERM_FIELDS)


class OwnOrganisationField(serializers.PrimaryKeyRelatedField):
    """An organisation of the reader's; whether the reader may act for it is the service's to say."""

    queryset = Organisation.objects.all()

    def get_queryset(self):
        return Organisation.objects.of(self.context["request"].user)


class OwnListingField(serializers.PrimaryKeyRelatedField):
    queryset = Listing.objects.all()

    def get_queryset(self):
        return Listing.objects.of(self.context["request"].user).select_related("organisation")


class VisibleListingField(serializers.PrimaryKeyRelatedField):
    queryset = Listing.objects.all()

    def get_queryset(self):
        return Listing.objects.visible_to(self.context["request"].user, timezone.now())


class RungSerializer(serializers.ModelSerializer):
    from_quantity = NumberField()
    unit_price = NumberField()

    class Meta:
        model = PoolPrice
        fields = ("from_quantity", "unit_price")


class StandingSerializer(serializers.Serializer):
    committed = NumberField()
    price = NumberField(help_text="The unit price that the commitments reach.")
    missing = NumberField(help_text="Until the next step of the ladder; 0 on the last.")
    goal = NumberField()
    percent = serializers.IntegerField()
    reaches_minimum = serializers.BooleanField()


class PoolSerializer(serializers.ModelSerializer):
    organiser = OrganisationBrief(read_only=True)
    category = serializers.CharField(source="category.code", read_only=True)
    prices = RungSerializer(many=True, read_only=True)
    standing = serializers.SerializerMethodField()
    member_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = PurchasePool
        fields = (
            "id",
            "number",
            "organiser",
            "status",
            "category",
            "specification",
            *PurchasePool.PROFILE_FIELDS,
            *TERMS,
            "prices",
            "standing",
            "member_count",
            "created_at",
            "closed_at",
            "ended_at",
            "cancel_reason",
        )
        read_only_fields = fields

    def get_standing(self, pool) -> StandingSerializer:
        return StandingSerializer(pool_pages.standing(pool)).data


class RungInput(serializers.Serializer):
    from_quantity = serializers.DecimalField(max_digits=18, decimal_places=3)
    unit_price = serializers.DecimalField(max_digits=18, decimal_places=4)


class PoolInput(serializers.ModelSerializer):
    """What an organiser says of a pool; the service checks it as a whole."""

    category = serializers.CharField(max_length=60, help_text="Code of a category.")
    specification = serializers.JSONField(
        required=False, help_text='{"attributes": {key: {"value", "unit", "tolerance" | "min" | "max"}}, "text": ""}'
    )
    park = serializers.CharField(max_length=20, required=False, allow_null=True, help_text="Id or code of a park.")
    region = serializers.CharField(
        max_length=100, required=False, allow_blank=True, help_text="Code or name of a place."
    )
    prices = RungInput(many=True, allow_empty=True)

    class Meta:
        model = PurchasePool
        fields = ("category", "specification", *PurchasePool.PROFILE_FIELDS, *TERMS, "prices")
        extra_kwargs = {
            name: {"required": False}
            for name in ("step", "leave_free_until", "leaving_percent", "shortage_rule", "visibility", *TERMS)
            if name not in ("park", "region", "window_start", "window_end")
        }


class PoolCreate(PoolInput):
    organiser = OwnOrganisationField()
    demands = VisibleListingField(many=True, required=False, help_text="Demands whose firms are invited.")

    class Meta(PoolInput.Meta):
        fields = ("organiser", "demands", *PoolInput.Meta.fields)


class WhyInput(serializers.Serializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class FirmsInput(serializers.Serializer):
    firms = serializers.ListField(
        child=serializers.CharField(max_length=18), max_length=100, help_text="Ids or credit codes."
    )


class Count(serializers.Serializer):
    count = serializers.IntegerField()


class CommitmentSerializer(serializers.ModelSerializer):
    organisation = OrganisationBrief(read_only=True)

    class Meta:
        model = PoolCommitment
        fields = (
            "id",
            "pool",
            "organisation",
            "demand",
            "quantity",
            "maximum_price",
            "status",
            "allocated_quantity",
            "order",
            "committed_at",
            "leave_requested_at",
            "leave_reason",
            "leaving_amount",
            "ended_at",
        )
        read_only_fields = fields


class CommitmentInput(serializers.Serializer):
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3)
    maximum_price = serializers.DecimalField(max_digits=18, decimal_places=4, required=False, allow_null=True)


class CommitmentCreate(CommitmentInput):
    organisation = OwnOrganisationField()
    demand = OwnListingField(required=False, allow_null=True)


class RungOutcomeSerializer(serializers.Serializer):
    from_quantity = NumberField()
    unit_price = NumberField()
    is_reached = serializers.BooleanField()
    missing = NumberField()
    saving = NumberField(help_text="What this quantity costs less at this step than for a single buyer.")


class OutlookSerializer(serializers.Serializer):
    quantity = NumberField()
    committed_without = NumberField()
    committed_with = NumberField()
    price_without = NumberField()
    price_with = NumberField()
    saving = NumberField()
    rungs = RungOutcomeSerializer(many=True)
    closes_it = serializers.BooleanField()
    reaches_minimum = serializers.BooleanField()
    example_available = NumberField(help_text="An example of a shortage: so much is there for all …")
    example_share = NumberField(help_text="… and so much of it the published rule gives to this quantity.")


class SuppliesInput(serializers.Serializer):
    supplies = serializers.ListField(child=serializers.IntegerField(), min_length=1, max_length=50)


class ShareSerializer(serializers.Serializer):
    commitment = serializers.IntegerField()
    organisation = OrganisationBrief()
    quantity = NumberField()


class PoolOfferSerializer(serializers.Serializer):
    """A supplier who was asked; ``shares`` say who would get what of its open offer, ``refusal`` why it cannot be."""

    supplier = FirmBrief(source="supplier.organisation")
    negotiation = serializers.IntegerField(source="supplier.negotiation_id")
    offer = serializers.IntegerField(source="offer.pk", allow_null=True, default=None)
    is_ours_to_answer = serializers.BooleanField()
    refusal = serializers.CharField()
    unit_price = NumberField(source="division.unit_price", allow_null=True, default=None)
    shares = serializers.SerializerMethodField()
    priced_out = serializers.SerializerMethodField()

    def get_shares(self, row) -> ShareSerializer(many=True):
        if row.division is None:
            return []
        members = [*row.division.served, *row.division.unserved]
        rows = [
            {"commitment": one.pk, "organisation": one.organisation, "quantity": row.division.parts[one.pk]}
            for one in members
        ]
        return ShareSerializer(rows, many=True).data

    def get_priced_out(self, row) -> list[int]:
        return [one.pk for one in row.division.priced_out] if row.division else []


class PoolOrderSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    number = serializers.CharField()
    buyer = OrganisationBrief()


class ProposalListing(serializers.ModelSerializer):
    organisation = FirmBrief(read_only=True)

    class Meta:
        model = Listing
        fields = ("id", "title_zh", "title_en", "organisation", "quantity", "unit", "region")
        read_only_fields = fields


class PoolProposalSerializer(serializers.Serializer):
    category = serializers.CharField(source="category.code")
    demands = ProposalListing(many=True)
    supply = ProposalListing()
    unit = serializers.CharField()
    total = NumberField()
    unit_price = NumberField()
    base_price = NumberField(allow_null=True)
    saving = NumberField()
    window_start = serializers.DateField()
    window_end = serializers.DateField()
