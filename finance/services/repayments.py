"""Money that came back: one person of the bank records it, another confirms, and it pays what is owed."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.lending.allocation import Owed
from finance.lending.interest import interest_for
from finance.models import Account, Actor, CreditLine, Drawdown, Instalment, Repayment
from finance.runs import credit_news as news
from finance.runs.dues import owed_of, owed_on
from finance.runs.ledger import Leg, post
from finance.runs.lines import Shift, shift
from finance.runs.overdue import classify
from finance.services import evidence
from finance.services.instalments import divide, pay_early, pay_instalments
from marketplace.models import Attachment, User
from marketplace.models.shipment import new_number
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import checked_day, money

PREFIX = "HK"
MAKING_ROLES = ("maker",)
CHECKING_ROLES = ("checker",)
LONGEST_REFERENCE = 100
ZERO = Decimal("0.00")
Status = Repayment.Status


class RepaymentKnownWithOtherContent(RuleBroken):
    """A reference of the bank stands for another amount or day."""


class RepaymentNotInStateForThis(RuleBroken):
    pass


class SecondPersonNeeded(RuleBroken):
    """Who recorded a repayment does not confirm it."""


class LoanNotOpen(RuleBroken):
    pass


@transaction.atomic
def record_repayment(
    *, drawdown: Drawdown, said: Mapping[str, Any], by: User, at: datetime, attachment: Attachment | None = None
) -> Repayment:
    """Write down that the bank received an amount; it counts when a second person confirms it.

    ``said``: amount, paid_on, reference, is_early. The same reference with the same content returns the first.

    :raises OnlyMembersMay: if ``by`` is no maker of the bank
    :raises InputRefused: naming each field that cannot be taken
    :raises LoanNotOpen: if nothing is owed
    :raises RepaymentKnownWithOtherContent: if the reference came with another amount or day
    """
    require_role(by, drawdown.line.bank, *MAKING_ROLES)
    drawdown = _locked(drawdown)
    values = _checked(said, at)
    known = drawdown.repayments.filter(key=values["reference"]).first()
    if known:
        return _same(known, values)
    _require_open(drawdown)
    divide(drawdown, values["amount"], values["paid_on"], is_early=values["is_early"])
    repayment = Repayment.objects.create(
        number=new_number(PREFIX, at),
        drawdown=drawdown,
        key=values["reference"],
        currency=drawdown.currency,
        attachment=attachment,
        recorded_by=by,
        recorded_at=at,
        **values,
    )
    notify_many([news.to_check(repayment)], now=at)
    return repayment


@transaction.atomic
def confirm_repayment(*, repayment: Repayment, by: User, at: datetime) -> Repayment:
    """Confirm what another recorded, and book it.

    :raises OnlyMembersMay: if ``by`` is no checker of the bank
    :raises SecondPersonNeeded: if ``by`` recorded it
    :raises RepaymentNotInStateForThis: if it was answered before
    :raises InputRefused: if it is more than is owed by now
    """
    drawdown = _locked(repayment.drawdown)
    repayment = Repayment.objects.with_names().get(pk=repayment.pk)
    repayment.drawdown = drawdown
    _require_second(drawdown, repayment.recorded_by, by)
    if repayment.status != Status.RECORDED:
        raise RepaymentNotInStateForThis(_("This was answered already."))
    _require_open(drawdown)
    return _book(repayment, by=by, at=at)


@transaction.atomic
def refuse_repayment(*, repayment: Repayment, by: User, at: datetime, note: str) -> Repayment:
    """Refuse what another recorded: the bank has not received it.

    :raises OnlyMembersMay: if ``by`` is no checker of the bank
    :raises SecondPersonNeeded: if ``by`` recorded it
    :raises InputRefused: if no reason is said
    :raises RepaymentNotInStateForThis: if it was answered before
    """
    _require_second(repayment.drawdown, repayment.recorded_by, by)
    if not note.strip():
        raise InputRefused({"note": [_("Say why.")]})
    said = {"checked_by": by, "checked_at": at, "note": note.strip()[:300]}
    # Its reference is free again for what the bank really received under it.
    key = f"{repayment.key[:100]}:{repayment.pk}"
    if not Repayment.objects.filter(pk=repayment.pk).become(Status.REFUSED, key=key, **said):
        raise RepaymentNotInStateForThis(_("This was answered already."))
    return Repayment.objects.with_names().get(pk=repayment.pk)


@transaction.atomic
def book_repayment(
    *,
    drawdown: Drawdown,
    amount: Decimal,
    paid_on: date,
    reference: str,
    recorded_by: User,
    by: User,
    at: datetime,
    is_early: bool = False,
    attachment: Attachment | None = None,
) -> Repayment:
    """Book a repayment that one person recorded and another confirmed elsewhere (an offline act, a bank's file).

    The reference names it for good: said again with the same content it returns the first, and books nothing twice.

    :raises OnlyMembersMay: if ``by`` is no checker of the bank
    :raises SecondPersonNeeded: if one person did both
    :raises InputRefused: naming each field that cannot be taken
    :raises LoanNotOpen: if nothing is owed
    :raises RepaymentKnownWithOtherContent: if the reference came with another amount or day
    """
    drawdown = _locked(drawdown)
    _require_second(drawdown, recorded_by, by)
    values = _checked({"amount": amount, "paid_on": paid_on, "reference": reference, "is_early": is_early}, at)
    known = drawdown.repayments.filter(key=values["reference"]).select_related("recorded_by").first()
    if known:
        known.drawdown = drawdown
        known = _same(known, values)
        if known.status == Status.BOOKED:
            return known
        # Recorded by hand before, and confirmed by the file: its recorder may not be who confirms.
        _require_second(drawdown, known.recorded_by, by)
        _require_open(drawdown)
        return _book(known, by=by, at=at)
    _require_open(drawdown)
    repayment = Repayment.objects.create(
        number=new_number(PREFIX, at),
        drawdown=drawdown,
        key=values["reference"],
        currency=drawdown.currency,
        attachment=attachment,
        recorded_by=recorded_by,
        recorded_at=at,
        **values,
    )
    return _book(repayment, by=by, at=at)


def owed_at(drawdown: Drawdown, on: date) -> dict[str, Decimal]:
    """Return what is to be paid on a day: what is overdue or due, the next instalment, and all of it to end the loan."""
    instalments = list(drawdown.instalments.open())
    due = owed_on(drawdown, instalments, on)
    following = next((one for one in instalments if one.due_on > on), None)
    left = sum((one.principal - one.principal_paid for one in instalments if one.due_on > on), ZERO)
    running = interest_for(left, drawdown.rate_bp, max((on - following.starts_on).days, 0)) if following else ZERO
    total = sum((one.total for one in due), ZERO)
    return {
        "penalty": sum((one.penalty for one in due), ZERO),
        "interest": sum((one.interest for one in due), ZERO),
        "principal": sum((one.principal for one in due), ZERO),
        "due": total,
        "next": owed_of(following, drawdown, on).total if following else ZERO,
        "running_interest": running,
        "to_end": total + left + running,
    }


def _checked(said: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    amount = money(said.get("amount"), "amount", errors)
    today = timezone.localdate(at)
    paid_on = checked_day(said.get("paid_on") or today, "paid_on", errors)
    if paid_on and paid_on > today:
        errors["paid_on"] = [_("This day is still to come.")]
    reference = str(said.get("reference") or "").strip()
    if not reference:
        errors["reference"] = [_("Enter the bank's reference: it names the payment for good.")]
    elif len(reference) > LONGEST_REFERENCE:
        errors["reference"] = [_("At most %(count)d characters.") % {"count": LONGEST_REFERENCE}]
    if errors:
        raise InputRefused(errors)
    is_early = said.get("is_early") in (True, "on", "true", "1")
    return {"amount": amount, "paid_on": paid_on, "reference": reference, "is_early": is_early}


def _same(known: Repayment, values: Mapping[str, Any]) -> Repayment:
    if any(getattr(known, name) != value for name, value in values.items()):
        raise RepaymentKnownWithOtherContent(
            _("“%(reference)s” was recorded before with another amount or day.") % {"reference": known.reference}
        )
    return known


def _locked(drawdown: Drawdown) -> Drawdown:
    """Return the loan as it stands; whoever pays of it at the same moment waits."""
    rows = Drawdown.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("line__bank", "borrower").get(pk=drawdown.pk)


def _require_open(drawdown: Drawdown) -> None:
    if drawdown.status != Drawdown.Status.PAID_OUT:
        raise LoanNotOpen(_("Nothing is owed of drawdown %(number)s.") % {"number": drawdown.number})


def _require_second(drawdown: Drawdown, first: User, by: User) -> None:
    require_role(by, drawdown.line.bank, *CHECKING_ROLES)
    if first.pk == by.pk:
        raise SecondPersonNeeded(_("You recorded this: a second person confirms it."))


def _book(repayment: Repayment, *, by: User, at: datetime) -> Repayment:
    """Write what a repayment pays into schedule, ledger, loan and line; the loan's row is locked."""
    drawdown, on = repayment.drawdown, repayment.paid_on
    pays = divide(drawdown, repayment.amount, on, is_early=repayment.is_early)
    paid = pay_instalments(drawdown, pays.parts, on=on, at=at, by=by)
    if pays.early_principal or pays.early_interest:
        pay_early(drawdown, pays, on=on, at=at, by=by)
        paid = Owed(0, paid.penalty, paid.interest + pays.early_interest, paid.principal + pays.early_principal)
    said = {"checked_by": by, "checked_at": at}
    parts = {"penalty_part": paid.penalty, "interest_part": paid.interest, "principal_part": paid.principal}
    if not Repayment.objects.filter(pk=repayment.pk).become(Status.BOOKED, **said, **parts):
        raise RepaymentNotInStateForThis(_("This was answered already."))
    posting = post(
        key=f"repayment.booked:{repayment.pk}",
        kind="repayment.booked",
        line=drawdown.line,
        drawdown=drawdown,
        legs=[
            Leg(Account.RECEIVED, Account.PENALTY, paid.penalty),
            Leg(Account.RECEIVED, Account.INTEREST, paid.interest),
            Leg(Account.RECEIVED, Account.PRINCIPAL, paid.principal),
            Leg(Account.AVAILABLE, Account.USED, paid.principal),
        ],
        at=at,
        booked_on=on,
        by=by,
    )
    Drawdown.objects.filter(pk=drawdown.pk).update(principal_left=F("principal_left") - paid.principal)
    drawdown.principal_left -= paid.principal
    instalments = list(drawdown.instalments.open())
    if not drawdown.principal_left and not any(one.left for one in instalments):
        # Periods of which rounding left nothing to pay.
        drawdown.instalments.open().update(status=Instalment.Status.PAID, paid_on=on)
        instalments = []
    classify(drawdown, instalments, on=timezone.localdate(at), at=at)
    told = []
    if not instalments:
        told = [_end(drawdown, at=at)]
    if paid.principal:
        free_used(drawdown.line, paid.principal, key=f"repayment:{repayment.pk}", on=on, at=at, by=by)
    repayment = Repayment.objects.with_names().get(pk=repayment.pk)
    notify_many([news.booked(repayment), *told], now=at)
    content = {"drawdown": drawdown.number, "repayment": repayment.number, "posting": posting.sha256}
    evidence.append(kind="repayment.booked", content=content, at=at)
    return repayment


def _end(drawdown: Drawdown, *, at: datetime):
    changes = {"ended_at": at, "waits_for": Actor.NOBODY, "act_by": None, "overdue_since": None}
    Drawdown.objects.filter(pk=drawdown.pk).become(Drawdown.Status.REPAID, **changes)
    drawdown.status = Drawdown.Status.REPAID
    return news.ended(drawdown)


def free_used(line: CreditLine, amount: Decimal, *, key: str, on: date, at: datetime, by: User | None) -> None:
    """Give back along the path what was repaid; a node that does not revolve loses it from its limit instead."""
    for node in shift([Shift(line, used=-amount)]).values():
        if not node.is_revolving:
            leg = Leg(Account.LIMIT, Account.AVAILABLE, amount)
            post(key=f"limit.used_up:{key}:{node.pk}", kind="limit.used_up", line=node, legs=[leg], at=at, booked_on=on)
