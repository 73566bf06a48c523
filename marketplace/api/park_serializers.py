"""How parks, facilities, bookings and fees look in the API."""

from rest_framework import serializers

from marketplace.api.fields import NumberField, OrganisationBrief
from marketplace.models import (
    Booking,
    Facility,
    FacilityClosure,
    FacilityHours,
    Fee,
    HandOver,
    Order,
    Organisation,
    Park,
    PriceItem,
    Statement,
    WaitingEntry,
)


class ParkSerializer(serializers.ModelSerializer):
    organisation = OrganisationBrief(read_only=True)

    class Meta:
        model = Park
        fields = ("id", "code", "organisation", *Park.PROFILE_FIELDS, "is_active")
        read_only_fields = fields


class ParkChange(serializers.ModelSerializer):
    class Meta:
        model = Park
        fields = (*Park.PROFILE_FIELDS, "is_active")
        extra_kwargs = {name: {"required": False} for name in fields}


class ParkCreate(serializers.ModelSerializer):
    organisation = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.all())
    # The service says whose it is: a check of uniqueness here would be a second rule.
    code = serializers.CharField(max_length=20)

    class Meta:
        model = Park
        fields = ("organisation", "code", *Park.PROFILE_FIELDS)


class ServiceSerializer(serializers.Serializer):
    code = serializers.CharField(max_length=40)
    zh = serializers.CharField(max_length=100, required=False, allow_blank=True)
    en = serializers.CharField(max_length=100, required=False, allow_blank=True)


class HoursSerializer(serializers.ModelSerializer):
    weekday = serializers.IntegerField(min_value=1, max_value=7, help_text="1: Monday.")

    class Meta:
        model = FacilityHours
        fields = ("weekday", "opens", "closes")


class PriceSerializer(serializers.ModelSerializer):
    price = NumberField()
    kind = serializers.CharField(read_only=True)

    class Meta:
        model = PriceItem
        fields = ("id", "kind", "per", "price", "currency", "valid_from", "valid_until")
        read_only_fields = fields


class PriceInput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=PriceItem.Kind.choices)
    per = serializers.CharField(max_length=20, help_text="slot, hour, day, or a unit: t, pallet, t·day …")
    price = serializers.DecimalField(max_digits=18, decimal_places=4)
    currency = serializers.CharField(max_length=3, required=False)
    valid_from = serializers.DateField(required=False)


class ClosureSerializer(serializers.ModelSerializer):
    start = serializers.DateTimeField(source="period.lower", read_only=True)
    end = serializers.DateTimeField(source="period.upper", read_only=True)

    class Meta:
        model = FacilityClosure
        fields = ("id", "start", "end", "reason")
        read_only_fields = fields


class ClosureInput(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    reason = serializers.CharField(max_length=200)


class FacilitySerializer(serializers.ModelSerializer):
    """A facility as lists show it; the park is given by its id."""

    capacity = NumberField(allow_null=True)
    weekly_quota = NumberField(allow_null=True)
    services = ServiceSerializer(many=True)
    kind = serializers.CharField(read_only=True)

    class Meta:
        model = Facility
        fields = ("id", "park", "code", *Facility.RULE_FIELDS, "revision")
        read_only_fields = fields


class FacilityDetailSerializer(FacilitySerializer):
    hours = HoursSerializer(many=True)
    closures = ClosureSerializer(many=True)
    prices = PriceSerializer(many=True)

    class Meta(FacilitySerializer.Meta):
        fields = (*FacilitySerializer.Meta.fields, "hours", "closures", "prices")
        read_only_fields = fields


class FacilityChange(serializers.ModelSerializer):
    services = ServiceSerializer(many=True, required=False)
    kind = serializers.ChoiceField(choices=Facility.Kind.choices, required=False)

    class Meta:
        model = Facility
        fields = Facility.RULE_FIELDS
        extra_kwargs = {name: {"required": False} for name in Facility.RULE_FIELDS}


class FacilityCreate(FacilityChange):
    code = serializers.CharField(max_length=20)
    kind = serializers.ChoiceField(choices=Facility.Kind.choices)

    class Meta(FacilityChange.Meta):
        fields = ("code", *Facility.RULE_FIELDS)


class ChargeSerializer(serializers.Serializer):
    quantity = NumberField()
    unit = serializers.CharField()
    unit_price = NumberField()
    amount = NumberField()
    currency = serializers.CharField()


class FacilityPlaceSerializer(serializers.ModelSerializer):
    park = ParkSerializer(read_only=True)
    kind = serializers.CharField(read_only=True)

    class Meta:
        model = Facility
        fields = ("id", "code", "name_zh", "name_en", "kind", "mode", "unit", "requires_approval", "park")
        read_only_fields = fields


class FreeWindowSerializer(serializers.Serializer):
    facility = FacilityPlaceSerializer()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    distance_km = serializers.SerializerMethodField()
    charges = ChargeSerializer(many=True)

    def get_distance_km(self, window) -> float | None:
        return None if window.distance_km is None else round(window.distance_km, 1)


class FreeQuery(serializers.Serializer):
    """What is looked for: so many minutes at any time between start and end."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    minutes = serializers.IntegerField(min_value=1)
    kind = serializers.ChoiceField(choices=Facility.Kind.choices, required=False)
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3, required=False)
    unit = serializers.CharField(max_length=20, required=False)
    near = serializers.CharField(max_length=100, required=False, help_text="A place by name or GB/T 2260 code.")
    within_km = serializers.FloatField(min_value=0, required=False)
    service = serializers.CharField(max_length=40, required=False)
    park = serializers.IntegerField(required=False)
    each = serializers.IntegerField(min_value=1, max_value=50, required=False, help_text="Windows per facility: 3.")


class BookingSerializer(serializers.ModelSerializer):
    start = serializers.DateTimeField(source="slot.lower", read_only=True)
    end = serializers.DateTimeField(source="slot.upper", read_only=True)
    quantity = NumberField(allow_null=True)
    facility = FacilityPlaceSerializer(read_only=True)
    organisation = OrganisationBrief(read_only=True)

    class Meta:
        model = Booking
        fields = (
            "id",
            "number",
            "facility",
            "organisation",
            "start",
            "end",
            "quantity",
            "unit",
            "order",
            "purpose",
            "status",
            "held_until",
            "booked_at",
            "decided_at",
            "note",
            "started_at",
            "ended_at",
            "revision",
        )
        read_only_fields = fields


class TradingOrganisationField(serializers.PrimaryKeyRelatedField):
    """An organisation by its id; whether the reader may act for it is the service's to say."""

    queryset = Organisation.objects.all()

    def get_queryset(self):
        return Organisation.objects.visible_to(self.context["request"].user)


class OwnOrderField(serializers.PrimaryKeyRelatedField):
    queryset = Order.objects.all()

    def get_queryset(self):
        return Order.objects.visible_to(self.context["request"].user)


class VisibleFacilityField(serializers.PrimaryKeyRelatedField):
    queryset = Facility.objects.all()

    def get_queryset(self):
        return Facility.objects.visible_to(self.context["request"].user)


class BookingCreate(serializers.Serializer):
    facility = VisibleFacilityField()
    organisation = TradingOrganisationField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3, required=False)
    unit = serializers.CharField(max_length=20, required=False)
    order = OwnOrderField(required=False)
    purpose = serializers.CharField(max_length=300, required=False)


