"""What a person says of a listing, sentence first; the service checks it, as it checks what comes by API or file."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from marketplace.forms.attributes import attribute_field, attribute_text, attribute_value
from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.regions import place_text
from marketplace.models import Category, Listing, ListingCertificate
from marketplace.parsing.units import unit_name, units

ATTRIBUTE = "attributes_"
CURRENCIES = ["CNY", "USD", "EUR", "JPY", "HKD", "GBP"]
UNITS = ("unit", "price_unit")


def _line(label, help_text="", **attributes) -> forms.CharField:
    return forms.CharField(label=label, required=False, help_text=help_text, widget=forms.TextInput(attrs=attributes))


def _number(label, help_text="") -> forms.CharField:
    # A text, not a number: 2,000 and 3 万 are numbers too.
    return _line(label, help_text, inputmode="decimal", autocomplete="off")


def _day(label, help_text="") -> forms.CharField:
    return forms.CharField(
        label=label, required=False, help_text=help_text, widget=forms.TextInput(attrs={"type": "date"})
    )


def _choice(label, choices, **options) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=False, **options)


class CertificateForm(forms.Form):
    hides_optional = True

    code = _line(_("Certificate"), list="certificate-codes")
    issuer = _line(_("Issuer"))
    number = _line(_("Number"))
    expires_on = _day(_("Expires on"))


CertificateFormSet = forms.formset_factory(CertificateForm, extra=1, max_num=20, absolute_max=40)


class ListingForm(ShowsRefusals):
    """The fields of a listing in the reader's words: units and places by name, attributes as the category asks."""

    # Nearly all are: saying so beside each would only be noise.
    hides_optional = True

    side = _choice(
        _("I …"), [("demand", _("want to buy")), ("supply", pgettext_lazy("we", "offer"))], widget=forms.RadioSelect
    )
    kind = _choice(_("Kind"), [("", "—"), *Category.Kind.choices])
    category = _choice(_("Category"), [])
    quantity = _number(_("Quantity"))
    unit = _line(_("Unit"), list="units")
    minimum_order = _number(_("Minimum order"), _("In the same unit."))
    price_min = _number(_("Price from"))
    price_max = _number(_("Price to"))
    currency = _choice(_("Currency"), [("", "—"), *[(code, code) for code in CURRENCIES]])
    price_unit = _line(_("Price per"), list="units")
    region = _line(_("Place"), _("Where it ships from, or where it is wanted."), list="places")
    delivery_regions = _line(_("Delivers to"), _("Several with semicolons; empty: everywhere."))
    window_start = _day(_("From"))
    window_end = _day(_("Until"))
    lead_days = _number(_("Lead time in days"))
    required_certificates = _line(_("Required certificates"), _("Several with commas, for example ISO 9001, CE."))
    visibility = _choice(_("Who may see it"), Listing.Visibility.choices)
    audience = _line(_("Named organisations"), _("Their credit codes, separated by commas."))
    expires_at = _day(_("Expires on"), _("Empty: it stays until you close it."))

    def __init__(self, data=None, **options):
        super().__init__(data, **options)
        self.fields["category"].choices = category_choices()
        self.certificates = CertificateFormSet(
            data if data and "certificates-TOTAL_FORMS" in data else None,
            prefix="certificates",
            initial=self.initial.get("certificates"),
        )
        category = Category.objects.catalogue().get(self["category"].value() or "")
        # The rules of each attribute of the chosen category, by key.
        self.schema: Mapping[str, Mapping] = category.attributes if category else {}
        for key, rules in self.schema.items():
            is_required = key in category.schema.get("required", ())
            self.fields[ATTRIBUTE + key] = attribute_field(key, rules, is_required=is_required)

    def attribute_fields(self):
        return [self[name] for name in self.fields if name.startswith(ATTRIBUTE)]

    def is_valid(self) -> bool:
        return super().is_valid() and (not self.certificates.is_bound or self.certificates.is_valid())

    def units(self) -> list[str]:
        language = get_language()
        return [unit_name(token, language, plural=False) for token in units()]

    def values(self) -> dict[str, Any]:
        """Return the cleaned fields as the service takes them: attributes and certificates gathered."""
        fields = {name: value for name, value in self.cleaned_data.items() if not name.startswith(ATTRIBUTE)}
        fields["attributes"] = {
            key: attribute_value(self.cleaned_data[ATTRIBUTE + key], rules)
            for key, rules in self.schema.items()
            if self.cleaned_data.get(ATTRIBUTE + key) not in (None, "", [])
        }
        if self.certificates.is_bound:
            fields["certificates"] = [row for row in self.certificates.cleaned_data if row.get("code")]
        return fields


