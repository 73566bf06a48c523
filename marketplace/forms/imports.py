from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import ListingImport


class ImportForm(ShowsRefusals):
    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=None, empty_label=None)
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # the service says it is empty, as it does for the API
        help_text=_("CSV (UTF-8 or GB18030) or XLSX, up to 20 MB; headings in Chinese or English."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )
    mode = forms.ChoiceField(
        label=_("If rows are bad"),
        choices=ListingImport.Mode.choices,
        initial=ListingImport.Mode.GOOD_ROWS,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args, organisations, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
