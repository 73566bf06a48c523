from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models import ReconciliationBreak
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Organisation


class BankFileForm(ShowsRefusals):
    bank = forms.ModelChoiceField(label=_("Bank"), queryset=Organisation.objects.none())
    file = forms.FileField(
        label=_("File"), allow_empty_file=True, help_text=_("CSV or XLSX; the template names the columns.")
    )

    def __init__(self, *args, banks, **options):
        super().__init__(*args, **options)
        self.fields["bank"].queryset = banks
        self.fields["bank"].initial = banks.first()
        if len(banks) == 1:
            self.fields["bank"].widget = forms.HiddenInput()


class SettleBreakForm(ShowsRefusals):
    resolution = forms.ChoiceField(
        label=_("How it was settled"),
        choices=[(one.value, one.label) for one in ReconciliationBreak.CHOOSABLE],
    )
    note = forms.CharField(label=_("Note"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