class SentenceForm(ListingForm):
    """A new listing: a sentence is enough, and what is read out of it is shown for correction."""

    field_of = {"text_zh": "text", "text_en": "text", "title_zh": "title", "title_en": "title"}

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=None, empty_label=None)
    text = forms.CharField(
        label=_("What do you need or offer?"),
        max_length=20_000,
        widget=forms.Textarea(
            attrs={
                "rows": 4,
                "placeholder": _("For example: 304 stainless flanged ball valve DN50 PN16, 500 pieces"),
            }
        ),
    )
    title = _line(_("Title"), _("Empty: the first sentence."), maxlength=200)
    # What the page showed as read, so that what was left as it was is read again, and what was corrected stays.
    read = forms.CharField(required=False, widget=forms.HiddenInput)

    field_order = ["organisation", "side", "text", "title"]

    def __init__(self, data=None, *, organisations, **options):
        super().__init__(data, **options)
        self.fields["organisation"].queryset = organisations
        self.readings: list[dict] = []

    def echo(self) -> list[tuple[str, dict | None]]:
        """Return the sentence in pieces, each with what was read out of it, or None."""
        text, pieces, end = self.data.get("text", ""), [], 0
        for reading in sorted(self.readings, key=lambda one: (one.get("start") or 0, -(one.get("end") or 0))):
            if reading.get("start") is None or reading["start"] < end or reading["end"] > len(text):
                continue
            pieces += [(text[end : reading["start"]], None), (text[reading["start"] : reading["end"]], reading)]
            end = reading["end"]
        return [piece for piece in [*pieces, (text[end:], None)] if piece[0]]

    def chips(self) -> list[dict]:
        """Return what was read, without the units and currencies that stand in other readings already."""
        return [one for one in self.readings if one["field"] not in ("unit", "price_unit", "currency")]

    def clean_read(self) -> dict[str, str]:
        try:
            read = json.loads(self.cleaned_data["read"] or "{}")
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    def said(self) -> dict[str, Any]:
        """Return what the person said beside the text, without what still stands there as it was read.

        None for what was read and then emptied: it is not to be read again.
        """
        fields = self.values()
        read = fields.pop("read")
        del fields["organisation"]
        attributes = fields.pop("attributes")
        said = {name: value for name, value in fields.items() if value not in ("", [], None)}
        for name, shown in read.items():
            key = name.removeprefix(ATTRIBUTE)
            if name in self.fields and self.data.get(name, "") == shown:
                said.pop(name, None)
                attributes.pop(key, None)
            elif name in self.fields and self.cleaned_data[name] in ("", [], None):
                (attributes if key != name else said).__setitem__(key, None)
        if attributes:
            said["attributes"] = attributes
        return said

    def with_draft(self, draft) -> "SentenceForm":
        """Return this form filled with what was read as well, and with what is wrong with it."""
        shown = listing_texts(draft.values)
        names = {reading["field"].replace(".", "_") for reading in draft.readings}
        read = {name: value for name, value in shown.items() if name in names and isinstance(value, str)}
        data = MultiValueDict({name: list(values) for name, values in self.data.lists()})
        for name, value in shown.items():
            if name in self.fields or name.startswith(ATTRIBUTE):
                data.setlist(name, value if isinstance(value, list) else [value])
        data["read"] = json.dumps(read, ensure_ascii=False)
        form = type(self)(data, organisations=self.fields["organisation"].queryset)
        form.is_valid()
        form.readings = draft.readings
        english = get_language() == "en"
        for name, problems in draft.problems.items():
            field = form.field_of.get(name, name.replace(".", "_"))
            for problem in problems:
                form.add_error(field if field in form.fields else None, problem.en if english else problem.zh)
        return form


