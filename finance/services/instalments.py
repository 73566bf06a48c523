"""What an amount that came back pays: what is due first, then the next instalment, and early what is left."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from config.errors import InputRefused
from finance.lending.allocation import Owed, allocate
from finance.lending.interest import interest_for
from finance.lending.schedule import schedule_on
from finance.models import Account, Drawdown, Instalment
from finance.runs.dues import book_interest, interest_key, owed_of, owed_on, penalty_on
from finance.runs.ledger import Leg, post, reverse
from marketplace.models import User

ZERO = Decimal("0.00")


class Pays(NamedTuple):
    """What a repayment pays of each instalment, and how much of it goes off the principal before its time."""

    parts: list[Owed]
    early_interest: Decimal = ZERO
    early_principal: Decimal = ZERO


def divide(drawdown: Drawdown, amount: Decimal, on: date, *, is_early: bool) -> Pays:
    """Say what an amount pays: what is due, and the next instalment as scheduled; early, also principal before its time.

    :raises InputRefused: if the day lies before the last one that was booked, or the amount is more than can be paid
    """
    instalments = list(drawdown.instalments.open())
    last = drawdown.repayments.booked().order_by("-paid_on").values_list("paid_on", flat=True).first()
    if on < max(filter(None, [last, drawdown.starts_on])):
        raise InputRefused({"paid_on": [_("Something of a later day was booked before, or the loan began later.")]})
    due = owed_on(drawdown, instalments, on)
    ahead = [one for one in instalments if one.due_on > on]
    if not is_early:
        # What is due first, wholly; only what is left of it goes to the next instalment.
        parts, left = allocate(amount, due)
        following, left = allocate(left, [owed_of(one, drawdown, on) for one in ahead[:1]])
        parts += following
        if left:
            most = f"{amount - left:,.2f}"
            message = _("At most %(most)s with the next instalment; to pay more, mark it as an early repayment.")
            raise InputRefused({"amount": [message % {"most": most}]})
        return Pays(parts)
    parts, left = allocate(amount, due)
    if not left or not ahead:
        if left:
            raise InputRefused({"amount": [_("Only %(left)s are owed.") % {"left": f"{amount - left:,.2f}"}]})
        return Pays(parts)
    if any(one.paid for one in ahead):
        message = _("The next instalment is paid in part: pay the rest of it, or wait until it is due.")
        raise InputRefused({"is_early": [message]})
    principal = sum((one.principal for one in ahead), ZERO)
    # Where the running period was paid as scheduled, its interest to the end is paid too.
    interest = interest_for(principal, drawdown.rate_bp, max((on - ahead[0].starts_on).days, 0))
    if left < interest:
        message = _("Less than the interest to that day: at least %(least)s.")
        raise InputRefused({"amount": [message % {"least": f"{amount - left + interest:,.2f}"}]})
    if left - interest > principal:
        message = _("Only %(left)s are owed.")
        raise InputRefused({"amount": [message % {"left": f"{amount - left + interest + principal:,.2f}"}]})
    return Pays(parts, interest, left - interest)


def pay_instalments(drawdown: Drawdown, parts: list[Owed], *, on: date, at: datetime, by: User) -> Owed:
    """Write the penalty interest to that day and what is paid of each instalment; return the sums."""
    rows = {one.pk: one for one in drawdown.instalments.open()}
    for part in parts:
        one = rows[part.id]
        late = penalty_on(one, drawdown, on)
        if one.due_on <= on or part.total:
            book_interest(one, drawdown, at=at, by=by)
        if late:
            post(
                key=f"penalty.due:{one.pk}:{on.isoformat()}:{one.penalty:.2f}",
                kind="penalty.due",
                line=drawdown.line,
                drawdown=drawdown,
                legs=[Leg(Account.PENALTY, Account.PENALTY_EARNED, late)],
                at=at,
                booked_on=on,
                by=by,
            )
        one.penalty += late
        one.penalty_until = max(on, one.due_on)
        one.penalty_paid += part.penalty
        one.interest_paid += part.interest
        one.principal_paid += part.principal
        if not one.left and (one.due_on <= on or part.total):
            one.status, one.paid_on = Instalment.Status.PAID, on
    written = ["penalty", "penalty_until", "penalty_paid", "interest_paid", "principal_paid", "status", "paid_on"]
    Instalment.objects.bulk_update(rows.values(), written)
    return Owed(
        0,
        sum((part.penalty for part in parts), ZERO),
        sum((part.interest for part in parts), ZERO),
        sum((part.principal for part in parts), ZERO),
    )


def pay_early(drawdown: Drawdown, pays: Pays, *, on: date, at: datetime, by: User) -> None:
    """Close the running period on that day, and make the schedule of what is left anew on the same due dates."""
    ahead = [one for one in drawdown.instalments.open() if one.due_on > on]
    for one in ahead:
        if one.is_booked:
            # It fell due since the money came: its interest was written though it is not owed.
            posting = drawdown.postings.filter(key__startswith=interest_key(one)).latest("pk")
            reverse(posting=posting, at=at, booked_on=on, by=by)
    Instalment.objects.filter(pk__in=[one.pk for one in ahead]).update(status=Instalment.Status.REPLACED)
    first = ahead[0]
    closed = Instalment.objects.create(
        drawdown=drawdown,
        number=first.number,
        starts_on=min(first.starts_on, on),
        due_on=on,
        principal=pays.early_principal,
        interest=pays.early_interest,
        principal_paid=pays.early_principal,
        interest_paid=pays.early_interest,
        status=Instalment.Status.PAID,
        paid_on=on,
    )
    book_interest(closed, drawdown, at=at, by=by)
    left = sum((one.principal for one in ahead), ZERO) - pays.early_principal
    if not left:
        return
    dates = [one.due_on for one in ahead]
    begins = max(first.starts_on, on)
    dues = schedule_on(left, drawdown.rate_bp, begins, dates, drawdown.repayment, first=first.number + 1)
    Instalment.objects.bulk_create(
        Instalment(
            drawdown=drawdown,
            number=one.number,
            starts_on=one.starts_on,
            due_on=one.due_on,
            principal=one.principal,
            interest=one.interest,
        )
        for one in dues
    )
