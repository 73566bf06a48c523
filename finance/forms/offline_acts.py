from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from finance.models import OfflineAct
from marketplace.forms.refusal import ShowsRefusals


class RecordActForm(ShowsRefusals):
    """The evidence that an act was done; the service checks it."""

    reference = forms.CharField(
        label=_("Reference"),
        max_length=OfflineAct.LONGEST_REFERENCE,
        help_text=_("Number of the contract, the registration, the letter or the payment."),
    )
    occurred_on = forms.DateField(label=_("Done on"), widget=forms.DateInput(attrs={"type": "date"}))
    amount = forms.DecimalField(label=_("Amount"), max_digits=18, decimal_places=2, required=False)
    file = forms.FileField(label=_("Paper"), required=False, allow_empty_file=True)
    note = forms.CharField(label=_("Note"), max_length=OfflineAct.LONGEST_NOTE, required=False, widget=forms.Textarea)

    def __init__(self, *args, act: OfflineAct, **options):
        initial = {"occurred_on": timezone.localdate(), "amount": act.expected_amount}
        super().__init__(*args, initial=initial, **options)
        if act.kind not in OfflineAct.OF_MONEY:
            del self.fields["amount"]
        self.fields["file"].help_text = (
            _("The signed paper, scanned or photographed.") if act.is_on_paper else _("If there is one.")
        )

    def said(self) -> dict:
        """Return what the service takes besides the file."""
        return {name: value for name, value in self.cleaned_data.items() if name != "file"}


class RefuseActForm(ShowsRefusals):
    reason = forms.CharField(label=_("What is wrong"), max_length=500, widget=forms.Textarea)
