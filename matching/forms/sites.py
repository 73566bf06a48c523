from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.forms.attributes import attribute_field, attribute_value
from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.regions import RegionField
from marketplace.models import Category
from marketplace.templatetags.market import unit_symbol
from matching.forms.leads import industry_choices
from matching.ranking.site_rows import GROUPS, MOST_COMPARED, group_of, kinds_of_places

ATTRIBUTE = "attributes_"
# What firms ask for most; the rest of a group unfolds.
MOST_USED = (
    "structure",
    "cleanroom",
    "temperature_low",
    "type",
    "height",
    "floor_load",
    "crane",
    "docks",
    "divisible_from",
    "land_area",
    "plot_ratio",
    "power",
    "power_feeds",
    "steam_flow",
    "gas_supply",
    "water_supply",
    "fire",
    "eia_status",
    "chemical_park",
    "voc_permit",
    "wastewater_permit",
    "km_motorway",
    "km_port",
    "km_rail",
    "km_airport",
    "property_fee",
    "lease",
    "ready_in",
    "tax_incentive",
    "dormitory",
    "workers",
    "wage",
    "leading_trade",
    "testing_lab",
)
LABELS = {
    "place": _("Place and area"),
    "building": _("Building"),
    "energy": _("Energy and water"),
    "environment": _("Environment and safety"),
    "transport": _("Transport"),
    "cost": _("Cost and terms"),
    "people": _("People and neighbours"),
}
# Who has not said anything begins here.
OPEN_AT_FIRST = ("place", "building", "cost")
OWN_FIELDS = {"place": ("region", "quantity"), "cost": ("price_max",), "people": ("industry",)}


def _number(label, help_text="") -> forms.CharField:
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.CharField(label=label, required=False, help_text=help_text, max_length=40, widget=widget)


class SiteForm(ShowsRefusals):
    """What a firm asks of a place to work in: a sentence, a form, or both; what the form says counts more."""

    hides_optional = True
    # The page asks by short names; the service has those of a listing.
    field_of = {"text": "q"}

    q = forms.CharField(
        label=_("Describe the place"),
        required=False,
        max_length=2000,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": _("For example: single-storey workshop in Taizhou, 5000 m2, clear height 9 m"),
            }
        ),
    )
    category = forms.ChoiceField(label=_("Kind of place"), required=False)
    region = RegionField(label=_("Where"), required=False)
    quantity = _number(_("Area at least"))
    price_max = _number(_("Rent or price at most"))
    industry = forms.ChoiceField(
        label=_("Your industry"),
        required=False,
        help_text=_("Says whose suppliers and buyers are counted as neighbours."),
    )
    compare = forms.TypedMultipleChoiceField(coerce=int, required=False, widget=forms.MultipleHiddenInput)

    def __init__(self, data=None, *, industry: str = "", **options):
        super().__init__(data, **options)
        language = 1 if get_language() == "en" else 0
        choices = [
            (spec.code, (spec.name_zh, spec.name_en)[language])
            for spec in kinds_of_places(Category.objects.catalogue())
        ]
        self.fields["category"].choices = [("", _("Read from the sentence")), *choices]
        self.fields["industry"].choices = [("", _("As my firm's")), *industry_choices()]
        chosen = data.getlist("compare") if data is not None else []
        self.fields["compare"].choices = [(pk, pk) for pk in chosen if pk.isdecimal() and len(pk) < 18]
        category = Category.objects.catalogue().get(self["category"].value() or "")
        # Before a kind is chosen the form asks what is asked of most places.
        spec = category or Category.objects.catalogue().get("space.workshop")
        self.schema: Mapping[str, Mapping] = spec.attributes if spec else {}
        for key, rules in self.schema.items():
            self.fields[ATTRIBUTE + key] = attribute_field(key, rules)
        if spec:
            self.fields["quantity"].unit = unit_symbol(spec.unit)

    def groups(self) -> Iterator[dict[str, Any]]:
        """Yield each group with its most used fields and the rest, and what of it stands open: what was said."""
        for group in GROUPS:
            keys = [key for key, rules in self.schema.items() if group_of(rules) == group]
            first = [self[name] for name in OWN_FIELDS.get(group, ())]
            # The database keeps no order of a schema's keys.
            first += [self[ATTRIBUTE + key] for key in MOST_USED if key in keys]
            rest = [self[ATTRIBUTE + key] for key in sorted(keys) if key not in MOST_USED]
            if first or rest:
                is_rest_open = any(field.value() or field.errors for field in rest)
                is_first_said = any(field.value() or field.errors for field in first)
                yield {
                    "label": LABELS[group],
                    "first": first,
                    "rest": rest,
                    "is_rest_open": is_rest_open,
                    "is_open": is_rest_open or is_first_said or (not self.is_bound and group in OPEN_AT_FIRST),
                }

    def wanted(self) -> dict[str, Any]:
        """Return the fields as the service takes them."""
        said = self.cleaned_data
        attributes = {
            key: attribute_value(said[ATTRIBUTE + key], rules)
            for key, rules in self.schema.items()
            if said.get(ATTRIBUTE + key) not in (None, "", [])
        }
        fields = {name: said[name] for name in ("category", "region", "quantity", "price_max")}
        return {**fields, "text": said["q"], "attributes": attributes}

    @property
    def compared(self) -> list[int]:
        return self.cleaned_data.get("compare") or []

    @property
    def most_compared(self) -> int:
        return MOST_COMPARED
