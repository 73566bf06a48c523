"""The next offer, filled in with what was said last; the service checks it, as it checks what comes by API."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.forms.files import FilesField
from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.regions import place_text
from marketplace.models import Attachment, Incoterm, Message, Park, PaymentTerm
from marketplace.models.terms import TermLine
from marketplace.parsing.regions import regions
from marketplace.parsing.units import canonical_unit, unit_name, units
from marketplace.templatetags.market import attribute_label

CURRENCIES = ("CNY", "USD", "EUR", "JPY", "HKD", "GBP")
MOST_LINES = 50
TERM_NAMES = (
    "currency",
    "tax_rate",
    "price_includes_tax",
    "incoterm",
    "park",
    "region",
    "address",
    "window_start",
    "window_end",
    "payment_term",
    "payment_days",
    "deposit_percent",
    "note",
)
LINE_NAMES = ("kind", "description", "quantity", "unit", "unit_price")


def _line(label, help_text="", **attributes) -> forms.CharField:
    return forms.CharField(label=label, required=False, help_text=help_text, widget=forms.TextInput(attrs=attributes))


def _number(label, help_text="") -> forms.CharField:
    # A text, not a number: 2,000 and 3 万 are numbers too.
    return _line(label, help_text, inputmode="decimal", autocomplete="off")


def plain(value: Any) -> str:
    """Return a value as a field shows it, and as the service reads it again."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


class LineFields:
    """The fields of one line of an offer form, as its template walks through them."""

    def __init__(self, form: "OfferForm", place: int, specification: Mapping[str, Any]) -> None:
        self.number = place + 1
        self.specification = form[f"lines_{place}_specification"]
        for name in LINE_NAMES:
            setattr(self, name, form[f"lines_{place}_{name}"])
        self.text = form[f"lines_{place}_text"]
        attributes = specification.get("attributes") or {}
        self.attributes = [(key, form.label_of(key), rule) for key, rule in attributes.items()]
        self.tolerances = [form[name] for name in form.fields if name.startswith(f"lines_{place}_tolerance_")]


class OfferForm(ShowsRefusals):
    hides_optional = True
    field_of = {"attachments": "files", "file": "files"}

    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES], required=False)
    tax_rate = _number(_("Tax rate, %"))
    price_includes_tax = forms.BooleanField(label=_("Prices include tax"), required=False)
    incoterm = forms.ChoiceField(label=_("Delivery term"), choices=Incoterm.choices, required=False)
    park = forms.ModelChoiceField(label=_("Park"), queryset=Park.objects.none(), required=False, empty_label="—")
    region = _line(_("Place"), list="places", autocomplete="off")
    address = _line(_("Address"), maxlength=300)
    window_start = _line(_("Delivered from"), type="date")
    window_end = _line(_("Delivered until"), type="date")
    payment_term = forms.ChoiceField(label=_("Payment"), choices=PaymentTerm.choices, required=False)
    payment_days = _number(_("Days after acceptance"))
    deposit_percent = _number(_("Deposit, %"))
    note = forms.CharField(
        label=_("Further terms"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2})
    )
    valid_until = _line(_("The offer holds until"), type="datetime-local")
    is_framework = forms.BooleanField(label=_("Framework: called off in parts"), required=False)
    files = FilesField()
    line_count = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, files=None, *, draft=None, schema: Mapping[str, Any] | None = None, **options):
        self.schema = schema or {}
        initial = _initial(draft) if draft else {}
        super().__init__(data, files, initial=initial, **options)
        self.fields["park"].queryset = Park.objects.open().order_by("pk")
        self.specifications = [self._add_line(place) for place in range(self._count())]
        # Drawn again with one line more, the form tells so.
        self.initial["line_count"] = len(self.specifications)

    def _count(self) -> int:
        said = str(self.data.get("line_count", "")) if self.is_bound else str(self.initial.get("line_count", 1))
        return min(int(said) if said.isdigit() else 1, MOST_LINES)

    def _add_line(self, place: int) -> dict[str, Any]:
        prefix = f"lines_{place}_"
        self.fields[f"{prefix}kind"] = forms.ChoiceField(
            label=_("Kind"), choices=TermLine.Kind.choices, required=False, initial=TermLine.Kind.GOODS
        )
        self.fields[f"{prefix}description"] = _line(_("Description"), maxlength=300)
        self.fields[f"{prefix}quantity"] = _number(_("Quantity"))
        self.fields[f"{prefix}unit"] = _line(_("Unit"), list="units", autocomplete="off")
        self.fields[f"{prefix}unit_price"] = _number(_("Unit price"))
        self.fields[f"{prefix}text"] = _line(_("Further specification"), maxlength=4000)
        self.fields[f"{prefix}specification"] = forms.CharField(required=False, widget=forms.HiddenInput)
        source = self.data if self.is_bound else self.initial
        specification = _json(source.get(f"{prefix}specification", ""))
        for key, rule in (specification.get("attributes") or {}).items():
            if isinstance(rule, Mapping) and _is_number(rule.get("value")):
                field = _number(f"{self.label_of(key)} ±")
                field.initial = plain(rule.get("tolerance"))
                self.fields[f"{prefix}tolerance_{key}"] = field
        return specification

    def label_of(self, key: str) -> str:
        return attribute_label(key, self.schema.get(key, {}))

    def lines(self) -> list[LineFields]:
        return [LineFields(self, place, said) for place, said in enumerate(self.specifications)]

    def units(self) -> list[str]:
        language = get_language()
        return [unit_name(token, language, plural=False) for token in units()]

    def with_another_line(self) -> "OfferForm":
        """Return this form as it was filled in, with one more empty line, and nothing checked."""
        data = self.data.copy()
        data["line_count"] = str(min(len(self.specifications) + 1, MOST_LINES))
        form = type(self)(data, schema=self.schema)
        form.is_bound = True
        # Nothing was sent yet, so nothing is wrong yet.
        form._errors, form.cleaned_data = {}, {}  # noqa: SLF001 - Django's own place for it
        return form

    def said(self) -> dict[str, Any]:
        """Return what the service takes: terms, lines, validity, and whether it is a framework."""
        cleaned = self.cleaned_data
        terms = {name: cleaned[name] for name in TERM_NAMES}
        places = range(len(self.specifications))
        # An added line that stayed empty is none, unless it is the only one.
        filled = [place for place in places if any(cleaned[f"lines_{place}_{name}"] for name in LINE_NAMES[1:])]
        return {
            "terms": terms,
            "lines": [self._line_said(place) for place in filled or places],
            "valid_until": cleaned["valid_until"],
            "is_framework": cleaned["is_framework"],
        }

    def _line_said(self, place: int) -> dict[str, Any]:
        prefix = f"lines_{place}_"
        said = {name: self.cleaned_data[f"{prefix}{name}"] for name in LINE_NAMES}
        attributes = dict(self.specifications[place].get("attributes") or {})
        for key, rule in attributes.items():
            if isinstance(rule, Mapping):
                tolerance = self.cleaned_data.get(f"{prefix}tolerance_{key}")
                kept = {name: value for name, value in rule.items() if name != "tolerance"}
                attributes[key] = {**kept, "tolerance": tolerance} if tolerance not in (None, "") else kept
        return {**said, "specification": {"attributes": attributes, "text": self.cleaned_data[f"{prefix}text"]}}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _json(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text or "{}")
    except ValueError:
        return {}
    is_ours = isinstance(read, dict) and isinstance(read.get("attributes") or {}, dict)
    return read if is_ours else {}


