import datetime as dt
from decimal import Decimal

import pytest

from marketplace.models import Listing, Membership, Notification, Offer, Order, PoolCommitment, PurchasePool
from marketplace.services import negotiations, offers, pool_offers, pools
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_pool import DemandFactory, PoolCommitmentFactory, PurchasePoolFactory
from tests.races import race

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def seller():
    return UserFactory()


@pytest.fixture
def pool(owner):
    """Return a closed pool of three: 60, 100 and 140 pieces."""
    pool = PurchasePoolFactory(organiser=OrganisationFactory(members=[owner]), region="331000")
    for quantity in (60, 100, 140):
        PoolCommitmentFactory(pool=pool, quantity=quantity)
    return pool


@pytest.fixture
def supply(seller):
    return ListingFactory(organisation=OrganisationFactory(members=[seller]), quantity=1000, price_min=90)


@pytest.fixture
def asked(pool, owner, supply, now):
    """Return the negotiation with the supplier of a pool that has closed."""
    pools.close_pool(pool=pool, by=owner, now=now)
    (row,) = pool_offers.ask_suppliers(pool=pool, supplies=[supply], by=owner, now=now)
    return row.negotiation


def offer(negotiation, by, now, quantity=300, unit_price=94, **changes):
    organisation = negotiation.seller
    terms = {"region": "331000", "window_start": "2026-04-01", "window_end": "2026-04-30", **changes.pop("terms", {})}
    goods = {"description": "球阀", "quantity": quantity, "unit": "piece", "unit_price": unit_price}
    return offers.make_offer(
        negotiation=negotiation,
        by=by,
        organisation=organisation,
        terms=terms,
        lines=[goods | changes.pop("goods", {}), *changes.pop("charges", [])],
        valid_until=now + dt.timedelta(days=3),
        now=now,
    )


def accept(pool, offered, by, now):
    return pool_offers.accept_pool_offer(pool=pool, offer=offered, by=by, now=now)


def test_asking_a_supplier_puts_the_pools_terms_at_the_price_reached(pool, owner, seller, asked):
    pool.refresh_from_db()
    first = asked.offers.get()

    assert (pool.status, asked.origin, asked.buyer, first.side) == ("negotiating", "pool", pool.organiser, "buyer")
    (line,) = first.lines.all()
    assert (line.quantity, line.unit, line.unit_price) == (300, "piece", 95)
    assert "pool.asked" in set(Notification.objects.in_app_of(seller).values_list("event", flat=True))


def test_asking_refuses_before_the_close_members_and_twice(pool, owner, supply, now):
    with pytest.raises(pools.PoolNotInStateForThis):
        pool_offers.ask_suppliers(pool=pool, supplies=[supply], by=owner, now=now)
    pools.close_pool(pool=pool, by=owner, now=now)
    member = ListingFactory(organisation=pool.commitments.first().organisation)

    assert list(pool_offers.supplier_choices(pool=pool, user=owner, now=now)) == [supply]
    with pytest.raises(pool_offers.SupplierIsAMember):
        pool_offers.ask_suppliers(pool=pool, supplies=[member], by=owner, now=now)
    pool_offers.ask_suppliers(pool=pool, supplies=[supply], by=owner, now=now)
    with pytest.raises(pool_offers.SupplierAlreadyAsked):
        pool_offers.ask_suppliers(pool=pool, supplies=[supply], by=owner, now=now)
    assert not pool_offers.supplier_choices(pool=pool, user=owner, now=now).exists()


