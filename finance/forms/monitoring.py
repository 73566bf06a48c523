from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models import Alarm, EarlyWarning
from marketplace.forms.refusal import ShowsRefusals


class AnswerAlarmForm(ShowsRefusals):
    answer = forms.ChoiceField(label=_("Answer"), choices=Alarm.Answer)
    reason = forms.CharField(
        label=_("Reason"), max_length=Alarm.LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )


class AnswerWarningForm(ShowsRefusals):
    answer = forms.ChoiceField(label=_("Answer"), choices=EarlyWarning.Answer)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=EarlyWarning.LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A proposal to freeze the line goes to a second person with this reason."),
    )
