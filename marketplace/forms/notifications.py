from collections.abc import Iterable

from django import forms

from marketplace.forms.refusal import ShowsRefusals


class SubscriptionsForm(ShowsRefusals):
    """One choice per event and channel, as a table of selects."""

    def __init__(self, *args, choices: Iterable, **options):
        super().__init__(*args, **options)
        self.rows: dict[str, dict] = {}
        self.channels: dict[str, str] = {}
        for choice in choices:
            name = f"{choice.event}:{choice.channel}"
            label = f"{choice.event_label} — {choice.channel_label}"
            self.fields[name] = forms.ChoiceField(
                label=label,
                choices=choice.frequencies,
                initial=choice.frequency,
                widget=forms.Select(attrs={"aria-label": label}),
            )
            self.channels[choice.channel] = choice.channel_label
            row = self.rows.setdefault(choice.event, {"label": choice.event_label, "names": []})
            row["names"].append(name)

    def table(self) -> list[tuple[str, list]]:
        return [
            (row["label"], [(self.channels[name.split(":")[1]], self[name]) for name in row["names"]])
            for row in self.rows.values()
        ]

    def changed(self) -> list[dict[str, str]]:
        """Return event, channel and new frequency of each choice that was changed."""
        return [
            dict(zip(("event", "channel"), name.split(":"), strict=True), frequency=self.cleaned_data[name])
            for name in self.changed_data
        ]
