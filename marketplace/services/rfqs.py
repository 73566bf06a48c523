from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Attachment,
    Listing,
    Membership,
    Organisation,
    Quote,
    RequestForQuotation,
    RfqAmendment,
    RfqInvitation,
    User,
)
from marketplace.parsing.draft_fields import moment
from marketplace.runs import rfq_news
from marketplace.services.attachments import share_attachment, store_attachments
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.rfq_invitations import Invitee, add_invitees
from marketplace.services.rfq_lines import read_lines, write_lines
from marketplace.services.said_fields import SaidFields, read_terms, refuse_errors

WINDOW = timedelta(days=30)
LONGEST_RUN = timedelta(days=366)
# What a change after publishing says to those who were invited; how the quotes are opened was promised to them.
AMENDED = ("title", "description", *RequestForQuotation.TERM_FIELDS)
PROMISED = ("is_sealed", "opens_with_two")


class RfqNotInStatusForThis(RuleBroken):
    def __init__(self, rfq: RequestForQuotation) -> None:
        super().__init__(
            _("%(number)s is “%(status)s”: this cannot be done now.")
            % {"number": rfq.number, "status": rfq.get_status_display()}
        )


class RfqHasNoLines(RuleBroken):
    pass


class RfqHasNoSuppliers(RuleBroken):
    pass


class RfqChangedMeanwhile(RuleBroken):
    pass


def locked(rfq: RequestForQuotation) -> RequestForQuotation:
    """Return the request as it stands; who quotes, opens or awards at the same moment waits."""
    rows = RequestForQuotation.objects.select_for_update(of=("self",), no_key=True).select_related("buyer", "park")
    return rows.get(pk=rfq.pk)


def _mine(rfq: RequestForQuotation, by: User, *statuses: str) -> RequestForQuotation:
    """Lock a request that this user trades for, in one of these statuses."""
    rfq = locked(rfq)
    require_role(by, rfq.buyer, *Membership.TRADING_ROLES)
    if rfq.status not in statuses:
        raise RfqNotInStatusForThis(rfq)
    return rfq


def first_fields(*, demand: Listing | None, now: datetime) -> dict[str, Any]:
    """Return what a new request may begin with: the demand's words, place and window."""
    today = timezone.localdate(now)
    start: date = max(today, demand.window_start) if demand and demand.window_start else today
    end = demand.window_end if demand and demand.window_end and demand.window_end >= start else start + WINDOW
    fields = {"window_start": start, "window_end": end, "closes_at": moment(today + timedelta(days=7))}
    if demand:
        fields |= {
            "title": demand.title,
            "description": demand.text,
            "currency": demand.currency,
            "region": demand.region or demand.organisation.region,
        }
    return fields


def first_lines(demand: Listing) -> list[dict[str, Any]]:
    """Return the line that a demand asks for."""
    attributes = {key: {"value": value} for key, value in demand.attributes.items()}
    line = {
        "description": demand.title[:300],
        "specification": {"attributes": attributes, "text": ""},
        # A demand may leave open how much; a request does not, and begins with one.
        "quantity": demand.quantity or 1,
        "unit": demand.unit or (demand.category.unit if demand.category else "") or "piece",
        "tiers": [],
    }
    return [line]


def _read(
    said: Mapping[str, Any],
    *,
    start: Mapping[str, Any],
    buyer: Organisation,
    now: datetime,
    errors: dict[str, list[str]],
) -> dict[str, Any]:
    fields = SaidFields(said, errors=errors)
    values = read_terms(fields, start=start, now=now)
    values |= {
        "title": fields.text("title", 200, start.get("title", ""), is_required=True),
        "description": fields.text("description", 8000, start.get("description", "")),
        "is_sealed": fields.yes("is_sealed", start=start.get("is_sealed", False)),
        "opens_with_two": fields.yes("opens_with_two", start=start.get("opens_with_two", False)),
        "recovers_tax": fields.yes("recovers_tax", start=start.get("recovers_tax", True)),
        "closes_at": fields.read("closes_at", moment, start.get("closes_at"), is_required=True),
    }
    if values["closes_at"] and "closes_at" not in errors:
        _check_deadline(fields, values["closes_at"], now)
    if values["opens_with_two"] and not values["is_sealed"]:
        fields.refuse("opens_with_two", _("Only sealed quotes are opened."))
    elif values["opens_with_two"]:
        openers = buyer.memberships.filter(role__in=RequestForQuotation.OPENING_ROLES, user__is_active=True)
        if openers.count() < 2:
            fields.refuse("opens_with_two", _("Your organisation has only one member who may open quotes."))
    return values


