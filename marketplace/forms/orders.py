"""What people fill in on the pages of an order; the services check it, as they check what comes by API."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.forms.files import FilesField
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Dispute, Incoterm, Invoice, Order, OrderLine, Park, Payment, PaymentTerm
from marketplace.templatetags.market import counted


class PlainNumberField(forms.DecimalField):
    """Show a number without the zeros that say nothing."""

    def prepare_value(self, value):
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def quantity_field(label: str, **options: Any) -> forms.DecimalField:
    options.setdefault("required", False)
    return PlainNumberField(label=label, max_digits=18, decimal_places=3, min_value=0, **options)


def money_field(label: str, **options: Any) -> forms.DecimalField:
    options.setdefault("required", False)
    return forms.DecimalField(label=label, max_digits=18, decimal_places=2, min_value=0, **options)


def day_field(label: str, **options: Any) -> forms.DateField:
    options.setdefault("required", False)
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)


def text_field(label: str, *, rows: int = 3, limit: int = 2000, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=limit, widget=forms.Textarea(attrs={"rows": rows}), **options)


def line_label(line: OrderLine) -> str:
    return f"{line.position}. {line.description}"


class LinesForm(ShowsRefusals):
    """A form with a quantity for each of some lines, named as the service names what it refuses."""

    # Where of a line the quantity is taken from, and which field says it.
    place = "outstanding"
    is_filled_in = True

    def __init__(self, *args, lines: Sequence[OrderLine], **options):
        super().__init__(*args, **options)
        self.lines = [line for line in lines if getattr(line, self.place)]
        for index, line in enumerate(self.lines):
            there = getattr(line, self.place)
            self.fields[self.name_of(index, line)] = quantity_field(
                line_label(line),
                initial=there if self.is_filled_in else None,
                help_text=_("at most %(quantity)s") % {"quantity": counted(there, line.unit)},
            )

    def name_of(self, index: int, line: OrderLine) -> str:
        return f"lines_{index}_quantity"

    def line_fields(self) -> list[dict]:
        return [{"line": line, "field": self[self.name_of(index, line)]} for index, line in enumerate(self.lines)]

    def said_lines(self) -> list[dict]:
        """Return a row for each line, in the form's order; what is empty or 0 stays out at the end of the caller."""
        values = [self.cleaned_data.get(self.name_of(index, line)) for index, line in enumerate(self.lines)]
        return [
            {"line": line.position, "quantity": value} for line, value in zip(self.lines, values, strict=True) if value
        ]

    @property
    def other_fields(self) -> list:
        own = {self.name_of(index, line) for index, line in enumerate(self.lines)}
        return [field for field in self.visible_fields() if field.name not in own]


class CancellationForm(LinesForm):
    reason = text_field(_("Reason"))
    give_back = forms.BooleanField(
        label=_("Give the quantity back to the listings it came from"), required=False, initial=True
    )

    def said(self) -> dict:
        return {"lines": self.said_lines(), "give_back": self.cleaned_data["give_back"]}


class DeliveryForm(LinesForm):
    """How much of each line was delivered, or is accepted."""

    def name_of(self, index, line):
        return f"quantities_{line.position}"

    def quantities(self) -> dict:
        return {row["line"]: row["quantity"] for row in self.said_lines()}


class AcceptanceForm(DeliveryForm):
    place = "in_delivery"


class CallOffForm(LinesForm):
    is_filled_in = False
    window_start = day_field(_("Delivered from"))
    window_end = day_field(_("Delivered until"))
    address = forms.CharField(label=_("Address"), max_length=300, required=False)


class AmendmentForm(ShowsRefusals):
    """All that an amendment may change, filled in with what holds now."""

    incoterm = forms.ChoiceField(label=_("Delivery term"), choices=Incoterm)
    park = forms.ModelChoiceField(label=_("Park"), queryset=Park.objects.none(), required=False)
    address = forms.CharField(label=_("Address"), max_length=300, required=False)
    window_start = day_field(_("Delivered from"), required=True)
    window_end = day_field(_("Delivered until"), required=True)
    payment_term = forms.ChoiceField(label=_("Payment"), choices=PaymentTerm)
    payment_days = forms.IntegerField(label=_("Days"), min_value=0, required=False)
    deposit_percent = forms.DecimalField(label=_("Deposit, %"), max_digits=5, decimal_places=2, required=False)
    note = text_field(_("Further terms"), limit=4000, required=False)
    reason = text_field(_("Reason"), required=False)

    def __init__(self, *args, order: Order, lines: Sequence[OrderLine], **options):
        initial = {name: getattr(order, name) for name in self.base_fields if name != "reason"}
        super().__init__(*args, initial={**initial, **options.pop("initial", {})}, **options)
        self.fields["park"].queryset = Park.objects.open()
        self.lines = [] if order.kind == Order.Kind.CALL_OFF else list(lines)
        for index, line in enumerate(self.lines):
            self.fields[f"lines_{index}_quantity"] = quantity_field(_("Quantity"), initial=line.quantity)
            self.fields[f"lines_{index}_unit_price"] = PlainNumberField(
                label=_("Unit price"),
                max_digits=18,
                decimal_places=4,
                min_value=0,
                required=False,
                initial=line.unit_price,
            )

    def line_fields(self) -> list[dict]:
        return [
            {
                "line": line,
                "quantity": self[f"lines_{index}_quantity"],
                "unit_price": self[f"lines_{index}_unit_price"],
            }
            for index, line in enumerate(self.lines)
        ]

    def said(self) -> dict[str, Any]:
        data = self.cleaned_data
        terms = {name: data[name] for name in self.base_fields if name != "reason"}
        lines = [
            {
                "line": line.position,
                "quantity": data.get(f"lines_{index}_quantity"),
                "unit_price": data.get(f"lines_{index}_unit_price"),
            }
            for index, line in enumerate(self.lines)
        ]
        return {**terms, "lines": lines}


