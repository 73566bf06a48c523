"""Codes of six digits with which a receiver signs who has no account: sent to their own phone or mailbox."""

import re
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Membership, Organisation, Park, Receipt, ReceiptSignature, SigningCode, User
from marketplace.services.mails import request_mail
from marketplace.services.organisations import OnlyMembersMay
from marketplace.services.receipts import AlreadySigned, ReceiptNoLongerOpen, locked_receipt, write_signature
from marketplace.services.short_messages import request_short_message

LASTS = timedelta(minutes=15)
# So that nobody's phone is flooded.
PAUSE = timedelta(minutes=1)
MOST_CODES = 10
PHONE = re.compile(r"^\+?[0-9]{6,15}$")
Side = ReceiptSignature.Side


class CodeJustSent(RuleBroken):
    pass


class CodeNotValid(RuleBroken):
    """It is wrong, used, expired, or was guessed at too often."""


def _hash(receipt: Receipt, side: str, code: str) -> str:
    return salted_hmac("marketplace.signing_code", f"{receipt.token}:{side}:{code}", algorithm="sha256").hexdigest()


def read_contact(said: str) -> str:
    """Return a phone number without spaces, or an e-mail address.

    :raises InputRefused: at ``contact``, if it is neither
    """
    text = said.strip()
    if "@" in text:
        try:
            validate_email(text)
        except ValidationError as error:
            raise InputRefused({"contact": list(error.messages)}) from error
        return text.lower()
    phone = re.sub(r"[\s()-]", "", text)
    if not PHONE.match(phone):
        raise InputRefused({"contact": [_("Give a phone number or an e-mail address.")]})
    return phone


def masked(contact: str) -> str:
    """Return enough of a contact to recognise it.

    >>> masked("13905761234"), masked("wang@example.com")
    ('139****1234', 'w***@example.com')
    """
    if "@" in contact:
        name, _at, host = contact.partition("@")
        return f"{name[:1]}***@{host}"
    return f"{contact[:3]}****{contact[-4:]}"


def _may_send(receipt: Receipt, organisation: Organisation, contact: str, by: User) -> bool:
    """Say whether the user may have a code sent there: to anybody as the side's own trader; as the park's staff only
    where that organisation or its people are known to be reached, so that nobody signs for another.
    """
    if organisation.memberships.filter(user=by, role__in=Membership.TRADING_ROLES).exists():
        return True
    park = receipt.shipment.park_id
    if not park or not Park.objects.run_by(by).filter(pk=park).exists():
        return False
    known = {organisation.contact_email.lower(), re.sub(r"[\s()-]", "", organisation.contact_phone)}
    people = organisation.memberships.filter(Q(user__email__iexact=contact) | Q(user__phone=contact))
    return contact in known or people.exists()


@transaction.atomic
def send_code(*, receipt: Receipt, side: str, name: str, contact: str, by: User, now: datetime) -> SigningCode:
    """Send a code to the person who receives (or hands over) the goods; an earlier one is worth nothing then.

    :raises InputRefused: naming ``side``, ``name`` or ``contact``
    :raises OnlyMembersMay: if the user may not let this contact sign for the side
    :raises ReceiptNoLongerOpen: if it was signed by both or withdrawn
    :raises AlreadySigned: if the side has signed
    :raises CodeJustSent: if one was sent a moment ago, or too many were
    """
    receipt = locked_receipt(receipt)
    name = " ".join(name.split())
    if side not in Side.values:
        raise InputRefused({"side": [_("There is no such side.")]})
    if not name or len(name) > SigningCode._meta.get_field("name").max_length:  # noqa: SLF001 - Django's own name for it
        raise InputRefused({"name": [_("Say who signs, in at most 100 characters.")]})
    contact = read_contact(contact)
    organisation = receipt.order.buyer if side == Side.BUYER else receipt.order.seller
    if not _may_send(receipt, organisation, contact, by):
        raise OnlyMembersMay(
            _(
                "Only who trades for this side may let others sign; the park's staff may send a code to its own contacts."
            )
        )
    if receipt.status != Receipt.Status.TO_SIGN:
        raise ReceiptNoLongerOpen(_("Receipt %(number)s is no longer to be signed.") % {"number": receipt.number})
    if receipt.signatures.filter(side=side).exists():
        raise AlreadySigned(_("This side has signed already."))
    sent = receipt.codes.filter(side=side)
    if sent.filter(created_at__gt=now - PAUSE).exists() or sent.count() >= MOST_CODES:
        raise CodeJustSent(_("A code was sent a moment ago. Wait a minute before you ask for another."))
    sent.filter(used_at=None, replaced_at=None).update(replaced_at=now)
    code = f"{secrets.randbelow(10**6):06d}"
    row = SigningCode.objects.create(
        receipt=receipt,
        side=side,
        name=name,
        contact=contact,
        code_hash=_hash(receipt, side, code),
        sent_by=by,
        created_at=now,
        expires_at=now + LASTS,
    )
    _deliver(receipt, row, code, now)
    return row


def _deliver(receipt: Receipt, row: SigningCode, code: str, now: datetime) -> None:
    address = settings.PUBLIC_URL.rstrip("/") + reverse("marketplace:receipt_code_sign", args=[receipt.token])
    said = {"number": receipt.number, "code": code, "address": address}
    # Who receives goods at a gate may read either language.
    zh = "收货单 {number} 的签收验证码：{code}，15 分钟内有效。签收即确认所列数量：{address}".format(**said)
    en = "Code to sign receipt {number}: {code}, valid for 15 minutes. Signing confirms its quantities: {address}".format(
        **said
    )
    if "@" in row.contact:
        subject = f"收货单签收验证码 / Code to sign receipt {receipt.number}"
        request_mail(to=row.contact, language="zh-hans", subject=subject, body=f"{zh}\n\n{en}", now=now)
    else:
        request_short_message(to=row.contact, language="zh-hans", text=f"{zh}\n{en}", now=now)


def sign_with_code(*, receipt: Receipt, side: str, code: str, now: datetime) -> Receipt:
    """Sign with a code that was sent; a wrong one counts, and after five it is worth nothing.

    :raises CodeNotValid: if it is wrong, used, expired, or was guessed at too often
    :raises ReceiptNoLongerOpen: if the receipt was signed by both or withdrawn
    :raises AlreadySigned: if the side has signed
    """
    row = receipt.codes.filter(side=side).usable(now).first()
    # The attempt is written before anything else, and stays written when what follows is undone.
    if row is None or not SigningCode.objects.filter(pk=row.pk).try_once(now):
        raise CodeNotValid(_("This code is not valid any more. Ask for another."))
    if not constant_time_compare(row.code_hash, _hash(receipt, side, code.strip())):
        raise CodeNotValid(_("This code is wrong."))
    with transaction.atomic():
        receipt = locked_receipt(receipt)
        if not SigningCode.objects.filter(pk=row.pk).use(now):
            raise CodeNotValid(_("This code is not valid any more. Ask for another."))
        signature = ReceiptSignature(
            receipt=receipt,
            side=side,
            method=ReceiptSignature.Method.CODE,
            name=row.name,
            contact=masked(row.contact),
            at=now,
        )
        return write_signature(receipt, signature, by=row.sent_by, now=now)
