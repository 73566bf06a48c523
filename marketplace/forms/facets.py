from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms.listings import category_choices
from marketplace.models import Category, Listing

ORDERS = [
    ("-published_at", _("newest first")),
    ("price_min", _("lowest price first")),
    ("-quantity", _("largest quantity first")),
]


class FacetForm(forms.Form):
    """What the market page offers to choose by, with what is chosen; the filter itself reads the same names."""

    q = forms.CharField(label=_("Words"), required=False, widget=forms.TextInput(attrs={"type": "search"}))
    side = forms.ChoiceField(
        label=_("Side"), choices=[("", _("Both")), *Listing.Side.choices], required=False, widget=forms.RadioSelect
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", "—"), *Category.Kind.choices], required=False)
    region = forms.CharField(label=_("Region"), required=False, widget=forms.TextInput(attrs={"list": "places"}))
    price_min = forms.CharField(
        label=_("Price from"), required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    price_max = forms.CharField(
        label=_("Price to"), required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    ordering = forms.ChoiceField(label=_("Order"), choices=ORDERS, required=False)
    cluster = forms.CharField(required=False, widget=forms.HiddenInput)
    organisation = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["category"].choices = category_choices(of_parent=_("%(name)s: all"))
