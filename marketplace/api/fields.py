"""How values look that the API takes and gives."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.models import Organisation
from marketplace.models.disclosure import Reader


@extend_schema_field({"type": "number"})
class NumberField(serializers.Field):
    """A number kept with decimal places, given as JSON has it: 500, 98.5."""

    def to_representation(self, value):
        return int(value) if value == value.to_integral() else float(value)


class OrganisationBrief(serializers.ModelSerializer):
    class Meta:
        model = Organisation
        fields = ("id", "uscc", "name_zh", "name_en", "region", "state")
        read_only_fields = fields


class FirmBrief(OrganisationBrief):
    """A firm as the reader may know it: without id and code, and called by its city, where it hides its name."""

    id = serializers.IntegerField(allow_null=True)
    uscc = serializers.CharField(allow_null=True)

    def to_representation(self, instance):
        shown = super().to_representation(instance)
        request = self.context.get("request")
        return shown | Reader.behind(request).brief_of(instance) if request is not None else shown


def checked(serializer_class, request) -> dict:
    """Return what the request says, or answer 400."""
    serializer = serializer_class(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def find_organisation(organisations, said):
    """Return the organisation of this id or USCC among those given, or None."""
    text = str(said).strip()
    if text.isdigit() and len(text) < 18:
        return organisations.filter(pk=int(text)).first()
    return organisations.filter(uscc=text.upper()).first()
