"""Places as people write them; what is kept are codes of GB/T 2260."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from marketplace.parsing.places import find_place
from marketplace.parsing.regions import place_name, regions


def place_text(code: str) -> str:
    """Return a name that is read back as this place, else the code: some counties are called as their city is."""
    name = place_name(code, get_language() or "zh").replace(", ", " ")
    return name if find_place(name) == code else code


class RegionField(forms.CharField):
    """Show a place by its name, take a name or a code, give the code."""

    def __init__(self, **options):
        widget = forms.TextInput(attrs={"list": "places", "autocomplete": "off"})
        super().__init__(max_length=100, widget=widget, **options)

    def prepare_value(self, value):
        return place_text(value) if isinstance(value, str) and value in regions() else value

    def clean(self, value):
        name = super().clean(value)
        if not name:
            return ""
        code = find_place(name)
        if code is None:
            raise ValidationError(_("No place has this name or code: try the city or the province."))
        return code
