"""What a supplier quotes: one row for each line and quantity that is asked for."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.forms.files import FilesField
from marketplace.forms.rfqs import TermsForm, day, number, plain, shown_terms, text_line
from marketplace.models import Attachment, Quote, RequestForQuotation, RfqInvitation, RfqLine

LINE_PARTS = ("unit_price", "minimum_quantity", "lead_days", "deviations", "is_declined")
OWN_FIELDS = ("freight_amount", "charge_amount", "charge_text", "lead_days", "valid_until", "supply")


class QuoteForm(TermsForm):
    field_of = {"file": "files"}

    freight_amount = number(_("Freight, for all"), _("In all, in the currency of the quote."))
    charge_amount = number(_("Other charges"))
    charge_text = text_line(_("Charges for"), _("For example tooling, packing, certificates."), maxlength=200)
    lead_days = number(_("Lead time in days"))
    valid_until = day(_("The quote holds until"))
    supply = forms.ChoiceField(
        label=_("From our listing"), required=False, help_text=_("An order takes its quantity from there.")
    )
    files = FilesField()
    dropped = forms.ModelMultipleChoiceField(
        label=_("Take off"), queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        data=None,
        files=None,
        *,
        rfq: RequestForQuotation,
        quote: Quote | None,
        supplies,
        invitation: RfqInvitation,
        **options,
    ):
        terms = (quote or rfq).terms()
        if quote is None:
            terms["note"] = ""
        own = {name: plain(getattr(quote, name)) for name in OWN_FIELDS[:-1]} if quote else {}
        if quote and quote.valid_until:
            own["valid_until"] = timezone.localdate(quote.valid_until).isoformat()
        supply = quote.supply_id if quote else invitation.supply_id
        initial = shown_terms(terms) | own | {"supply": str(supply or "")}
        super().__init__(data, files, initial=initial, **options)
        self.fields["supply"].choices = [("", "—"), *[(str(row.pk), row.title) for row in supplies]]
        self.fields["dropped"].queryset = quote.attachments.all() if quote else Attachment.objects.none()
        said = {(row.line_id, row.quantity): row for row in quote.lines.all()} if quote else {}
        # In the order in which the service names its errors.
        self.places = [(line, quantity) for line in rfq.lines.all() for quantity in line.quantities]
        for place, (line, quantity) in enumerate(self.places):
            self.fields.update(self._line_fields(place, line, quantity, said.get((line.pk, quantity))))

    def _line_fields(self, place: int, line: RfqLine, quantity: Decimal, row) -> dict[str, forms.Field]:
        made = {
            "unit_price": number(_("Unit price")),
            "minimum_quantity": number(_("Minimum order")),
            "lead_days": number(_("Lead time in days")),
            "deviations": text_line(_("Deviations"), maxlength=1000),
            "is_declined": forms.BooleanField(label=_("We cannot supply this"), required=False),
        }
        for name, field in made.items():
            field.initial = plain(getattr(row, name)) if row else None
            field.label = field.widget.attrs["aria-label"] = (
                f"{line.position}. {line.description}, {plain(quantity)}: {field.label}"
            )
        return {f"lines_{place}_{name}": field for name, field in made.items()}

    def line_rows(self) -> list[dict[str, Any]]:
        return [
            {"line": line, "quantity": quantity, "is_first": quantity == min(line.quantities)}
            | {name: self[f"lines_{place}_{name}"] for name in LINE_PARTS}
            for place, (line, quantity) in enumerate(self.places)
        ]

    def said(self) -> dict[str, Any]:
        """Return everything as the service takes it."""
        lines = []
        for place, (line, quantity) in enumerate(self.places):
            row = {name: self.cleaned_data[f"lines_{place}_{name}"] for name in LINE_PARTS}
            lines.append({"line": line.pk, "quantity": quantity, **row})
        fields = self.terms() | {name: self.cleaned_data[name] for name in OWN_FIELDS}
        if fields["valid_until"] == self.initial.get("valid_until"):
            # Shown as a day: left as it was, it keeps its hour.
            del fields["valid_until"]
        return {
            "fields": fields,
            "lines": lines,
            "uploads": self.cleaned_data["files"],
            "dropped": list(self.cleaned_data["dropped"]),
        }
