import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from config.errors import InputRefused
from marketplace.models import (
    Approval,
    DealRecord,
    Listing,
    Negotiation,
    Notification,
    Offer,
    OfferLine,
    Order,
    Organisation,
)
from marketplace.runs.offers import lapse_offers
from marketplace.services import negotiation_rules, offers
from marketplace.services.holds import QuantityNoLongerAvailable
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import ListingFactory, OrganisationFactory
from tests.factories_negotiation import LINE, TERMS, deal, trader_of

pytestmark = pytest.mark.django_db
Status = Offer.Status


def told(organisation, event: str) -> list[str]:
    rows = Notification.objects.filter(event=event, organisation=organisation, channel="in_app")
    return list(rows.values_list("title_en", flat=True))


def test_make_offer_keeps_a_full_set_of_terms_and_tells_the_other_side(now):
    case = deal()

    offer = case.offer(unit_price="113", tax_rate=13, region="台州", currency="元")

    assert (offer.number, offer.side, offer.status) == (1, "seller", Status.OPEN)
    assert (offer.net_amount, offer.tax_amount, offer.total_amount) == (50000, 6500, 56500)
    assert (offer.currency, offer.region, offer.window_end) == ("CNY", "331000", dt.date(2026, 3, 31))
    line = offer.lines.get()
    assert (line.position, line.quantity, line.unit, line.unit_price) == (1, 500, "piece", 113)
    assert told(case.buyer, "offer.received") == [
        f"{case.seller.name_en} made you an offer for “{case.demand.title_en}”"
    ]


def test_make_offer_adds_the_tax_where_prices_are_without(now):
    offer = deal().offer(unit_price="99.99", price_includes_tax=False, quantity="3")

    assert (offer.net_amount, offer.tax_amount, offer.total_amount) == (
        Decimal("299.97"),
        Decimal("39.00"),
        Decimal("338.97"),
    )


def test_make_offer_holds_its_own_sides_quantity_until_it_is_countered(now):
    case = deal()

    first = case.offer("buyer", quantity=400)
    assert case.held() == (0, 400)
    case.offer("seller", quantity=300)

    first.refresh_from_db()
    assert (first.status, case.held()) == (Status.COUNTERED, (300, 0))
    case.negotiation.refresh_from_db()
    assert case.negotiation.stage == Negotiation.Stage.ANSWERED


def test_make_offer_replaces_ones_own_offer_within_the_same_quantity(now):
    case = deal()
    case.offer(quantity=500)

    case.offer(quantity=450)

    assert case.held() == (450, 0)
    assert list(case.negotiation.offers.order_by("number").values_list("status", flat=True)) == ["countered", "open"]


def test_make_offer_counts_in_the_listings_unit(now):
    case = deal()

    offer = case.offer(quantity=10, unit="dozen", unit_price=1200)

    assert (offer.lines.get().held, case.held()) == (120, (120, 0))


def test_make_offer_of_a_charge_holds_nothing(now):
    case = deal()
    freight = {"kind": "charge", "description": "运费", "unit_price": 800}

    offer = case.offer(lines=[LINE, freight])

    assert offer.total_amount == 50800
    assert [(line.held, line.unit, line.quantity) for line in offer.lines.order_by("position")] == [
        (500, "piece", 500),
        (0, "job", 1),
    ]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"quantity": 501}, "lines.0.quantity"),
        ({"quantity": 0}, "lines.0.quantity"),
        ({"quantity": "0.0001"}, "lines.0.quantity"),
        ({"quantity": "many"}, "lines.0.quantity"),
        ({"unit": "kg"}, "lines.0.unit"),
        ({"unit": "furlong"}, "lines.0.unit"),
        ({"unit_price": -1}, "lines.0.unit_price"),
        ({"window_start": "2026-03-01"}, "window_start"),
        ({"window_start": "2026-02-30"}, "window_start"),
        ({"window_end": "2026-03-09"}, "window_end"),
        ({"window_end": "2126-03-09"}, "window_end"),
        ({"window_end": None}, "window_end"),
        ({"park": 4711}, "park"),
        ({"incoterm": "park_handover"}, "park"),
        ({"incoterm": "teleport"}, "incoterm"),
        ({"address": "", "region": ""}, "address"),
        ({"region": "Atlantis"}, "region"),
        ({"currency": "XXX"}, "currency"),
        ({"tax_rate": 101}, "tax_rate"),
        ({"payment_days": 400}, "payment_days"),
        ({"payment_term": "deposit"}, "deposit_percent"),
        ({"colour": "red"}, "colour"),
        ({"valid_until": "2026-03-01"}, "valid_until"),
        ({"valid_until": "2027-03-01"}, "valid_until"),
        ({"valid_until": ""}, "valid_until"),
        ({"lines": []}, "lines"),
        ({"lines": [{"kind": "charge", "description": "运费", "unit_price": 1}]}, "lines"),
        ({"lines": [LINE | {"description": ""}]}, "lines.0.description"),
        ({"lines": [LINE | {"specification": {"attributes": {"DN": {"tolerance": -1}}}}]}, "lines.0.specification"),
        ({"lines": [LINE | {"quantity": 300}, LINE | {"quantity": 201}]}, "lines.1.quantity"),
    ],
)
def test_make_offer_names_the_field_it_refuses_and_writes_nothing(said, field):
    case = deal()

    with pytest.raises(InputRefused) as refusal:
        case.offer(**said)

    assert list(refusal.value.errors) == [field]
    assert (Offer.objects.count(), case.held()) == (0, (0, 0))


