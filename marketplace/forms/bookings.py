from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from marketplace.forms.moments import MomentField
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Facility, Order, Organisation
from marketplace.parsing.units import canonical_unit

DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}


class UnitField(forms.CharField):
    """Take a unit however it is spelled, give its token."""

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return ""
        unit = canonical_unit(text)
        if unit is None:
            raise ValidationError(gettext("Nobody here knows this unit."))
        return unit


def quantity_field(**options) -> forms.DecimalField:
    return forms.DecimalField(
        label=_("Quantity"),
        max_digits=18,
        decimal_places=3,
        required=False,
        widget=forms.NumberInput(attrs=DECIMAL | {"step": "any", "min": "0"}),
        **options,
    )


class BookingForm(ShowsRefusals):
    """In whose name, when, how much, what for; the organisations are those the user may book for."""

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=Organisation.objects.none())
    start = MomentField(label=_("From"))
    end = MomentField(label=_("Until"))
    quantity = quantity_field()
    unit = UnitField(label=_("Unit"), max_length=20, required=False)
    order = forms.ModelChoiceField(label=_("For the order"), queryset=Order.objects.none(), required=False)
    purpose = forms.CharField(label=_("Purpose"), max_length=300, required=False)

    def __init__(self, *args, facility: Facility, organisations, orders, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
        self.fields["organisation"].empty_label = None
        self.fields["order"].queryset = orders
        self.fields["quantity"].required = facility.shares_capacity
        self.fields["unit"].initial = facility.unit
        if not facility.unit:
            del self.fields["quantity"], self.fields["unit"]


class WaitForm(BookingForm):
    """As a booking, and how long it takes: the times say within what."""

    minutes = forms.IntegerField(label=_("Minutes"), min_value=1)

    def __init__(self, *args, facility: Facility, **options):
        super().__init__(*args, facility=facility, **options)
        self.fields["start"].label, self.fields["end"].label = _("Not before"), _("Done by")
        self.fields["minutes"].initial = facility.slot_minutes


class MoveForm(ShowsRefusals):
    start = MomentField(label=_("From"))
    end = MomentField(label=_("Until"))
    quantity = quantity_field()

    def __init__(self, *args, facility: Facility, **options):
        super().__init__(*args, **options)
        if not facility.unit:
            del self.fields["quantity"]


class NoteForm(ShowsRefusals):
    note = forms.CharField(label=_("Note"), max_length=300, required=False)


class HandOverForm(ShowsRefusals):
    """To whom a booking is offered, by name or credit code."""

    organisation = forms.CharField(
        label=_("Firm"), max_length=200, help_text=_("Its whole name, or its unified social credit code.")
    )

    def clean_organisation(self):
        said = self.cleaned_data["organisation"].strip()
        named = Q(name_zh=said) | Q(name_en__iexact=said) | Q(uscc=said.upper())
        found = list(Organisation.objects.approved().filter(named)[:2])
        if len(found) != 1:
            raise ValidationError(_("No one firm has this name or code."))
        return found[0]


class FreeForm(ShowsRefusals):
    """When and where something is free."""

    kind = forms.ChoiceField(
        label=_("Kind of facility"), choices=[("", _("any facility")), *Facility.Kind.choices], required=False
    )
    start = MomentField(label=_("From"))
    end = MomentField(label=_("Until"))
    hours = forms.DecimalField(
        label=_("Hours"), max_digits=7, decimal_places=2, min_value=Decimal("0.1"), initial=1,
        widget=forms.NumberInput(attrs=DECIMAL | {"step": "any", "min": "0"}),
    )  # fmt: skip
    quantity = quantity_field()
    unit = UnitField(label=_("Unit"), max_length=20, required=False)
    near = forms.CharField(
        label=_("Near"), max_length=100, required=False, widget=forms.TextInput(attrs={"list": "places"})
    )
    within_km = forms.IntegerField(label=_("Within km"), min_value=1, required=False)
    service = forms.ChoiceField(label=_("Service"), required=False)
    organisation = forms.ModelChoiceField(
        label=pgettext_lazy("whom", "For"),
        queryset=Organisation.objects.none(),
        required=False,
        empty_label=_("anybody"),
    )
    field_of = {"minutes": "hours"}

    def __init__(self, *args, organisations, services, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
        self.fields["service"].choices = [("", _("any")), *services]
