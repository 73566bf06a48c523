import datetime as dt
import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from marketplace.forms.moments import MomentField, day_input
from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.regions import RegionField
from marketplace.models import Facility, FacilityHours, Organisation, Park, PriceItem
from marketplace.parsing.glossary import certificates
from marketplace.parsing.units import canonical_unit

OPENING = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—~至到]\s*(\d{1,2}):(\d{2})")
LINES = {"rows": 4}


class ParkForm(ShowsRefusals):
    """What the operator says of a park."""

    def __init__(self, *args, organisations=None, **options):
        super().__init__(*args, **options)
        if organisations is not None:
            self.fields["organisation"] = forms.ModelChoiceField(
                label=_("Operator"), queryset=organisations, empty_label=None
            )
            self.fields["code"] = forms.CharField(
                label=_("Code"), max_length=20, help_text=_("Letters, digits and hyphens: two at least.")
            )
        texts = {name: forms.Textarea(attrs=LINES) for name in ("about_zh", "about_en")}
        names = [name for name in Park.PROFILE_FIELDS if name != "region"]
        self.fields.update(forms.fields_for_model(Park, names, widgets=texts))
        self.fields["region"] = RegionField(label=_("Region"))
        if organisations is None:
            self.fields["is_active"] = forms.BooleanField(label=_("In service"), required=False)


class FacilityForm(ShowsRefusals):
    """What a facility is and what it asks of those who book it."""

    def __init__(self, *args, with_code: bool = False, **options):
        super().__init__(*args, **options)
        if with_code:
            self.fields["code"] = forms.CharField(
                label=_("Code"), max_length=20, help_text=_("Letters, digits and hyphens.")
            )
        plain = [name for name in Facility.RULE_FIELDS if name not in ("services", "required_certificates")]
        self.fields.update(forms.fields_for_model(Facility, plain))
        self.fields["weekly_quota"].help_text = _("Hours, or unit · days of a shared capacity; empty: no limit.")
        self.fields["services"] = forms.CharField(
            label=_("Services"),
            required=False,
            help_text=_("One per line: code, Chinese name, English name, separated by commas."),
            widget=forms.Textarea(attrs=LINES),
        )
        self.fields["required_certificates"] = forms.MultipleChoiceField(
            label=_("Required certificates"),
            choices=[
                (code, entry.en if get_language() == "en" else entry.zh) for code, entry in certificates().items()
            ],
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )

    @staticmethod
    def initial_of(facility: Facility) -> dict:
        said = {name: getattr(facility, name) for name in Facility.RULE_FIELDS}
        said["services"] = "\n".join(
            ", ".join([one["code"], one.get("zh", ""), one.get("en", "")]) for one in facility.services
        )
        return said

    def clean_services(self):
        services = []
        for line in self.cleaned_data["services"].splitlines():
            if parts := [part.strip() for part in re.split(r"[,，]", line) if part.strip()]:
                code, zh, en = [*parts, parts[0], parts[0]][:3] if len(parts) != 2 else [*parts, ""]
                services.append({"code": code, "zh": zh, "en": en or zh})
        return services


class HoursForm(ShowsRefusals):
    """A line for each day of the week: ``08:00-12:00, 13:00-18:00``; an empty one is closed."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for day, name in FacilityHours.Weekday.choices:
            self.fields[f"day_{day}"] = forms.CharField(
                label=name,
                max_length=100,
                required=False,
                widget=forms.TextInput(attrs={"placeholder": "08:00-12:00, 13:00-18:00"}),
            )

    @staticmethod
    def initial_of(facility: Facility) -> dict[str, str]:
        said: dict[str, list[str]] = {}
        for one in facility.hours.order_by("weekday", "opens"):
            closes = "24:00" if one.closes == dt.time(0) else f"{one.closes:%H:%M}"
            said.setdefault(f"day_{one.weekday}", []).append(f"{one.opens:%H:%M}-{closes}")
        return {name: ", ".join(spans) for name, spans in said.items()}

    def clean(self):
        super().clean()
        for day in FacilityHours.Weekday.values:
            text = self.cleaned_data.get(f"day_{day}", "").strip()
            if OPENING.sub("", text).strip(" ,，;；、"):
                self.add_error(f"day_{day}", gettext("Write the hours as 08:00-12:00, 13:00-18:00."))
                continue
            try:
                self._hours += [(day, *_span(found)) for found in OPENING.finditer(text)]
            except ValueError:
                self.add_error(f"day_{day}", gettext("Write the hours as 08:00-12:00, 13:00-18:00."))

    def full_clean(self):
        self._hours = []
        super().full_clean()

    def hours(self) -> list[tuple[int, dt.time, dt.time]]:
        return self._hours


def _span(found: re.Match) -> tuple[dt.time, dt.time]:
    opens, closes = (int(found[1]), int(found[2])), (int(found[3]), int(found[4]))
    return dt.time(*opens), dt.time(0) if closes == (24, 0) else dt.time(*closes)


class ClosureForm(ShowsRefusals):
    start = MomentField(label=_("From"))
    end = MomentField(label=_("Until"))
    reason = forms.CharField(label=_("Reason"), max_length=200)


class PriceForm(ShowsRefusals):
    kind = forms.ChoiceField(label=_("For"), choices=PriceItem.Kind.choices)
    per = forms.CharField(
        label=_("Per"), max_length=20, help_text=_("slot, hour, day, or a unit: t, pallet, t·day, pallet·day …")
    )
    price = forms.DecimalField(label=_("Price"), max_digits=18, decimal_places=4, min_value=0)
    currency = forms.CharField(label=_("Currency"), max_length=3, initial="CNY")
    valid_from = forms.DateField(label=_("From"), required=False, widget=day_input())

    def clean_per(self):
        per = self.cleaned_data["per"].strip()
        if per in (PriceItem.SLOT, PriceItem.HOUR, PriceItem.DAY):
            return per
        unit = canonical_unit(per)
        if unit is None:
            raise ValidationError(_("Nobody here knows this unit."))
        return unit


class MonthForm(ShowsRefusals):
    """The month to bill, as browsers give it: 2026-02."""

    month = forms.RegexField(
        label=_("Month"), regex=r"^\d{4}-(0[1-9]|1[0-2])$", widget=forms.TextInput(attrs={"type": "month"})
    )

    def clean_month(self):
        year, month = map(int, self.cleaned_data["month"].split("-"))
        if not 2000 <= year <= 2100:
            raise ValidationError(_("This month is not over yet."))
        return dt.date(year, month, 1)


class AdjustmentForm(ShowsRefusals):
    organisation = forms.ModelChoiceField(label=_("Firm"), queryset=Organisation.objects.none(), empty_label=None)
    amount = forms.DecimalField(label=_("Amount"), max_digits=18, decimal_places=2, help_text=_("Negative: a credit."))
    note = forms.CharField(label=_("Reason"), max_length=200)

    def __init__(self, *args, organisations, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
