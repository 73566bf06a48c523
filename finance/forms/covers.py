from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models import Claim, Partnership
from marketplace.forms.files import FilesField
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Organisation

DAY = {"widget": forms.DateInput(attrs={"type": "date"})}
MONEY = {"max_digits": 18, "decimal_places": 2, "min_value": 0}


class PartnershipForm(ShowsRefusals):
    """The terms that a bank's maker proposes; the service checks them."""

    bank = forms.ModelChoiceField(label=_("Bank"), queryset=Organisation.objects.none())
    partner = forms.ModelChoiceField(label=_("Insurer or guarantor"), queryset=Organisation.objects.none())
    share_percent = forms.DecimalField(label=_("Largest share (%)"), max_digits=5, decimal_places=2, initial=80)
    cap = forms.DecimalField(label=_("Cap of all that it carries"), **MONEY)
    premium_payer = forms.ChoiceField(
        label=_("Who pays the premium"),
        choices=Partnership.Payer.choices,
        help_text=_("Never the small firm whose loan is covered."),
    )
    core_enterprise = forms.ModelChoiceField(
        label=_("Core enterprise"), queryset=Organisation.objects.none(), required=False
    )
    waiting_days = forms.IntegerField(label=_("Waiting time (days overdue)"), min_value=0, initial=30)
    claim_days = forms.IntegerField(label=_("Claim window (days)"), min_value=1, initial=180)
    valid_from = forms.DateField(label=_("From"), **DAY)
    valid_until = forms.DateField(label=_("Until"), **DAY)
    terms = forms.CharField(label=_("Further terms"), required=False, max_length=4000, widget=forms.Textarea)

    def __init__(self, *args, banks, partners, core_enterprises, **options):
        super().__init__(*args, **options)
        self.fields["bank"].queryset = banks
        self.fields["bank"].initial = banks.first()
        self.fields["partner"].queryset = partners
        self.fields["core_enterprise"].queryset = core_enterprises


class CoverRequestForm(ShowsRefusals):
    """Which partner is asked to cover how much of a credit."""

    partnership = forms.ModelChoiceField(label=_("Partnership"), queryset=Partnership.objects.none())
    amount = forms.DecimalField(label=_("Credit to cover"), **MONEY)
    days = forms.IntegerField(label=_("Term (days)"), min_value=1, max_value=3660)
    note = forms.CharField(label=_("Note"), required=False, max_length=1000, widget=forms.Textarea)

    def __init__(self, *args, partnerships, **options):
        super().__init__(*args, **options)
        field = self.fields["partnership"]
        field.queryset = partnerships
        field.label_from_instance = lambda one: f"{one.partner.name} · {one.number} · {one.share_percent} %"


class QuoteForm(ShowsRefusals):
    share_percent = forms.DecimalField(label=_("Share (%)"), max_digits=5, decimal_places=2)
    premium_bp = forms.IntegerField(
        label=_("Premium (basis points a year)"), min_value=0, help_text=_("Of the covered amount; 100 are 1 %.")
    )
    valid_until = forms.DateField(label=_("Quote valid until"), **DAY)
    conditions = forms.CharField(label=_("Conditions"), required=False, max_length=2000, widget=forms.Textarea)


class ReasonForm(ShowsRefusals):
    """A reason that the other side, or a colleague, reads."""

    field_of = {"note": "reason"}

    reason = forms.CharField(label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class ClaimForm(ShowsRefusals):
    amount = forms.DecimalField(label=_("Amount claimed"), **MONEY)
    note = forms.CharField(label=_("What happened"), required=False, max_length=2000, widget=forms.Textarea)
    files = FilesField()


class ClaimDocumentsForm(ShowsRefusals):
    note = forms.CharField(label=_("Answer"), required=False, max_length=2000, widget=forms.Textarea)
    files = FilesField()


class ClaimAnswerForm(ShowsRefusals):
    """The partner accepts an amount, or refuses with a reason."""

    accepted_amount = forms.DecimalField(label=_("Accept the amount"), required=False, **MONEY)
    refusal_reason = forms.ChoiceField(
        label=_("Or refuse because"), required=False, choices=[("", "—"), *Claim.RefusalReason.choices]
    )
    answer = forms.CharField(label=_("Answer"), required=False, max_length=2000, widget=forms.Textarea)


class RecoveryForm(ShowsRefusals):
    amount = forms.DecimalField(label=_("Amount recovered"), **MONEY)
    reference = forms.CharField(label=_("Reference"), max_length=100)
    received_on = forms.DateField(label=_("Received on"), **DAY)
