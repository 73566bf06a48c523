"""Firm and bank sign what was approved, and the line opens."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from finance.models import Actor, Agreement, Application, CreditProduct, Decision, OfflineAct, Purpose
from finance.runs import application_news
from finance.runs.scorecards import canonical
from finance.services import evidence
from finance.services.application_steps import NEXT, move, write_step
from finance.services.consents import give_consent
from finance.services.credit_actions import (
    ApplicationNotInStateForThis,
    InterestedParty,
    MakerMayNotCheck,
    has_made,
    not_in_state,
    require,
)
from finance.services.lines import open_line
from marketplace.models import User
from marketplace.services.notifications import notify_many

Status = Application.Status
# A line runs for a year from the day on which it was signed.
LINE_LASTS = timedelta(days=365)


class SignedAtTheBranch(RuleBroken):
    """The contract is signed on paper: its evidence is recorded and confirmed instead."""


@transaction.atomic
def accept_offer(
    *,
    application: Application,
    by: User,
    now: datetime,
    version: int | None = None,
    watched_until: datetime | None = None,
) -> Agreement:
    """Accept what the bank approved and sign it for the firm; the bank signs next, here or at the branch.

    With ``watched_until`` the owner also lets the bank go on reading, to watch the line, what it read for its review.

    :raises OnlyMembersMay: if the user is no owner of the firm
    :raises ApplicationNotInStateForThis: if it is not approved, or the offer has lapsed
    """
    require("accept", application, by)
    if application.act_by and application.act_by <= now:
        raise ApplicationNotInStateForThis(_("The time to accept this offer is over."))
    decision = Decision.objects.confirmed().get(application=application, outcome=Decision.Outcome.APPROVE)
    signing = application.product.signing
    is_paper = signing == CreditProduct.Signing.BRANCH
    next_one = {"waits_for": Actor.MAKER} if is_paper else {}
    application = move(application, Status.AGREED, version=version, at=now, **next_one)
    content = contract_of(application, decision)
    agreement = Agreement.objects.create(
        application=application,
        decision=decision,
        signing=signing,
        content=content,
        sha256=hashlib.sha256(canonical(content).encode()).hexdigest(),
        firm_signed_by=by,
        firm_signed_at=now,
    )
    if is_paper:
        OfflineAct.objects.expect(
            kind=OfflineAct.Kind.CONTRACT_SIGNED,
            application=application,
            due_by=now + NEXT[Status.AGREED][1],
            at=now,
            about=application.number,
        )
    if watched_until is not None:
        give_consent(
            firm=application.firm,
            reader=application.bank,
            purpose=Purpose.MONITORING,
            groups=application.consent.groups if application.consent else application.product.consent_groups,
            valid_until=watched_until,
            by=by,
            now=now,
        )
    write_step(application, "accepted", by=by, side=Actor.FIRM, at=now, details={"sha256": agreement.sha256})
    notify_many(application_news.accepted(application, at=now), now=now)
    _leave_evidence("credit.accepted", agreement, at=now)
    return agreement


@transaction.atomic
def countersign(*, application: Application, by: User, now: datetime, version: int | None = None) -> Agreement:
    """Sign for the bank what the firm has signed, and open the line.

    :raises SignedAtTheBranch: if the contract is one on paper
    :raises MakerMayNotCheck: if the same person proposed the decision
    :raises ApplicationNotInStateForThis: if the firm has not signed, or the time for it is over
    """
    require("countersign", application, by)
    agreement = _unsigned(application)
    if agreement.signing == CreditProduct.Signing.BRANCH:
        raise SignedAtTheBranch(_("This contract is signed on paper: record it under offline acts."))
    return _open(agreement, by=by, now=now, version=version)


@transaction.atomic
def contract_confirmed(*, act: OfflineAct, by: User, now: datetime) -> Agreement:
    """Open the line of a contract that was signed at the branch: one person recorded it, ``by`` confirmed it.

    Called in the transaction that confirms the act.

    :raises ApplicationNotInStateForThis: if the firm has not accepted, or the application has ended
    :raises InterestedParty: if who confirms belongs to the firm
    :raises MakerMayNotCheck: if who confirms proposed the decision
    """
    application = Application.objects.select_related("firm", "bank", "product", "programme").get(pk=act.application_id)
    if application.status != Status.AGREED:
        raise ApplicationNotInStateForThis(not_in_state(application))
    if application.firm.memberships.filter(user=by).exists():
        raise InterestedParty(_("You belong to the firm that applies: somebody else of the bank has to do this."))
    if has_made(by, application):
        raise MakerMayNotCheck(_("You had this application in hand: another person has to check it."))
    return _open(_unsigned(application), by=by, now=now, version=None, paper_reference=act.reference)


def contract_of(application: Application, decision: Decision) -> dict[str, Any]:
    """Return what both sides sign, as plain values."""
    return {
        "application": application.number,
        "bank": _party(application.bank),
        "firm": _party(application.firm),
        "product": application.product.code,
        "programme": application.programme.number if application.programme else "",
        "amount": str(decision.amount),
        "currency": application.currency,
        "days": decision.days,
        "rate_bp": decision.rate_bp,
        "pricing": decision.pricing,
        "penalty_bp": application.terms.get("penalty_bp", application.product.penalty_bp),
        "is_revolving": application.terms.get("is_revolving", application.product.is_revolving),
        "repayment": application.repayment,
        "conditions": decision.conditions,
        "use": application.use,
    }


def _open(
    agreement: Agreement, *, by: User, now: datetime, version: int | None, paper_reference: str = ""
) -> Agreement:
    application, decision = agreement.application, agreement.decision
    signed = Agreement.objects.filter(pk=agreement.pk, bank_signed_at=None)
    if not signed.update(bank_signed_by=by, bank_signed_at=now, paper_reference=paper_reference):
        raise ApplicationNotInStateForThis(not_in_state(application))
    agreement.refresh_from_db()
    application = move(application, Status.ACTIVE, version=version, at=now)
    write_step(application, "signed", by=by, side=Actor.CHECKER, at=now, details={"sha256": agreement.sha256})
    write_step(application, "line_opened", by=by, side=Actor.CHECKER, at=now)
    notify_many(application_news.line_opened(application, at=now), now=now)
    # Both append to the log, whose head stays locked until the end: nothing else is written after them.
    _leave_evidence("credit.agreed", agreement, at=now)
    open_line(
        application=application,
        limit=decision.amount,
        terms=_line_terms(agreement, timezone.localdate(now)),
        by=by,
        at=now,
    )
    return agreement


def _line_terms(agreement: Agreement, today: date) -> dict[str, Any]:
    content, rules = agreement.content, agreement.application.terms.get("eligibility", {})
    return {
        "rate_bp": content["rate_bp"],
        "penalty_bp": content["penalty_bp"],
        "is_revolving": content["is_revolving"],
        "repayment": content["repayment"],
        "max_days": content["days"],
        "least_score": None if agreement.decision.is_generous else rules.get("min_score"),
        "starts_on": today,
        "ends_on": today + LINE_LASTS,
        "name": agreement.application.product.name_zh,
    }


def _unsigned(application: Application) -> Agreement:
    waiting = Agreement.objects.filter(application=application, bank_signed_at=None)
    agreement = waiting.select_related(
        "application__firm", "application__bank", "application__product", "application__programme", "decision"
    ).first()
    if agreement is None:
        raise ApplicationNotInStateForThis(not_in_state(application))
    return agreement


def _party(organisation: Any) -> dict[str, str]:
    return {
        "identifier": organisation.uscc or organisation.foreign_identifier,
        "name_zh": organisation.name_zh,
        "name_en": organisation.name_en,
    }


def _leave_evidence(kind: str, agreement: Agreement, *, at: datetime) -> None:
    content = {
        "application": agreement.application.number,
        "sha256": agreement.sha256,
        "paper": agreement.paper_reference != "",
    }
    evidence.append(kind=kind, content=content, at=at)