def _initial(draft) -> dict[str, Any]:
    initial = {name: plain(value) for name, value in draft.terms.items() if name != "park"}
    initial["park"] = draft.terms.get("park")
    initial["price_includes_tax"] = draft.terms["price_includes_tax"]
    if draft.terms.get("region") in regions():
        initial["region"] = place_text(draft.terms["region"])
    initial["valid_until"] = plain(draft.valid_until)
    initial["line_count"] = len(draft.lines)
    for place, line in enumerate(draft.lines):
        for name in LINE_NAMES:
            initial[f"lines_{place}_{name}"] = plain(line[name])
        if canonical_unit(line["unit"] or ""):
            initial[f"lines_{place}_unit"] = unit_name(line["unit"], get_language() or "zh", plural=False)
        specification = line["specification"] or {}
        initial[f"lines_{place}_specification"] = json.dumps(specification, ensure_ascii=False)
        initial[f"lines_{place}_text"] = specification.get("text", "")
    return initial


class MessageForm(ShowsRefusals):
    field_of = {"attachments": "files", "file": "files"}

    clause = forms.ChoiceField(label=_("Clause"), choices=Message.Clause.choices, required=False)
    text = forms.CharField(
        label=_("Message"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    files = FilesField()

    def clean_clause(self) -> str:
        return self.cleaned_data["clause"] or Message.Clause.WHOLE


class DeclineForm(ShowsRefusals):
    note = _line(_("Why (the other side reads it)"), maxlength=2000, placeholder=_("Why (the other side reads it)"))


class DisclosureForm(ShowsRefusals):
    """From which stage others see what; ``documents`` are those already uploaded, ``files`` new ones."""

    field_of = {"file": "files"}

    name_from = forms.TypedChoiceField(label=_("Our name"), coerce=int)
    contact_from = forms.TypedChoiceField(label=_("Our contact person, phone and e-mail"), coerce=int)
    documents_from = forms.TypedChoiceField(label=_("Our documents and certificate numbers"), coerce=int)
    documents = forms.ModelMultipleChoiceField(
        label=_("Documents shown"), queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )
    files = FilesField(label=_("Add documents"))
    is_lead = forms.BooleanField(
        label=_("Suppliers may find us as a possible customer"),
        help_text=_("Off: we are proposed to nobody who looks for customers."),
        required=False,
    )

    def __init__(self, *args, disclosure, **options):
        super().__init__(*args, **options)
        self.fields["is_lead"].initial = disclosure.is_lead
        for name in ("name_from", "contact_from", "documents_from"):
            field = disclosure._meta.get_field(name)  # noqa: SLF001 - Django's own name for it
            self.fields[name].choices = field.choices
            self.fields[name].initial = getattr(disclosure, name)
        documents = disclosure.documents.order_by("pk") if disclosure.pk else Attachment.objects.none()
        self.fields["documents"].queryset = documents
        self.fields["documents"].initial = list(documents) if disclosure.pk else []


class NegotiationForm(ShowsRefusals):
    """In whose name, and about which of one's own listings, a negotiation about another's listing is opened."""

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=None, empty_label=None)
    own = forms.ModelChoiceField(label=_("Your listing"), queryset=None, required=False, empty_label=_("none"))

    def __init__(self, *args, organisations, listings, must_choose: bool = False, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
        self.fields["organisation"].required = not must_choose
        self.fields["own"].queryset = listings
        if must_choose:
            self.fields["own"].required, self.fields["own"].empty_label = True, None

    def chosen(self) -> dict[str, Any]:
        """Return the own listing and whose it is: a listing says in whose name."""
        own = self.cleaned_data["own"]
        return {"own": own, "organisation": own.organisation if own else self.cleaned_data["organisation"]}
