from datetime import timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models import DataGroup, Purpose
from finance.models.consent import FOR_REVIEW, LONGEST_CONSENT, readers_to_choose
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Organisation

USUAL_DAYS = 365


class ConsentForm(ShowsRefusals):
    """Whom a firm lets read what, why and how long; the service checks it."""

    field_of = {"valid_until": "days"}

    firm = forms.ModelChoiceField(label=_("Firm"), queryset=Organisation.objects.none())
    reader = forms.ModelChoiceField(label=_("Who may read"), queryset=Organisation.objects.none())
    purpose = forms.ChoiceField(label=_("Purpose"), choices=Purpose.choices)
    groups = forms.MultipleChoiceField(
        label=_("Data"), choices=DataGroup.choices, widget=forms.CheckboxSelectMultiple, initial=FOR_REVIEW
    )
    days = forms.IntegerField(
        label=_("For how many days"),
        min_value=1,
        max_value=LONGEST_CONSENT.days,
        initial=USUAL_DAYS,
        help_text=_("You can withdraw it at any time."),
    )

    def __init__(self, *args, firms, **options):
        super().__init__(*args, **options)
        self.fields["firm"].queryset = firms
        self.fields["firm"].initial = firms.first()
        self.fields["reader"].queryset = readers_to_choose(firms.first())

    def said(self, now) -> dict:
        """Return what the service takes."""
        fields = dict(self.cleaned_data)
        return fields | {"valid_until": now + timedelta(days=fields.pop("days"))}
