"""A bank claims the partner's share of an overdue loan; the partner decides with two people, pays, and gets its part back."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.core.files import File
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Actor, Claim, Drawdown, Guarantee, OfflineAct
from finance.runs import cover_news
from finance.services import evidence
from finance.services.claim_steps import (
    become,
    checked_text,
    content_of,
    not_in_state,
    required_text,
    settle_guarantee,
    write_step,
)
from finance.services.covers import BANK_CHECKERS, BANK_MAKERS, FEN
from finance.services.partner_people import require_another
from marketplace.models import User
from marketplace.models.shipment import new_number
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import money

TIME_TO_FILE = timedelta(days=5)
TIME_TO_ANSWER = timedelta(days=10)


class LoanNotCovered(RuleBroken):
    pass


class OutsideClaimWindow(RuleBroken):
    pass


class ClaimAlreadyRunning(RuleBroken):
    pass


def claim_window(guarantee: Guarantee, overdue_since: date) -> tuple[date, date]:
    """Return the first and last day on which a claim for a loan overdue since that day may be filed."""
    terms = guarantee.partnership
    first = overdue_since + timedelta(days=terms.waiting_days)
    return first, first + timedelta(days=terms.claim_days)


def claimable(guarantee: Guarantee, drawdown: Drawdown) -> Decimal:
    """Return the most that may be claimed for this loan now: the share of what is owed, within what is left of the cover."""
    share = (drawdown.principal_left * guarantee.share_percent / 100).quantize(FEN, ROUND_DOWN)
    running = Claim.objects.running().filter(guarantee=guarantee).exclude(status=Claim.Status.PAID)
    asked = running.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    return max(min(share, guarantee.amount - guarantee.paid_amount - asked), Decimal(0))


@transaction.atomic
def prepare_claim(
    *,
    guarantee: Guarantee,
    drawdown: Drawdown,
    said: Mapping[str, Any],
    by: User,
    now: datetime,
    uploads: Iterable[File] = (),
) -> Claim:
    """Write a claim as the bank's maker: amount and what happened; another person of the bank files it.

    :raises LoanNotCovered: if the guarantee is not in force, or the loan is not one under its line and period
    :raises OutsideClaimWindow: before the waiting time is over, or after the claim window
    :raises ClaimAlreadyRunning: if there is a claim for this loan
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, guarantee.bank, *BANK_MAKERS)
    # Locked, so that two claims together ask for no more than the cover.
    guarantee = Guarantee.objects.select_for_update(of=("self",)).with_names().get(pk=guarantee.pk)
    _require_covered(guarantee, drawdown)
    _require_window(guarantee, drawdown.overdue_since, timezone.localdate(now))
    if Claim.objects.running().filter(guarantee=guarantee, drawdown=drawdown).exists():
        raise ClaimAlreadyRunning(_("There is a claim for this loan already."))
    errors: dict[str, list[str]] = {}
    amount = money(said.get("amount"), "amount", errors)
    most = claimable(guarantee, drawdown)
    if amount is not None and amount > most:
        errors["amount"] = [_("At most %(most)s: the partner's share of what is owed.") % {"most": f"{most:,.2f}"}]
    note = checked_text(said.get("note"), "note", errors)
    if errors:
        raise InputRefused(errors)
    claim = Claim.objects.create(
        number=new_number("LP", now),
        guarantee=guarantee,
        drawdown=drawdown,
        outstanding=drawdown.principal_left,
        share_percent=guarantee.share_percent,
        overdue_since=drawdown.overdue_since,
        amount=amount,
        currency=guarantee.currency,
        act_by=now + TIME_TO_FILE,
        prepared_by=by,
        prepared_at=now,
    )
    write_step(claim, "prepared", guarantee.bank, by=by, now=now, note=note, amount=amount, uploads=uploads)
    return claim


@transaction.atomic
def file_claim(*, claim: Claim, by: User, now: datetime) -> Claim:
    """Hand the claim to the partner as the bank's second person.

    :raises AnotherPersonMust: if the same person prepared it
    :raises OutsideClaimWindow: if the claim window has closed in the meantime
    :raises ClaimNotInStateForThis: if it was filed or withdrawn already
    """
    guarantee = claim.guarantee
    require_role(by, guarantee.bank, *BANK_CHECKERS)
    require_another(by, claim.prepared_by)
    _require_window(guarantee, claim.overdue_since, timezone.localdate(now))
    if claim.status != Claim.Status.PREPARED:
        raise not_in_state(claim)
    if not Guarantee.objects.filter(pk=guarantee.pk).become(Guarantee.Status.CLAIMED):
        raise LoanNotCovered(_("The guarantee is not in force."))
    row = Claim.objects.filter(pk=claim.pk, status=Claim.Status.PREPARED)
    changes = {"notified_by": by, "notified_at": now, "waits_for": Actor.PARTNER, "act_by": now + TIME_TO_ANSWER}
    become(claim, Claim.Status.NOTIFIED, row=row, **changes)
    write_step(claim, "filed", guarantee.bank, by=by, now=now, amount=claim.amount)
    notify_many([cover_news.claim_filed(claim)], now=now)
    evidence.append(kind="claim.filed", content=content_of(claim), at=now)
    return claim


