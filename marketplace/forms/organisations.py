from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.regions import RegionField
from marketplace.models import Membership, Organisation, Report
from marketplace.parsing.industries import industries


class OrganisationForm(ShowsRefusals):
    """What an organisation says of itself; the service checks identifiers by their registers' rules."""

    def __init__(self, *args, with_kind: bool = False, **options):
        super().__init__(*args, **options)
        names = ["kind", *Organisation.PROFILE_FIELDS] if with_kind else Organisation.PROFILE_FIELDS
        texts = {name: forms.Textarea(attrs={"rows": 4}) for name in ("about_zh", "about_en")}
        chosen = [name for name in names if name not in ("uscc", "region", "website")]
        self.fields.update(forms.fields_for_model(Organisation, chosen, widgets=texts))
        # Longer than the code itself: people paste it with spaces.
        self.fields["uscc"] = forms.CharField(
            label=_("Unified social credit code"),
            max_length=40,
            required=False,
            help_text=_("18 characters, as on the business licence."),
            widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "characters"}),
        )
        self.fields["foreign_identifier"].help_text = _("For a firm from outside mainland China.")
        self.fields["region"] = RegionField(label=_("Region"), required=False)
        self.fields["website"] = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
        self.fields["industry"].help_text = _("GB/T 4754 class, for example 3443.")
        self.fields["industry"].widget.attrs.update(list="industries")

    def industries(self) -> list[tuple[str, str]]:
        """Return the classes of manufacturing to choose from as one types; others may be typed as well."""
        return [(code, name) for code, name in industries().items() if len(code) == 4 and "13" <= code[:2] <= "43"]


class InvitationForm(ShowsRefusals):
    email = forms.EmailField(label=_("E-mail"))
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args, organisation: Organisation, **options):
        super().__init__(*args, **options)
        self.fields["role"].choices = role_choices(organisation)
        self.fields["role"].initial = Membership.Role.TRADER


class RoleForm(ShowsRefusals):
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args, organisation: Organisation, **options):
        super().__init__(*args, **options)
        self.fields["role"].choices = role_choices(organisation)


class ApprovalLimitForm(ShowsRefusals):
    # A text, not a number: 50,000 and 5 万 are numbers too.
    approval_limit = forms.CharField(
        label=_("Approval limit (CNY)"),
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": "10"}),
    )


def role_choices(organisation: Organisation) -> list[tuple[str, str]]:
    return [(role, Membership.Role(role).label) for role in Membership.ROLES[organisation.kind]]


class ContestForm(ShowsRefusals):
    evidence = forms.CharField(
        label=_("Why is it your firm?"),
        max_length=4000,
        help_text=_("Licence number and date, the firm's website or telephone where the operator can ask for you."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )


class ReportForm(ShowsRefusals):
    reason = forms.ChoiceField(label=_("Reason"), choices=Report.Reason.choices)
    text = forms.CharField(label=_("What happened?"), max_length=4000, widget=forms.Textarea(attrs={"rows": 6}))


class ActingFor(ShowsRefusals):
    """In whose name a person acts who is a member of several organisations."""

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=Organisation.objects.none())

    def __init__(self, *args, organisations, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
        self.fields["organisation"].empty_label = None


class ReviewForm(ShowsRefusals):
    """The platform operator's answer, with the reason that the firm or the claimant reads."""

    note = forms.CharField(label=_("Note"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))
