"""Who is asked to quote, and what they do before they quote: look, ask, or say no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Block,
    Listing,
    Membership,
    Organisation,
    RequestForQuotation,
    RfqInvitation,
    RfqQuestion,
    User,
)
from marketplace.runs import rfq_news
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role

MOST_SUPPLIERS = 50


class InvitationNotOpen(RuleBroken):
    pass


class QuestionAlreadyAnswered(RuleBroken):
    pass


@dataclass(frozen=True, slots=True)
class Invitee:
    """A supplier to ask; ``match`` is {"reasons", "score", "model_version"} where the matcher found its supply."""

    supplier: Organisation
    supply: Listing | None = None
    match: Mapping[str, Any] | None = None


def _known(names: Sequence[str]) -> tuple[list[Organisation], list[str], list[str]]:
    """Return the approved organisations of these ids, codes or full names; the names of none, and those of several."""
    names = [name for name in dict.fromkeys(str(name).strip() for name in names) if name]
    ids = [int(name) for name in names if name.isdigit() and len(name) < 18]
    codes = [name.upper().replace(" ", "") for name in names]
    found = Organisation.objects.approved().filter(
        Q(pk__in=ids) | Q(uscc__in=codes) | Q(name_zh__in=names) | Q(name_en__in=names)
    )
    organisations, missing, shared = [], [], []
    rows = list(found.order_by("pk"))
    for name in names:
        fitting = [
            one
            for one in rows
            if name in (str(one.pk), one.name_zh, one.name_en) or name.upper().replace(" ", "") == one.uscc
        ]
        # Two firms of one name: only a code says which.
        if len(fitting) == 1:
            organisations.append(fitting[0])
        else:
            (shared if fitting else missing).append(name)
    return organisations, missing, shared


def blocked_with(buyer: Organisation, suppliers: Sequence[Organisation]) -> set[int]:
    pairs = Block.objects.filter(
        Q(organisation=buyer, blocked__in=suppliers) | Q(blocked=buyer, organisation__in=suppliers)
    )
    return {pk for pair in pairs.values_list("organisation", "blocked") for pk in pair} - {buyer.pk}


def add_invitees(
    rfq: RequestForQuotation, said: Sequence[Invitee | str], *, now: datetime, skip_refused: bool = False
) -> None:
    """Note whom to ask; nobody is told yet.

    :raises InputRefused: at ``suppliers``, naming those who are unknown, blocked or oneself
    """
    named, missing, shared = _known([one for one in said if not isinstance(one, Invitee)])
    invitees = [one for one in said if isinstance(one, Invitee)] + [Invitee(one) for one in named]
    blocked = blocked_with(rfq.buyer, [one.supplier for one in invitees])
    problems = []
    if missing:
        message = _("No approved organisation has this name or code: %(names)s")
        problems.append(message % {"names": ", ".join(missing)})
    if shared:
        message = _("Several firms have this name, use the credit code: %(names)s")
        problems.append(message % {"names": ", ".join(shared)})
    if any(one.supplier.pk == rfq.buyer_id for one in invitees):
        problems.append(_("You cannot ask yourselves."))
    if names := [one.supplier.name for one in invitees if one.supplier.pk in blocked]:
        problems.append(_("You or they have blocked the other: %(names)s") % {"names": ", ".join(names)})
    if names := [one.supplier.name for one in invitees if not one.supplier.is_approved]:
        problems.append(_("Not approved: %(names)s") % {"names": ", ".join(names)})
    problems += [
        _("“%(title)s” is no supply of this firm.") % {"title": one.supply.title}
        for one in invitees
        if one.supply and (one.supply.organisation_id != one.supplier.pk or one.supply.side != Listing.Side.SUPPLY)
    ]
    if problems and not skip_refused:
        raise InputRefused({"suppliers": problems})
    fit = [
        one
        for one in invitees
        if one.supplier.pk not in blocked and one.supplier.pk != rfq.buyer_id and one.supplier.is_approved
    ]
    if rfq.invitations.count() + len(fit) > MOST_SUPPLIERS:
        raise InputRefused({"suppliers": [_("At most %(count)d suppliers.") % {"count": MOST_SUPPLIERS}]})
    rows = [_row(rfq, one) for one in fit]
    RfqInvitation.objects.bulk_create(rows, ignore_conflicts=True)


def _row(rfq: RequestForQuotation, one: Invitee) -> RfqInvitation:
    match = one.match or {}
    return RfqInvitation(
        rfq=rfq,
        supplier=one.supplier,
        supply=one.supply,
        match_reasons=match.get("reasons", []),
        match_score=match.get("score"),
        model_version=match.get("model_version", ""),
    )


@transaction.atomic
def mark_viewed(*, rfq: RequestForQuotation, by: User, now: datetime) -> None:
    """Note when the first of a supplier's people looked at the request."""
    mine = Organisation.objects.of(by)
    rfq.invitations.filter(supplier__in=mine, invited_at__isnull=False, viewed_at=None).update(viewed_at=now)


