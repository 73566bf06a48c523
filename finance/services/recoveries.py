"""Money that comes in after a claim was paid belongs to bank and partner as they carried the loss."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused
from finance.models import Actor, Claim, Recovery
from finance.runs import cover_news
from finance.services import evidence
from finance.services.claim_steps import ClaimNotInStateForThis, settle_guarantee, write_step
from finance.services.covers import BANK_CHECKERS, BANK_MAKERS, FEN
from finance.services.partner_people import require_another
from marketplace.models import User
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import checked_day, money

LONGEST_REFERENCE = 100


def partner_part(claim: Claim, amount: Decimal) -> Decimal:
    """Return the partner's part of a recovery: as it carried the loss, and no more than it paid.

    Of 100 recovered on a loan of 1,000 for which the partner paid 800 it gets 80.
    """
    part = (amount * claim.accepted_amount / claim.outstanding).quantize(FEN, ROUND_HALF_UP)
    return min(part, claim.accepted_amount - claim.recovered)


@transaction.atomic
def record_recovery(*, claim: Claim, said: Mapping[str, Any], by: User, now: datetime) -> Recovery:
    """Write down what came in, as the bank's maker; ``said`` holds amount, reference and received_on.

    :raises ClaimNotInStateForThis: if the claim is not paid, or has ended
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, claim.guarantee.bank, *BANK_MAKERS)
    claim = Claim.objects.select_for_update(of=("self",)).with_names().get(pk=claim.pk)
    _require_paid(claim)
    errors: dict[str, list[str]] = {}
    amount = money(said.get("amount"), "amount", errors)
    reference = str(said.get("reference") or "").strip()
    if not reference or len(reference) > LONGEST_REFERENCE:
        errors["reference"] = [_("Give the number of the payment.")]
    elif claim.recoveries.filter(reference=reference).exists():
        errors["reference"] = [_("This payment was recorded already.")]
    received_on = checked_day(said.get("received_on") or "", "received_on", errors)
    if received_on and received_on > timezone.localdate(now):
        errors["received_on"] = [_("This day is still to come.")]
    if errors:
        raise InputRefused(errors)
    part = partner_part(claim, amount)
    return Recovery.objects.create(
        claim=claim,
        amount=amount,
        partner_part=part,
        bank_part=amount - part,
        reference=reference,
        received_on=received_on,
        recorded_by=by,
        recorded_at=now,
    )


@transaction.atomic
def confirm_recovery(*, recovery: Recovery, by: User, now: datetime) -> Recovery:
    """Confirm as the bank's second person what came in, and share it.

    :raises AnotherPersonMust: if the same person recorded it
    :raises ClaimNotInStateForThis: if it was confirmed already, or the claim has ended
    """
    bank = recovery.claim.guarantee.bank
    require_role(by, bank, *BANK_CHECKERS)
    require_another(by, recovery.recorded_by)
    claim = Claim.objects.select_for_update(of=("self",)).with_names().get(pk=recovery.claim_id)
    _require_paid(claim)
    # Another recovery may have been confirmed since: the partner never gets more than it paid.
    part = partner_part(claim, recovery.amount)
    row = Recovery.objects.filter(pk=recovery.pk, confirmed_by=None)
    changes = {"partner_part": part, "bank_part": recovery.amount - part}
    if not row.update(confirmed_by=by, confirmed_at=now, **changes):
        raise ClaimNotInStateForThis(_("This recovery was confirmed already."))
    recovery.refresh_from_db()
    Claim.objects.filter(pk=claim.pk).update(recovered=F("recovered") + part)
    claim.refresh_from_db()
    write_step(claim, "recovered", bank, by=by, now=now, amount=recovery.amount, note=recovery.reference)
    if claim.recovered == claim.accepted_amount:
        Claim.objects.filter(pk=claim.pk).become(
            Claim.Status.RECOVERED, waits_for=Actor.NOBODY, act_by=None, ended_at=now
        )
        settle_guarantee(claim.guarantee)
    titles = f"追偿回款，归贵方 {part:,.2f}", f"Money was recovered: {part:,.2f} of it is yours"
    notify_many([cover_news.claim_paid(claim, claim.guarantee.partner, f"recovery:{recovery.pk}", titles)], now=now)
    content = {"claim": claim.number, "recovery": recovery.pk}
    evidence.append(kind="claim.recovered", content=content, at=now)
    return recovery


def _require_paid(claim: Claim) -> None:
    if claim.status != Claim.Status.PAID:
        message = _("This cannot be done any more: the claim is “%(status)s”.")
        raise ClaimNotInStateForThis(message % {"status": claim.get_status_display()})
