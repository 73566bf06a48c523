import datetime as dt

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.models import Order, PoolCommitment, PurchasePool
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.factories_pool import DemandFactory, PoolCommitmentFactory, PurchasePoolFactory

pytestmark = pytest.mark.django_db
POOLS = "/api/v1/pools/"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def firm(user):
    return OrganisationFactory(members=[user])


@pytest.fixture
def api(user):
    cache.clear()
    client = APIClient(headers={"Accept-Language": "en"})
    client.force_authenticate(user)
    return client


@pytest.fixture
def pool(real_now):
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


def said(**changes):
    CategoryFactory()
    today = timezone.localdate()
    return {
        "title_zh": "球阀集采",
        "category": "valve.ball",
        "unit": "piece",
        "base_price": "100",
        "minimum_quantity": "100",
        "closes_at": f"{today + dt.timedelta(days=10)}T18:00:00+08:00",
        "region": "331000",
        "window_start": str(today + dt.timedelta(days=20)),
        "window_end": str(today + dt.timedelta(days=40)),
        "prices": [{"from_quantity": 100, "unit_price": "95"}],
    } | changes


def test_pool_is_opened_once_per_key_with_its_firms_invited(api, firm):
    demand = DemandFactory()
    body = said(organiser=firm.pk, demands=[demand.pk])

    first = api.post(POOLS, body, headers={"Idempotency-Key": "k"})
    again = api.post(POOLS, body, headers={"Idempotency-Key": "k"})

    assert (first.status_code, again.json()) == (201, first.json())
    pool = PurchasePool.objects.get()
    assert (first.json()["number"], first.json()["prices"]) == (pool.number, [{"from_quantity": 100, "unit_price": 95}])
    assert pool.invitations.get().organisation == demand.organisation


def test_pool_refusals_name_their_fields(api, firm):
    wrong = said(
        organiser=firm.pk, unit="furlong", prices=[{"from_quantity": 100, "unit_price": "101"}], park="nowhere"
    )

    answer = api.post(POOLS, wrong)

    assert (answer.status_code, sorted(answer.json()["errors"])) == (400, ["park", "prices.0.unit_price", "unit"])
    assert api.post(POOLS, said(organiser=OrganisationFactory().pk)).json()["errors"].keys() == {"organiser"}


def test_pool_list_and_detail_show_how_far_it_is(api, firm, pool):
    PurchasePoolFactory(visibility="invited")

    shown = api.get(POOLS).json()["results"]

    assert [one["id"] for one in shown] == [pool.pk]
    assert shown[0]["standing"] == {
        "committed": 470,
        "price": 95,
        "missing": 30,
        "goal": 500,
        "percent": 94,
        "reaches_minimum": True,
    }
    assert api.get(f"{POOLS}{pool.pk}/").json()["member_count"] == 1
    assert api.get(POOLS, {"mine": "true", "status": "open"}).json()["count"] == 0
    assert APIClient().get(POOLS).status_code == 200


def test_outlook_says_what_a_quantity_means(api, firm, pool):
    shown = api.get(f"{POOLS}{pool.pk}/outlook/", {"quantity": 40}).json()

    assert (shown["price_without"], shown["price_with"], shown["saving"], shown["example_share"]) == (95, 88, 480, 32)
    assert api.get(f"{POOLS}{pool.pk}/outlook/", {"quantity": "much"}).json()["errors"].keys() == {"quantity"}
    assert api.get(f"{POOLS}{pool.pk}/outlook/", {"quantity": "0.5"}).status_code == 400


