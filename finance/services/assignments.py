"""Parts of a receivable: offered by the seller, taken by a bank with four eyes, released when the loan is paid."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Actor, Assignment, Drawdown, Receivable
from finance.services import evidence
from finance.services.receivables import free_amount, give_part_back, take_part
from marketplace.models import Membership, Organisation, User
from marketplace.services.notifications import notify
from marketplace.services.organisations import require_role
from marketplace.services.said_values import money

# How long a bank may think, and its checker after its maker.
ANSWER_WITHIN = timedelta(days=5)
CHECK_WITHIN = timedelta(days=2)
BANK_ROLES = (Membership.Role.MAKER, Membership.Role.CHECKER)


class NotSoMuchIsFree(RuleBroken):
    """Others took it first, the buyer has paid, or has not accepted it."""


class AssignmentNotInStateForThis(RuleBroken):
    pass


class MakerCannotCheck(RuleBroken):
    pass


@transaction.atomic
def offer_assignment(
    *, receivable: Receivable, bank: Organisation, said: Mapping[str, Any], by: User, now: datetime
) -> Assignment:
    """Offer a part of a receivable to one bank; from now on nobody else can lend on that part.

    ``said`` has ``amount`` and ``kind`` (assigned, which is the default, or pledged).

    :raises InputRefused: if amount, kind or bank is none
    :raises NotSoMuchIsFree: if the buyer has not accepted it, or less is free
    """
    require_role(by, receivable.seller, *Membership.TRADING_ROLES)
    errors: dict[str, list[str]] = {}
    amount = money(said.get("amount"), "amount", errors)
    kind = said.get("kind") or Assignment.Kind.ASSIGNED
    if kind not in Assignment.Kind.values:
        errors["kind"] = [_("Choose one of these.")]
    if bank.kind != Organisation.Kind.BANK or not bank.is_approved:
        errors["bank"] = [_("Choose an approved bank.")]
    if errors:
        raise InputRefused(errors)
    if not take_part(receivable, amount):
        raise NotSoMuchIsFree(_refusal(receivable))
    assignment = Assignment.objects.create(
        receivable=receivable,
        bank=bank,
        kind=kind,
        amount=amount,
        waits_for=Actor.MAKER,
        act_by=now + ANSWER_WITHIN,
        offered_by=by,
        offered_at=now,
        note=str(said.get("note") or "").strip()[:300],
    )
    _tell(assignment, "receivable.offered", bank, "提供应收账款融资", "offers a receivable to lend on", now)
    _append(assignment, "receivable.offered", now)
    return assignment


def _refusal(receivable: Receivable) -> str:
    receivable.refresh_from_db()
    if receivable.status != Receivable.Status.ACCEPTED:
        return _("Only what its buyer accepted can be lent on.")
    return _("Only %(left)s of it is still free.") % {"left": f"{free_amount(receivable):,.2f}"}


@transaction.atomic
def propose_assignment(*, assignment: Assignment, drawdown: Drawdown | None = None, by: User, now: datetime) -> None:
    """Propose as the bank's maker to take a part, perhaps for one loan.

    :raises AssignmentNotInStateForThis: if it was taken, declined or withdrawn, or its time is over
    :raises InputRefused: if the loan is not this bank's to this seller
    """
    require_role(by, assignment.bank, Membership.Role.MAKER)
    if drawdown and (
        drawdown.line.bank_id != assignment.bank_id or drawdown.borrower_id != assignment.receivable.seller_id
    ):
        raise InputRefused({"drawdown": [_("This is no loan of yours to this firm.")]})
    changes = {"made_by": by, "made_at": now, "drawdown": drawdown}
    clock = {"waits_for": Actor.CHECKER, "act_by": now + CHECK_WITHIN}
    offered = Assignment.objects.filter(pk=assignment.pk, act_by__gt=now)
    if not offered.become(Assignment.Status.PROPOSED, **changes, **clock):
        raise AssignmentNotInStateForThis(_("It was taken, declined or withdrawn, or its time is over."))
    _append(assignment, "receivable.proposed", now)


@transaction.atomic
def confirm_assignment(*, assignment: Assignment, by: User, now: datetime) -> None:
    """Take a part as the bank's checker, who is another person than its maker.

    :raises MakerCannotCheck: if the same person proposed it
    :raises AssignmentNotInStateForThis: if it does not wait for a checker
    """
    require_role(by, assignment.bank, Membership.Role.CHECKER)
    waiting = Assignment.objects.filter(pk=assignment.pk, act_by__gt=now)
    if waiting.filter(made_by=by).exists():
        raise MakerCannotCheck(_("Who proposed it cannot check it."))
    done = {"checked_by": by, "checked_at": now, "waits_for": Actor.NOBODY, "act_by": None}
    if not waiting.become(Assignment.Status.STANDING, **done):
        raise AssignmentNotInStateForThis(_("It does not wait for a checker, or its time is over."))
    seller = assignment.receivable.seller
    _tell(assignment, "receivable.assigned", seller, "应收账款转让（质押）已确认", "took the receivable", now)
    _append(assignment, "receivable.assigned", now)


def decline_assignment(*, assignment: Assignment, note: str = "", by: User, now: datetime) -> None:
    """Say for the bank that it does not take the part; it is free again.

    :raises AssignmentNotInStateForThis: if it does not wait for the bank
    """
    require_role(by, assignment.bank, *BANK_ROLES)
    _end(assignment, Assignment.Status.DECLINED, note=note, by=by, now=now)


def withdraw_assignment(*, assignment: Assignment, by: User, now: datetime) -> None:
    """Take an offer back that the bank has not answered.

    :raises AssignmentNotInStateForThis: if the bank has begun
    """
    require_role(by, assignment.receivable.seller, *Membership.TRADING_ROLES)
    _end(assignment, Assignment.Status.WITHDRAWN, note="", by=by, now=now)


def release_assignment(*, assignment: Assignment, note: str = "", by: User, now: datetime) -> None:
    """Say for the bank that nothing is owed on the part any more: others may lend on it.

    :raises AssignmentNotInStateForThis: if it does not stand
    """
    require_role(by, assignment.bank, Membership.Role.CHECKER)
    _end(assignment, Assignment.Status.RELEASED, note=note, by=by, now=now)


@transaction.atomic
def _end(assignment: Assignment, status: str, *, note: str, by: User, now: datetime) -> None:
    found = Assignment.objects.filter(pk=assignment.pk)
    done = {"ended_by": by, "ended_at": now, "waits_for": Actor.NOBODY, "act_by": None}
    if note.strip():
        done["note"] = note.strip()[:300]
    # The UPDATE decides once, so the part is given back once.
    if not found.become(status, **done):
        raise AssignmentNotInStateForThis(_("It is not in a state for this."))
    give_part_back(assignment)
    other = assignment.receivable.seller if by_bank(status) else assignment.bank
    _tell(assignment, "receivable.released", other, "应收账款份额已释放", "gave a part of a receivable back", now)
    _append(assignment, f"receivable.{status}", now)


def by_bank(status: str) -> bool:
    return status in (Assignment.Status.DECLINED, Assignment.Status.RELEASED)


def _tell(assignment: Assignment, event: str, to: Organisation, verb_zh: str, verb_en: str, now: datetime) -> None:
    receivable = assignment.receivable
    who = receivable.seller if to.pk == assignment.bank_id else assignment.bank
    notify(
        event=event,
        deduplication_key=f"{event}:{assignment.pk}",
        organisation=to,
        title_zh=f"“{who.name_zh or who.name_en}”：{receivable.number} {verb_zh}",
        title_en=f"“{who.name_en or who.name_zh}” {verb_en}: {receivable.number}",
        url=reverse("finance:receivable_detail", args=[receivable.pk]),
        data={"receivable": receivable.number, "assignment": assignment.pk},
        now=now,
    )


def _append(assignment: Assignment, kind: str, now: datetime) -> None:
    content = {
        "assignment": assignment.pk,
        "receivable": assignment.receivable.number,
        "fingerprint": assignment.receivable.fingerprint,
    }
    evidence.append(kind=kind, content=content, at=now)
