"""The partner asks, answers and decides on a claim: one person proposes, a second one decides."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused
from finance.models import Actor, Claim, OfflineAct
from finance.runs import cover_news
from finance.services import evidence
from finance.services.claim_steps import (
    become,
    checked_text,
    content_of,
    required_text,
    settle_guarantee,
    write_step,
)
from finance.services.claims import TIME_TO_ANSWER
from finance.services.partner_people import RELEASING_ROLES, WRITING_ROLES, require_another, signs_alone
from marketplace.models import User
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import money

TIME_FOR_DOCUMENTS = timedelta(days=14)
TIME_TO_DECIDE = timedelta(days=3)
TIME_TO_PAY = timedelta(days=10)


@transaction.atomic
def ask_for_documents(*, claim: Claim, note: str, by: User, now: datetime) -> Claim:
    """Ask the bank for what is missing.

    :raises InputRefused: without saying what
    :raises ClaimNotInStateForThis: if the partner is not to act
    """
    partner = claim.guarantee.partner
    require_role(by, partner, *WRITING_ROLES, *RELEASING_ROLES)
    note = required_text(note, _("Say which documents are missing."))
    row = Claim.objects.filter(pk=claim.pk, status=Claim.Status.NOTIFIED)
    changes = {"waits_for": Actor.MAKER, "act_by": now + TIME_FOR_DOCUMENTS}
    become(claim, Claim.Status.DOCUMENTS_ASKED, row=row, **changes)
    event = write_step(claim, "documents_asked", partner, by=by, now=now, note=note)
    notify_many([cover_news.claim_asked(claim, claim.guarantee.bank, event.pk, note)], now=now)
    return claim


@transaction.atomic
def propose_answer(*, claim: Claim, said: Mapping[str, Any], by: User, now: datetime) -> Claim:
    """Propose to accept an amount, or to refuse with a reason; another person of the partner decides.

    ``said`` holds accepted_amount, or refusal_reason, and the answer in words.

    :raises InputRefused: naming each field that cannot be taken
    :raises ClaimNotInStateForThis: if the partner is not to act
    """
    partner = claim.guarantee.partner
    require_role(by, partner, *WRITING_ROLES)
    values = _answer_values(claim, said)
    row = Claim.objects.filter(pk=claim.pk, status=Claim.Status.NOTIFIED)
    become(
        claim, Claim.Status.PROPOSED, row=row, proposed_by=by, proposed_at=now, act_by=now + TIME_TO_DECIDE, **values
    )
    if signs_alone(by, partner):
        _decide(claim, by=by, now=now, is_signed_alone=True)
    return claim


@transaction.atomic
def return_answer(*, claim: Claim, note: str, by: User, now: datetime) -> Claim:
    """Send the proposed answer back to whoever wrote it; the bank sees nothing of it.

    :raises InputRefused: without a reason
    :raises ClaimNotInStateForThis: if nothing was proposed
    """
    require_role(by, claim.guarantee.partner, *RELEASING_ROLES)
    claim.refresh_from_db()
    require_another(by, claim.proposed_by)
    required_text(note, _("Say why: who wrote it reads it."))
    row = Claim.objects.filter(pk=claim.pk, status=Claim.Status.PROPOSED)
    changes = {"accepted_amount": None, "refusal_reason": "", "proposes_refusal": False, "answer": note.strip()}
    become(claim, Claim.Status.NOTIFIED, row=row, act_by=now + TIME_TO_ANSWER, **changes)
    return claim


@transaction.atomic
def decide_claim(*, claim: Claim, by: User, now: datetime) -> Claim:
    """Make the proposed answer the partner's, as its second person.

    :raises AnotherPersonMust: if the same person proposed it
    :raises ClaimNotInStateForThis: if nothing was proposed
    """
    require_role(by, claim.guarantee.partner, *RELEASING_ROLES)
    claim.refresh_from_db()
    require_another(by, claim.proposed_by)
    _decide(claim, by=by, now=now, is_signed_alone=False)
    return claim


def _decide(claim: Claim, *, by: User, now: datetime, is_signed_alone: bool) -> None:
    status = Claim.Status.REFUSED if claim.proposes_refusal else Claim.Status.ACCEPTED
    changes: dict[str, object] = {"decided_by": by, "decided_at": now, "is_signed_alone": is_signed_alone}
    if claim.proposes_refusal:
        changes |= {"waits_for": Actor.NOBODY, "act_by": None, "ended_at": now}
    else:
        changes |= {"waits_for": Actor.PARTNER, "act_by": now + TIME_TO_PAY}
    become(claim, status, **changes)
    guarantee = claim.guarantee
    write_step(claim, status, guarantee.partner, by=by, now=now, note=claim.answer, amount=claim.accepted_amount)
    if claim.proposes_refusal:
        settle_guarantee(guarantee)
    else:
        OfflineAct.objects.expect(
            kind=OfflineAct.Kind.CLAIM_PAID,
            claim=claim,
            amount=claim.accepted_amount,
            due_by=now + TIME_TO_PAY,
            at=now,
        )
    notify_many([cover_news.claim_decided(claim)], now=now)
    evidence.append(kind="claim.decided", content=content_of(claim) | {"outcome": str(status)}, at=now)


def _answer_values(claim: Claim, said: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    refusal = str(said.get("refusal_reason") or "")
    answer = checked_text(said.get("answer"), "answer", errors)
    amount = None
    if refusal:
        if refusal not in Claim.RefusalReason.values:
            errors["refusal_reason"] = [_("Choose one of these.")]
        if said.get("accepted_amount") not in (None, ""):
            errors["accepted_amount"] = [_("Either accept an amount or refuse.")]
        if not answer:
            errors["answer"] = [_("Say why: the bank reads it.")]
    else:
        amount = money(said.get("accepted_amount"), "accepted_amount", errors)
        if amount is not None and amount > claim.amount:
            errors["accepted_amount"] = [_("Only %(amount)s were claimed.") % {"amount": f"{claim.amount:,.2f}"}]
        elif amount is not None and amount < claim.amount and not answer:
            errors["answer"] = [_("Say why less is accepted: the bank reads it.")]
    if errors:
        raise InputRefused(errors)
    return {
        "accepted_amount": amount,
        "refusal_reason": refusal,
        "proposes_refusal": bool(refusal),
        "answer": answer,
    }
