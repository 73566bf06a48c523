"""What a firm's records add up to: for the firm itself, and for a bank, insurer or guarantor it lets read them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from finance.models import DataGroup, RecordKind, TransactionRecord
from finance.models.record import GROUPS
from finance.services import reads
from marketplace.models import Organisation, User

TOP = 10
CURRENCY = "CNY"
INVOICED = (RecordKind.SALES, RecordKind.PURCHASES)
ZERO = Decimal(0)


def kind_sums(records: QuerySet[TransactionRecord]) -> list[dict[str, Any]]:
    """Return per kind, direction and currency how many records count, their total, and how much of it is verified."""
    rows = records.counted().order_by("kind", "direction", "currency").values("kind", "direction", "currency")
    rows = rows.annotate(
        count=Count("pk"),
        total=Sum("total_amount", default=ZERO),
        verified=Sum("total_amount", filter=Q(is_verified=True), default=ZERO),
        first_on=Min("occurred_on"),
        last_on=Max("occurred_on"),
    )
    labels = dict(RecordKind.choices)
    directions = dict(TransactionRecord.Direction.choices)
    return [row | {"label": labels[row["kind"]], "way": directions.get(row["direction"], "")} for row in rows]


def monthly_sums(records: QuerySet[TransactionRecord], *, currency: str = CURRENCY) -> list[dict[str, Any]]:
    """Return per month, from the first to the last with no month left out, what was sold and bought without tax."""
    counted = records.counted().filter(kind__in=INVOICED, currency=currency)
    rows = counted.annotate(month=TruncMonth("occurred_on")).values_list("month", "kind")
    found: dict[date, dict[str, Decimal]] = {}
    for month, kind, amount in rows.annotate(amount=Sum("net_amount")).order_by("month", "kind"):
        found.setdefault(month, {})[kind] = amount
    if not found:
        return []
    return [
        {
            "month": month,
            "sales": found.get(month, {}).get(RecordKind.SALES, ZERO),
            "purchases": found.get(month, {}).get(RecordKind.PURCHASES, ZERO),
        }
        for month in _months(min(found), max(found))
    ]


def _months(first: date, last: date) -> Iterable[date]:
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield date(year, month, 1)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def counterparty_sums(
    records: QuerySet[TransactionRecord], *, kind: str, are_named: bool, currency: str = CURRENCY
) -> list[dict[str, Any]]:
    """Return the largest customers (``sales``) or suppliers (``purchases``) with their share of all.

    Without names they are called by their place: {zh: 客户 1, en: Customer 1}.
    """
    counted = records.counted().filter(kind=kind, currency=currency)
    total = counted.aggregate(sum=Sum("net_amount"))["sum"] or ZERO
    rows = counted.values("counterparty_code").annotate(
        name=Max("counterparty_name"),
        known_zh=Max("counterparty__name_zh"),
        amount=Sum("net_amount"),
        count=Count("pk"),
        last_on=Max("occurred_on"),
    )
    zh, en = ("客户", "Customer") if kind == RecordKind.SALES else ("供应商", "Supplier")
    shown = []
    for place, row in enumerate(rows.order_by("-amount", "counterparty_code")[:TOP], start=1):
        called = row["known_zh"] or row["name"] or row["counterparty_code"]
        shown.append(
            {
                "zh": called if are_named and called else f"{zh} {place}",
                "en": called if are_named and called else f"{en} {place}",
                "amount": row["amount"],
                "count": row["count"],
                "last_on": row["last_on"],
                "share": float(row["amount"] / total) if total else 0.0,
            }
        )
    return shown


@dataclass(frozen=True)
class RecordsShown:
    """What a reader sees of a firm's records: only groups the firm consented to are filled."""

    groups: frozenset[str]
    sums: list[dict[str, Any]] = field(default_factory=list)
    months: list[dict[str, Any]] = field(default_factory=list)
    customers: list[dict[str, Any]] = field(default_factory=list)
    suppliers: list[dict[str, Any]] = field(default_factory=list)
    are_named: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.sums


def records_for(
    *, reader: Organisation, firm: Organisation, purpose: str, subject: str, by: User, now: datetime
) -> RecordsShown:
    """Show a firm's records to another organisation, and leave a row for each group that is shown.

    What the firm did not consent to is left out; names of customers and suppliers are shown only with the group for
    them, else they are numbered.
    """
    asked = {*GROUPS.values(), DataGroup.COUNTERPARTIES}
    records = TransactionRecord.objects.of(firm).readable_by(reader, purpose=purpose, now=now)
    counts = dict(records.counted().order_by().values_list("kind").annotate(count=Count("pk")))
    rows = {group: counts.get(kind, 0) for kind, group in GROUPS.items()}
    allowed = reads.allow(
        firm=firm, reader=reader, by=by, purpose=purpose, groups=asked, now=now, subject=subject, rows=rows
    )
    are_named = DataGroup.COUNTERPARTIES in allowed
    return RecordsShown(
        groups=allowed,
        sums=kind_sums(records),
        months=monthly_sums(records),
        customers=counterparty_sums(records, kind=RecordKind.SALES, are_named=are_named),
        suppliers=counterparty_sums(records, kind=RecordKind.PURCHASES, are_named=are_named),
        are_named=are_named,
    )
