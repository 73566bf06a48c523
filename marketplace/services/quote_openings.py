from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import RequestForQuotation, RfqOpening, User
from marketplace.runs import rfq_news
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.quotes import share_files
from marketplace.services.rfqs import RfqNotInStatusForThis, locked


class DeadlineNotPast(RuleBroken):
    pass


class QuotesNotSealed(RuleBroken):
    pass


class AnotherHasToOpen(RuleBroken):
    """One person of two has opened already."""


@transaction.atomic
def open_quotes(*, rfq: RequestForQuotation, by: User, now: datetime) -> RequestForQuotation:
    """Open the sealed quotes after the deadline; where two do it together, the second one's word opens them.

    :raises QuotesNotSealed: if there is nothing to open, or it is open already
    :raises DeadlineNotPast: if quotes may still come in
    :raises AnotherHasToOpen: if ``by`` has said so before, and a second person is needed
    """
    rfq = locked(rfq)
    require_role(by, rfq.buyer, *RequestForQuotation.OPENING_ROLES)
    if rfq.shows_quotes:
        raise QuotesNotSealed(_("The quotes are open already."))
    if rfq.status == RequestForQuotation.Status.OPEN and rfq.closes_at > now:
        raise DeadlineNotPast(_("Sealed quotes are opened after the deadline."))
    # The deadline is past, and the clock that closes it was slower than its people.
    if RequestForQuotation.objects.to_close(now).filter(pk=rfq.pk).close(now=now):
        rfq.refresh_from_db()
    if rfq.status != RequestForQuotation.Status.CLOSED:
        raise RfqNotInStatusForThis(rfq)
    _opening, is_new = RfqOpening.objects.get_or_create(rfq=rfq, by=by, defaults={"at": now})
    if rfq.openings.count() < rfq.openers_needed:
        if not is_new:
            raise AnotherHasToOpen(_("You have agreed already: somebody else has to open them with you."))
        notify_many(rfq_news.to_open(rfq, by.get_full_name() or by.username), now=now)
        return rfq
    rfq.opened_at = rfq.updated_at = now
    rfq.save(update_fields=["opened_at", "updated_at"])
    for quote in rfq.quotes.standing().prefetch_related("attachments"):
        share_files(quote, [rfq.buyer])
    notify_many(rfq_news.opened(rfq), now=now)
    return rfq
