"""How likely the marketplace's unpaid invoices are to be paid late, from what their buyers paid before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.db.models import Q, QuerySet

from finance.scoring.late_payment import FEATURES, Invoices, LatePayment, features_of
from marketplace.models import Invoice, Payment

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "late_payment.json"
# Older habits say little of today.
REMEMBERED = timedelta(days=3 * 366)
POPULATION = 20_000
DIGITAL = {Invoice.Kind.DIGITAL_SPECIAL, Invoice.Kind.DIGITAL_ORDINARY}
# A commercial invoice may travel either way.
UNKNOWN_WAY = {Invoice.Kind.COMMERCIAL}


@lru_cache(maxsize=1)
def shipped_model() -> LatePayment:
    """Return the model that came with the program."""
    return LatePayment.load(SHIPPED)


@dataclass(frozen=True)
class Owed:
    """An invoice with its days: ``settled`` is the day on which payments covered it, None while they do not."""

    pk: int
    buyer: int
    issued: date
    due: date
    settled: date | None
    amount: Decimal
    left: Decimal
    kind: str


@dataclass(frozen=True)
class LateChance:
    """The chance that an invoice is paid after its due day; ``paid_before``: how many of this buyer were settled when
    it was issued; ``parts``: feature -> what it adds to the log-odds.
    """

    invoice: int
    chance: float
    paid_before: int
    parts: dict[str, float]


def owed(invoices: QuerySet[Invoice]) -> list[Owed]:
    """Return these invoices with what payments cover: those that name an invoice first, the others the oldest debt.

    Invoices without a due day are due by the payment days of their order, else on the day of issue.
    """
    orders = invoices.values("order")
    # A payment of the order may cover any of its invoices, so all of them are reckoned together.
    columns = ("pk", "order", "order__buyer", "issued_on", "due_on", "order__payment_days", "amount", "kind")
    known = Invoice.objects.valid().filter(order__in=orders, issued_on__isnull=False)
    of_order = defaultdict(list)
    for row in known.order_by("pk").values_list(*columns):
        of_order[row[1]].append(row)
    paid = defaultdict(list)
    payments = Payment.objects.counted().filter(order__in=orders, is_refund=False)
    for order, invoice, amount, day in payments.order_by("paid_on", "pk").values_list(
        "order", "invoice", "amount", "paid_on"
    ):
        paid[order].append((invoice, amount, day))
    wanted = set(invoices.values_list("pk", flat=True))
    found = [one for order, rows in of_order.items() for one in _covered(rows, paid[order])]
    return sorted((one for one in found if one.pk in wanted), key=lambda one: (one.issued, one.pk))


def _covered(rows: Sequence[tuple], payments: Iterable[tuple[int | None, Decimal, date]]) -> list[Owed]:
    debts = {pk: amount for pk, _order, _buyer, _issued, _due, _days, amount, _kind in rows}
    due = {pk: said or issued + timedelta(days=days or 0) for pk, _o, _b, issued, said, days, _a, _k in rows}
    settled: dict[int, date] = {}
    by_age = sorted(debts, key=lambda pk: (due[pk], pk))
    for invoice, amount, day in payments:
        left = amount
        # What names an invoice pays that one; what is over, like what names none, pays the oldest debt.
        for pk in [invoice] * (invoice in debts) + by_age:
            taken = min(left, debts[pk])
            if taken > 0:
                debts[pk] -= taken
                left -= taken
                if debts[pk] == 0:
                    settled[pk] = day
    return [
        Owed(pk, buyer, issued, due[pk], settled.get(pk), amount, debts[pk], kind)
        for pk, _order, buyer, issued, _due, _days, amount, kind in rows
    ]


def late_chances(asked: Sequence[Owed], *, today: date) -> list[LateChance]:
    """Return the chance of each, as it was foreseen on its day of issue; of no invoice is more known than that.

    The history is every invoice of the marketplace settled before that day, whoever sold: a chance comes out, never
    another firm's invoice.
    """
    if not asked:
        return []
    since = min(one.issued for one in asked) - REMEMBERED
    until = max(one.issued for one in asked)
    past = Invoice.objects.valid().filter(issued_on__gte=since, issued_on__lte=min(until, today))
    # All of these buyers, and of the others enough to know what all do: a page reads no whole marketplace.
    others = past.order_by("-issued_on", "-pk").values("pk")[:POPULATION]
    past = past.filter(Q(order__buyer__in={one.buyer for one in asked}) | Q(pk__in=others))
    history = [one for one in owed(past) if one.settled is not None and one.settled <= today]
    columns, known = _columns(asked), _columns(history)
    features = features_of(columns, known)
    model = shipped_model()
    chances, parts = model.chances(features), model.contributions(features)
    return [
        LateChance(
            one.pk,
            round(float(chances[place]), 4),
            int(((known.payer == columns.payer[place]) & (known.settled < columns.issued[place])).sum()),
            {name: round(float(part), 4) for name, part in zip(FEATURES, parts[place], strict=True)},
        )
        for place, one in enumerate(asked)
    ]


def _columns(rows: Sequence[Owed]) -> Invoices:
    return Invoices(
        np.array([one.buyer for one in rows], int),
        np.array([one.issued.toordinal() for one in rows], float),
        np.array([one.due.toordinal() for one in rows], float),
        np.array([one.settled.toordinal() if one.settled else np.nan for one in rows], float),
        np.array([float(one.amount) for one in rows], float),
        np.array([np.nan if one.kind in UNKNOWN_WAY else float(one.kind in DIGITAL) for one in rows], float),
    )
