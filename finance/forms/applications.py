from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from finance.models import Application, CreditLine, CreditProduct, DataGroup
from marketplace.forms.files import FilesField
from marketplace.forms.refusal import ShowsRefusals

TEXT = {"rows": 4}
LONGEST_USE = 500
# A consent given with an application lasts a year unless the firm says otherwise, three years at most.
CONSENT_LASTS = timedelta(days=366)
LONGEST = timedelta(days=3 * 366)


class ApplicationForm(ShowsRefusals):
    """What a firm asks for."""

    hides_optional = True

    amount = forms.DecimalField(
        label=_("Amount"),
        max_digits=18,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "any", "min": "0"}),
    )
    days = forms.IntegerField(label=_("Term (days)"), min_value=1)
    repayment = forms.ChoiceField(label=_("Repayment"))
    programme = forms.ModelChoiceField(label=_("Under the programme"), queryset=None, required=False)
    use = forms.CharField(
        label=_("What the money is for"), max_length=LONGEST_USE, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args, product: CreditProduct, programmes: QuerySet[CreditLine], **options):
        super().__init__(*args, **options)
        methods = dict(CreditProduct.Repayment.choices)
        self.fields["repayment"].choices = [(one, methods[one]) for one in product.repayment_methods]
        self.fields["programme"].queryset = programmes
        if not programmes.exists():
            del self.fields["programme"]

    def said(self) -> dict[str, Any]:
        return {"programme": None, **self.cleaned_data}


def application_initial(application: Application) -> dict[str, Any]:
    return {name: getattr(application, name) for name in ("amount", "days", "repayment", "programme", "use")}


class SubmitForm(ShowsRefusals):
    """Hand an application in, with a consent for the bank that may be given in the same breath."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    gives_consent = forms.BooleanField(label=_("I let the bank read the data below for this review"), required=False)
    groups = forms.MultipleChoiceField(
        label=_("Also let it read"),
        choices=DataGroup.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What the product needs is always included."),
    )
    consent_days = forms.IntegerField(
        label=_("For how many days"),
        min_value=1,
        max_value=LONGEST.days,
        initial=CONSENT_LASTS.days,
        required=False,
        help_text=_("You can withdraw it at any time."),
    )

    def __init__(self, *args, product: CreditProduct, may_consent: bool, **options):
        super().__init__(*args, **options)
        self.fields["groups"].choices = [
            choice for choice in DataGroup.choices if choice[0] not in product.consent_groups
        ]
        if not may_consent:
            for name in ("gives_consent", "groups", "consent_days"):
                del self.fields[name]

    def said(self, now: datetime) -> dict[str, Any]:
        values = self.cleaned_data
        if not values.get("gives_consent"):
            return {"version": values["version"]}
        lasts = timedelta(days=values["consent_days"] or CONSENT_LASTS.days)
        return {"version": values["version"], "consent_until": now + lasts, "groups": values["groups"]}


class AnswerForm(ShowsRefusals):
    """What a firm answers to a bank's question."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    text = forms.CharField(label=_("Your answer"), max_length=4000, required=False, widget=forms.Textarea(attrs=TEXT))
    files = FilesField()


class DocumentsForm(ShowsRefusals):
    files = FilesField(required=True)


class EndForm(ShowsRefusals):
    """Why an application is taken back."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(
        label=_("Reason"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class AcceptForm(ShowsRefusals):
    """The owner's signature under the offer."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    agrees = forms.BooleanField(label=_("I have read the conditions and sign for the firm"))
    is_watched = forms.BooleanField(
        label=_("I let the bank go on reading the same data while the line is open"),
        required=False,
        help_text=_("You can withdraw it at any time."),
    )

    def said(self, now: datetime) -> dict[str, Any]:
        """Return what the service takes: the line runs for a year, and the last loan under it a while longer."""
        lasts = timedelta(days=2 * 366)
        watched = {"watched_until": now + lasts} if self.cleaned_data["is_watched"] else {}
        return {"version": self.cleaned_data["version"], **watched}
