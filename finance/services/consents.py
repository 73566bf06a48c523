"""A firm's owner lets a bank, insurer or guarantor read its data for one purpose and one period, and takes it back."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from config.errors import InputRefused, RuleBroken
from finance.models import Consent, DataGroup, Purpose
from finance.models.consent import LONGEST_CONSENT, READERS
from finance.services import evidence
from marketplace.models import Membership, Organisation, User
from marketplace.models.shipment import new_number
from marketplace.services.notifications import notify
from marketplace.verify_dealfile import canonical


class OnlyAnOwnerConsents(RuleBroken):
    pass


class ConsentNoLongerStands(RuleBroken):
    pass


@transaction.atomic
def give_consent(
    *,
    firm: Organisation,
    reader: Organisation,
    purpose: str,
    groups: Iterable[str],
    valid_until: datetime,
    by: User,
    now: datetime,
) -> Consent:
    """Let a reader see these groups of the firm's data from now on, and give both sides the receipt.

    :raises OnlyAnOwnerConsents: if the user does not own the firm
    :raises InputRefused: if the reader, purpose, data or period is none that can be consented to
    """
    if not firm.memberships.filter(user=by, role=Membership.Role.OWNER).exists():
        raise OnlyAnOwnerConsents(_("Only an owner of the firm can let others read its data."))
    groups = list(dict.fromkeys(groups))
    if errors := _errors(firm, reader, purpose, groups, valid_until, now):
        raise InputRefused(errors)
    consent = Consent(
        number=new_number("C", now),
        firm=firm,
        reader=reader,
        purpose=purpose,
        groups=[group for group in DataGroup.values if group in groups],
        valid_from=now,
        valid_until=valid_until,
        given_by=by,
        given_at=now,
    )
    consent.receipt = _receipt(consent)
    consent.sha256 = hashlib.sha256(canonical(consent.receipt).encode()).hexdigest()
    consent.save(force_insert=True)
    _tell(consent, "consent.given", "授权您查阅其数据", "lets you read its data", now)
    evidence.append(kind="consent.given", content={"consent": consent.number, "sha256": consent.sha256}, at=now)
    return consent


@transaction.atomic
def withdraw_consent(*, consent: Consent, by: User, now: datetime) -> None:
    """Let the reader see nothing more under this consent, at once; what was read stays in the firm's log.

    :raises OnlyAnOwnerConsents: if the user does not own the firm
    :raises ConsentNoLongerStands: if it was withdrawn or has ended
    """
    if not consent.firm.memberships.filter(user=by, role=Membership.Role.OWNER).exists():
        raise OnlyAnOwnerConsents(_("Only an owner of the firm can let others read its data."))
    standing = Consent.objects.standing(now).filter(pk=consent.pk)
    if not standing.update(withdrawn_at=now, withdrawn_by=by):
        raise ConsentNoLongerStands(_("This consent was withdrawn already, or its time is over."))
    _tell(consent, "consent.withdrawn", "撤回了数据授权", "withdrew its consent", now)
    evidence.append(kind="consent.withdrawn", content={"consent": consent.number, "sha256": consent.sha256}, at=now)


def _errors(
    firm: Organisation, reader: Organisation, purpose: str, groups: list[str], valid_until: datetime, now: datetime
) -> dict[str, list[str]]:
    errors = {}
    if reader.kind not in READERS or not reader.is_approved or reader.pk == firm.pk:
        errors["reader"] = [_("Only an approved bank, insurer or guarantor can be let in.")]
    if purpose not in Purpose.values:
        errors["purpose"] = [_("This is none of the purposes.")]
    if not groups or set(groups) - set(DataGroup.values):
        errors["groups"] = [_("Choose at least one of the groups of data.")]
    if valid_until <= now:
        errors["valid_until"] = [_("The end must lie in the future.")]
    elif valid_until > now + LONGEST_CONSENT:
        errors["valid_until"] = [_("At most three years.")]
    return errors


def _receipt(consent: Consent) -> dict[str, object]:
    """Return the consent in words of both languages, as both sides keep it."""
    texts = {}
    for language, key in (("zh-hans", "zh"), ("en", "en")):
        with override(language):
            texts[key] = {
                "purpose": str(Purpose(consent.purpose).label),
                "groups": [str(DataGroup(group).label) for group in consent.groups],
            }
    return {
        "consent": consent.number,
        "firm": _party(consent.firm),
        "reader": _party(consent.reader),
        "purpose": consent.purpose,
        "groups": list(consent.groups),
        "texts": texts,
        "valid_from": consent.valid_from.isoformat(),
        "valid_until": consent.valid_until.isoformat(),
        "given_by": consent.given_by.username,
        "given_at": consent.given_at.isoformat(),
    }


def _party(organisation: Organisation) -> dict[str, str]:
    return {
        "identifier": organisation.uscc or organisation.foreign_identifier,
        "name_zh": organisation.name_zh,
        "name_en": organisation.name_en,
    }


def _tell(consent: Consent, event: str, verb_zh: str, verb_en: str, now: datetime) -> None:
    firm = consent.firm
    notify(
        event=event,
        deduplication_key=f"{event}:{consent.pk}",
        organisation=consent.reader,
        title_zh=f"“{firm.name_zh or firm.name_en}”{verb_zh}",
        title_en=f"“{firm.name_en or firm.name_zh}” {verb_en}",
        url=reverse("finance:consent_detail", args=[consent.pk]),
        data={"consent": consent.number, "purpose": consent.purpose, "groups": list(consent.groups)},
        now=now,
    )