def test_make_offer_refuses_more_than_ones_own_listing_has_free(now):
    supply = ListingFactory(quantity=600)
    deal(supply=supply).offer(quantity=400)
    case = deal(supply=supply)

    with translation.override("en"), pytest.raises(InputRefused) as refusal:
        case.offer(quantity=201)

    assert refusal.value.errors == {"lines.0.quantity": [f"Only 200 pieces of “{supply.title_en}” are left."]}


def test_make_offer_is_for_traders_of_a_side(now):
    case = deal()

    with pytest.raises(OnlyMembersMay):
        case.offer(by=trader_of(case.seller, "viewer"))
    other = OrganisationFactory()
    stranger = trader_of(other)
    with pytest.raises(negotiation_rules.NotYourNegotiation):
        offers.make_offer(
            negotiation=case.negotiation,
            by=stranger,
            organisation=other,
            terms=TERMS,
            lines=[LINE],
            valid_until=now + dt.timedelta(days=1),
            now=now,
        )


def test_make_offer_is_refused_to_a_suspended_organisation(now):
    case = deal()
    Organisation.objects.filter(pk=case.seller.pk).update(state="suspended")
    case.seller.refresh_from_db()

    with pytest.raises(negotiation_rules.OrganisationMayNotTrade):
        case.offer()


def test_accept_offer_makes_an_order_and_takes_from_both_listings(now):
    case = deal()
    case.offer("buyer", quantity=400)
    offer = case.offer("seller", quantity=300)

    order = case.accept(offer)

    assert (order.buyer, order.seller, order.total_amount) == (case.buyer, case.seller, 30000)
    assert (case.left(), case.held()) == ((700, 200), (0, 0))
    offer.refresh_from_db()
    case.negotiation.refresh_from_db()
    assert (offer.status, offer.answered_by, offer.answered_at) == (Status.ACCEPTED, case.purchaser, now)
    assert (case.negotiation.status, case.negotiation.stage) == ("agreed", Negotiation.Stage.AGREED)
    assert told(case.seller, "offer.accepted") == [
        f"{case.buyer.name_en} accepted your offer for “{case.demand.title_en}”"
    ]
    assert DealRecord.objects.filter(order=order).count() >= 4


def test_accept_offer_closes_a_listing_that_is_sold_out_and_lowers_the_minimum_of_one_that_is_not(now):
    supply = ListingFactory(quantity=600, minimum_order=200)
    case = deal(supply=supply)

    case.accept(case.offer(quantity=500))

    supply.refresh_from_db()
    case.demand.refresh_from_db()
    assert (supply.quantity, supply.minimum_order, supply.status) == (100, 100, "open")
    assert (case.demand.quantity, case.demand.minimum_order, case.demand.status) == (0, None, "closed")
    assert supply.revision == 2


def test_accept_offer_about_a_listing_without_quantity_takes_nothing_of_it(now):
    case = deal(supply=ListingFactory(quantity=None))

    case.accept(case.offer(quantity=500))

    assert case.left() == (None, 0)


def test_accept_offer_is_for_the_other_side(now):
    case = deal()
    offer = case.offer()

    with pytest.raises(offers.OfferIsYourOwn):
        case.accept(offer, by=case.salesman)
    with pytest.raises(OnlyMembersMay):
        case.accept(offer, by=trader_of(OrganisationFactory()))


def test_accept_offer_makes_one_order_however_often_it_is_asked(now):
    case = deal()
    offer = case.offer()
    case.accept(offer)

    with pytest.raises(negotiation_rules.NegotiationNoLongerOpen):
        case.accept(offer)

    assert Order.objects.count() == 1


def test_accept_offer_is_refused_after_it_lapsed_was_withdrawn_or_countered(now):
    case = deal()
    late = case.offer(days=1)
    with pytest.raises(offers.OfferNoLongerOpen):
        case.accept(late, now=now + dt.timedelta(days=2))
    offers.withdraw_offer(offer=late, by=case.salesman, now=now)
    with pytest.raises(offers.OfferNoLongerOpen):
        case.accept(late)


