from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from marketplace.models import Approval, Listing, Notification, Offer
from marketplace.runs.negotiation_news import offer_lapsed

CHUNK = 500


@transaction.atomic
def lapse_offers(*, now: datetime) -> int:
    """Close offers whose validity has passed, set free what they hold, and tell both sides; return how many."""
    # What others are answering just now is left to them; the clock rings again in a minute.
    rows = Offer.objects.lapsing(now).order_by("valid_until", "pk").select_for_update(of=("self",), skip_locked=True)
    lapsed = list(rows.select_related(*WITH_NAMES)[:CHUNK])
    if not lapsed:
        return 0
    _release(lapsed, now=now)
    Offer.objects.filter(pk__in=[offer.pk for offer in lapsed]).answer(Offer.Status.LAPSED, now=now)
    Approval.objects.filter(offer__in=lapsed).decide(Approval.Status.OVERTAKEN, now=now)
    announcements = []
    for offer in lapsed:
        was_sent, offer.status = offer.is_open, Offer.Status.LAPSED
        announcements += offer_lapsed(offer, was_sent=was_sent)
    Notification.objects.announce(announcements, now=now)
    return len(lapsed)


WITH_NAMES = (
    "made_for__disclosure",
    "negotiation__buyer__disclosure",
    "negotiation__seller__disclosure",
    "negotiation__supply",
    "negotiation__demand",
)


def _release(offers: list[Offer], *, now: datetime) -> None:
    """Set free what open offers hold, listing by listing in the order of their ids, as everybody changes them."""
    listings = {
        offer.pk: offer.negotiation.supply_id if offer.side == Offer.Side.SELLER else offer.negotiation.demand_id
        for offer in offers
        if offer.is_open
    }
    held: dict[int, object] = {}
    sums = Offer.objects.filter(pk__in=listings).values_list("pk").annotate(Sum("lines__held"))
    for pk, amount in sums:
        if listings[pk] and amount:
            held[listings[pk]] = held.get(listings[pk], 0) + amount
    for listing in sorted(held):
        Listing.objects.filter(pk=listing).release(held[listing])
