"""A quote while its supplier still works on it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.files import File
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import (
    Attachment,
    Listing,
    Organisation,
    Quote,
    QuoteLine,
    RequestForQuotation,
    RfqLine,
    User,
)
from marketplace.parsing.draft_fields import decimal, moment, whole
from marketplace.parsing.units import UnitsDiffer, UnknownUnit, convert
from marketplace.services.attachments import store_attachments
from marketplace.services.organisations import require_role
from marketplace.services.rfqs import RfqNotInStatusForThis, locked
from marketplace.services.said_fields import SaidFields, read_terms, refuse_errors

LONGEST_VALIDITY = timedelta(days=366)
PRICE_STEP = Decimal("0.0001")
# Of one line; the sum of all that a quote may have still fits every column.
LARGEST_AMOUNT = Decimal(10) ** 15
LINE_FIELDS = ("unit_price", "minimum_quantity", "lead_days", "deviations", "is_declined")


class SupplierNotInvited(RuleBroken):
    pass


def locked_taking(rfq: RequestForQuotation, now: datetime) -> RequestForQuotation:
    """Lock a request that takes quotes; whoever closes it at the same moment waits, or is waited for."""
    rfq = locked(rfq)
    if rfq.status != RequestForQuotation.Status.OPEN or rfq.closes_at <= now:
        raise RfqNotInStatusForThis(rfq)
    return rfq


def _require_invited(rfq: RequestForQuotation, supplier: Organisation) -> None:
    if not rfq.invitations.filter(supplier=supplier, invited_at__isnull=False).exists():
        raise SupplierNotInvited(_("Your organisation is not invited to this request."))


@transaction.atomic
def save_draft(
    *,
    rfq: RequestForQuotation,
    supplier: Organisation,
    by: User,
    fields: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    attachments: Sequence[Attachment] = (),
    uploads: Sequence[File] = (),
    dropped: Sequence[Attachment] = (),
    now: datetime,
) -> Quote:
    """Keep what a supplier has of its quote so far, as often as it likes; nobody else sees it.

    After a submission a draft is the next version, begun from the one before. ``attachments`` are added, ``dropped``
    ones taken off. Each of ``lines`` names ``line`` (its id) and ``quantity``; what is not named stays as it was.

    :raises SupplierNotInvited: if it was not asked
    :raises InputRefused: naming each field that cannot be taken (``lines.0.unit_price``)
    :raises RfqNotInStatusForThis: if the request takes no more quotes
    """
    require_role(by, supplier, *Quote.SUBMITTING_ROLES)
    _require_invited(rfq, supplier)
    rfq = locked_taking(rfq, now)
    quote = _draft_of(rfq, supplier, by=by, now=now)
    errors: dict[str, list[str]] = {}
    values = _read_quote(SaidFields(fields, errors=errors), quote, now=now)
    rows = _read_lines(rfq, quote, lines, errors=errors)
    refuse_errors(errors)
    for name, value in values.items():
        setattr(quote, name, value)
    quote.rfq_revision, quote.updated_at = rfq.revision, now
    quote.save()
    for row in rows:
        row.quote = quote
        row.save()
    stored = store_attachments(uploads=uploads, by=by, readers=[supplier], now=now)
    quote.attachments.add(*attachments, *stored)
    quote.attachments.remove(*dropped)
    return Quote.objects.with_lines().get(pk=quote.pk)


def _draft_of(rfq: RequestForQuotation, supplier: Organisation, *, by: User, now: datetime) -> Quote:
    """Return the supplier's draft, begun if need be from its last version, or from what the buyer wishes."""
    mine = Quote.objects.filter(rfq=rfq, supplier=supplier)
    if (draft := mine.filter(status=Quote.Status.DRAFT).select_related("park").first()) is not None:
        return draft
    last = mine.select_related("park").order_by("-version").first()
    version = (mine.aggregate(last=Max("version"))["last"] or 0) + 1
    draft = Quote(
        rfq=rfq, supplier=supplier, version=version, rfq_revision=rfq.revision,
        created_by=by, created_at=now, updated_at=now, **(last or rfq).terms(),
    )  # fmt: skip
    if last is None:
        draft.note = ""
        draft.supply = rfq.invitations.get(supplier=supplier).supply
        draft.save()
        return draft
    for name in ("freight_amount", "charge_amount", "charge_text", "lead_days", "valid_until", "supply"):
        setattr(draft, name, getattr(last, name))
    draft.save()
    draft.attachments.set(last.attachments.all())
    asked = set(rfq.lines.filter(is_removed=False).values_list("pk", flat=True))
    copied = [
        QuoteLine(quote=draft, line_id=line.line_id, quantity=line.quantity)
        for line in last.lines.all()
        if line.line_id in asked
    ]
    for copy, line in zip(copied, [one for one in last.lines.all() if one.line_id in asked], strict=True):
        for name in LINE_FIELDS:
            setattr(copy, name, getattr(line, name))
    QuoteLine.objects.bulk_create(copied)
    return draft


