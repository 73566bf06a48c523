from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models import CreditProduct, DataGroup
from marketplace.forms.moments import day_input
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Organisation

GRADES = 10
NUMBER = {"inputmode": "decimal", "autocomplete": "off", "step": "any", "min": "0"}
RULES = (
    "min_score",
    "min_grade",
    "min_months_of_records",
    "min_sales_per_year",
    "max_percent_of_sales",
    "regions",
    "industries",
    "needs_guarantee",
    "needs_core_enterprise",
)


def _text(label: Any, limit: int, help_text: Any = "", **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=limit, help_text=help_text, **{"required": False, **options})


def _number(label: Any, help_text: Any = "", **options: Any) -> forms.DecimalField:
    widget = forms.NumberInput(attrs=NUMBER)
    return forms.DecimalField(label=label, help_text=help_text, widget=widget, **{"required": False, **options})


def _whole(label: Any, help_text: Any = "", **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=help_text, **{"required": False, "min_value": 0, **options})


class CreditProductForm(ShowsRefusals):
    """What a bank says of a product; the service checks it, the form only reads it."""

    hides_optional = True
    field_of = {"spread_bp": "grade_0_bp"}

    bank = forms.ModelChoiceField(label=_("Bank"), queryset=Organisation.objects.none())
    code = _text(_("Code"), 40, required=True)
    name_zh = _text(_("Name (Chinese)"), 100, required=True)
    name_en = _text(_("Name (English)"), 100)
    about_zh = _text(_("About (Chinese)"), 2000, widget=forms.Textarea(attrs={"rows": 2}))
    about_en = _text(_("About (English)"), 2000, widget=forms.Textarea(attrs={"rows": 2}))
    kind = forms.ChoiceField(label=_("Kind"), choices=CreditProduct.Kind.choices)
    min_amount = _number(_("Least amount"), required=True)
    max_amount = _number(_("Largest amount"), required=True)
    min_days = _whole(_("Shortest term (days)"), initial=30)
    max_days = _whole(_("Longest term (days)"), initial=360)
    is_revolving = forms.BooleanField(
        label=_("Revolving: what is repaid can be drawn again"), required=False, initial=True
    )
    repayment_methods = forms.MultipleChoiceField(
        label=_("Ways of repayment"), choices=CreditProduct.Repayment.choices, widget=forms.CheckboxSelectMultiple
    )
    base_rate_bp = _whole(_("Loan prime rate (basis points)"), _("300 is 3.00 % a year."), initial=300)
    guarantee_discount_bp = _whole(_("Taken off for a guarantee (basis points)"), initial=0)
    penalty_bp = _whole(_("Added to the rate when overdue (%)"), initial=50)
    signing = forms.ChoiceField(label=_("Contract"), choices=CreditProduct.Signing.choices)
    consent_groups = forms.MultipleChoiceField(
        label=_("Data that the firm has to let you read"),
        choices=DataGroup.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    eligibility_min_score = _whole(_("Least score"))
    eligibility_min_grade = _text(_("Lowest grade"), 5)
    eligibility_min_months_of_records = _whole(_("Months of sales records"))
    eligibility_min_sales_per_year = _number(_("Sales of the last 12 months (CNY)"))
    eligibility_max_percent_of_sales = _whole(_("At most this share of yearly sales (%)"))
    eligibility_regions = _text(
        _("Regions"), 200, _("Codes of GB/T 2260 or their beginnings, such as 33, 3310; empty: everywhere.")
    )
    eligibility_industries = _text(
        _("Industries"), 200, _("Codes of GB/T 4754 or their beginnings, such as C34; empty: all.")
    )
    eligibility_needs_guarantee = forms.BooleanField(label=_("Only with a guarantor or insurer"), required=False)
    eligibility_needs_core_enterprise = forms.BooleanField(
        label=_("Only in a core enterprise's programme"), required=False
    )
    offered_from = forms.DateField(label=_("Offered from"), widget=day_input())
    offered_until = forms.DateField(label=_("Offered until"), required=False, widget=day_input())

    def __init__(self, *args, banks=None, **options):
        super().__init__(*args, **options)
        self.fields["bank"].empty_label = None
        if banks is None:
            del self.fields["bank"]
        else:
            self.fields["bank"].queryset = banks
            self.fields["bank"].initial = banks.first()
        for place in range(GRADES):
            self.fields[f"grade_{place}_name"] = _text(pgettext_lazy("credit", "Grade"), 5)
            self.fields[f"grade_{place}_bp"] = _whole(_("Above the prime rate"))

    def grade_fields(self) -> list[tuple]:
        return [(self[f"grade_{place}_name"], self[f"grade_{place}_bp"]) for place in range(GRADES)]

    def rule_fields(self) -> list:
        return [self[f"eligibility_{rule}"] for rule in RULES]

    def said(self) -> dict[str, Any]:
        """Return what was filled in as the service takes it."""
        values = dict(self.cleaned_data)
        values.pop("bank", None)
        spread = {}
        for place in range(GRADES):
            name, added = values.pop(f"grade_{place}_name"), values.pop(f"grade_{place}_bp")
            if name:
                spread[name] = added if added is not None else ""
        rules = {rule: values.pop(f"eligibility_{rule}") for rule in RULES}
        rules = {rule: value for rule, value in rules.items() if value not in (None, "", False)}
        return {**values, "spread_bp": spread, "eligibility": rules}


def product_initial(product: CreditProduct) -> dict[str, Any]:
    """Return what the edit page shows of a product."""
    initial = {name: getattr(product, name) for name in CreditProduct.PROFILE_FIELDS}
    rules, spread = initial.pop("eligibility"), initial.pop("spread_bp")
    for rule, value in rules.items():
        initial[f"eligibility_{rule}"] = ", ".join(value) if isinstance(value, list) else value
    ordered = sorted(spread.items(), key=lambda item: (item[1], item[0]))
    for place, (name, added) in enumerate(ordered[:GRADES]):
        initial[f"grade_{place}_name"], initial[f"grade_{place}_bp"] = name, added
    return initial
