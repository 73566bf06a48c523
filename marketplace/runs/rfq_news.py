"""What is told about requests for quotation, in both languages."""

from django.urls import reverse
from django.utils import timezone

from marketplace.models import Announcement, Award, Negotiation, Organisation, Quote, RequestForQuotation, RfqQuestion
from marketplace.models.disclosure import names_at


def _asked(organisation: Organisation) -> tuple[str, str]:
    """Return what a firm is called to whom it was asked by, or asks: as much as an open negotiation tells."""
    return names_at(organisation, Negotiation.Stage.OPENED)


def _quoted(organisation: Organisation) -> tuple[str, str]:
    """Return what a supplier is called to the buyer who may read its quote."""
    return names_at(organisation, Negotiation.Stage.ANSWERED)


def _fact(
    rfq: RequestForQuotation,
    event: str,
    to: Organisation,
    key: str,
    titles: tuple[str, str],
    bodies: tuple[str, str] = ("", ""),
    **data: object,
) -> Announcement:
    deadline = f"{timezone.localtime(rfq.closes_at):%Y-%m-%d %H:%M}"
    return Announcement(
        event=event,
        deduplication_key=f"{event}:{rfq.pk}:{key}",
        organisation=to,
        title_zh=f"{titles[0]}：{rfq.title}",
        title_en=f"{titles[1]}: {rfq.title}",
        body_zh=bodies[0] or f"{rfq.number}，截止时间 {deadline}",
        body_en=bodies[1] or f"{rfq.number}, deadline {deadline}",
        url=reverse("marketplace:rfq_detail", args=[rfq.pk]),
        data={"rfq": rfq.pk, "number": rfq.number, "revision": rfq.revision, "status": rfq.status, **data},
    )


def received(rfq: RequestForQuotation, suppliers: list[Organisation]) -> list[Announcement]:
    name_zh, name_en = _asked(rfq.buyer)
    titles = f"{name_zh}邀请贵方报价", f"{name_en} asks you for a quote"
    return [_fact(rfq, "rfq.received", supplier, str(supplier.pk), titles) for supplier in suppliers]


def changed(rfq: RequestForQuotation, suppliers: list[Organisation], *, key: str, note: str) -> list[Announcement]:
    titles = "询价单已变更，请确认或修改报价", "The request was changed: confirm or revise your quote"
    bodies = (f"{rfq.number}：{note}", f"{rfq.number}: {note}") if note else ("", "")
    return [_fact(rfq, "rfq.changed", supplier, f"{key}:{supplier.pk}", titles, bodies) for supplier in suppliers]


def extended(rfq: RequestForQuotation, suppliers: list[Organisation]) -> list[Announcement]:
    titles = "报价截止时间已延长", "The deadline for quotes was extended"
    key = rfq.closes_at.isoformat()
    return [_fact(rfq, "rfq.changed", supplier, f"{key}:{supplier.pk}", titles) for supplier in suppliers]


def closed(rfq: RequestForQuotation, quote_count: int) -> list[Announcement]:
    titles = f"询价已截止，收到 {quote_count} 份报价", f"Closed with quotes: {quote_count}"
    key = rfq.closed_at.isoformat() if rfq.closed_at else ""
    return [_fact(rfq, "rfq.closed", rfq.buyer, key, titles, quotes=quote_count)]


def to_open(rfq: RequestForQuotation, by_name: str) -> list[Announcement]:
    titles = f"{by_name} 已同意开标，还需一人", f"{by_name} agreed to open the quotes: one more has to"
    return [_fact(rfq, "rfq.opened", rfq.buyer, "one", titles)]


def opened(rfq: RequestForQuotation) -> list[Announcement]:
    return [_fact(rfq, "rfq.opened", rfq.buyer, "all", ("密封报价已开标", "The sealed quotes are open"))]


