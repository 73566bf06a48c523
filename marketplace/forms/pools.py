import re
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from marketplace.forms.listings import category_choices
from marketplace.forms.moments import MomentField, day_input
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Incoterm, Listing, Organisation, Park, PaymentTerm, PurchasePool

DECIMAL = {"inputmode": "decimal", "autocomplete": "off", "step": "any", "min": "0"}
RUNGS = 5


def _number(label, help_text="", **options) -> forms.DecimalField:
    widget = forms.NumberInput(attrs=DECIMAL)
    return forms.DecimalField(label=label, help_text=help_text, widget=widget, **{"required": False, **options})


def _text(label, limit, help_text="", **attrs) -> forms.CharField:
    widget = forms.TextInput(attrs=attrs)
    return forms.CharField(label=label, max_length=limit, required=False, help_text=help_text, widget=widget)


class PoolForm(ShowsRefusals):
    """What an organiser says of a pool; the service checks it, the form only reads it."""

    hides_optional = True
    field_of = {"prices": "prices_0_from_quantity"}

    organiser = forms.ModelChoiceField(label=_("In the name of"), queryset=Organisation.objects.none())
    title_zh = _text(_("Title (Chinese)"), 200)
    title_en = _text(_("Title (English)"), 200)
    text_zh = forms.CharField(
        label=_("Text (Chinese)"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    text_en = forms.CharField(
        label=_("Text (English)"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    category = forms.ChoiceField(label=_("Category"))
    specification = forms.CharField(
        label=_("Specification"),
        max_length=4000,
        required=False,
        help_text=_("What every delivered unit must meet."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    unit = _text(_("Unit"), 40, list="units")
    step = _number(_("Smallest step"), _("Quantities are whole multiples of it."), initial=1)
    base_price = _number(_("Price for a single buyer"), _("Savings are counted from it."))
    minimum_quantity = _number(_("Minimum quantity"), _("Below it the purchase fails and everybody is free."))
    closes_at_quantity = _number(_("Closes at the quantity"))
    closes_at = MomentField(label=_("Closes at"), required=False)
    shortage_rule = forms.ChoiceField(label=_("At a shortage"), choices=PurchasePool.Rule.choices)
    leave_free_until = MomentField(
        label=_("Free to leave until"), required=False, help_text=_("Later the organiser must agree.")
    )
    leaving_percent = _number(_("Owed on leaving later, %"), initial=0)
    visibility = forms.ChoiceField(label=_("Visible to"), choices=PurchasePool.Visibility.choices)
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in ("CNY", "USD", "EUR")])
    tax_rate = _number(_("Tax rate, %"), initial=13)
    price_includes_tax = forms.BooleanField(label=_("Prices include tax"), required=False, initial=True)
    incoterm = forms.ChoiceField(label=_("Delivery term"), choices=Incoterm.choices, initial=Incoterm.PARK_HANDOVER)
    park = forms.ModelChoiceField(label=_("Park"), queryset=Park.objects.none(), required=False)
    region = _text(_("Place"), 100, list="places")
    address = _text(_("Address"), 300)
    window_start = forms.DateField(label=_("Delivered from"), required=False, widget=day_input())
    window_end = forms.DateField(label=_("Delivered until"), required=False, widget=day_input())
    payment_term = forms.ChoiceField(label=_("Payment"), choices=PaymentTerm.choices, initial=PaymentTerm.NET)
    payment_days = _number(_("Days"), initial=30)
    deposit_percent = _number(_("Deposit, %"), initial=0)
    note = forms.CharField(
        label=_("Further terms"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args, organisations=None, **options):
        super().__init__(*args, **options)
        self.fields["category"].choices = category_choices()
        self.fields["park"].queryset = Park.objects.open().order_by("pk")
        self.fields["organiser"].empty_label = None
        if organisations is None:
            del self.fields["organiser"]
        else:
            self.fields["organiser"].queryset = organisations
        for place in range(RUNGS):
            self.fields[f"prices_{place}_from_quantity"] = _number(_("From the quantity"))
            self.fields[f"prices_{place}_unit_price"] = _number(_("Unit price"))

    def rung_fields(self) -> list[tuple]:
        return [(self[f"prices_{place}_from_quantity"], self[f"prices_{place}_unit_price"]) for place in range(RUNGS)]

    def said(self) -> dict[str, Any]:
        """Return what was filled in as the service takes it; empty rungs are none."""
        values = dict(self.cleaned_data)
        values.pop("organiser", None)
        rungs = []
        for place in range(RUNGS):
            start = values.pop(f"prices_{place}_from_quantity")
            price = values.pop(f"prices_{place}_unit_price")
            if start is not None or price is not None:
                rungs.append({"from_quantity": start, "unit_price": price})
        return {**values, "prices": rungs}


def pool_initial(pool: PurchasePool) -> dict[str, Any]:
    """Return what the edit page shows of a pool."""
    initial = {name: getattr(pool, name) for name in (*PurchasePool.PROFILE_FIELDS, *pool.TERM_FIELDS)}
    initial["category"] = pool.category.code
    initial["specification"] = pool.specification.get("text", "")
    for place, rung in enumerate(pool.ladder()):
        initial[f"prices_{place}_from_quantity"] = plain(rung.from_quantity)
        initial[f"prices_{place}_unit_price"] = plain(rung.unit_price)
    numbers = ("step", "base_price", "minimum_quantity", "closes_at_quantity", "leaving_percent", "tax_rate")
    for name in (*numbers, "deposit_percent"):
        initial[name] = plain(initial[name])
    return initial


def plain(number: Decimal | None) -> str:
    """Return a number for a field, without digits that say nothing."""
    return "" if number is None else f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


class CommitmentForm(ShowsRefusals):
    """How much a firm takes, at what price at most, for which of its demands."""

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=Organisation.objects.none())
    quantity = _number(_("Quantity"), required=True)
    maximum_price = _number(
        _("Highest unit price"), _("If the supplier's price is higher, your firm leaves. Empty: any price.")
    )
    demand = forms.ModelChoiceField(
        label=_("For our demand"),
        queryset=Listing.objects.none(),
        required=False,
        help_text=_("It holds the quantity, so that you do not buy it twice."),
    )

    def __init__(self, *args, organisations, demands, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
        self.fields["organisation"].empty_label = None
        self.fields["demand"].queryset = demands
        if not demands.exists():
            del self.fields["demand"]


class ChangeCommitmentForm(ShowsRefusals):
    quantity = _number(_("Quantity"), required=True)
    maximum_price = _number(_("Highest unit price"))


class ReasonForm(ShowsRefusals):
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)


class InviteForm(ShowsRefusals):
    """Firms by id or credit code, as people copy them."""

    firms = forms.CharField(
        label=_("Firms to invite"),
        max_length=2000,
        help_text=_("Credit codes or numbers, separated by commas or spaces."),
    )

    def clean_firms(self) -> list[Organisation]:
        names = re.split(r"[\s,;，；、]+", self.cleaned_data["firms"].strip().upper())[:100]
        ids = [int(name) for name in names if name.isdigit() and len(name) < 18]
        found = list(Organisation.objects.approved().filter(Q(pk__in=ids) | Q(uscc__in=names)))
        known = {str(one.pk) for one in found} | {one.uscc for one in found}
        if missing := [name for name in names if name and name not in known]:
            message = _now("No approved organisation has this id or code: %(names)s")
            raise forms.ValidationError(message % {"names": ", ".join(missing)})
        return found
