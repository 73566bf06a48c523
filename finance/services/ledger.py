"""Say whether the ledger, the lines and the loans tell the same; what posts is in ``finance.runs.ledger``."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, Sum

from finance.models import Account, CreditLine, Drawdown, Entry, Instalment, Posting
from finance.runs.ledger import AlreadyReversed, Leg, PostingKeyReused, balance_of, post, reverse

__all__ = [
    "AlreadyReversed",
    "Difference",
    "Leg",
    "PostingKeyReused",
    "balance_of",
    "check_ledger",
    "post",
    "reverse",
]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the ledger says otherwise than the rows: of ``what``, ``posted`` against ``held``."""

    what: str
    account: str
    posted: Decimal
    held: Decimal

    def __str__(self) -> str:
        return f"{self.what} {self.account}: ledger {self.posted}, rows {self.held}"


def check_ledger() -> list[Difference]:
    """Return every difference between the ledger and the rows: none, unless somebody wrote around the services."""
    return [*_unbalanced(), *_lines(), *_loans()]


def _unbalanced() -> list[Difference]:
    rows = Posting.objects.annotate(debits=Sum("entries__debit"), credits=Sum("entries__credit"))
    return [
        Difference(f"posting {one.key}", "balance", one.debits, one.credits)
        for one in rows.exclude(debits=F("credits")).order_by("pk")
        if one.debits != one.credits
    ]


def _by(field: str, accounts: tuple[str, ...]) -> dict[tuple[int, str], Decimal]:
    rows = Entry.objects.filter(account__in=accounts).values(f"posting__{field}", "account")
    sums = rows.annotate(balance=Sum(F("debit") - F("credit"))).order_by()
    return {(row[f"posting__{field}"], row["account"]): row["balance"] for row in sums}


def _lines() -> list[Difference]:
    posted = _by("line_id", (Account.LIMIT, Account.AVAILABLE, Account.RESERVED, Account.USED))
    lines = list(CreditLine.objects.order_by("pk"))
    below: dict[tuple[int, str], Decimal] = {}
    owed = dict(Drawdown.objects.open().values_list("line").annotate(Sum("principal_left")).order_by())
    for line in lines:
        for node in line.path:
            for account in (Account.RESERVED, Account.USED):
                below[node, account] = below.get((node, account), ZERO) + posted.get((line.pk, account), ZERO)
            below[node, "owed"] = below.get((node, "owed"), ZERO) + owed.get(line.pk, ZERO)
    found = []
    for line in lines:
        pairs = (
            (Account.LIMIT, -posted.get((line.pk, Account.LIMIT), ZERO), line.limit),
            (Account.RESERVED, below.get((line.pk, Account.RESERVED), ZERO), line.reserved),
            (Account.USED, below.get((line.pk, Account.USED), ZERO), line.used),
            ("owed", below.get((line.pk, "owed"), ZERO), line.used),
        )
        found += [Difference(f"line {line.number}", name, said, held) for name, said, held in pairs if said != held]
    return found


def _loans() -> list[Difference]:
    posted = _by("drawdown_id", (Account.PRINCIPAL, Account.INTEREST, Account.PENALTY))
    standing = Instalment.objects.exclude(status=Instalment.Status.REPLACED).values_list("drawdown").order_by()
    interest = dict(standing.filter(is_booked=True).annotate(left=Sum(F("interest") - F("interest_paid"))))
    penalty = dict(standing.annotate(left=Sum(F("penalty") - F("penalty_paid"))))
    left = dict(standing.annotate(left=Sum(F("principal") - F("principal_paid"))))
    found = []
    for loan in Drawdown.objects.filter(paid_out_at__isnull=False).order_by("pk"):
        pairs = (
            (Account.PRINCIPAL, posted.get((loan.pk, Account.PRINCIPAL), ZERO), loan.principal_left),
            ("schedule", left.get(loan.pk, ZERO), loan.principal_left),
            (Account.INTEREST, posted.get((loan.pk, Account.INTEREST), ZERO), interest.get(loan.pk, ZERO)),
            (Account.PENALTY, posted.get((loan.pk, Account.PENALTY), ZERO), penalty.get(loan.pk, ZERO)),
        )
        found += [Difference(f"loan {loan.number}", name, said, held) for name, said, held in pairs if said != held]
    return found
