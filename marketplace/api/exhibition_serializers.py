"""How exhibitions, booths, visits, meetings and leads look in the API."""

from rest_framework import serializers

from marketplace.api.fields import FirmBrief, NumberField, OrganisationBrief
from marketplace.api.pool_serializers import OwnListingField, OwnOrganisationField
from marketplace.models import Booth, BoothBooking, Exhibition, Facility, Lead, Meeting, Organisation, Park, Visit


class BoothBookingSerializer(serializers.ModelSerializer):
    organisation = OrganisationBrief(read_only=True)

    class Meta:
        model = BoothBooking
        fields = ("id", "booth", "organisation", "listings", "booked_at", "cancelled_at")
        read_only_fields = fields


class BoothSerializer(serializers.ModelSerializer):
    price = NumberField()
    booking = serializers.SerializerMethodField()

    class Meta:
        model = Booth
        fields = ("id", "number", "left", "top", "width", "depth", "price", "booking")
        read_only_fields = fields

    def get_booking(self, booth) -> BoothBookingSerializer(allow_null=True):
        live = next(iter(getattr(booth, "live_bookings", ())), None)
        return BoothBookingSerializer(live).data if live else None


class ExhibitionSerializer(serializers.ModelSerializer):
    categories = serializers.SlugRelatedField(slug_field="code", many=True, read_only=True)

    class Meta:
        model = Exhibition
        fields = ("id", "park", "hall", "status", "categories", *Exhibition.PROFILE_FIELDS, "announced_at")
        read_only_fields = fields


class ExhibitionInput(serializers.ModelSerializer):
    categories = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, help_text="Codes of categories."
    )

    class Meta:
        model = Exhibition
        fields = ("categories", *Exhibition.PROFILE_FIELDS)
        extra_kwargs = {name: {"required": False} for name in ("opens", "closes", "meeting_minutes", "currency")}


class ManagedParkField(serializers.PrimaryKeyRelatedField):
    queryset = Park.objects.all()

    def get_queryset(self):
        return Park.objects.managed_by(self.context["request"].user).select_related("organisation")


class HallField(serializers.PrimaryKeyRelatedField):
    queryset = Facility.objects.all()

    def get_queryset(self):
        return Facility.objects.managed_by(self.context["request"].user).select_related("park__organisation")


class ExhibitionCreate(ExhibitionInput):
    park = ManagedParkField()
    hall = HallField()

    class Meta(ExhibitionInput.Meta):
        fields = ("park", "hall", *ExhibitionInput.Meta.fields)


class BoothInput(serializers.Serializer):
    number = serializers.CharField(max_length=10)
    left = serializers.DecimalField(max_digits=6, decimal_places=1, required=False)
    top = serializers.DecimalField(max_digits=6, decimal_places=1, required=False)
    width = serializers.DecimalField(max_digits=5, decimal_places=1, required=False)
    depth = serializers.DecimalField(max_digits=5, decimal_places=1, required=False)
    price = serializers.DecimalField(max_digits=18, decimal_places=2)


class BoothsInput(serializers.Serializer):
    booths = BoothInput(many=True)


class BoothBookingCreate(serializers.Serializer):
    organisation = OwnOrganisationField()
    listings = OwnListingField(many=True, required=False)


class ShownInput(serializers.Serializer):
    listings = OwnListingField(many=True)


class VisitSerializer(serializers.ModelSerializer):
    organisation = FirmBrief(read_only=True)

    class Meta:
        model = Visit
        fields = (
            "id",
            "exhibition",
            "organisation",
            "origin",
            "status",
            "demand",
            "supply",
            "score",
            "reasons",
            "created_at",
            "answered_at",
        )
        read_only_fields = fields


class ActingOrganisation(serializers.Serializer):
    organisation = OwnOrganisationField()


class VisitAnswer(serializers.Serializer):
    comes = serializers.BooleanField()


class MeetingSerializer(serializers.ModelSerializer):
    exhibitor = OrganisationBrief(read_only=True)
    visitor = OrganisationBrief(read_only=True)
    start = serializers.DateTimeField(source="slot.lower", read_only=True)
    end = serializers.DateTimeField(source="slot.upper", read_only=True)

    class Meta:
        model = Meeting
        fields = (
            "id",
            "exhibition",
            "exhibitor",
            "visitor",
            "start",
            "end",
            "subject",
            "status",
            "requested_for",
            "requested_at",
            "answered_at",
        )
        read_only_fields = fields


class MeetingCreate(serializers.Serializer):
    organisation = OwnOrganisationField()
    counterpart = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.approved())
    start = serializers.DateTimeField()
    subject = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class LeadSerializer(serializers.ModelSerializer):
    class Meta:
        model = Lead
        fields = (
            "id",
            "organisation",
            "exhibition",
            "firm",
            "supply",
            *Lead.NOTE_FIELDS,
            "status",
            "negotiation",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class LeadInput(serializers.ModelSerializer):
    supply = OwnListingField(required=False, allow_null=True)
    is_done = serializers.BooleanField(required=False, default=False)

    class Meta:
        model = Lead
        fields = (*Lead.NOTE_FIELDS, "supply", "is_done")
        extra_kwargs = {"interest": {"required": False}}


class VisibleExhibitionField(serializers.PrimaryKeyRelatedField):
    queryset = Exhibition.objects.all()

    def get_queryset(self):
        return Exhibition.objects.visible_to(self.context["request"].user)


class LeadCreate(serializers.ModelSerializer):
    organisation = OwnOrganisationField()
    exhibition = VisibleExhibitionField(required=False, allow_null=True)
    firm = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.approved(), required=False, allow_null=True)
    supply = OwnListingField(required=False, allow_null=True)

    class Meta:
        model = Lead
        fields = ("organisation", "exhibition", "firm", "supply", *Lead.NOTE_FIELDS)
        extra_kwargs = {"interest": {"required": False}}
        # The service says what is noted twice.
        validators = []


class LeadNegotiation(serializers.Serializer):
    negotiation = serializers.IntegerField()
