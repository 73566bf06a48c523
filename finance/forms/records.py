from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models import RecordKind
from marketplace.forms.refusal import ShowsRefusals


class RecordImportForm(ShowsRefusals):
    """A file of records, whose and of what kind; the service checks it."""

    organisation = forms.ModelChoiceField(label=_("Firm"), queryset=None, empty_label=None)
    kind = forms.ChoiceField(label=_("What the file holds"), choices=RecordKind.choices)
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # the service says it is empty, as it does for the API
        help_text=_("CSV (UTF-8 or GB18030, also .gz), XLSX, or one electronic invoice as XML; up to 64 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.gz,.tsv,.txt,.xlsx,.xml"}),
    )
    firm_code = forms.CharField(
        label=_("Firm's code in the file"),
        required=False,
        max_length=60,
        help_text=_("Only where the file holds rows of several firms."),
    )

    def __init__(self, *args, organisations, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
