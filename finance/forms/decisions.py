from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models import Decision
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Membership, Organisation, User

TEXT = {"rows": 3}
PERCENT = Decimal(100)


class VersionForm(ShowsRefusals):
    """A button that says which version its reader saw."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class TextForm(ShowsRefusals):
    """Words for the firm or for the bank."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    text = forms.CharField(label=_("Text"), max_length=4000, required=False, widget=forms.Textarea(attrs=TEXT))


class ProposeForm(ShowsRefusals):
    """What a maker proposes; the service says where it is an override."""

    field_of = {"rate_bp": "rate"}
    hides_optional = True

    version = forms.IntegerField(widget=forms.HiddenInput)
    outcome = forms.ChoiceField(label=_("Proposal"), choices=Decision.Outcome.choices, widget=forms.RadioSelect)
    amount = forms.DecimalField(label=_("Amount"), max_digits=18, decimal_places=2, required=False)
    days = forms.IntegerField(label=_("Term (days)"), required=False)
    rate = forms.DecimalField(label=_("Rate (% a year)"), max_digits=5, decimal_places=2, required=False)
    conditions = forms.CharField(
        label=pgettext_lazy("credit", "Conditions"), max_length=4000, required=False, widget=forms.Textarea(attrs=TEXT)
    )
    reasons = forms.MultipleChoiceField(
        label=_("Reasons of a refusal, which the firm reads"),
        choices=Decision.RefusalReason.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    reason_text = forms.CharField(
        label=_("A word to the firm"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    override_reason = forms.ChoiceField(
        label=_("Reason of the override"),
        choices=[("", _("none: this follows the recommendation")), *Decision.OverrideReason.choices],
        required=False,
    )
    override_text = forms.CharField(
        label=_("The override in words"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    note = forms.CharField(
        label=_("Note for the checker"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def said(self) -> dict[str, Any]:
        values = dict(self.cleaned_data)
        values.pop("version")
        rate = values.pop("rate")
        return {**values, "rate_bp": None if rate is None else int(rate * PERCENT)}


class CheckForm(ShowsRefusals):
    """What a checker says to a proposal."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("Note"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class SendBackForm(ShowsRefusals):
    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("What the maker should change"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class PersonField(forms.ModelChoiceField):
    def label_from_instance(self, obj: User) -> str:
        return obj.get_full_name() or obj.username


class AuthorityForm(ShowsRefusals):
    """Up to which amount a checker may confirm."""

    hides_optional = True

    user = PersonField(label=pgettext_lazy("credit", "Checker"), queryset=User.objects.none())
    up_to_amount = forms.DecimalField(label=_("Alone up to"), max_digits=18, decimal_places=2, min_value=0)
    jointly_up_to = forms.DecimalField(
        label=_("With a second checker up to"),
        max_digits=18,
        decimal_places=2,
        min_value=0,
        required=False,
        help_text=_("Empty: the same. Above it nobody may confirm."),
    )
    may_override = forms.BooleanField(label=_("May confirm overrides"), required=False)
    reference = forms.CharField(label=_("Minutes or order"), max_length=100, required=False)

    def __init__(self, *args, bank: Organisation, **options):
        super().__init__(*args, **options)
        checkers = bank.memberships.filter(role=Membership.Role.CHECKER).values("user")
        self.fields["user"].queryset = User.objects.filter(pk__in=checkers).order_by("username")