def _check_deadline(fields: SaidFields, closes_at: datetime, now: datetime) -> None:
    if closes_at <= now:
        fields.refuse("closes_at", _("This moment is past."))
    elif closes_at > now + LONGEST_RUN:
        fields.refuse("closes_at", _("At most a year from now."))


def _check_demand(demand: Listing | None, buyer: Organisation) -> None:
    if demand and (demand.organisation_id != buyer.pk or demand.side != Listing.Side.DEMAND):
        raise InputRefused({"demand": [_("This is no demand of yours.")]})


@transaction.atomic
def create_rfq(
    *,
    buyer: Organisation,
    by: User,
    fields: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    suppliers: Sequence[Invitee | str] = (),
    attachments: Sequence[Attachment] = (),
    uploads: Sequence[File] = (),
    demand: Listing | None = None,
    publish: bool = False,
    now: datetime,
) -> RequestForQuotation:
    """Write down what a buyer asks for, as a draft or sent at once to the suppliers.

    :raises OnlyMembersMay: if ``by`` does not trade for the buyer
    :raises InputRefused: naming each field that cannot be taken (``lines.0.unit``, ``suppliers``)
    :raises RfqHasNoSuppliers: if it is to be sent and nobody is named
    """
    require_role(by, buyer, *Membership.TRADING_ROLES)
    _check_demand(demand, buyer)
    errors: dict[str, list[str]] = {}
    start = first_fields(demand=demand, now=now)
    values = _read(fields, start=start, buyer=buyer, now=now, errors=errors)
    rows = read_lines(lines, errors=errors)
    refuse_errors(errors)
    rfq = RequestForQuotation.objects.create(
        buyer=buyer, demand=demand, created_by=by, created_at=now, updated_at=now, **values
    )
    write_lines(rfq, rows)
    stored = store_attachments(uploads=uploads, by=by, readers=[buyer], now=now)
    rfq.attachments.set([*attachments, *stored])
    add_invitees(rfq, suppliers, now=now)
    return publish_rfq(rfq=rfq, by=by, now=now) if publish else rfq


@transaction.atomic
def publish_rfq(*, rfq: RequestForQuotation, by: User, now: datetime) -> RequestForQuotation:
    """Send a draft to its suppliers.

    :raises InputRefused: if its deadline or window is past meanwhile
    :raises RfqHasNoSuppliers: if nobody is named
    :raises RfqNotInStatusForThis: if it is no draft
    """
    rfq = _mine(rfq, by, RequestForQuotation.Status.DRAFT)
    errors: dict[str, list[str]] = {}
    _read({}, start=values_of(rfq), buyer=rfq.buyer, now=now, errors=errors)
    refuse_errors(errors)
    if not rfq.lines.exists():
        raise RfqHasNoLines(_("Name at least one thing that you ask for."))
    if not rfq.invitations.exists():
        raise RfqHasNoSuppliers(_("Name at least one supplier to ask."))
    rfq.status, rfq.published_at, rfq.updated_at = RequestForQuotation.Status.OPEN, now, now
    rfq.save(update_fields=["status", "published_at", "updated_at"])
    send_invitations(rfq, now=now)
    return rfq


def values_of(rfq: RequestForQuotation) -> dict[str, Any]:
    names = ("title", "description", "is_sealed", "opens_with_two", "recovers_tax", "closes_at")
    return rfq.terms() | {name: getattr(rfq, name) for name in names}


def send_invitations(rfq: RequestForQuotation, *, now: datetime) -> None:
    """Show the request and its files to those who were not asked yet, and tell them."""
    waiting = list(rfq.invitations.filter(invited_at=None).select_related("supplier"))
    suppliers = [invitation.supplier for invitation in waiting]
    for attachment in rfq.attachments.all():
        share_attachment(attachment=attachment, readers=suppliers)
    rfq.invitations.filter(invited_at=None).update(invited_at=now)
    notify_many(rfq_news.received(rfq, suppliers), now=now)


