from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import (
    Listing,
    Offer,
    Order,
)
from marketplace.services import (
    holds,
    listings,
    negotiation_rules,
    offers,
)
from tests.factories import ListingFactory
from tests.factories_negotiation import deal
from tests.races import race

pytestmark = pytest.mark.django_db


def test_edit_listing_leaves_what_open_offers_hold(now):
    case = deal()
    case.offer(quantity=400)

    for changes, field in [
        ({"quantity": 399}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"unit": "set"}, "unit"),
    ]:
        with pytest.raises(InputRefused) as refusal:
            listings.edit_listing(listing=case.supply, by=case.salesman, changes=changes, now=now)
        assert list(refusal.value.errors) == [field]

    listings.edit_listing(listing=case.supply, by=case.salesman, changes={"quantity": 400}, now=now)
    assert case.left()[0] == 400


def test_give_back_opens_again_what_was_sold_out(now):
    case = deal()
    case.accept(case.offer())

    given = holds.give_back(listing=case.demand, quantity=Decimal(2), unit="dozen", now=now)

    case.demand.refresh_from_db()
    assert (given, case.demand.quantity, case.demand.status) == (24, 24, "open")
    assert holds.give_back(listing=case.demand, quantity=Decimal(1), unit="kg", now=now) == 0


def test_hold_take_and_release_keep_to_what_there_is(now):
    listing = ListingFactory(quantity=100)

    assert holds.hold(listing=listing, quantity=Decimal(5), unit="dozen", now=now) == 60
    with pytest.raises(holds.QuantityNoLongerAvailable) as refusal:
        holds.take(listing=listing, quantity=Decimal(41), unit="piece", now=now)
    assert refusal.value.left == 40
    with pytest.raises(holds.UnitNotConvertible):
        holds.hold(listing=listing, quantity=Decimal(1), unit="kg", now=now)
    holds.take(listing=listing, quantity=Decimal(60), unit="piece", held=Decimal(60), now=now)
    holds.hold(listing=listing, quantity=Decimal(10), unit="piece", now=now)
    holds.release(listing=listing, held=Decimal(10), now=now)
    listing.refresh_from_db()
    assert (listing.quantity, listing.held) == (40, 0)


@pytest.mark.django_db(transaction=True)
def test_accepts_at_once_never_sell_more_than_there_is(now):
    supply = ListingFactory(quantity=100)
    cases = [deal(supply=supply, demand=ListingFactory(side="demand", quantity=None, unit="")) for _ in range(8)]
    made = [case.offer("buyer", quantity=20) for case in cases]

    outcomes = race(
        *(lambda case=case, offer=offer: case.accept(offer) for case, offer in zip(cases, made, strict=True))
    )

    refused = [one for one in outcomes if isinstance(one, holds.QuantityNoLongerAvailable)]
    assert (len(refused), Order.objects.count()) == (3, 5)
    supply.refresh_from_db()
    assert (supply.quantity, supply.held, supply.status) == (0, 0, "closed")


@pytest.mark.django_db(transaction=True)
def test_accept_withdraw_and_counter_at_once_have_one_winner(now):
    case = deal()
    offer = case.offer()

    outcomes = race(
        lambda: case.accept(offer),
        lambda: case.accept(offer),
        lambda: offers.withdraw_offer(offer=offer, by=case.salesman, now=now),
        lambda: offers.decline_offer(offer=offer, by=case.purchaser, now=now),
        lambda: case.offer("buyer", quantity=100),
    )

    orders = [one for one in outcomes if isinstance(one, Order)]
    offer.refresh_from_db()
    assert len(orders) == Order.objects.count() == (offer.status == "accepted")
    assert all(
        isinstance(one, Order | Offer | offers.OfferNoLongerOpen | negotiation_rules.NegotiationNoLongerOpen)
        for one in outcomes
    )
    held = sum(row.held for one in Offer.objects.filter(status="open", side="seller") for row in one.lines.all())
    assert case.held()[0] == held


@pytest.mark.django_db(transaction=True)
def test_accepts_that_share_two_listings_do_not_lock_each_other_out(now):
    supply, demand = ListingFactory(quantity=1000), ListingFactory(side="demand", quantity=1000)
    cases = [deal(supply=supply, demand=demand, origin="quotation") for _ in range(4)]
    made = [case.offer("buyer" if place % 2 else "seller", quantity=100) for place, case in enumerate(cases)]

    outcomes = race(
        *(lambda case=case, offer=offer: case.accept(offer) for case, offer in zip(cases, made, strict=True))
    )

    assert [type(one) for one in outcomes] == [Order] * 4
    assert (Listing.objects.get(pk=supply.pk).quantity, Listing.objects.get(pk=demand.pk).quantity) == (600, 600)
