"""What a listing looks like in the API, coming and going."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from rest_framework import serializers

from marketplace.api.fields import FirmBrief, NumberField, find_organisation
from marketplace.models import Category, Listing, ListingCertificate, Membership, Organisation
from marketplace.models.disclosure import Reader

# What only the organisation itself is shown.
PRIVATE = ("external_id", "audience", "readings", "created_by")


class CertificateSerializer(serializers.ModelSerializer):
    class Meta:
        model = ListingCertificate
        fields = ("code", "issuer", "number", "expires_on")


class ListingReadingSerializer(serializers.Serializer):
    """What was read out of the text: the field, its value, where it stands, and how it was understood."""

    field = serializers.CharField()
    value = serializers.JSONField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    zh = serializers.CharField()
    en = serializers.CharField()
    is_ambiguous = serializers.BooleanField()


class ListingSerializer(serializers.ModelSerializer):
    organisation = FirmBrief()
    category = serializers.CharField(source="category.code", default=None)
    category_zh = serializers.CharField(source="category.name_zh", default=None)
    category_en = serializers.CharField(source="category.name_en", default=None)
    quantity = NumberField()
    minimum_order = NumberField()
    price_min = NumberField()
    price_max = NumberField()
    certificates = CertificateSerializer(many=True)
    readings = ListingReadingSerializer(many=True)
    created_by = serializers.CharField(source="created_by.username")

    class Meta:
        model = Listing
        fields = (
            "id",
            "organisation",
            "external_id",
            "side",
            "kind",
            "category",
            "category_zh",
            "category_en",
            "title",
            "title_zh",
            "title_en",
            "text",
            "text_zh",
            "text_en",
            "attributes",
            "quantity",
            "unit",
            "minimum_order",
            "price_min",
            "price_max",
            "price_unit",
            "currency",
            "region",
            "delivery_regions",
            "window_start",
            "window_end",
            "lead_days",
            "certificates",
            "required_certificates",
            "visibility",
            "audience",
            "status",
            "expires_at",
            "readings",
            "revision",
            "created_by",
            "created_at",
            "updated_at",
            "published_at",
        )
        read_only_fields = fields

    def to_representation(self, listing):
        shown = super().to_representation(listing)
        if listing.organisation_id not in self._mine():
            for name in PRIVATE:
                shown.pop(name)
            request = self.context.get("request")
            if request is None or not Reader.behind(request).sees_documents(listing.organisation):
                # That it has the certificate is said; its number opens with the documents.
                shown["certificates"] = [{**one, "number": ""} for one in shown["certificates"]]
        return shown

    def _mine(self) -> set[int]:
        """Return the reader's organisations, asked for once however many listings are shown."""
        if "mine" not in self.context:
            mine = Organisation.objects.of(self.context["request"].user)
            self.context["mine"] = set(mine.values_list("pk", flat=True))
        return self.context["mine"]


class ListingInput(serializers.Serializer):
    """What is said of a listing; a text is enough, what is missing is read out of it.

    The service checks the fields, the same for pages, files and this API: here they are only named.
    """

    side = serializers.ChoiceField(Listing.Side.choices, required=False)
    kind = serializers.ChoiceField(Category.Kind.choices, required=False)
    category = serializers.CharField(required=False, help_text="Code, or name in Chinese or English.")
    title = serializers.CharField(required=False, help_text="In either language; missing: the text's first sentence.")
    title_zh = serializers.CharField(required=False)
    title_en = serializers.CharField(required=False)
    text = serializers.CharField(required=False, help_text="In either language.")
    text_zh = serializers.CharField(required=False)
    text_en = serializers.CharField(required=False)
    attributes = serializers.DictField(
        required=False, help_text='By the category\'s schema; {"value": 2, "unit": "in"} and "2 in" are converted.'
    )
    quantity = serializers.FloatField(required=False)
    unit = serializers.CharField(required=False)
    minimum_order = serializers.FloatField(required=False)
    price_min = serializers.FloatField(required=False)
    price_max = serializers.FloatField(required=False)
    price_unit = serializers.CharField(required=False)
    currency = serializers.CharField(required=False, help_text="ISO 4217.")
    region = serializers.CharField(required=False, help_text="GB/T 2260 code or a name.")
    delivery_regions = serializers.ListField(child=serializers.CharField(), required=False)
    window_start = serializers.DateField(required=False)
    window_end = serializers.DateField(required=False)
    lead_days = serializers.IntegerField(required=False)
    certificates = CertificateSerializer(many=True, required=False)
    required_certificates = serializers.ListField(child=serializers.CharField(), required=False)
    visibility = serializers.ChoiceField(Listing.Visibility.choices, required=False)
    audience = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Organisations by id or USCC, for visibility named."
    )
    expires_at = serializers.DateTimeField(required=False)

    def to_internal_value(self, data):
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        # A form's data holds lists; the API takes JSON, where a value is what it is.
        fields = data.dict() if hasattr(data, "dict") else dict(data)
        return self.split(fields)

    def split(self, fields: dict) -> dict:
        return {"fields": fields}


class ListingCreate(ListingInput):
    organisation = serializers.CharField(
        required=False, help_text="Id or USCC; may be missing where you trade for exactly one."
    )
    external_id = serializers.CharField(required=False, help_text="Your own system's number; unique per organisation.")
    publish = serializers.BooleanField(default=True, help_text="False keeps a draft.")

    def split(self, fields: dict) -> dict:
        publish = fields.pop("publish", True)
        if not isinstance(publish, bool):
            raise serializers.ValidationError({"publish": [_("Must be true or false.")]})
        organisation = self.find_organisation(fields.pop("organisation", None))
        return {"organisation": organisation, "publish": publish, "fields": fields}

    def find_organisation(self, said) -> Organisation:
        mine = Organisation.objects.of(self.context["request"].user, *Membership.TRADING_ROLES)
        if said not in (None, ""):
            if found := find_organisation(mine, said):
                return found
            raise serializers.ValidationError(
                {"organisation": [_("You trade for no organisation of this id or code.")]}
            )
        few = list(mine[:2])
        if len(few) == 1:
            return few[0]
        message = _("Say for which organisation.") if few else _("You trade for no organisation yet: register one.")
        raise serializers.ValidationError({"organisation": [message]})


class ListingChange(ListingInput):
    external_id = serializers.CharField(required=False)
    revision = serializers.IntegerField(
        required=False, help_text="The revision you have read; if it is no longer the present one, nothing is changed."
    )

    def split(self, fields: dict) -> dict:
        revision = fields.pop("revision", None)
        if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
            raise serializers.ValidationError({"revision": [_("Must be a whole number.")]})
        return {"revision": revision, "changes": fields}


class DraftSerializer(serializers.Serializer):
    """What would be posted: the values said and read, how they were read, and what is wrong with them."""

    values = serializers.DictField()
    readings = ListingReadingSerializer(many=True)
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
