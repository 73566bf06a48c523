import pytest
from django.db import transaction
from django.test import override_settings

from marketplace.models import (
    Category,
    Exhibition,
    Listing,
    Membership,
    Negotiation,
    Notification,
    Order,
    Organisation,
    PurchasePool,
    RequestForQuotation,
    User,
)
from seeds.services import DEMO_USERS, DESK, DatabaseNotEmpty, Planted, seed
from tests.factories import NOON

ASKED = {"listings": 60, "organisations": 70, "random_state": 0, "password": "demo-2026"}


@pytest.fixture(scope="module")
def _planted(django_db_setup, django_db_blocker):
    """Plant once for all tests that only look, and take it away after them."""
    with (
        django_db_blocker.unblock(),
        override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]),
        transaction.atomic(),
    ):
        yield seed(**ASKED, now=NOON)
        transaction.set_rollback(True)


@pytest.fixture
def planted(_planted, db):
    return _planted


def test_seed_plants_catalogue_users_firms_and_listings(planted, now):
    assert planted == Planted(organisations=70, listings=60)
    assert Category.objects.current().count() > 350
    assert Organisation.objects.approved().filter(is_demo=True).count() == 70
    assert Listing.objects.open(now).count() == 60
    assert {user.username for user in User.objects.all()} == {*DEMO_USERS, "admin", DESK}


def test_seed_gives_each_demo_user_a_firm_and_a_role(planted):
    for name, (_key, role) in DEMO_USERS.items():
        user = User.objects.get(username=name)
        membership = user.memberships.get()
        assert user.check_password("demo-2026")
        assert membership.role == role
        assert role in Membership.ROLES[membership.organisation.kind]


def test_seed_makes_admin_the_platform_operator(planted):
    staff = User.objects.filter(is_staff=True, is_superuser=True)
    assert [user.username for user in staff] == ["admin"]


def test_seed_lets_nobody_log_in_as_the_desk(planted):
    assert not User.objects.get(username=DESK).check_password("demo-2026")


def test_seed_tells_the_desk_nothing(planted):
    assert Notification.objects.filter(user__username=DESK).count() == 0


def test_seed_posts_the_sellers_valves_for_the_main_story(planted):
    valve = Listing.objects.get(
        organisation__memberships__user__username="seller", attributes__contains={"DN": 50, "PN": 16}
    )
    assert valve.title_zh == "304 不锈钢法兰球阀 DN50 PN16"
    assert valve.quantity >= 500
    assert valve.lead_days <= 30
    assert valve.created_by.username == "seller"


def test_seed_plants_deals_at_every_stage(planted):
    assert list(Order.objects.order_by("confirmed_at").values_list("status", flat=True)) == ["closed", "in_fulfilment"]
    assert Negotiation.objects.open().count() == 1
    assert RequestForQuotation.objects.get().status == RequestForQuotation.Status.OPEN
    assert PurchasePool.objects.get().commitments.count() == 3
    assert Exhibition.objects.get().status == Exhibition.Status.ANNOUNCED


def test_seed_refuses_to_plant_twice(planted, now):
    with pytest.raises(DatabaseNotEmpty):
        seed(**ASKED, now=now)

    assert Listing.objects.count() == 60