def _read_quote(fields: SaidFields, quote: Quote, *, now: datetime) -> dict[str, Any]:
    values = read_terms(fields, start=quote.terms(), now=now)
    money = decimal(places=2, zero=True)
    values |= {
        "freight_amount": fields.read("freight_amount", money, quote.freight_amount) or Decimal(0),
        "charge_amount": fields.read("charge_amount", money, quote.charge_amount) or Decimal(0),
        "charge_text": fields.text("charge_text", 200, quote.charge_text),
        "lead_days": fields.read("lead_days", whole(largest=3650), quote.lead_days),
        "valid_until": fields.read("valid_until", moment, quote.valid_until),
        "supply": quote.supply,
    }
    if values["charge_amount"] and not values["charge_text"]:
        fields.refuse("charge_text", _("Say what the charges are for."))
    if fields.has("supply"):
        values["supply"] = _supply(fields, quote.supplier)
    if fields.has("valid_until") and values["valid_until"] and "valid_until" not in fields.errors:
        check_validity(fields, values["valid_until"], quote.rfq, now)
    return values


def check_validity(fields: SaidFields, valid_until: datetime, rfq: RequestForQuotation, now: datetime) -> None:
    if valid_until <= max(now, rfq.closes_at):
        fields.refuse("valid_until", _("A quote must outlast the deadline of the request."))
    elif valid_until > rfq.closes_at + LONGEST_VALIDITY:
        fields.refuse("valid_until", _("At most a year after the deadline."))


def _supply(fields: SaidFields, supplier: Organisation) -> Listing | None:
    said = fields.said["supply"]
    if said in (None, ""):
        return None
    number = said.pk if isinstance(said, Listing) else str(said)
    mine = supplier.listings.filter(side=Listing.Side.SUPPLY)
    found = mine.filter(pk=number).first() if str(number).isdigit() and len(str(number)) < 18 else None
    if found is None:
        fields.refuse("supply", _("This is no supply of yours."))
    return found


def _read_lines(
    rfq: RequestForQuotation, quote: Quote, said: Sequence[Mapping[str, Any]], *, errors: dict[str, list[str]]
) -> list[QuoteLine]:
    asked = {line.pk: line for line in rfq.lines.filter(is_removed=False)}
    present = {(row.line_id, row.quantity): row for row in quote.lines.all()} if quote.pk else {}
    rows: dict[tuple, QuoteLine] = {}
    for place, one in enumerate(said):
        fields = SaidFields(one, errors=errors, prefix=f"lines.{place}.")
        line = asked.get(fields.read("line", whole(largest=2**62), is_required=True))
        if line is None:
            if f"lines.{place}.line" not in errors:
                fields.refuse("line", _("The request has no such line."))
            continue
        quantity = fields.read("quantity", decimal(places=3), line.quantity)
        if quantity not in line.quantities:
            fields.refuse("quantity", _("This quantity was not asked for."))
            continue
        if (line.pk, quantity) in rows:
            fields.refuse("quantity", _("This quantity is named twice."))
        row = present.get((line.pk, quantity)) or QuoteLine(line=line, quantity=quantity)
        _fill_line(row, fields, line)
        rows[line.pk, quantity] = row
    return list(rows.values())


def _fill_line(row: QuoteLine, fields: SaidFields, line: RfqLine) -> None:
    factor = _factor(fields, line)
    row.is_declined = fields.yes("is_declined", start=row.is_declined)
    price = fields.read("unit_price", decimal(places=4, digits=16, zero=True), row.unit_price)
    row.minimum_quantity = fields.read("minimum_quantity", decimal(places=3), row.minimum_quantity)
    row.lead_days = fields.read("lead_days", whole(largest=3650), row.lead_days)
    row.deviations = fields.text("deviations", 1000, row.deviations)
    if row.is_declined:
        if fields.has("unit_price") and price is not None:
            fields.refuse("unit_price", _("A line you cannot supply has no price."))
        row.unit_price = row.minimum_quantity = row.lead_days = None
        return
    if fields.has("unit_price") and price is not None and factor is not None:
        price = (price * factor).quantize(PRICE_STEP)
    row.unit_price = price
    if price is not None and price * row.quantity >= LARGEST_AMOUNT:
        fields.refuse("unit_price", _("The amount is too large."))
    if row.minimum_quantity and row.minimum_quantity > row.quantity:
        fields.refuse("minimum_quantity", _("More than the quantity it is quoted for."))


def _factor(fields: SaidFields, line: RfqLine) -> Decimal | None:
    """Return how many of the unit that the supplier prices by are in one of the request's."""
    said = str(fields.said.get("unit") or line.unit)
    if said == line.unit:
        return Decimal(1)
    try:
        return Decimal(repr(convert(1, line.unit, said)))
    except (UnknownUnit, UnitsDiffer):
        fields.refuse("unit", _("This cannot be converted to the unit asked for."))
        return None