def test_commitment_is_made_changed_and_left(api, firm, pool):
    made = api.post(f"{POOLS}{pool.pk}/commitments/", {"organisation": firm.pk, "quantity": 40})
    again = api.post(f"{POOLS}{pool.pk}/commitments/", {"organisation": firm.pk, "quantity": 40})
    own = f"/api/v1/pool-commitments/{made.json()['id']}/"

    assert (made.status_code, again.status_code, again.json()["code"]) == (201, 409, "already_committed")
    assert api.get(f"{POOLS}{pool.pk}/commitments/").json()["count"] == 1
    assert api.put(own, {"quantity": 50, "maximum_price": 90}).json()["quantity"] == "50.000"
    assert api.put(own, {"quantity": "0.5"}).json()["errors"].keys() == {"quantity"}
    assert api.get(own).json()["status"] == "committed"
    assert api.post(f"{own}leave/").json()["status"] == "withdrawn"
    assert api.post(f"{own}leave/").json()["code"] == "commitment_has_ended"


def test_others_commitments_are_not_found(api, firm, pool):
    other = pool.commitments.get()

    assert api.get(f"/api/v1/pool-commitments/{other.pk}/").status_code == 404
    assert api.put(f"/api/v1/pool-commitments/{other.pk}/", {"quantity": 1}).status_code == 404
    assert api.post(f"/api/v1/pool-commitments/{other.pk}/let-go/").status_code == 404
    for act in ("close", "cancel", "give-up", "invitations", "offers"):
        assert api.post(f"{POOLS}{pool.pk}/{act}/", {}).status_code == 404


def test_organiser_runs_it_to_the_orders(api, user, firm, pool):
    PurchasePool.objects.update(organiser=firm)
    seller, guest = UserFactory(), OrganisationFactory()
    supply = ListingFactory(organisation=OrganisationFactory(members=[seller]), quantity=1000)
    own = f"{POOLS}{pool.pk}/"

    assert api.put(own, said()).json()["code"] == "pool_has_members"
    assert api.post(f"{own}invitations/", {"firms": [guest.uscc]}).json() == {"count": 1}
    assert api.post(f"{own}invitations/", {"firms": ["999999"]}).json()["errors"].keys() == {"firms"}
    assert api.post(f"{own}close/").json()["status"] == "closed"
    assert api.post(f"{own}offers/", {"supplies": [supply.pk, 999999]}).json()["errors"].keys() == {"supplies"}
    assert api.post(f"{own}offers/", {"supplies": [supply.pk]}).json() == {"count": 1}
    (row,) = api.get(f"{own}offers/").json()
    assert (row["is_ours_to_answer"], row["unit_price"], row["shares"][0]["quantity"]) == (False, 95, 470)

    api.force_authenticate(seller)
    accepted = api.post(f"{own}offers/{row['offer']}/accept/", headers={"Idempotency-Key": "k"})
    again = api.post(f"{own}offers/{row['offer']}/accept/", headers={"Idempotency-Key": "k"})

    assert (accepted.status_code, again.json()) == (201, accepted.json())
    assert Order.objects.get().buyer == PoolCommitment.objects.get().organisation


def test_organiser_cancels_or_lets_a_member_go(api, firm, pool):
    PurchasePool.objects.update(organiser=firm)
    PoolCommitment.objects.update(leave_requested_at=timezone.now())
    gone = api.post(f"/api/v1/pool-commitments/{pool.commitments.get().pk}/let-go/")

    assert gone.json()["status"] == "withdrawn"
    assert api.post(f"{POOLS}{pool.pk}/cancel/", {}).json()["errors"].keys() == {"reason"}
    assert api.post(f"{POOLS}{pool.pk}/cancel/", {"reason": "x"}).json()["status"] == "cancelled"
    assert api.post(f"{POOLS}{pool.pk}/give-up/").json()["code"] == "pool_not_in_state_for_this"


def test_proposals_are_listed(api, firm):
    DemandFactory(quantity=80)
    DemandFactory(quantity=90)
    ListingFactory(price_min=90, price_unit="piece", minimum_order=150)

    (found,) = api.get("/api/v1/pool-proposals/").json()

    assert (found["category"], found["total"], found["unit_price"], found["base_price"]) == (
        "valve.ball",
        170,
        90,
        None,
    )
