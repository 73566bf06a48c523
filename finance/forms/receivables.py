from django import forms
from django.utils.translation import gettext_lazy as _

from finance.models import Assignment, TransactionRecord
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Invoice, Organisation


class RegisterForm(ShowsRefusals):
    """Which invoice becomes a receivable: one of this marketplace, or an uploaded sale."""

    invoice = forms.ModelChoiceField(
        label=_("Invoice of this marketplace"), queryset=Invoice.objects.none(), required=False
    )
    record = forms.ModelChoiceField(
        label=_("or an uploaded sale"), queryset=TransactionRecord.objects.none(), required=False
    )
    due_on = forms.DateField(
        label=_("Due on"), required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text=_("Of an upload.")
    )

    def __init__(self, *args, invoices, records, **options):
        super().__init__(*args, **options)
        self.fields["invoice"].queryset = invoices
        self.fields["invoice"].label_from_instance = _invoice_label
        self.fields["record"].queryset = records
        self.fields["record"].label_from_instance = _record_label

    def clean(self):
        said = super().clean()
        if bool(said.get("invoice")) == bool(said.get("record")):
            self.add_error("invoice", _("Choose an invoice or an uploaded sale, one of the two."))
        return said


def _invoice_label(invoice: Invoice) -> str:
    return f"{invoice.number} · {invoice.order.buyer.name} · {invoice.amount:,.2f} · {invoice.get_status_display()}"


def _record_label(record: TransactionRecord) -> str:
    return f"{record.number} · {record.counterparty.name} · {record.total_amount:,.2f} · {record.occurred_on}"


class OfferForm(ShowsRefusals):
    """A part of a receivable for one bank."""

    bank = forms.ModelChoiceField(label=_("Bank"), queryset=Organisation.objects.none())
    kind = forms.ChoiceField(label=_("Kind"), choices=Assignment.Kind.choices)
    amount = forms.DecimalField(label=_("Amount"), max_digits=20, decimal_places=2, min_value=0)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        banks = Organisation.objects.approved().filter(kind=Organisation.Kind.BANK)
        self.fields["bank"].queryset = banks.order_by("pk")


class InvoiceCheckForm(ShowsRefusals):
    """An invoice as a bank has it before it."""

    seller = forms.CharField(label=_("Seller's code"), max_length=40)
    buyer = forms.CharField(label=_("Buyer's code"), max_length=40)
    invoice_code = forms.CharField(label=_("Invoice code"), max_length=40, required=False)
    invoice_number = forms.CharField(label=_("Invoice number"), max_length=60)
    face = forms.DecimalField(label=_("Amount with tax"), max_digits=20, decimal_places=2, min_value=0)
    currency = forms.CharField(label=_("Currency"), max_length=3, initial="CNY")
    issued_on = forms.DateField(label=_("Issued on"), widget=forms.DateInput(attrs={"type": "date"}))
