"""A bank has a voucher checked that a firm handed to it: the same checks as offline, and what only we know."""

import json
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Checkpoint, CreditVoucher, DataGroup, Purpose, VoucherCheck
from finance.models.consent import READERS
from finance.services import reads
from finance.services.checkpoints import trust_file
from finance.services.vouchers import code_of, status_list
from finance.verify_voucher import WORDS, Broken, sha256, verify
from marketplace.models import Membership, Organisation, User
from marketplace.services.organisations import require_role

CHECKING_ROLES = (Membership.Role.OWNER, Membership.Role.MAKER, Membership.Role.CHECKER)
LONGEST = 20_000_000


class OnlyReadersCheckVouchers(RuleBroken):
    pass


def check_voucher(*, bank: Organisation, text: str, nonce: str = "", by: User, now: datetime) -> VoucherCheck:
    """Check a bundle for a bank, and keep what came out; a presentation that it took before is refused.

    :raises OnlyReadersCheckVouchers: if it is no bank, insurer or guarantor
    :raises InputRefused: if nothing was handed in, or far too much
    """
    require_role(by, bank, *CHECKING_ROLES)
    if bank.kind not in READERS:
        raise OnlyReadersCheckVouchers(_("Vouchers are made for banks, insurers and guarantors."))
    if not text.strip() or len(text) > LONGEST:
        raise InputRefused({"file": [_("Hand in the file of a voucher, of at most 20 MB.")]})
    check = VoucherCheck(bank=bank, by=by, at=now, sha256=sha256(text), is_good=False)
    try:
        claims, bound, findings = verify(
            text,
            now=int(now.timestamp()),
            trust={**trust_file(), "quorum": 0},
            audience=code_of(bank),
            nonce=nonce.strip(),
            status=status_list(now=now),
        )
        check.claims, check.findings = claims, findings
        check.number, check.nonce = str(claims.get("jti", ""))[:30], str(bound.get("nonce", ""))[:100]
        return _take(check, text, by=by, now=now)
    except Broken as broken:
        # What does not hold is shown as nothing: whoever reads it might believe it.
        check.claims = {}
        check.findings = [{"code": broken.code, "zh": broken.zh, "en": broken.en}]
    check.save()
    return check


def _take(check: VoucherCheck, text: str, *, by: User, now: datetime) -> VoucherCheck:
    """Keep a good check, unless the presentation was taken before or the log tells otherwise."""
    voucher = CreditVoucher.objects.select_related("subject").filter(number=check.number, bank=check.bank).first()
    if voucher is None:
        raise Broken("unreadable", why="no such voucher / 无此凭证")
    note = json.loads(text)["checkpoint"]
    size = int(note.split("\n")[1])
    ours = Checkpoint.objects.filter(size=size).first()
    if ours is None or not note.startswith(ours.body):
        raise Broken("rewritten", old=size)
    try:
        with transaction.atomic():
            check.is_good = True
            check.save(force_insert=True)
            groups = {DataGroup.SCORE}
            for purpose in Purpose.values:
                if reads.readable_groups(firm=voucher.subject, reader=check.bank, purpose=purpose, now=now) & groups:
                    reads.allow(
                        firm=voucher.subject,
                        reader=check.bank,
                        by=by,
                        purpose=purpose,
                        groups=groups,
                        now=now,
                        subject=voucher.number,
                    )
                    break
    except IntegrityError as error:
        check.is_good, check.pk = False, None
        raise Broken("replayed") from error
    return check


def said(findings: list[dict[str, str]], language: str) -> list[str]:
    """Return the findings in a language."""
    return [one["en" if language == "en" else "zh"] for one in findings if one["code"] in WORDS]
