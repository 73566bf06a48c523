"""A pool whose members have lines, and a supplier that answers it."""

import datetime as dt

from marketplace.models import Offer, PurchasePool, User
from marketplace.services import offers, pool_offers, pools
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_pool import PoolCommitmentFactory, PurchasePoolFactory


def pool_of(quantities, *, members, now) -> tuple[PurchasePool, User, list]:
    """Return an open pool of these quantities, its organiser's owner and its commitments; the first are the members'."""
    organiser = UserFactory()
    firm, window = OrganisationFactory(members=[organiser]), _window(now)
    pool = PurchasePoolFactory(
        organiser=firm, region="331000", minimum_quantity=1, window_start=window[0], window_end=window[1]
    )
    rest = [OrganisationFactory() for _ in quantities[len(members) :]]
    firms = [*members, *rest]
    rows = [
        PoolCommitmentFactory(pool=pool, quantity=quantity, organisation=firm)
        for quantity, firm in zip(quantities, firms, strict=True)
    ]
    return pool, organiser, rows


def supplier_offers(pool: PurchasePool, organiser: User, *, quantity: int = 300, price: int = 90, now) -> Offer:
    """Close the pool, ask a supplier, and return its offer."""
    seller = UserFactory()
    supply = ListingFactory(organisation=OrganisationFactory(members=[seller]), quantity=1000, price_min=90)
    pool, window = pools.close_pool(pool=pool, by=organiser, now=now), _window(now)
    [row] = pool_offers.ask_suppliers(pool=pool, supplies=[supply], by=organiser, now=now)
    goods = {"description": "球阀", "quantity": quantity, "unit": "piece", "unit_price": price}
    return offers.make_offer(
        negotiation=row.negotiation,
        by=seller,
        organisation=row.negotiation.seller,
        terms={"region": "331000", "window_start": window[0].isoformat(), "window_end": window[1].isoformat()},
        lines=[goods],
        valid_until=now + dt.timedelta(days=3),
        now=now,
    )


def _window(now: dt.datetime) -> tuple[dt.date, dt.date]:
    return (now + dt.timedelta(days=30)).date(), (now + dt.timedelta(days=60)).date()
