"""What a buyer asks for and decides about quotes; the services check it, as they check what comes by API."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.forms.files import FilesField
from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.regions import place_text
from marketplace.models import Incoterm, Organisation, Park, PaymentTerm, RequestForQuotation, RfqLine
from marketplace.parsing.regions import regions
from marketplace.parsing.units import unit_name, units

CURRENCIES = ["CNY", "USD", "EUR", "JPY", "HKD", "GBP"]
NEW_LINES, MORE_LINES, MOST_LINES = 2, 5, 100
LINE_PARTS = ("id", "description", "specification", "quantity", "unit", "tiers")


def text_line(label, help_text="", **attributes) -> forms.CharField:
    return forms.CharField(label=label, required=False, help_text=help_text, widget=forms.TextInput(attrs=attributes))


def number(label, help_text="", **attributes) -> forms.CharField:
    # A text, not a number: 2,000 and 3 万 are numbers too.
    return text_line(label, help_text, inputmode="decimal", autocomplete="off", **attributes)


def day(label, help_text="") -> forms.CharField:
    return text_line(label, help_text, type="date")


def paragraph(label, help_text="", rows=3, **attributes) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, **attributes})
    return forms.CharField(label=label, required=False, help_text=help_text, widget=widget)


def plain(value: Any) -> Any:
    """Return a value as a field shows it: 500 and not 500.000, a moment to the minute."""
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "normalize"):
        return f"{value.normalize():f}"
    return value


class TermsForm(ShowsRefusals):
    """The terms of a deal as a request wishes and a quote names them."""

    hides_optional = True

    currency = forms.ChoiceField(label=_("Currency"), required=False, choices=[(code, code) for code in CURRENCIES])
    tax_rate = number(_("Tax rate, %"))
    price_includes_tax = forms.BooleanField(label=_("Prices include tax"), required=False)
    incoterm = forms.ChoiceField(label=_("Delivery term"), required=False, choices=Incoterm.choices)
    park = forms.ChoiceField(label=_("Park"), required=False)
    region = text_line(_("Place"), list="places", autocomplete="off")
    address = text_line(_("Address"), maxlength=300)
    window_start = day(_("Delivered from"))
    window_end = day(_("Delivered until"))
    payment_term = forms.ChoiceField(label=_("Payment"), required=False, choices=PaymentTerm.choices)
    payment_days = number(_("Days"))
    deposit_percent = number(_("Deposit, %"))
    note = paragraph(_("Further terms"), rows=2, maxlength=4000)

    TERMS = RequestForQuotation.TERM_FIELDS

    def __init__(self, data=None, files=None, **options):
        super().__init__(data, files, **options)
        parks = [(str(park.pk), park.name) for park in Park.objects.open().order_by("pk")]
        self.fields["park"].choices = [("", "—"), *parks]
        if (code := self.initial.get("currency")) and code not in CURRENCIES:
            self.fields["currency"].choices = [*self.fields["currency"].choices, (code, code)]

    def term_fields(self):
        return [self[name] for name in self.TERMS if name != "note"]

    def terms(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.TERMS}


def shown_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return terms as the form's fields begin with them."""
    shown = {name: plain(value) for name, value in terms.items()}
    if shown.get("region") in regions():
        shown["region"] = place_text(shown["region"])
    if isinstance(shown.get("park"), Park):
        shown["park"] = str(shown["park"].pk)
    return shown


class RfqForm(TermsForm):
    """A request with as many lines as one likes: blank ones are left out, "more lines" draws further ones."""

    field_of = {"file": "files"}

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=None, empty_label=None, required=False)
    title = text_line(_("Title"), maxlength=200)
    description = paragraph(_("What is it for?"), _("Standards, drawings, certificates, packing, inspection."))
    closes_at = text_line(_("Deadline for quotes"), _("Shanghai time."), type="datetime-local")
    is_sealed = forms.BooleanField(label=_("Sealed: nobody sees a quote before the deadline"), required=False)
    opens_with_two = forms.BooleanField(label=_("Two of us open the quotes together"), required=False)
    recovers_tax = forms.BooleanField(label=_("We recover input tax: compare without it"), required=False)
    suppliers = paragraph(_("Suppliers to ask"), _("Names or credit codes, one per line; more can be asked later."))
    files = FilesField()
    change_note = text_line(_("What changed, in a word"), maxlength=2000)
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, files=None, *, organisations=None, **options):
        super().__init__(data, files, **options)
        self.fields["organisation"].queryset = Organisation.objects.none() if organisations is None else organisations
        self.fields["organisation"].required = organisations is not None
        self.count = self._line_count(data)
        for place in range(self.count):
            self.fields.update(self._line_fields(place))

    def _line_count(self, data) -> int:
        given = len(self.initial.get("lines", ())) + NEW_LINES
        if data is None:
            return given
        said = str(data.get("line_count", ""))
        count = min(int(said), MOST_LINES) if said.isdigit() else given
        return min(count + (MORE_LINES if data.get("step") == "more" else 0), MOST_LINES)

    def _line_fields(self, place: int) -> dict[str, forms.Field]:
        rows = self.initial.get("lines", ())
        start = rows[place] if place < len(rows) else {}
        made = {
            "id": forms.CharField(required=False, widget=forms.HiddenInput),
            "description": text_line(_("What"), maxlength=300),
            "specification": paragraph(_("Specification"), rows=1, maxlength=4000),
            "quantity": number(_("Quantity")),
            "unit": text_line(_("Unit"), list="units"),
            "tiers": text_line(_("Also quote for"), placeholder="1000; 5000"),
        }
        for name, field in made.items():
            field.initial = start.get(name)
            if name == "id":
                continue
            # What is wrong is listed above the form, too: there a line says which it is.
            field.label = field.widget.attrs["aria-label"] = f"{place + 1}. {field.label}"
        return {f"lines_{place}_{name}": field for name, field in made.items()}

    def line_rows(self) -> list[dict[str, Any]]:
        """Return the fields of each line, by name."""
        return [
            {name: self[f"lines_{place}_{name}"] for name in LINE_PARTS} | {"number": place + 1}
            for place in range(self.count)
        ]

    def units(self) -> list[str]:
        language = get_language()
        return [unit_name(token, language, plural=False) for token in units()]

    def said(self) -> dict[str, Any]:
        """Return the fields of the request as the service takes them."""
        names = ("title", "description", "is_sealed", "opens_with_two", "recovers_tax")
        said = self.terms() | {name: self.cleaned_data[name] for name in names}
        # Shown to the minute: left as it was, it keeps its seconds.
        if self.cleaned_data["closes_at"] != self.initial.get("closes_at") or "id" not in self.initial:
            # The last minute of a day is its end.
            said["closes_at"] = self.cleaned_data["closes_at"].removesuffix("T23:59")
        return said

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines that are not blank; the service's errors find their way back to their fields."""
        kept = []
        self.field_of = dict(type(self).field_of)
        for place in range(self.count):
            line = {name: self.cleaned_data[f"lines_{place}_{name}"] for name in LINE_PARTS}
            if not any(line[name] for name in LINE_PARTS if name != "id"):
                continue
            if line["id"] and line["specification"] == self.fields[f"lines_{place}_specification"].initial:
                # Shown as one text; left as it was, its attributes stay apart.
                line["specification"] = self.initial["lines"][place]["kept_specification"]
            for name in LINE_PARTS:
                self.field_of[f"lines.{len(kept)}.{name}"] = f"lines_{place}_{name}"
            kept.append(line)
        if not kept:
            self.field_of["lines"] = "lines_0_description"
        return kept

    def supplier_names(self) -> list[str]:
        return [name.strip() for name in self.cleaned_data["suppliers"].splitlines() if name.strip()]