class ListingEditForm(ListingForm):
    """A listing with its texts in both languages, as it stands."""

    title_zh = _line(_("Title (Chinese)"), maxlength=200)
    title_en = _line(_("Title (English)"), maxlength=200)
    text_zh = forms.CharField(
        label=_("Text (Chinese)"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    text_en = forms.CharField(
        label=_("Text (English)"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    field_order = ["side", "title_zh", "title_en", "text_zh", "text_en"]

    def __init__(self, data=None, *, listing: Listing, **options):
        super().__init__(data, initial=initial_of(listing), **options)

    def changes(self) -> dict[str, Any]:
        """Return what differs from how the page showed it; None for what was emptied."""
        values = self.values()
        changed = {name for name in self.changed_data if name != "revision"}
        changes = {name: values[name] or None for name in changed if not name.startswith(ATTRIBUTE)}
        if any(name.startswith(ATTRIBUTE) for name in changed):
            changes["attributes"] = values["attributes"]
        if self.certificates.is_bound and self.certificates.has_changed():
            changes["certificates"] = values["certificates"]
        return changes


def category_choices(of_parent=_("%(name)s in general")) -> list:
    """Return the categories to choose from, under the names of their parents; a parent is called as ``of_parent`` says."""
    english = get_language() == "en"
    specs = list(Category.objects.catalogue())
    names = {spec.code: spec.name_en if english else spec.name_zh for spec in specs}
    parents = {spec.parent for spec in specs}
    groups: dict[str, list] = {}
    for spec in specs:
        if spec.code in parents:
            groups.setdefault(names[spec.code], []).insert(0, (spec.code, of_parent % {"name": names[spec.code]}))
        else:
            groups.setdefault(names.get(spec.parent, "—"), []).append((spec.code, names[spec.code]))
    return [("", "—"), *sorted(groups.items())]


def listing_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form shows for the values of a listing: names for units and places, plain digits, ISO dates."""
    language = get_language()
    shown: dict[str, Any] = {}
    for name, value in values.items():
        if name == "attributes":
            shown |= {ATTRIBUTE + key: attribute_text(item) for key, item in value.items()}
        elif value is None or name == "certificates":
            continue
        elif name == "delivery_regions":
            shown[name] = "; ".join(place_text(code) for code in value)
        elif name == "region":
            shown[name] = place_text(value) if value else ""
        elif name in UNITS:
            shown[name] = unit_name(value, language, plural=False)
        elif isinstance(value, datetime):
            shown[name] = timezone.localdate(value).isoformat()
        elif isinstance(value, Decimal):
            shown[name] = f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
        elif isinstance(value, list | tuple):
            shown[name] = ", ".join(map(str, value))
        else:
            shown[name] = str(value)
    return shown


def initial_of(listing: Listing) -> dict[str, Any]:
    """Return what the edit page shows of a listing."""
    names = [name for name in ListingEditForm.base_fields if name not in ("category", "audience")]
    shown = listing_texts({name: getattr(listing, name) for name in names} | {"attributes": listing.attributes})
    return shown | {
        "category": listing.category.code if listing.category else "",
        "audience": ", ".join(one.uscc or str(one.pk) for one in listing.audience.all()),
        "certificates": [
            {
                "code": one.code,
                "issuer": one.issuer,
                "number": one.number,
                "expires_on": one.expires_on.isoformat() if one.expires_on else "",
            }
            for one in ListingCertificate.objects.filter(listing=listing).order_by("pk")
        ],
    }
