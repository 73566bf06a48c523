from django import forms
from django.utils.translation import gettext_lazy as _

from matching.models import Replay


class ReplayForm(forms.Form):
    """Which past day is put in order anew, and by which two models."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    model = forms.ChoiceField(label=_("Model"))
    against = forms.ChoiceField(label=_("Compared with"))
    demands = forms.IntegerField(label=_("Lists"), min_value=1, max_value=Replay.MOST_DEMANDS, initial=20)

    def __init__(self, *args, models=(), **options):
        super().__init__(*args, **options)
        self.fields["model"].choices = self.fields["against"].choices = models


class WhyForm(forms.Form):
    """Why another ranker is to serve."""

    why = forms.CharField(label=_("Why"), max_length=500)
