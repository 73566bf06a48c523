"""Credit vouchers: issued by the platform on a firm's word, shown by the firm, revoked by it; checked by the bank."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Consent, CreditAssessment, CreditVoucher, DataGroup, VoucherCheck, VoucherPresentation
from finance.models.consent import READERS
from finance.models.voucher import new_nonce
from finance.runs import checkpoints as runs
from finance.services import evidence
from finance.services.voucher_bundles import Presented, make_bundle, payload_of
from finance.services.voucher_claims import batches_of, credit_claims
from finance.verify_voucher import STATUS_TYPE, VOUCHER_TYPE, digest, reveal, sha256
from finance.vouchers import sd_jwt
from finance.vouchers.status_list import SMALLEST, encode_status_list
from marketplace.models import Membership, Organisation, User
from marketplace.models.shipment import new_number
from marketplace.services import instance_keys
from marketplace.services.notifications import notify
from marketplace.services.organisations import require_role

# After so long a bank that is offline must fetch a newer list of what was revoked.
STATUS_LASTS = timedelta(days=14)


class AssessmentNotFinished(RuleBroken):
    pass


class NoConsentForThisBank(RuleBroken):
    pass


class VoucherNoLongerStands(RuleBroken):
    pass


class NonceUsedBefore(RuleBroken):
    pass


def code_of(organisation: Organisation) -> str:
    """Return how a voucher names an organisation."""
    return organisation.uscc or f"{organisation.country}:{organisation.foreign_identifier}"


def readers_of(firms: QuerySet[Organisation], now: datetime) -> QuerySet[Organisation]:
    """Return whom these firms let read their score now: a voucher is for one of them."""
    consents = Consent.objects.standing(now).covering(DataGroup.SCORE).filter(firm__in=firms)
    return Organisation.objects.approved().filter(kind__in=READERS, pk__in=consents.values("reader"))


@transaction.atomic
def issue_voucher(
    *,
    assessment: CreditAssessment,
    bank: Organisation,
    valid_days: int = CreditVoucher.VALID_DAYS,
    by: User,
    now: datetime,
) -> CreditVoucher:
    """State what an assessment found, for one bank, and bind it to the firm's key; a leaf of the log tells of it.

    :raises AssessmentNotFinished: if there is no score yet, or it is another bank's own
    :raises NoConsentForThisBank: unless the firm lets this bank read its score now
    :raises InputRefused: if it shall be valid for longer than allowed
    """
    firm = assessment.organisation
    require_role(by, firm, Membership.Role.OWNER)
    if not 1 <= valid_days <= CreditVoucher.LONGEST_DAYS:
        raise InputRefused({"valid_days": [_("Between 1 and %(most)d days.") % {"most": CreditVoucher.LONGEST_DAYS}]})
    if assessment.status != CreditAssessment.Status.DONE or assessment.bank_id not in (None, bank.pk):
        raise AssessmentNotFinished(_("A voucher needs a finished assessment by the platform or by this bank."))
    standing = Consent.objects.standing(now).covering(DataGroup.SCORE).filter(firm=firm, reader=bank)
    consent = standing.order_by("-valid_until", "-pk").first() if bank.kind in READERS else None
    if consent is None:
        raise NoConsentForThisBank(_("The firm does not let this bank read its score: give consent first."))
    number, status_index = new_number("V", now), _free_status_index()
    expires_at = min(now + timedelta(days=valid_days), consent.valid_until)
    claims = {
        "iss": runs.origin().removesuffix("/evidence"),
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": number,
        "aud": code_of(bank),
        "vct": "credit-voucher/1",
        "subject": {"code": code_of(firm), "name_zh": firm.name_zh, "name_en": firm.name_en},
        "status": {"status_list": {"idx": status_index, "uri": status_uri()}},
        "evidence": batches_of(firm),
        "credit": credit_claims(assessment),
    }
    token, disclosures = sd_jwt.issue(
        claims,
        key=instance_keys.private_key(runs.ISSUER_KEY),
        holder=sd_jwt.public_jwk(holder_key(firm).public_key()),
        kind=VOUCHER_TYPE,
        salt=lambda: secrets.token_urlsafe(16),
    )
    content = {
        "voucher": number,
        "organisation": evidence.pseudonym(firm),
        "bank": evidence.pseudonym(bank),
        "assessment": assessment.pk,
        "sha256": sha256(token),
    }
    return CreditVoucher.objects.create(
        number=number,
        subject=firm,
        bank=bank,
        assessment=assessment,
        consent=consent,
        token=token,
        disclosures=disclosures,
        sha256=content["sha256"],
        status_index=status_index,
        issued_by=by,
        issued_at=now,
        expires_at=expires_at,
        leaf=evidence.append(kind="voucher.issued", content=content, at=now),
    )


def holder_key(firm: Organisation):
    """Return the key by which a firm presents its vouchers; this instance keeps it for the firm."""
    return instance_keys.private_key(f"holder-{firm.pk}")


def status_uri() -> str:
    return f"{runs.origin().removesuffix('/evidence')}{reverse('finance:api_status_list')}"


def _free_status_index() -> int:
    """Return a place in the status list that tells nothing of when the voucher was issued."""
    taken = set(CreditVoucher.objects.values_list("status_index", flat=True))
    size = _status_size(len(taken) + 1)
    while (place := secrets.randbelow(size)) in taken:
        pass
    return place


def _status_size(count: int) -> int:
    """Return the length of the list: never more than half full, so that a free place is found soon."""
    size = SMALLEST
    while count * 2 > size:
        size *= 2
    return size


def status_list(*, now: datetime) -> str:
    """Return the signed list of what is revoked, or whose consent was withdrawn, as of now."""
    ended = CreditVoucher.objects.filter(Q(revoked_at__isnull=False) | Q(consent__withdrawn_at__isnull=False))
    places = list(ended.values_list("status_index", flat=True))
    payload = {
        "sub": status_uri(),
        "iat": int(now.timestamp()),
        "exp": int((now + STATUS_LASTS).timestamp()),
        "ttl": 3600,
        "status_list": {
            "bits": 1,
            "lst": encode_status_list(places, size=_status_size(CreditVoucher.objects.count())),
        },
    }
    return sd_jwt.sign(payload, key=instance_keys.private_key(runs.ISSUER_KEY), kind=STATUS_TYPE)


def preview(voucher: CreditVoucher, chosen: Iterable[str]) -> dict[str, Any]:
    """Return the claims as the bank will read them if the firm discloses these, named by their digests."""
    return reveal(payload_of(voucher), _chosen(voucher, chosen))


def _chosen(voucher: CreditVoucher, digests: Iterable[str]) -> list[str]:
    known = {digest(one): one for one in voucher.disclosures}
    wanted = set(digests)
    if wanted - set(known):
        raise InputRefused({"shown": [_("This is nothing that the voucher could disclose.")]})
    return sd_jwt.needed(voucher.disclosures, [known[one] for one in wanted])


@transaction.atomic
def present_voucher(
    *,
    voucher: CreditVoucher,
    shown: Iterable[str],
    nonce: str = "",
    record_count: int = 0,
    by: User,
    now: datetime,
) -> Presented:
    """Return the file that the firm hands to the bank: the voucher with what it discloses, and all proofs.

    ``nonce`` is the code that the bank asked to be used, one of our own where it asked for none; ``record_count`` how
    many of the newest records are attached to each batch.

    :raises VoucherNoLongerStands: if it was revoked, has expired, or consent was withdrawn
    :raises NonceUsedBefore: if this code was used for this voucher
    :raises InputRefused: if something is to be shown that the voucher does not have
    """
    require_role(by, voucher.subject, Membership.Role.OWNER)
    # A code is used once: two that present at once queue here.
    locked = CreditVoucher.objects.select_for_update(of=("self",)).select_related("subject", "bank", "leaf", "consent")
    voucher = locked.get(pk=voucher.pk)
    nonce = nonce.strip()
    errors = {}
    if len(nonce) > VoucherPresentation.LONGEST_NONCE or any(char.isspace() for char in nonce):
        errors["nonce"] = [
            _("A code has at most %(count)d characters and no blanks.") % {"count": VoucherPresentation.LONGEST_NONCE}
        ]
    if not 0 <= record_count <= VoucherPresentation.MOST_RECORDS:
        errors["record_count"] = [
            _("At most %(count)d records of each batch.") % {"count": VoucherPresentation.MOST_RECORDS}
        ]
    if errors:
        raise InputRefused(errors)
    if voucher.revoked_at or voucher.expires_at <= now or voucher.consent.withdrawn_at:
        raise VoucherNoLongerStands(_("This voucher was revoked or has expired: issue a new one."))
    if nonce and voucher.presentations.filter(nonce=nonce).exists():
        raise NonceUsedBefore(_("This code was used before: ask the bank for another."))
    nonce = nonce or new_nonce()
    presented = make_bundle(
        voucher=voucher,
        disclosures=_chosen(voucher, shown),
        key=holder_key(voucher.subject),
        audience=code_of(voucher.bank),
        nonce=nonce,
        status=status_list(now=now),
        record_count=record_count,
        now=now,
    )
    VoucherPresentation.objects.create(
        voucher=voucher,
        nonce=nonce,
        shown=presented.shown,
        records=presented.records,
        sha256=presented.sha256,
        made_by=by,
        made_at=now,
    )
    content = {"voucher": voucher.number, "sha256": presented.sha256}
    evidence.append(kind="voucher.presented", content=content, at=now)
    return presented


@transaction.atomic
def revoke_voucher(*, voucher: CreditVoucher, reason: str, by: User, now: datetime) -> None:
    """Say that a voucher counts no more; from now on every list says so, and the bank that took it is told.

    :raises VoucherNoLongerStands: if it was revoked before
    """
    require_role(by, voucher.subject, Membership.Role.OWNER)
    reason = reason.strip()[:300]
    alive = CreditVoucher.objects.filter(pk=voucher.pk, revoked_at=None)
    if not alive.update(revoked_at=now, revoked_by=by, revoke_reason=reason):
        raise VoucherNoLongerStands(_("This voucher was revoked before."))
    if VoucherCheck.objects.filter(bank=voucher.bank, number=voucher.number, is_good=True).exists():
        firm = voucher.subject
        notify(
            event="voucher.revoked",
            deduplication_key=f"voucher.revoked:{voucher.pk}",
            organisation=voucher.bank,
            title_zh=f"“{firm.name_zh or firm.name_en}”撤销了信用凭证 {voucher.number}",
            title_en=f"“{firm.name_en or firm.name_zh}” revoked the credit voucher {voucher.number}",
            body_zh=reason,
            body_en=reason,
            url=reverse("finance:voucher_check"),
            data={"voucher": voucher.number},
            now=now,
        )
    content = {"voucher": voucher.number, "sha256": voucher.sha256}
    evidence.append(kind="voucher.revoked", content=content, at=now)
