"""Draw under a line: the firm asks, a maker proposes, a checker approves, the bank pays the supplier."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.lending.schedule import METHODS, schedule
from finance.models import Account, Actor, CreditLine, Drawdown, Instalment, OfflineAct, Reservation
from finance.runs import credit_news as news
from finance.runs.ledger import Leg, post
from finance.runs.lending import cancel
from finance.runs.lines import Shift, hold, lock_path, shift, shrink
from finance.services import evidence
from finance.services.authorities import require_authority
from finance.services.lines import require_usable
from marketplace.models import Membership, Organisation, User
from marketplace.models.shipment import new_number
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import money

PREFIX = "FK"
MAKING_ROLES = ("maker",)
CHECKING_ROLES = ("checker",)
# How long each has: the maker to take a request up, the checker to answer, the bank to pay.
TIME_TO_ACT = timedelta(days=7)
TIME_TO_PAY = timedelta(days=5)
LONGEST_TEXT = 300
Status = Drawdown.Status


class DrawdownNotInStateForThis(RuleBroken):
    pass


class SecondPersonNeeded(RuleBroken):
    """Who asked for or proposed a drawdown does not approve it."""


class NothingLeftToDraw(RuleBroken):
    pass


class KeyUsedForAnother(RuleBroken):
    """The key of this request came before with another content."""


class NotTheAmountApproved(RuleBroken):
    pass


@transaction.atomic
def request_drawdown(
    *,
    line: CreditLine,
    said: Mapping[str, Any],
    by: User,
    at: datetime,
    reservation: Reservation | None = None,
    payee: Organisation | None = None,
    key: str = "",
) -> Drawdown:
    """Ask the bank to pay a supplier under a line; the amount is kept from now on.

    ``said``: amount, days, repayment, use. With a ``reservation`` its order's supplier is paid; what is not asked for of
    it comes free. The same ``key`` with the same content again returns the first.

    :raises OnlyMembersMay: if ``by`` does not trade for the line's firm
    :raises InputRefused: naming each field that cannot be taken
    :raises LineNotUsable: if the line takes no new draws
    :raises ScoreTooLow: if the firm's score fell
    :raises NothingLeftToDraw: if the reservation was drawn or freed
    :raises LineExhausted: if a node of the tree has less available
    :raises KeyUsedForAnother: if the key came with something else
    """
    require_role(by, line.borrower, *Membership.TRADING_ROLES)
    values = _checked(line, said, reservation, payee, at)
    # Who sends the same request at once waits here for the first to end.
    lock_path(line)
    if key and (known := Drawdown.objects.with_names().filter(line=line, key=key).first()):
        return _same(known, values)
    require_usable(line, at=at)
    if reservation is None:
        kept = hold(line=line, amount=values["amount"], by=by, at=at, expires_at=at + TIME_TO_ACT)
    else:
        kept = _take_up(reservation, line, values["amount"], by=by, at=at)
    drawdown = Drawdown.objects.create(
        number=new_number(PREFIX, at),
        line=line,
        borrower=line.borrower,
        reservation=kept,
        currency=line.currency,
        rate_bp=line.rate_bp,
        penalty_bp=line.penalty_bp,
        waits_for=Actor.MAKER,
        act_by=at + TIME_TO_ACT,
        requested_by=by,
        requested_at=at,
        key=key,
        **values,
    )
    notify_many([news.requested(drawdown)], now=at)
    return drawdown


def _checked(
    line: CreditLine,
    said: Mapping[str, Any],
    reservation: Reservation | None,
    payee: Organisation | None,
    at: datetime,
) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    amount = money(said.get("amount"), "amount", errors)
    try:
        days = int(str(said.get("days") or line.max_days))
    except ValueError:
        days = 0
    if not 1 <= days <= line.max_days:
        errors["days"] = [_("Enter a number from %(low)d to %(high)d.") % {"low": 1, "high": line.max_days}]
    repayment = str(said.get("repayment") or line.repayment)
    if repayment not in METHODS or (line.repayment and repayment != line.repayment):
        errors["repayment"] = [_("Choose one of these.")]
    use = str(said.get("use") or "").strip()
    if len(use) > LONGEST_TEXT:
        errors["use"] = [_("At most %(count)d characters.") % {"count": LONGEST_TEXT}]
    if reservation is not None and reservation.order:
        payee = reservation.order.seller
        use = use or reservation.order.number
        if amount is not None and amount > reservation.amount:
            errors["amount"] = [_("Only %(kept)s are kept for this order.") % {"kept": f"{reservation.amount:,.2f}"}]
    if payee is None or payee.pk == line.borrower_id:
        errors["payee"] = [_("Say which supplier the bank is to pay: it is paid directly.")]
    elif not use:
        errors["use"] = [_("Say what it is for.")]
    if errors:
        raise InputRefused(errors)
    return {"amount": amount, "days": days, "repayment": repayment, "use": use, "payee": payee}


def _same(known: Drawdown, values: Mapping[str, Any]) -> Drawdown:
    if any(getattr(known, name) != value for name, value in values.items()):
        raise KeyUsedForAnother(_("This key was sent before with another content; send a new key with it."))
    return known


def _take_up(reservation: Reservation, line: CreditLine, amount: Decimal, *, by: User, at: datetime) -> Reservation:
    if not Reservation.objects.undrawn().filter(pk=reservation.pk, line=line).exists():
        raise NothingLeftToDraw(_("What was kept for this order was drawn, freed or asked for before."))
    if amount < reservation.amount:
        shrink(reservation, to=amount, reason="less was drawn", at=at, by=by)
    return Reservation.objects.get(pk=reservation.pk)


@transaction.atomic
def propose_drawdown(*, drawdown: Drawdown, by: User, at: datetime, note: str = "") -> Drawdown:
    """Hand a request on to the checker, as the bank's maker.

    :raises OnlyMembersMay: if ``by`` is no maker of the bank
    :raises SecondPersonNeeded: if ``by`` asked for it in the firm's name
    :raises DrawdownNotInStateForThis: if another was faster
    :raises LineNotUsable: if the line takes no new draws any more
    :raises ScoreTooLow: if the firm's score fell meanwhile
    """
    require_role(by, drawdown.line.bank, *MAKING_ROLES)
    _require_other(drawdown.requested_by_id, by)
    require_usable(drawdown.line, at=at)
    said = {"maker": by, "made_at": at, "checker": None, "checked_at": None, "note": note.strip()[:500]}
    drawdown = _move(drawdown, Status.PROPOSED, waits_for=Actor.CHECKER, act_by=at + TIME_TO_ACT, **said)
    notify_many([news.proposed(drawdown)], now=at)
    return drawdown


@transaction.atomic
def return_drawdown(*, drawdown: Drawdown, by: User, at: datetime, note: str) -> Drawdown:
    """Send a proposal back to the maker, with what is missing.

    :raises OnlyMembersMay: if ``by`` is no checker of the bank
    :raises SecondPersonNeeded: if ``by`` proposed it
    :raises InputRefused: if no reason is said
    :raises DrawdownNotInStateForThis: if it was answered before
    """
    _require_checking(drawdown, by)
    _require_note(note)
    said = {"checker": by, "checked_at": at, "note": note.strip()[:500]}
    drawdown = _move(drawdown, Status.REQUESTED, waits_for=Actor.MAKER, act_by=at + TIME_TO_ACT, **said)
    notify_many([news.sent_back(drawdown)], now=at)
    return drawdown


@transaction.atomic
def approve_drawdown(*, drawdown: Drawdown, by: User, at: datetime) -> Drawdown:
    """Approve what another proposed: the bank now pays the supplier, and says so with evidence.

    :raises OnlyMembersMay: if ``by`` is no checker of the bank
    :raises SecondPersonNeeded: if ``by`` proposed it, or asked for it
    :raises NoAuthority: if the amount is above what ``by`` may confirm alone
    :raises DrawdownNotInStateForThis: if it was answered before
    :raises LineNotUsable: if the line takes no new draws any more
    :raises ScoreTooLow: if the firm's score fell meanwhile
    """
    _require_checking(drawdown, by)
    require_authority(bank=drawdown.line.bank, by=by, amount=drawdown.amount, currency=drawdown.currency, at=at)
    require_usable(drawdown.line, at=at)
    said = {"checker": by, "checked_at": at, "note": ""}
    drawdown = _move(drawdown, Status.APPROVED, waits_for=Actor.MAKER, act_by=at + TIME_TO_PAY, **said)
    OfflineAct.objects.expect(
        kind=OfflineAct.Kind.FUNDS_PAID,
        drawdown=drawdown,
        amount=drawdown.amount,
        due_by=drawdown.act_by,
        at=at,
        about=drawdown.number,
    )
    notify_many([news.approved(drawdown)], now=at)
    content = {"drawdown": drawdown.number, "line": drawdown.line.number, "maker": drawdown.maker_id, "checker": by.pk}
    evidence.append(kind="drawdown.approved", content=content, at=at)
    return drawdown


@transaction.atomic
def decline_drawdown(*, drawdown: Drawdown, by: User, at: datetime, note: str) -> Drawdown:
    """Refuse a request in the bank's name; the firm reads why, and what was kept is free again.

    What was approved and is not said to be paid yet, a checker gives up.

    :raises OnlyMembersMay: if ``by`` is neither maker nor checker of the bank
    :raises InputRefused: if no reason is said
    :raises DrawdownNotInStateForThis: if it was paid out, is said to be, or ended before
    """
    checks = Organisation.objects.of(by, *CHECKING_ROLES).filter(pk=drawdown.line.bank_id).exists()
    require_role(by, drawdown.line.bank, *MAKING_ROLES, *CHECKING_ROLES)
    _require_note(note)
    states = (*EARLY, Status.APPROVED) if checks else EARLY
    return _end(drawdown, states, note=note, at=at, told=[drawdown.borrower])


@transaction.atomic
def cancel_drawdown(*, drawdown: Drawdown, by: User, at: datetime, note: str = "") -> Drawdown:
    """Take a request back before it is approved; what was kept is free again.

    :raises OnlyMembersMay: if ``by`` does not trade for the firm
    :raises DrawdownNotInStateForThis: if it was approved or ended before
    """
    require_role(by, drawdown.borrower, *Membership.TRADING_ROLES)
    return _end(drawdown, EARLY, note=note, at=at, told=[drawdown.line.bank])


EARLY = (Status.REQUESTED, Status.PROPOSED)


def _end(drawdown: Drawdown, states: tuple[str, ...], *, note: str, at: datetime, told: list[Organisation]) -> Drawdown:
    # Locked: an approval at the same moment comes before or after, not between.
    locked = Drawdown.objects.select_for_update(no_key=True, of=("self",)).with_names().get(pk=drawdown.pk)
    is_said_paid = OfflineAct.objects.filter(drawdown=locked, status=OfflineAct.Status.RECORDED).exists()
    if locked.status not in states or is_said_paid or not cancel(locked, note=note.strip()[:500], at=at, told=told):
        raise _not_in_state(locked)
    return locked


@transaction.atomic
def confirm_paid_out(
    *, drawdown: Drawdown, amount: Decimal, paid_on: date, reference: str, recorded_by: User, by: User, at: datetime
) -> Drawdown:
    """Write that the bank paid the supplier, as one person recorded with evidence and another confirmed.

    What was kept of the line is used now, and the schedule of repayments begins. Said again, it changes nothing.

    :raises SecondPersonNeeded: if one person did both
    :raises NotTheAmountApproved: if another amount was paid
    :raises InputRefused: if the day is still to come, or before the approval's by more than the bank's clock allows
    :raises DrawdownNotInStateForThis: if it is not approved
    """
    require_role(by, drawdown.line.bank, *CHECKING_ROLES)
    _require_other(recorded_by.pk, by)
    if drawdown.status == Status.PAID_OUT and drawdown.paid_out_reference == reference.strip():
        return drawdown
    if amount != drawdown.amount:
        raise NotTheAmountApproved(_("%(amount)s were approved.") % {"amount": f"{drawdown.amount:,.2f}"})
    if paid_on > timezone.localdate(at):
        raise InputRefused({"paid_on": [_("This day is still to come.")]})
    if paid_on < timezone.localdate(drawdown.checked_at or at):
        raise InputRefused({"paid_on": [_("Nothing was approved yet on this day.")]})
    dues = schedule(drawdown.amount, drawdown.rate_bp, paid_on, drawdown.days, drawdown.repayment)
    said = {
        "starts_on": paid_on,
        "due_on": dues[-1].due_on,
        "principal_left": F("amount"),
        "paid_out_reference": reference.strip()[:100],
        "paid_out_at": at,
    }
    drawdown = _move(drawdown, Status.PAID_OUT, waits_for=Actor.FIRM, act_by=None, **said)
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
    kept = drawdown.reservation
    lock_path(drawdown.line)
    drawn = {"status": Reservation.Status.DRAWN, "ended_at": at}
    Reservation.objects.filter(pk=kept.pk, status=Reservation.Status.HELD).update(**drawn)
    kept.status = Reservation.Status.DRAWN
    shift([Shift(drawdown.line, reserved=-kept.amount, used=drawdown.amount)])
    posting = post(
        key=f"drawdown.paid:{drawdown.pk}",
        kind="drawdown.paid",
        line=drawdown.line,
        drawdown=drawdown,
        legs=[
            Leg(Account.PRINCIPAL, Account.PAID_OUT, drawdown.amount),
            Leg(Account.USED, Account.RESERVED, drawdown.amount),
        ],
        at=at,
        booked_on=paid_on,
        by=by,
    )
    notify_many(news.paid_out(drawdown), now=at)
    content = {"drawdown": drawdown.number, "line": drawdown.line.number, "posting": posting.sha256}
    evidence.append(kind="drawdown.paid", content=content, at=at)
    return drawdown


def _move(drawdown: Drawdown, status: str, **changes) -> Drawdown:
    if not Drawdown.objects.filter(pk=drawdown.pk).become(status, **changes):
        raise _not_in_state(drawdown)
    return Drawdown.objects.with_names().get(pk=drawdown.pk)


def _not_in_state(drawdown: Drawdown) -> DrawdownNotInStateForThis:
    row = Drawdown.objects.get(pk=drawdown.pk)
    return DrawdownNotInStateForThis(
        _("Drawdown %(number)s is “%(status)s”: this is not possible now.")
        % {"number": row.number, "status": row.get_status_display()}
    )


def _require_checking(drawdown: Drawdown, by: User) -> None:
    require_role(by, drawdown.line.bank, *CHECKING_ROLES)
    _require_other(drawdown.maker_id, by)
    _require_other(drawdown.requested_by_id, by)


def _require_other(first: int | None, by: User) -> None:
    if first == by.pk:
        raise SecondPersonNeeded(_("A second person must do this: you did the step before."))


def _require_note(note: str) -> None:
    if not note.strip():
        raise InputRefused({"note": [_("Say why.")]})
