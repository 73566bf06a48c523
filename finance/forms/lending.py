from datetime import timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models import CreditLine, CreditProduct, LineChange
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Organisation

YEAR = 365


def _date(label, **options):
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **options)


def _amount(label, **options):
    return forms.DecimalField(label=label, max_digits=18, decimal_places=2, **options)


class FirmField(forms.CharField):
    """An approved firm, by its credit code or its name."""

    def clean(self, value):
        said = super().clean(value)
        if not said:
            return None
        found = Organisation.objects.approved()
        firm = found.filter(uscc=said.upper()).first()
        if firm is None:
            named = list(found.named_like(said)[:2])
            firm = named[0] if len(named) == 1 else None
        if firm is None:
            raise forms.ValidationError(_("No approved firm has this code, or several have this name."))
        return firm


class DrawForm(ShowsRefusals):
    """What a firm asks of its line; the service checks it."""

    amount = _amount(_("Amount"))
    days = forms.IntegerField(label=_("Term (days)"), min_value=1)
    repayment = forms.ChoiceField(label=_("Repayment"), choices=CreditProduct.Repayment)
    payee = FirmField(
        label=_("Supplier to be paid"), help_text=_("Credit code or name: the bank pays it directly."), required=False
    )
    use = forms.CharField(label=_("What it is for"), max_length=300, required=False)

    def __init__(self, *args, line: CreditLine, reservation=None, **options):
        initial = {"days": line.max_days, "repayment": line.repayment}
        if reservation is not None:
            initial |= {"amount": reservation.amount}
            initial["use"] = reservation.order.number if reservation.order else ""
        super().__init__(*args, initial=initial | options.pop("initial", {}), **options)
        self.fields["days"].max_value = line.max_days
        self.fields["days"].help_text = _("At most %(days)d.") % {"days": line.max_days}
        if line.repayment:
            self.fields["repayment"].choices = [
                one for one in CreditProduct.Repayment.choices if one[0] == line.repayment
            ]
        if reservation is not None and reservation.order:
            del self.fields["payee"]

    def said(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "payee"}


class NoteForm(ShowsRefusals):
    note = forms.CharField(label=_("Reason"), max_length=300)


class RepaymentForm(ShowsRefusals):
    """What the bank received."""

    amount = _amount(_("Amount received"))
    paid_on = _date(_("Received on"))
    reference = forms.CharField(
        label=_("Bank's reference"), max_length=100, help_text=_("Names the payment for good: it is booked once.")
    )
    is_early = forms.BooleanField(
        label=_("Early repayment"),
        required=False,
        help_text=_("Interest to that day, the rest off the principal; the schedule is made anew."),
    )

    def __init__(self, *args, **options):
        super().__init__(*args, initial={"paid_on": timezone.localdate()}, **options)


class ChangeForm(ShowsRefusals):
    """What is to become of a line."""

    kind = forms.ChoiceField(
        label=_("Change"), choices=[one for one in LineChange.Kind.choices if one[0] != LineChange.Kind.OPEN]
    )
    limit = _amount(_("New limit"), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=300)


class LineForm(ShowsRefusals):
    """A node of the bank's tree to be opened."""

    parent = forms.ModelChoiceField(
        label=_("Under"),
        queryset=CreditLine.objects.none(),
        required=False,
        help_text=_("Nothing: the bank's own node."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=CreditLine.Kind)
    borrower = FirmField(label=_("Firm"), help_text=_("Credit code or name."), required=False)
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    limit = _amount(_("Limit"))
    rate_bp = forms.IntegerField(
        label=_("Rate (basis points)"), min_value=0, max_value=CreditLine.HIGHEST_RATE, initial=0
    )
    repayment = forms.ChoiceField(
        label=_("Repayment"), choices=[("", _("As the firm asks")), *CreditProduct.Repayment.choices], required=False
    )
    max_days = forms.IntegerField(label=_("Longest term (days)"), min_value=1, initial=180)
    least_score = forms.IntegerField(label=_("Least score"), min_value=0, max_value=1000, required=False)
    is_revolving = forms.BooleanField(label=_("Revolving"), required=False, initial=True)
    starts_on = _date(_("From"))
    ends_on = _date(_("Until"))
    reason = forms.CharField(label=_("Reason"), max_length=300)

    def __init__(self, *args, bank: Organisation, initial=None, **options):
        today = timezone.localdate()
        dates = {"starts_on": today, "ends_on": today + timedelta(days=YEAR)}
        super().__init__(*args, initial=dates | (initial or {}), **options)
        nodes = CreditLine.objects.filter(bank=bank, kind__in=["bank", "core", "programme"])
        self.fields["parent"].queryset = nodes.exclude(status="closed").with_names().order_by("path")
        self.fields["parent"].label_from_instance = lambda node: (
            f"{node.get_kind_display()} · {node.title} · {node.number}"
        )

    def said(self) -> dict:
        fields = dict(self.cleaned_data)
        named = {name: fields.pop(name) for name in ("parent", "kind", "borrower", "limit", "reason")}
        return named | {"terms": fields}


class ProgrammeForm(ShowsRefusals):
    """A programme under a core enterprise's own line."""

    core = forms.ModelChoiceField(label=pgettext_lazy("credit", "Line"), queryset=CreditLine.objects.none())
    name = forms.CharField(label=_("Name"), max_length=120)
    limit = _amount(_("Limit"))
    ends_on = _date(_("Until"))
    reason = forms.CharField(label=_("Reason"), max_length=300)

    def __init__(self, *args, cores, **options):
        super().__init__(*args, initial={"core": cores.first()}, **options)
        self.fields["core"].queryset = cores
        self.fields["core"].label_from_instance = lambda line: f"{line.bank.name} · {line.number}"


class MemberForm(ShowsRefusals):
    firm = FirmField(label=_("Firm"), help_text=_("Credit code or name."))
    suggested_limit = _amount(_("Suggested limit"))


class PledgeForm(ShowsRefusals):
    line = forms.ModelChoiceField(label=pgettext_lazy("credit", "Line"), queryset=CreditLine.objects.none())
    amount = _amount(_("At most"))

    def __init__(self, *args, lines, **options):
        super().__init__(*args, **options)
        self.fields["line"].queryset = lines
        self.fields["line"].label_from_instance = lambda line: f"{line.bank.name} · {line.number}"
