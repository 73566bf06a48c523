"""A bank asks a partner to carry a share of a credit; the partner quotes with two people, the bank accepts with another two."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import (
    Actor,
    Application,
    CoverQuote,
    CreditLine,
    Guarantee,
    OfflineAct,
    Partnership,
    Purpose,
)
from finance.runs import cover_news
from finance.runs.covers import bring_into_force, let_go
from finance.services import evidence
from finance.services.partner_people import RELEASING_ROLES, WRITING_ROLES, require_another, signs_alone
from finance.services.partnerships import percent
from finance.services.reads import readable_groups
from marketplace.models import Membership, Organisation, User
from marketplace.models.shipment import new_number
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import checked_day, money

BANK_MAKERS = (Membership.Role.MAKER,)
BANK_CHECKERS = (Membership.Role.CHECKER,)
TIME_TO_QUOTE = timedelta(days=7)
TIME_TO_RELEASE = timedelta(days=2)
TIME_FOR_LETTER = timedelta(days=14)
LONGEST_TEXT = 1000
MOST_PREMIUM_BP = 2000
FEN = Decimal("0.01")
YEAR = 360
# A cover is asked for while the bank looks at the application, or before its line opens.
ASKABLE = (Application.Status.IN_REVIEW, Application.Status.PROPOSED, Application.Status.APPROVED)


class QuoteNotInStateForThis(RuleBroken):
    pass


class PartnershipNotInForce(RuleBroken):
    pass


class CapExceeded(RuleBroken):
    pass


class PartnerMayNotRead(RuleBroken):
    """The firm lets the partner see none of its data, so there is nothing to quote on."""


class PremiumWouldFallOnTheFirm(RuleBroken):
    """The firm whose loan is covered would pay for it."""


class CreditNotOpenToCover(RuleBroken):
    pass


class QuoteNoLongerValid(RuleBroken):
    pass


class LoansStillOpen(RuleBroken):
    pass


@transaction.atomic
def request_cover(
    *,
    partnership: Partnership,
    said: Mapping[str, Any],
    by: User,
    now: datetime,
    application: Application | None = None,
    line: CreditLine | None = None,
) -> CoverQuote:
    """Ask the partner to cover a credit under a partnership; ``said`` holds amount, days and note.

    :raises PartnershipNotInForce: if it is not signed by both, or its time is over
    :raises CreditNotOpenToCover: if the application or line is another bank's, or not at a stage to be covered
    :raises PremiumWouldFallOnTheFirm: if the firm itself would pay the premium
    :raises PartnerMayNotRead: without the firm's consent to the partner
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, partnership.bank, *BANK_MAKERS)
    if not Partnership.objects.in_force(timezone.localdate(now)).filter(pk=partnership.pk).exists():
        raise PartnershipNotInForce(_("This partnership is not in force."))
    firm, most = _coverable(partnership, application, line)
    if firm.pk == _payer(partnership).pk:
        raise PremiumWouldFallOnTheFirm(_("The firm whose credit is covered must not pay for it."))
    if not readable_groups(firm=firm, reader=partnership.partner, purpose=Purpose.COVER, now=now):
        message = _("The firm has to consent first that %(partner)s reads its data to quote a cover.")
        raise PartnerMayNotRead(message % {"partner": partnership.partner.name})
    values = _request_values(said, most)
    target = {"application": application, "line": line}
    if CoverQuote.objects.running().filter(partnership=partnership, **target).exists():
        raise QuoteNotInStateForThis(_("This partner was asked already and has not finished."))
    quote = CoverQuote.objects.create(
        number=new_number("XB", now),
        partnership=partnership,
        firm=firm,
        requested_by=by,
        requested_at=now,
        act_by=now + TIME_TO_QUOTE,
        **target,
        **values,
    )
    notify_many([cover_news.cover_requested(quote)], now=now)
    return quote