@transaction.atomic
def invite_suppliers(
    *, rfq: RequestForQuotation, by: User, suppliers: Sequence[Invitee | str], now: datetime
) -> RequestForQuotation:
    """Ask further suppliers; who is asked already stays asked.

    :raises InputRefused: at ``suppliers``, naming those who are unknown, blocked or oneself
    :raises RfqNotInStatusForThis: if it is neither a draft nor open
    """
    rfq = _mine(rfq, by, RequestForQuotation.Status.DRAFT, RequestForQuotation.Status.OPEN)
    add_invitees(rfq, suppliers, now=now)
    if rfq.status == RequestForQuotation.Status.OPEN:
        send_invitations(rfq, now=now)
    return rfq


@transaction.atomic
def remove_invitation(*, invitation: RfqInvitation, by: User, now: datetime) -> None:
    """Take a supplier off a draft.

    :raises RfqNotInStatusForThis: if it was sent already
    """
    _mine(invitation.rfq, by, RequestForQuotation.Status.DRAFT)
    invitation.delete()


@transaction.atomic
def amend_rfq(
    *,
    rfq: RequestForQuotation,
    by: User,
    fields: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]] | None = None,
    attachments: Sequence[Attachment] = (),
    uploads: Sequence[File] = (),
    note: str = "",
    revision: int | None = None,
    now: datetime,
) -> RequestForQuotation:
    """Change a draft, or what is asked of those already invited: they are told, and confirm or revise their quotes.

    ``lines`` are all lines, those there before with their ``id``; None: they stay. ``attachments`` are added.

    :raises InputRefused: naming each field that cannot be taken
    :raises RfqChangedMeanwhile: if it is no longer at ``revision``
    :raises RfqNotInStatusForThis: if it is closed
    """
    rfq = _mine(rfq, by, RequestForQuotation.Status.DRAFT, RequestForQuotation.Status.OPEN)
    if revision is not None and revision != rfq.revision:
        raise RfqChangedMeanwhile(_("Somebody changed this request meanwhile: look at it again."))
    if rfq.status == RequestForQuotation.Status.OPEN and rfq.closes_at <= now:
        raise RfqNotInStatusForThis(rfq)
    before, errors = values_of(rfq), {}
    values = _read(fields, start=before, buyer=rfq.buyer, now=now, errors=errors)
    rows = None if lines is None else read_lines(lines, errors=errors)
    is_open = rfq.status == RequestForQuotation.Status.OPEN
    for name in PROMISED if is_open else ():
        if values[name] != before[name]:
            errors.setdefault(name, []).append(_("This was promised to the suppliers and stays as it is."))
    if is_open and values["closes_at"] and values["closes_at"] < rfq.closes_at:
        errors.setdefault("closes_at", []).append(_("A deadline can only be extended."))
    refuse_errors(errors)
    for name, value in values.items():
        setattr(rfq, name, value)
    changes = [
        {"field": name, "before": _plain(before[name]), "after": _plain(values[name])}
        for name in AMENDED
        if before[name] != values[name]
    ]
    if rows is not None:
        changes += write_lines(rfq, rows)
    attachments = [*attachments, *store_attachments(uploads=uploads, by=by, readers=[rfq.buyer], now=now)]
    changes += [{"field": "attachments", "before": "", "after": one.name} for one in attachments]
    rfq.attachments.add(*attachments)
    rfq.updated_at = now
    if is_open:
        _tell_change(rfq, changes, by=by, note=note, was_extended=before["closes_at"] != rfq.closes_at, now=now)
    rfq.save()
    return rfq


def _tell_change(rfq, changes: list, *, by: User, note: str, was_extended: bool, now: datetime) -> None:
    suppliers = invited(rfq)
    if changes or note:
        rfq.revision += 1
        RfqAmendment.objects.create(
            rfq=rfq, revision=rfq.revision, changes=changes, note=note.strip()[:2000], by=by, at=now
        )
        for attachment in rfq.attachments.all():
            share_attachment(attachment=attachment, readers=suppliers)
        notify_many(rfq_news.changed(rfq, suppliers, key=str(rfq.revision), note=note.strip()), now=now)
    elif was_extended:
        notify_many(rfq_news.extended(rfq, suppliers), now=now)


def _plain(value: object) -> str:
    return f"{value.normalize():f}" if hasattr(value, "normalize") else str(value if value is not None else "")


