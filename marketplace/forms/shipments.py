"""What is said of a shipment, its lots, an inspection and a receipt; services check it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.forms.files import FilesField
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import (
    Booking,
    Facility,
    Inspection,
    Lot,
    Order,
    OrderLine,
    Organisation,
    Park,
    ReceiptSignature,
    Shipment,
)
from marketplace.parsing.specifications import rules_of

PUBLIC_LABELS = {
    "product": _("Product"),
    "maker": _("Producer"),
    "origin": _("Origin"),
    "garden": _("Garden or plot"),
    "variety": _("Variety"),
    "grade": _("Grade"),
    "picked_on": _("Picked on"),
    "made_on": _("Made on"),
    "processing": _("Processing"),
    "batch": _("Production batch"),
    "certificates": _("Certificates"),
    "best_before": _("Best before"),
    "story": _("What else readers may know"),
}
DAYS = ("picked_on", "made_on", "best_before")
ACTIVE = (Booking.Status.REQUESTED, Booking.Status.CONFIRMED, Booking.Status.IN_USE)


def plain(value: Decimal | None) -> str:
    """Return a quantity as it is typed: no zeros that say nothing."""
    return "" if value is None else format(value.normalize(), "f")


def _line(label, *, initial: str = "", **attributes) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", **attributes})
    return forms.CharField(label=label, required=False, initial=initial, widget=widget)


def _quantity(label, initial: str = "") -> forms.CharField:
    return _line(label, initial=initial, inputmode="decimal")


class LotRow:
    """The fields of one lot of a form, side by side."""

    def __init__(self, form: forms.Form, place: int, line: OrderLine, left: Decimal) -> None:
        self.form, self.place, self.line, self.left = form, place, line, left

    def __getitem__(self, name: str):
        return self.form[f"lots_{self.place}_{name}"]

    @property
    def quantity(self):
        return self["quantity"]

    @property
    def number(self):
        return self["number"]

    @property
    def packages(self):
        return self["packages"]

    @property
    def public(self):
        return [self[f"public_{name}"] for name in Lot.PUBLIC_FIELDS]


class ShipmentForm(ShowsRefusals):
    """A journey and its lots: ``rows`` are (order line, what is left of it, lot or None)."""

    hides_optional = True

    park = forms.ModelChoiceField(Park.objects.none(), label=_("Through the park"), required=False)
    expected_at = forms.DateTimeField(
        label=_("Expected at"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    dock_booking = forms.ModelChoiceField(Booking.objects.none(), label=_("Dock booked"), required=False)
    warehouse_booking = forms.ModelChoiceField(Booking.objects.none(), label=_("Warehouse booked"), required=False)
    carrier = _line(_("Carrier"))
    vehicle = _line(_("Number plate"), autocapitalize="characters")
    driver_name = _line(_("Driver"))
    driver_phone = _line(_("Driver's phone"), inputmode="tel")
    from_address = _line(_("Sent from"))
    to_address = _line(_("Sent to"))

    def __init__(
        self,
        *args,
        rows: Sequence[tuple[OrderLine, Decimal, Lot | None]],
        parties: Sequence[Organisation],
        shipment: Shipment | None = None,
        **options,
    ):
        if shipment is not None:
            kept = (*Shipment.JOURNEY_FIELDS, "park", "expected_at", "dock_booking", "warehouse_booking")
            options["initial"] = {name: getattr(shipment, name) for name in kept} | options.get("initial", {})
        super().__init__(*args, **options)
        self.fields["park"].queryset = Park.objects.open().order_by("pk")
        bookings = Booking.objects.filter(organisation__in=parties, status__in=ACTIVE).with_names().order_by("slot")
        self.fields["dock_booking"].queryset = bookings.filter(facility__kind=Facility.Kind.DOCK)
        self.fields["warehouse_booking"].queryset = bookings.filter(facility__kind=Facility.Kind.WAREHOUSE)
        for name in ("dock_booking", "warehouse_booking"):
            self.fields[name].label_from_instance = _booking_label
        self.rows = [self._add_row(place, *row) for place, row in enumerate(rows)]

    def _add_row(self, place: int, line: OrderLine, left: Decimal, lot: Lot | None) -> LotRow:
        at = f"lots_{place}_"
        self.fields[f"{at}quantity"] = _quantity(_("Quantity"), plain(lot.quantity if lot else left))
        self.fields[f"{at}number"] = _line(_("Lot number"), initial=lot.number if lot else "")
        packages = lot.packages.count() if lot else 0
        self.fields[f"{at}packages"] = _line(_("Packages"), initial=str(packages or ""), inputmode="numeric")
        public = lot.public if lot else {}
        for name, label in PUBLIC_LABELS.items():
            attributes = {"type": "date"} if name in DAYS else {}
            value = public.get(name, "")
            shown = value if isinstance(value, str) else value.get("zh") or value.get("en") or ""
            self.fields[f"{at}public_{name}"] = _line(label, initial=shown, **attributes)
        return LotRow(self, place, line, left)

    def said(self) -> dict[str, Any]:
        """Return what the service takes; rows without a quantity are left out."""
        lots, self.field_of = [], {}
        for row in self.rows:
            at = f"lots_{row.place}_"
            if not self.cleaned_data[f"{at}quantity"]:
                continue
            for name in ("quantity", "number", "packages"):
                self.field_of[f"lots.{len(lots)}.{name}"] = f"{at}{name}"
            self.field_of |= {f"lots.{len(lots)}.public.{name}": f"{at}public_{name}" for name in Lot.PUBLIC_FIELDS}
            lots.append(
                {
                    "order_line": row.line,
                    "quantity": self.cleaned_data[f"{at}quantity"],
                    "number": self.cleaned_data[f"{at}number"],
                    "packages": self.cleaned_data[f"{at}packages"],
                    "public": {name: self.cleaned_data[f"{at}public_{name}"] for name in Lot.PUBLIC_FIELDS},
                }
            )
        names = (*Shipment.JOURNEY_FIELDS, "park", "expected_at", "dock_booking", "warehouse_booking")
        return {name: self.cleaned_data[name] for name in names} | {"lots": lots}


def _booking_label(booking: Booking) -> str:
    from_, until = booking.slot.lower, booking.slot.upper
    return f"{booking.facility.name} · {from_:%m-%d %H:%M} – {until:%m-%d %H:%M} · {booking.number}"


class ResultRow:
    """An attribute that the order specifies, and the field for what was measured."""

    def __init__(self, key: str, rule: Mapping[str, Any], field) -> None:
        self.key, self.rule, self.field = key, rule, field
        self.tolerance = rule.get("tolerance") or ""
        self.unit = rule.get("unit") or ""


class InspectionForm(ShowsRefusals):
    hides_optional = True

    accepted = _quantity(_("Passed"))
    concession = _quantity(_("At a concession"))
    rejected = _quantity(_("Rejected"))
    price_reduction_percent = _quantity(_("Price reduction for the concession, %"))
    method = _line(_("Method or standard"))
    sample_size = forms.IntegerField(label=_("Sample size"), required=False, min_value=1, max_value=10**6)
    note = forms.CharField(label=_("Note"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    files = FilesField(label=_("Report and photos"))

    def __init__(self, *args, lot: Lot, **options):
        options.setdefault("initial", {"accepted": plain(lot.open_quantity)})
        super().__init__(*args, **options)
        self.results, self.field_of = [], {"verdict": "accepted", "file": "files"}
        for place, (key, rule) in enumerate(rules_of(lot.order_line.specification).items()):
            name = f"results_{place}"
            self.fields[name] = _line(key)
            self.field_of[f"results.{key}"] = name
            self.results.append(ResultRow(key, rule, self[name]))

    def said(self) -> dict[str, Any]:
        names = ("accepted", "concession", "rejected", "price_reduction_percent", "method", "sample_size", "note")
        said = {name: self.cleaned_data[name] for name in names}
        measured = {row.key: self.cleaned_data[row.field.name] for row in self.results}
        return said | {"results": {key: value for key, value in measured.items() if value}}


class ReceiptRow:
    def __init__(self, form: forms.Form, place: int, lot: Lot) -> None:
        self.lot = lot
        self.accepted, self.short, self.rejected, self.is_replaced = (
            form[f"lines_{place}_{name}"] for name in ("accepted", "short", "rejected", "is_replaced")
        )


class ReceiptForm(ShowsRefusals):
    """What came, lot by lot; ``draft`` is what came if nothing is missing."""

    hides_optional = True

    receiver_name = _line(_("Receiver"))
    note = forms.CharField(label=_("Note"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, draft: Sequence[Mapping[str, Any]], **options):
        super().__init__(*args, **options)
        self.rows = []
        for place, line in enumerate(draft):
            at = f"lines_{place}_"
            self.fields[f"{at}accepted"] = _quantity(pgettext_lazy("goods", "Accepted"), plain(line["accepted"]))
            self.fields[f"{at}short"] = _quantity(_("Missing"), plain(line["short"]) if line["short"] else "")
            self.fields[f"{at}rejected"] = _quantity(_("Rejected"), plain(line["rejected"]) if line["rejected"] else "")
            self.fields[f"{at}is_replaced"] = forms.BooleanField(
                label=_("The seller replaces what is rejected"), required=False
            )
            self.rows.append(ReceiptRow(self, place, line["lot"]))

    def said(self) -> dict[str, Any]:
        lines = [
            {
                "lot": row.lot,
                **{
                    name: self.cleaned_data[getattr(row, name).name]
                    for name in ("accepted", "short", "rejected", "is_replaced")
                },
            }
            for row in self.rows
        ]
        return {
            "lines": lines,
            "receiver_name": self.cleaned_data["receiver_name"],
            "note": self.cleaned_data["note"],
        }


class CodeRequestForm(ShowsRefusals):
    side = forms.ChoiceField(label=_("Who signs"), choices=ReceiptSignature.Side.choices)
    name = forms.CharField(label=_("Name"), max_length=100)
    contact = forms.CharField(label=_("Phone or e-mail"), max_length=254)


class CodeForm(ShowsRefusals):
    side = forms.ChoiceField(label=_("Who signs"), choices=ReceiptSignature.Side.choices)
    code = forms.CharField(
        label=_("Code"),
        max_length=6,
        min_length=6,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )


class RemedyForm(ShowsRefusals):
    remedy = forms.ChoiceField(label=_("Rejected goods"), choices=Inspection.Remedy.choices)


class PaperCheckForm(forms.Form):
    paper = forms.FileField(label=_("The PDF you were given"), required=False)


def rows_to_plan(order: Order, left: Mapping[int, Decimal], *, lots_per_line: int = 1) -> list[tuple]:
    """Return the rows of a new shipment: what is left of each line, shared among so many lots."""
    rows = []
    for line in order.lines.filter(kind=OrderLine.Kind.GOODS).order_by("position"):
        rest = left.get(line.pk, Decimal(0))
        if rest <= 0:
            continue
        share = (rest / lots_per_line).quantize(Decimal("0.001"))
        rows += [(line, share, None)] * (lots_per_line - 1)
        rows.append((line, rest - share * (lots_per_line - 1), None))
    return rows
