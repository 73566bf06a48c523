"""Post to the memorandum ledger, and say what its accounts hold."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from finance.models import Account, CreditLine, Drawdown, Entry, Posting
from marketplace.models import User

ZERO = Decimal(0)


class PostingKeyReused(RuleBroken):
    """The key of a posting came again with something else."""


class AlreadyReversed(RuleBroken):
    pass


class Leg(NamedTuple):
    """An amount that goes from the credit of one account to the debit of another; nothing is posted of 0."""

    debit: str
    credit: str
    amount: Decimal


def post(
    *,
    key: str,
    kind: str,
    line: CreditLine,
    legs: Sequence[Leg],
    at: datetime,
    booked_on: date,
    by: User | None = None,
    drawdown: Drawdown | None = None,
    reverses: Posting | None = None,
) -> Posting:
    """Write one balanced posting, or return the one that was written under this key before.

    :raises PostingKeyReused: if the key stands for something else
    """
    legs = [leg for leg in legs if leg.amount]
    said = {
        "kind": kind,
        "line": line.pk,
        "drawdown": drawdown and drawdown.pk,
        "currency": line.currency,
        "booked_on": booked_on.isoformat(),
        "reverses": reverses and reverses.pk,
        "legs": [[str(leg.debit), str(leg.credit), f"{leg.amount:.2f}"] for leg in legs],
    }
    sha256 = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        # Two at once: the second waits at the unique key for the first to end.
        posting, is_new = Posting.objects.get_or_create(
            key=key,
            defaults={
                "kind": kind,
                "bank_id": line.bank_id,
                "line": line,
                "drawdown": drawdown,
                "currency": line.currency,
                "booked_on": booked_on,
                "at": at,
                "by": by,
                "reverses": reverses,
                "sha256": sha256,
            },
        )
        if is_new:
            # In one statement: the database looks whether it balances at its end.
            Entry.objects.bulk_create([entry for leg in legs for entry in _entries(posting, leg)])
    if posting.sha256 != sha256:
        raise PostingKeyReused(_("“%(key)s” was posted before with another content.") % {"key": key})
    return posting


def _entries(posting: Posting, leg: Leg) -> list[Entry]:
    return [
        Entry(posting=posting, account=leg.debit, debit=leg.amount),
        Entry(posting=posting, account=leg.credit, credit=leg.amount),
    ]


def reverse(*, posting: Posting, at: datetime, booked_on: date, by: User | None = None) -> Posting:
    """Post the opposite of a posting, once; return it.

    :raises AlreadyReversed: if the posting is itself a reversal
    """
    if posting.reverses_id:
        raise AlreadyReversed(_("A reversal is not reversed: post anew."))
    entries = list(posting.entries.order_by("pk"))
    # Written in pairs: the first of each is the debit.
    legs = [
        Leg(second.account, first.account, first.debit)
        for first, second in zip(entries[::2], entries[1::2], strict=True)
    ]
    return post(
        key=f"reversal:{posting.pk}",
        kind="reversal",
        line=posting.line,
        drawdown=posting.drawdown,
        legs=legs,
        at=at,
        booked_on=booked_on,
        by=by,
        reverses=posting,
    )


def balance_of(drawdown: Drawdown) -> dict[str, Decimal]:
    """Return what the ledger holds of a loan: by account the debits less the credits."""
    found = Entry.objects.filter(posting__drawdown=drawdown).balances()
    return {account: found.get(account, ZERO) for account in Account.values}
