import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Order, PoolCommitment, PoolSupplier, PurchasePool, Shipment
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.factories_pool import DemandFactory, PoolCommitmentFactory, PurchasePoolFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


def page(name, *args):
    return reverse(f"marketplace:{name}", args=args)


@pytest.fixture
def user(client):
    user = UserFactory(language="en")
    client.force_login(user)
    return user


@pytest.fixture
def firm(user):
    return OrganisationFactory(members=[user])


@pytest.fixture
def pool(real_now):
    """Return an open pool of somebody else's with 470 pieces in it."""
    today = timezone.localdate(real_now)
    pool = PurchasePoolFactory(
        closes_at=real_now + dt.timedelta(days=9),
        leave_free_until=real_now + dt.timedelta(days=5),
        window_start=today,
        window_end=today + dt.timedelta(days=40),
        region="331000",
    )
    PoolCommitmentFactory(pool=pool, quantity=470)
    return pool


@pytest.fixture
def ours(pool, firm):
    """Return the pool as one that the user runs."""
    PurchasePool.objects.update(organiser=firm)
    pool.refresh_from_db()
    return pool


def filled_in(**changes):
    CategoryFactory()
    today = timezone.localdate()
    return {
        "title_zh": "球阀集采",
        "category": "valve.ball",
        "unit": "只",
        "step": "1",
        "base_price": "100",
        "minimum_quantity": "100",
        "closes_at": f"{today + dt.timedelta(days=10)}T18:00",
        "shortage_rule": "pro_rata",
        "visibility": "public",
        "currency": "CNY",
        "tax_rate": "13",
        "price_includes_tax": "on",
        "incoterm": "delivered",
        "region": "台州市",
        "window_start": str(today + dt.timedelta(days=20)),
        "window_end": str(today + dt.timedelta(days=40)),
        "payment_term": "net",
        "payment_days": "30",
        "prices_0_from_quantity": "100",
        "prices_0_unit_price": "95",
        "prices_1_from_quantity": "500",
        "prices_1_unit_price": "88.5",
    } | changes


def test_pool_list_asks_as_often_for_three_as_for_one(client, pool, count_queries):
    few = count_queries(page("pool_list"))
    PurchasePoolFactory.create_batch(2)

    assert count_queries(page("pool_list")) == few
    assert client.get(page("pool_list")).context["page"].paginator.count == 3


def test_pool_list_shows_ones_own(client, user, firm, pool):
    PoolCommitmentFactory(pool=PurchasePoolFactory(status="closed", closed_at=timezone.now()), organisation=firm)

    response = client.get(page("pool_list"), {"show": "mine"})

    assert [row[0].status for row in response.context["rows"]] == ["closed"]
    assert client.get(page("pool_list"), {"show": "over"}).context["rows"] == []


def test_pool_create_opens_it_once_however_often_it_is_sent(client, user, firm):
    sent = filled_in(organiser=firm.pk, form_key="k")

    first = client.post(page("pool_create"), sent)
    again = client.post(page("pool_create"), sent)

    pool = PurchasePool.objects.get()
    assert first.url == again.url == page("pool_detail", pool.pk)
    assert [(rung.from_quantity, rung.unit_price) for rung in pool.ladder()] == [(100, 95), (500, Decimal("88.5"))]
    assert (pool.region, pool.specification["text"]) == ("331000", "")


def test_pool_create_shows_what_is_wrong_at_its_field(client, user, firm):
    wrong = filled_in(organiser=firm.pk, prices_1_unit_price="96", minimum_quantity="0.5")

    response = client.post(page("pool_create"), wrong)

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"prices_1_unit_price", "minimum_quantity"}
    assert not PurchasePool.objects.exists()


def test_pool_create_begins_with_the_demands_of_a_proposal(client, user, firm):
    demands = [DemandFactory(quantity=80), DemandFactory(quantity=90)]

    form = client.get(page("pool_create"), {"demand": [one.pk for one in demands]}).context["form"]

    assert (form["category"].value(), form["minimum_quantity"].value()) == ("valve.ball", "170")


def test_pool_create_is_for_those_who_trade(client, user):
    assert client.get(page("pool_create")).status_code == 404
    assert client.get(page("pool_proposal_list")).status_code == 404


def test_pool_proposal_list_shows_what_could_be_bought_together(client, user, firm):
    today = timezone.localdate()
    for quantity in (80, 90):
        DemandFactory(quantity=quantity, window_end=today + dt.timedelta(days=20))
    ListingFactory(price_min=90, price_unit="piece", minimum_order=150)

    response = client.get(page("pool_proposal_list"))

    assert [one.total for one in response.context["proposals"]] == [170]