@transaction.atomic
def decline_invitation(*, invitation: RfqInvitation, by: User, reason: str, now: datetime) -> RfqInvitation:
    """Say that one will not quote; whoever quotes later has changed its mind.

    :raises InvitationNotOpen: if it was declined already, or the request takes no more quotes
    """
    require_role(by, invitation.supplier, *Membership.TRADING_ROLES)
    rfq = invitation.rfq
    is_taking = RequestForQuotation.objects.taking_quotes(now).filter(pk=rfq.pk)
    reason = reason.strip()[:500]
    rows = RfqInvitation.objects.filter(pk=invitation.pk, declined_at=None, rfq__in=is_taking)
    if not rows.update(declined_at=now, decline_reason=reason):
        raise InvitationNotOpen(_("This invitation was declined already, or takes no more quotes."))
    notify_many(rfq_news.declined(rfq, invitation.supplier, reason), now=now)
    invitation.refresh_from_db()
    return invitation


@transaction.atomic
def ask_question(
    *, rfq: RequestForQuotation, by: User, organisation: Organisation, text: str, now: datetime
) -> RfqQuestion:
    """Ask the buyer about a request that takes quotes; all who are invited will read the answer.

    :raises InputRefused: at ``text``, or at ``organisation`` if it is not invited
    :raises InvitationNotOpen: if the request takes no more quotes
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    if not rfq.invitations.filter(supplier=organisation, invited_at__isnull=False).exists():
        raise InputRefused({"organisation": [_("Your organisation is not invited.")]})
    text = _said("text", text, 2000)
    if not RequestForQuotation.objects.taking_quotes(now).filter(pk=rfq.pk).exists():
        raise InvitationNotOpen(_("This request takes no more quotes."))
    question = RfqQuestion.objects.create(rfq=rfq, asked_for=organisation, asked_by=by, asked_at=now, text=text)
    notify_many(rfq_news.asked(question), now=now)
    return question


@transaction.atomic
def answer_question(*, question: RfqQuestion, by: User, answer: str, now: datetime) -> RfqQuestion:
    """Answer to all who are invited, without saying who asked.

    :raises InputRefused: at ``answer``
    :raises QuestionAlreadyAnswered: if a colleague was first
    """
    rfq = question.rfq
    require_role(by, rfq.buyer, *Membership.TRADING_ROLES)
    answer = _said("answer", answer, 4000)
    rows = RfqQuestion.objects.filter(pk=question.pk, answered_at=None)
    if not rows.update(answer=answer, answered_by=by, answered_at=now):
        raise QuestionAlreadyAnswered(_("This question is answered already."))
    question.refresh_from_db()
    asked = rfq.invitations.filter(invited_at__isnull=False, declined_at=None).select_related("supplier")
    notify_many(rfq_news.answered(question, [one.supplier for one in asked.order_by("pk")]), now=now)
    return question


def _said(field: str, text: str, limit: int) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise InputRefused({field: [_("This field is required.")]})
    if len(text) > limit:
        raise InputRefused({field: [_("At most %(count)d characters.") % {"count": limit}]})
    return text