def cancelled(rfq: RequestForQuotation, suppliers: list[Organisation]) -> list[Announcement]:
    titles = "询价已取消", "The request for quotation was cancelled"
    bodies = rfq.cancel_reason, rfq.cancel_reason
    return [_fact(rfq, "rfq.cancelled", supplier, str(supplier.pk), titles, bodies) for supplier in suppliers]


def declined(rfq: RequestForQuotation, supplier: Organisation, reason: str) -> list[Announcement]:
    name_zh, name_en = _asked(supplier)
    titles = f"{name_zh}不参与报价", f"{name_en} will not quote"
    return [_fact(rfq, "rfq.declined", rfq.buyer, str(supplier.pk), titles, (reason, reason))]


def asked(question: RfqQuestion) -> list[Announcement]:
    rfq = question.rfq
    titles = "供应商就询价提问", "A supplier asks about your request"
    bodies = question.text, question.text
    return [_fact(rfq, "question.asked", rfq.buyer, str(question.pk), titles, bodies, question=question.pk)]


def answered(question: RfqQuestion, suppliers: list[Organisation]) -> list[Announcement]:
    rfq = question.rfq
    titles = "询价问题已答复", "A question about the request was answered"
    body = f"{question.text}\n\n{question.answer}"
    return [
        _fact(
            rfq, "question.answered", to, f"{question.pk}:{to.pk}", titles, (body, body), question=question.pk
        )
        for to in suppliers
    ]  # fmt: skip


def quote_received(quote: Quote, count: int) -> list[Announcement]:
    """Tell the buyer of a quote; of a sealed one only that there is one more."""
    rfq = quote.rfq
    if rfq.shows_quotes:
        name_zh, name_en = _quoted(quote.supplier)
        titles = f"{name_zh}已报价", f"{name_en} has quoted"
        key = f"{quote.supplier_id}:{quote.version}"
        return [_fact(rfq, "quote.received", rfq.buyer, key, titles, quote=quote.pk, quotes=count)]
    if quote.version > 1:
        # That somebody revised what nobody may see is nobody's news.
        return []
    titles = f"收到一份密封报价，共 {count} 份", f"A sealed quote came in, {count} so far"
    return [_fact(rfq, "quote.received", rfq.buyer, str(quote.supplier_id), titles, quotes=count)]


def quote_withdrawn(quote: Quote) -> list[Announcement]:
    rfq = quote.rfq
    if not rfq.shows_quotes:
        return []
    name_zh, name_en = _quoted(quote.supplier)
    titles = f"{name_zh}撤回了报价", f"{name_en} withdrew its quote"
    return [_fact(rfq, "quote.withdrawn", rfq.buyer, str(quote.pk), titles, quote=quote.pk)]


def awarded(award: Award) -> list[Announcement]:
    rfq, quote = award.rfq, award.quote
    titles = "贵方报价已中标", "Your quote was awarded"
    key = str(award.pk)
    return [_fact(rfq, "quote.awarded", quote.supplier, key, titles, quote=quote.pk, award=award.pk)]


def rejected(quote: Quote) -> list[Announcement]:
    """Tell a supplier politely, with what the buyer chose to share."""
    rfq = quote.rfq
    titles = "感谢贵方报价，本次未能选用", "Thank you for your quote: this time others were chosen"
    bodies = (
        f"{rfq.number}：{quote.answer_note}" if quote.answer_note else "",
        f"{rfq.number}: {quote.answer_note}" if quote.answer_note else "",
    )
    return [_fact(rfq, "quote.rejected", quote.supplier, str(quote.pk), titles, bodies, quote=quote.pk)]


def fallen(award: Award) -> list[Announcement]:
    name_zh, name_en = _quoted(award.quote.supplier)
    titles = f"授予{name_zh}的订单未成立，可重新授予", f"The award to {name_en} came to nothing: award it anew"
    return [_fact(award.rfq, "award.fallen", award.rfq.buyer, str(award.pk), titles, award=award.pk)]
