"""Open, change, freeze and close lines: one person of the bank proposes, another confirms."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Account, Application, CreditLine, LineChange
from finance.runs import credit_news as news
from finance.runs.ledger import Leg, post
from finance.services import evidence
from finance.services.authorities import require_authority
from finance.services.lines import Kind, bank_node, checked_terms, create_line
from marketplace.models import Organisation, User
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import money

PROPOSING_ROLES = ("owner", "maker")
CHECKING_ROLES = ("checker",)
LONGEST_REASON = 300
Status = CreditLine.Status


class ChangeAlreadyAnswered(RuleBroken):
    pass


class ChangeAlreadyWaiting(RuleBroken):
    pass


class SecondPersonNeeded(RuleBroken):
    """Who proposed a change does not confirm it."""


class LineNotInStateForThis(RuleBroken):
    pass


class LimitBelowWhatIsTaken(RuleBroken):
    pass


class LineStillInUse(RuleBroken):
    pass


@transaction.atomic
def propose_line(
    *,
    bank: Organisation,
    kind: str,
    limit: object,
    terms: Mapping[str, Any],
    reason: str,
    by: User,
    at: datetime,
    parent: CreditLine | None = None,
    borrower: Organisation | None = None,
) -> LineChange:
    """Propose a node of the bank's tree; it is opened when a second person confirms.

    A bank's owner or maker proposes any; the owner of a core enterprise a programme under its own line.

    :raises OnlyMembersMay: if ``by`` may not propose it
    :raises InputRefused: naming each field that cannot be taken
    """
    if kind == Kind.PROGRAMME and parent and not Organisation.objects.of(by, *PROPOSING_ROLES).filter(pk=bank.pk):
        require_role(by, parent.borrower, "owner")
    else:
        require_role(by, bank, *PROPOSING_ROLES)
    if kind in (Kind.CORE, Kind.SINGLE) and parent is None:
        parent = bank_node(bank)
    said = checked_terms(kind=kind, bank=bank, parent=parent, borrower=borrower, limit=limit, terms=terms)
    amount = money(limit, "limit", {})
    stored = {name: value.isoformat() if isinstance(value, date) else value for name, value in said.items()}
    return _propose(
        LineChange(
            kind=LineChange.Kind.OPEN,
            bank=bank,
            parent=parent,
            borrower=borrower,
            line_kind=kind,
            limit=amount,
            terms=stored,
        ),
        reason=reason,
        by=by,
        at=at,
    )


@transaction.atomic
def propose_change(
    *, line: CreditLine, kind: str, reason: str, by: User, at: datetime, limit: object = None
) -> LineChange:
    """Propose to change the limit of a line, to freeze, unfreeze or close it.

    :raises OnlyMembersMay: if ``by`` does not propose for the bank
    :raises InputRefused: naming each field that cannot be taken
    :raises ChangeAlreadyWaiting: if another change of the line waits to be answered
    """
    require_role(by, line.bank, *PROPOSING_ROLES)
    amount = None
    if kind not in CHANGES:
        raise InputRefused({"kind": [_("Choose one of these.")]})
    if kind == LineChange.Kind.LIMIT:
        errors: dict[str, list[str]] = {}
        amount = money(limit, "limit", errors, zero=True)
        if amount is not None and line.parent and amount > line.parent.limit:
            errors["limit"] = [
                _("No more than the limit above it: %(limit)s.") % {"limit": f"{line.parent.limit:,.2f}"}
            ]
        if errors:
            raise InputRefused(errors)
    if line.changes.waiting().exists():
        raise ChangeAlreadyWaiting(_("Another change of this line waits to be answered."))
    return _propose(LineChange(kind=kind, bank=line.bank, line=line, limit=amount), reason=reason, by=by, at=at)


def _propose(change: LineChange, *, reason: str, by: User, at: datetime) -> LineChange:
    reason = reason.strip()
    if not reason:
        raise InputRefused({"reason": [_("Say why: the second person reads it.")]})
    if len(reason) > LONGEST_REASON:
        raise InputRefused({"reason": [_("At most %(count)d characters.") % {"count": LONGEST_REASON}]})
    change.reason, change.made_by, change.made_at = reason, by, at
    change.save(force_insert=True)
    notify_many([news.change_waits(change)], now=at)
    return change


@transaction.atomic
def confirm_change(*, change: LineChange, by: User, at: datetime, note: str = "") -> CreditLine:
    """Confirm what another proposed, and do it; return the line.

    :raises OnlyMembersMay: if ``by`` is no checker of the bank
    :raises SecondPersonNeeded: if ``by`` proposed it
    :raises ChangeAlreadyAnswered: if another answered first
    :raises NoAuthority: if a new line, or a higher limit, is above what ``by`` may confirm alone
    :raises LineNotInStateForThis: if the line changed meanwhile
    """
    _answer(change, LineChange.Verdict.CONFIRMED, by=by, at=at, note=note)
    _require_authority(change, by=by, at=at)
    if change.kind == LineChange.Kind.OPEN:
        return create_line(
            bank=change.bank,
            parent=change.parent,
            kind=change.line_kind,
            borrower=change.borrower,
            limit=change.limit,
            terms=change.terms,
            by=by,
            at=at,
        )
    return CHANGES[change.kind](change, by=by, at=at)


@transaction.atomic
def refuse_change(*, change: LineChange, by: User, at: datetime, note: str) -> LineChange:
    """Refuse what another proposed, or withdraw what one proposed oneself is not possible: ask the checker.

    :raises OnlyMembersMay: if ``by`` is no checker of the bank
    :raises SecondPersonNeeded: if ``by`` proposed it
    :raises ChangeAlreadyAnswered: if another answered first
    :raises InputRefused: if no reason is said
    """
    if not note.strip():
        raise InputRefused({"note": [_("Say why.")]})
    _answer(change, LineChange.Verdict.REFUSED, by=by, at=at, note=note)
    return LineChange.objects.with_names().get(pk=change.pk)


def _answer(change: LineChange, verdict: str, *, by: User, at: datetime, note: str) -> None:
    require_role(by, change.bank, *CHECKING_ROLES)
    if change.made_by_id == by.pk:
        raise SecondPersonNeeded(_("You proposed this: a second person answers it."))
    said = {"checked_by": by, "checked_at": at, "note": note.strip()[:LONGEST_REASON]}
    if not LineChange.objects.filter(pk=change.pk).decide(verdict, **said):
        raise ChangeAlreadyAnswered(_("This was answered already."))


def _require_authority(change: LineChange, *, by: User, at: datetime) -> None:
    line = change.line
    is_more = change.kind == LineChange.Kind.OPEN or (line is not None and change.limit and change.limit > line.limit)
    if is_more:
        currency = (line or change.parent).currency if line or change.parent else "CNY"
        require_authority(bank=change.bank, by=by, amount=change.limit, currency=currency, at=at)


def _set_limit(change: LineChange, *, by: User, at: datetime) -> CreditLine:
    line = _locked(change)
    if line.status == Status.CLOSED:
        raise LineNotInStateForThis(_("This line is closed."))
    if change.limit < line.reserved + line.used:
        raise LimitBelowWhatIsTaken(
            _("%(taken)s %(currency)s are reserved or used: the limit cannot be lower.")
            % {"taken": f"{line.reserved + line.used:,.2f}", "currency": line.currency}
        )
    CreditLine.objects.filter(pk=line.pk, limit=line.limit).update(limit=change.limit)
    rise = change.limit - line.limit
    accounts = (Account.AVAILABLE, Account.LIMIT) if rise > 0 else (Account.LIMIT, Account.AVAILABLE)
    _post(change, line, Leg(*accounts, abs(rise)), by=by, at=at)
    return _changed(change, at=at)


def _freeze(change: LineChange, *, by: User, at: datetime) -> CreditLine:
    return _become(change, (Status.OPEN,), at=at, status=Status.FROZEN, frozen_reason=change.reason)


def _unfreeze(change: LineChange, *, by: User, at: datetime) -> CreditLine:
    return _become(change, (Status.FROZEN,), at=at, status=Status.OPEN, frozen_reason="")


def _close(change: LineChange, *, by: User, at: datetime) -> CreditLine:
    line = _locked(change)
    if line.reserved or line.used:
        raise LineStillInUse(_("Something of this line is still reserved or owed."))
    if line.children.exclude(status=Status.CLOSED).exists():
        raise LineStillInUse(_("Lines under this one are still open."))
    _post(change, line, Leg(Account.LIMIT, Account.AVAILABLE, line.limit), by=by, at=at)
    closed = _become(change, (Status.OPEN, Status.FROZEN), at=at, status=Status.CLOSED, closed_at=at, limit=0)
    if line.application_id:
        ended = {"ended_at": at, "waits_for": "nobody", "act_by": None}
        Application.objects.filter(pk=line.application_id).become(Application.Status.CLOSED, **ended)
    return closed


CHANGES = {
    LineChange.Kind.LIMIT: _set_limit,
    LineChange.Kind.FREEZE: _freeze,
    LineChange.Kind.UNFREEZE: _unfreeze,
    LineChange.Kind.CLOSE: _close,
}


def _locked(change: LineChange) -> CreditLine:
    return CreditLine.objects.filter(pk=change.line_id).lock_in_order()[0]


def _become(change: LineChange, states: tuple[str, ...], *, at: datetime, **changes) -> CreditLine:
    if not CreditLine.objects.filter(pk=change.line_id, status__in=states).update(**changes):
        raise LineNotInStateForThis(_("This line changed meanwhile: this is not possible now."))
    return _changed(change, at=at)


def _post(change: LineChange, line: CreditLine, leg: Leg, *, by: User, at: datetime) -> None:
    key, day = f"line.changed:{change.pk}", timezone.localdate(at)
    post(key=key, kind=f"line.{change.kind}", line=line, legs=[leg], at=at, booked_on=day, by=by)


def _changed(change: LineChange, *, at: datetime) -> CreditLine:
    line = CreditLine.objects.with_names().get(pk=change.line_id)
    notify_many(news.line_changed(change, line), now=at)
    content = {"line": line.number, "change": change.pk, "kind": change.kind}
    evidence.append(kind="line.changed", content=content, at=at)
    return line
