"""A bank and an insurer or guarantor agree on how the risk of loans is shared; each side signs with its own people."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import CreditLine, Partnership
from finance.runs import cover_news
from finance.services import evidence
from finance.services.partner_people import RELEASING_ROLES, WRITING_ROLES, require_another
from marketplace.models import Organisation, User
from marketplace.models.shipment import new_number
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import checked_day, money

PARTNERS = (Organisation.Kind.INSURER, Organisation.Kind.GUARANTOR)
LONGEST_WAIT = 365
LONGEST_TERMS = 4000


class PartnershipNotInStateForThis(RuleBroken):
    pass


def partners_to_choose() -> QuerySet[Organisation]:
    """Return with whom a bank may share a risk: approved insurers and guarantors."""
    return Organisation.objects.approved().filter(kind__in=PARTNERS).order_by("kind", "pk")


def core_enterprises_of(*banks: Organisation) -> QuerySet[Organisation]:
    """Return the core enterprises that hold an open line of these banks, and so may pay premiums."""
    lines = CreditLine.objects.filter(bank__in=banks, kind=CreditLine.Kind.CORE).exclude(
        status=CreditLine.Status.CLOSED
    )
    return Organisation.objects.filter(pk__in=lines.values("borrower")).order_by("pk")


@transaction.atomic
def propose_partnership(
    *, bank: Organisation, partner: Organisation, said: Mapping[str, Any], by: User, now: datetime
) -> Partnership:
    """Write down the terms that the bank's maker proposes; another person of the bank signs them.

    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, bank, *WRITING_ROLES)
    values = _checked(bank, partner, said, today=timezone.localdate(now))
    return Partnership.objects.create(
        number=new_number("HZ", now), bank=bank, partner=partner, proposed_by=by, proposed_at=now, **values
    )


@transaction.atomic
def sign_for_bank(*, partnership: Partnership, by: User, now: datetime) -> Partnership:
    """Sign the bank's proposal as its second person, and offer it to the partner.

    :raises AnotherPersonMust: if the same person proposed it
    :raises PartnershipNotInStateForThis: if it was signed or refused already
    """
    require_role(by, partnership.bank, *RELEASING_ROLES)
    require_another(by, partnership.proposed_by)
    _become(partnership, Partnership.Status.OFFERED, bank_signed_by=by, bank_signed_at=now)
    notify_many([cover_news.partnership_offered(partnership)], now=now)
    return partnership


@transaction.atomic
def sign_for_partner(*, partnership: Partnership, by: User, now: datetime) -> Partnership:
    """Sign for the insurer or guarantor: from now on covers may be asked for under it.

    :raises AnotherPersonMust: if the person signed for the bank already
    :raises PartnershipNotInStateForThis: if the bank has not signed, or it was answered already
    """
    require_role(by, partnership.partner, *RELEASING_ROLES)
    require_another(by, partnership.proposed_by, partnership.bank_signed_by)
    _become(partnership, Partnership.Status.ACTIVE, partner_signed_by=by, partner_signed_at=now)
    notify_many([cover_news.partnership_answered(partnership, partnership.bank)], now=now)
    content = {
        "partnership": partnership.number,
        "bank": evidence.pseudonym(partnership.bank),
        "partner": evidence.pseudonym(partnership.partner),
    }
    evidence.append(kind="partnership.signed", content=content, at=now)
    return partnership


@transaction.atomic
def refuse_partnership(*, partnership: Partnership, reason: str, by: User, now: datetime) -> Partnership:
    """Refuse what was proposed: the bank's second person before it is offered, the partner after.

    :raises InputRefused: without a reason
    :raises PartnershipNotInStateForThis: if it was signed by both or refused already
    """
    asked = partnership.bank if partnership.status == Partnership.Status.PROPOSED else partnership.partner
    require_role(by, asked, *RELEASING_ROLES)
    reason = _reason(reason)
    row = Partnership.objects.filter(pk=partnership.pk, status=partnership.status)
    if not row.become(Partnership.Status.REFUSED, ended_by=by, ended_at=now, end_reason=reason):
        raise _not_in_state(partnership)
    partnership.refresh_from_db()
    notify_many([cover_news.partnership_answered(partnership, partnership.bank)], now=now)
    return partnership


