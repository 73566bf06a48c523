"""What was done outside the platform: one person records it with evidence, a second one confirms, and it takes effect."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Drawdown, OfflineAct
from finance.runs import act_news
from finance.services import agreements, claims, covers, drawdowns, evidence, repayments
from marketplace.models import Attachment, Organisation, User
from marketplace.services.attachments import share_attachment, store_attachment
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import checked_day, money

TIME_WHEN_REOPENED = timedelta(days=7)
LONGEST_REFERENCE = OfflineAct.LONGEST_REFERENCE
LONGEST_NOTE = OfflineAct.LONGEST_NOTE
# Papers that the firm itself signed, and so may read.
OF_FIRM = (OfflineAct.Kind.CONTRACT_SIGNED, OfflineAct.Kind.PLEDGE_REGISTERED)


class ActNotInStateForThis(RuleBroken):
    pass


class SecondPersonNeeded(RuleBroken):
    """Who recorded an act may not confirm it."""


def _contract_signed(act: OfflineAct, by: User, at: datetime) -> None:
    agreements.contract_confirmed(act=act, by=by, now=at)


def _funds_paid(act: OfflineAct, by: User, at: datetime) -> None:
    drawdowns.confirm_paid_out(
        drawdown=Drawdown.objects.with_names().get(pk=act.drawdown_id),
        amount=act.amount,
        paid_on=act.occurred_on,
        reference=act.reference,
        recorded_by=act.recorded_by,
        by=by,
        at=at,
    )


def _repayment_received(act: OfflineAct, by: User, at: datetime) -> None:
    repayments.book_repayment(
        drawdown=act.drawdown,
        amount=act.amount,
        paid_on=act.occurred_on,
        reference=act.reference,
        recorded_by=act.recorded_by,
        by=by,
        at=at,
        attachment=act.attachment,
    )


# What follows once an act is confirmed, in the same transaction; a pledge is only put on record.
FOLLOWS: dict[str, Callable[[OfflineAct, User, datetime], object]] = {
    OfflineAct.Kind.CONTRACT_SIGNED: _contract_signed,
    OfflineAct.Kind.FUNDS_PAID: _funds_paid,
    OfflineAct.Kind.REPAYMENT_RECEIVED: _repayment_received,
    OfflineAct.Kind.GUARANTEE_ISSUED: covers.letter_confirmed,
    OfflineAct.Kind.CLAIM_PAID: claims.payment_confirmed,
}


@transaction.atomic
def record_act(
    *,
    act: OfflineAct,
    said: Mapping[str, Any],
    by: User,
    now: datetime,
    upload: File | None = None,
    attachment: Attachment | None = None,
) -> OfflineAct:
    """Write down that the act was done, with its evidence; a second person confirms.

    ``said`` holds reference, occurred_on, amount and note. Acts on paper need the paper, acts of money the amount.

    :raises ActNotInStateForThis: if it was recorded or given up in the meantime
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, act.recorder, *OfflineAct.RECORDING_ROLES)
    values = _checked(act, said, today=timezone.localdate(now), has_paper=bool(upload or attachment))
    readers = _readers(act)
    if upload:
        attachment = store_attachment(upload=upload, by=by, readers=readers, now=now)
    elif attachment:
        share_attachment(attachment=attachment, readers=readers)
    _record(act, by=by, now=now, attachment=attachment, **values)
    notify_many([act_news.recorded(act)], now=now)
    return act


@transaction.atomic
def confirm_act(*, act: OfflineAct, by: User, now: datetime) -> OfflineAct:
    """Confirm what another person recorded, and do what follows from it, all or nothing.

    :raises SecondPersonNeeded: if the same person recorded it
    :raises ActNotInStateForThis: if it does not wait for confirmation any more
    """
    require_role(by, act.confirmer, *OfflineAct.CONFIRMING_ROLES)
    _confirm(act, by=by, now=now)
    return act


@transaction.atomic
def refuse_act(*, act: OfflineAct, reason: str, by: User, now: datetime) -> OfflineAct:
    """Send back what another person recorded; it may be recorded anew.

    :raises SecondPersonNeeded: if the same person recorded it
    :raises ActNotInStateForThis: if it does not wait for confirmation any more
    :raises InputRefused: without a reason
    """
    require_role(by, act.confirmer, *OfflineAct.CONFIRMING_ROLES)
    if not (reason := reason.strip()):
        raise InputRefused({"reason": [_("Say why: who recorded it reads it.")]})
    act.refresh_from_db()
    _require_second(act, by)
    changes = {"refusal": reason[:LONGEST_NOTE], "refused_by": by, "reminded_at": None}
    if not OfflineAct.objects.filter(pk=act.pk).become(OfflineAct.Status.REFUSED, **changes):
        raise _not_in_state(act)
    act.refresh_from_db()
    notify_many([act_news.sent_back(act, at=now)], now=now)
    return act


