"""A day and a time of day in one field, as browsers draw it."""

from django import forms
from django.utils import timezone


class MomentField(forms.DateTimeField):
    """Take and show a moment by the clock of the place, to the minute."""

    def __init__(self, **options):
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "300"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, **options)

    def prepare_value(self, value):
        if hasattr(value, "tzinfo") and value.tzinfo:
            value = timezone.localtime(value).replace(tzinfo=None)
        return super().prepare_value(value)


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
