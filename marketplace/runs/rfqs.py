from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from marketplace.models import (
    Announcement,
    Award,
    Notification,
    Offer,
    Quote,
    RequestForQuotation,
    RfqLine,
)
from marketplace.runs import rfq_news


def close_due(*, now: datetime) -> int:
    """Take no more quotes where the deadline is past, and tell the buyers; return how many were closed."""
    count = 0
    for pk in list(RequestForQuotation.objects.to_close(now).order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            if not RequestForQuotation.objects.to_close(now).filter(pk=pk).close(now=now):
                continue
            rfq = RequestForQuotation.objects.with_names().get(pk=pk)
            Notification.objects.announce(rfq_news.closed(rfq, rfq.quotes.standing().count()), now=now)
            count += 1
    return count


def settle_due(*, now: datetime) -> int:
    """Bring awards to their end where an approver decided, or an offer fell through meanwhile; return how many."""
    pks = list(RequestForQuotation.objects.to_settle().order_by("pk").values_list("pk", flat=True))
    for pk in pks:
        with transaction.atomic():
            Notification.objects.announce(settle(pk, now=now), now=now)
    return len(pks)


def settle(pk: int, *, now: datetime) -> list[Announcement]:
    """Free what fell through and, once nothing waits for an approver, tell who got nothing; return what is to be told.

    May be called as often as one likes.
    """
    rows = RequestForQuotation.objects.select_for_update(of=("self",), no_key=True).with_names()
    rfq = rows.get(pk=pk)
    awards = rfq.awards.with_details()
    news = [fact for award in awards.fallen() for fact in _free(award, rfq, now=now)]
    for award in awards.live().filter(offer__status=Offer.Status.ACCEPTED):
        award.rfq = rfq
        news += rfq_news.awarded(award)
    if rfq.status != RequestForQuotation.Status.AWARDED or rfq.settled_at or awards.waiting().exists():
        return news
    if not awards.live().exists():
        # Nothing came of any award: the buyer chooses anew.
        rfq.status = RequestForQuotation.Status.CLOSED
        rfq.save(update_fields=["status"])
        return news
    news += _reject(rfq, now=now)
    rfq.settled_at = rfq.updated_at = now
    rfq.save(update_fields=["settled_at", "updated_at"])
    return news


def _free(award: Award, rfq: RequestForQuotation, *, now: datetime) -> Iterable[Announcement]:
    if not Award.objects.live().filter(pk=award.pk).update(voided_at=now):
        return []
    for line in award.lines.all():
        RfqLine.objects.filter(pk=line.line_id).update(awarded=F("awarded") - line.quantity)
    if not Award.objects.live().filter(quote=award.quote_id).exists():
        chosen = Quote.objects.filter(pk=award.quote_id, status=Quote.Status.AWARDED)
        chosen.update(status=Quote.Status.SUBMITTED, ended_at=None, updated_at=now)
    award.rfq = rfq
    return rfq_news.fallen(award)


def _reject(rfq: RequestForQuotation, *, now: datetime) -> list[Announcement]:
    others = list(rfq.quotes.filter(status=Quote.Status.SUBMITTED).select_related("supplier").order_by("pk"))
    Quote.objects.filter(pk__in=[quote.pk for quote in others]).update(
        status=Quote.Status.REJECTED, ended_at=now, updated_at=now, answer_note=rfq.closing_note
    )
    news = []
    for quote in others:
        quote.rfq, quote.answer_note = rfq, rfq.closing_note
        news += rfq_news.rejected(quote)
    return news