def test_accept_offer_is_refused_when_others_took_the_quantity(now):
    supply = ListingFactory(quantity=600)
    first, second = deal(supply=supply), deal(supply=supply)
    asked = second.offer("buyer", quantity=500)
    first.accept(first.offer("buyer", quantity=400))

    with pytest.raises(QuantityNoLongerAvailable) as refusal:
        second.accept(asked)

    assert refusal.value.left == 200
    asked.refresh_from_db()
    assert (asked.status, Order.objects.count(), second.held()) == (Status.OPEN, 1, (0, 500))


def test_accept_offer_of_a_collective_purchase_is_its_pools_matter(now):
    case = deal(origin="pool")

    with pytest.raises(offers.PoolTakesItTogether):
        case.accept(case.offer())


def test_take_accepted_takes_the_quantity_without_an_order(now):
    case = deal(origin="pool")

    taken = offers.take_accepted(offer=case.offer(), by=case.purchaser, now=now)

    assert (taken.status, case.left(), Order.objects.count()) == (Status.ACCEPTED, (500, 0), 0)


def test_decline_offer_sets_its_quantity_free_and_says_why(now):
    case = deal()
    offer = case.offer()

    offers.decline_offer(offer=offer, by=case.purchaser, note="太贵", now=now)

    offer.refresh_from_db()
    assert (offer.status, offer.answer_note, case.held()) == (Status.DECLINED, "太贵", (0, 0))
    assert told(case.seller, "offer.declined") == [
        f"{case.buyer.name_en} declined your offer for “{case.demand.title_en}”"
    ]
    with pytest.raises(offers.OfferNoLongerOpen):
        offers.decline_offer(offer=offer, by=case.purchaser, now=now)
    with pytest.raises(offers.OfferIsYourOwn):
        offers.decline_offer(offer=case.offer(), by=case.salesman, now=now)


def test_withdraw_offer_is_for_who_made_it(now):
    case = deal()
    offer = case.offer()
    with pytest.raises(OnlyMembersMay):
        offers.withdraw_offer(offer=offer, by=case.purchaser, now=now)

    offers.withdraw_offer(offer=offer, by=case.salesman, now=now)

    offer.refresh_from_db()
    assert (offer.status, case.held()) == (Status.WITHDRAWN, (0, 0))
    assert len(told(case.buyer, "offer.withdrawn")) == 1


def test_lapse_offers_sets_the_quantity_free_and_tells_both_once(now):
    case = deal()
    offer = case.offer(days=1)
    later = now + dt.timedelta(days=2)

    assert (lapse_offers(now=now), lapse_offers(now=later), lapse_offers(now=later)) == (0, 1, 0)

    offer.refresh_from_db()
    assert (offer.status, offer.answered_at, case.held()) == (Status.LAPSED, later, (0, 0))
    assert [len(told(side, "offer.lapsed")) for side in (case.seller, case.buyer)] == [1, 1]


def test_offer_is_kept_by_the_database_as_it_was_written(now):
    offer = deal().offer()

    for change in (
        lambda: Offer.objects.filter(pk=offer.pk).update(total_amount=1, net_amount=1, tax_amount=0),
        lambda: Offer.objects.filter(pk=offer.pk).update(valid_until=now + dt.timedelta(days=99)),
        lambda: OfferLine.objects.filter(offer=offer).update(unit_price=1),
        lambda: OfferLine.objects.filter(offer=offer).delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_offer_above_the_members_limit_waits_for_an_approver_and_holds_nothing(now):
    case = deal()
    small = trader_of(case.seller, limit=40_000)
    earlier = case.offer("buyer")

    offer = case.offer(by=small)

    earlier.refresh_from_db()
    assert (offer.status, earlier.status, case.held()) == (Status.AWAITING_APPROVAL, Status.OPEN, (0, 500))
    approval = Approval.objects.get()
    assert (approval.act, approval.status, approval.requested_by) == ("send", "pending", small)
    assert not Offer.objects.visible_to(case.purchaser).filter(pk=offer.pk).exists()
    assert told(case.buyer, "offer.received") == []


def test_offer_in_another_currency_counts_as_above_the_limit(now):
    case = deal()

    offer = case.offer(by=trader_of(case.seller, limit=10**9), currency="USD")

    assert offer.status == Status.AWAITING_APPROVAL


def test_listing_sums_of_held_and_quantity_stay_within_what_there_is(now):
    listing = ListingFactory(quantity=100)

    with pytest.raises(IntegrityError), transaction.atomic():
        Listing.objects.filter(pk=listing.pk).update(held=101)
    with pytest.raises(IntegrityError), transaction.atomic():
        Listing.objects.filter(pk=listing.pk).update(quantity=0)