def test_pool_detail_shows_members_to_the_organiser_alone(client, user, pool, firm):
    member = pool.commitments.get().organisation.name_zh

    assert member not in client.get(page("pool_detail", pool.pk)).content.decode()
    PurchasePool.objects.update(organiser=firm)
    assert member in client.get(page("pool_detail", pool.pk)).content.decode()


def test_pool_detail_of_the_invited_is_not_found_by_strangers(client, user, pool):
    PurchasePool.objects.update(visibility="invited")

    for name in ("pool_detail", "pool_commit", "pool_edit", "pool_cancel", "pool_ask"):
        assert client.get(page(name, pool.pk)).status_code == 404
    for name in ("pool_close", "pool_invite", "pool_give_up"):
        assert client.post(page(name, pool.pk)).status_code == 404


def test_pool_commit_shows_what_it_means_before_one_joins(client, user, firm, pool):
    response = client.get(page("pool_commit", pool.pk), {"quantity": "40"})

    outlook = response.context["outlook"]
    assert (outlook.price_without, outlook.price_with, outlook.saving) == (95, 88, 480)
    assert "¥480" in response.content.decode()
    for odd in ("", "lots", "-3", "NaN", "1e99", "0.2"):
        assert client.get(page("pool_commit", pool.pk), {"quantity": odd}).context["outlook"] is None


def test_pool_commit_joins_once_and_says_what_is_wrong(client, user, firm, pool):
    demand = DemandFactory(organisation=firm)
    wrong = client.post(page("pool_commit", pool.pk), {"organisation": firm.pk, "quantity": "900", "demand": demand.pk})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["quantity"])

    sent = {"organisation": firm.pk, "quantity": "40", "demand": demand.pk, "form_key": "k"}
    first = client.post(page("pool_commit", pool.pk), sent)
    again = client.post(page("pool_commit", pool.pk), sent)
    twice = client.post(page("pool_commit", pool.pk), sent | {"form_key": "l"})

    assert first.url == again.url == page("pool_detail", pool.pk)
    assert twice.status_code == 409
    assert PoolCommitment.objects.get(organisation=firm).held == 40
    assert "40 pieces" in client.get(page("pool_detail", pool.pk), **ENGLISH).content.decode()


def test_pool_commitment_is_changed_and_left(client, user, firm, pool):
    commitment = PoolCommitmentFactory(pool=pool, organisation=firm, quantity=40)
    change, leave = page("pool_commitment_change", commitment.pk), page("pool_commitment_leave", commitment.pk)

    assert client.get(change).context["outlook"].committed_without == 470
    assert client.post(change, {"quantity": "1.5"}).status_code == 422
    assert client.post(change, {"quantity": "50"}).status_code == 302
    assert client.get(leave).context["is_free"] is True
    assert client.post(leave).url == page("pool_detail", pool.pk)
    commitment.refresh_from_db()
    assert (commitment.quantity, commitment.status) == (50, "withdrawn")


def test_pool_commitment_of_another_firm_is_not_found(client, user, firm, pool):
    other = pool.commitments.get()

    for name in ("pool_commitment_change", "pool_commitment_leave"):
        assert client.get(page(name, other.pk)).status_code == 404
    assert client.post(page("pool_commitment_let_go", other.pk)).status_code == 404


def test_member_that_leaves_late_asks_and_the_organiser_lets_it_go(client, user, firm, pool):
    PurchasePool.objects.update(leave_free_until=timezone.now(), leaving_percent=10)
    commitment = PoolCommitmentFactory(pool=pool, organisation=firm, quantity=40)
    leave = page("pool_commitment_leave", commitment.pk)

    assert client.get(leave).context["owed"] == 352
    assert client.post(leave, {"reason": ""}).status_code == 422
    assert client.post(leave, {"reason": "停产"}).status_code == 302
    PurchasePool.objects.update(organiser=firm)
    assert "停产" in client.get(page("pool_detail", pool.pk)).content.decode()
    client.post(page("pool_commitment_let_go", commitment.pk))
    commitment.refresh_from_db()
    assert (commitment.status, commitment.leaving_amount) == ("withdrawn", 352)