class BookingMove(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3, required=False)
    unit = serializers.CharField(max_length=20, required=False)


class BookingNote(serializers.Serializer):
    note = serializers.CharField(max_length=300, required=False, default="")


class WaitingSerializer(serializers.ModelSerializer):
    start = serializers.DateTimeField(source="window.lower", read_only=True)
    end = serializers.DateTimeField(source="window.upper", read_only=True)
    quantity = NumberField(allow_null=True)
    held_booking = serializers.SerializerMethodField(help_text="Id of the booking that is held for it.")

    class Meta:
        model = WaitingEntry
        fields = (
            "id",
            "facility",
            "organisation",
            "start",
            "end",
            "minutes",
            "quantity",
            "unit",
            "order",
            "purpose",
            "status",
            "created_at",
            "held_booking",
        )
        read_only_fields = fields

    def get_held_booking(self, entry) -> int | None:
        return next((one.pk for one in entry.offers.all() if one.status == Booking.Status.HELD), None)


class WaitingCreate(BookingCreate):
    minutes = serializers.IntegerField(min_value=1)


class HandOverSerializer(serializers.ModelSerializer):
    class Meta:
        model = HandOver
        fields = ("id", "booking", "from_organisation", "to_organisation", "status", "offered_at", "expires_at")
        read_only_fields = fields


class HandOverCreate(serializers.Serializer):
    organisation = TradingOrganisationField(help_text="To whom the booking is offered.")


class FeeSerializer(serializers.ModelSerializer):
    quantity = NumberField()
    unit_price = NumberField()
    amount = NumberField()
    kind = serializers.CharField(read_only=True)

    class Meta:
        model = Fee
        fields = (
            "id",
            "park",
            "organisation",
            "facility",
            "booking",
            "kind",
            "note",
            "quantity",
            "unit",
            "unit_price",
            "amount",
            "currency",
            "accrued_on",
            "statement",
        )
        read_only_fields = fields


class StatementSerializer(serializers.ModelSerializer):
    total = NumberField()

    class Meta:
        model = Statement
        fields = ("id", "number", "park", "organisation", "month", "currency", "total", "issued_at")
        read_only_fields = fields


class StatementDetailSerializer(StatementSerializer):
    lines = FeeSerializer(many=True, source="fees")

    class Meta(StatementSerializer.Meta):
        fields = (*StatementSerializer.Meta.fields, "lines")
        read_only_fields = fields


class StatementIssue(serializers.Serializer):
    month = serializers.DateField(help_text="Any day of the month that is to be billed.")


class FeeAdjust(serializers.Serializer):
    organisation = TradingOrganisationField()
    amount = serializers.DecimalField(max_digits=18, decimal_places=2, help_text="Negative: a credit.")
    note = serializers.CharField(max_length=200)
    key = serializers.CharField(max_length=60, help_text="Names the adjustment: sent again, it charges nothing twice.")
    currency = serializers.CharField(max_length=3, required=False)