def shown_lines(lines) -> list[dict[str, Any]]:
    """Return lines (rows or values) as the form begins with them."""
    shown = []
    for line in lines:
        values = vars(line) if isinstance(line, RfqLine) else line
        shown.append(
            {
                "id": values.get("id", ""),
                "description": values["description"],
                "specification": specification_text(values["specification"]),
                "kept_specification": values["specification"],
                "quantity": plain(values["quantity"]),
                "unit": unit_name(values["unit"], get_language(), plural=False) if values["unit"] else "",
                "tiers": "; ".join(str(plain(tier)) for tier in values["tiers"]),
            }
        )
    return shown


def specification_text(specification: Mapping[str, Any]) -> str:
    """Return a specification as people read it in one line."""
    parts = []
    for key, rule in specification.get("attributes", {}).items():
        value = rule.get("value")
        if isinstance(value, Mapping):
            value = f"{value.get('min', '')} – {value.get('max', '')}"
        limits = " ".join(
            f"{sign}{rule[name]}" for name, sign in (("tolerance", "±"), ("min", "≥"), ("max", "≤")) if name in rule
        )
        parts.append(" ".join(str(part) for part in (key, value, rule.get("unit"), limits) if part not in (None, "")))
    return "; ".join([*parts, *filter(None, [specification.get("text", "")])])


class SmallForm(ShowsRefusals):
    """A field and a button."""

    hides_optional = True


class QuestionForm(SmallForm):
    text = paragraph(_("Your question"), _("All who are invited will read it with the answer, not who asked."))


class AnswerForm(SmallForm):
    answer = paragraph(_("Answer to all"), rows=2)


class ReasonForm(SmallForm):
    reason = paragraph(_("Reason"), rows=2)


class DeadlineForm(SmallForm):
    closes_at = day(_("New deadline"))


class ValidityForm(SmallForm):
    valid_until = day(_("Holds until"))


class AwardForm(ShowsRefusals):
    """How much of each line is taken from which quote."""

    hides_optional = True

    reason = paragraph(_("Why these quotes?"), _("Asked for where a cheaper quote is passed over; kept, not sent."), 2)
    closing_note = paragraph(_("What the others are told"), _("Sent to those who got nothing, in your words."), 2)
    is_final = forms.BooleanField(label=_("This is all: tell the others"), required=False, initial=True)

    def __init__(self, data=None, *, comparison, chosen: Mapping[tuple[int, int], Any] | None = None, **options):
        super().__init__(data, **options)
        self.comparison = comparison
        self.places = [(row.line, entry.quote) for row in comparison.rows if row.is_wanted for entry in row.entries]
        for line, quote in self.places:
            field = number(f"{line.description} · {quote.shown_name}")
            field.initial = plain((chosen or {}).get((line.pk, quote.pk)))
            field.widget.attrs["aria-label"] = field.label
            self.fields[f"take_{line.pk}_{quote.pk}"] = field

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per line: the line, and for each quote its price and the field to take of it."""
        found = []
        for row in self.comparison.rows:
            if row.is_wanted:
                cells = [(entry, self[f"take_{row.line.pk}_{entry.quote.pk}"]) for entry in row.entries]
                found.append({"line": row.line, "cells": cells})
        return found

    def picks(self) -> list[dict[str, Any]]:
        """Return what is taken; the service's errors find their way back to their fields."""
        picks = []
        self.field_of = {}
        for line, quote in self.places:
            name = f"take_{line.pk}_{quote.pk}"
            if quantity := self.cleaned_data[name]:
                for part in ("quantity", "quote", "line"):
                    self.field_of[f"picks.{len(picks)}.{part}"] = name
                picks.append({"quote": quote.pk, "line": line.pk, "quantity": quantity})
        return picks
