from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Attachment,
    Dispute,
    DisputeEvidence,
    FulfilmentEvent,
    Inspection,
    Order,
    OrderLine,
    Organisation,
    Proposal,
    User,
)
from marketplace.services import deal_files, quantity_changes
from marketplace.services.attachments import share_attachment, store_attachments
from marketplace.services.lot_settlements import lock_shipments
from marketplace.services.order_lines import move, shown, whole_quantity
from marketplace.services.order_news import names, sides, tell
from marketplace.services.orders import lines_of, lock_running, refresh_status, require_side
from marketplace.services.organisations import require_platform_operator
from marketplace.services.proposals import propose

LONGEST_TEXT = 4000
MOST_REFERENCES = 200


class DisputeIsOver(RuleBroken):
    pass


class NotYourDispute(RuleBroken):
    pass


def _text(value: str, field: str) -> str:
    value = value.strip()
    if not value:
        raise InputRefused({field: [_("Say what happened.")]})
    if len(value) > LONGEST_TEXT:
        raise InputRefused({field: [_("At most %(count)d characters.") % {"count": LONGEST_TEXT}]})
    return value


@transaction.atomic
def open_dispute(
    *,
    line: OrderLine,
    organisation: Organisation,
    quantity: Decimal,
    kind: str,
    text: str,
    by: User,
    now: datetime,
    source: str = "",
    attachments: Sequence[Attachment] = (),
    uploads: Sequence[File] = (),
) -> Dispute:
    """Freeze a part of what was sent until both agree on it or the platform decides; the rest goes on.

    ``source`` is where the part is: in delivery or accepted; missing: in delivery if as much is there. What the park
    and the carriers recorded of the line is evidence by itself.

    :raises InputRefused: naming the field that cannot be taken
    :raises NotThatMuchThere: if less is there
    :raises OrderHasEnded: if the order is over
    """
    order = lock_running(line.order)
    require_side(by, order, organisation)
    line = next(one for one in lines_of(order) if one.pk == line.pk)
    quantity = whole_quantity(quantity, "quantity")
    if kind not in Dispute.Kind.values:
        raise InputRefused({"kind": [_("Choose one of these.")]})
    source = source or ("in_delivery" if line.in_delivery >= quantity else "accepted")
    if source not in ("in_delivery", "accepted"):
        raise InputRefused({"source": [_("Choose one of these.")]})
    there = getattr(line, source)
    if quantity > there:
        message = _("Only %(there)s of it can be disputed: that is what was sent.")
        raise InputRefused({"quantity": [message % {"there": shown(there, line.unit)}]})
    dispute = Dispute.objects.create(
        order=order,
        line=line,
        quantity=quantity,
        source=source,
        kind=kind,
        text=_text(text, "text"),
        opened_for=organisation,
        opened_by=by,
        opened_at=now,
        references=_references(line),
    )
    move(line=line, quantity=quantity, source=source, target="disputed", by=by, at=now, reason=dispute.text)
    attachments = [*attachments, *store_attachments(uploads=uploads, by=by, readers=sides(order), now=now)]
    if attachments:
        _attach(dispute, organisation, text, attachments, by=by, now=now)
    payload = {
        "dispute": dispute.pk,
        "for": deal_files.party_of(organisation),
        "line": line.position,
        "quantity": quantity,
        "unit": line.unit,
        "kind": kind,
        "text": dispute.text,
        "references": dispute.references,
        "attachments": list(attachments),
    }
    deal_files.record(order=order, kind="dispute.opened", by=by, at=now, payload=payload)
    order = refresh_status(order, now)
    who_zh, who_en = names(organisation)
    tell(
        order=order,
        event="dispute.opened",
        key=str(dispute.pk),
        to=[order.other(organisation)],
        title_zh=f"“{who_zh}”对订单 {order.number} 第 {line.position} 行提出争议",
        title_en=f"“{who_en}” disputes line {line.position} of order {order.number}",
        body=dispute.text,
        now=now,
        dispute=dispute.pk,
    )
    return dispute


def _references(line: OrderLine) -> list[dict[str, Any]]:
    """Return what the records say of the line's goods: events of its shipments, and inspections of its lots."""
    events = FulfilmentEvent.objects.filter(shipment__lots__order_line=line).select_related("shipment", "lot")
    events = events.filter(lot=None) | events.filter(lot__order_line=line)
    found = [
        {
            "type": "event",
            "id": event.pk,
            "kind": event.kind,
            "shipment": event.shipment.number,
            "lot": event.lot and event.lot.number,
            "at": event.recorded_at,
            "note": event.note,
        }
        for event in events.distinct().order_by("recorded_at", "pk")[:MOST_REFERENCES]
    ]
    inspections = Inspection.objects.filter(lot__order_line=line).select_related("lot").order_by("at", "pk")
    found += [
        {
            "type": "inspection",
            "id": inspection.pk,
            "kind": inspection.verdict,
            "lot": inspection.lot.number,
            "at": inspection.at,
        }
        for inspection in inspections[:MOST_REFERENCES]
    ]
    return deal_files.plain(found)


def _attach(
    dispute: Dispute,
    organisation: Organisation | None,
    text: str,
    attachments: Sequence[Attachment],
    *,
    by: User,
    now: datetime,
) -> DisputeEvidence:
    order = dispute.order
    for attachment in attachments:
        share_attachment(attachment=attachment, readers=sides(order), with_operator=True)
    evidence = DisputeEvidence.objects.create(dispute=dispute, organisation=organisation, by=by, text=text, at=now)
    evidence.attachments.set(attachments)
    return evidence