@transaction.atomic
def draft_quote(*, quote: CoverQuote, said: Mapping[str, Any], by: User, now: datetime) -> CoverQuote:
    """Quote share, premium, conditions and until when; another person of the partner releases it.

    Where the partner has only one person, its owner's word is the release, and the quote says so.

    :raises QuoteNotInStateForThis: if it was quoted, declined or withdrawn already
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, quote.partner, *WRITING_ROLES)
    values = _quote_values(quote, said, today=timezone.localdate(now))
    _become(
        quote,
        CoverQuote.Status.DRAFTED,
        quoted_by=by,
        quoted_at=now,
        act_by=now + TIME_TO_RELEASE,
        reason="",
        **values,
    )
    if signs_alone(by, quote.partner):
        _release(quote, by=by, now=now, is_signed_alone=True)
    return quote


@transaction.atomic
def release_quote(*, quote: CoverQuote, by: User, now: datetime) -> CoverQuote:
    """Sign the quote as the partner's second person and hand it to the bank.

    :raises AnotherPersonMust: if the same person quoted
    :raises QuoteNotInStateForThis: if nothing waits for release
    """
    require_role(by, quote.partner, *RELEASING_ROLES)
    quote.refresh_from_db()
    require_another(by, quote.quoted_by)
    _release(quote, by=by, now=now, is_signed_alone=False)
    return quote


@transaction.atomic
def return_quote(*, quote: CoverQuote, reason: str, by: User, now: datetime) -> CoverQuote:
    """Send the draft back to whoever quoted.

    :raises InputRefused: without a reason
    :raises QuoteNotInStateForThis: if nothing waits for release
    """
    require_role(by, quote.partner, *RELEASING_ROLES)
    quote.refresh_from_db()
    require_another(by, quote.quoted_by)
    _become(quote, CoverQuote.Status.REQUESTED, reason=_reason(reason), act_by=now + TIME_TO_QUOTE)
    return quote


@transaction.atomic
def decline_quote(*, quote: CoverQuote, reason: str, by: User, now: datetime) -> CoverQuote:
    """Say that the partner covers nothing of this credit, and why.

    :raises InputRefused: without a reason
    :raises QuoteNotInStateForThis: if it was released or ended already
    """
    require_role(by, quote.partner, *WRITING_ROLES, *RELEASING_ROLES)
    _end(quote, CoverQuote.Status.DECLINED, reason=reason, by=by, now=now)
    notify_many([cover_news.cover_quoted(quote)], now=now)
    return quote


@transaction.atomic
def refuse_quote(*, quote: CoverQuote, reason: str, by: User, now: datetime) -> CoverQuote:
    """Say that the bank does not take the quote.

    :raises InputRefused: without a reason
    :raises QuoteNotInStateForThis: if nothing is quoted
    """
    require_role(by, quote.bank, *BANK_MAKERS, *BANK_CHECKERS)
    _end(quote, CoverQuote.Status.REFUSED, reason=reason, by=by, now=now)
    notify_many([cover_news.cover_decided(quote)], now=now)
    return quote


@transaction.atomic
def withdraw_request(*, quote: CoverQuote, reason: str, by: User, now: datetime) -> CoverQuote:
    """Ask for the cover no more.

    :raises InputRefused: without a reason
    :raises QuoteNotInStateForThis: if it has ended already
    """
    require_role(by, quote.bank, *BANK_MAKERS)
    _end(quote, CoverQuote.Status.WITHDRAWN, reason=reason, by=by, now=now)
    notify_many([cover_news.cover_decided(quote)], now=now)
    return quote


@transaction.atomic
def accept_quote(*, quote: CoverQuote, by: User, now: datetime) -> Guarantee:
    """Take the quote as the bank's second person: the partner is bound, its cap used, and its letter awaited.

    :raises AnotherPersonMust: if the same person asked for the cover
    :raises QuoteNoLongerValid: if the quote's time is over
    :raises QuoteNotInStateForThis: if nothing is quoted
    :raises PartnershipNotInForce: if the partnership has ended in the meantime
    :raises CapExceeded: if the partner would carry more than its cap
    """
    require_role(by, quote.bank, *BANK_CHECKERS)
    require_another(by, quote.requested_by)
    today = timezone.localdate(now)
    if quote.valid_until and quote.valid_until < today:
        raise QuoteNoLongerValid(_("The quote was valid until %(day)s.") % {"day": quote.valid_until})
    _become(
        quote,
        CoverQuote.Status.ACCEPTED,
        answered_by=by,
        answered_at=now,
        act_by=None,
        waits_for=Actor.NOBODY,
    )
    partnership = quote.partnership
    amount = (quote.amount * quote.share_percent / 100).quantize(FEN, ROUND_HALF_UP)
    _take_cap(partnership, amount, today)
    guarantee = Guarantee.objects.create(
        number=new_number("DB", now),
        quote=quote,
        partnership=partnership,
        bank=partnership.bank,
        partner=partnership.partner,
        firm=quote.firm,
        payer=_payer(partnership),
        application=quote.application or (quote.line.application if quote.line else None),
        line=quote.line,
        credit_amount=quote.amount,
        share_percent=quote.share_percent,
        amount=amount,
        premium_bp=quote.premium_bp,
        premium=(amount * quote.premium_bp * quote.days / (10_000 * YEAR)).quantize(FEN, ROUND_HALF_UP),
        conditions=quote.conditions,
        promised_at=now,
    )
    OfflineAct.objects.expect(
        kind=OfflineAct.Kind.GUARANTEE_ISSUED, guarantee=guarantee, due_by=now + TIME_FOR_LETTER, at=now
    )
    notify_many([cover_news.cover_decided(quote)], now=now)
    content = {"quote": quote.number, "guarantee": guarantee.number, "firm": evidence.pseudonym(quote.firm)}
    evidence.append(kind="cover.accepted", content=content, at=now)
    return guarantee


def letter_confirmed(act: OfflineAct, by: User, at: datetime) -> Guarantee:
    """Take the guarantee as issued once the bank confirmed its letter; it is in force as soon as the line is open."""
    guarantee = act.guarantee
    if not Guarantee.objects.filter(pk=guarantee.pk).become(Guarantee.Status.ISSUED, issued_at=at):
        guarantee.refresh_from_db()
        message = _("This cannot be done any more: the guarantee is “%(status)s”.")
        raise QuoteNotInStateForThis(message % {"status": guarantee.get_status_display()})
    guarantee.refresh_from_db()
    notify_many(cover_news.guarantee_changed(guarantee), now=at)
    notify_many(bring_into_force(guarantee, now=at), now=at)
    return guarantee


@transaction.atomic
def release_guarantee(*, guarantee: Guarantee, reason: str, by: User, now: datetime) -> Guarantee:
    """Let the partner go: nothing is owed under the cover any more.

    :raises InputRefused: without a reason
    :raises LoansStillOpen: while a covered loan is not repaid
    :raises QuoteNotInStateForThis: if it has ended already, or a claim is running
    """
    require_role(by, guarantee.bank, *BANK_CHECKERS)
    reason = _reason(reason)
    if guarantee.line_id and guarantee.line.drawdowns.open().exists():
        raise LoansStillOpen(_("A loan under this line is not repaid yet."))
    told = let_go(guarantee, Guarantee.Status.RELEASED, reason=reason, now=now)
    if not told:
        guarantee.refresh_from_db()
        message = _("This cannot be done any more: the guarantee is “%(status)s”.")
        raise QuoteNotInStateForThis(message % {"status": guarantee.get_status_display()})
    notify_many(told, now=now)
    return guarantee


def _coverable(
    partnership: Partnership, application: Application | None, line: CreditLine | None
) -> tuple[Organisation, Decimal]:
    """Return whose credit it is and how much of it there is."""
    if application is not None:
        is_ours, is_open = application.bank_id == partnership.bank_id, application.status in ASKABLE
        firm, most = application.firm, application.amount
    else:
        is_ours = line.bank_id == partnership.bank_id and line.borrower_id is not None
        is_open, firm, most = line.status == CreditLine.Status.OPEN, line.borrower, line.limit
    if not (is_ours and is_open):
        raise CreditNotOpenToCover(_("A cover is asked for while an application is decided, or for an open line."))
    return firm, most


def _payer(partnership: Partnership) -> Organisation:
    return partnership.core_enterprise or partnership.bank


def _take_cap(partnership: Partnership, amount: Decimal, today: date) -> None:
    row = Partnership.objects.filter(pk=partnership.pk)
    # One UPDATE: two acceptances at once cannot both take the last of the cap.
    if not row.in_force(today).take(amount):
        partnership.refresh_from_db()
        if not row.in_force(today).exists():
            raise PartnershipNotInForce(_("This partnership is not in force."))
        message = _("The partner's cap leaves %(left)s; this cover takes %(amount)s.")
        raise CapExceeded(message % {"left": f"{partnership.available:,.2f}", "amount": f"{amount:,.2f}"})


def _release(quote: CoverQuote, *, by: User, now: datetime, is_signed_alone: bool) -> None:
    until = timezone.make_aware(datetime.combine(quote.valid_until + timedelta(days=1), datetime.min.time()))
    _become(
        quote,
        CoverQuote.Status.RELEASED,
        released_by=by,
        released_at=now,
        is_signed_alone=is_signed_alone,
        waits_for=Actor.CHECKER,
        act_by=until,
    )
    notify_many([cover_news.cover_quoted(quote)], now=now)


def _end(quote: CoverQuote, status: str, *, reason: str, by: User, now: datetime) -> None:
    changes = {"answered_by": by, "answered_at": now, "act_by": None, "waits_for": Actor.NOBODY}
    _become(quote, status, reason=_reason(reason), **changes)


def _become(quote: CoverQuote, status: str, **changes: object) -> None:
    if not CoverQuote.objects.filter(pk=quote.pk).become(status, **changes):
        quote.refresh_from_db(fields=["status"])
        message = _("This cannot be done any more: the quote is “%(status)s”.")
        raise QuoteNotInStateForThis(message % {"status": quote.get_status_display()})
    quote.refresh_from_db()


def _reason(reason: str) -> str:
    if not (reason := reason.strip()):
        raise InputRefused({"reason": [_("Say why: the other side reads it.")]})
    return reason[:LONGEST_TEXT]


def _request_values(said: Mapping[str, Any], most: Decimal) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    amount = money(said.get("amount"), "amount", errors)
    if amount is not None and amount > most:
        errors["amount"] = [_("The credit itself is only %(most)s.") % {"most": f"{most:,.2f}"}]
    days = str(said.get("days") or "").strip()
    if not days.isdigit() or not 1 <= int(days) <= 3660:
        errors["days"] = [_("Enter a number of days.")]
    note = str(said.get("note") or "").strip()
    if len(note) > LONGEST_TEXT:
        errors["note"] = [_("At most %(count)d characters.") % {"count": LONGEST_TEXT}]
    if errors:
        raise InputRefused(errors)
    return {"amount": amount, "days": int(days), "note": note}


def _quote_values(quote: CoverQuote, said: Mapping[str, Any], *, today: date) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    share = percent(said.get("share_percent"), "share_percent", errors)
    if share is not None and share > quote.partnership.share_percent:
        message = _("The partnership allows at most %(share)s %%.")
        errors["share_percent"] = [message % {"share": quote.partnership.share_percent}]
    premium = str(said.get("premium_bp", "")).strip()
    if not premium.isdigit() or int(premium) > MOST_PREMIUM_BP:
        errors["premium_bp"] = [_("Between 0 and %(most)d basis points.") % {"most": MOST_PREMIUM_BP}]
    valid_until = checked_day(said.get("valid_until") or "", "valid_until", errors)
    if valid_until and valid_until < today:
        errors["valid_until"] = [_("The end must lie in the future.")]
    conditions = str(said.get("conditions") or "").strip()
    if len(conditions) > 2 * LONGEST_TEXT:
        errors["conditions"] = [_("At most %(count)d characters.") % {"count": 2 * LONGEST_TEXT}]
    if errors:
        raise InputRefused(errors)
    return {"share_percent": share, "premium_bp": int(premium), "valid_until": valid_until, "conditions": conditions}
