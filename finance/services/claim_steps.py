"""What every step of a claim does: move it by one UPDATE, and write it down where bank and partner both read."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.core.files import File
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Claim, ClaimEvent, Guarantee
from marketplace.models import Organisation, User
from marketplace.services.attachments import store_attachments

LONGEST_TEXT = 2000


class ClaimNotInStateForThis(RuleBroken):
    pass


def settle_guarantee(guarantee: Guarantee) -> None:
    """Put a guarantee back in force once no claim on it is running."""
    filed = Claim.objects.running().filter(guarantee=guarantee).exclude(status=Claim.Status.PREPARED)
    if not filed.exists():
        Guarantee.objects.filter(pk=guarantee.pk, status=Guarantee.Status.CLAIMED).become(Guarantee.Status.ACTIVE)


def become(claim: Claim, status: str, *, row: object = None, **changes: object) -> None:
    found = Claim.objects.filter(pk=claim.pk) if row is None else row
    if not found.become(status, **changes):
        raise not_in_state(claim)
    claim.refresh_from_db()


def not_in_state(claim: Claim) -> ClaimNotInStateForThis:
    claim.refresh_from_db(fields=["status"])
    message = _("This cannot be done any more: the claim is “%(status)s”.")
    return ClaimNotInStateForThis(message % {"status": claim.get_status_display()})


def write_step(
    claim: Claim,
    kind: str,
    organisation: Organisation,
    *,
    by: User | None,
    now: datetime,
    note: str = "",
    amount: Decimal | None = None,
    uploads: Iterable[File] = (),
) -> ClaimEvent:
    event = ClaimEvent.objects.create(
        claim=claim, kind=kind, by=by, organisation=organisation, at=now, note=note, amount=amount
    )
    readers = [claim.guarantee.bank, claim.guarantee.partner]
    event.attachments.set(store_attachments(uploads=uploads, by=by, readers=readers, now=now))
    return event


def content_of(claim: Claim) -> dict[str, object]:
    return {"claim": claim.number, "guarantee": claim.guarantee.number, "loan": claim.drawdown.number}


def checked_text(value: object, field: str, errors: dict[str, list[str]]) -> str:
    text = str(value or "").strip()
    if len(text) > LONGEST_TEXT:
        errors[field] = [_("At most %(count)d characters.") % {"count": LONGEST_TEXT}]
    return text


def required_text(text: str, message: str) -> str:
    errors: dict[str, list[str]] = {}
    text = checked_text(text, "note", errors)
    if not text:
        errors["note"] = [message]
    if errors:
        raise InputRefused(errors)
    return text
