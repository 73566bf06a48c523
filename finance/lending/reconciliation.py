"""Lay a bank's payments beside what stands here: what agrees, what is to be posted, and where the two differ."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

MATCHED, TO_POST = "matched", "to_post"
MISSING_HERE, MISSING_THERE = "missing_here", "missing_there"
AMOUNT_DIFFERS, DATE_DIFFERS = "amount_differs", "date_differs"


@dataclass(frozen=True)
class There:
    """A payment in the bank's file; ``id`` is its line."""

    id: int
    kind: str
    reference: str
    loan_number: str
    amount: Decimal
    day: date
    currency: str = "CNY"


@dataclass(frozen=True)
class Here:
    """A payment as it stands here, or one that is awaited: then without reference and day.

    ``is_settled``: two people have confirmed it; what is not settled is what the file may settle.
    """

    id: int
    kind: str
    reference: str
    loan_number: str
    amount: Decimal
    day: date | None
    currency: str = "CNY"
    is_settled: bool = True


@dataclass(frozen=True)
class Finding:
    """What one payment of the file turned out to be, and with what here it was laid together."""

    there: There
    outcome: str
    here: Here | None = None
    reason: str = ""


def reconcile(
    theirs: Sequence[There],
    ours: Iterable[Here],
    *,
    open_loans: Collection[str],
    known_loans: Collection[str],
    postable: Collection[str] = ("repayment",),
) -> tuple[list[Finding], list[Here]]:
    """Return what each payment of the file is, in the file's order, and what stands here that the file lacks.

    A payment is laid beside the one here with its reference; failing that, beside the one of the same loan, amount and
    day whose reference the file does not know; failing that, beside the one that is awaited for its loan. A repayment
    of an open loan that nobody recorded here is to be posted. The file lacks what was settled here on a day within the
    days that it covers for that kind. Ties go to the smaller id.

    >>> ours = [Here(1, "repayment", "LS1", "FK1", Decimal(100), date(2026, 3, 1))]
    >>> theirs = [There(2, "repayment", "LS1", "FK1", Decimal(90), date(2026, 3, 1))]
    >>> findings, lacking = reconcile(theirs, ours, open_loans=["FK1"], known_loans=["FK1"])
    >>> findings[0].outcome, lacking
    ('amount_differs', [])
    """
    ours = sorted(ours, key=lambda one: one.id)
    named = {(there.kind, there.reference) for there in theirs}
    by_reference = {(one.kind, one.reference): one for one in reversed(ours) if one.reference}
    by_content: dict[tuple, list[Here]] = defaultdict(list)
    awaited: dict[tuple[str, str], list[Here]] = defaultdict(list)
    for one in ours:
        if not one.reference:
            awaited[one.kind, one.loan_number].append(one)
        elif (one.kind, one.reference) not in named:
            by_content[one.kind, one.loan_number, one.amount, one.day, one.currency].append(one)
    findings, used = [], set()
    for there in theirs:
        here = by_reference.get((there.kind, there.reference))
        if here is None:
            same = by_content[there.kind, there.loan_number, there.amount, there.day, there.currency]
            waiting = awaited[there.kind, there.loan_number]
            here = next((one for one in (*same, *waiting) if (one.kind, one.id) not in used), None)
        if here is not None:
            used.add((here.kind, here.id))
            findings.append(_compare(there, here))
        elif there.loan_number in open_loans and there.kind in postable:
            findings.append(Finding(there, TO_POST))
        else:
            reason = "not_expected" if there.loan_number in known_loans else "unknown_loan"
            findings.append(Finding(there, MISSING_HERE, reason=reason))
    return findings, _lacking(theirs, [one for one in ours if (one.kind, one.id) not in used])


def _compare(there: There, here: Here) -> Finding:
    if there.loan_number != here.loan_number:
        return Finding(there, MISSING_HERE, here, "other_loan")
    if (there.amount, there.currency) != (here.amount, here.currency):
        return Finding(there, AMOUNT_DIFFERS, here)
    if here.day is not None and there.day != here.day:
        return Finding(there, DATE_DIFFERS, here)
    return Finding(there, MATCHED if here.is_settled else TO_POST, here)


def _lacking(theirs: Sequence[There], unmatched: Iterable[Here]) -> list[Here]:
    days: dict[str, list[date]] = defaultdict(list)
    for there in theirs:
        days[there.kind].append(there.day)
    return [
        one
        for one in unmatched
        if one.is_settled and one.day and days[one.kind] and min(days[one.kind]) <= one.day <= max(days[one.kind])
    ]