def invited(rfq: RequestForQuotation) -> list[Organisation]:
    """Return those who were asked and did not say no."""
    asked = rfq.invitations.filter(invited_at__isnull=False, declined_at=None).select_related("supplier")
    return [invitation.supplier for invitation in asked.order_by("pk")]


@transaction.atomic
def extend_rfq(*, rfq: RequestForQuotation, by: User, closes_at: object, now: datetime) -> RequestForQuotation:
    """Give the suppliers more time; a bare date means the end of that day.

    :raises InputRefused: if the new deadline is not later than the old one
    :raises RfqNotInStatusForThis: if it is not open
    """
    return amend_rfq(
        rfq=_mine(rfq, by, RequestForQuotation.Status.OPEN), by=by, fields={"closes_at": closes_at}, now=now
    )


@transaction.atomic
def close_rfq(*, rfq: RequestForQuotation, by: User, now: datetime) -> RequestForQuotation:
    """Take no more quotes, before the deadline.

    :raises RfqNotInStatusForThis: if it is not open
    """
    rfq = _mine(rfq, by, RequestForQuotation.Status.OPEN)
    RequestForQuotation.objects.filter(pk=rfq.pk).close(now=now)
    if rfq.closes_at > now:
        RequestForQuotation.objects.filter(pk=rfq.pk).update(closes_at=now)
    rfq.refresh_from_db()
    notify_many(rfq_news.closed(rfq, rfq.quotes.standing().count()), now=now)
    return rfq


@transaction.atomic
def cancel_rfq(*, rfq: RequestForQuotation, by: User, reason: str, now: datetime) -> RequestForQuotation:
    """Call a request off, which nothing was awarded of; the suppliers are told why.

    :raises InputRefused: without a reason, once it was sent
    :raises RfqNotInStatusForThis: if it is awarded or cancelled already
    """
    status = RequestForQuotation.Status
    rfq = _mine(rfq, by, status.DRAFT, status.OPEN, status.CLOSED)
    if rfq.awards.live().exists():
        raise RfqNotInStatusForThis(rfq)
    reason = reason.strip()[:2000]
    if rfq.status != status.DRAFT and not reason:
        raise InputRefused({"reason": [_("Say why: the suppliers have worked on it.")]})
    suppliers = invited(rfq)
    rfq.status, rfq.cancel_reason, rfq.closed_at, rfq.updated_at = status.CANCELLED, reason, rfq.closed_at or now, now
    rfq.save(update_fields=["status", "cancel_reason", "closed_at", "updated_at"])
    rfq.quotes.filter(status=Quote.Status.SUBMITTED).update(
        status=Quote.Status.REJECTED, ended_at=now, updated_at=now, answer_note=reason
    )
    if rfq.published_at:
        notify_many(rfq_news.cancelled(rfq, suppliers), now=now)
    return rfq


@transaction.atomic
def copy_rfq(*, rfq: RequestForQuotation, by: User, now: datetime) -> RequestForQuotation:
    """Issue a request again, as a draft with the same lines and suppliers and a fresh deadline and window."""
    require_role(by, rfq.buyer, *Membership.TRADING_ROLES)
    today = timezone.localdate(now)
    said = values_of(rfq) | {"closes_at": today + timedelta(days=7)}
    if rfq.window_end < today:
        said |= {"window_start": today, "window_end": today + (rfq.window_end - rfq.window_start)}
    if said["park"] is not None and not type(rfq.park).objects.open().filter(pk=rfq.park_id).exists():
        raise InputRefused({"park": [_("There is no such park.")]})
    lines = [
        {name: getattr(line, name) for name in ("description", "specification", "quantity", "unit", "tiers")}
        for line in rfq.lines.filter(is_removed=False).order_by("position")
    ]
    copy = create_rfq(
        buyer=rfq.buyer, by=by, fields=said, lines=lines, attachments=list(rfq.attachments.all()),
        demand=rfq.demand, now=now,
    )  # fmt: skip
    copy.copy_of = rfq
    copy.save(update_fields=["copy_of"])
    # Who was blocked or suspended since is not asked again.
    askable = [Invitee(one.supplier, one.supply) for one in rfq.invitations.select_related("supplier", "supply")]
    add_invitees(copy, askable, now=now, skip_refused=True)
    return copy
