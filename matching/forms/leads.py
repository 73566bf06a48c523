from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.regions import RegionField
from marketplace.parsing.industries import industries
from matching.leads.filtering import EVERYBODY, LeadFilter, region_start
from matching.models import BuildingProject, LeadContact


def industry_choices() -> list[tuple[str, str]]:
    """Return the industries of two digits with their names."""
    return [
        (code, f"{code} {name}") for code, name in sorted(industries().items()) if len(code) == 2 and code.isdigit()
    ]


class LeadFilterForm(forms.Form):
    """What a list of leads is narrowed to."""

    kind = forms.ChoiceField(
        label=_("Who"),
        choices=[("", _("Firms and projects")), ("firm", _("Firms")), ("project", _("Building projects"))],
        required=False,
    )
    industry = forms.ChoiceField(label=_("Industry"), required=False)
    region = RegionField(label=_("Region"), required=False)
    stage = forms.ChoiceField(
        label=_("Project stage"), choices=[("", _("Any")), *BuildingProject.Stage.choices[:-1]], required=False
    )
    least_score = forms.FloatField(label=_("Points from"), required=False, min_value=0, max_value=100)
    state = forms.ChoiceField(
        label=_("Contacted before"),
        choices=[("", _("All")), ("new", _("Not yet contacted")), ("contacted", _("Contacted")), ("lost", _("Lost"))],
        required=False,
    )

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["industry"].choices = [("", _("Any")), *industry_choices()]

    def wanted(self) -> LeadFilter:
        """Return what was chosen; where the form is wrong, nothing."""
        if not self.is_valid():
            return EVERYBODY
        said = self.cleaned_data
        return LeadFilter(
            kind=said["kind"],
            industry=said["industry"],
            region=region_start(said["region"]),
            stage=said["stage"],
            least_score=said["least_score"] or 0.0,
            state=said["state"],
        )


class LeadContactForm(ShowsRefusals):
    """What came of a call."""

    outcome = forms.ChoiceField(
        label=_("What came of it"), choices=LeadContact.Outcome.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(label=_("Note"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


class ProjectImportForm(ShowsRefusals):
    """A file of building projects, and for whom they are."""

    organisation = forms.ModelChoiceField(label=_("Who sees them"), queryset=None, required=False)
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        help_text=_("CSV (UTF-8 or GB18030) or XLSX, up to 20 MB; headings in Chinese or English."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )

    def __init__(self, *args, organisations, may_share: bool, **options):
        super().__init__(*args, **options)
        field = self.fields["organisation"]
        field.queryset, field.required = organisations, not may_share
        field.empty_label = _("Everybody") if may_share else None


class ProjectFilterForm(forms.Form):
    """What the list of building projects is narrowed to."""

    q = forms.CharField(
        label=_("Words"), required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"})
    )
    region = RegionField(label=_("Region"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", _("Any")), *BuildingProject.Kind.choices], required=False)
    stage = forms.ChoiceField(
        label=_("Stage"), choices=[("", _("Any")), *BuildingProject.Stage.choices], required=False
    )
    own = forms.BooleanField(label=_("Only those we brought"), required=False)
