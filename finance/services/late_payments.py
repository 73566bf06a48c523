"""A seller's unpaid invoices with the chance that each is paid late."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from finance.runs.late_payments import LateChance, Owed, late_chances, owed
from marketplace.models import Invoice, Organisation, User

# What each feature is called where a chance is explained.
WORDS = {
    "timing": ("该客户通常的付款时点", "When this customer usually pays"),
    "late_share": ("该客户以往逾期的比例", "How often this customer paid late"),
    "late_share_alike": ("同类发票以往逾期的比例", "How often invoices sent this way were paid late"),
    "lateness": ("该客户以往逾期的天数", "How late this customer paid"),
    "electronic": ("数电票或纸质发票", "Electronic or paper invoice"),
    "amount": ("发票金额", "The amount of the invoice"),
}
# From these chances on it is called likely, or possible.
LIKELY, POSSIBLE = 0.5, 0.25


@dataclass(frozen=True)
class Receivable:
    """An unpaid invoice as its seller sees it; ``chance`` is 1 once its due day has passed."""

    invoice: Invoice
    due: date
    left: Decimal
    chance: float
    is_overdue: bool
    paid_before: int
    reasons: list[dict]

    @property
    def light(self) -> str:
        """Return bad, warn or good: the badge that it wears."""
        if self.is_overdue or self.chance >= LIKELY:
            return "bad"
        return "warn" if self.chance >= POSSIBLE else "good"


def sold_by(user: User) -> QuerySet[Invoice]:
    """Return the invoices that the user's own firms issued: what a customer's habits are shown to."""
    return Invoice.objects.valid().filter(seller__in=Organisation.objects.of(user), issued_on__isnull=False)


def receivables(invoices: QuerySet[Invoice], *, now: datetime) -> list[Receivable]:
    """Return these invoices that are not paid in full, the likeliest late first."""
    today = timezone.localdate(now)
    unpaid = [one for one in owed(invoices) if one.left > 0]
    rows = Invoice.objects.select_related("order__buyer", "order__seller").in_bulk([one.pk for one in unpaid])
    said = late_chances(unpaid, today=today)
    found = [_receivable(rows[one.pk], one, chance, today) for one, chance in zip(unpaid, said, strict=True)]
    return sorted(found, key=lambda one: (-one.chance, one.due, one.invoice.pk))


def _receivable(invoice: Invoice, one: Owed, said: LateChance, today: date) -> Receivable:
    is_overdue = one.due < today
    chance = 1.0 if is_overdue else said.chance
    return Receivable(invoice, one.due, one.left, chance, is_overdue, said.paid_before, _reasons(said.parts.items()))


def _reasons(parts: Iterable[tuple[str, float]]) -> list[dict]:
    """Return what moves the chance, the strongest first, as every page shows reasons: points are percent of log-odds."""
    strongest = sorted(parts, key=lambda part: (-abs(part[1]), part[0]))
    return [
        {"feature": name, "points": round(100 * part), "zh": WORDS[name][0], "en": WORDS[name][1]}
        for name, part in strongest
    ]
