"""Two firms, a supply of 1,000 ball valves and a demand for 500, and what they say to one another."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from marketplace.models import Listing, Membership, Negotiation, Offer, Organisation, User
from marketplace.services import negotiations, offers
from tests.factories import NOON, ListingFactory, MembershipFactory, OrganisationFactory, UserFactory

TERMS = {
    "window_start": "2026-03-10",
    "window_end": "2026-03-31",
    "incoterm": "delivered",
    "address": "浙江省台州市路桥区工业大道 8 号",
    "region": "331000",
    "tax_rate": 13,
    "payment_term": "net",
    "payment_days": 30,
}
LINE = {"description": "304 不锈钢法兰球阀 DN50 PN16", "quantity": 500, "unit": "piece", "unit_price": "100"}


@dataclass
class Deal:
    """Who negotiates about what; ``offer`` and ``accept`` act at NOON unless another moment is given."""

    buyer: Organisation
    seller: Organisation
    purchaser: User
    salesman: User
    supply: Listing
    demand: Listing
    negotiation: Negotiation

    def offer(self, side: str = "seller", *, now: dt.datetime = NOON, days: int = 7, by: User | None = None, **said):
        """Make an offer of LINE and TERMS; ``quantity``, ``unit`` and ``unit_price`` change the line, the rest the terms."""
        line = LINE | {name: said.pop(name) for name in ("quantity", "unit", "unit_price") if name in said}
        return offers.make_offer(
            negotiation=self.negotiation,
            by=by or (self.salesman if side == "seller" else self.purchaser),
            organisation=self.seller if side == "seller" else self.buyer,
            lines=said.pop("lines", [line]),
            valid_until=said.pop("valid_until", now + dt.timedelta(days=days)),
            attachments=said.pop("attachments", ()),
            is_framework=said.pop("is_framework", False),
            terms=TERMS | said,
            now=now,
        )

    def accept(self, offer: Offer, *, by: User | None = None, now: dt.datetime = NOON):
        answering = self.purchaser if offer.side == "seller" else self.salesman
        return offers.accept_offer(offer=offer, by=by or answering, now=now)

    def held(self) -> tuple[Decimal, Decimal]:
        """Return what is held of the supply and of the demand."""
        return tuple(Listing.objects.get(pk=one.pk).held for one in (self.supply, self.demand))

    def left(self) -> tuple[Decimal, Decimal]:
        return tuple(Listing.objects.get(pk=one.pk).quantity for one in (self.supply, self.demand))


def deal(*, supply: Listing | None = None, demand: Listing | None = None, origin: str = "match", **facts) -> Deal:
    """Open a negotiation between two firms with a trader each; ``supply`` or ``demand`` may be there already."""
    seller = supply.organisation if supply else OrganisationFactory()
    buyer = demand.organisation if demand else OrganisationFactory(region="331002")
    supply = supply or ListingFactory(organisation=seller, lead_days=7, price_min=98, price_max=104, price_unit="piece")
    demand = demand or ListingFactory(
        organisation=buyer, side="demand", quantity=500, region="331002", window_end=dt.date(2026, 4, 1)
    )
    purchaser = trader_of(buyer)
    salesman = trader_of(seller)
    negotiation = negotiations.open_negotiation(
        by=purchaser,
        organisation=buyer,
        supply=facts.pop("about_supply", supply),
        demand=facts.pop("about_demand", demand),
        origin=origin,
        now=NOON,
        **facts,
    )
    return Deal(buyer, seller, purchaser, salesman, supply, demand, negotiation)


def trader_of(organisation: Organisation, role: str = Membership.Role.TRADER, limit: int | None = None) -> User:
    user = UserFactory()
    MembershipFactory(organisation=organisation, user=user, role=role, approval_limit=limit)
    return user