def test_accepting_makes_one_order_per_member_and_takes_the_quantities(pool, owner, seller, supply, asked, now):
    demand = DemandFactory(organisation=pool.commitments.order_by("pk")[0].organisation, quantity=80, held=60)
    PoolCommitment.objects.filter(organisation=demand.organisation).update(demand=demand, held=60)

    orders = accept(pool, offer(asked, seller, now), owner, now)

    pool.refresh_from_db()
    supply.refresh_from_db()
    demand.refresh_from_db()
    assert (pool.status, pool.ended_at) == ("ordered", now)
    assert [(one.buyer_id, one.lines.get().quantity, one.total_amount) for one in orders] == [
        (commitment.organisation_id, commitment.quantity, commitment.quantity * 94)
        for commitment in pool.commitments.order_by("pk")
    ]
    assert (supply.quantity, supply.held) == (700, 0)
    assert (demand.quantity, demand.held, orders[0].demand) == (20, 0, demand)
    assert Notification.objects.filter(event="pool.ordered").count() == 0  # nobody works for these firms
    assert [one.allocated_quantity for one in pool.commitments.order_by("pk")] == [60, 100, 140]


def test_less_than_committed_is_shared_by_the_rule_and_the_rest_of_the_demand_is_free(pool, owner, seller, asked, now):
    first = pool.commitments.order_by("pk")[0]
    demand = DemandFactory(organisation=first.organisation, quantity=80, held=60)
    PoolCommitment.objects.filter(pk=first.pk).update(demand=demand, held=60)

    orders = accept(pool, offer(asked, seller, now, 250), owner, now)

    demand.refresh_from_db()
    # 250 of 300: 50, 83⅓, 116⅔.
    assert [one.lines.get().quantity for one in orders] == [50, 83, 117]
    assert (demand.quantity, demand.held) == (30, 0)
    said = orders[0].deal_records.get(kind="pool.allocated").payload
    assert (said["rule"], said["members"], said["wanted"], said["offered"], said["committed"], said["allocated"]) == (
        "pro_rata",
        3,
        "300.000",
        "250.000",
        "60.000",
        "50.000",
    )


def test_members_below_the_price_leave_and_who_gets_nothing_is_told(pool, owner, seller, asked, now):
    rows = list(pool.commitments.order_by("pk"))
    PoolCommitment.objects.filter(pk=rows[0].pk).update(maximum_price=D("93.99"))
    PurchasePool.objects.update(shortage_rule="first_come")

    offered = offer(asked, seller, now, 90)
    pool.refresh_from_db()
    division = pool_offers.divide(pool, offered)
    assert (division.priced_out, division.served, division.unserved) == ([rows[0]], [rows[1]], [rows[2]])
    accept(pool, offered, owner, now)

    assert [one.status for one in pool.commitments.order_by("pk")] == ["priced_out", "allocated", "unserved"]


def test_charges_count_in_the_price_and_are_shared_exactly(pool, owner, seller, asked, now):
    PoolCommitment.objects.filter(quantity=60).update(maximum_price=D("95.66"))
    freight = {"kind": "charge", "description": "运费", "unit_price": 500}

    offered = offer(asked, seller, now, charges=[freight])
    with pytest.raises(pool_offers.OfferAboveWhatMembersTake):
        # 94 and a three-hundredth of 500 make 95.67: the first leaves, and 300 are too many for the others.
        accept(pool, offered, owner, now)
    PoolCommitment.objects.update(maximum_price=None)
    orders = accept(pool, offered, owner, now)

    assert sum(one.lines.get(kind="charge").quantity for one in orders) == 1
    assert [one.lines.get(kind="charge").quantity for one in orders] == [D("0.200"), D("0.333"), D("0.467")]


def test_offers_that_cannot_be_shared_are_refused_with_the_reason(pool, owner, seller, asked, now):
    pool.refresh_from_db()
    with pytest.raises(pool_offers.OfferAboveWhatMembersTake):
        accept(pool, offer(asked, seller, now, 301), owner, now)
    with pytest.raises(pool_offers.OfferInAnotherUnit):
        accept(pool, offer(asked, seller, now, 10, goods={"unit": "dozen"}), owner, now)
    with pytest.raises(pool_offers.OfferInAnotherUnit):
        accept(pool, offer(asked, seller, now, "10.5"), owner, now)
    PoolCommitment.objects.update(maximum_price=50)
    with pytest.raises(pool_offers.NobodyTakesThisPrice):
        accept(pool, offer(asked, seller, now), owner, now)
    assert not Order.objects.exists()


