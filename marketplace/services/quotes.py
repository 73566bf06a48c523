from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import (
    Membership,
    Organisation,
    Quote,
    QuoteLine,
    RequestForQuotation,
    User,
)
from marketplace.models.terms import Terms, totals
from marketplace.parsing.draft_fields import moment
from marketplace.runs import rfq_news
from marketplace.services.attachments import share_attachment
from marketplace.services.notifications import notify_many
from marketplace.services.offers import needs_approval
from marketplace.services.organisations import require_role
from marketplace.services.quote_drafts import LINE_FIELDS, check_validity, locked_taking, save_draft
from marketplace.services.said_fields import SaidFields, read_terms, refuse_errors

COMPARED = (*Terms.TERM_FIELDS, "freight_amount", "charge_amount", "charge_text", "lead_days", "valid_until")


class QuoteNotInStatusForThis(RuleBroken):
    def __init__(self, quote: Quote) -> None:
        super().__init__(
            _("This quote is “%(status)s”: this cannot be done now.") % {"status": quote.get_status_display()}
        )


class QuoteDoesNotFitAnyMore(RuleBroken):
    pass


class QuoteAboveLimit(RuleBroken):
    pass


@transaction.atomic
def submit_quote(*, quote: Quote, by: User, now: datetime) -> Quote:
    """Hand in a draft; it takes the place of the version before, which stays readable.

    :raises InputRefused: naming what is missing (``lines.2.unit_price``: neither a price nor a refusal)
    :raises QuoteAboveLimit: if it is above what ``by`` may promise: an approver hands it in
    :raises QuoteNotInStatusForThis: if it is no draft
    :raises RfqNotInStatusForThis: if the request takes no more quotes
    """
    require_role(by, quote.supplier, *Quote.SUBMITTING_ROLES)
    rfq = locked_taking(quote.rfq, now)
    quote = Quote.objects.select_for_update(of=("self",)).select_related("supplier", "park").get(pk=quote.pk)
    if quote.status != Quote.Status.DRAFT:
        raise QuoteNotInStatusForThis(quote)
    quote.rfq = rfq
    _refuse_incomplete(quote, now=now)
    _refuse_above_limit(quote, by)
    before = Quote.objects.filter(rfq=rfq, supplier=quote.supplier, status=Quote.Status.SUBMITTED)
    before.update(status=Quote.Status.SUPERSEDED, ended_at=now, updated_at=now)
    quote.status, quote.submitted_by, quote.submitted_at = Quote.Status.SUBMITTED, by, now
    quote.rfq_revision, quote.updated_at = rfq.revision, now
    quote.save()
    rfq.invitations.filter(supplier=quote.supplier).update(declined_at=None, decline_reason="")
    if rfq.shows_quotes:
        share_files(quote, [rfq.buyer])
    notify_many(rfq_news.quote_received(quote, rfq.quotes.standing().count()), now=now)
    return quote


def share_files(quote: Quote, readers: Sequence[Organisation]) -> None:
    for attachment in quote.attachments.all():
        share_attachment(attachment=attachment, readers=readers)


def _answers(quote: Quote) -> dict[tuple[int, Decimal], QuoteLine]:
    return {(row.line_id, row.quantity): row for row in quote.lines.all()}


def _unanswered(quote: Quote) -> dict[str, list[str]]:
    """Name each quantity asked for that has neither a price nor a refusal."""
    answers, errors, place = _answers(quote), {}, 0
    for line in quote.rfq.lines.filter(is_removed=False).order_by("position", "pk"):
        for quantity in line.quantities:
            row = answers.get((line.pk, quantity))
            if row is None or (row.unit_price is None and not row.is_declined):
                errors[f"lines.{place}.unit_price"] = [
                    _("Line %(position)s: name a price, or say that you cannot supply it.")
                    % {"position": line.position}
                ]
            place += 1
    return errors


def _refuse_incomplete(quote: Quote, *, now: datetime) -> None:
    errors: dict[str, list[str]] = {}
    fields = SaidFields({}, errors=errors)
    read_terms(fields, start=quote.terms(), now=now)
    if quote.valid_until is None:
        fields.refuse("valid_until", _("Say until when the quote holds."))
    else:
        check_validity(fields, quote.valid_until, quote.rfq, now)
    errors |= _unanswered(quote)
    if not errors and all(row.is_declined for row in quote.lines.all()):
        errors["lines"] = [_("You supply none of the lines: decline the invitation instead.")]
    refuse_errors(errors)
    # A line or quantity that was asked for once and is no more.
    asked = {line.pk: line.quantities for line in quote.rfq.lines.filter(is_removed=False)}
    gone = [row.pk for row in quote.lines.all() if row.quantity not in asked.get(row.line_id, ())]
    quote.lines.filter(pk__in=gone).delete()


def total_of(quote: Quote) -> Decimal:
    """Return what the quote comes to with tax, at the quantities wanted."""
    base = [row for row in quote.lines.select_related("line") if row.quantity == row.line.quantity and row.unit_price]
    amount = sum((row.amount for row in base), Decimal(0)) + quote.freight_amount + quote.charge_amount
    return totals(amount, tax_rate=quote.tax_rate, price_includes_tax=quote.price_includes_tax)[2]