@transaction.atomic
def end_partnership(*, partnership: Partnership, reason: str, by: User, now: datetime) -> Partnership:
    """Cover nothing new under it; what is covered stays covered.

    :raises InputRefused: without a reason
    :raises PartnershipNotInStateForThis: if it is not in force
    """
    sides = (partnership.bank, partnership.partner)
    own = next((one for one in sides if one.memberships.filter(user=by, role__in=RELEASING_ROLES).exists()), sides[0])
    require_role(by, own, *RELEASING_ROLES)
    _become(partnership, Partnership.Status.ENDED, ended_by=by, ended_at=now, end_reason=_reason(reason))
    other = partnership.partner if own.pk == partnership.bank_id else partnership.bank
    notify_many([cover_news.partnership_answered(partnership, other)], now=now)
    return partnership


def _become(partnership: Partnership, status: str, **changes: object) -> None:
    if not Partnership.objects.filter(pk=partnership.pk).become(status, **changes):
        raise _not_in_state(partnership)
    partnership.refresh_from_db()


def _not_in_state(partnership: Partnership) -> PartnershipNotInStateForThis:
    partnership.refresh_from_db(fields=["status"])
    message = _("This cannot be done any more: the partnership is “%(status)s”.")
    return PartnershipNotInStateForThis(message % {"status": partnership.get_status_display()})


def _reason(reason: str) -> str:
    if not (reason := reason.strip()):
        raise InputRefused({"reason": [_("Say why: the other side reads it.")]})
    return reason[:300]


def percent(value: object, field: str, errors: dict[str, list[str]]) -> Decimal | None:
    """Return a percentage above 0 with at most two places; what is none goes to ``errors``."""
    try:
        share = Decimal(str(value))
    except InvalidOperation:
        errors[field] = [_("Enter a number.")]
        return None
    if not share.is_finite() or not 0 < share <= 100:
        errors[field] = [_("Enter a percentage above 0, at most 100.")]
        return None
    if share != round(share, 2):
        errors[field] = [_("At most two decimal places.")]
        return None
    return share


def _days(value: object, field: str, errors: dict[str, list[str]], *, least: int) -> int | None:
    text = str(value).strip()
    if not text.isdigit() or not least <= int(text) <= LONGEST_WAIT:
        errors[field] = [_("Between %(least)d and %(most)d days.") % {"least": least, "most": LONGEST_WAIT}]
        return None
    return int(text)


def _checked(bank: Organisation, partner: Organisation, said: Mapping[str, Any], *, today: date) -> dict[str, Any]:
    """Return the terms as the row holds them, or refuse."""
    errors: dict[str, list[str]] = {}
    if partner.kind not in PARTNERS or not partner.is_approved:
        errors["partner"] = [_("Only an approved insurer or guarantor can carry a share of a risk.")]
    values: dict[str, Any] = {
        "share_percent": percent(said.get("share_percent"), "share_percent", errors),
        "cap": money(said.get("cap"), "cap", errors),
        "waiting_days": _days(said.get("waiting_days", 30), "waiting_days", errors, least=0),
        "claim_days": _days(said.get("claim_days", 180), "claim_days", errors, least=1),
        "valid_from": checked_day(said.get("valid_from") or "", "valid_from", errors),
        "valid_until": checked_day(said.get("valid_until") or "", "valid_until", errors),
        "premium_payer": said.get("premium_payer") or Partnership.Payer.BANK,
        "core_enterprise": said.get("core_enterprise"),
        "terms": str(said.get("terms") or "").strip(),
    }
    if values["valid_until"] and values["valid_until"] < max(today, values["valid_from"] or today):
        errors["valid_until"] = [_("The end must lie in the future, and after the beginning.")]
    if len(values["terms"]) > LONGEST_TERMS:
        errors["terms"] = [_("At most %(count)d characters.") % {"count": LONGEST_TERMS}]
    payer, core = values["premium_payer"], values["core_enterprise"]
    if payer not in Partnership.Payer.values:
        errors["premium_payer"] = [_("The bank or a core enterprise pays the premium, never the small firm.")]
    elif payer == Partnership.Payer.CORE and (core is None or core not in core_enterprises_of(bank)):
        errors["core_enterprise"] = [_("Choose a core enterprise that holds a line of this bank.")]
    elif payer == Partnership.Payer.BANK and core is not None:
        errors["core_enterprise"] = [_("The bank pays the premium here: name no core enterprise.")]
    if errors:
        raise InputRefused(errors)
    return values