@transaction.atomic
def reopen_act(*, act: OfflineAct, by: User, now: datetime) -> OfflineAct:
    """Expect once more what was given up: it was done after all, or still will be.

    :raises ActNotInStateForThis: if it was not given up, or the same is expected anew already
    """
    require_role(by, act.recorder, *OfflineAct.REOPENING_ROLES)
    target = {"application": act.application, "drawdown": act.drawdown, "guarantee": act.guarantee, "claim": act.claim}
    row = OfflineAct.objects.filter(pk=act.pk)
    if OfflineAct.objects.filter(kind=act.kind, status__in=OfflineAct.RUNNING, **target).exists():
        raise _not_in_state(act)
    if not row.become(OfflineAct.Status.EXPECTED, due_by=now + TIME_WHEN_REOPENED, told_at=None, ended_at=None):
        raise _not_in_state(act)
    act.refresh_from_db()
    return act


@transaction.atomic
def settle_by_file(
    *, act: OfflineAct, reference: str, amount: Decimal, day: date, recorded_by: User, confirmed_by: User, now: datetime
) -> OfflineAct:
    """Record and confirm an act of money from a bank's file: who loaded the file recorded it, who checked it confirms.

    :raises SecondPersonNeeded: if both are the same person
    :raises ActNotInStateForThis: if it is not awaited any more
    """
    values = {"reference": reference, "amount": amount, "occurred_on": day, "note": ""}
    _record(act, by=recorded_by, now=now, attachment=None, **values)
    _confirm(act, by=confirmed_by, now=now)
    return act


def _record(act: OfflineAct, *, by: User, now: datetime, attachment: Attachment | None, **values: object) -> None:
    changes = {"attachment": attachment, "recorded_by": by, "recorded_at": now, "refusal": "", "refused_by": None}
    if not OfflineAct.objects.filter(pk=act.pk).become(OfflineAct.Status.RECORDED, **changes, **values):
        raise _not_in_state(act)
    act.refresh_from_db()


def _confirm(act: OfflineAct, *, by: User, now: datetime) -> None:
    act.refresh_from_db()
    _require_second(act, by)
    # Who recorded it is asked again: it may have been sent back and recorded anew by this very person meanwhile.
    row = OfflineAct.objects.filter(pk=act.pk).exclude(recorded_by=by)
    changes = {"confirmed_by": by, "confirmed_at": now, "ended_at": now}
    if not row.become(OfflineAct.Status.CONFIRMED, **changes):
        raise _not_in_state(act)
    act.refresh_from_db()
    if follow := FOLLOWS.get(act.kind):
        follow(act, by, now)
    content = {
        "act": act.pk,
        "act_kind": act.kind,
        "about": act.target.number,
        "paper": act.attachment.sha256 if act.attachment else "",
    }
    evidence.append(kind="act.confirmed", content=content, at=now)


def _require_second(act: OfflineAct, by: User) -> None:
    if act.recorded_by_id == by.pk:
        raise SecondPersonNeeded(_("You recorded this yourself: another person has to confirm it."))


def _not_in_state(act: OfflineAct) -> ActNotInStateForThis:
    act.refresh_from_db(fields=["status"])
    message = _("This cannot be done any more: the act is “%(status)s”.")
    return ActNotInStateForThis(message % {"status": act.get_status_display()})


def _readers(act: OfflineAct) -> list[Organisation]:
    readers = [act.recorder, act.confirmer]
    return [*readers, act.firm] if act.kind in OF_FIRM else readers


def _checked(act: OfflineAct, said: Mapping[str, Any], *, today: date, has_paper: bool) -> dict[str, object]:
    """Return the values of the record, or refuse."""
    errors: dict[str, list[str]] = {}
    reference = str(said.get("reference") or "").strip()
    if not reference:
        errors["reference"] = [_("Give the number of the paper or payment.")]
    elif len(reference) > LONGEST_REFERENCE:
        errors["reference"] = [_("At most %(count)d characters.") % {"count": LONGEST_REFERENCE}]
    occurred_on = checked_day(said.get("occurred_on") or "", "occurred_on", errors)
    if occurred_on and occurred_on > today:
        errors["occurred_on"] = [_("This day is still to come.")]
    amount = None
    if act.kind in OfflineAct.OF_MONEY or said.get("amount") not in (None, ""):
        amount = money(said.get("amount"), "amount", errors)
    if amount is not None and act.expected_amount is not None and amount != act.expected_amount:
        message = _("The amount must be %(amount)s, as it was agreed.")
        errors["amount"] = [message % {"amount": f"{act.expected_amount:,.2f}"}]
    if act.is_on_paper and not has_paper:
        errors["file"] = [_("Add the paper, scanned or photographed.")]
    note = str(said.get("note") or "").strip()
    if len(note) > LONGEST_NOTE:
        errors["note"] = [_("At most %(count)d characters.") % {"count": LONGEST_NOTE}]
    if errors:
        raise InputRefused(errors)
    return {"reference": reference, "occurred_on": occurred_on, "amount": amount, "note": note}
