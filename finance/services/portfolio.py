"""What a bank has lent here: exposure by line, firm and trade, vintages, changes of class, what is overdue."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from finance.lending import vintage
from finance.lending.classes import ORDER
from finance.models import ClassChange, CreditLine, Drawdown, Instalment, RiskClass
from finance.services.loan_pages import LineView, line_views
from marketplace.models import Organisation, User

ZERO = Decimal(0)
# From here on a loan counts as bad in the vintages.
BAD_AFTER = 30
LARGEST = 15
BAD_CLASSES = (RiskClass.SUBSTANDARD, RiskClass.DOUBTFUL, RiskClass.LOSS)
READING_ROLES = ("owner", "maker", "checker", "viewer", "approver")


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the exposure: of a firm, a trade or a class."""

    name: str
    loans: int
    owed: Decimal
    overdue: Decimal
    share: float
    key: object = None


@dataclass(frozen=True)
class Portfolio:
    bank: Organisation
    on: date
    limit: Decimal
    reserved: Decimal
    used: Decimal
    loans: int
    owed: Decimal
    overdue: Decimal
    bad: Decimal
    mean_rate: float | None
    tree: list[LineView]
    firms: list[Slice]
    trades: list[Slice]
    classes: list[Slice]
    late: list[Drawdown]
    cohorts: list[vintage.Cohort]
    before_on: date
    moves: list[tuple[str, list[Decimal]]]

    @property
    def available(self) -> Decimal:
        return self.limit - self.reserved - self.used

    @property
    def bad_share(self) -> float:
        return float(self.bad / self.owed) if self.owed else 0.0

    @property
    def overdue_share(self) -> float:
        return float(self.overdue / self.owed) if self.owed else 0.0


def banks_of(user: User):
    """Return the banks whose portfolio the user may look at."""
    return Organisation.objects.of(user, *READING_ROLES).filter(kind=Organisation.Kind.BANK).order_by("pk")


def read_portfolio(*, bank: Organisation, now: datetime) -> Portfolio:
    """Return a bank's portfolio today, in a number of queries that does not grow with it."""
    on = timezone.localdate(now)
    lines = CreditLine.objects.filter(bank=bank).exclude(status=CreditLine.Status.CLOSED)
    tree = line_views(lines.with_names().order_by("path"))
    roots = [view.line for view in tree if view.line.parent_id is None]
    loans = Drawdown.objects.open().filter(line__bank=bank)
    owed, late = Sum("principal_left"), Q(overdue_since__isnull=False)
    sums = loans.aggregate(
        loans=Count("pk"),
        owed=Sum("principal_left", default=ZERO),
        overdue=Sum("principal_left", filter=late, default=ZERO),
        bad=Sum("principal_left", filter=Q(risk_class__in=BAD_CLASSES), default=ZERO),
        weighted=Sum(F("principal_left") * F("rate_bp"), default=ZERO),
    )
    whole = sums["owed"]
    parts = {"loans": Count("pk"), "owed": owed, "overdue": Sum("principal_left", filter=late, default=ZERO)}
    firms = _slices(loans.values("borrower").annotate(**parts), "borrower", whole)
    names = Organisation.objects.in_bulk([one.key for one in firms[:LARGEST]])
    before_on = on.replace(day=1) - timedelta(days=1)
    return Portfolio(
        bank=bank,
        on=on,
        limit=sum((root.limit for root in roots), ZERO),
        reserved=sum((root.reserved for root in roots), ZERO),
        used=sum((root.used for root in roots), ZERO),
        mean_rate=float(sums["weighted"] / whole) / 100 if whole else None,
        loans=sums["loans"],
        owed=whole,
        overdue=sums["overdue"],
        bad=sums["bad"],
        tree=tree,
        firms=[_named(one, names[one.key].name) for one in firms[:LARGEST]],
        trades=[
            _named(one, str(one.key) or _("not said"))
            for one in _slices(loans.values("borrower__industry").annotate(**parts), "borrower__industry", whole)
        ],
        classes=_classes(loans, parts, whole),
        late=list(loans.filter(late).with_names().order_by("overdue_since", "pk")[:200]),
        cohorts=_cohorts(bank, on),
        before_on=before_on,
        moves=_moves(bank, before_on),
    )


