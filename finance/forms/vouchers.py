from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models import CreditAssessment, CreditVoucher, VoucherPresentation
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Organisation


class VoucherForm(ShowsRefusals):
    """Of which assessment, for whom, how long."""

    assessment = forms.ModelChoiceField(label=_("Assessment"), queryset=CreditAssessment.objects.none())
    bank = forms.ModelChoiceField(
        label=_("For whom"),
        queryset=Organisation.objects.none(),
        help_text=_("Only who may read your score by a consent; nobody else can take this voucher."),
    )
    valid_days = forms.IntegerField(
        label=_("Valid for how many days"),
        min_value=1,
        max_value=CreditVoucher.LONGEST_DAYS,
        initial=CreditVoucher.VALID_DAYS,
    )

    def __init__(self, *args, assessments, banks, **options):
        super().__init__(*args, **options)
        self.fields["assessment"].queryset = assessments
        self.fields["assessment"].label_from_instance = _assessment_label
        self.fields["assessment"].initial = assessments.first()
        self.fields["bank"].queryset = banks


def _assessment_label(assessment: CreditAssessment) -> str:
    return f"{assessment.organisation.name}: {assessment.grade} · {assessment.score} · {assessment.as_of:%Y-%m-%d}"


class PresentForm(ShowsRefusals):
    """What of a voucher is shown, each thing by itself."""

    shown = forms.MultipleChoiceField(
        label=_("What is shown"), required=False, widget=forms.CheckboxSelectMultiple(attrs={"class": "is-shown"})
    )
    nonce = forms.CharField(
        label=_("Code from the bank"),
        required=False,
        max_length=VoucherPresentation.LONGEST_NONCE,
        help_text=_("If it gave you one; so it knows that you present now."),
    )
    record_count = forms.IntegerField(
        label=_("Attach the newest records of each batch"),
        min_value=0,
        max_value=VoucherPresentation.MOST_RECORDS,
        initial=0,
        required=False,
        help_text=_("Each with its proof; they name customers or suppliers."),
    )

    def __init__(self, *args, choices, usual, **options):
        """Offer ``choices`` (digest and words), of which ``usual`` are ticked."""
        super().__init__(*args, **options)
        self.fields["shown"].choices = choices
        self.fields["shown"].initial = usual

    def clean_record_count(self):
        return self.cleaned_data["record_count"] or 0


class RevokeForm(ShowsRefusals):
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)


class CheckForm(ShowsRefusals):
    """The file of a voucher, uploaded or pasted."""

    field_of = {"file": "text"}

    bank = forms.ModelChoiceField(label=_("For whom"), queryset=Organisation.objects.none())
    upload = forms.FileField(label=_("File"), required=False)
    text = forms.CharField(
        label=_("or its content"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    nonce = forms.CharField(
        label=_("Code that you asked for"),
        required=False,
        help_text=_("If you gave the firm one: another is refused."),
    )

    def __init__(self, *args, banks, **options):
        super().__init__(*args, **options)
        self.fields["bank"].queryset = banks
        self.fields["bank"].initial = banks.first()

    def clean(self):
        said = super().clean()
        if upload := said.get("upload"):
            said["text"] = upload.read().decode(errors="replace")
        if not (said.get("text") or "").strip():
            self.add_error("upload", _("Hand in the file of a voucher."))
        return said

    def said(self) -> dict:
        return {name: self.cleaned_data[name] for name in ("bank", "text", "nonce")}
