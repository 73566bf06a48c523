"""A bank decides with four eyes: a maker proposes, another person with enough authority confirms or sends back."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from config.errors import InputRefused, RuleBroken
from finance.models import Actor, Application, Decision
from finance.runs import application_news
from finance.runs.scorecards import canonical
from finance.services import evidence
from finance.services.application_steps import move, write_step
from finance.services.authorities import authority_for
from finance.services.credit_actions import ApplicationNotInStateForThis, not_in_state, require
from finance.services.recommendations import REFUSES, Recommendation, recommend
from marketplace.models import User
from marketplace.services.notifications import notify_many
from marketplace.services.said_values import money

Status = Application.Status
Outcome = Decision.Outcome
LONGEST_TEXT = 4000
DEAREST_BP = 3600


class SecondCheckerIsTheFirst(RuleBroken):
    """Beyond a single authority two different people confirm."""


@transaction.atomic
def propose_decision(
    *, application: Application, said: Mapping[str, Any], by: User, now: datetime, version: int
) -> Decision:
    """Propose to approve or refuse what was read as ``version``; another person confirms.

    ``said``: outcome; to approve amount, days, rate_bp and conditions; to refuse reasons (codes) and a note the firm
    reads; override_reason and override_text where it goes against the recommendation or beyond it; note for the bank.

    :raises AnotherHasThis: if another maker has it
    :raises ApplicationChanged: if somebody took another step since
    :raises InputRefused: naming each field that cannot be taken; an override without its coded reason and words too
    """
    require("propose", application, by)
    advice = recommend(application=application, by=by, now=now)
    values = _read(application, said, advice)
    application = move(application, Status.PROPOSED, version=version, at=now)
    decision = Decision.objects.create(
        application=application,
        assessment=advice.assessment,
        recommended=advice.recommended,
        recommended_amount=advice.amount,
        recommended_rate_bp=advice.price.rate_bp if advice.price else None,
        grounds=advice.grounds,
        known=advice.known,
        version=version,
        maker=by,
        made_at=now,
        **values,
    )
    details = {"decision": decision.pk, "outcome": decision.outcome, "is_override": decision.is_override}
    write_step(
        application,
        "proposed",
        by=by,
        side=Actor.MAKER,
        at=now,
        note=decision.note,
        details=details,
        is_internal=True,
    )
    notify_many(application_news.proposed(application, at=now), now=now)
    return decision


@transaction.atomic
def confirm_decision(*, application: Application, by: User, now: datetime, version: int, note: str = "") -> Decision:
    """Confirm what another person proposed, under one's authority; beyond a single one the second checker decides.

    :raises MakerMayNotCheck: if the same person proposed it or had it in hand
    :raises NoAuthority: if the checker's authority does not reach so far
    :raises SecondCheckerIsTheFirst: if the first of two checkers wants to be the second as well
    :raises ApplicationChanged: if somebody took another step since ``version`` was read
    """
    require("confirm", application, by)
    decision = _waiting(application)
    authority, needs_two = authority_for(decision=decision, bank=application.bank, by=by, at=now)
    if decision.first_checker_id == by.pk:
        raise SecondCheckerIsTheFirst(_("You have confirmed this already: a second checker has to do it too."))
    if needs_two and decision.first_checker_id is None:
        return _confirm_first(application, decision, by=by, now=now, version=version, note=note, authority=authority)
    to = Status.APPROVED if decision.outcome == Outcome.APPROVE else Status.REFUSED
    ended = {} if to == Status.APPROVED else {"ended_at": now, "end_reason": _reasons_in_words(decision)}
    application = move(application, to, version=version, at=now, decided_at=now, **ended)
    changed = (
        Decision.objects.filter(pk=decision.pk)
        .waiting()
        .update(
            verdict=Decision.Verdict.CONFIRMED,
            checker=by,
            checked_at=now,
            checker_note=note.strip()[:LONGEST_TEXT],
            authority=authority,
            checked_version=version,
        )
    )
    if not changed:
        raise ApplicationNotInStateForThis(not_in_state(application))
    decision.refresh_from_db()
    kind = "approved" if to == Status.APPROVED else "refused"
    write_step(application, kind, by=by, side=Actor.CHECKER, at=now, details={"decision": decision.pk})
    if decision.is_override:
        override_details = {"decision": decision.pk, "reason": decision.override_reason}
        text = decision.override_text
        write_step(
            application,
            "overridden",
            by=decision.maker,
            side=Actor.MAKER,
            at=now,
            note=text,
            details=override_details,
            is_internal=True,
        )
    notify_many(application_news.decided(application, decision, at=now), now=now)
    evidence.append(kind="credit.decided", content=evidence_of(decision), at=now)
    return decision


@transaction.atomic
def send_back(*, application: Application, reason: str, by: User, now: datetime, version: int) -> Decision:
    """Give a proposal back to its maker, who may make another.

    :raises MakerMayNotCheck: if the same person proposed it or had it in hand
    :raises InputRefused: without a reason
    :raises ApplicationChanged: if somebody took another step since ``version`` was read
    """
    require("send_back", application, by)
    if not (reason := reason.strip()):
        raise InputRefused({"reason": [_("Say why: the maker reads it.")]})
    decision = _waiting(application)
    application = move(application, Status.IN_REVIEW, version=version, at=now)
    changed = (
        Decision.objects.filter(pk=decision.pk)
        .waiting()
        .update(
            verdict=Decision.Verdict.RETURNED,
            checker=by,
            checked_at=now,
            checker_note=reason[:LONGEST_TEXT],
            checked_version=version,
        )
    )
    if not changed:
        raise ApplicationNotInStateForThis(not_in_state(application))
    decision.refresh_from_db()
    write_step(
        application,
        "sent_back",
        by=by,
        side=Actor.CHECKER,
        at=now,
        note=decision.checker_note,
        details={"decision": decision.pk},
        is_internal=True,
    )
    notify_many(application_news.sent_back(application, decision.checker_note, at=now), now=now)
    return decision


@dataclass(frozen=True)
class Confirmed:
    """What came of one application among many: a decision, or why not."""

    application: Application
    decision: Decision | None
    refusal: RuleBroken | None


def confirm_many(*, applications: Iterable[tuple[Application, int]], by: User, now: datetime) -> list[Confirmed]:
    """Confirm several proposals, each with the version read; each by the same rules as alone, and by itself."""
    found = []
    for application, version in applications:
        try:
            decision = confirm_decision(application=application, by=by, now=now, version=version)
        except RuleBroken as broken:
            found.append(Confirmed(application, None, broken))
        else:
            found.append(Confirmed(application, decision, None))
    return found


def evidence_of(decision: Decision) -> dict[str, Any]:
    """Return what the log keeps of a decision: its hash, and the hashes of what it was made on."""
    known = decision.known.get("score") or {}
    return {
        "organisation": evidence.pseudonym(decision.application.firm),
        "application": decision.application.number,
        "decision": decision.pk,
        "outcome": decision.outcome,
        "is_override": decision.is_override,
        "content_sha256": digest(decision),
        "assessment_sha256": known.get("sha256", ""),
        "model_sha256": known.get("model_sha256", ""),
        "version": decision.version,
    }


def digest(decision: Decision) -> str:
    """Return the SHA-256 of everything that was decided and known, in its one written form."""
    content = {
        "outcome": decision.outcome,
        "amount": str(decision.amount),
        "days": decision.days,
        "rate_bp": decision.rate_bp,
        "conditions": decision.conditions,
        "recommended": decision.recommended,
        "is_override": decision.is_override,
        "override_reason": decision.override_reason,
        "override_text": decision.override_text,
        "refusal_reasons": decision.refusal_reasons,
        "grounds": decision.grounds,
        "known": decision.known,
        "maker": decision.maker_id,
        "checker": decision.checker_id,
        "first_checker": decision.first_checker_id,
        "authority": decision.authority_id,
    }
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def _waiting(application: Application) -> Decision:
    decision = application.decisions.waiting().select_related("application", "maker").first()
    if decision is None:
        raise ApplicationNotInStateForThis(not_in_state(application))
    return decision


def _confirm_first(
    application: Application,
    decision: Decision,
    *,
    by: User,
    now: datetime,
    version: int,
    note: str,
    authority: Any,
) -> Decision:
    """Write the first of two confirmations; the application waits on."""
    rows = Application.objects.filter(pk=application.pk, status=Status.PROPOSED, version=version)
    if not rows.update(version=version + 1):
        move(application, Status.PROPOSED, version=version, at=now)
    Decision.objects.filter(pk=decision.pk, first_checker=None).waiting().update(
        first_checker=by, first_checked_at=now, first_authority=authority
    )
    application.refresh_from_db()
    decision.refresh_from_db()
    write_step(
        application,
        "checked_first",
        by=by,
        side=Actor.CHECKER,
        at=now,
        note=note.strip()[:LONGEST_TEXT],
        details={"decision": decision.pk},
        is_internal=True,
    )
    notify_many(application_news.second_wanted(application, at=now), now=now)
    return decision


def _read(application: Application, said: Mapping[str, Any], advice: Recommendation) -> dict[str, Any]:
    """Return the values of a proposal.

    :raises InputRefused: naming each field that cannot be taken
    """
    errors: dict[str, list[str]] = {}
    outcome = said.get("outcome")
    if outcome not in Outcome.values:
        raise InputRefused({"outcome": [_("Approve or refuse.")]})
    values: dict[str, Any] = {"outcome": outcome, "note": str(said.get("note") or "").strip()[:LONGEST_TEXT]}
    if outcome == Outcome.APPROVE:
        values |= _read_approval(application, said, errors)
    else:
        values["refusal_reasons"] = _read_reasons(said, advice, errors)
    if not errors:
        _read_override(values, said, advice, errors)
    if errors:
        raise InputRefused(errors)
    if outcome == Outcome.APPROVE:
        values["pricing"] = _pricing(values["rate_bp"], advice)
    return values


def _read_approval(application: Application, said: Mapping[str, Any], errors: dict[str, list[str]]) -> dict[str, Any]:
    product = application.product
    amount = money(said.get("amount"), "amount", errors)
    if amount is not None and not product.min_amount <= amount <= application.amount:
        errors["amount"] = [
            _("From %(least)s to the %(most)s applied for.")
            % {"least": f"{product.min_amount:,.2f}", "most": f"{application.amount:,.2f}"}
        ]
    days = _whole(said.get("days"), "days", product.min_days, product.max_days, errors)
    rate_bp = _whole(said.get("rate_bp"), "rate_bp", 1, DEAREST_BP, errors)
    conditions = str(said.get("conditions") or "").strip()
    if len(conditions) > LONGEST_TEXT:
        errors["conditions"] = [_("At most %(count)d characters.") % {"count": LONGEST_TEXT}]
    return {"amount": amount, "days": days, "rate_bp": rate_bp, "conditions": conditions}


def _whole(value: Any, name: str, least: int, most: int, errors: dict[str, list[str]]) -> int | None:
    try:
        number = int(str(value).strip())
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        errors[name] = [_("A whole number from %(least)d to %(most)d.") % {"least": least, "most": most}]
        return None
    return number


def _read_reasons(
    said: Mapping[str, Any], advice: Recommendation, errors: dict[str, list[str]]
) -> list[dict[str, str]]:
    """Return the coded reasons with their words in both languages, and what exactly was found for each."""
    chosen = set(said.get("reasons") or [])
    if not chosen or chosen - set(Decision.RefusalReason.values):
        errors["reasons"] = [_("Choose at least one of the reasons: the firm reads them.")]
        return []
    note = str(said.get("reason_text") or "").strip()[:LONGEST_TEXT]
    found = []
    for code in Decision.RefusalReason.values:
        if code not in chosen:
            continue
        texts = {}
        for language, key in (("zh-hans", "zh"), ("en", "en")):
            with override(language):
                texts[key] = str(Decision.RefusalReason(code).label)
        exact = [ground for ground in advice.unmet if REFUSES[ground["code"]] == code]
        found.append(
            {
                "code": code,
                **{key: ": ".join([texts[key], *(ground[key] for ground in exact)]) for key in ("zh", "en")},
                "note": note,
            }
        )
    return found


def _read_override(
    values: dict[str, Any], said: Mapping[str, Any], advice: Recommendation, errors: dict[str, list[str]]
) -> None:
    """Say whether it goes against the recommendation or beyond it, and demand the coded reason and the words."""
    values["is_override"] = is_override(values, advice)
    reason, text = said.get("override_reason") or "", str(said.get("override_text") or "").strip()
    if not values["is_override"]:
        return
    if reason not in Decision.OverrideReason.values:
        errors["override_reason"] = [_("This goes against the recommendation: choose the reason.")]
    if not text:
        errors["override_text"] = [_("This goes against the recommendation: say why in words.")]
    values |= {"override_reason": reason, "override_text": text[:LONGEST_TEXT]}


def is_override(values: Mapping[str, Any], advice: Recommendation) -> bool:
    """Tell whether what is proposed goes against the recommendation, above its amount or below its rate."""
    if values["outcome"] != Outcome.APPROVE:
        return advice.recommended == Decision.Recommended.APPROVE
    beyond: list[bool] = [advice.recommended == Decision.Recommended.REFUSE]
    amount, rate = values["amount"] or Decimal(0), values["rate_bp"] or 0
    beyond.append(amount > advice.amount)
    beyond.append(advice.price is not None and rate < advice.price.rate_bp)
    return any(beyond)


def _pricing(rate_bp: int, advice: Recommendation) -> list[dict[str, Any]]:
    """Return the lines of the rate: the price list's, and what the maker added or took off."""
    lines = list(advice.price.lines) if advice.price else []
    if difference := rate_bp - sum(line["bp"] for line in lines):
        zh, en = "本次审批加减点", "Set in this decision"
        lines.append({"feature": "decision", "bp": difference, "zh": zh, "en": en})
    return lines


def _reasons_in_words(decision: Decision) -> str:
    return "；".join(reason["zh"] for reason in decision.refusal_reasons)[:300]