class OneLineForm(ShowsRefusals):
    """A quantity of one line, and why."""

    line = forms.ChoiceField(label=_("Line"))
    quantity = quantity_field(_("Quantity"), required=True)

    def __init__(self, *args, lines: Sequence[OrderLine], **options):
        super().__init__(*args, **options)
        self.by_position = {str(line.position): line for line in lines}
        self.fields["line"].choices = [(str(line.position), line_label(line)) for line in lines]

    @property
    def chosen_line(self) -> OrderLine:
        return self.by_position[self.cleaned_data["line"]]


class ShortageForm(OneLineForm):
    place = forms.ChoiceField(
        label=_("What is missing"),
        choices=[
            ("outstanding", _("It was not sent and will not come")),
            ("in_delivery", _("It was sent and not found")),
        ],
    )
    reason = text_field(_("Reason"))


class ReturnForm(OneLineForm):
    replace = forms.BooleanField(label=_("To be replaced"), required=False)
    reason = text_field(_("Reason"))


class DisputeForm(OneLineForm):
    field_of = {"file": "files"}

    kind = forms.ChoiceField(label=pgettext_lazy("dispute", "About"), choices=Dispute.Kind)
    text = text_field(_("What happened"), limit=4000, rows=5)
    files = FilesField()


class EvidenceForm(ShowsRefusals):
    field_of = {"file": "files"}

    text = text_field(_("What do you say to it?"), limit=4000)
    files = FilesField()


class SettlementForm(ShowsRefusals):
    """How a disputed quantity is shared out; ``note`` of a decision, ``reason`` of a proposal."""

    def __init__(self, *args, dispute: Dispute, is_decision: bool = False, **options):
        super().__init__(*args, **options)
        labels = {
            "accept": pgettext_lazy("goods", "Accepted"),
            "return": _("Returned"),
            "replace": _("Replaced"),
            "short": _("Short"),
        }
        for name, label in labels.items():
            self.fields[name] = quantity_field(label, initial=dispute.quantity if name == "accept" else None)
        self.fields["price_reduction"] = money_field(_("Price reduction (with tax)"))
        self.words = "note" if is_decision else "reason"
        self.fields[self.words] = text_field(_("Reasons of the decision") if is_decision else _("Reason"))

    def said(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != self.words}


class InvoiceRequestForm(ShowsRefusals):
    kind = forms.ChoiceField(label=_("Kind"), choices=Invoice.Kind, initial=Invoice.Kind.DIGITAL_SPECIAL)
    title = forms.CharField(label=_("Invoice title"), max_length=200)
    tax_identifier = forms.CharField(label=_("Buyer's tax number"), max_length=40, required=False)
    amount = money_field(_("Amount with tax"), required=True)
    note = forms.CharField(label=_("Note"), max_length=500, required=False)


class InvoiceForm(ShowsRefusals):
    number = forms.CharField(label=_("Invoice number"), max_length=40)
    kind = forms.ChoiceField(label=_("Kind"), choices=Invoice.Kind, initial=Invoice.Kind.DIGITAL_SPECIAL)
    amount = money_field(_("Amount with tax"), required=True)
    tax_amount = money_field(_("Tax"), help_text=_("Empty: computed from the tax rate of the order."))
    issued_on = day_field(_("Issued on"), required=True)
    due_on = day_field(_("Due on"))
    file = forms.FileField(label=_("File"), required=False, allow_empty_file=True)
    note = forms.CharField(label=_("Note"), max_length=500, required=False)


class PaymentForm(ShowsRefusals):
    amount = money_field(_("Amount"), required=True)
    paid_on = day_field(_("Paid on"), required=True)
    method = forms.ChoiceField(label=_("Method"), choices=Payment.Method)
    reference = forms.CharField(label=_("Reference"), max_length=100, required=False)
    invoice = forms.ModelChoiceField(label=_("Invoice"), queryset=Invoice.objects.none(), required=False)
    file = forms.FileField(label=_("Evidence"), required=False, allow_empty_file=True)
    note = forms.CharField(label=_("Note"), max_length=500, required=False)

    def __init__(self, *args, order: Order, **options):
        super().__init__(*args, **options)
        self.fields["invoice"].queryset = order.invoices.valid().order_by("issued_on", "pk")


class RatingForm(ShowsRefusals):
    stars = forms.TypedChoiceField(
        label=_("Stars"), coerce=int, choices=[(number, "★" * number) for number in range(5, 0, -1)]
    )
    words = text_field(_("In your words"), required=False)


class NoteForm(ShowsRefusals):
    note = text_field(_("Note"), required=False)
