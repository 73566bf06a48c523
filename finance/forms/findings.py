from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models.finding import LONGEST_EXPLANATION
from marketplace.forms.refusal import ShowsRefusals


class ExplanationForm(ShowsRefusals):
    """What a firm says to a finding; the service checks it."""

    field_of = {"file": "upload"}

    text = forms.CharField(
        label=_("Your explanation"), max_length=LONGEST_EXPLANATION, widget=forms.Textarea(attrs={"rows": 4})
    )
    upload = forms.FileField(
        label=_("File"),
        required=False,
        allow_empty_file=True,
        help_text=_("Such as a contract, a delivery note or a statement."),
    )