def _refuse_above_limit(quote: Quote, by: User) -> None:
    # A quote binds as an offer does, so the same limit holds.
    if needs_approval(by, quote.supplier, total_of(quote), quote.currency):
        raise QuoteAboveLimit(
            _("This quote is above your limit: an owner or approver of your organisation hands it in from here.")
        )


@transaction.atomic
def submit_at_once(*, rfq: RequestForQuotation, supplier: Organisation, by: User, now: datetime, **said: Any) -> Quote:
    """Save and hand in a quote in one act; refuses what ``save_draft`` and ``submit_quote`` refuse."""
    draft = save_draft(rfq=rfq, supplier=supplier, by=by, now=now, **said)
    return submit_quote(quote=draft, by=by, now=now)


@transaction.atomic
def withdraw_quote(*, quote: Quote, by: User, now: datetime) -> Quote:
    """Take back what was handed in, while the request is open; a draft is thrown away.

    :raises QuoteNotInStatusForThis: if it was replaced, awarded or withdrawn already
    :raises RfqNotInStatusForThis: if the deadline is past
    """
    require_role(by, quote.supplier, *Membership.TRADING_ROLES)
    rfq = locked_taking(quote.rfq, now)
    if quote.status == Quote.Status.DRAFT:
        quote.delete()
        return quote
    mine = Quote.objects.filter(pk=quote.pk, status=Quote.Status.SUBMITTED)
    if not mine.update(status=Quote.Status.WITHDRAWN, ended_at=now, updated_at=now):
        quote.refresh_from_db()
        raise QuoteNotInStatusForThis(quote)
    quote = Quote.objects.with_names().get(pk=quote.pk)
    quote.rfq = rfq
    notify_many(rfq_news.quote_withdrawn(quote), now=now)
    return quote


@transaction.atomic
def confirm_quote(*, quote: Quote, by: User, now: datetime) -> Quote:
    """Say that a quote stands after the buyer changed the request.

    :raises QuoteDoesNotFitAnyMore: if there are lines or quantities it has no answer to: it must be revised
    :raises QuoteNotInStatusForThis: if it is not the submitted one
    :raises RfqNotInStatusForThis: if the request takes no more quotes
    """
    require_role(by, quote.supplier, *Quote.SUBMITTING_ROLES)
    rfq = locked_taking(quote.rfq, now)
    quote.rfq = rfq
    if _unanswered(quote):
        raise QuoteDoesNotFitAnyMore(_("Other lines or quantities are asked for now: revise your quote."))
    rows = Quote.objects.filter(pk=quote.pk, status=Quote.Status.SUBMITTED)
    if not rows.update(rfq_revision=rfq.revision, updated_at=now):
        quote.refresh_from_db()
        raise QuoteNotInStatusForThis(quote)
    quote.refresh_from_db()
    return quote


@transaction.atomic
def extend_validity(*, quote: Quote, by: User, valid_until: object, now: datetime) -> Quote:
    """Let a submitted quote hold longer, also after the deadline.

    :raises InputRefused: at ``valid_until`` if it is not later than before
    :raises QuoteNotInStatusForThis: if it is not the submitted one
    """
    require_role(by, quote.supplier, *Quote.SUBMITTING_ROLES)
    fields = SaidFields({"valid_until": valid_until}, errors={})
    until = fields.read("valid_until", moment, is_required=True)
    if until and not fields.errors:
        check_validity(fields, until, quote.rfq, now)
        if quote.valid_until and until <= quote.valid_until:
            fields.refuse("valid_until", _("Not later than it holds already."))
    refuse_errors(fields.errors)
    rows = Quote.objects.filter(pk=quote.pk, status=Quote.Status.SUBMITTED, valid_until__lt=until)
    if not rows.update(valid_until=until, updated_at=now):
        quote.refresh_from_db()
        raise QuoteNotInStatusForThis(quote)
    quote.refresh_from_db()
    return quote


def differences(before: Quote, after: Quote) -> list[dict[str, Any]]:
    """Return what a later version says differently: ``field``, ``line`` (its position) and ``quantity``, before, after."""
    found = [
        {"field": name, "line": None, "quantity": None, "before": getattr(before, name), "after": getattr(after, name)}
        for name in COMPARED
        if getattr(before, name) != getattr(after, name)
    ]
    old, new = _answers(before), _answers(after)
    for key in sorted({*old, *new}, key=lambda key: ((old.get(key) or new.get(key)).line.position, key[1])):
        one, other = old.get(key), new.get(key)
        line = (other or one).line
        found += [
            {
                "field": name,
                "line": line.position,
                "quantity": key[1],
                "before": getattr(one, name, None),
                "after": getattr(other, name, None),
            }
            for name in LINE_FIELDS
            if getattr(one, name, None) != getattr(other, name, None)
        ]
    return found
