from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import FulfilmentEvent

# What a board records at one click; everything else is asked for first.
QUICK_KINDS = (FulfilmentEvent.Kind.ARRIVED, FulfilmentEvent.Kind.HANDED_OVER)


class StockSearchForm(forms.Form):
    """What to find in the stock of a park."""

    q = forms.CharField(label=_("Lot, shipment, plate, owner or goods"), required=False, max_length=100)
    warehouse = forms.TypedChoiceField(label=_("Warehouse"), required=False, coerce=int, empty_value=None)

    def __init__(self, *args, warehouses, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["warehouse"].choices = [("", _("All")), *((one.pk, one.name) for one in warehouses)]


class CountForm(ShowsRefusals):
    quantity = forms.DecimalField(label=_("Counted"), min_value=0, max_digits=18, decimal_places=3)
    reason = forms.CharField(label=_("Why it differs"), max_length=300, required=False)


class QuickScanForm(forms.Form):
    """A scan by a click on the board: what it is of, which kind, and the key by which it counts once."""

    token = forms.CharField(max_length=40)
    kind = forms.ChoiceField(choices=[(kind, kind.label) for kind in QUICK_KINDS])
    key = forms.UUIDField()


class ChoiceForm(forms.Form):
    """What a person decides on a scan that does not fit."""

    choice = forms.ChoiceField(choices=[("apply", _("Apply now")), ("drop", _("Drop"))])
