"""One side of an order proposes a change, the other confirms it; both see first what it does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Dispute, Membership, Order, OrderLine, Organisation, Proposal, User
from marketplace.services import amendments, deal_files, offers, quantity_changes
from marketplace.services.lot_settlements import lock_shipments
from marketplace.services.order_lines import line_at
from marketplace.services.order_news import names, tell
from marketplace.services.orders import (
    OrderNotInStateForThis,
    lines_of,
    lock_running,
    refresh_status,
    require_side,
)
from marketplace.services.organisations import require_role

Kind = Proposal.Kind
LONGEST_REASON = 2000
KIND_NAMES = {
    Kind.AMENDMENT: ("变更", "an amendment"),
    Kind.CANCELLATION: ("取消", "a cancellation"),
    Kind.SHORTAGE: ("短交", "a short delivery"),
    Kind.RETURN: ("退货", "a return"),
    Kind.SETTLEMENT: ("争议和解", "a settlement"),
}
ANSWERS = {
    Proposal.Status.CONFIRMED: ("proposal.confirmed", "已确认", "confirmed"),
    Proposal.Status.DECLINED: ("proposal.declined", "已拒绝", "declined"),
    Proposal.Status.WITHDRAWN: ("proposal.withdrawn", "已撤回", "withdrew"),
}


class ProposalAlreadyOpen(RuleBroken):
    pass


class ProposalAlreadyAnswered(RuleBroken):
    pass


class ProposalOvertaken(RuleBroken):
    """The order was amended since it was made."""


class NotYoursToAnswer(RuleBroken):
    pass


class AmendmentAboveYourLimit(RuleBroken):
    pass


def _clean(
    order: Order, lines: Sequence[OrderLine], kind: str, said: Mapping[str, Any], dispute: Dispute | None, now: datetime
) -> dict:
    if kind == Kind.AMENDMENT:
        return amendments.clean(order, lines, said, now)
    if kind == Kind.CANCELLATION:
        return quantity_changes.clean_cancellation(order, lines, said, now)
    if kind == Kind.SHORTAGE:
        return quantity_changes.clean_shortage(order, lines, said, now)
    if kind == Kind.RETURN:
        return quantity_changes.clean_return(order, lines, said, now)
    return quantity_changes.clean_settlement(order, dispute, said)


def _effects(
    order: Order, lines: Sequence[OrderLine], kind: str, terms: Mapping[str, Any], dispute: Dispute | None
) -> dict:
    """Return what confirming these terms would do to the order as it is now; nothing is written."""
    if kind == Kind.AMENDMENT:
        return amendments.effects(order, lines, terms)
    if kind == Kind.CANCELLATION:
        return quantity_changes.cancellation_effects(order, lines, terms)
    if kind == Kind.SETTLEMENT:
        return quantity_changes.settlement_effects(order, lines, terms, dispute)
    return quantity_changes.quantity_effects(order, lines, terms)


def preview(*, order: Order, kind: str, said: Mapping[str, Any], now: datetime) -> dict:
    """Return what a proposal would do, before it is made.

    :raises InputRefused: naming each field that cannot be taken
    """
    if kind == Kind.SETTLEMENT:
        raise InputRefused({"kind": [_("There is no such kind of proposal.")]})
    lines = lines_of(order)
    return _effects(order, lines, kind, _clean(order, lines, kind, said, None, now), None)


def effects_now(proposal: Proposal) -> dict:
    """Return what confirming an open proposal would do now: a booking may have been made since it was proposed."""
    lines = lines_of(proposal.order)
    return _effects(proposal.order, lines, proposal.kind, proposal.terms, proposal.dispute)


@transaction.atomic
def propose(
    *,
    order: Order,
    organisation: Organisation,
    kind: str,
    said: Mapping[str, Any],
    reason: str,
    by: User,
    now: datetime,
    dispute: Dispute | None = None,
) -> Proposal:
    """Put a change of a running order to the other side.

    :raises InputRefused: naming each field that cannot be taken
    :raises OrderHasEnded: if the order is over
    :raises ProposalAlreadyOpen: if one of this kind about the same waits for an answer
    :raises AmendmentAboveYourLimit: if it raises the total above the limit of who proposes it
    """
    order = lock_running(order)
    require_side(by, order, organisation)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        message = _("Say why.") if not reason else _("At most %(count)d characters.") % {"count": LONGEST_REASON}
        raise InputRefused({"reason": [message]})
    if kind not in Kind.values or (kind == Kind.SETTLEMENT) != (dispute is not None):
        raise InputRefused({"kind": [_("There is no such kind of proposal.")]})
    if kind == Kind.CANCELLATION and order.is_framework:
        raise OrderNotInStateForThis(_("A framework order ends with its window; call-offs are cancelled one by one."))
    lines = lines_of(order)
    terms = _clean(order, lines, kind, said, dispute, now)
    effects = _effects(order, lines, kind, terms, dispute)
    line = dispute.line if dispute else line_at(lines, terms["line"], "line") if "line" in terms else None
    _check_limit(order, kind, effects, organisation, by)
    proposal, is_new = Proposal.objects.get_or_create(
        order=order,
        kind=kind,
        line=line,
        dispute=dispute,
        status=Proposal.Status.OPEN,
        defaults={
            "proposed_for": organisation,
            "proposed_by": by,
            "proposed_at": now,
            "revision": order.revision,
            "terms": terms,
            "effects": effects,
            "reason": reason,
        },
    )
    if not is_new:
        raise ProposalAlreadyOpen(_("A proposal of this kind waits for an answer; it is answered or withdrawn first."))
    payload = {"proposal": proposal.pk, "kind": kind, "terms": terms, "effects": effects, "reason": reason}
    payload["for"] = deal_files.party_of(organisation)
    deal_files.record(order=order, kind="proposal.made", by=by, at=now, payload=payload)
    who_zh, who_en = names(organisation)
    kind_zh, kind_en = KIND_NAMES[kind]
    tell(
        order=order,
        event="proposal.received",
        key=str(proposal.pk),
        to=[order.other(organisation)],
        title_zh=f"“{who_zh}”就订单 {order.number} 提出{kind_zh}，请答复",
        title_en=f"“{who_en}” proposes {kind_en} for order {order.number}: please answer",
        body=reason,
        now=now,
        proposal=proposal.pk,
        kind=kind,
    )
    return proposal


def _check_limit(order: Order, kind: str, effects: Mapping[str, Any], organisation: Organisation, by: User) -> None:
    """Refuse an amendment that makes the order dearer and larger than this member may agree to alone."""
    if kind != Kind.AMENDMENT or Decimal(effects["total_after"]) <= order.total_amount:
        return
    if offers.needs_approval(by, organisation, Decimal(effects["total_after"]), order.currency):
        raise AmendmentAboveYourLimit(
            _("This raises the order above your approval limit: an approver or owner has to do it.")
        )


@transaction.atomic
def confirm_proposal(*, proposal: Proposal, by: User, now: datetime, note: str = "") -> Proposal:
    """Agree as the other side, and carry it out: everything of it, or nothing.

    :raises NotYoursToAnswer: if ``by`` belongs to the side that made it
    :raises ProposalAlreadyAnswered: if it was answered, withdrawn or overtaken
    :raises ProposalOvertaken: if the order was amended since
    :raises NotThatMuchThere: if the quantity is no longer where it was
    :raises OrderHasEnded: if the order is over
    """
    lock_shipments(proposal.order)
    order = lock_running(proposal.order)
    proposal = _answer(proposal, order, Proposal.Status.CONFIRMED, by=by, note=note, now=now)
    if proposal.kind == Kind.AMENDMENT and proposal.revision != order.revision:
        raise ProposalOvertaken(_("The order was amended since this was proposed: make the proposal anew."))
    _check_limit(order, proposal.kind, proposal.effects, order.other(proposal.proposed_for), by)
    lines = lines_of(order)
    if proposal.kind == Kind.AMENDMENT:
        amendments.apply(proposal, order, lines, by=by, now=now)
        older = order.proposals.filter(kind__in=[Kind.AMENDMENT, Kind.CANCELLATION], revision__lt=order.revision)
        older.answer(Proposal.Status.OVERTAKEN, by=None, now=now)
    elif proposal.kind == Kind.CANCELLATION:
        quantity_changes.apply_cancellation(proposal, order, lines, by=by, now=now)
    elif proposal.kind == Kind.SHORTAGE:
        quantity_changes.apply_shortage(proposal, order, lines, by=by, now=now)
    elif proposal.kind == Kind.RETURN:
        quantity_changes.apply_return(proposal, order, lines, by=by, now=now)
    else:
        _settle(proposal, order, by=by, now=now)
    order = refresh_status(order, now)
    _record_answer(proposal, order, by=by, now=now, to=proposal.proposed_for)
    return proposal


def _settle(proposal: Proposal, order: Order, *, by: User, now: datetime) -> None:
    dispute = proposal.dispute
    closed = Dispute.objects.filter(pk=dispute.pk).close(
        Dispute.Status.SETTLED, by=by, now=now, outcome={**proposal.terms, "note": proposal.reason}
    )
    if not closed:
        raise ProposalOvertaken(_("The dispute was decided or withdrawn meanwhile."))
    reason = proposal.reason
    terms = quantity_changes.clean_settlement(order, dispute, proposal.terms)
    quantity_changes.share_out(
        order=order, dispute=dispute, terms=terms, reason=reason, by=by, now=now, proposal=proposal
    )
    payload = {"dispute": dispute.pk, "outcome": proposal.terms}
    deal_files.record(order=order, kind="dispute.settled", by=by, at=now, payload=payload)


@transaction.atomic
def decline_proposal(*, proposal: Proposal, by: User, now: datetime, note: str = "") -> Proposal:
    """Refuse as the other side; nothing changes.

    :raises NotYoursToAnswer: if ``by`` belongs to the side that made it
    :raises ProposalAlreadyAnswered: if it was answered, withdrawn or overtaken
    """
    order = Order.objects.locked().get(pk=proposal.order_id)
    proposal = _answer(proposal, order, Proposal.Status.DECLINED, by=by, note=note, now=now)
    _record_answer(proposal, order, by=by, now=now, to=proposal.proposed_for)
    return proposal


@transaction.atomic
def withdraw_proposal(*, proposal: Proposal, by: User, now: datetime) -> Proposal:
    """Take back what one's own side proposed.

    :raises ProposalAlreadyAnswered: if it was answered or overtaken
    """
    order = Order.objects.locked().get(pk=proposal.order_id)
    require_role(by, proposal.proposed_for, *Membership.TRADING_ROLES)
    proposal = _answer(proposal, order, Proposal.Status.WITHDRAWN, by=by, note="", now=now)
    _record_answer(proposal, order, by=by, now=now, to=order.other(proposal.proposed_for))
    return proposal


def _answer(proposal: Proposal, order: Order, status: str, *, by: User, note: str, now: datetime) -> Proposal:
    if status != Proposal.Status.WITHDRAWN:
        answering = order.other(proposal.proposed_for)
        if not answering.memberships.filter(user=by, role__in=Membership.TRADING_ROLES).exists():
            raise NotYoursToAnswer(_("The other side answers this."))
    if len(note) > LONGEST_REASON:
        raise InputRefused({"note": [_("At most %(count)d characters.") % {"count": LONGEST_REASON}]})
    if not Proposal.objects.filter(pk=proposal.pk).answer(status, by=by, now=now, note=note.strip()):
        raise ProposalAlreadyAnswered(_("This was answered, withdrawn or overtaken already."))
    return Proposal.objects.select_related("order", "proposed_for", "line", "dispute__line").get(pk=proposal.pk)


def _record_answer(proposal: Proposal, order: Order, *, by: User, now: datetime, to: Organisation) -> None:
    record_kind, done_zh, done_en = ANSWERS[proposal.status]
    payload = {"proposal": proposal.pk, "kind": proposal.kind, "note": proposal.answer_note}
    if proposal.status == Proposal.Status.CONFIRMED:
        payload |= {"terms": proposal.terms, "effects": proposal.effects, "total_amount": order.total_amount}
        payload |= {"payable_amount": order.payable_amount, "revision": order.revision}
    deal_files.record(order=order, kind=record_kind, by=by, at=now, payload=payload)
    who_zh, who_en = names(order.other(to))
    kind_zh, kind_en = KIND_NAMES[proposal.kind]
    tell(
        order=order,
        event="proposal.answered",
        key=f"{proposal.pk}:{proposal.status}",
        to=[to],
        title_zh=f"“{who_zh}”{done_zh}订单 {order.number} 的{kind_zh}",
        title_en=f"“{who_en}” {done_en} {kind_en} for order {order.number}",
        body=proposal.answer_note,
        now=now,
        proposal=proposal.pk,
        kind=proposal.kind,
        answer=proposal.status,
    )