def test_supplier_accepts_what_the_organiser_asked_for_and_nobody_accepts_their_own(pool, owner, seller, asked, now):
    first = asked.offers.get()
    with pytest.raises(offers.OfferIsYourOwn):
        accept(pool, first, owner, now)
    with pytest.raises(offers.PoolTakesItTogether):
        offers.accept_offer(offer=first, by=seller, now=now)

    assert len(accept(pool, first, seller, now)) == 3


def test_accepting_needs_the_pool_its_offer_and_a_sufficient_limit(pool, owner, seller, asked, now):
    offered = offer(asked, seller, now)
    other = PurchasePoolFactory(organiser=pool.organiser, status="negotiating", closed_at=now)
    with pytest.raises(pool_offers.OfferNotOfThisPool):
        accept(other, offered, owner, now)
    Membership.objects.filter(user=owner).update(approval_limit=1000)
    with pytest.raises(pool_offers.AboveYourLimit):
        accept(pool, offered, owner, now)
    Membership.objects.filter(user=owner).update(approval_limit=None)
    with pytest.raises(offers.OfferNoLongerOpen):
        accept(pool, offered, owner, now + dt.timedelta(days=4))
    accept(pool, offered, owner, now)
    with pytest.raises(pools.PoolNotInStateForThis):
        accept(pool, offered, owner, now)
    assert Order.objects.count() == 3


def test_other_suppliers_are_told_that_it_is_over(pool, owner, seller, supply, now):
    other = ListingFactory(organisation=OrganisationFactory(members=[UserFactory()]), quantity=None)
    pools.close_pool(pool=pool, by=owner, now=now)
    rows = pool_offers.ask_suppliers(pool=pool, supplies=[supply, other], by=owner, now=now)

    accept(pool, offer(rows[0].negotiation, seller, now), owner, now)

    left = rows[1].negotiation
    left.refresh_from_db()
    assert (left.status, left.offers.get().status) == ("ended", Offer.Status.WITHDRAWN)


def test_pool_without_a_supplier_is_given_up(pool, owner, asked, now):
    pool_offers.give_up_pool(pool=pool, by=owner, now=now)

    pool.refresh_from_db()
    asked.refresh_from_db()
    assert (pool.status, asked.status) == ("failed", "ended")
    assert set(pool.commitments.values_list("status", flat=True)) == {"released"}
    with pytest.raises(pools.PoolNotInStateForThis):
        pool_offers.give_up_pool(pool=pool, by=owner, now=now)


def test_cancelling_ends_the_negotiations_and_frees_what_offers_held(pool, owner, seller, supply, asked, now):
    offer(asked, seller, now)
    supply.refresh_from_db()
    assert supply.held == 300

    pools.cancel_pool(pool=pool, by=owner, reason="不再需要", now=now)

    supply.refresh_from_db()
    asked.refresh_from_db()
    assert (supply.held, asked.status) == (0, "ended")
    with pytest.raises(negotiations.RuleBroken):
        negotiations.say(negotiation=asked, by=owner, organisation=pool.organiser, text="?", now=now)


@pytest.mark.django_db(transaction=True)
def test_two_suppliers_who_accept_at_once_make_one_set_of_orders(pool, owner, seller, supply, now):
    rival = UserFactory()
    other = ListingFactory(organisation=OrganisationFactory(members=[rival]), quantity=1000)
    pools.close_pool(pool=pool, by=owner, now=now)
    rows = pool_offers.ask_suppliers(pool=pool, supplies=[supply, other], by=owner, now=now)

    outcomes = race(
        lambda: accept(pool, rows[0].negotiation.offers.get(), seller, now),
        lambda: accept(pool, rows[1].negotiation.offers.get(), rival, now),
    )

    assert Order.objects.count() == 3
    assert sum(isinstance(one, list) for one in outcomes) == 1
    assert sorted(Listing.objects.filter(side="supply").values_list("quantity", flat=True)) == [700, 1000]