@transaction.atomic
def answer_with_documents(*, claim: Claim, note: str, by: User, now: datetime, uploads: Iterable[File] = ()) -> Claim:
    """Give the partner what it asked for.

    :raises InputRefused: with neither words nor files, or a file that is not taken
    :raises ClaimNotInStateForThis: if nothing was asked for
    """
    bank, uploads = claim.guarantee.bank, list(uploads)
    require_role(by, bank, *BANK_MAKERS)
    if not uploads:
        note = required_text(note, _("Answer in words, or add the documents."))
    row = Claim.objects.filter(pk=claim.pk, status=Claim.Status.DOCUMENTS_ASKED)
    changes = {"waits_for": Actor.PARTNER, "act_by": now + TIME_TO_ANSWER}
    become(claim, Claim.Status.NOTIFIED, row=row, **changes)
    event = write_step(claim, "documents_given", bank, by=by, now=now, note=note.strip(), uploads=uploads)
    notify_many([cover_news.claim_asked(claim, claim.guarantee.partner, event.pk, note)], now=now)
    return claim


@transaction.atomic
def withdraw_claim(*, claim: Claim, reason: str, by: User, now: datetime) -> Claim:
    """Claim no more, because the firm paid or the claim was wrong.

    :raises InputRefused: without a reason
    :raises ClaimNotInStateForThis: if it was decided already
    """
    bank = claim.guarantee.bank
    require_role(by, bank, *BANK_MAKERS, *BANK_CHECKERS)
    reason = required_text(reason, _("Say why: the other side reads it."))
    was_filed = claim.notified_at is not None
    become(claim, Claim.Status.WITHDRAWN, waits_for=Actor.NOBODY, act_by=None, ended_at=now)
    write_step(claim, "withdrawn", bank, by=by, now=now, note=reason)
    settle_guarantee(claim.guarantee)
    if was_filed:
        notify_many([cover_news.claim_withdrawn(claim, reason)], now=now)
    return claim


def payment_confirmed(act: OfflineAct, by: User, at: datetime) -> Claim:
    """Take the claim as paid once the bank confirmed that the partner's money came."""
    claim = act.claim
    changes = {"paid_on": act.occurred_on, "waits_for": Actor.MAKER, "act_by": None}
    become(claim, Claim.Status.PAID, **changes)
    Guarantee.objects.filter(pk=claim.guarantee_id).update(paid_amount=F("paid_amount") + claim.accepted_amount)
    write_step(
        claim,
        "paid",
        claim.guarantee.partner,
        by=act.recorded_by,
        now=at,
        amount=claim.accepted_amount,
        note=act.reference,
    )
    titles = "代偿款已到账", "The claim was paid"
    both = (claim.guarantee.bank, claim.guarantee.partner)
    notify_many([cover_news.claim_paid(claim, to, "paid", titles) for to in both], now=at)
    return claim


@transaction.atomic
def close_claim(*, claim: Claim, note: str, by: User, now: datetime) -> Claim:
    """Close a paid claim of which nothing more will be recovered.

    :raises InputRefused: without a reason
    :raises ClaimNotInStateForThis: if it is not paid, or has ended
    """
    bank = claim.guarantee.bank
    require_role(by, bank, *BANK_CHECKERS)
    note = required_text(note, _("Say why: the other side reads it."))
    become(claim, Claim.Status.CLOSED, waits_for=Actor.NOBODY, act_by=None, ended_at=now)
    write_step(claim, "closed", bank, by=by, now=now, note=note)
    settle_guarantee(claim.guarantee)
    titles = "代偿案已结案", "The claim was closed"
    notify_many([cover_news.claim_paid(claim, claim.guarantee.partner, "closed", titles)], now=now)
    return claim


def _require_covered(guarantee: Guarantee, drawdown: Drawdown) -> None:
    if not guarantee.is_in_force:
        raise LoanNotCovered(_("The guarantee is not in force."))
    is_open = drawdown.status == Drawdown.Status.PAID_OUT and drawdown.overdue_since is not None
    if drawdown.line_id != guarantee.line_id or not is_open:
        raise LoanNotCovered(_("Only an overdue loan under the covered line can be claimed for."))
    if not guarantee.starts_on <= drawdown.starts_on <= guarantee.ends_on:
        raise LoanNotCovered(_("The loan was not drawn while the guarantee was in force."))


def _require_window(guarantee: Guarantee, overdue_since: date, today: date) -> None:
    first, last = claim_window(guarantee, overdue_since)
    if not first <= today <= last:
        message = _("A claim for this loan can be filed from %(first)s to %(last)s.")
        raise OutsideClaimWindow(message % {"first": first, "last": last})