@transaction.atomic
def add_evidence(
    *,
    dispute: Dispute,
    organisation: Organisation,
    text: str,
    by: User,
    now: datetime,
    attachments: Sequence[Attachment] = (),
    uploads: Sequence[File] = (),
) -> DisputeEvidence:
    """Say and show something in an open dispute; both sides and the platform operator see it.

    :raises InputRefused: if nothing is said
    :raises DisputeIsOver: if it was settled, decided or withdrawn
    """
    order = Order.objects.locked().select_related("buyer", "seller").get(pk=dispute.order_id)
    require_side(by, order, organisation)
    text = _text(text, "text")
    dispute = _open(dispute)
    attachments = [*attachments, *store_attachments(uploads=uploads, by=by, readers=sides(order), now=now)]
    evidence = _attach(dispute, organisation, text, attachments, by=by, now=now)
    payload = {
        "dispute": dispute.pk,
        "for": deal_files.party_of(organisation),
        "text": text,
        "attachments": list(attachments),
    }
    deal_files.record(order=order, kind="dispute.argued", by=by, at=now, payload=payload)
    who_zh, who_en = names(organisation)
    tell(
        order=order,
        event="dispute.argued",
        key=str(evidence.pk),
        to=[order.other(organisation)],
        title_zh=f"“{who_zh}”就订单 {order.number} 的争议补充了证据",
        title_en=f"“{who_en}” added evidence to the dispute about order {order.number}",
        body=text,
        now=now,
        dispute=dispute.pk,
    )
    return evidence


def _open(dispute: Dispute) -> Dispute:
    found = Dispute.objects.open().select_related("order__buyer", "order__seller", "line").filter(pk=dispute.pk).first()
    if found is None:
        raise DisputeIsOver(_("This dispute is over."))
    return found


@transaction.atomic
def propose_settlement(
    *,
    dispute: Dispute,
    organisation: Organisation,
    said: Mapping[str, Any],
    reason: str,
    by: User,
    now: datetime,
) -> Proposal:
    """Offer the other side an end: how much is accepted, returned, replaced or short, and a lower price.

    :raises InputRefused: naming the part that cannot be taken
    :raises DisputeIsOver: if it is over
    """
    dispute = _open(dispute)
    return propose(
        order=dispute.order,
        organisation=organisation,
        kind=Proposal.Kind.SETTLEMENT,
        said=said,
        reason=reason,
        by=by,
        now=now,
        dispute=dispute,
    )


@transaction.atomic
def withdraw_dispute(*, dispute: Dispute, by: User, now: datetime) -> Dispute:
    """Give a dispute up, as the side that opened it; the quantity goes back to where it was.

    :raises NotYourDispute: if the other side opened it
    :raises DisputeIsOver: if it is over
    """
    order = lock_running(dispute.order)
    if not dispute.opened_for.memberships.filter(user=by).exists():
        raise NotYourDispute(_("Only the side that opened a dispute can withdraw it."))
    require_side(by, order, dispute.opened_for)
    dispute = _close(dispute, order, Dispute.Status.WITHDRAWN, by=by, now=now, outcome={})
    move(line=dispute.line, quantity=dispute.quantity, source="disputed", target=dispute.source, by=by, at=now)
    deal_files.record(order=order, kind="dispute.withdrawn", by=by, at=now, payload={"dispute": dispute.pk})
    _after(dispute, order, now, "已撤回", "was withdrawn")
    return dispute


def _close(dispute: Dispute, order: Order, status: str, *, by: User, now: datetime, outcome: dict) -> Dispute:
    if not Dispute.objects.filter(pk=dispute.pk).close(status, by=by, now=now, outcome=outcome):
        raise DisputeIsOver(_("This dispute is over."))
    # What was proposed to end it is overtaken.
    order.proposals.filter(dispute=dispute).answer(Proposal.Status.OVERTAKEN, by=None, now=now)
    return Dispute.objects.select_related("order__buyer", "order__seller", "line", "opened_for").get(pk=dispute.pk)


def _after(dispute: Dispute, order: Order, now: datetime, zh: str, en: str, note: str = "") -> None:
    order = refresh_status(order, now)
    tell(
        order=order,
        event="dispute.decided",
        key=f"{dispute.pk}:{dispute.status}",
        to=sides(order),
        title_zh=f"订单 {order.number} 的争议{zh}",
        title_en=f"The dispute about order {order.number} {en}",
        body=note,
        now=now,
        dispute=dispute.pk,
        outcome=dispute.outcome,
    )


@transaction.atomic
def decide_dispute(*, dispute: Dispute, said: Mapping[str, Any], note: str, by: User, now: datetime) -> Dispute:
    """Decide as the platform operator how the disputed quantity is shared out and what the price is reduced by.

    :raises OnlyPlatformOperatorMay: if ``by`` is not the platform operator
    :raises InputRefused: naming the part that cannot be taken, or if the reasons are missing
    :raises DisputeIsOver: if it was settled, decided or withdrawn meanwhile
    """
    require_platform_operator(by)
    note = note.strip()
    if not note:
        raise InputRefused({"note": [_("Give the reasons of the decision.")]})
    lock_shipments(dispute.order)
    order = lock_running(dispute.order)
    open_one = _open(dispute)
    terms = quantity_changes.clean_settlement(order, open_one, said)
    outcome = {**terms, "note": note}
    dispute = _close(open_one, order, Dispute.Status.DECIDED, by=by, now=now, outcome=outcome)
    quantity_changes.share_out(order=order, dispute=dispute, terms=terms, reason=note, by=by, now=now)
    payload = {"dispute": dispute.pk, "outcome": outcome}
    deal_files.record(order=order, kind="dispute.decided", by=by, at=now, payload=payload)
    _after(dispute, order, now, "已裁决", "was decided", note)
    return dispute
