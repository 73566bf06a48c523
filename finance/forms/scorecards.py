from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models import PromotionRule
from finance.models.scorecard import LARGEST_FILE
from marketplace.forms.refusal import ShowsRefusals


class ScorecardForm(ShowsRefusals):
    """A file of a model; the service reads it."""

    name = forms.CharField(label=_("Name"), max_length=100)
    content = forms.FileField(
        label=_("File (JSON)"), help_text=_("As “Download” gives it, and train_scorecard writes it.")
    )

    def clean_content(self):
        file = self.cleaned_data["content"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("A model has at most %(count)d bytes."), params={"count": LARGEST_FILE})
        return file.read()


class CutOffsForm(ShowsRefusals):
    approve_from = forms.IntegerField(label=_("Approve from"), min_value=-32768, max_value=32767)
    refuse_below = forms.IntegerField(label=_("Refuse below"), min_value=-32768, max_value=32767)
    grades = forms.CharField(
        label=_("Own grades"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "1 0.01\n2 0.05\n3 1"}),
        help_text=_("One a line, best first: its name, and the probability it reaches up to. Empty: the model's own."),
    )
    why = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_grades(self):
        grades = []
        for line in self.cleaned_data["grades"].splitlines():
            words = line.split()
            if not words:
                continue
            try:
                name, below = words
                grades.append({"grade": name, "below": float(below)})
            except ValueError as error:
                message = _("“%(line)s” is not a name and a number.")
                raise forms.ValidationError(message, params={"line": line}) from error
        return grades


class WhyForm(ShowsRefusals):
    why = forms.CharField(label=_("Why"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class PromotionRuleForm(ShowsRefusals):
    basis = forms.ChoiceField(label=_("Shown by"), choices=PromotionRule.Basis.choices)
    metric = forms.ChoiceField(label=_("Measure"), choices=PromotionRule.Metric.choices, required=False)
    margin = forms.FloatField(label=_("Better by at least"), min_value=0, max_value=1, initial=0.01, required=False)
    minimum_firms = forms.IntegerField(
        label=_("Firms with a result, at least"), min_value=0, max_value=1_000_000, initial=100, required=False
    )
    minimum_bad = forms.IntegerField(
        label=_("Defaults among them, at least"), min_value=0, max_value=1_000_000, initial=10, required=False
    )
    why = forms.CharField(
        label=_("Why, or where the validation report is"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
