"""What both sides of a negotiation are told, in both languages; each is told only what it may know of the other."""

from datetime import datetime

from django.urls import reverse

from marketplace.models import Announcement, Approval, Message, Negotiation, Offer, Organisation
from marketplace.models.disclosure import names_at
from marketplace.parsing.draft_fields import ZONE


def _titles(negotiation: Negotiation) -> tuple[str, str]:
    listing = negotiation.listing
    if listing is None:
        return "询价", "a request for quotation"
    return listing.title_zh or listing.title_en, listing.title_en or listing.title_zh


def _told(
    negotiation: Negotiation,
    to: Organisation,
    event: str,
    key: str,
    zh: str,
    en: str,
    *,
    body_zh: str = "",
    body_en: str = "",
    **data: object,
) -> Announcement:
    """Return what one side is told; ``{who}`` is the other side as this one knows it, ``{what}`` what it is about."""
    who_zh, who_en = names_at(negotiation.other(to), negotiation.stage)
    what_zh, what_en = _titles(negotiation)
    return Announcement(
        event=event,
        deduplication_key=f"{event}:{key}",
        organisation=to,
        title_zh=_filled(zh, who_zh, what_zh)[:300],
        title_en=_filled(en, who_en, what_en)[:300],
        body_zh=body_zh,
        body_en=body_en,
        url=reverse("marketplace:negotiation_detail", args=[negotiation.pk]),
        data={"negotiation": negotiation.pk, **data},
    )


def _filled(text: str, who: str, what: str) -> str:
    # Replaced and not formatted: a title may have braces.
    return text.replace("{who}", who).replace("{what}", what)


def negotiation_opened(negotiation: Negotiation) -> Announcement:
    to = negotiation.other(negotiation.opened_for)
    return _told(
        negotiation,
        to,
        "negotiation.opened",
        str(negotiation.pk),
        "{who}就“{what}”与您开始洽谈",
        "{who} opened a negotiation about “{what}”",
        status=negotiation.status,
    )


def negotiation_ended(negotiation: Negotiation, *, by: Organisation) -> Announcement:
    return _told(
        negotiation,
        negotiation.other(by),
        "negotiation.ended",
        str(negotiation.pk),
        "{who}结束了关于“{what}”的洽谈",
        "{who} ended the negotiation about “{what}”",
        status=negotiation.status,
    )


def _sums(offer: Offer) -> dict[str, str]:
    until = offer.valid_until.astimezone(ZONE)
    total = f"{offer.total_amount:,.2f} {offer.currency}"
    return {
        "body_zh": f"总价 {total}，{until:%Y-%m-%d %H:%M} 前有效。",
        "body_en": f"Total {total}, valid until {until:%Y-%m-%d %H:%M}.",
    }


def _about(offer: Offer) -> dict[str, object]:
    return {
        "offer": offer.pk,
        "number": offer.number,
        "status": offer.status,
        "total_amount": str(offer.total_amount),
        "currency": offer.currency,
        "valid_until": offer.valid_until.isoformat(),
    }


def offer_received(offer: Offer) -> Announcement:
    zh, en = ("报价", "an offer") if offer.number == 1 else ("新的报价", "a new offer")
    return _told(
        offer.negotiation,
        offer.answered_for,
        "offer.received",
        str(offer.pk),
        f"{{who}}就“{{what}}”向您发来{zh}",
        f"{{who}} made you {en} for “{{what}}”",
        **_sums(offer),
        **_about(offer),
    )


def offer_accepted(offer: Offer) -> Announcement:
    return _told(
        offer.negotiation,
        offer.made_for,
        "offer.accepted",
        str(offer.pk),
        "{who}接受了您对“{what}”的报价",
        "{who} accepted your offer for “{what}”",
        **_sums(offer),
        **_about(offer),
    )


def offer_declined(offer: Offer) -> Announcement:
    note = {"body_zh": offer.answer_note, "body_en": offer.answer_note}
    return _told(
        offer.negotiation,
        offer.made_for,
        "offer.declined",
        str(offer.pk),
        "{who}谢绝了您对“{what}”的报价",
        "{who} declined your offer for “{what}”",
        **note,
        **_about(offer),
    )


def offer_withdrawn(offer: Offer) -> Announcement:
    return _told(
        offer.negotiation,
        offer.answered_for,
        "offer.withdrawn",
        str(offer.pk),
        "{who}撤回了对“{what}”的报价",
        "{who} withdrew its offer for “{what}”",
        **_about(offer),
    )


def offer_lapsed(offer: Offer, *, was_sent: bool) -> list[Announcement]:
    """Tell both sides that an offer's time has passed; one that was never sent is its own side's business."""
    mine = _told(
        offer.negotiation,
        offer.made_for,
        "offer.lapsed",
        str(offer.pk),
        "您对“{what}”的报价已过有效期",
        "Your offer for “{what}” has lapsed",
        body_zh="所占数量已释放。",
        body_en="The quantity it held is free again.",
        **_about(offer),
    )
    theirs = _told(
        offer.negotiation,
        offer.answered_for,
        "offer.lapsed",
        str(offer.pk),
        "{who}对“{what}”的报价已过有效期",
        "The offer of {who} for “{what}” has lapsed",
        **_about(offer),
    )
    return [mine, theirs] if was_sent else [mine]


def message_received(message: Message) -> Announcement:
    negotiation = message.negotiation
    return _told(
        negotiation,
        negotiation.other(message.organisation),
        "message.received",
        str(message.pk),
        "{who}就“{what}”发来消息",
        "{who} wrote about “{what}”",
        body_zh=message.text,
        body_en=message.text,
        message=message.pk,
        clause=message.clause,
    )


def approval_requested(approval: Approval) -> Announcement:
    offer = approval.offer
    who = approval.requested_by.username.replace("{", "").replace("}", "")
    is_sending = approval.act == Approval.Act.SEND
    zh = "发出" if is_sending else "接受"
    en = "send an offer" if is_sending else "accept an offer"
    return _told(
        offer.negotiation,
        approval.organisation,
        "approval.requested",
        str(approval.pk),
        f"{who} 请您批准{zh}关于“{{what}}”的报价",
        f"{who} asks you to approve: {en} for “{{what}}”",
        **_sums(offer),
        approval=approval.pk,
        **_about(offer),
    )


def approval_decided(approval: Approval, *, now: datetime) -> Announcement:
    """Tell who asked, and only them."""
    what_zh, what_en = _titles(approval.offer.negotiation)
    is_approved = approval.status == Approval.Status.APPROVED
    zh, en = ("已批准", "was approved") if is_approved else ("未获批准", "was refused")
    return Announcement(
        event="approval.decided",
        deduplication_key=f"approval.decided:{approval.pk}:{now.isoformat()}",
        users=[approval.requested_by],
        title_zh=f"您关于“{what_zh}”的报价{zh}"[:300],
        title_en=f"Your offer for “{what_en}” {en}"[:300],
        body_zh=approval.note,
        body_en=approval.note,
        url=reverse("marketplace:negotiation_detail", args=[approval.offer.negotiation_id]),
        data={"approval": approval.pk, "offer": approval.offer_id, "status": approval.status},
    )
