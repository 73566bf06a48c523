from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import WebhookEndpoint
from marketplace.models.event import EVENTS


class EndpointForm(ShowsRefusals):
    kind = forms.ChoiceField(label=_("Kind"), choices=WebhookEndpoint.Kind.choices)
    url = forms.CharField(label=_("Address"), max_length=500, widget=forms.URLInput(attrs={"placeholder": "https://"}))
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(name, event.label) for name, event in EVENTS.items() if event.is_for_endpoints],
        required=False,
        help_text=_("None chosen: all of them."),
        widget=forms.CheckboxSelectMultiple,
    )
    secret = forms.CharField(
        label=_("Secret of a DingTalk robot"),
        max_length=100,
        required=False,
        help_text=_("A webhook gets its secret from us."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    keyword = forms.CharField(
        label=_("Keyword of a robot"),
        max_length=40,
        required=False,
        help_text=_("If the robot only takes texts with a certain word."),
    )
