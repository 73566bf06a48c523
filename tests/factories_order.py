"""Offers, orders and their lines, valid by default: 500 ball valves at 100 yuan, tax included, into a park-less yard."""

import datetime as dt
from decimal import Decimal

import factory

from marketplace.models import Listing, Negotiation, Offer, OfferLine, Order, OrderLine, Organisation
from tests.factories import NOON, ListingFactory, OrganisationFactory, UserFactory

D = Decimal
TERMS = {
    "window_start": dt.date(2026, 3, 10),
    "window_end": dt.date(2026, 3, 31),
    "address": "浙江省台州市路桥区工业大道 8 号",
    "payment_term": "net",
    "payment_days": 30,
}


class NegotiationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Negotiation

    buyer = factory.SubFactory(OrganisationFactory)
    seller = factory.SubFactory(OrganisationFactory)
    supply = factory.SubFactory(ListingFactory, organisation=factory.SelfAttribute("..seller"))
    demand = factory.SubFactory(
        ListingFactory, organisation=factory.SelfAttribute("..buyer"), side=Listing.Side.DEMAND, quantity=500
    )
    opened_for = factory.SelfAttribute("buyer")
    opened_by = factory.SubFactory(UserFactory)
    origin = Negotiation.Origin.MATCH
    created_at = NOON
    updated_at = NOON


class OfferFactory(factory.django.DjangoModelFactory):
    """An accepted offer without lines; ``accepted_offer`` gives it some."""

    class Meta:
        model = Offer

    negotiation = factory.SubFactory(NegotiationFactory)
    number = factory.Sequence(lambda n: n % 30000 + 1)
    side = Offer.Side.SELLER
    made_for = factory.SelfAttribute("negotiation.seller")
    made_by = factory.SubFactory(UserFactory)
    made_at = NOON
    net_amount = D("44247.79")
    tax_amount = D("5752.21")
    total_amount = D("50000.00")
    valid_until = NOON + dt.timedelta(days=7)
    status = Offer.Status.ACCEPTED
    answered_at = NOON
    window_start = TERMS["window_start"]
    window_end = TERMS["window_end"]
    address = TERMS["address"]


class OfferLineFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = OfferLine

    offer = factory.SubFactory(OfferFactory)
    position = 1
    description = "304 不锈钢法兰球阀 DN50 PN16"
    specification = factory.LazyFunction(
        lambda: {"attributes": {"DN": {"value": 50, "unit": "mm", "tolerance": 0.5}}, "text": ""}
    )
    quantity = D("500.000")
    unit = "piece"
    unit_price = D("100.0000")


class OrderFactory(factory.django.DjangoModelFactory):
    """A confirmed order without lines and without a deal file, for rows alone; ``order_of`` makes a whole one."""

    class Meta:
        model = Order

    number = factory.Sequence(lambda n: f"PO20260302-T{n:06d}")
    offer = factory.SubFactory(OfferFactory)
    buyer = factory.SelfAttribute("offer.negotiation.buyer")
    seller = factory.SelfAttribute("offer.negotiation.seller")
    supply = factory.SelfAttribute("offer.negotiation.supply")
    demand = factory.SelfAttribute("offer.negotiation.demand")
    net_amount = D("44247.79")
    tax_amount = D("5752.21")
    total_amount = D("50000.00")
    payable_amount = D("50000.00")
    confirmed_by = factory.SubFactory(UserFactory)
    confirmed_at = NOON
    updated_at = NOON
    window_start = TERMS["window_start"]
    window_end = TERMS["window_end"]
    address = TERMS["address"]


class OrderLineFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = OrderLine

    order = factory.SubFactory(OrderFactory)
    position = 1
    description = "304 不锈钢法兰球阀 DN50 PN16"
    quantity = D("500.000")
    outstanding = factory.SelfAttribute("quantity")
    unit = "piece"
    unit_price = D("100.0000")
    listing_factor = D(1)


def order_of(*, buyer: Organisation, seller: Organisation, quantity: str = "500", **changes) -> Order:
    """Return a confirmed order of one line, with what a negotiation leaves behind; ``changes`` are of the order."""
    negotiation = NegotiationFactory(buyer=buyer, seller=seller)
    total = D(quantity) * 100
    offer = OfferFactory(
        negotiation=negotiation,
        net_amount=total,
        tax_amount=0,
        total_amount=total,
        tax_rate=D(0),
        is_framework=changes.get("kind") == Order.Kind.FRAMEWORK,
    )
    OfferLineFactory(offer=offer, quantity=D(quantity))
    order = OrderFactory(
        offer=offer,
        **{
            "net_amount": total,
            "tax_amount": 0,
            "total_amount": total,
            "payable_amount": total,
            "tax_rate": D(0),
            **changes,
        },
    )
    OrderLineFactory(order=order, quantity=D(quantity))
    return order