def test_organiser_edits_invites_closes_and_cancels(client, user, ours):
    PoolCommitment.objects.all().delete()
    guest = OrganisationFactory()
    assert client.get(page("pool_edit", ours.pk)).status_code == 200
    assert client.post(page("pool_edit", ours.pk), filled_in(title_zh="改名")).status_code == 302
    assert client.post(page("pool_invite", ours.pk), {"firms": f"{guest.uscc}, 999999"}).status_code == 422
    assert client.post(page("pool_invite", ours.pk), {"firms": guest.uscc}).status_code == 302
    assert ours.invitations.get().organisation == guest
    assert client.post(page("pool_close", ours.pk)).status_code == 409
    PoolCommitmentFactory(pool=ours, quantity=200)
    assert client.post(page("pool_close", ours.pk)).status_code == 302
    assert client.get(page("pool_cancel", ours.pk)).status_code == 200
    assert client.post(page("pool_cancel", ours.pk), {"reason": ""}).status_code == 422
    assert client.post(page("pool_cancel", ours.pk), {"reason": "停产"}).status_code == 302
    ours.refresh_from_db()
    assert (ours.status, ours.title_zh) == ("cancelled", "改名")


def test_organiser_asks_suppliers_and_a_supplier_accepts_for_all(client, user, ours):
    seller = UserFactory(language="en")
    supply = ListingFactory(organisation=OrganisationFactory(members=[seller]), quantity=1000)
    client.post(page("pool_close", ours.pk))
    assert [one.pk for one in client.get(page("pool_ask", ours.pk)).context["supplies"]] == [supply.pk]
    client.post(page("pool_ask", ours.pk), {"supply": [supply.pk]})
    offer = PoolSupplier.objects.get().negotiation.offers.get()
    assert client.post(page("pool_accept", ours.pk, offer.pk)).status_code == 409  # the organiser's own offer

    client.force_login(seller)
    shown = client.get(page("pool_detail", ours.pk), **ENGLISH).content.decode()
    assert "Accept for all members" in shown
    assert ours.commitments.get().organisation.name_en not in shown
    assert page("pool_detail", ours.pk) in client.get(page("negotiation_detail", offer.negotiation_id)).content.decode()
    assert client.post(page("pool_accept", ours.pk, offer.pk)).url == page("pool_detail", ours.pk)
    assert Order.objects.get().lines.get().quantity == 470
    assert client.post(page("pool_accept", ours.pk, offer.pk)).status_code == 409
    client.force_login(UserFactory())
    assert client.post(page("pool_accept", ours.pk, offer.pk)).status_code == 404


def test_organiser_gives_up_without_a_supplier(client, user, ours):
    client.post(page("pool_close", ours.pk))
    client.post(page("pool_give_up", ours.pk))

    ours.refresh_from_db()
    assert ours.status == "failed"


@pytest.fixture
def served(client, user, firm, ours):
    """Return the seller of an order for each of two members, 470 and the user's 30 pieces."""
    seller = UserFactory()
    supply = ListingFactory(organisation=OrganisationFactory(members=[seller]), quantity=1000)
    PoolCommitmentFactory(pool=ours, organisation=firm, quantity=30)
    client.post(page("pool_close", ours.pk))
    client.post(page("pool_ask", ours.pk), {"supply": [supply.pk]})
    offer = PoolSupplier.objects.get().negotiation.offers.get()
    client.force_login(seller)
    client.post(page("pool_accept", ours.pk, offer.pk))
    return seller


def test_supplier_plans_one_shipment_and_each_member_sees_its_own_goods(client, user, firm, ours, served):
    plan = page("pool_shipment_create", ours.pk)
    assert [row.left for row in client.get(plan).context["rows"]] == [470, 30]
    assert page("pool_shipment_create", ours.pk) in client.get(page("pool_detail", ours.pk)).content.decode()
    sent = {"lots_0_quantity": "470", "lots_1_quantity": "30", "to_address": "台州"}
    assert client.post(plan, sent | {"lots_1_quantity": "31"}).status_code == 422

    planned = client.post(plan, sent)

    shipment = Shipment.objects.get()
    assert planned.url == page("shipment_detail", shipment.pk)
    assert [(lot.order_line.order.buyer_id, lot.quantity) for lot in shipment.lots.order_by("pk")] == [
        (order.buyer_id, order.lines.get().quantity) for order in Order.objects.order_by("pk")
    ]
    assert client.get(plan).context["rows"] == []
    client.force_login(user)
    assert client.get(plan).status_code == 404
    both = client.get(page("pool_detail", ours.pk)).context["page"].arrivals
    PurchasePool.objects.update(organiser=OrganisationFactory())
    own = client.get(page("pool_detail", ours.pk)).context["page"].arrivals
    order = client.get(page("order_detail", Order.objects.get(buyer=firm).pk)).content.decode()
    assert page("pool_detail", ours.pk) in order
    assert [[lot.quantity for lot in one.lots] for one in both] == [[470, 30]]
    assert [[lot.quantity for lot in one.lots] for one in own] == [[30]]
    assert Order.objects.get(buyer=firm).number in client.get(page("pool_detail", ours.pk)).content.decode()
