"""What is told about partnerships, quotes, guarantees and claims, in both languages."""

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from finance.models import Claim, CoverQuote, Guarantee, Partnership
from marketplace.models import Announcement, Organisation

CHANGES = {
    "issued": ("担保函/保单已出具", "The letter was issued"),
    "active": ("担保已生效", "The guarantee is in force"),
    "released": ("担保已解除", "The guarantee was released"),
    "ended": ("担保已终止", "The guarantee has ended"),
}
NOUNS = {Partnership: "partnership", CoverQuote: "quote", Guarantee: "guarantee", Claim: "claim"}


def names(organisation: Organisation) -> tuple[str, str]:
    return organisation.name_zh or organisation.name_en, organisation.name_en or organisation.name_zh


def _fact(
    about: Partnership | CoverQuote | Guarantee | Claim,
    event: str,
    to: Organisation,
    key: object,
    titles: tuple[str, str],
    note: str = "",
) -> Announcement:
    noun = NOUNS[type(about)]
    return Announcement(
        event=event,
        deduplication_key=f"{event}:{noun}:{about.pk}:{to.pk}:{key}",
        organisation=to,
        title_zh=f"{titles[0]}（{about.number}）",
        title_en=f"{titles[1]} ({about.number})",
        body_zh=note,
        body_en=note,
        url=reverse(f"finance:{noun}_detail", args=[about.pk]),
        data={noun: about.pk, "number": about.number, "status": about.status},
    )


def partnership_offered(partnership: Partnership) -> Announcement:
    zh, en = names(partnership.bank)
    titles = f"{zh}提出风险分担合作协议，待签署", f"{en} offers a partnership: it waits for your signature"
    return _fact(partnership, "partnership.offered", partnership.partner, "offered", titles)


def partnership_answered(partnership: Partnership, to: Organisation) -> Announcement:
    words = []
    for language in ("zh-hans", "en"):
        with override(language):
            words.append(str(partnership.get_status_display()))
    titles = f"合作协议：{words[0]}", f"Partnership: {words[1]}"
    return _fact(partnership, "partnership.answered", to, partnership.status, titles, partnership.end_reason)


def cover_requested(quote: CoverQuote) -> Announcement:
    (bank_zh, bank_en), (firm_zh, firm_en) = names(quote.bank), names(quote.firm)
    titles = f"{bank_zh}就“{firm_zh}”的授信询保", f"{bank_en} asks for a cover of credit to “{firm_en}”"
    return _fact(quote, "cover.requested", quote.partner, "requested", titles, quote.note)


def cover_quoted(quote: CoverQuote) -> Announcement:
    zh, en = names(quote.partner)
    is_declined = quote.status == CoverQuote.Status.DECLINED
    verb_zh, verb_en = ("不予承保", "declines to cover") if is_declined else ("已报价", "quoted")
    titles = f"{zh}{verb_zh}", f"{en} {verb_en}"
    return _fact(quote, "cover.quoted", quote.bank, quote.status, titles, quote.reason or quote.conditions)


def cover_decided(quote: CoverQuote) -> Announcement:
    zh, en = names(quote.bank)
    words = {
        CoverQuote.Status.ACCEPTED: ("接受了报价", "accepted the quote"),
        CoverQuote.Status.REFUSED: ("未接受报价", "refused the quote"),
        CoverQuote.Status.WITHDRAWN: ("撤回了询保", "withdrew its request"),
    }
    verb_zh, verb_en = words[quote.status]
    return _fact(
        quote, "cover.decided", quote.partner, quote.status, (f"{zh}{verb_zh}", f"{en} {verb_en}"), quote.reason
    )


def guarantee_changed(guarantee: Guarantee) -> list[Announcement]:
    """Tell both sides of a new status of the guarantee."""
    titles = CHANGES[guarantee.status]
    return [
        _fact(guarantee, "cover.changed", to, guarantee.status, titles, guarantee.end_reason)
        for to in (guarantee.bank, guarantee.partner)
    ]


def claim_filed(claim: Claim) -> Announcement:
    zh, en = names(claim.guarantee.bank)
    amount = f"{claim.currency} {claim.amount:,.2f}"
    titles = f"{zh}提出代偿（理赔）{amount}", f"{en} filed a claim of {amount}"
    return _fact(claim, "claim.filed", claim.guarantee.partner, "filed", titles)


def claim_asked(claim: Claim, to: Organisation, key: object, note: str) -> Announcement:
    """Tell the bank what documents are asked for, or the partner that the bank answered."""
    is_to_bank = to.pk == claim.guarantee.bank_id
    titles = ("请补充代偿材料", "Documents are asked for") if is_to_bank else ("材料已补充", "The bank answered")
    return _fact(claim, "claim.asked", to, key, titles, note)


def claim_decided(claim: Claim) -> Announcement:
    zh, en = names(claim.guarantee.partner)
    is_accepted = claim.status == Claim.Status.ACCEPTED
    verb_zh, verb_en = ("同意代偿", "accepted the claim") if is_accepted else ("拒绝代偿", "refused the claim")
    return _fact(
        claim, "claim.decided", claim.guarantee.bank, claim.status, (f"{zh}{verb_zh}", f"{en} {verb_en}"), claim.answer
    )


def claim_withdrawn(claim: Claim, note: str) -> Announcement:
    zh, en = names(claim.guarantee.bank)
    titles = f"{zh}撤回了代偿申请", f"{en} withdrew its claim"
    return _fact(claim, "claim.decided", claim.guarantee.partner, "withdrawn", titles, note)


def claim_paid(claim: Claim, to: Organisation, key: object, titles: tuple[str, str]) -> Announcement:
    return _fact(claim, "claim.paid", to, key, titles)


def claim_late(claim: Claim, to: Organisation) -> Announcement:
    """Tell who should have acted, once per term."""
    until = timezone.localtime(claim.act_by)
    titles = "代偿处理已超时", "A claim should have been dealt with by now"
    return _fact(claim, "claim.late", to, f"{until:%Y-%m-%dT%H:%M}", titles)