def _slices(rows, key: str, whole: Decimal) -> list[Slice]:
    found = [
        Slice("", row["loans"], row["owed"], row["overdue"], float(row["owed"] / whole) if whole else 0.0, row[key])
        for row in rows.order_by()
    ]
    return sorted(found, key=lambda one: (-one.owed, str(one.key)))


def _named(one: Slice, name: str) -> Slice:
    return Slice(name, one.loans, one.owed, one.overdue, one.share, one.key)


def _classes(loans, parts, whole: Decimal) -> list[Slice]:
    found = {one.key: one for one in _slices(loans.values("risk_class").annotate(**parts), "risk_class", whole)}
    none = Slice("", 0, ZERO, ZERO, 0.0)
    return [_named(found.get(name, none), str(RiskClass(name).label)) for name in ORDER]


def _cohorts(bank: Organisation, on: date) -> list[vintage.Cohort]:
    dues: dict[int, list] = {}
    rows = Instalment.objects.filter(drawdown__line__bank=bank).exclude(status=Instalment.Status.REPLACED)
    for loan, due_on, paid_on in rows.values_list("drawdown", "due_on", "paid_on"):
        dues.setdefault(loan, []).append((due_on, paid_on))
    loans = Drawdown.objects.filter(line__bank=bank, starts_on__isnull=False).order_by("pk")
    facts = [
        vintage.Loan(pk, starts_on, amount, vintage.first_bad_day(dues.get(pk, []), on, after=BAD_AFTER))
        for pk, starts_on, amount in loans.values_list("pk", "starts_on", "amount")
    ]
    return vintage.vintages(facts, on)


def _moves(bank: Organisation, before_on: date) -> list[tuple[str, list[Decimal]]]:
    """Return for each class at the end of last month the amounts by today's class, of loans that were open then."""
    changes: dict[int, list] = {}
    rows = ClassChange.objects.filter(drawdown__line__bank=bank).order_by("pk")
    for loan, on, before, after in rows.values_list("drawdown", "on", "before", "after"):
        changes.setdefault(loan, []).append((on, before, after))
    loans = Drawdown.objects.open().filter(line__bank=bank, starts_on__lte=before_on)
    pairs = [
        (vintage.class_at(changes.get(pk, []), before_on), now, left)
        for pk, now, left in loans.values_list("pk", "risk_class", "principal_left")
    ]
    found = vintage.migration(pairs)
    return [(str(RiskClass(before).label), [found[before, after] for after in ORDER]) for before in ORDER]


def class_labels() -> Sequence[str]:
    return [str(RiskClass(name).label) for name in ORDER]


def export_loans(*, bank: Organisation, now: datetime) -> bytes:
    """Return all loans of a bank as CSV that a spreadsheet opens as it stands (UTF-8 with its mark)."""
    on = timezone.localdate(now)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(
        [
            _("Loan"),
            pgettext("credit", "Line"),
            _("Firm"),
            _("Credit code"),
            _("Supplier"),
            _("Currency"),
            _("Amount"),
            _("Principal left"),
            _("Rate (%)"),
            _("From"),
            _("Due on"),
            _("Status"),
            _("Risk class"),
            _("Days overdue"),
        ]
    )
    rows = Drawdown.objects.filter(line__bank=bank).with_names().order_by("pk")
    for one in rows.iterator(chunk_size=2000):
        cells = [
            one.number,
            one.line.number,
            one.borrower.name,
            one.borrower.uscc or one.borrower.foreign_identifier,
            one.payee.name if one.payee else "",
            one.currency,
            one.amount,
            one.principal_left,
            Decimal(one.rate_bp) / 100,
            one.starts_on or "",
            one.due_on or "",
            one.get_status_display(),
            one.get_risk_class_display(),
            one.days_overdue(on),
        ]
        writer.writerow([_harmless(cell) for cell in cells])
    return file.getvalue().encode("utf-8-sig")


def _harmless(cell: object) -> object:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t") else cell
